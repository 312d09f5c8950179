//! What may be spent in a day or a month (requirements N24, rulings R22), added up anew each time.

use std::collections::BTreeMap;

use super::commands::{Told, refused};
use super::purse::{Purse, SECOND, half_even, second_of};
use super::terms::Terms;

/// The label that resources, holds and events carry here, if any.
pub type Label = Option<&'static str>;

/// A cap on what an organization, or what carries a label, spends.
#[derive(Clone, Debug)]
pub struct Cap {
    pub number: i64,
    pub label: Label,
    pub monthly: bool,
    pub most: i128,
    pub removed: bool,
    /// The second from which on use counts.
    pub since: i64,
    /// The instant at which the count begins anew.
    pub resets: i64,
    /// Both of the window before.
    pub before: (i64, i64),
    pub charged: i128,
    pub reached: bool,
    pub times: Vec<Time>,
}

/// The time of one run that counts: from a second, until it was stopped.
#[derive(Clone, Debug)]
pub struct Time {
    run: i64,
    price: i128,
    per: i64,
    compute: bool,
    from: i64,
    until: Option<i64>,
}

impl Cap {
    fn covers(&self, label: Label) -> bool {
        !self.removed && (self.label.is_none() || self.label == label)
    }

    /// What a sum of price and seconds for each run comes to, rounded once for each length of
    /// price.
    fn cost(&self, seconds: impl Fn(&Time) -> i64) -> i128 {
        let mut exact: BTreeMap<i64, i128> = BTreeMap::new();
        for time in &self.times {
            *exact.entry(time.per).or_default() += time.price * i128::from(seconds(time));
        }
        exact.iter().map(|(&per, &sum)| half_even(sum, i128::from(per) * 10_000)).sum()
    }

    fn time(&self, t: i64) -> i128 {
        self.cost(|time| time.until.unwrap_or(t) - time.from)
    }

    /// What was spent in the window until second `t`.
    pub fn spent(&self, t: i64) -> i128 {
        (self.charged + self.time(t)).max(0)
    }

    fn burn(&self, seconds: i64) -> i128 {
        self.cost(|time| if time.until.is_none() { seconds } else { 0 })
    }

    pub fn rename_run(&mut self, old: i64, new: i64) {
        self.times.iter_mut().filter(|time| time.run == old).for_each(|time| time.run = new);
    }

    fn is_running(&self) -> bool {
        self.times.iter().any(|time| time.until.is_none() && time.price != 0)
    }

    /// Whether it stops something when it is reached.
    fn stops(&self) -> bool {
        self.times.iter().any(|time| time.until.is_none() && time.compute)
    }

    /// Whether the second after `t` would be beyond it, or all of it is spent where nothing runs.
    fn is_full(&self, held: i128, t: i64) -> bool {
        if self.is_running() {
            return self.time(t + 1).max(0) > self.most - self.charged - held;
        }
        self.spent(t) >= self.most
    }

    /// Whether a new window would forget nothing.
    fn is_idle(&self) -> bool {
        let seconds = |time: &Time| time.until.map_or(0, |until| until - time.from);
        let nothing = self.times.iter().all(|time| time.price == 0 || seconds(time) == 0);
        self.charged == 0 && !self.reached && !self.is_running() && nothing
    }
}

impl Purse {
    fn window_end(&self, monthly: bool, at: i64) -> i64 {
        if monthly { self.month_end(at) } else { self.day_end(at) }
    }

    pub fn held(&self, cap: &Cap) -> i128 {
        let open = self.asides.iter().filter(|aside| aside.state == "open");
        open.filter(|aside| cap.covers(aside.label)).map(|aside| aside.amount).sum()
    }

    /// Sets a cap: a new one counts from now on, with what runs and is held, and one for the same
    /// label and window before goes on counting.
    pub fn cap(
        &mut self,
        number: i64,
        (label, monthly): (Label, bool),
        most: i128,
        now: i64,
    ) -> Told {
        if most < 0 {
            return refused("amount_not_positive");
        }
        self.changed = true;
        let is_same = |cap: &&mut Cap| !cap.removed && cap.label == label && cap.monthly == monthly;
        if let Some(before) = self.caps.iter_mut().find(is_same) {
            before.reached = before.reached && most <= before.most;
            before.most = most;
            return "spend_limit".into();
        }
        let (since, resets) = (second_of(now), self.window_end(monthly, now));
        let (charged, times) = (0, Vec::new());
        let (removed, reached, before) = (false, false, (since, resets));
        let mut cap = Cap {
            number,
            label,
            monthly,
            most,
            removed,
            since,
            resets,
            before,
            charged,
            reached,
            times,
        };
        for run in self.runs.iter().filter(|run| run.stop.is_none() && run.accrues()) {
            if cap.covers(run.label) {
                cap.times.push(Time {
                    run: run.number,
                    price: run.price,
                    per: run.per,
                    compute: run.compute,
                    from: run.start.max(since),
                    until: None,
                });
            }
        }
        self.caps.push(cap);
        "spend_limit".into()
    }

    pub fn uncap(&mut self, number: i64) -> Told {
        let Some(cap) = self.caps.iter_mut().find(|cap| cap.number == number) else {
            return refused("not_found");
        };
        if !cap.removed {
            cap.removed = true;
            self.changed = true;
        }
        "spend_limit".into()
    }

