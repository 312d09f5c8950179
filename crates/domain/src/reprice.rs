//! Announced changes: a price, or a discount, that applies to what runs from an instant on
//! (requirements N16, rulings R15). A SKU whose price has a list of them is spot (N27).
//!
//! Laws: at that instant a run ends and another one of the same resource goes on at what was
//! announced and the discount in force then, linked to it and without new admission; under block
//! terms that is where the next block starts. A run knows its next such instant and a wallet the
//! first of all whose time accrues, so it happens as of its own instant however late a wallet is
//! woken (rulings R6, R7). Nothing that was posted is ever re-priced.

use crate::block::find_next_block;
use crate::discount;
use crate::event::EventKind;
use crate::lifecycle::{Ending, succeed};
use crate::price::{Price, PriceBook, TIME_DIMENSION};
use crate::profile::{Profile, Versions};
use crate::rate::Rate;
use crate::run::{Rest, Run, StopReason};
use crate::settle::tell;
use crate::wallet::Wallet;
use crate::workset::Workset;
use crate::{Amount, Kind, OrgId, Refusal, Timestamp};

/// What decides the price of a run.
#[derive(Clone, Copy, Debug)]
pub struct Pricing<'a> {
    pub wallet: &'a Wallet,
    pub profiles: &'a Versions,
    pub book: &'a PriceBook,
}

impl<'a> Pricing<'a> {
    /// The next instant after `after` at which something announced changes what a run of `sku`
    /// costs; [`Timestamp::NEVER`] when nothing does.
    pub fn next_change(self, sku: i64, after: Timestamp) -> Timestamp {
        let assigned = discount::next_change(self.wallet.discounts.iter(), sku, after);
        self.book.next_change(sku, TIME_DIMENSION, after).min(assigned)
    }

    /// What `price` costs this organization from `at` on.
    pub fn rate(self, price: &Price, at: Timestamp, now: Timestamp) -> Rate {
        let profile = self.profiles.at(at);
        price.rate(self.wallet.discount_bps(profile, price.sku, at, now))
    }

    /// The price at which `run` goes on where something announced takes effect at `at`: the one
    /// announced last, or its own.
    fn price_of(self, run: &Run, at: Timestamp) -> Option<&'a Price> {
        let since = (run.started_at, run.price);
        let announced = self.book.announced((run.sku, TIME_DIMENSION), since, at);
        announced.or_else(|| self.book.price(run.sku, TIME_DIMENSION, run.price))
    }

    /// What a block of `run` costs that begins at `start`, by what has been announced.
    fn block_rate(self, run: &Run, start: Timestamp) -> Rate {
        let changed = self.price_of(run, start).filter(|_| run.is_repriced_by(start));
        changed.map_or(run.rate, |price| self.rate(price, start, self.wallet.now))
    }

    /// What `run` will cost from `first` until `end`, if it goes on: at its present rate or its
    /// next size, then at what has been announced. Where a block begins, that is when it counts.
    pub fn rates_ahead(
        self,
        run: &Run,
        first: Timestamp,
        end: Timestamp,
    ) -> Vec<(Timestamp, Rate)> {
        let now = self.wallet.now;
        let smaller = run.next_sku.and_then(|sku| self.book.price_at(sku, TIME_DIMENSION, first));
        let mut rates = match smaller {
            Some(price) => vec![(first, self.rate(price, first, now))],
            None => vec![(first, self.block_rate(run, first))],
        };
        let mut own = smaller.or_else(|| self.price_of(run, first));
        let sku = own.map_or(run.sku, |price| price.sku);
        let mut change = self.next_change(sku, first);
        while change < end {
            let announced = self.book.announced((sku, TIME_DIMENSION), (first, i64::MAX), change);
            own = announced.or(own);
            rates.extend(own.map(|price| (change, self.rate(price, change, now))));
            change = self.next_change(sku, change);
        }
        rates
    }
}

