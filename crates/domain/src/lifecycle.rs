//! Opening and closing runs: the one place where something begins or ends to cost money.
//!
//! Laws: a run costs money from the second it is ready to the second it stopped (requirements N01);
//! what was posted for time after its end is given back; a run that takes another's place is linked
//! to it and needs no new admission (rulings R15).

use crate::block::{charge_block, find_next_block, take_back_blocks};
use crate::correct::correct;
use crate::digest::{note_late_start, note_run};
use crate::event::EventKind;
use crate::limit::{Turn, count_run};
use crate::price::{Price, TIME_DIMENSION};
use crate::profile::Profile;
use crate::rate::Rate;
use crate::reprice::{next_block_charge, next_change};
use crate::run::{Heartbeat, Paid, ResourceClass, Rest, Run, StopReason};
use crate::scope::{Cover, Purpose};
use crate::settle::{offset_debt, settle_to, tell};
use crate::wake::expire_grants;
use crate::workset::Workset;
use crate::{Amount, Kind, OrgId, Refusal, Timestamp};

/// How a run begins.
#[derive(Clone, Debug)]
pub struct Opening {
    pub resource: i64,
    pub class: ResourceClass,
    /// The length of a block under block terms.
    pub block_seconds: Option<i64>,
    pub started_at: Timestamp,
    /// It costs nothing until it is said to be ready.
    pub is_waiting: bool,
    pub heartbeat: Option<Heartbeat>,
    /// The end of a block that was paid before and is used up first.
    pub paid_until: Option<Timestamp>,
    pub previous: Option<i64>,
    /// The run that it goes on for at an announced price.
    pub origin: Option<i64>,
}

/// How a run ends.
#[derive(Clone, Copy, Debug)]
pub struct Ending {
    pub stopped_at: Timestamp,
    pub reason: StopReason,
    /// What its resource is from then on.
    pub rest: Rest,
}

/// The price of a SKU's time in force at `at`.
///
/// Errors: [`Refusal::NotFound`], [`Refusal::PriceMissing`].
pub fn price_of(ws: &Workset, org: OrgId, sku: i64, at: Timestamp) -> Result<Price, Refusal> {
    let platform = ws.wallet(org)?.platform;
    let book = ws.book(platform).cloned().unwrap_or_default();
    let sku = book.sku(sku).ok_or(Refusal::NotFound { kind: Kind::Sku })?;
    let price = book.price_at(sku.number, TIME_DIMENSION, at.max(Timestamp::ZERO)).cloned();
    price.ok_or_else(|| Refusal::PriceMissing {
        sku: sku.code.clone(),
        dimension: TIME_DIMENSION.into(),
    })
}

/// What a run of `price` costs that starts at `at`: less the discount in force then, which is a
/// snapshot like the price (requirements N16, S13).
pub fn rate_of(
    ws: &Workset,
    org: OrgId,
    price: &Price,
    at: Timestamp,
    now: Timestamp,
) -> Result<Rate, Refusal> {
    let wallet = ws.wallet(org)?;
    let profile = ws.platform(wallet.platform)?.profiles.at(at.min(now));
    Ok(price.rate(wallet.discount_bps(profile, price.sku, at, now)))
}

/// Opens a run of a resource at `price`. Admission, and that its blocks can be paid, is the
/// caller's to decide.
///
/// Errors: [`Refusal::NotFound`] when the resource is not loaded.
pub fn open_run(
    ws: &mut Workset,
    org: OrgId,
    price: &Price,
    opening: &Opening,
    now: Timestamp,
) -> Result<Run, Refusal> {
    let rate = rate_of(ws, org, price, opening.started_at, now)?;
    let number = ws.wallet_mut(org)?.take_number();
    let paid = |block_seconds| Paid { block_seconds, until: Timestamp::NEVER, blocks: 0 };
    let mut run = Run {
        number,
        resource: opening.resource,
        sku: price.sku,
        price: price.number,
        rate,
        class: opening.class,
        started_at: opening.started_at,
        admitted_at: None,
        stopped_at: None,
        stop_reason: None,
        is_waiting: opening.is_waiting,
        paid: opening.block_seconds.map(paid),
        heartbeat: opening.heartbeat,
        previous: opening.previous,
        next_sku: None,
        origin: opening.origin,
        reprices_at: next_change(ws, org, price.sku, opening.started_at)?,
    };
    if !run.is_waiting {
        // Of a run that takes another's place the first block is what was decided on.
        let last = match (opening.paid_until, opening.previous) {
            (None, Some(_)) => run.started_at,
            _ => now,
        };
        begin_billing(ws, org, &mut run, (opening.paid_until, last), now)?;
    }
    let mut resource = ws.resources.find(Kind::Resource, org, opening.resource)?.clone();
    resource.run = Some(number);
    resource.rest = Rest::Stopped;
    resource.sku = run.sku;
    resource.paid_until = None;
    ws.resources.put(org, opening.resource, resource);
    ws.runs.put(org, number, run.clone());
    ws.wallet_mut(org)?.review_due = true;
    let mut fields = vec![("run", number.to_string()), ("resource", opening.resource.to_string())];
    if let Some(previous) = opening.previous {
        fields.push(("previous", previous.to_string()));
    }
    let kind = if run.is_waiting { EventKind::RunAdmitted } else { EventKind::RunStarted };
    tell(ws, org, kind, now, fields)?;
    Ok(run)
}

