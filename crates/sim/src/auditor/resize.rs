//! Resizing what runs (rulings R15): its run ends, and another one of the same resource goes on,
//! without being admitted anew.

use super::commands::{Told, refused};
use super::life::Life;
use super::purse::{Paid, Purse, Running, SECOND, UNNAMED, half_even, second_of};
use super::terms::Terms;
use super::time::Outside;

/// What a run goes on as: a SKU at its price.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub sku: i64,
    /// Nanos × 10⁴ for every `per` seconds.
    pub price: i128,
    pub per: i64,
}

impl Size {
    pub fn cost(&self, seconds: i64) -> i128 {
        half_even(self.price * i128::from(seconds), i128::from(self.per) * 10_000)
    }
}

impl Purse {
    /// The size a resource has, which was made as `sku`.
    pub fn size_of(&self, resource: i64, sku: i64) -> i64 {
        self.sizes.get(&resource).copied().unwrap_or(sku)
    }

    /// The age of the run that is made next.
    pub fn next_age(&self) -> usize {
        self.runs.len() + self.waits.len()
    }

    /// The run of this number that is open, whether it waits, and its place there.
    pub fn open_run(&self, number: i64) -> Result<(bool, usize), Told> {
        let find = |runs: &[Running]| runs.iter().position(|run| run.number == number);
        let (is_waiting, place, run) = match (find(&self.runs), find(&self.waits)) {
            (Some(place), _) => (false, place, &self.runs[place]),
            (None, Some(place)) => (true, place, &self.waits[place]),
            (None, None) => return Err(refused("not_found")),
        };
        if run.stop.is_some() { Err(refused("run_ended")) } else { Ok((is_waiting, place)) }
    }

    /// Lets a run go on as another size: at once, or with its next block where that is paid for
    /// already and the size is not a dearer one.
    pub fn resize(
        &mut self,
        terms: &Terms,
        number: i64,
        (is_waiting, place): (bool, usize),
        size: Size,
        now: i64,
    ) -> Told {
        let (t, age) = (second_of(now), self.next_age());
        if is_waiting {
            let run = &mut self.waits[place];
            let start = t.max(run.start);
            run.stop = Some(start);
            let next = run.followed((number, age), size, start);
            self.waits.push(next);
            self.note_size(place, true, size);
            self.told.extend([("run.stopped", now), ("run.admitted", now)]);
            self.changed = true;
            return format!("run {start} open");
        }
        let run = &mut self.runs[place];
        let start = t.max(run.start);
        if let Some(paid) = &run.paid {
            let (charge, label) = (size.cost(paid.length), run.label);
            if charge <= paid.charge {
                run.next_size = Some(size.sku).filter(|&sku| sku != run.sku);
                return format!("run {} open", run.start);
            }
            let available = self.available(terms, t);
            if available < charge {
                return format!("refused insufficient_credit {available} {charge}");
            }
            if let Some(refusal) = self.beyond(label, charge, 0, t) {
                return refusal;
            }
        }
        self.follow(terms, place, (number, size), start, now);
        format!("run {start} open")
    }

    /// Ends a run at second `start`, where another one goes on for it.
    fn follow(
        &mut self,
        terms: &Terms,
        place: usize,
        (number, size): (i64, Size),
        start: i64,
        now: i64,
    ) {
        let ordered = self.stop_at;
        let next = self.runs[place].followed((number, self.next_age()), size, start);
        if self.runs[place].paid.is_some() {
            self.end_blocks(terms, place, start, now);
        } else {
            self.close(terms, place, start, now);
            self.told.push(("run.stopped", now));
        }
        self.runs.push(next);
        self.note_size(place, false, size);
        let place = self.runs.len() - 1;
        self.pay_blocks(terms, place, start);
        if self.runs[place].accrues() {
            self.count_run(place);
        }
        if self.stoppable() > 0 {
            self.stop_at = ordered;
        }
        self.told.push(("run.started", now));
        self.changed = true;
    }

    fn note_size(&mut self, place: usize, is_waiting: bool, size: Size) {
        let run = if is_waiting { &self.waits[place] } else { &self.runs[place] };
        self.sizes.insert(run.resource, size.sku);
    }

    /// Lets a run whose block is due go on at the other size that it was given, if that can be paid
    /// and fits into its caps.
    pub fn shrink(
        &mut self,
        terms: &Terms,
        place: usize,
        at: i64,
        outside: &mut dyn Outside,
    ) -> bool {
        let (t, run) = (second_of(at), &self.runs[place]);
        let (start, label) = (run.next_block(), run.label);
        let (Some(sku), Some(paid)) = (run.next_size, &run.paid) else { return false };
        let (price, per) = outside.price(sku, start * SECOND).expect("a price that was asked for");
        let price = price * self.share(terms, sku, start * SECOND);
        let size = Size { sku, price, per };
        let charge = size.cost(paid.length);
        let is_paid = charge == 0 || self.available(terms, t) >= charge;
        let fits = charge == 0 || self.beyond(label, charge, 0, t).is_none();
        if !is_paid || !fits || self.frozen.is_some() {
            return false;
        }
        self.settle(terms, self.settles_to(terms, at));
        let number = UNNAMED + i64::try_from(self.runs.len()).unwrap();
        self.follow(terms, place, (number, size), start, at);
        true
    }
}

impl Running {
    /// The run that goes on for it from second `start` on.
    fn followed(&self, (number, age): (i64, usize), size: Size, start: i64) -> Running {
        let paid = self.paid.as_ref().map(|paid| Paid {
            length: paid.length,
            charge: size.cost(paid.length),
            blocks: Vec::new(),
        });
        let sign = start * SECOND;
        Running {
            number,
            age,
            sku: size.sku,
            price: size.price,
            per: size.per,
            start,
            stop: None,
            paid,
            life: self.life.map(|life| Life { sign, ..life }),
            is_held: false,
            next_size: None,
            ..self.clone()
        }
    }
}
