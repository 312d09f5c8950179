//! One wallet as a careful clerk would keep it: every run listed, every total added up anew.
//!
//! *Invariant:* nothing here calls the rules of `domain`; the arithmetic is this file's own.

use std::collections::BTreeMap;

use super::calendar::Zone;
use super::coupons::Waiting;
use super::discount::Discount;
use super::life::Life;
use super::limits::{Cap, Label};
use super::refill::{Attempt, Refill};
use super::returns::{Dispute, Frozen, Refund};
use super::terms::{Overdraft, Terms};
use super::validity::Validity;

pub const SECOND: i64 = 1_000_000;
pub const NEVER: i64 = i64::MAX;

/// Numbers from here on stand for grants, and for runs, whose real number is not known yet.
pub const UNNAMED: i64 = 1 << 60;
pub const GRACE: i64 = 60;
pub const COOLDOWN: i64 = 300;
pub const LATE: i64 = 72 * 3_600;
pub const AHEAD: i64 = 300;
pub const UNIT: i128 = 1_000_000_000;

/// Where a grant's value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// Paid for.
    Bought,
    /// Came with a purchase.
    Bonus,
    Given,
}

impl Sort {
    pub fn is_paid(self) -> bool {
        self == Sort::Bought
    }
}

/// A grant as it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    pub sort: Sort,
    pub priority: i64,
    pub expires: i64,
    /// Grants are told apart by age: their numbers are not always known at once.
    pub age: i64,
    /// The purchase that a bonus came with.
    pub with: Option<i64>,
    pub issued: i128,
    pub made: i64,
    pub voided: Option<i64>,
}

/// What is left of a grant.
#[derive(Clone, Debug)]
pub struct Credit {
    pub number: i64,
    pub sort: Sort,
    pub priority: i64,
    /// The age of the grant, or of the purchase it came with.
    pub anchor: i64,
    pub with: Option<i64>,
    pub expires: i64,
    pub left: i128,
    pub set_aside: i128,
}

impl Credit {
    pub fn free(&self) -> i128 {
        self.left - self.set_aside
    }

    /// The lower goes first (rulings R11).
    fn rank(&self) -> impl Ord + use<> {
        let is_bought = self.sort != Sort::Given;
        (self.priority, self.expires, is_bought, self.anchor, self.sort == Sort::Bonus)
    }
}

#[derive(Clone, Debug)]
pub struct Running {
    pub number: i64,
    /// How many runs were made before it.
    pub age: usize,
    pub resource: i64,
    pub sku: i64,
    /// Nanos × 10⁴ for every `per` seconds.
    pub price: i128,
    pub per: i64,
    pub compute: bool,
    pub label: Label,
    pub start: i64,
    pub stop: Option<i64>,
    pub paid: Option<Paid>,
    /// The signs of life that it has to show, if any.
    pub life: Option<Life>,
    /// Whether something was set aside for its launch.
    pub is_held: bool,
    /// The SKU that it goes on as with its next block.
    pub next_size: Option<i64>,
}

/// What a run under block terms has paid for: one block after the other from its start.
#[derive(Clone, Debug)]
pub struct Paid {
    pub length: i64,
    pub charge: i128,
    /// What each block was paid from, first block first.
    pub blocks: Vec<Vec<(i64, i128)>>,
}

impl Running {
    /// The second at which its next block starts.
    pub fn next_block(&self) -> i64 {
        let paid = self.paid.as_ref().filter(|_| self.stop.is_none());
        paid.map_or(NEVER, |paid| {
            self.start + paid.length * i64::try_from(paid.blocks.len()).unwrap()
        })
    }

    pub fn accrues(&self) -> bool {
        self.paid.is_none()
    }
}

#[derive(Clone, Debug)]
pub struct Aside {
    pub number: i64,
    pub amount: i128,
    pub parts: Vec<(i64, i128)>,
    pub expires: i64,
    pub state: &'static str,
    pub label: Label,
}

/// Where the value of one posting of time came from, newest last, so that it can be given back.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    Credit(i64, i128),
    Debt(i128),
    Absorbed(i128),
}

