//! One command at one wallet: who it is about, what it names, and what it has to be answered.

use std::collections::BTreeMap;

use domain::{OrgId, Timestamp};

use super::commands::refused;
use super::life::silence_refused;
use super::purse::{self, Purse, SECOND, UNIT, half_even, second_of};
use super::refill::{Attempt, Most};
use super::resize::Size;
use super::returns::Payment;
use super::time::Outside;
use super::{Event, Said, Shop, Thing};
use crate::command::{Action, Rail};

pub struct Cards<'a>(pub &'a BTreeMap<(OrgId, i64), Rail>, pub OrgId, pub &'a Shop);

impl Outside for Cards<'_> {
    fn charge(&mut self, method: i64) -> Option<bool> {
        match self.0.get(&(self.1, method)).copied().unwrap_or(Rail::Declines) {
            Rail::Pays => Some(true),
            Rail::Declines => Some(false),
            Rail::Asks => None,
        }
    }

    fn price(&self, sku: i64, at: i64) -> Option<(i128, i64)> {
        self.2.price(sku, "seconds", at).map(|price| (price.amount, price.per))
    }
}

/// One wallet with what it lives under, taken apart so that each can be used beside the others.
pub struct Desk<'a> {
    pub purse: &'a mut Purse,
    pub shop: &'a Shop,
    pub cards: Cards<'a>,
    pub things: &'a mut BTreeMap<(OrgId, i64), Thing>,
    pub payments: &'a mut BTreeMap<(OrgId, i64), Payment>,
    pub used: &'a mut BTreeMap<(OrgId, String), Event>,
    pub org: OrgId,
}

impl Desk<'_> {
    fn catch_up(&mut self, wall: i64) -> i64 {
        let now = self.shop.clock.unwrap_or(wall);
        self.purse.catch_up(&self.shop.terms, now, &mut self.cards)
    }

    /// The instant of a command that has not caught up yet.
    fn clock(&self, wall: i64) -> i64 {
        self.shop.clock.unwrap_or(wall).max(self.purse.now)
    }
}

