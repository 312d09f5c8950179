//! The auditor: an independent, naive second implementation of the rules.
//!
//! *Invariant:* it reads acknowledged commands, their answers and their times, and what the engine
//! has written; it never calls the rules it audits. Where the engine has closed forms it counts.
//!
//! What it predicts: every answer but the numbers given out, balances, totals by account, what is
//! left of every grant, stop orders, alerts and auto top-ups, each with its instant.

mod blocks;
mod commands;
mod compare;
mod purse;
mod time;

use std::collections::{BTreeMap, BTreeSet};

use domain::{OrgId, Timestamp};

use crate::command::{Action, Rail};
use commands::refused;
use purse::{Purse, SECOND, Terms, half_even};
use time::Outside;

pub use compare::{Seen, Whole};

/// What an answer of the engine says: the number it gave, a second one, and words to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    pub number: i64,
    pub other: i64,
    pub words: String,
}

#[derive(Clone, Debug)]
struct Price {
    number: i64,
    sku: i64,
    dimension: String,
    amount: i128,
    per: i64,
    from: i64,
}

#[derive(Debug)]
struct Shop {
    terms: Terms,
    clock: Option<i64>,
    target: Option<i64>,
    skus: BTreeMap<String, (i64, &'static str)>,
    prices: Vec<Price>,
}

impl Shop {
    /// The price in force at `at`: the latest to have taken effect, of those the last set.
    fn price(&self, sku: i64, dimension: &str, at: i64) -> Option<&Price> {
        let fits =
            |price: &&Price| price.sku == sku && price.dimension == dimension && price.from <= at;
        self.prices.iter().filter(fits).max_by_key(|price| (price.from, price.number))
    }
}

#[derive(Clone, Debug)]
struct Payment {
    amount: i128,
    state: &'static str,
    auto: bool,
}

#[derive(Debug)]
struct Thing {
    sku: i64,
    class: &'static str,
    run: Option<i64>,
}

#[derive(Debug, Default)]
pub struct Auditor {
    shops: BTreeMap<OrgId, Shop>,
    homes: BTreeMap<OrgId, OrgId>,
    purses: BTreeMap<OrgId, Purse>,
    things: BTreeMap<(OrgId, i64), Thing>,
    payments: BTreeMap<(OrgId, i64), Payment>,
    cards: BTreeMap<(OrgId, i64), Rail>,
    used: BTreeMap<(OrgId, String), (String, String)>,
}

struct Cards<'a>(&'a BTreeMap<(OrgId, i64), Rail>, OrgId);

impl Outside for Cards<'_> {
    fn charge(&mut self, method: i64) -> Option<bool> {
        match self.0.get(&(self.1, method)).copied().unwrap_or(Rail::Declines) {
            Rail::Pays => Some(true),
            Rail::Declines => Some(false),
            Rail::Asks => None,
        }
    }
}

/// One wallet with what it lives under, taken apart so that each can be used beside the others.
struct Desk<'a> {
    purse: &'a mut Purse,
    shop: &'a Shop,
    cards: Cards<'a>,
    things: &'a mut BTreeMap<(OrgId, i64), Thing>,
    payments: &'a mut BTreeMap<(OrgId, i64), Payment>,
    used: &'a mut BTreeMap<(OrgId, String), (String, String)>,
    org: OrgId,
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

impl Auditor {
    /// Applies a batch that was acknowledged as decided at `wall`; `resent` when it was sent before
    /// a crash too, so that an event may be known to the engine already.
    ///
    /// Errors: the first answer that is not what the rules say.
    pub fn batch(
        &mut self,
        wall: Timestamp,
        resent: bool,
        batch: &[(Action, Said)],
    ) -> Result<(), String> {
        let wall = wall.micros();
        for (action, said) in batch {
            let words = self.expect(wall, action, said);
            let heard = said.words.strip_suffix(" again").filter(|_| resent);
            if words != said.words && Some(words.as_str()) != heard {
                return Err(format!("{action:?} was answered {:?}, not {words:?}", said.words));
            }
        }
        let touches = |(action, said): &&(Action, Said)| action.changes_wallet(said);
        let orgs: BTreeSet<OrgId> =
            batch.iter().filter(touches).map(|(action, _)| action.org()).collect();
        for org in orgs {
            let is_live = self.shop_of(org).is_some_and(|shop| shop.terms.live);
            if is_live && self.purses.get(&org).is_some_and(|purse| purse.changed) {
                self.pass(org, wall, wall);
            }
        }
        Ok(())
    }