#[derive(Clone, Debug, Default)]
pub struct Purse {
    pub now: i64,
    /// The last instant at which anything was decided: time never goes back behind it.
    pub decided: i64,
    pub credits: Vec<Credit>,
    /// Grants that were given and begin at an instant to come.
    pub upcoming: Vec<(i64, Credit)>,
    /// Every grant there ever was.
    pub known: BTreeMap<i64, Origin>,
    /// Numbers that grants had before their real ones were told.
    pub renamed: BTreeMap<i64, i64>,
    pub zone: Option<Zone>,
    /// Every discount that was ever assigned, in that order.
    pub discounts: Vec<Discount>,
    /// What was drawn of what was bought, by the day of the posting; given back is below zero.
    pub drawn: Vec<(i64, i128)>,
    pub caps: Vec<Cap>,
    /// What became of coupons, by their number.
    pub redeemed: BTreeMap<i64, &'static str>,
    /// Bonuses that wait for a deposit, in the order of their coupons.
    pub waiting: Vec<Waiting>,
    /// Until when what was bought is valid, where that rolls.
    pub validity: Option<Validity>,
    /// Money on its way back, by the number of the refund.
    pub refunds: BTreeMap<i64, Refund>,
    pub disputes: Vec<Dispute>,
    pub frozen: Option<Frozen>,
    pub has_paid: bool,
    /// The rate of tax on deposits, in parts of ten thousand.
    pub tax: i128,
    pub runs: Vec<Running>,
    /// Runs that were admitted and wait to be ready; they cost nothing.
    pub waits: Vec<Running>,
    pub asides: Vec<Aside>,
    pub debt: i128,
    pub time_posted: i128,
    pub settled: i64,
    pub drawn_for_time: Vec<Source>,
    pub per_use: Vec<(i64, i128)>,
    pub limit: Option<(i128, bool)>,
    pub forecast_fired: bool,
    /// Reminders of expiry were given up to here.
    pub reminded: i64,
    pub refill: Option<Refill>,
    pub stop_at: Option<i64>,
    /// What zero has made of resources: pause, stop or terminate.
    pub rests: BTreeMap<i64, &'static str>,
    /// The SKUs of resources that were resized.
    pub sizes: BTreeMap<i64, i64>,
    pub changed: bool,
    /// The instant at which stops, top-up and alerts were looked at last.
    pub looked: i64,
    /// Sums of all entries by account, credits positive.
    pub books: BTreeMap<&'static str, i128>,
    /// What was posted, by kind of transaction.
    pub posted_by_kind: BTreeMap<&'static str, i128>,
    /// Alerts and stop orders told: kind and instant.
    pub told: Vec<(&'static str, i64)>,
    /// Auto top-ups asked for, not yet matched with a deposit of the engine.
    pub asked: Vec<Attempt>,
    /// Every auto top-up ever asked for.
    pub attempts: Vec<Attempt>,
    /// Deposits whose payers did not confirm them in time, and when that was.
    pub given_up_on: Vec<(i64, i64)>,
}

/// The exact quotient, halves to the even neighbour.
pub fn half_even(over: i128, under: i128) -> i128 {
    let (mut whole, mut rest) = (over / under, over % under);
    if rest < 0 {
        whole -= 1;
        rest += under;
    }
    match (2 * rest).cmp(&under) {
        std::cmp::Ordering::Less => whole,
        std::cmp::Ordering::Greater => whole + 1,
        std::cmp::Ordering::Equal => whole + whole.rem_euclid(2),
    }
}

pub fn second_of(at: i64) -> i64 {
    at.div_euclid(SECOND)
}

impl Purse {
    /// What all time until second `t` costs, exactly, rounded once for each length of price.
    pub fn time_cost(&self, t: i64) -> i128 {
        let mut exact: BTreeMap<i64, i128> = BTreeMap::new();
        for run in self.runs.iter().filter(|run| run.accrues()) {
            let seconds = run.stop.unwrap_or(t) - run.start;
            *exact.entry(run.per).or_default() += run.price * i128::from(seconds);
        }
        exact.iter().map(|(&per, &sum)| half_even(sum, i128::from(per) * 10_000)).sum()
    }

    pub fn unposted(&self, t: i64) -> i128 {
        self.time_cost(t) - self.time_posted
    }

    pub fn accrued(&self, t: i64) -> i128 {
        self.unposted(t).max(0)
    }

    /// What `seconds` of everything that runs costs.
    pub fn burn(&self, seconds: i64) -> i128 {
        let mut exact: BTreeMap<i64, i128> = BTreeMap::new();
        for run in self.runs.iter().filter(|run| run.stop.is_none() && run.accrues()) {
            *exact.entry(run.per).or_default() += run.price * i128::from(seconds);
        }
        exact.iter().map(|(&per, &sum)| half_even(sum, i128::from(per) * 10_000)).sum()
    }

    pub fn value(&self) -> i128 {
        self.credits.iter().map(|credit| credit.left).sum()
    }

