//! The auditor: an independent, naive second implementation of the rules.
//!
//! *Invariant:* it reads acknowledged commands, their answers and their times, and what the engine
//! has written; it never calls the rules it audits. Where the engine has closed forms it counts.
//!
//! What it predicts: every answer but the numbers given out, balances, totals by account, what is
//! left of every grant, stop orders, alerts and auto top-ups, each with its instant.

mod blocks;
mod calendar;
mod commands;
mod compare;
mod coupons;
mod desk;
mod discount;
mod life;
mod limits;
mod purse;
mod refill;
mod resize;
mod returns;
mod tax;
mod terms;
mod time;
mod validity;

use std::collections::{BTreeMap, BTreeSet};

use domain::{OrgId, Timestamp};

use crate::command::{Action, Rail};
use calendar::Zone;
use commands::refused;
use coupons::Coupon;
use desk::{Cards, Desk};
use purse::{Purse, SECOND};
use returns::Payment;
use terms::Terms;

pub use compare::{Seen, Sort, Whole};

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
    coupons: Vec<Coupon>,
}

impl Shop {
    /// The price in force at `at`: the latest to have taken effect, of those the last set.
    fn price(&self, sku: i64, dimension: &str, at: i64) -> Option<&Price> {
        let fits =
            |price: &&Price| price.sku == sku && price.dimension == dimension && price.from <= at;
        self.prices.iter().filter(fits).max_by_key(|price| (price.from, price.number))
    }
}

#[derive(Debug)]
struct Thing {
    sku: i64,
    class: &'static str,
    label: limits::Label,
}

/// A usage event that was charged.
#[derive(Clone, Debug)]
struct Event {
    content: String,
    /// When it was used, and by what.
    at: i64,
    label: limits::Label,
    /// What it was answered.
    words: String,
    amount: i128,
    parts: Vec<(i64, i128)>,
    absorbed: i128,
    debt: i128,
    /// What its reversal was answered, once it was taken back.
    reversed: Option<String>,
}

#[derive(Debug, Default)]
pub struct Auditor {
    shops: BTreeMap<OrgId, Shop>,
    homes: BTreeMap<OrgId, OrgId>,
    purses: BTreeMap<OrgId, Purse>,
    things: BTreeMap<(OrgId, i64), Thing>,
    payments: BTreeMap<(OrgId, i64), Payment>,
    cards: BTreeMap<(OrgId, i64), Rail>,
    used: BTreeMap<(OrgId, String), Event>,
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
            let Some(terms) = self.shop_of(org).map(|shop| &shop.terms) else { continue };
            let is_due = |purse: &Purse| purse.changed && purse.is_watched(terms);
            if terms.live && self.purses.get(&org).is_some_and(is_due) {
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
        purse.pass(&shop.terms, until, real, &mut Cards(&self.cards, org, shop));
    }

    fn expect(&mut self, wall: i64, action: &Action, said: &Said) -> String {
        match action {
            Action::CreatePlatform { org, profile, settings, clock } => {
                let terms = Terms::of(profile, settings, clock.is_none());
                let clock = clock.map(Timestamp::micros);
                let (skus, prices, coupons) = (BTreeMap::new(), Vec::new(), Vec::new());
                self.shops.insert(*org, Shop { terms, clock, target: None, skus, prices, coupons });
                self.homes.insert(*org, *org);
                self.open_purse(*org, clock.unwrap_or(wall), "UTC");
                "platform".into()
            }
            Action::CreateOrganization { org, platform, zone } => {
                let now = self.shops[platform].clock.unwrap_or(wall);
                self.homes.insert(*org, *platform);
                self.open_purse(*org, now, zone);
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
            Action::CreateCoupon { .. } | Action::Claim { .. } | Action::Conclude { .. } => {
                self.expect_coupon(wall, action, said)
            }
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

    fn open_purse(&mut self, org: OrgId, now: i64, zone: &'static str) {
        let (settled, zone) = (purse::second_of(now), Some(Zone(zone)));
        self.purses.insert(org, Purse { now, settled, zone, ..Purse::default() });
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
        let shop = &self.shops[home];
        let mut desk = Desk {
            purse: self.purses.get_mut(&org).unwrap(),
            shop,
            cards: Cards(&self.cards, org, shop),
            things: &mut self.things,
            payments: &mut self.payments,
            used: &mut self.used,
            org,
        };
        desk.learn_deposit(action);
        // What is refused leaves the wallet as it was.
        let before = desk.purse.clone();
        let words = desk.expect(wall, action, said);
        if words.starts_with("refused") || words.ends_with(" again") {
            *desk.purse = before;
        }
        words
    }
}
