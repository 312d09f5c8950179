//! The wake: the one way in which time makes something happen to a wallet.
//!
//! Laws: what falls due is applied as of its own instant, in the order of rulings R5, however late
//! the wake is called; calling it twice changes nothing; nothing else may act on time. A wake ends
//! early when it asked the outside world for something, so that the answer can come before time
//! moves on (rulings R7).

use std::sync::Arc;

use crate::block::start_blocks;
use crate::digest::{RUNS_MAX, begin_tally, close_days, next_digest, review_digests};
use crate::event::{EventKind, Request};
use crate::grant::Posting;
use crate::hold::HoldState;
use crate::ledger::TransactionKind;
use crate::lifecycle::{Ending, end_run};
use crate::limit::{count_hold, labels_numbered, reset_limits, review_limits};
use crate::profile::{BalanceBasis, Digest, Profile};
use crate::reminder::{next_reminder, review_reminders};
use crate::reprice::reprice;
use crate::retention::{may_delete, retention_due, review_retention};
use crate::run::{Rest, Run, StopReason};
use crate::scoped;
use crate::settle::{Draft, offset_debt, post, settle_to, tell};
use crate::time::{SECONDS_PER_DAY, SECONDS_PER_HOUR};
use crate::turn::{next_turn, turn, turn_by};
use crate::wallet::{StopOrder, UserLimit, Wallet};
use crate::workset::{Platform, Workset};
use crate::{Amount, OrgId, Refusal, Timestamp, top_up};

/// How a wake ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// Everything due until then has been done.
    Done,
    /// Something was asked of the outside world at the wallet's present instant.
    Asked,
}

/// Which rows a wake until `until` will look at besides the wallet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WakeNeeds {
    pub open_runs: bool,
    pub open_holds: bool,
    /// Runs whose block starts until then, and with them when the next one does.
    pub due_blocks: bool,
    /// Runs that are given up until then unless they beat, with the journal since their last beat.
    pub due_beats: bool,
    /// Runs that go on at an announced price until then.
    pub due_reprices: bool,
    pub payment_method: Option<i64>,
    /// The attempt of an auto top-up that is looked at until then, with its payment method.
    pub waiting_deposit: Option<i64>,
}

impl WakeNeeds {
    /// What may be looked at under one of `profiles`.
    pub fn under<'a>(
        wallet: &Wallet,
        profiles: impl Iterator<Item = &'a Arc<Profile>>,
        until: Timestamp,
    ) -> WakeNeeds {
        let mut needs = WakeNeeds::default();
        for profile in profiles {
            let of = WakeNeeds::of(wallet, profile, until);
            needs = WakeNeeds { open_runs: needs.open_runs || of.open_runs, ..of };
        }
        needs
    }

    fn of(wallet: &Wallet, profile: &Profile, until: Timestamp) -> WakeNeeds {
        let lead = profile.stop_lead_seconds;
        let is_ordered = wallet.next_stop_at() != Timestamp::NEVER;
        let stops = is_ordered
            || wallet.run_out().plus_seconds(-lead) <= until
            || wallet.next_limit <= until;
        WakeNeeds {
            // A block that starts meanwhile may bring the end of what accrues nearer.
            open_runs: (wallet.stoppable_count > 0 && (stops || !wallet.blocks.is_empty()))
                || may_delete(wallet, profile, until)
                || (wallet.running_count <= RUNS_MAX && ends_day(wallet, profile, until)),
            open_holds: wallet.next_hold_expiry <= until,
            due_blocks: wallet.blocks.next_at() <= until,
            due_beats: wallet.next_beat <= until,
            due_reprices: wallet.next_reprice <= until,
            payment_method: wallet.auto_top_up.as_ref().map(|rule| rule.method),
            waiting_deposit: wallet.auto_top_up.as_ref().and_then(|rule| {
                rule.in_flight.filter(|_| rule.in_flight_due.is_some_and(|due| due <= until))
            }),
        }
    }
}