/// Lets a run cost money from its start on. Under block terms every block that has started by
/// `last` is paid at once, and the first in any case, after one that was paid before is used up, up
/// to one that begins after an announced change.
pub fn begin_billing(
    ws: &mut Workset,
    org: OrgId,
    run: &mut Run,
    (paid_until, last): (Option<Timestamp>, Timestamp),
    now: Timestamp,
) -> Result<(), Refusal> {
    let wallet = ws.wallet_mut(org)?;
    wallet.running_count += 1;
    wallet.next_beat = wallet.next_beat.min(run.beat_due());
    if let Some(paid) = &mut run.paid {
        paid.until = paid_until.unwrap_or(run.started_at);
        let last = if paid_until.is_some() { last } else { last.max(run.started_at) };
        while run.next_block() <= last && !run.is_repriced_by(run.next_block()) {
            charge_block(ws, org, run, now)?;
        }
        let next = next_block_charge(ws, org, run)?;
        let wallet = ws.wallet_mut(org)?;
        let cover = wallet.scopes.cover(Some(Purpose::of(run)));
        wallet.blocks.add(run, cover, next);
        return Ok(());
    }
    wallet.stoppable_count += i64::from(run.class.is_stopped_at_zero());
    wallet.next_reprice = wallet.next_reprice.min(run.reprices_at);
    wallet.meters.accrue_to(now);
    let cover = wallet.count_covered(run, 1);
    let meter = (cover, run.rate.per_units);
    wallet.meters.change_rate(meter, run.rate.numerator(), run.started_at);
    if run.previous.is_none() {
        let profile = ws.profile_at(org, run.started_at.min(now))?;
        ws.wallet_mut(org)?.begin_launch(run, &profile, now);
    }
    count_run(ws, org, run, Turn::Begins, run.started_at)?;
    note_late_start(ws, org, run)
}

/// Ends an open run: time is charged to its last second and settled at once (requirements N01), and
/// what was posted beyond is given back. A paid block is kept, one that started at the end or later
/// is taken back (rulings R5).
///
/// Errors: [`Refusal::NotFound`] when the run is not loaded.
pub fn close_run(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    number: i64,
    ending: Ending,
    now: Timestamp,
) -> Result<Run, Refusal> {
    let mut run = ws.runs.find(Kind::Run, org, number)?.clone();
    if run.is_billed() {
        // Credit that comes back is not counted on to pay for it any more.
        let stopped_at = Some(ending.stopped_at);
        ws.runs.put(org, number, Run { stopped_at, ..run.clone() });
        let wallet = ws.wallet_mut(org)?;
        wallet.running_count -= 1;
        if run.paid.is_some() {
            let cover = wallet.scopes.cover(Some(Purpose::of(&run)));
            wallet.blocks.remove(&run, cover);
            find_next_block(ws, org, profile, number)?;
            take_back_blocks(ws, org, &mut run, ending.stopped_at, now)?;
            offset_debt(ws, org, now)?;
            expire_grants(ws, org, profile, now)?;
        } else {
            note_run(ws, org, &run, ending.stopped_at)?;
            end_accrual(ws, org, profile, &run, ending.stopped_at, now)?;
        }
    }
    run.stopped_at = Some(ending.stopped_at);
    run.stop_reason = Some(ending.reason);
    run.next_sku = None;
    if let Some(resource) = ws.resources.get(org, run.resource) {
        let mut resource = resource.clone();
        resource.run = None;
        resource.rest = ending.rest;
        let until = run.paid.map(|paid| paid.until).filter(|_| !run.is_waiting);
        resource.paid_until = until.filter(|&until| until > ending.stopped_at);
        ws.resources.put(org, run.resource, resource);
    }
    ws.runs.put(org, number, run.clone());
    ws.wallet_mut(org)?.review_due = true;
    tell_stopped(ws, org, &run, now)?;
    Ok(run)
}