    /// Refuses to spend `required` beside what runs for so many seconds more, unless every cap
    /// leaves room for it.
    pub fn beyond(&self, label: Label, required: i128, keep: i64, t: i64) -> Option<Told> {
        let covering = self.caps.iter().filter(|cap| cap.covers(label));
        let left =
            |cap: &Cap| cap.most - cap.spent(t) - self.held(cap) - cap.burn(keep).min(cap.most);
        let least = covering.map(left).min()?;
        let is_beyond = least < required || least <= 0;
        is_beyond.then(|| format!("refused limit_reached {least} {required}"))
    }

    /// Counts what was charged for use at an instant, or given back.
    pub fn count(&mut self, label: Label, used: i64, amount: i128) {
        let used = used.min(self.now);
        for cap in self.caps.iter_mut().filter(|cap| cap.covers(label)) {
            if used >= cap.since * SECOND {
                cap.charged += amount;
            }
        }
    }

    /// Counts the time of a run that begins, or ends.
    pub fn count_run(&mut self, place: usize) {
        let run = &self.runs[place];
        for cap in self.caps.iter_mut().filter(|cap| cap.covers(run.label)) {
            let known = cap.times.iter_mut().find(|time| time.run == run.number);
            match (known, run.stop) {
                (Some(time), Some(stop)) => time.until = Some(stop.max(cap.since)),
                (_, stop) => cap.times.push(Time {
                    run: run.number,
                    price: run.price,
                    per: run.per,
                    compute: run.compute,
                    from: run.start.max(cap.since),
                    until: stop,
                }),
            }
        }
    }

    /// Windows that are over begin anew, after the time in them was settled.
    pub fn reset_caps(&mut self, terms: &Terms, at: i64) {
        if !self.caps.iter().any(|cap| !cap.removed && cap.resets <= at) {
            return;
        }
        if self.resets().any(|resets| resets <= at) {
            let to = self.settles_to(terms, at);
            self.settle(terms, to);
        }
        for place in 0..self.caps.len() {
            let mut cap = self.caps[place].clone();
            if cap.removed || cap.resets > at {
                continue;
            }
            cap.before = (cap.since, cap.resets);
            while cap.resets <= at {
                cap.since = second_of(cap.resets);
                cap.resets = self.window_end(cap.monthly, cap.resets);
            }
            (cap.charged, cap.reached) = (0, false);
            cap.times.retain(|time| time.until.is_none());
            cap.times.iter_mut().for_each(|time| time.from = cap.since);
            self.caps[place] = cap;
        }
        self.changed = true;
    }

    /// A window that began when nothing happened has not begun, where the clock goes back.
    pub fn take_back_windows(&mut self) {
        for cap in self.caps.iter_mut().filter(|cap| cap.since * SECOND > self.now) {
            (cap.since, cap.resets) = cap.before;
        }
    }

    /// The caps that are full at second `t`.
    fn full(&self, t: i64) -> Vec<usize> {
        let is_full = |place: &usize| {
            let cap = &self.caps[*place];
            !cap.removed && cap.is_full(self.held(cap), t)
        };
        (0..self.caps.len()).filter(is_full).collect()
    }

    /// Whether a cap that is full at second `t` stops something, or people are to be told of it.
    pub fn is_cap_due(&self, t: i64) -> bool {
        self.full(t).iter().any(|&place| self.caps[place].stops() || !self.caps[place].reached)
    }

    /// When a window is over of which something has to be forgotten.
    pub fn resets(&self) -> impl Iterator<Item = i64> {
        self.caps.iter().filter(|cap| !cap.removed && !cap.is_idle()).map(|cap| cap.resets)
    }

    /// What runs within a cap that is full gets its zero action.
    pub fn look_at_caps(&mut self, terms: &Terms, at: i64) {
        let t = second_of(at);
        for full in self.full(t) {
            for place in 0..self.runs.len() {
                let run = &self.runs[place];
                let is_stopped = run.stop.is_none() && run.compute && run.accrues();
                if is_stopped && self.caps[full].covers(run.label) {
                    let stop = t.max(run.start);
                    self.told.push(("run.stop_requested", at));
                    self.close(terms, place, stop, at);
                    self.told.push(("run.stopped", at));
                    self.rest(terms, place);
                }
            }
            self.tell_cap(full, at);
        }
    }

    /// People are told once in each window.
    fn tell_cap(&mut self, place: usize, at: i64) {
        if !std::mem::replace(&mut self.caps[place].reached, true) {
            self.told.push(("limit.reached", at));
        }
    }

    /// Ends a run whose next block does not fit into a cap; false when it fits into all.
    pub fn end_beyond(&mut self, terms: &Terms, place: usize, start: i64, at: i64) -> bool {
        let (t, label) = (second_of(at), self.runs[place].label);
        let charge = self.runs[place].paid.as_ref().map_or(0, |paid| paid.charge);
        if charge == 0 || self.beyond(label, charge, 0, t).is_none() {
            return false;
        }
        self.end_in_cap(terms, place, start, at);
        true
    }

    /// Ends a run at second `start`, of which no more fits into the cap that leaves least.
    pub fn end_in_cap(&mut self, terms: &Terms, place: usize, start: i64, at: i64) {
        let (t, label) = (second_of(at), self.runs[place].label);
        let covering = (0..self.caps.len()).filter(|&it| self.caps[it].covers(label));
        let left = |&it: &usize| {
            let cap = &self.caps[it];
            cap.most - cap.spent(t) - self.held(cap)
        };
        let tightest = covering.min_by_key(left).expect("one was beyond");
        self.told.push(("run.stop_requested", at));
        self.end_blocks(terms, place, start, at);
        self.rest(terms, place);
        self.tell_cap(tightest, at);
    }
}