/// Whether a day ends by `until` that is told by what ran in it.
fn ends_day(wallet: &Wallet, profile: &Profile, until: Timestamp) -> bool {
    let is_over = match &wallet.tally {
        Some(tally) => tally.day_end <= until,
        // Days begin to be counted with the version of the profile that has digests.
        None => profile.digest != Digest::Off && wallet.zone.day_end(wallet.now) <= until,
    };
    is_over && wallet.meters.is_running()
}

/// Whether stops, top-up or alerts can come of a change in `wallet` at all.
pub fn is_watched(wallet: &Wallet, profile: &Profile) -> bool {
    wallet.stoppable_count > 0
        || !wallet.blocks.is_empty()
        || (profile.retention_days.is_some() && wallet.running_count > 0)
        || wallet.next_stop_at() != Timestamp::NEVER
        || wallet.auto_top_up.as_ref().is_some_and(|rule| rule.enabled || rule.in_flight.is_some())
        || wallet.told_limits().next().is_some()
        || wallet.limit_count > 0
        || profile.forecast_horizon_seconds.is_some()
}

/// The earliest instant at which something can fall due in `wallet` (rulings R6);
/// [`Timestamp::NEVER`] when nothing can.
pub fn next_wake(wallet: &Wallet, profile: &Profile) -> Timestamp {
    if wallet.review_due {
        return wallet.now;
    }
    let mut due = wallet.next_hold_expiry.min(next_grant_expiry(wallet));
    due = due.min(next_reminder(wallet, profile)).min(wallet.next_effective());
    due = due.min(wallet.next_limit);
    if let Some(validity) = &wallet.validity {
        due = due.min(validity.forgotten_at());
    }
    if wallet.meters.is_running() {
        let day_end = wallet.settled_until.plus_seconds(1).ceil_to_multiple(SECONDS_PER_DAY);
        due = due.min(day_end).min(limit_due(wallet, profile));
    }
    if wallet.running_count > 0 {
        // Also of what costs nothing: it is stopped where a grant lapses and debt is left.
        due = due.min(stop_due(wallet, profile));
        due = due.min(block_due(wallet, profile));
        due = due.min(wallet.next_beat).min(wallet.next_reprice);
        due = due.min(retention_due(wallet, profile));
    }
    due = due.min(next_digest(wallet));
    due.min(forecast_due(wallet, profile)).min(top_up::due(wallet, profile))
}

/// The same for a wallet of `platform`, which also wakes where a version of the profile takes
/// effect (requirements C23).
pub fn next_wake_on(platform: &Platform, wallet: &Wallet) -> Timestamp {
    next_wake_under(platform, wallet).min(next_turn(platform, wallet))
}

/// When something can fall due in a wallet of `platform` under the version of the profile that it
/// lives under now. On a test clock the agent answers at that instant (rulings R7), so the second
/// for which a stop was ordered is due as well.
pub fn next_wake_under(platform: &Platform, wallet: &Wallet) -> Timestamp {
    let due = next_wake(wallet, platform.profiles.at(wallet.now));
    if platform.clock.is_some() && wallet.stoppable_count > 0 {
        return due.min(wallet.next_stop_at());
    }
    due
}

/// When a block starts next; one that waits for the answer to a top-up is looked at when the grace
/// is over.
fn block_due(wallet: &Wallet, profile: &Profile) -> Timestamp {
    let due = wallet.blocks.next_at();
    match patience(wallet, profile) {
        Some(until) if due <= wallet.now => until.max(wallet.now),
        _ => due,
    }
}

/// Until when what cannot be paid waits for the answer to a top-up (rulings R7).
pub(crate) fn patience(wallet: &Wallet, profile: &Profile) -> Option<Timestamp> {
    unanswered_since(wallet).map(|since| since.plus_seconds(profile.catchup_grace_seconds))
}

fn next_grant_expiry(wallet: &Wallet) -> Timestamp {
    let spendable = wallet.grants.iter().filter(|grant| grant.unreserved().is_positive());
    let purchased_until = wallet.purchased_until();
    spendable.map(|grant| grant.lapses_at(purchased_until)).min().unwrap_or(Timestamp::NEVER)
}