fn end_accrual(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    run: &Run,
    stopped_at: Timestamp,
    now: Timestamp,
) -> Result<(), Refusal> {
    let wallet = ws.wallet_mut(org)?;
    wallet.meters.accrue_to(now);
    let cover = wallet.count_covered(run, -1);
    let before = wallet.meters.unposted_under(cover, now);
    let meter = (cover, run.rate.per_units);
    wallet.meters.change_rate(meter, -run.rate.numerator(), stopped_at);
    let wallet = ws.wallet(org)?;
    // One that took another's place has none: one like it would be that of another run.
    let launch = match run.previous {
        None => wallet.place_of_launch(run, cover, &ws.platform(wallet.platform)?.profiles),
        Some(_) => None,
    };
    let wallet = ws.wallet_mut(org)?;
    if let Some(place) = launch {
        wallet.launches.remove(place);
    }
    wallet.stoppable_count -= i64::from(run.class.is_stopped_at_zero());
    if wallet.stoppable_count == 0 {
        wallet.stop_order = None;
    }
    count_run(ws, org, run, Turn::Ends, stopped_at)?;
    give_back_surplus(ws, org, profile, (run, cover, before), now)
}

/// Settles, and gives back what was posted for time that turns out not to have run; `before` was
/// due until then.
fn give_back_surplus(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    (run, cover, before): (&Run, Cover, Amount),
    now: Timestamp,
) -> Result<(), Refusal> {
    // Another run that was reported ahead of the clock may be why less than nothing is due.
    let surplus = ws.wallet(org)?.meters.unposted_under(cover, now).negated().or_zero();
    let surplus = surplus.minus(before.negated().or_zero());
    settle_to(ws, org, profile, now)?;
    let meter = (cover, run.rate.per_units);
    correct(ws, org, (meter, Purpose::of(run)), surplus, now)?;
    offset_debt(ws, org, now)?;
    expire_grants(ws, org, profile, now)
}

/// Ends an open run. An end before it began is one of the run that it goes on for at an announced
/// price: that one is then the last that ran. Answers with the run that the end lies in.
///
/// Errors: [`Refusal::NotFound`] when a run on the way back is not loaded.
pub fn end_run(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    number: i64,
    ending: Ending,
    now: Timestamp,
) -> Result<Run, Refusal> {
    let run = ws.runs.find(Kind::Run, org, number)?;
    let started_at = run.started_at;
    let Some(mut before) = run.goes_on_for().filter(|_| ending.stopped_at < started_at) else {
        return close_run(ws, org, profile, number, ending, now);
    };
    let never_ran = Ending { stopped_at: started_at, ..ending };
    close_run(ws, org, profile, number, never_ran, now)?;
    loop {
        let run = shorten(ws, org, profile, before, ending, now)?;
        match run.goes_on_for().filter(|_| ending.stopped_at < run.started_at) {
            Some(previous) => before = previous,
            None => return Ok(run),
        }
    }
}