    /// Everything that is due on the wall clock was done.
    pub fn woken(&mut self, wall: Timestamp) {
        let orgs: Vec<OrgId> = self.purses.keys().copied().collect();
        for org in orgs {
            if self.shop_of(org).is_some_and(|shop| shop.terms.live) {
                self.pass(org, wall.micros(), wall.micros());
            }
        }
    }

    /// A test clock is on its way to `to`, and every wallet under it has arrived.
    pub fn advanced(&mut self, platform: OrgId, to: Timestamp) {
        let homes: Vec<(OrgId, OrgId)> = self.homes.iter().map(|it| (*it.0, *it.1)).collect();
        for (org, home) in homes {
            if home == platform {
                self.pass(org, to.micros(), to.micros());
            }
        }
    }

    fn shop_of(&self, org: OrgId) -> Option<&Shop> {
        self.shops.get(self.homes.get(&org)?)
    }

    fn pass(&mut self, org: OrgId, until: i64, real: i64) {
        let (Some(home), Some(purse)) = (self.homes.get(&org), self.purses.get_mut(&org)) else {
            return;
        };
        let Some(shop) = self.shops.get(home) else { return };
        purse.pass(&shop.terms, until, real, &mut Cards(&self.cards, org));
    }

    fn expect(&mut self, wall: i64, action: &Action, said: &Said) -> String {
        match action {
            Action::CreatePlatform { org, profile, settings, clock } => {
                let terms = Terms::of(profile, settings, clock.is_none());
                let clock = clock.map(Timestamp::micros);
                let (skus, prices) = (BTreeMap::new(), Vec::new());
                self.shops.insert(*org, Shop { terms, clock, target: None, skus, prices });
                self.homes.insert(*org, *org);
                self.open_purse(*org, clock.unwrap_or(wall));
                "platform".into()
            }
            Action::CreateOrganization { org, platform } => {
                let now = self.shops[platform].clock.unwrap_or(wall);
                self.homes.insert(*org, *platform);
                self.open_purse(*org, now);
                "organization".into()
            }
            Action::CreateSku { platform, code, class } => {
                let shop = self.shops.get_mut(platform).unwrap();
                if shop.skus.contains_key(code) {
                    return refused("name_taken");
                }
                shop.skus.insert(code.clone(), (said.number, class));
                "sku".into()
            }
            Action::CreatePrice { .. } => self.expect_price(wall, action, said),
            Action::Move { platform, to, arrival } => self.expect_move(*platform, *to, *arrival),
            Action::SaveMethod { org, answers } => {
                self.cards.insert((*org, said.number), *answers);
                "method".into()
            }
            Action::ChangeMethod { org, method, answers } => {
                match self.cards.get_mut(&(*org, *method)) {
                    Some(card) => *card = *answers,
                    None => return refused("not_found"),
                }
                "method".into()
            }
            _ => self.expect_at_desk(wall, action, said),
        }
    }

    fn open_purse(&mut self, org: OrgId, now: i64) {
        let settled = purse::second_of(now);
        self.purses.insert(org, Purse { now, settled, ..Purse::default() });
    }

    fn expect_price(&mut self, wall: i64, action: &Action, said: &Said) -> String {
        let Action::CreatePrice { platform, sku, dimension, amount, per, from } = action else {
            return String::new();
        };
        let shop = self.shops.get_mut(platform).unwrap();
        let now = shop.clock.unwrap_or(wall);
        let is_first = shop.price(*sku, dimension, i64::MAX).is_none();
        let present = if is_first { purse::second_of(now) * SECOND } else { now };
        let from = from.map_or(present, Timestamp::micros);
        if from < now && !is_first {
            return refused("too_long_ago");
        }
        shop.prices.push(Price {
            number: said.number,
            sku: *sku,
            dimension: dimension.clone(),
            amount: i128::from(*amount),
            per: *per,
            from,
        });
        format!("price {from}")
    }

    fn expect_move(&mut self, platform: OrgId, to: Timestamp, arrival: bool) -> String {
        let shop = self.shops.get_mut(&platform).unwrap();
        let Some(now) = shop.clock else { return refused("no_test_clock") };
        let to = to.micros();
        if to < now || shop.target.is_some_and(|target| to < target) {
            return refused("clock_goes_back");
        }
        if arrival {
            (shop.clock, shop.target) = (Some(to), None);
        } else {
            shop.target = Some(to);
        }
        "platform".into()
    }