/// When the order to stop goes out: the lead before run-out, and behind an unanswered top-up at
/// most the grace after it was asked for (rulings R7).
fn stop_due(wallet: &Wallet, profile: &Profile) -> Timestamp {
    if wallet.is_scoped() {
        return scoped::stop_due(wallet, profile);
    }
    if wallet.stop_order.is_some() {
        return Timestamp::NEVER;
    }
    let due = wallet.run_out().plus_seconds(-profile.stop_lead_seconds).max(wallet.now);
    match patience(wallet, profile) {
        Some(until) => due.max(until),
        None => due,
    }
}

fn unanswered_since(wallet: &Wallet) -> Option<Timestamp> {
    let rule = wallet.auto_top_up.as_ref()?;
    rule.in_flight.and(rule.attempted_at)
}

/// The first instant after now at which the shown balance is below `floor`.
pub(crate) fn crossing(
    wallet: &Wallet,
    profile: &Profile,
    floor: Amount,
    horizon: i64,
) -> Timestamp {
    let last = wallet.last_second_shown(profile, floor, horizon);
    if last == Timestamp::NEVER {
        return last;
    }
    let first = last.plus_seconds(1);
    let next = match profile.balance_basis {
        BalanceBasis::Live => wallet.now.floor_to_second().plus_seconds(1),
        BalanceBasis::Settled => {
            let every = profile.settle_every_seconds;
            return first
                .ceil_to_multiple(every)
                .max(wallet.now.floor_to_multiple(every).plus_seconds(every));
        }
    };
    first.max(next)
}

fn limit_due(wallet: &Wallet, profile: &Profile) -> Timestamp {
    // The highest is crossed first.
    let armed = wallet.told_limits().filter(|(_, rule)| !rule.fired).map(|(_, rule)| rule.limit);
    armed.max().map_or(Timestamp::NEVER, |limit| crossing(wallet, profile, limit, 0))
}

fn forecast_due(wallet: &Wallet, profile: &Profile) -> Timestamp {
    let Some(horizon) = profile.forecast_horizon_seconds else { return Timestamp::NEVER };
    let changes = forecast_change(wallet, horizon);
    let needed = forecast_need(wallet, wallet.now, horizon);
    if wallet.forecast_fired || !needed.is_positive() {
        return changes;
    }
    crossing(wallet, profile, needed, horizon).min(changes)
}

/// When the per-use part of the forecast changes next: at the whole hour at which an hour of spend
/// comes into the mean, or leaves it (rulings R22).
fn forecast_change(wallet: &Wallet, horizon: i64) -> Timestamp {
    let hour_start = |hour: i64| Timestamp::from_seconds(hour.saturating_mul(SECONDS_PER_HOUR));
    let hours = horizon / SECONDS_PER_HOUR;
    let changes = wallet.per_use.iter().flat_map(|&(hour, _)| [hour + 1, hour + 1 + hours]);
    let ahead = changes.map(hour_start).filter(|&at| at > wallet.now);
    ahead.min().unwrap_or(Timestamp::NEVER)
}

/// What the next `horizon` seconds will take: what runs now, and as much per-use spend as the last
/// whole hours of the same length had (rulings R22).
pub fn forecast_need(wallet: &Wallet, at: Timestamp, horizon: i64) -> Amount {
    let this_hour = at.seconds().div_euclid(SECONDS_PER_HOUR);
    let hours = horizon / SECONDS_PER_HOUR;
    let recent =
        wallet.per_use.iter().filter(|(hour, _)| (this_hour - hours..this_hour).contains(hour));
    wallet.burn_round_half_even(horizon).plus(recent.map(|&(_, spent)| spent).sum())
}

/// Applies everything that is due until `until`, instant by instant, and stops after an instant
/// that asked something of the outside world.
///
/// Idempotency: calling it again with the same `until` changes nothing.
pub fn wake(ws: &mut Workset, org: OrgId, until: Timestamp) -> Result<Woken, Refusal> {
    wake_at(ws, org, until, until)
}