    pub fn set_aside(&self) -> i128 {
        self.credits.iter().map(|credit| credit.set_aside).sum()
    }

    pub fn posted(&self) -> i128 {
        self.value() - self.debt
    }

    pub fn is_running(&self) -> bool {
        self.runs.iter().any(|run| run.stop.is_none() && run.accrues() && run.price != 0)
    }

    pub fn stoppable(&self) -> usize {
        self.runs.iter().filter(|run| run.stop.is_none() && run.compute && run.accrues()).count()
    }

    /// The part of launch holds that their own runs have not used yet (rulings R8); what a run that
    /// was reported ahead of the clock has seemingly not cost is held back too.
    pub fn launch_held(&self, terms: &Terms, t: i64) -> i128 {
        let seconds = terms.hold_seconds.unwrap_or(0);
        let mut exact: BTreeMap<i64, i128> = BTreeMap::new();
        let open = |run: &&Running| run.stop.is_none() && run.accrues() && run.is_held;
        for run in self.runs.iter().filter(open) {
            let left = (run.start + seconds - t).max(0);
            *exact.entry(run.per).or_default() += run.price * i128::from(left);
        }
        exact.iter().map(|(&per, &sum)| half_even(sum, i128::from(per) * 10_000)).sum()
    }

    fn floored(&self, terms: &Terms, value: i128) -> i128 {
        if terms.carries() { value } else { value.max(-self.debt) }
    }

    pub fn available(&self, terms: &Terms, t: i64) -> i128 {
        let held = self.set_aside() + self.launch_held(terms, t);
        self.floored(terms, self.posted() - self.accrued(t) - held)
    }

    /// The balance that people see and that alerts look at (rulings R4).
    pub fn shown(&self, terms: &Terms, t: i64) -> i128 {
        let accrued = if terms.windows {
            let closed = t - t.rem_euclid(terms.every);
            if closed <= self.settled { 0 } else { self.accrued(closed) }
        } else {
            self.accrued(t)
        };
        self.floored(terms, self.posted() - accrued)
    }