/// Moves the end of a run that went on at an announced price to where it really stopped, or to its
/// start.
fn shorten(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    number: i64,
    ending: Ending,
    now: Timestamp,
) -> Result<Run, Refusal> {
    let mut run = ws.runs.find(Kind::Run, org, number)?.clone();
    let stopped_at = ending.stopped_at.max(run.started_at);
    if run.paid.is_some() {
        take_back_blocks(ws, org, &mut run, stopped_at, now)?;
        offset_debt(ws, org, now)?;
        expire_grants(ws, org, profile, now)?;
    } else if let Some(ended_at) = run.stopped_at {
        let wallet = ws.wallet_mut(org)?;
        let cover = wallet.scopes.cover(Some(Purpose::of(&run)));
        let (meter, numerator) = ((cover, run.rate.per_units), run.rate.numerator());
        wallet.meters.accrue_to(now);
        let before = wallet.meters.unposted_under(cover, now);
        wallet.meters.change_rate(meter, -numerator, stopped_at);
        wallet.meters.change_rate(meter, numerator, ended_at);
        count_run(ws, org, &run, Turn::Ends, stopped_at)?;
        count_run(ws, org, &run, Turn::Begins, ended_at)?;
        give_back_surplus(ws, org, profile, (&run, cover, before), now)?;
    }
    run.stopped_at = Some(stopped_at);
    run.stop_reason = Some(ending.reason);
    if let Some(mut resource) = ws.resources.get(org, run.resource).cloned() {
        let until = run.paid.map(|paid| paid.until);
        resource.paid_until = until.filter(|&until| until > stopped_at);
        ws.resources.put(org, run.resource, resource);
    }
    ws.runs.put(org, number, run.clone());
    tell_stopped(ws, org, &run, now)?;
    Ok(run)
}

/// Tells that a run is stopped at `stop_at` by the engine itself, which waits for nobody.
pub(crate) fn tell_end(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    (number, stop_at): (i64, Timestamp),
    at: Timestamp,
) -> Result<(), Refusal> {
    let resource = ws.runs.find(Kind::Run, org, number)?.resource;
    let wallet = ws.wallet_mut(org)?;
    wallet.stop_sequence += 1;
    let fields = vec![
        ("run", number.to_string()),
        ("resource", resource.to_string()),
        ("stop_at", stop_at.to_string()),
        ("sequence", wallet.stop_sequence.to_string()),
        ("action", profile.compute_zero_action.name().to_owned()),
    ];
    tell(ws, org, EventKind::StopRequested, at, fields)
}

fn tell_stopped(ws: &mut Workset, org: OrgId, run: &Run, now: Timestamp) -> Result<(), Refusal> {
    let (Some(stopped_at), Some(reason)) = (run.stopped_at, run.stop_reason) else {
        return Ok(());
    };
    let fields = vec![
        ("run", run.number.to_string()),
        ("resource", run.resource.to_string()),
        ("stopped_at", stopped_at.to_string()),
        ("reason", reason.name().to_string()),
    ];
    tell(ws, org, EventKind::RunStopped, now, fields)
}

/// The run that is meant by `number`: where it went on at an announced price, the one that goes on
/// for it now.
///
/// Errors: [`Refusal::NotFound`].
pub fn current_run(ws: &Workset, org: OrgId, number: i64) -> Result<Run, Refusal> {
    let run = ws.runs.find(Kind::Run, org, number)?;
    if run.stop_reason != Some(StopReason::Repriced) {
        return Ok(run.clone());
    }
    let started = run.origin.unwrap_or(number);
    let open = ws.resources.get(org, run.resource).and_then(|resource| resource.run);
    let open = open.and_then(|open| ws.runs.get(org, open));
    Ok(open.filter(|open| open.origin == Some(started)).unwrap_or(run).clone())
}

/// Closes `run` by `ending` and opens the one at `price` that takes its place, linked to the same
/// resource and without new admission (rulings R15). One that goes on at an announced price owes
/// its signs of life as before.
pub fn succeed(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    run: &Run,
    price: &Price,
    ending: Ending,
    now: Timestamp,
) -> Result<Run, Refusal> {
    let (order, start) = (ws.wallet(org)?.stop_order.clone(), ending.stopped_at);
    close_run(ws, org, profile, run.number, ending, now)?;
    let is_same = ending.reason == StopReason::Repriced;
    let heartbeat = |it: Heartbeat| if is_same { it } else { Heartbeat { beat_at: start, ..it } };
    let opening = Opening {
        resource: run.resource,
        class: run.class,
        block_seconds: run.paid.map(|paid| paid.block_seconds),
        started_at: start,
        is_waiting: run.is_waiting,
        heartbeat: run.heartbeat.map(heartbeat),
        paid_until: None,
        previous: Some(run.number),
        origin: is_same.then(|| run.origin.unwrap_or(run.number)),
    };
    let opened = open_run(ws, org, price, &opening, now)?;
    // An order that is out stands until it is seen what is due now.
    let wallet = ws.wallet_mut(org)?;
    if wallet.stoppable_count > 0 {
        wallet.stop_order = order;
    }
    Ok(opened)
}