/// As [`wake`], called at `present`.
fn wake_at(
    ws: &mut Workset,
    org: OrgId,
    until: Timestamp,
    present: Timestamp,
) -> Result<Woken, Refusal> {
    let platform = ws.platform(ws.wallet(org)?.platform)?;
    // After an outage attempts and cooldowns count from the real present (rulings R7); on a test
    // clock everything is asked, and answered, at its own instant.
    let asked_from = if platform.clock.is_some() { Timestamp::ZERO } else { present };
    let mut last = None;
    loop {
        let profile = ws.profile_of(org)?;
        let wallet = ws.wallet(org)?;
        let mut due = next_wake(wallet, &profile).max(wallet.now);
        if last == Some(due) && !wallet.review_due {
            // What is due at a whole second comes there, also after an instant between two.
            due = due.floor_to_second().plus_seconds(1);
        }
        let turns_at = next_turn(ws.platform(wallet.platform)?, wallet);
        if turns_at <= due.min(until) {
            turn(ws, org, turns_at)?;
            continue;
        }
        if due > until {
            break;
        }
        last = Some(due);
        let asked = ws.requests_of_command().len();
        move_to(ws, org, due)?;
        expire_holds(ws, org, &profile, due)?;
        expire_grants(ws, org, &profile, due)?;
        forget_lapsed(ws, org, due)?;
        begin_grants(ws, org, &profile, due)?;
        close_days(ws, org, &profile, due)?;
        reprice(ws, org, &profile, due)?;
        reset_limits(ws, org, &profile, due)?;
        settle_at_day_end(ws, org, &profile, due)?;
        give_up_silent(ws, org, &profile, due)?;
        review(ws, org, &profile, due, asked_from)?;
        if ws.requests_of_command().len() > asked {
            return Ok(Woken::Asked);
        }
    }
    if ws.wallet(org)?.now < until && ws.wallet(org)?.running_count > 0 {
        move_to(ws, org, until)?;
    }
    Ok(Woken::Done)
}

/// Brings a wallet to the instant of a command: everything due before `now`, then steps 1–3 of R5
/// at `now`. Stops, top-up and alerts of `now` come after the command, with the next wake.
///
/// Errors: `organization_closed`; what rails tell of one that was closed is for [`catch_up_any`].
pub fn catch_up(ws: &mut Workset, org: OrgId, now: Timestamp) -> Result<Timestamp, Refusal> {
    ws.require_open(org)?;
    catch_up_any(ws, org, now)
}

/// As [`catch_up`], for what is a fact whether or not the organization was closed meanwhile.
pub fn catch_up_any(ws: &mut Workset, org: OrgId, now: Timestamp) -> Result<Timestamp, Refusal> {
    let wallet = ws.wallet(org)?;
    let now = now.max(wallet.now);
    let platform = ws.platform(wallet.platform)?;
    let turns_at = next_turn(platform, wallet);
    if next_wake(wallet, platform.profiles.at(wallet.now)).min(turns_at) < now {
        let before = Timestamp::from_micros(now.micros() - 1);
        while wake_at(ws, org, before, now)? == Woken::Asked {}
    }
    if turns_at <= now {
        turn_by(ws, org, now)?;
    }
    let profile = ws.profile_of(org)?;
    move_to(ws, org, now)?;
    settle_to(ws, org, &profile, settled_by_others(&profile, now))?;
    expire_holds(ws, org, &profile, now)?;
    expire_grants(ws, org, &profile, now)?;
    begin_grants(ws, org, &profile, now)?;
    close_days(ws, org, &profile, now)?;
    begin_tally(ws, org, &profile, now)?;
    reprice(ws, org, &profile, now)?;
    if ws.wallet(org)?.is_scoped() {
        ws.wallet_mut(org)?.forget_scopes();
    }
    reset_limits(ws, org, &profile, now)?;
    Ok(now)
}

/// Up to where time is posted when something else happens at `at` (requirements C02).
pub(crate) fn settled_by_others(profile: &Profile, at: Timestamp) -> Timestamp {
    if profile.closed_windows_only() {
        at.floor_to_multiple(profile.settle_every_seconds)
    } else {
        at
    }
}

pub(crate) fn move_to(ws: &mut Workset, org: OrgId, at: Timestamp) -> Result<(), Refusal> {
    let wallet = ws.wallet_mut(org)?;
    wallet.now = wallet.now.max(at);
    wallet.launches.retain(|launch| launch.until > at);
    Ok(())
}