    pub fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.credits.len()).collect();
        order.sort_by_key(|&at| self.credits[at].rank());
        order
    }

    /// Takes `amount` out of what is not set aside; answers the parts and what was missing.
    pub fn take(&mut self, amount: i128) -> (Vec<(i64, i128)>, i128) {
        let (mut parts, mut missing) = (Vec::new(), amount);
        for at in self.order() {
            let credit = &mut self.credits[at];
            let part = missing.min(credit.free());
            if part > 0 {
                credit.left -= part;
                missing -= part;
                parts.push((credit.number, part));
            }
        }
        self.credits.retain(|credit| credit.left != 0);
        (parts, missing)
    }

    /// Sets `amount` aside for a hold.
    pub fn reserve(&mut self, amount: i128) -> Vec<(i64, i128)> {
        let (mut parts, mut missing) = (Vec::new(), amount);
        for at in self.order() {
            let credit = &mut self.credits[at];
            let part = missing.min(credit.free());
            if part > 0 {
                credit.set_aside += part;
                missing -= part;
                parts.push((credit.number, part));
            }
        }
        parts
    }

    pub fn credit(&mut self, number: i64) -> &mut Credit {
        self.credits.iter_mut().find(|credit| credit.number == number).expect("a held grant")
    }

    pub fn book(&mut self, account: &'static str, credit: i128) {
        *self.books.entry(account).or_default() += credit;
    }

    /// Books a charge of any kind paid from `parts`, with `missing` beyond them.
    /// Answers (absorbed, new debt).
    pub fn charge(
        &mut self,
        terms: &Terms,
        kind: &'static str,
        amount: i128,
        parts: &[(i64, i128)],
    ) -> (i128, i128) {
        let paid: i128 = parts.iter().map(|part| part.1).sum();
        let missing = amount - paid;
        let debt = match terms.overdraft {
            Overdraft::Absorb => 0,
            Overdraft::Carry => missing,
            Overdraft::Cap(most) => missing.min((most - self.debt).max(0)),
        };
        let absorbed = missing - debt;
        self.book("revenue", amount);
        // A settlement is of the day in which its last second ran.
        let ended = if kind == "settlement" { self.settled - 1 } else { second_of(self.now) };
        for &(number, part) in parts {
            self.book("grants", -part);
            self.note_drawn(number, ended, part);
            if !self.known[&number].sort.is_paid() {
                self.book("promotions", -part);
                self.book("promotions_unspent", part);
            }
        }
        self.book("absorbed", -absorbed);
        self.book("debt", -debt);
        self.debt += debt;
        *self.posted_by_kind.entry(kind).or_default() += amount;
        (absorbed, debt)
    }

    /// Posts the time until second `t`.
    pub fn settle(&mut self, terms: &Terms, t: i64) {
        if t < self.settled {
            return;
        }
        let amount = self.unposted(t);
        self.settled = t;
        if amount <= 0 {
            return;
        }
        self.time_posted += amount;
        let (parts, _) = self.take(amount);
        let (absorbed, debt) = self.charge(terms, "settlement", amount, &parts);
        for (number, part) in parts {
            self.drawn_for_time.push(Source::Credit(number, part));
        }
        if debt > 0 {
            self.drawn_for_time.push(Source::Debt(debt));
        }
        if absorbed > 0 {
            self.drawn_for_time.push(Source::Absorbed(absorbed));
        }
        self.changed = true;
    }

    /// Gives back `surplus` that was posted for time that did not run, last drawn first (rulings
    /// R11). Debt that a deposit has paid meanwhile comes back as a purchased grant.
    pub fn give_back(&mut self, surplus: i128) {
        let (mut left, mut owed, mut touched) = (surplus, 0, Vec::new());
        while left > 0 {
            let Some(last) = self.drawn_for_time.pop() else { break };
            let whole = match last {
                Source::Credit(_, part) | Source::Debt(part) | Source::Absorbed(part) => part,
            };
            let part = whole.min(left);
            left -= part;
            let rest = match last {
                Source::Credit(number, _) => {
                    self.put_back(number, part);
                    touched.push(number);
                    Source::Credit(number, whole - part)
                }
                Source::Debt(_) => {
                    owed += part;
                    Source::Debt(whole - part)
                }
                Source::Absorbed(_) => {
                    self.book("absorbed", part);
                    Source::Absorbed(whole - part)
                }
            };
            if whole > part {
                self.drawn_for_time.push(rest);
            }
        }
        let found = surplus - left;
        if found == 0 {
            return;
        }
        let lowers = owed.min(self.debt);
        self.debt -= lowers;
        self.book("debt", lowers);
        if owed > lowers {
            self.open_bought(owed - lowers, NEVER, None);
        }
        self.time_posted -= found;
        self.book("revenue", -found);
        *self.posted_by_kind.entry("correction").or_default() -= found;
        self.end_voided(&touched);
        self.changed = true;
    }

    /// Ends again what came back into grants that were voided meanwhile.
    pub fn end_voided(&mut self, touched: &[i64]) {
        for &number in touched {
            if self.known[&number].voided.is_some() {
                self.end(number, "void");
            }
        }
    }

    /// Lets purchased credit that is free pay what debt there is.
    pub fn offset(&mut self) {
        let mut paid = 0;
        for at in self.order() {
            let owed = self.debt - paid;
            let credit = &mut self.credits[at];
            if credit.sort.is_paid() {
                let part = owed.min(credit.free());
                credit.left -= part;
                paid += part;
            }
        }
        if paid == 0 {
            return;
        }
        self.credits.retain(|credit| credit.left != 0);
        self.debt -= paid;
        self.book("grants", -paid);
        self.book("debt", paid);
        *self.posted_by_kind.entry("offset").or_default() += paid;
        self.changed = true;
    }

    /// A number for a grant whose real number nobody has told yet.
    pub fn unnamed(&self) -> i64 {
        UNNAMED + i64::try_from(self.known.len()).unwrap()
    }

    /// Undoes a draw.
    pub fn put_back(&mut self, number: i64, part: i128) {
        self.note_drawn(number, second_of(self.now), -part);
        if !self.known[&number].sort.is_paid() {
            self.book("promotions", part);
            self.book("promotions_unspent", -part);
        }
        self.reopen(number, part);
    }

    /// Value comes into a grant again, on the terms that the grant has by now.
    pub fn reopen(&mut self, number: i64, part: i128) {
        self.book("grants", part);
        if let Some(credit) = self.credits.iter_mut().find(|credit| credit.number == number) {
            credit.left += part;
            return;
        }
        let mut credit = self.as_made(number, part);
        if let Some(ended) = self.validity.as_ref().and_then(|validity| validity.ended)
            && credit.sort != Sort::Given
            && self.known[&number].made < ended
        {
            credit.expires = credit.expires.min(ended);
        }
        self.credits.push(credit);
    }

    /// A grant on the terms that it was made with, voided or not.
    pub fn as_made(&self, number: i64, left: i128) -> Credit {
        let origin = self.known[&number];
        let anchor = origin.with.map_or(origin.age, |with| self.known[&with].age);
        let expires = origin.voided.map_or(origin.expires, |at| at.min(origin.expires));
        let Origin { sort, priority, with, .. } = origin;
        Credit { number, sort, priority, anchor, with, expires, left, set_aside: 0 }
    }

    /// Makes a grant, effective at once or not.
    pub fn make(
        &mut self,
        number: Option<i64>,
        sort: Sort,
        (priority, expires): (i64, i64),
        with: Option<i64>,
        issued: i128,
    ) -> Credit {
        let number = number.unwrap_or_else(|| self.unnamed());
        let (age, made) = (i64::try_from(self.known.len()).unwrap(), self.now);
        let origin = Origin { sort, priority, expires, age, with, issued, made, voided: None };
        self.known.insert(number, origin);
        self.as_made(number, issued)
    }

    pub fn open(&mut self, credit: Credit) {
        self.book("grants", credit.left);
        self.credits.push(credit);
    }

    /// Money becomes a grant of its own.
    pub fn open_bought(&mut self, left: i128, expires: i64, number: Option<i64>) -> i64 {
        let credit = self.make(number, Sort::Bought, (50, expires), None, left);
        let number = credit.number;
        self.open(credit);
        number
    }

    /// When a credit lapses: what was bought, and the bonus on it, share the date until which it is
    /// valid, unless they have one of their own.
    pub fn lapses(&self, credit: &Credit) -> i64 {
        match &self.validity {
            Some(validity) if credit.sort != Sort::Given && credit.expires == NEVER => {
                validity.until
            }
            _ => credit.expires,
        }
    }

    /// Ends what is free of a grant: by expiry or by the operator.
    pub fn end(&mut self, number: i64, kind: &'static str) -> i128 {
        let is_paid = self.known[&number].sort.is_paid();
        let Some(credit) = self.credits.iter_mut().find(|credit| credit.number == number) else {
            return 0;
        };
        let rest = credit.free();
        if rest == 0 {
            return 0;
        }
        credit.left = credit.set_aside;
        self.credits.retain(|credit| credit.left != 0);
        self.book("grants", -rest);
        self.book(if is_paid { "breakage" } else { "promotions_unspent" }, rest);
        *self.posted_by_kind.entry(kind).or_default() += rest;
        self.changed = true;
        rest
    }

    /// What is left free at second `t` of what may pay for time, found by going from instant to
    /// instant at which grants begin or lapse.
    pub fn worth(&self, t: i64) -> i128 {
        struct Part {
            begins: i64,
            lapses: i64,
            left: i128,
        }
        let open = self.credits.iter().map(|credit| (i64::MIN, credit));
        let upcoming = self.upcoming.iter().map(|(begins, credit)| (*begins, credit));
        let mut all: Vec<(i64, &Credit)> = open.chain(upcoming).collect();
        all.sort_by_key(|(_, credit)| credit.rank());
        let part = |(begins, credit): (i64, &Credit)| {
            let lapses = self.lapses(credit).max(self.now);
            Part { begins, lapses, left: credit.free() }
        };
        let mut parts: Vec<Part> = all.into_iter().map(part).collect();
        let mut turns: Vec<i64> = parts.iter().flat_map(|it| [it.begins, it.lapses]).collect();
        turns.retain(|turn| (self.now..=t * SECOND).contains(turn));
        turns.sort_unstable();
        let mut paid = 0;
        for turn in turns {
            let mut owed = self.accrued(second_of(turn)) - paid;
            for part in parts.iter_mut().filter(|part| part.begins < turn) {
                let drawn = owed.min(part.left).max(0);
                part.left -= drawn;
                owed -= drawn;
                paid += drawn;
            }
            parts.retain(|part| part.lapses > turn);
        }
        let begun = parts.iter().filter(|part| part.begins <= t * SECOND);
        let rest: i128 = begun.map(|part| part.left).sum();
        rest - (self.accrued(t) - paid) - self.debt
    }

    /// The last second, after `from`, before each grant that is yet to begin: nothing but expiry
    /// and time changes what is left between them.
    pub fn lows(&self, from: i64) -> Vec<i64> {
        let before = self.upcoming.iter().map(|(begins, _)| second_of(begins - 1));
        let mut lows: Vec<i64> = before.filter(|&low| low > from).collect();
        lows.sort_unstable();
        lows
    }
}