    fn expect_at_desk(&mut self, wall: i64, action: &Action, said: &Said) -> String {
        let org = action.org();
        let Some(home) = self.homes.get(&org) else { return refused("not_found") };
        let mut desk = Desk {
            purse: self.purses.get_mut(&org).unwrap(),
            shop: &self.shops[home],
            cards: Cards(&self.cards, org),
            things: &mut self.things,
            payments: &mut self.payments,
            used: &mut self.used,
            org,
        };
        // What is refused leaves the wallet as it was.
        let before = desk.purse.clone();
        let words = desk.expect(wall, action, said);
        if words.starts_with("refused") || words.ends_with(" again") {
            *desk.purse = before;
        }
        words
    }
}

impl Desk<'_> {
    fn expect(&mut self, wall: i64, action: &Action, said: &Said) -> String {
        match action {
            Action::Give { amount, priority, expires, .. } => {
                let now = self.catch_up(wall);
                let expires = expires.map_or(purse::NEVER, Timestamp::micros);
                self.purse.give(said.number, i128::from(*amount), *priority, expires, now)
            }
            Action::Void { grant, .. } => {
                let now = self.catch_up(wall);
                self.purse.void(&self.shop.terms, *grant, now)
            }
            Action::AutoTopUp { enabled, threshold, amount, method, .. } => {
                if !self.shop.terms.top_up {
                    return refused("not_in_profile");
                }
                self.catch_up(wall);
                if !self.cards.0.contains_key(&(self.org, *method)) {
                    return refused("payment_method_missing");
                }
                let (threshold, amount) = (i128::from(*threshold), i128::from(*amount));
                self.purse.set_refill(*enabled, threshold, amount, *method)
            }
            Action::Limit { limit, .. } => {
                self.catch_up(wall);
                self.purse.limit = limit.map(|limit| (i128::from(limit), false));
                self.purse.changed = true;
                "limit".into()
            }
            Action::StartDeposit { amount, .. } => self.expect_deposit(*amount, said),
            Action::SettleDeposit { deposit, outcome, .. } => {
                self.expect_settled(wall, *deposit, *outcome, said)
            }
            Action::CreateResource { sku, .. } => match self.shop.skus.get(sku) {
                None => refused("unknown_sku"),
                Some(&(sku, class)) => {
                    self.things.insert((self.org, said.number), Thing { sku, class, run: None });
                    "resource".into()
                }
            },
            Action::StartRun { resource, at, .. } => self.expect_start(wall, *resource, *at, said),
            Action::Resume { resource, .. } => self.expect_resume(wall, *resource, said),
            Action::StopRun { run, at, .. } => self.expect_stop(wall, *run, *at),
            Action::Usage { .. } => self.expect_usage(wall, action),
            Action::Hold { amount, seconds, .. } => {
                let now = self.catch_up(wall);
                let seconds = seconds.unwrap_or(3_600);
                let amount = i128::from(*amount);
                self.purse.hold(&self.shop.terms, said.number, amount, seconds, now)
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

    fn expect_deposit(&mut self, amount: i64, said: &Said) -> String {
        let exact = i128::from(amount);
        if amount % 10_000_000 != 0 {
            return refused("amount_too_precise");
        }
        if exact < self.shop.terms.deposit.0 || exact > self.shop.terms.deposit.1 {
            return refused("amount_out_of_range");
        }
        let payment = Payment { amount: exact, state: "pending", auto: false };
        self.payments.insert((self.org, said.number), payment);
        format!("deposit {amount} pending")
    }

    fn expect_settled(&mut self, wall: i64, deposit: i64, outcome: Rail, said: &Said) -> String {
        let key = (self.org, deposit);
        if !self.payments.contains_key(&key) {
            if self.purse.asked.is_empty() {
                return refused("not_found");
            }
            let (_, amount) = self.purse.asked.remove(0);
            self.payments.insert(key, Payment { amount, state: "pending", auto: true });
            if let Some(rule) = &mut self.purse.refill
                && rule.in_flight
            {
                rule.flight = Some(deposit);
            }
        }
        let now = self.catch_up(wall);
        let payment = self.payments[&key].clone();
        let state = match (outcome, payment.state) {
            (Rail::Pays, "succeeded") => "succeeded",
            (_, "succeeded") | (Rail::Asks, "failed") => return refused("deposit_decided"),
            (Rail::Declines, "failed") => "failed",
            (Rail::Asks, "needs_authentication") => "needs_authentication",
            (Rail::Pays, _) => {
                self.purse.paid(payment.amount, Some(said.other), now);
                self.landed(deposit);
                "succeeded"
            }
            (Rail::Declines, _) => {
                self.purse.declined(now, payment.auto);
                self.landed(deposit);
                "failed"
            }
            (Rail::Asks, _) => {
                self.purse.told.push(("deposit.needs_authentication", now));
                "needs_authentication"
            }
        };
        self.payments.get_mut(&key).unwrap().state = state;
        format!("deposit {} {state}", payment.amount)
    }

    fn landed(&mut self, deposit: i64) {
        if let Some(rule) = &mut self.purse.refill
            && rule.flight == Some(deposit)
        {
            rule.in_flight = false;
            rule.flight = None;
        }
    }

    fn expect_start(
        &mut self,
        wall: i64,
        resource: i64,
        at: Option<Timestamp>,
        said: &Said,
    ) -> String {
        let now = self.catch_up(wall);
        let Some(thing) = self.things.get_mut(&(self.org, resource)) else {
            return refused("not_found");
        };
        let is_open = |run: &purse::Running| run.resource == resource && run.stop.is_none();
        if self.purse.runs.iter().any(is_open) {
            return refused("already_running");
        }
        if self.purse.paused.contains(&resource) {
            return refused("resource_paused");
        }
        let start = purse::second_of(at.map_or(now, Timestamp::micros)) * SECOND;
        if let Some(refusal) = Purse::reported(start, now) {
            return refusal;
        }
        let Some(price) = self.shop.price(thing.sku, "seconds", start) else {
            return refused("price_missing");
        };
        let compute = thing.class == "compute";
        thing.run = Some(said.number);
        let price = (price.amount * 10_000, price.per);
        let (terms, number) = (&self.shop.terms, said.number);
        self.purse.start(terms, number, resource, price, compute, start, now)
    }

    fn expect_resume(&mut self, wall: i64, resource: i64, said: &Said) -> String {
        let now = self.catch_up(wall);
        let Some(thing) = self.things.get_mut(&(self.org, resource)) else {
            return refused("not_found");
        };
        let is_open = |run: &purse::Running| run.resource == resource && run.stop.is_none();
        if self.purse.runs.iter().any(is_open) {
            return refused("already_running");
        }
        if !self.purse.paused.contains(&resource) {
            return refused("resource_not_paused");
        }
        let Some(price) = self.shop.price(thing.sku, "seconds", now) else {
            return refused("price_missing");
        };
        let compute = thing.class == "compute";
        thing.run = Some(said.number);
        let price = (price.amount * 10_000, price.per);
        let (terms, number) = (&self.shop.terms, said.number);
        let start = purse::second_of(now) * SECOND;
        self.purse.start(terms, number, resource, price, compute, start, now)
    }

    fn expect_stop(&mut self, wall: i64, run: i64, at: Option<Timestamp>) -> String {
        let now = self.catch_up(wall);
        let at = at.map_or(now, Timestamp::micros);
        self.purse.stop(&self.shop.terms, run, at, now)
    }

    fn expect_usage(&mut self, wall: i64, action: &Action) -> String {
        let Action::Usage { id, sku, at, quantities, .. } = action else { return String::new() };
        let key = (self.org, id.clone());
        let content = format!("{sku} {at:?} {quantities:?}");
        if let Some((before, words)) = self.used.get(&key) {
            if *before != content {
                return refused("event_conflict");
            }
            return format!("{words} again");
        }
        if quantities.iter().all(|it| it.1 == 0) || quantities.iter().any(|it| it.1 < 0) {
            return refused("quantity_not_positive");
        }
        let clock = self.clock(wall);
        let at = at.map_or(clock, Timestamp::micros);
        if let Some(refusal) = Purse::reported(at, clock) {
            return refusal;
        }
        let Some(&(sku, _)) = self.shop.skus.get(sku) else { return refused("unknown_sku") };
        let mut amount = 0;
        for (dimension, quantity) in quantities.iter().filter(|it| it.1 > 0) {
            let Some(price) = self.shop.price(sku, dimension, at) else {
                return refused("price_missing");
            };
            amount += half_even(price.amount * i128::from(*quantity), i128::from(price.per));
        }
        let now = self.catch_up(wall);
        let words = self.purse.used(&self.shop.terms, amount, now);
        self.used.insert(key, (content, words.clone()));
        words
    }
}