fn expire_holds(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    at: Timestamp,
) -> Result<(), Refusal> {
    if ws.wallet(org)?.next_hold_expiry > at {
        return Ok(());
    }
    let open = |state| state == HoldState::Open;
    let due: Vec<i64> = ws
        .holds
        .of(org)
        .filter(|(_, hold)| open(hold.state) && hold.expires_at <= at)
        .map(|(number, _)| number)
        .collect();
    if !due.is_empty() {
        // What ran until then is not paid from what the hold gives back.
        settle_to(ws, org, profile, settled_by_others(profile, at))?;
    }
    for number in due {
        let mut hold = ws.holds.find(crate::Kind::Hold, org, number)?.clone();
        hold.state = HoldState::Expired;
        hold.resolved_at = Some(hold.expires_at);
        let wallet = ws.wallet_mut(org)?;
        wallet.grants.unreserve(&hold.parts);
        wallet.review_due = true;
        let fields = vec![("hold", number.to_string()), ("amount", hold.amount.to_string())];
        let (labels, back) = (labels_numbered(ws, org, hold.labels)?, hold.amount.negated());
        ws.holds.put(org, number, hold);
        count_hold(ws, org, &labels, back)?;
        tell(ws, org, EventKind::HoldExpired, at, fields)?;
    }
    offset_debt(ws, org, at)?;
    let still_open = ws.holds.of(org).filter(|(_, hold)| open(hold.state));
    let next = still_open.map(|(_, hold)| hold.expires_at).min().unwrap_or(Timestamp::NEVER);
    ws.wallet_mut(org)?.next_hold_expiry = next;
    Ok(())
}

/// Lets the unreserved rest of due grants expire, after the time that ran until then has drawn its
/// part: breakage where it was paid for, the end of the promotion where it was given.
pub fn expire_grants(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    at: Timestamp,
) -> Result<(), Refusal> {
    if next_grant_expiry(ws.wallet(org)?) > at {
        return Ok(());
    }
    settle_to(ws, org, profile, at)?;
    loop {
        let wallet = ws.wallet_mut(org)?;
        let until = wallet.purchased_until();
        let Some(grant) = wallet.grants.expire_next(at, until) else { return Ok(()) };
        if let Some(validity) = &mut wallet.validity {
            validity.lapse(&grant, at);
        }
        let amount = grant.unreserved();
        let draft = Draft {
            subject: grant.number,
            postings: vec![Posting { grant: grant.number, change: amount.negated() }],
            ..Draft::new(TransactionKind::Expiry, at, amount)
        };
        post(ws, org, draft)?;
        let fields = vec![("grant", grant.number.to_string()), ("amount", amount.to_string())];
        tell(ws, org, EventKind::GrantExpired, at, fields)?;
    }
}

/// Lets grants that are due become effective, after the time that ran until then has been paid from
/// what there was.
fn begin_grants(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    at: Timestamp,
) -> Result<(), Refusal> {
    while ws.wallet(org)?.next_effective() <= at {
        settle_to(ws, org, profile, settled_by_others(profile, at))?;
        let upcoming = &ws.wallet(org)?.upcoming;
        let first = upcoming.iter().min_by_key(|it| (it.effective_at, it.grant.number));
        let Some(number) = first.map(|it| it.grant.number) else { return Ok(()) };
        let amount = begin_grant(ws, org, number, at)?.to_string();
        let fields = vec![("grant", number.to_string()), ("amount", amount)];
        tell(ws, org, EventKind::GrantEffective, at, fields)?;
    }
    Ok(())
}

/// Posts the grant numbered `number`, if it is still to come, and answers with its value.
pub fn begin_grant(
    ws: &mut Workset,
    org: OrgId,
    number: i64,
    at: Timestamp,
) -> Result<Amount, Refusal> {
    let wallet = ws.wallet_mut(org)?;
    let place = wallet.upcoming.iter().position(|it| it.grant.number == number);
    let Some(place) = place else { return Ok(Amount::ZERO) };
    let grant = wallet.upcoming.remove(place).grant;
    if grant.expires_at != Timestamp::NEVER {
        wallet.arm_reminders(at);
    }
    let amount = grant.remaining;
    wallet.grants.insert(grant);
    let draft = Draft {
        subject: number,
        postings: vec![Posting { grant: number, change: amount }],
        ..Draft::new(TransactionKind::Grant, at, amount)
    };
    post(ws, org, draft)?;
    Ok(amount)
}