fn with_pricing<T>(
    ws: &Workset,
    org: OrgId,
    look: impl FnOnce(Pricing<'_>) -> T,
) -> Result<T, Refusal> {
    let wallet = ws.wallet(org)?;
    let none = PriceBook::default();
    let book = ws.book(wallet.platform).map_or(&none, |book| &**book);
    let profiles = &ws.platform(wallet.platform)?.profiles;
    Ok(look(Pricing { wallet, profiles, book }))
}

/// When something announced next changes what a run of `sku` costs that begins at `started_at`.
pub fn next_change(
    ws: &Workset,
    org: OrgId,
    sku: i64,
    started_at: Timestamp,
) -> Result<Timestamp, Refusal> {
    with_pricing(ws, org, |pricing| pricing.next_change(sku, started_at))
}

/// What the next block of `run` costs, by what has been announced.
pub(crate) fn next_block_charge(ws: &Workset, org: OrgId, run: &Run) -> Result<Amount, Refusal> {
    let start = run.next_block();
    if !run.is_repriced_by(start) {
        return Ok(run.block_charge());
    }
    let rate = with_pricing(ws, org, |pricing| pricing.block_rate(run, start))?;
    Ok(run.block_charge_at(rate))
}

/// The price and rate at which `run` goes on at `start`; nothing when what takes effect then
/// changes nothing for it.
pub fn change_of(
    ws: &Workset,
    org: OrgId,
    run: &Run,
    start: Timestamp,
) -> Result<Option<(Price, Rate)>, Refusal> {
    with_pricing(ws, org, |pricing| {
        let price = pricing.price_of(run, start)?;
        let rate = pricing.rate(price, start, pricing.wallet.now);
        let is_other = price.number != run.price || rate != run.rate;
        is_other.then(|| (price.clone(), rate))
    })
}

/// How a run ends whose place is taken at what was announced.
pub(crate) const fn repriced_at(start: Timestamp) -> Ending {
    Ending { stopped_at: start, reason: StopReason::Repriced, rest: Rest::Stopped }
}

/// Lets runs go on at what has taken effect by `at`, lowest run number first.
pub(crate) fn reprice(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    at: Timestamp,
) -> Result<(), Refusal> {
    if ws.wallet(org)?.next_reprice > at {
        return Ok(());
    }
    let due = ws.runs.of(org).filter(|(_, run)| run.reprice_due() <= at);
    for number in due.map(|(number, _)| number).collect::<Vec<i64>>() {
        go_on(ws, org, profile, number, at)?;
    }
    let next = ws.runs.of(org).map(|(_, run)| run.reprice_due()).min();
    let next = next.unwrap_or(Timestamp::NEVER).min(ws.horizon(org).reprices);
    ws.wallet_mut(org)?.next_reprice = next;
    Ok(())
}

/// Lets one run, whose time accrues, go on at everything that has taken effect since it began, each
/// as of its own instant. Answers with the run that is open then.
pub fn go_on(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    number: i64,
    now: Timestamp,
) -> Result<Run, Refusal> {
    let mut run = ws.runs.find(Kind::Run, org, number)?.clone();
    while run.reprice_due() <= now {
        let start = run.reprices_at;
        run = match change_of(ws, org, &run, start)? {
            Some((price, _)) => succeed(ws, org, profile, &run, &price, repriced_at(start), now)?,
            None => pass(ws, org, run, start)?,
        };
    }
    Ok(run)
}

/// What took effect at `start` changed nothing for `run`: it waits for what comes next.
pub(crate) fn pass(
    ws: &mut Workset,
    org: OrgId,
    mut run: Run,
    start: Timestamp,
) -> Result<Run, Refusal> {
    run.reprices_at = next_change(ws, org, run.sku, start)?;
    ws.runs.put(org, run.number, run.clone());
    ws.wallet_mut(org)?;
    Ok(run)
}

/// Tells the open runs of `org`, which have to be loaded, of something that takes effect at
/// `effective_from` for `sku`, or for all; what should have by now takes effect at this second.
/// Answers whether any of them had not known. Nothing is re-priced that has been posted.
///
/// Idempotency: telling again changes nothing.
pub fn announce(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    (sku, effective_from): (Option<i64>, Timestamp),
    now: Timestamp,
) -> Result<bool, Refusal> {
    let at = effective_from.max(now.floor_to_second());
    let concerns = |run: &Run| {
        let is_it = sku.is_none_or(|sku| sku == run.sku);
        // One that began in this very second may have begun before this was announced.
        is_it && run.is_open() && run.started_at <= effective_from && run.reprices_at > at
    };
    let told: Vec<Run> =
        ws.runs.of(org).filter(|(_, run)| concerns(run)).map(|(_, run)| run.clone()).collect();
    if told.is_empty() {
        return Ok(false);
    }
    for mut run in told {
        run.reprices_at = at;
        let wallet = ws.wallet_mut(org)?;
        wallet.next_reprice = wallet.next_reprice.min(run.reprice_due());
        wallet.review_due = true;
        ws.runs.put(org, run.number, run);
    }
    reprice(ws, org, profile, now)?;
    find_next_block(ws, org, profile, 0)?;
    Ok(true)
}

/// Tells `org` of `price`, which applies to what it runs.
///
/// Idempotency: once told, nothing is told again.
pub fn announce_price(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    price: &Price,
    now: Timestamp,
) -> Result<(), Refusal> {
    let concerns = (Some(price.sku), price.effective_from);
    if price.dimension != TIME_DIMENSION || !announce(ws, org, profile, concerns, now)? {
        return Ok(());
    }
    let book = ws.book(ws.wallet(org)?.platform);
    let sku = book.and_then(|book| book.sku(price.sku)).map(|sku| sku.code.clone());
    let fields = vec![
        ("sku", sku.unwrap_or_default()),
        ("amount", price.amount.to_string()),
        ("per_units", price.per_units.to_string()),
        ("effective_from", price.effective_from.to_string()),
    ];
    tell(ws, org, EventKind::PriceAnnounced, now, fields)
}
