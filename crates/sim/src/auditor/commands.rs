//! What each command does to a wallet, written a second time from the rulings.
//!
//! Every method answers with the words that the engine has to answer with, without the number that
//! it gave to what it made.

use super::life::Life;
use super::limits::Label;
use super::purse::{
    AHEAD, Aside, Credit, LATE, NEVER, Paid, Purse, Running, SECOND, Sort, half_even, second_of,
};
use super::refill::{Most, Refill};
use super::resize::Size;
use super::terms::{Bought, Slab, Terms};

pub type Told = String;

type Parts = Vec<(i64, i128)>;

/// Grants of one wallet that are yet to begin, at most.
const UPCOMING: usize = 16;

pub fn refused(code: &str) -> Told {
    format!("refused {code}")
}

impl Purse {
    /// The refusal of a reported time that lies too far off.
    fn misreported(at: i64, now: i64) -> Option<Told> {
        if at > now + AHEAD * SECOND {
            return Some(refused("too_far_ahead"));
        }
        (at < now - LATE * SECOND).then(|| refused("too_long_ago"))
    }

    pub fn give(
        &mut self,
        number: i64,
        amount: i128,
        priority: i64,
        (from, expires): (i64, i64),
        now: i64,
    ) -> Told {
        if expires <= from {
            return refused("expiry_in_the_past");
        }
        if from > now && self.upcoming.len() >= UPCOMING {
            return refused("too_many_upcoming");
        }
        let credit = self.make(Some(number), Sort::Given, (priority, expires), None, amount);
        match from > now {
            true => self.upcoming.push((from, credit)),
            false => self.begin(credit, now),
        }
        format!("grant {amount}")
    }

    /// Grants that are due begin, in the order of their instants, after the time that ran before
    /// was paid without them.
    pub fn begin_due(&mut self, terms: &Terms, at: i64) {
        while let Some(first) = self.upcoming.iter().map(|it| it.0).min().filter(|&it| it <= at) {
            let to = self.settles_to(terms, at);
            self.settle(terms, to);
            let place = self.upcoming.iter().position(|it| it.0 == first).expect("the first");
            let (_, credit) = self.upcoming.remove(place);
            self.begin(credit, at);
            self.told.push(("grant.effective", at));
        }
    }

    fn begin(&mut self, credit: Credit, now: i64) {
        if credit.expires != NEVER {
            self.reminded = self.reminded.max(now - 1);
        }
        self.book("promotions_unspent", -credit.left);
        *self.posted_by_kind.entry("grant").or_default() += credit.left;
        self.open(credit);
        self.changed = true;
    }

    pub fn void(&mut self, terms: &Terms, number: i64, now: i64) -> Told {
        match self.known.get(&number).map(|origin| origin.sort) {
            None => refused("not_found"),
            Some(Sort::Bought) => refused("grant_not_voidable"),
            Some(Sort::Given | Sort::Bonus) => {
                self.settle(terms, second_of(now));
                if let Some(place) = self.upcoming.iter().position(|it| it.1.number == number) {
                    let (_, credit) = self.upcoming.remove(place);
                    self.begin(credit, now);
                }
                self.end(number, "void");
                // What holds have set aside of it ends when it comes back.
                if let Some(rest) = self.credits.iter_mut().find(|it| it.number == number) {
                    rest.expires = rest.expires.min(now);
                }
                if let Some(validity) = &mut self.validity {
                    validity.lapsed.retain(|lapsed| lapsed.0 != number);
                }
                let origin = self.known.get_mut(&number).unwrap();
                self.changed |= origin.voided.is_none();
                origin.voided.get_or_insert(now);
                format!("grant {}", origin.issued)
            }
        }
    }

    /// Confirmed money pays debt, the rest is a purchased grant, and a bonus comes on top. Answers
    /// with the number of the grant.
    pub fn paid(
        &mut self,
        terms: &Terms,
        amount: i128,
        grant: Option<i64>,
        paid_at: i64,
        now: i64,
    ) -> Option<i64> {
        self.renew(terms, paid_at, now);
        let pays = self.debt.min(amount);
        self.debt -= pays;
        self.book("cash", -amount);
        self.book("debt", pays);
        *self.posted_by_kind.entry("deposit").or_default() += amount;
        let expires = match terms.bought {
            Bought::Seconds(seconds) => paid_at + seconds * SECOND,
            Bought::Forever | Bought::Months(_) => NEVER,
        };
        let mut bought = None;
        if amount > pays {
            bought = Some(self.open_bought(amount - pays, expires, grant));
            if expires != NEVER {
                self.reminded = self.reminded.max(now - 1);
            }
        }
        self.bonuses(terms, amount, bought);
        self.told.push(("deposit.succeeded", now));
        self.has_paid = true;
        self.changed = true;
        self.expire_credits(terms, now);
        bought
    }