impl Desk<'_> {
    pub fn expect(&mut self, wall: i64, action: &Action, said: &Said) -> String {
        match action {
            Action::Give { amount, priority, from, expires, .. } => {
                let now = self.catch_up(wall);
                let from = from.map_or(now, Timestamp::micros).max(now);
                let expires = expires.map_or(purse::NEVER, Timestamp::micros);
                let between = (from, expires);
                self.purse.give(said.number, i128::from(*amount), *priority, between, now)
            }
            Action::Void { grant, .. } => {
                let now = self.catch_up(wall);
                self.purse.void(&self.shop.terms, *grant, now)
            }
            Action::Discount { sku, bps, from, until, .. } => {
                let now = self.catch_up(wall);
                if sku.is_some_and(|sku| !self.shop.skus.values().any(|it| it.0 == sku)) {
                    return refused("not_found");
                }
                let micros = |at: &Option<Timestamp>| at.map(Timestamp::micros);
                let between = (micros(from), micros(until));
                self.purse.assign(&self.shop.terms, (*sku, *bps), between, now)
            }
            Action::Redeem { coupon, gift, first_only, .. } => {
                let now = self.catch_up(wall);
                self.purse.redeem(*coupon, (gift, *first_only), said.other, now)
            }
            Action::AutoTopUp { enabled, threshold, amount, method, daily, monthly, .. } => {
                if !self.shop.terms.top_up {
                    return refused("not_in_profile");
                }
                self.catch_up(wall);
                let (threshold, amount) = (i128::from(*threshold), i128::from(*amount));
                let fits = |(least, most): (i128, i128), it| least <= it && it <= most;
                let terms = &self.shop.terms;
                let (most_daily, most_monthly) = (terms.most.daily, terms.most.monthly);
                let most = Most { daily: *daily, monthly: monthly.map(i128::from) };
                let charge = (
                    terms.charge.0,
                    most_monthly.map_or(terms.charge.1, |most| most.min(terms.charge.1)),
                );
                let daily_fits =
                    daily.is_none_or(|it| (1..=most_daily.unwrap_or(288)).contains(&it));
                let monthly_range = (amount, most_monthly.unwrap_or(1_000_000 * UNIT));
                let monthly_fits = most.monthly.is_none_or(|it| fits(monthly_range, it));
                if !fits(terms.threshold, threshold)
                    || !fits(charge, amount)
                    || !daily_fits
                    || !monthly_fits
                {
                    return refused("setting_out_of_range");
                }
                if !self.cards.0.contains_key(&(self.org, *method)) {
                    return refused("payment_method_missing");
                }
                self.purse.set_refill(*enabled, threshold, amount, *method, most)
            }
            Action::Tax { bps, .. } => {
                let now = self.catch_up(wall);
                self.purse.set_tax(&self.shop.terms, *bps, now)
            }
            Action::Limit { limit, .. } => {
                self.catch_up(wall);
                self.purse.limit = limit.map(|limit| (i128::from(limit), false));
                self.purse.changed = true;
                "limit".into()
            }
            Action::Cap { label, monthly, most, .. } => {
                let now = self.catch_up(wall);
                let what = (*label, *monthly);
                self.purse.cap(said.number, what, i128::from(*most), now)
            }
            Action::Uncap { limit, .. } => {
                self.catch_up(wall);
                self.purse.uncap(*limit)
            }
            Action::StartDeposit { amount, .. } => self.expect_deposit(wall, *amount, said),
            Action::SettleDeposit { deposit, outcome, paid, fee, .. } => {
                self.expect_settled(wall, *deposit, (*outcome, *paid, *fee), said)
            }
            Action::Refund { .. }
            | Action::SettleRefund { .. }
            | Action::ReportRefund { .. }
            | Action::Dispute { .. }
            | Action::ReleaseFreeze { .. }
            | Action::Reverse { .. } => self.expect_return(wall, action, said),
            Action::CreateResource { sku, label, .. } => match self.shop.skus.get(sku) {
                None => refused("unknown_sku"),
                Some(&(sku, class)) => {
                    self.things
                        .insert((self.org, said.number), Thing { sku, class, label: *label });
                    "resource".into()
                }
            },
            Action::StartRun { resource, at, waits, silence, .. } => {
                self.expect_start(wall, *resource, *at, (*waits, *silence), said)
            }
            Action::Ready { run, at, .. } => {
                let now = self.catch_up(wall);
                let at = at.map_or(now, Timestamp::micros);
                self.purse.ready(&self.shop.terms, *run, at, now)
            }
            Action::Resize { run, sku, .. } => self.expect_resize(wall, *run, sku, said),
            Action::Beat { run, at, .. } => {
                let now = self.catch_up(wall);
                self.purse.beat(*run, at.map_or(now, Timestamp::micros), now)
            }
            Action::Resume { resource, .. } => self.expect_resume(wall, *resource, said),
            Action::StopRun { run, at, .. } => self.expect_stop(wall, *run, *at),
            Action::Usage { .. } => self.expect_usage(wall, action),
            Action::Hold { amount, seconds, label, .. } => {
                let now = self.catch_up(wall);
                let seconds = seconds.unwrap_or(3_600);
                let what = (i128::from(*amount), *label);
                self.purse.hold(&self.shop.terms, said.number, what, seconds, now)
            }
            Action::Capture { hold, amount, .. } => {
                let now = self.catch_up(wall);
                self.purse.capture(&self.shop.terms, *hold, amount.map(i128::from), now)
            }
            Action::Release { hold, .. } => {
                let now = self.catch_up(wall);
                self.purse.release(&self.shop.terms, *hold, now)
            }
            other => panic!("{other:?} is not about one wallet"),
        }
    }

    fn expect_deposit(&mut self, wall: i64, amount: i64, said: &Said) -> String {
        let exact = i128::from(amount);
        if amount % 10_000_000 != 0 {
            return refused("amount_too_precise");
        }
        if exact < self.shop.terms.deposit.0 || exact > self.shop.terms.deposit.1 {
            return refused("amount_out_of_range");
        }
        let (tax, made) = (self.purse.tax_on(exact), self.shop.clock.unwrap_or(wall));
        let payment = Payment { tax, ..Payment::pending(exact, false, made) };
        self.payments.insert((self.org, said.number), payment);
        format!("deposit {amount} pending")
    }

    fn expect_settled(
        &mut self,
        wall: i64,
        deposit: i64,
        (outcome, paid, fee): (Rail, Option<Timestamp>, Option<i64>),
        said: &Said,
    ) -> String {
        let key = (self.org, deposit);
        if !self.payments.contains_key(&key) {
            return refused("not_found");
        }
        let now = self.catch_up(wall);
        self.note_given_up();
        let payment = self.payments[&key].clone();
        let fee = fee.map(i128::from).filter(|_| outcome == Rail::Pays);
        if let Some(refusal) = fee.and_then(|fee| payment.fee_refused(fee)) {
            return refusal;
        }
        let state = match (outcome, payment.state) {
            (Rail::Pays, "succeeded") => "succeeded",
            (_, "succeeded") | (Rail::Asks, "failed") => return refused("deposit_decided"),
            (Rail::Declines, "failed") => "failed",
            (Rail::Asks, "needs_authentication") => "needs_authentication",
            (Rail::Pays, _) => {
                let paid = paid.map_or(now, Timestamp::micros).max(payment.made).min(now);
                let (terms, paid) = (&self.shop.terms, second_of(paid) * SECOND);
                self.purse.take_tax(payment.tax);
                let grant = self.purse.paid(terms, payment.amount, Some(said.other), paid, now);
                self.payments.get_mut(&key).unwrap().grant = grant;
                self.landed(deposit);
                "succeeded"
            }
            (Rail::Declines, _) => {
                if payment.auto && payment.state == "pending" {
                    let is_it = |it: &&mut Attempt| it.at == payment.made;
                    let attempt = self.purse.attempts.iter_mut().find(is_it);
                    attempt.expect("what was asked for").refused = true;
                }
                self.purse.declined(now, payment.auto);
                self.landed(deposit);
                "failed"
            }
            (Rail::Asks, _) => {
                self.purse.told.push(("deposit.needs_authentication", now));
                if self.purse.refill.as_ref().is_some_and(|rule| rule.flight == Some(deposit)) {
                    self.purse.await_payer(&self.shop.terms, now);
                }
                "needs_authentication"
            }
        };
        let known = self.payments.get_mut(&key).unwrap();
        if let (Some(fee), None) = (fee, known.fee) {
            known.fee = Some(fee);
            self.purse.keep_fee(fee);
        }
        if known.state != state {
            (known.state, known.decided) = (state, now);
        }
        format!("deposit {} {state}", payment.amount)
    }

    fn expect_return(&mut self, wall: i64, action: &Action, said: &Said) -> String {
        let terms = &self.shop.terms;
        if let Action::Reverse { id, .. } = action {
            return self.expect_reversal(wall, id);
        }
        let deposit = match action {
            Action::Refund { deposit, .. }
            | Action::ReportRefund { deposit, .. }
            | Action::Dispute { deposit, .. } => *deposit,
            Action::SettleRefund { refund, .. } => {
                self.purse.refunds.get(refund).map_or(0, |refund| refund.deposit)
            }
            _ => {
                let now = self.catch_up(wall);
                return self.purse.unfreeze(now);
            }
        };
        if !self.payments.contains_key(&(self.org, deposit)) {
            return refused("not_found");
        }
        let now = self.catch_up(wall);
        let purse = &mut *self.purse;
        let payment = self.payments.get_mut(&(self.org, deposit)).expect("it was found");
        match action {
            Action::Refund { amount, by_customer, .. } => {
                let of = (deposit, payment);
                purse.refund(terms, said.number, of, *amount, *by_customer, now)
            }
            Action::ReportRefund { external, amount, .. } => {
                let (of, report) = ((deposit, payment), (external.as_str(), *amount));
                purse.refund_reported(terms, said.number, of, report, now)
            }
            Action::Dispute { external, state, withdrawn, .. } => {
                let report = (*state, *withdrawn);
                purse.disputed(terms, (deposit, payment), external, report, now)
            }
            Action::SettleRefund { refund, paid, .. } => {
                purse.refund_decided(terms, *refund, *paid, payment, now)
            }
            other => panic!("{other:?} is no return"),
        }
    }

    fn expect_reversal(&mut self, wall: i64, id: &str) -> String {
        let key = (self.org, id.to_owned());
        let Some(event) = self.used.get(&key).cloned() else { return refused("not_found") };
        if let Some(words) = event.reversed {
            return format!("{words} again");
        }
        let now = self.catch_up(wall);
        let past_zero = (event.absorbed, event.debt);
        let terms = &self.shop.terms;
        let words = self.purse.reverse(terms, event.amount, &event.parts, past_zero, now);
        self.purse.count(event.label, event.at, -event.amount);
        self.used.get_mut(&key).unwrap().reversed = Some(words.clone());
        words
    }

    /// Learns the number of a deposit that was asked for by itself, whatever becomes of the command
    /// that names it.
    pub fn learn_deposit(&mut self, action: &Action) {
        let Action::SettleDeposit { deposit, .. } = action else { return };
        let key = (self.org, *deposit);
        if self.payments.contains_key(&key) || self.purse.asked.is_empty() {
            return;
        }
        let Attempt { at, amount, tax, .. } = self.purse.asked.remove(0);
        self.payments.insert(key, Payment { tax, ..Payment::pending(amount, true, at) });
        if let Some(rule) = &mut self.purse.refill
            && rule.in_flight
        {
            rule.flight = Some(*deposit);
        }
    }

    /// What payers did not confirm in time has failed.
    fn note_given_up(&mut self) {
        for (deposit, at) in std::mem::take(&mut self.purse.given_up_on) {
            let payment = self.payments.get_mut(&(self.org, deposit)).expect("it was named");
            (payment.state, payment.decided) = ("failed", at);
        }
    }

    fn landed(&mut self, deposit: i64) {
        if let Some(rule) = &mut self.purse.refill
            && rule.flight == Some(deposit)
        {
            rule.in_flight = false;
            rule.flight = None;
            rule.given_up = None;
        }
    }

    fn expect_start(
        &mut self,
        wall: i64,
        resource: i64,
        at: Option<Timestamp>,
        (waits, silence): (bool, Option<i64>),
        said: &Said,
    ) -> String {
        let now = self.catch_up(wall);
        let Some(thing) = self.things.get(&(self.org, resource)) else {
            return refused("not_found");
        };
        if self.purse.is_taken(resource) {
            return refused("already_running");
        }
        if self.purse.frozen.is_some() {
            return refused("wallet_frozen");
        }
        match self.purse.rests.get(&resource) {
            Some(&"pause") => return refused("resource_paused"),
            Some(&"terminate") => return refused("resource_terminated"),
            _ => {}
        }
        let start = second_of(at.map_or(now, Timestamp::micros)) * SECOND;
        if let Some(refusal) = Purse::reported(start, now) {
            return refusal;
        }
        if let Some(refusal) = silence_refused(silence) {
            return refusal;
        }
        let sku = self.purse.size_of(resource, thing.sku);
        let Some(size) = self.size(sku, start) else { return refused("price_missing") };
        let what = (thing.class == "compute", thing.label);
        let (terms, number) = (&self.shop.terms, said.number);
        self.purse.start(terms, number, resource, size, what, (waits, silence), start, now)
    }

    fn expect_resume(&mut self, wall: i64, resource: i64, said: &Said) -> String {
        let now = self.catch_up(wall);
        let Some(thing) = self.things.get(&(self.org, resource)) else {
            return refused("not_found");
        };
        if self.purse.is_taken(resource) {
            return refused("already_running");
        }
        if self.purse.frozen.is_some() {
            return refused("wallet_frozen");
        }
        if self.purse.rests.get(&resource) != Some(&"pause") {
            return refused("resource_not_paused");
        }
        let sku = self.purse.size_of(resource, thing.sku);
        let Some(size) = self.size(sku, now) else { return refused("price_missing") };
        let what = (thing.class == "compute", thing.label);
        let (terms, number) = (&self.shop.terms, said.number);
        let start = second_of(now) * SECOND;
        self.purse.start(terms, number, resource, size, what, (false, None), start, now)
    }

    fn expect_resize(&mut self, wall: i64, run: i64, code: &str, said: &Said) -> String {
        let now = self.catch_up(wall);
        let found = match self.purse.open_run(run) {
            Ok(found) => found,
            Err(refusal) => return refusal,
        };
        if self.purse.frozen.is_some() {
            return refused("wallet_frozen");
        }
        let Some(&(sku, class)) = self.shop.skus.get(code) else { return refused("unknown_sku") };
        let (is_waiting, place) = found;
        let runs = if is_waiting { &self.purse.waits } else { &self.purse.runs };
        let (resource, start) = (runs[place].resource, second_of(now).max(runs[place].start));
        if self.things[&(self.org, resource)].class != class {
            return refused("class_differs");
        }
        match self.size(sku, start * SECOND) {
            Some(size) => self.purse.resize(&self.shop.terms, said.number, found, size, now),
            None => refused("price_missing"),
        }
    }

    /// What the time of a SKU costs that begins at an instant.
    fn size(&self, sku: i64, at: i64) -> Option<Size> {
        let price = self.shop.price(sku, "seconds", at)?;
        let share = self.purse.share(&self.shop.terms, sku, at);
        Some(Size { sku, price: price.amount * share, per: price.per })
    }

    fn expect_stop(&mut self, wall: i64, run: i64, at: Option<Timestamp>) -> String {
        let now = self.catch_up(wall);
        let at = at.map_or(now, Timestamp::micros);
        self.purse.stop(&self.shop.terms, run, at, now)
    }

    fn expect_usage(&mut self, wall: i64, action: &Action) -> String {
        let Action::Usage { id, sku, at, quantities, label, .. } = action else {
            return String::new();
        };
        let key = (self.org, id.clone());
        let content = format!("{sku} {at:?} {quantities:?} {label:?}");
        if let Some(before) = self.used.get(&key) {
            if before.content != content {
                return refused("event_conflict");
            }
            return format!("{} again", before.words);
        }
        if quantities.iter().all(|it| it.1 == 0) || quantities.iter().any(|it| it.1 < 0) {
            return refused("quantity_not_positive");
        }
        let clock = self.clock(wall);
        let at = at.map_or(clock, Timestamp::micros);
        if let Some(refusal) = Purse::reported(at, clock) {
            return refusal;
        }
        let Some(&(sku, class)) = self.shop.skus.get(sku) else { return refused("unknown_sku") };
        let now = self.catch_up(wall);
        let share = self.purse.share(&self.shop.terms, sku, at);
        let mut amount = 0;
        for (dimension, quantity) in quantities.iter().filter(|it| it.1 > 0) {
            let Some(price) = self.shop.price(sku, dimension, at) else {
                return refused("price_missing");
            };
            let exact = price.amount * share * i128::from(*quantity);
            amount += half_even(exact, i128::from(price.per) * 10_000);
        }
        let available = self.purse.available(&self.shop.terms, second_of(now));
        if self.shop.terms.models_refused && class == "model" {
            if available <= 0 {
                return format!("refused insufficient_credit {available} {amount}");
            }
            if let Some(refusal) = self.purse.beyond(*label, 0, 0, second_of(now)) {
                return refusal;
            }
        }
        self.purse.count(*label, at, amount);
        let (words, parts, past_zero) = self.purse.used(&self.shop.terms, amount, now);
        let ((absorbed, debt), reversed) = (past_zero, None);
        let event = Event {
            content,
            at,
            label: *label,
            words: words.clone(),
            amount,
            parts,
            absorbed,
            debt,
            reversed,
        };
        self.used.insert(key, event);
        words
    }
}
