//! One wallet as a careful clerk would keep it: every run listed, every total added up anew.
//!
//! *Invariant:* nothing here calls the rules of `domain`; the arithmetic is this file's own.

use std::collections::{BTreeMap, BTreeSet};

pub const SECOND: i64 = 1_000_000;
pub const NEVER: i64 = i64::MAX;

/// The settings of a platform, from the requirements and not from the engine.
#[derive(Clone, Debug)]
pub struct Terms {
    /// True when the platform runs on the wall clock.
    pub live: bool,
    /// Time is settled, and the balance looked at, in closed windows.
    pub windows: bool,
    pub every: i64,
    pub hold_seconds: Option<i64>,
    pub min_available: i128,
    pub carries: bool,
    pub lead: i64,
    pub keep: i64,
    pub horizon: Option<i64>,
    pub top_up: bool,
    pub overcapture: &'static str,
    /// The length of a block, where compute pays for time ahead.
    pub block: Option<i64>,
    pub ahead: i64,
    pub pauses: bool,
    pub deposit: (i128, i128),
}

/// Numbers from here on stand for grants whose real number is not known yet.
pub const UNNAMED: i64 = 1 << 60;
pub const GRACE: i64 = 60;
pub const COOLDOWN: i64 = 300;
pub const LATE: i64 = 72 * 3_600;
pub const AHEAD: i64 = 300;
pub const UNIT: i128 = 1_000_000_000;

impl Terms {
    pub fn of(profile: &str, settings: &str, live: bool) -> Terms {
        let (spheron, greennode) = (profile == "spheron", profile == "greennode");
        let mut terms = Terms {
            live,
            windows: greennode,
            every: if spheron { 60 } else { 300 },
            hold_seconds: (!spheron).then_some(60),
            min_available: 3 * UNIT,
            carries: false,
            lead: 0,
            keep: 300,
            horizon: greennode.then_some(12 * 3_600),
            top_up: !greennode,
            overcapture: "reject",
            block: (!spheron && !greennode).then_some(3_600),
            ahead: 600,
            pauses: !spheron && !greennode,
            deposit: if spheron { (15 * UNIT, 5_000 * UNIT) } else { (UNIT, 10_000 * UNIT) },
        };
        for (name, value) in settings.split(';').filter_map(|part| part.split_once('=')) {
            match (name, value) {
                ("overdraft", value) => terms.carries = value == "carry",
                ("stop_lead_seconds", value) => terms.lead = value.parse().unwrap(),
                ("settle_every_seconds", value) => terms.every = value.parse().unwrap(),
                ("compute_terms", "block(2h)") => terms.block = Some(7_200),
                ("compute_terms", "block(90s)") => terms.block = Some(90),
                ("block_lookahead_seconds", value) => terms.ahead = value.parse().unwrap(),
                ("compute_zero_action", "stop") => terms.pauses = false,
                ("retention_days", "off") | ("resume", "manual") => {}
                ("overcapture", "cap") => terms.overcapture = "cap",
                ("overcapture", "overflow") => terms.overcapture = "overflow",
                other => panic!("the auditor does not know the setting {other:?}"),
            }
        }
        terms
    }
}

#[derive(Clone, Debug)]
pub struct Credit {
    pub number: i64,
    pub given: bool,
    pub priority: i64,
    pub expires: i64,
    pub left: i128,
    pub set_aside: i128,
}

#[derive(Clone, Debug)]
pub struct Running {
    pub number: i64,
    pub resource: i64,
    /// Nanos × 10⁴ for every `per` seconds.
    pub price: i128,
    pub per: i64,
    pub compute: bool,
    pub start: i64,
    pub stop: Option<i64>,
    pub paid: Option<Paid>,
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
}

#[derive(Clone, Debug)]
pub struct Refill {
    pub enabled: bool,
    pub threshold: i128,
    pub amount: i128,
    pub method: i64,
    pub in_flight: bool,
    /// The deposit in flight, once somebody named it.
    pub flight: Option<i64>,
    pub attempted: Option<i64>,
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
    /// Every grant there ever was: its kind, priority and expiry.
    pub known: BTreeMap<i64, (bool, i64, i64)>,
    pub voided: BTreeSet<i64>,
    pub issued: BTreeMap<i64, i128>,
    pub runs: Vec<Running>,
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
    /// Resources that wait to be resumed.
    pub paused: BTreeSet<i64>,
    pub changed: bool,
    /// Sums of all entries by account, credits positive.
    pub books: BTreeMap<&'static str, i128>,
    /// What was posted, by kind of transaction.
    pub posted_by_kind: BTreeMap<&'static str, i128>,
    /// Alerts and stop orders told: kind and instant.
    pub told: Vec<(&'static str, i64)>,
    /// Auto top-ups asked for, not yet matched with a deposit of the engine: when and how much.
    pub asked: Vec<(i64, i128)>,
    /// Every auto top-up ever asked for.
    pub attempts: Vec<(i64, i128)>,
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
        for run in self.runs.iter().filter(|run| run.stop.is_none() && run.accrues()) {
            let left = (run.start + seconds - t).max(0);
            *exact.entry(run.per).or_default() += run.price * i128::from(left);
        }
        exact.iter().map(|(&per, &sum)| half_even(sum, i128::from(per) * 10_000)).sum()
    }

