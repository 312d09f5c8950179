//! Time paid ahead, as the auditor sees it: one block after the other, each a payment of its own.

use super::purse::{NEVER, Purse, SECOND, second_of};
use super::terms::Terms;
use super::time::Outside;

impl Purse {
    /// Pays the blocks of a run that start until second `t`, which the caller knows to be payable.
    pub fn pay_blocks(&mut self, terms: &Terms, place: usize, t: i64) {
        while self.runs[place].next_block() <= t {
            let charge = self.runs[place].paid.as_ref().unwrap().charge;
            let (parts, missing) = self.take(charge);
            assert_eq!(missing, 0, "the auditor started a block unpaid");
            if charge > 0 {
                self.charge(terms, "block", charge, &parts);
            }
            let start = self.runs[place].next_block();
            self.runs[place].paid.as_mut().unwrap().blocks.push(parts);
            self.count(self.runs[place].label, start * SECOND, charge);
        }
    }

    /// What the blocks cost that start next, if they do until the instant `at`.
    pub fn blocks_until(&self, at: i64) -> i128 {
        let next = self.runs.iter().map(|run| run.next_block()).min().unwrap_or(NEVER);
        if next == NEVER || next * SECOND > at { 0 } else { self.blocks_at(next) }
    }

    fn blocks_at(&self, second: i64) -> i128 {
        let starting = self.runs.iter().filter(|run| run.next_block() == second);
        starting.filter_map(|run| run.paid.as_ref()).map(|paid| paid.charge).sum()
    }

    /// Whether the next block is near and cannot be paid.
    pub fn is_block_short(&self, terms: &Terms, t: i64) -> bool {
        let next = self.runs.iter().map(|run| run.next_block()).min().unwrap_or(NEVER);
        if next == NEVER || t < next - terms.ahead {
            return false;
        }
        let then = next.max(second_of(self.now));
        self.worth(then) - self.launch_held(terms, then) < self.blocks_at(next)
    }

    /// Starts what is due in the order in which runs were made; what cannot be paid ends, unless
    /// money is on its way.
    pub fn look_at_blocks(&mut self, terms: &Terms, at: i64, outside: &mut dyn Outside) {
        let t = second_of(at);
        if !self.runs.iter().any(|run| run.next_block() <= t) {
            return;
        }
        let to = self.settles_to(terms, at);
        // What goes on at a smaller size comes last, and its later blocks may be due as well.
        let mut next = 0;
        while next < self.runs.len() {
            let place = next;
            next += 1;
            if self.runs[place].next_block() <= t && self.shrink(terms, place, at, outside) {
                continue;
            }
            while self.runs[place].next_block() <= t {
                let start = self.runs[place].next_block();
                let charge = self.runs[place].paid.as_ref().unwrap().charge;
                let is_paid = charge == 0 || self.available(terms, t) >= charge;
                let is_paid = is_paid && self.frozen.is_none();
                if !is_paid && at < self.patience() {
                    break;
                }
                self.settle(terms, to);
                if is_paid {
                    if self.end_beyond(terms, place, start, at) {
                        break;
                    }
                    self.pay_blocks(terms, place, start);
                    continue;
                }
                self.end_unpaid(terms, place, start, at);
                break;
            }
        }
    }

    pub fn end_unpaid(&mut self, terms: &Terms, place: usize, start: i64, at: i64) {
        self.told.push(("run.stop_requested", at));
        self.end_blocks(terms, place, start, at);
        self.rest(terms, place);
        let goes_on = self.runs.iter().any(|run| run.stop.is_none() && run.compute);
        if !goes_on && self.frozen.is_none() {
            self.told.push(("balance.depleted", at));
        }
    }

    /// Ends a run at second `stop` and gives back the blocks that started then or later, last one
    /// first.
    pub fn end_blocks(&mut self, terms: &Terms, place: usize, stop: i64, now: i64) {
        loop {
            let run = &mut self.runs[place];
            let start = run.start;
            let paid = run.paid.as_mut().unwrap();
            let count = i64::try_from(paid.blocks.len()).unwrap();
            if count == 0 || start + paid.length * (count - 1) < stop {
                break;
            }
            let (charge, parts) = (paid.charge, paid.blocks.pop().unwrap());
            let begun = start + paid.length * (count - 1);
            let label = run.label;
            self.count(label, begun * SECOND, -charge);
            for &(number, part) in parts.iter().rev() {
                self.put_back(number, part);
            }
            self.book("revenue", -charge);
            if charge > 0 {
                *self.posted_by_kind.entry("block_reversal").or_default() -= charge;
            }
            let touched: Vec<i64> = parts.iter().map(|part| part.0).collect();
            self.end_voided(&touched);
        }
        self.runs[place].stop = Some(stop);
        self.told.push(("run.stopped", now));
        self.offset();
        self.expire_credits(terms, now);
        self.changed = true;
    }
}