    /// Gives what the slabs say on top of a deposit; answers whether that was anything.
    pub fn bonus(&mut self, slabs: &[Slab], deposit: i128, bought: Option<i64>) -> bool {
        let Some(slab) = slabs.iter().rfind(|slab| slab.from <= deposit) else { return false };
        let bonus = slab.bps.map_or(slab.fixed, |bps| half_even(deposit * bps, 10_000));
        if bonus == 0 {
            return false;
        }
        let expires = bought.map_or(NEVER, |bought| self.known[&bought].expires);
        let credit = self.make(None, Sort::Bonus, (50, expires), bought, bonus);
        self.open(credit);
        self.book("promotions_unspent", -bonus);
        *self.posted_by_kind.entry("grant").or_default() += bonus;
        true
    }

    pub fn declined(&mut self, now: i64, auto: bool) {
        self.told.push(("deposit.failed", now));
        if auto {
            self.told.push(("auto_top_up.disabled", now));
            if let Some(rule) = &mut self.refill {
                rule.enabled = false;
            }
        }
        self.changed = true;
    }

    #[allow(clippy::too_many_arguments, reason = "a start has so many facts, each used once")]
    pub fn start(
        &mut self,
        terms: &Terms,
        number: i64,
        resource: i64,
        size: Size,
        (compute, label): (bool, Label),
        (waits, silence): (bool, Option<i64>),
        start: i64,
        now: i64,
    ) -> Told {
        let t = second_of(now);
        let available = self.available(terms, t) - self.burn(terms.lead);
        // What has run before it was reported has to be paid as well.
        let ran = (t - second_of(start)).max(0);
        let required = match terms.hold_seconds {
            Some(seconds) => size.cost(ran.max(seconds)),
            None => terms.min_available.max(size.cost(ran)),
        };
        let required = match terms.block.filter(|_| compute) {
            Some(length) => {
                size.cost(length) * i128::from((t - second_of(start)).max(0) / length + 1)
            }
            None => required,
        };
        if available < required || available <= 0 {
            return format!("refused insufficient_credit {available} {required}");
        }
        // What has to be there to start something is not spent by it.
        let is_blocks = compute && terms.block.is_some();
        let spends = match terms.hold_seconds {
            None if !is_blocks => size.cost(ran),
            _ => required,
        };
        if let Some(refusal) = self.beyond(label, spends, 0, t) {
            return refusal;
        }
        let paid = terms.block.filter(|_| compute).map(|length| Paid {
            length,
            charge: size.cost(length),
            blocks: Vec::new(),
        });
        self.rests.remove(&resource);
        let run = Running {
            number,
            resource,
            age: self.next_age(),
            sku: size.sku,
            price: size.price,
            per: size.per,
            compute,
            label,
            start: second_of(start),
            stop: None,
            paid,
            life: silence.map(|silence| Life { silence, sign: start }),
            is_held: true,
            next_size: None,
        };
        self.changed = true;
        if waits {
            self.waits.push(run);
            self.told.push(("run.admitted", now));
            return format!("run {} open", second_of(start));
        }
        self.runs.push(run);
        let place = self.runs.len() - 1;
        self.pay_blocks(terms, place, t.max(second_of(start)));
        if self.runs[place].accrues() {
            self.count_run(place);
        }
        self.told.push(("run.started", now));
        format!("run {} open", second_of(start))
    }

    /// Checks a reported start or stop.
    pub fn reported(at: i64, now: i64) -> Option<Told> {
        Purse::misreported(at, now)
    }

    pub fn stop(&mut self, terms: &Terms, number: i64, at: i64, now: i64) -> Told {
        let mut all = self.runs.iter().chain(&self.waits);
        let Some(run) = all.find(|run| run.number == number) else {
            return refused("not_found");
        };
        if run.stop.is_some() {
            return refused("run_ended");
        }
        let stop = second_of(at);
        if let Some(refusal) = Purse::misreported(stop * SECOND, now) {
            return refusal;
        }
        let Some(place) = self.runs.iter().position(|run| run.number == number) else {
            return self.stop_waiting(number, stop, now);
        };
        if stop < self.runs[place].start {
            return refused("stop_before_start");
        }
        if !self.runs[place].accrues() {
            self.end_blocks(terms, place, stop, now);
            return format!("run {} {stop} requested", self.runs[place].start);
        }
        let ordered = self.stop_at.is_some_and(|order| stop * SECOND >= order);
        self.close(terms, place, stop, now);
        let last = self.stoppable() == 0;
        self.told.push(("run.stopped", now));
        if ordered && self.runs[place].compute {
            self.rest(terms, place);
        }
        if last && ordered && self.frozen.is_none() {
            self.told.push(("balance.depleted", now));
        }
        let start = self.runs[place].start;
        let reason = match (ordered, self.frozen) {
            (true, None) => "out_of_credit",
            (true, Some(_)) => "frozen",
            (false, _) => "requested",
        };
        format!("run {start} {stop} {reason}")
    }

    /// Ends a run, and gives back what was posted for time that turns out not to have run.
    pub fn close(&mut self, terms: &Terms, place: usize, stop: i64, now: i64) {
        let t = second_of(now);
        let before = (-self.unposted(t)).max(0);
        self.runs[place].stop = Some(stop);
        let surplus = (-self.unposted(t)).max(0) - before;
        self.changed = true;
        if self.stoppable() == 0 {
            self.stop_at = None;
        }
        self.count_run(place);
        self.settle(terms, t);
        self.give_back(surplus);
        self.offset();
        self.expire_credits(terms, now);
    }