    fn floored(&self, terms: &Terms, value: i128) -> i128 {
        if terms.carries { value } else { value.max(-self.debt) }
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
        order.sort_by_key(|&at| {
            let credit = &self.credits[at];
            (credit.priority, credit.expires, !credit.given, credit.number)
        });
        order
    }

    /// Takes `amount` out of what is not set aside; answers the parts and what was missing.
    pub fn take(&mut self, amount: i128) -> (Vec<(i64, i128)>, i128) {
        let (mut parts, mut missing) = (Vec::new(), amount);
        for at in self.order() {
            let credit = &mut self.credits[at];
            let part = missing.min(credit.left - credit.set_aside);
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
            let part = missing.min(credit.left - credit.set_aside);
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
        let (absorbed, debt) = if terms.carries { (0, missing) } else { (missing, 0) };
        self.book("revenue", amount);
        for &(number, part) in parts {
            self.book("grants", -part);
            if self.known[&number].0 {
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
            let (number, left) = (self.unnamed(), owed - lowers);
            let credit =
                Credit { number, given: false, priority: 50, expires: NEVER, left, set_aside: 0 };
            self.open(credit);
        }
        self.time_posted -= found;
        self.book("revenue", -found);
        *self.posted_by_kind.entry("correction").or_default() -= found;
        for number in touched {
            if self.voided.contains(&number) {
                self.end(number, "void");
            }
        }
        self.changed = true;
    }

    /// Lets purchased credit that is free pay what debt there is.
    pub fn offset(&mut self) {
        let mut paid = 0;
        for at in self.order() {
            let owed = self.debt - paid;
            let credit = &mut self.credits[at];
            if !credit.given {
                let part = owed.min(credit.left - credit.set_aside);
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

    pub fn put_back(&mut self, number: i64, part: i128) {
        let (given, priority, expires) = self.known[&number];
        self.book("grants", part);
        if given {
            self.book("promotions", part);
            self.book("promotions_unspent", -part);
        }
        match self.credits.iter_mut().find(|credit| credit.number == number) {
            Some(credit) => credit.left += part,
            None => self.credits.push(Credit {
                number,
                given,
                priority,
                expires,
                left: part,
                set_aside: 0,
            }),
        }
    }

    /// Adds a grant.
    pub fn open(&mut self, credit: Credit) {
        self.known.insert(credit.number, (credit.given, credit.priority, credit.expires));
        self.issued.insert(credit.number, credit.left);
        self.book("grants", credit.left);
        self.credits.push(credit);
    }

    /// Ends what is free of a grant: by expiry or by the operator.
    pub fn end(&mut self, number: i64, kind: &'static str) -> i128 {
        let given = self.known[&number].0;
        let Some(credit) = self.credits.iter_mut().find(|credit| credit.number == number) else {
            return 0;
        };
        let rest = credit.left - credit.set_aside;
        if rest == 0 {
            return 0;
        }
        credit.left = credit.set_aside;
        self.credits.retain(|credit| credit.left != 0);
        self.book("grants", -rest);
        self.book(if given { "promotions_unspent" } else { "breakage" }, rest);
        *self.posted_by_kind.entry(kind).or_default() += rest;
        self.changed = true;
        rest
    }

    /// What is left at second `t` of what may pay for time, when grants lapse `horizon` seconds
    /// before they expire, found by going from lapse to lapse. `free` leaves out what is set aside.
    pub fn worth(&self, t: i64, free: bool, horizon: i64) -> i128 {
        let mut lefts: Vec<(i64, i128)> = Vec::new();
        for at in self.order() {
            let credit = &self.credits[at];
            let left = if free { credit.left - credit.set_aside } else { credit.left };
            let lapse = if credit.expires == NEVER {
                NEVER
            } else {
                (credit.expires - horizon * SECOND).max(self.now)
            };
            lefts.push((lapse, left));
        }
        let mut lapses: Vec<i64> = lefts.iter().map(|left| left.0).collect();
        lapses.sort_unstable();
        let mut paid = 0;
        for lapse in lapses.into_iter().filter(|&lapse| lapse != NEVER && lapse <= t * SECOND) {
            let mut owed = self.accrued(second_of(lapse)) - paid;
            for (_, left) in &mut lefts {
                let part = owed.min(*left).max(0);
                *left -= part;
                owed -= part;
                paid += part;
            }
            lefts.retain(|left| left.0 > lapse);
        }
        let rest: i128 = lefts.iter().map(|left| left.1).sum();
        rest - (self.accrued(t) - paid) - self.debt
    }
}