/// What expired so long ago is not given back any more.
fn forget_lapsed(ws: &mut Workset, org: OrgId, at: Timestamp) -> Result<(), Refusal> {
    let validity = ws.wallet(org)?.validity.as_ref();
    if validity.is_some_and(|validity| validity.forgotten_at() <= at)
        && let Some(validity) = &mut ws.wallet_mut(org)?.validity
    {
        validity.lapsed = Vec::new();
    }
    Ok(())
}

/// Settlements are posted lazily, but at least daily (rulings A8).
fn settle_at_day_end(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    at: Timestamp,
) -> Result<(), Refusal> {
    let wallet = ws.wallet(org)?;
    let day = at.floor_to_multiple(SECONDS_PER_DAY);
    if wallet.meters.is_running() && wallet.settled_until < day {
        settle_to(ws, org, profile, day)?;
    }
    Ok(())
}

/// Ends runs that have not shown a sign of life for as long as was agreed, as of the last one
/// (rulings R14).
fn give_up_silent(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    at: Timestamp,
) -> Result<(), Refusal> {
    if ws.wallet(org)?.next_beat > at {
        return Ok(());
    }
    let silent: Vec<(i64, Timestamp)> = ws
        .runs
        .of(org)
        .filter(|(_, run)| run.beat_due() <= at)
        .filter_map(|(number, run)| Some((number, last_beat(run)?)))
        .collect();
    for (number, beat_at) in silent {
        let (reason, rest) = (StopReason::HeartbeatLost, Rest::Stopped);
        let ending = Ending { stopped_at: beat_at.floor_to_second(), reason, rest };
        end_run(ws, org, profile, number, ending, at)?;
    }
    let due = ws.runs.of(org).map(|(_, run)| run.beat_due()).min();
    let next = due.unwrap_or(Timestamp::NEVER).min(ws.horizon(org).beats);
    ws.wallet_mut(org)?.next_beat = next;
    Ok(())
}

/// The last sign of life of a run; one that goes on for another at an announced price may have
/// shown it before it began.
fn last_beat(run: &Run) -> Option<Timestamp> {
    let beat_at = run.heartbeat?.beat_at;
    Some(if run.origin.is_some() { beat_at } else { beat_at.max(run.started_at) })
}

/// Steps 5 to 8 of R5 at `at`: stops, block starts, auto top-up, alerts and reminders.
fn review(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    at: Timestamp,
    asked_from: Timestamp,
) -> Result<(), Refusal> {
    review_stops(ws, org, profile, at)?;
    review_limits(ws, org, profile, at)?;
    let patience = patience(ws.wallet(org)?, profile);
    start_blocks(ws, org, profile, at, patience)?;
    top_up::review(ws, org, profile, at, at.max(asked_from))?;
    review_limit(ws, org, profile, at)?;
    review_forecast(ws, org, profile, at)?;
    review_reminders(ws, org, profile, at)?;
    review_retention(ws, org, profile, at)?;
    review_digests(ws, org, profile, at, asked_from)?;
    if ws.wallet(org)?.review_due {
        ws.wallet_mut(org)?.review_due = false;
    }
    Ok(())
}

fn review_stops(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    at: Timestamp,
) -> Result<(), Refusal> {
    let wallet = ws.wallet(org)?;
    if wallet.is_scoped() {
        return scoped::review_stops(ws, org, profile, at);
    }
    let run_out = wallet.run_out();
    let due = run_out.plus_seconds(-profile.stop_lead_seconds);
    if let Some(order) = wallet.stop_order.clone() {
        let this_second = at.floor_to_second();
        if order.stop_at < this_second || order.stop_at == run_out.max(this_second) {
            return Ok(());
        }
        // Money came in, or use brought the end nearer: the order is taken back, and where a stop
        // is still due an order with its time takes its place.
        ws.wallet_mut(org)?.stop_order = None;
        let fields = vec![("sequence", order.sequence.to_string())];
        tell(ws, org, EventKind::StopCancelled, at, fields)?;
    }
    let wallet = ws.wallet(org)?;
    if wallet.stoppable_count == 0 || stop_due(wallet, profile) > at || due > at {
        return Ok(());
    }
    let stop_at = run_out.max(at.floor_to_second());
    let wallet = ws.wallet_mut(org)?;
    wallet.stop_sequence += 1;
    let order = StopOrder { stop_at, sequence: wallet.stop_sequence };
    wallet.stop_order = Some(order.clone());
    request_stops(ws, org, profile, &order, |_| true, at)
}