    /// Charges for use: what it is answered, what it was drawn from, what was absorbed and owed.
    pub fn used(&mut self, terms: &Terms, amount: i128, now: i64) -> (Told, Parts, (i128, i128)) {
        let (parts, _) = self.take(amount);
        let (absorbed, debt) = self.charge(terms, "charge", amount, &parts);
        if terms.horizon.is_some() {
            let hour = second_of(now).div_euclid(3_600);
            self.per_use.push((hour, amount));
        }
        self.changed = true;
        let words = format!("charge {amount} {absorbed} {debt} {}", self.posted());
        (words, parts, (absorbed, debt))
    }

    pub fn hold(
        &mut self,
        terms: &Terms,
        number: i64,
        (amount, label): (i128, Label),
        seconds: i64,
        now: i64,
    ) -> Told {
        if self.frozen.is_some() {
            return refused("wallet_frozen");
        }
        if !(1..=86_400).contains(&seconds) {
            return refused("expiry_in_the_past");
        }
        let available = self.available(terms, second_of(now));
        if available < amount {
            return format!("refused insufficient_credit {available} {amount}");
        }
        let spare =
            available - self.burn(terms.keep) - self.blocks_until(now + terms.keep * SECOND);
        if spare < amount {
            return format!("refused runway_too_short {spare} {amount}");
        }
        if let Some(refusal) = self.beyond(label, amount, terms.keep, second_of(now)) {
            return refusal;
        }
        if self.value() - self.set_aside() < amount {
            return format!("refused insufficient_credit {spare} {amount}");
        }
        let parts = self.reserve(amount);
        let expires = now + seconds * SECOND;
        self.asides.push(Aside { number, amount, parts, expires, state: "open", label });
        self.changed = true;
        format!("hold {amount} open")
    }

    fn open_hold(&mut self, number: i64) -> Result<usize, Told> {
        let place = self.asides.iter().position(|aside| aside.number == number);
        let place = place.ok_or_else(|| refused("not_found"))?;
        if self.asides[place].state == "open" { Ok(place) } else { Err(refused("hold_resolved")) }
    }

    pub fn release(&mut self, terms: &Terms, number: i64, now: i64) -> Told {
        let place = match self.open_hold(number) {
            Ok(place) => place,
            Err(refusal) => return refusal,
        };
        self.asides[place].state = "released";
        let parts = self.asides[place].parts.clone();
        self.free(&parts);
        self.changed = true;
        self.offset();
        self.expire_credits(terms, now);
        format!("hold {} released", self.asides[place].amount)
    }

    pub fn capture(&mut self, terms: &Terms, number: i64, amount: Option<i128>, now: i64) -> Told {
        let place = match self.open_hold(number) {
            Ok(place) => place,
            Err(refusal) => return refusal,
        };
        let held = self.asides[place].amount;
        let mut amount = amount.unwrap_or(held);
        if amount <= 0 {
            return refused("amount_not_positive");
        }
        if amount > held {
            match terms.overcapture {
                "reject" => return refused("capture_above_hold"),
                "cap" => amount = held,
                _ => {}
            }
        }
        let reserved = self.asides[place].parts.clone();
        self.free(&reserved);
        let (mut parts, mut left) = (Vec::new(), amount);
        for (grant, part) in reserved {
            let part = part.min(left);
            if part > 0 {
                self.credit(grant).left -= part;
                left -= part;
                parts.push((grant, part));
            }
        }
        self.credits.retain(|credit| credit.left != 0);
        let (more, _) = self.take(left);
        parts.extend(more);
        self.charge(terms, "capture", amount, &parts);
        self.asides[place].state = "captured";
        self.count(self.asides[place].label, now, amount);
        self.changed = true;
        self.offset();
        self.expire_credits(terms, now);
        format!("hold {held} captured {amount}")
    }

    pub fn set_refill(
        &mut self,
        enabled: bool,
        threshold: i128,
        amount: i128,
        method: i64,
        most: Most,
    ) -> Told {
        if enabled && self.frozen.is_some() {
            return refused("wallet_frozen");
        }
        let before = self.refill.take();
        let fresh = Refill {
            enabled,
            threshold,
            amount,
            method,
            most,
            in_flight: false,
            flight: None,
            given_up: None,
            attempted: None,
            paused: None,
        };
        self.refill = Some(match before {
            None => fresh,
            Some(Refill { in_flight, flight, given_up, attempted, .. }) => {
                Refill { in_flight, flight, given_up, attempted, ..fresh }
            }
        });
        self.changed = true;
        "top_up".into()
    }
}

impl Purse {
    /// What zero makes of the resource of a run.
    pub fn rest(&mut self, terms: &Terms, place: usize) {
        self.rests.insert(self.runs[place].resource, terms.zero);
    }
}