/// Tells which runs an order stops, those that `is_named` of what zero stops.
pub(crate) fn request_stops(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    order: &StopOrder,
    is_named: impl Fn(&Run) -> bool,
    at: Timestamp,
) -> Result<(), Refusal> {
    let open: Vec<(i64, i64)> = ws
        .runs
        .of(org)
        .filter(|(_, run)| run.is_stopped_by_order() && is_named(run))
        .map(|(number, run)| (number, run.resource))
        .collect();
    for (run, resource) in open {
        let fields = vec![
            ("run", run.to_string()),
            ("resource", resource.to_string()),
            ("stop_at", order.stop_at.to_string()),
            ("sequence", order.sequence.to_string()),
            ("action", profile.compute_zero_action.name().to_owned()),
        ];
        tell(ws, org, EventKind::StopRequested, at, fields)?;
    }
    ws.append_request(Request::StopRuns { org, stop_at: order.stop_at });
    Ok(())
}

fn review_limit(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    at: Timestamp,
) -> Result<(), Refusal> {
    let wallet = ws.wallet(org)?;
    if wallet.told_limits().next().is_none() {
        return Ok(());
    }
    let shown = wallet.shown(profile, at);
    let turned = |(member, rule): (Option<i64>, &UserLimit)| {
        ((shown < rule.limit) != rule.fired).then_some((member, rule.limit))
    };
    let turned: Vec<(Option<i64>, Amount)> = wallet.told_limits().filter_map(turned).collect();
    for (member, limit) in turned {
        let is_below = shown < limit;
        let wallet = ws.wallet_mut(org)?;
        let mut of_members = wallet.member_limits.iter_mut();
        let rule = match member {
            None => wallet.user_limit.as_mut(),
            Some(member) => of_members.find(|it| it.member == member).map(|it| &mut it.limit),
        };
        if let Some(rule) = rule {
            rule.fired = is_below;
        }
        let kind = if is_below { EventKind::BalanceLow } else { EventKind::BalanceRecovered };
        let mut fields = vec![("balance", shown.to_string()), ("limit", limit.to_string())];
        fields.extend(member.map(|member| ("member", member.to_string())));
        tell(ws, org, kind, at, fields)?;
    }
    Ok(())
}

fn review_forecast(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    at: Timestamp,
) -> Result<(), Refusal> {
    let Some(horizon) = profile.forecast_horizon_seconds else { return Ok(()) };
    let wallet = ws.wallet(org)?;
    let needed = forecast_need(wallet, at, horizon);
    let shown = wallet.shown(profile, at);
    let leaves_out = wallet.lapsing_within(profile, at, horizon);
    let is_low = needed.is_positive() && shown.minus(leaves_out) < needed;
    // Nothing left is no recovery, even when nothing is needed any more because all has stopped.
    let is_below = is_low || (wallet.forecast_fired && !shown.is_positive());
    if is_below == wallet.forecast_fired {
        return Ok(());
    }
    let burn = wallet.burn_round_half_even(SECONDS_PER_HOUR);
    ws.wallet_mut(org)?.forecast_fired = is_below;
    let kind = if is_below { EventKind::BalanceForecastLow } else { EventKind::BalanceRecovered };
    let mut fields = vec![
        ("balance", shown.to_string()),
        ("needed", needed.to_string()),
        ("burn_per_hour", burn.to_string()),
    ];
    if leaves_out.is_positive() {
        fields.push(("expiring", leaves_out.to_string()));
    }
    tell(ws, org, kind, at, fields)
}
