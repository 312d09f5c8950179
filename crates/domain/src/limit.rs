//! Spend limits: what may be spent in a day or a month, by all of an organization or by what
//! carries a label (requirements N24, rulings R22).
//!
//! Laws: the count belongs to the window and goes by the time of use, so changing a cap never
//! resets it; of several limits the tightest wins; new spending is admitted only as far as every
//! limit leaves room for it, held credit included; what runs is stopped at the last second within
//! the cap; use that has happened is charged, and says which limit it went beyond.
//!
//! A limit keeps the exact sum of price × time of the runs it covers, as a wallet does, so that the
//! second at which a cap is reached is known ahead. It counts from when it was set: what was used
//! before is in no window of it. A start or stop that is reported ahead of the clock over the end
//! of a window counts in the next window from its beginning, or not at all.

use crate::calendar::Zone;
use crate::event::EventKind;
use crate::label::{API_KEY, Labels, MEMBER, PROJECT};
use crate::lifecycle::{Ending, close_run, tell_end};
use crate::meter::Meters;
use crate::profile::Profile;
use crate::run::{Run, StopReason};
use crate::scope::Cover;
use crate::settle::{settle_to, tell};
use crate::wake::settled_by_others;
use crate::workset::Workset;
use crate::{Amount, Id, Kind, OrgId, Refusal, Timestamp};

/// Limits that one organization has at a time.
pub const LIMITS_MAX: usize = 100;

/// What a limit counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LimitScope {
    /// Everything of the organization.
    Organization,
    /// What carries this label `project`.
    Project(String),
    /// What carries this label `member`.
    Member(String),
    /// What carries this label `api_key`.
    ApiKey(String),
}

impl LimitScope {
    pub const fn code(&self) -> i64 {
        match self {
            LimitScope::Organization => 1,
            LimitScope::Project(_) => 2,
            LimitScope::Member(_) => 3,
            LimitScope::ApiKey(_) => 4,
        }
    }

    /// The label it goes by; nothing where it counts everything.
    pub const fn label(&self) -> Option<&'static str> {
        match self {
            LimitScope::Organization => None,
            LimitScope::Project(_) => Some(PROJECT),
            LimitScope::Member(_) => Some(MEMBER),
            LimitScope::ApiKey(_) => Some(API_KEY),
        }
    }

    /// The value of its label; empty where it counts everything.
    pub fn value(&self) -> &str {
        match self {
            LimitScope::Organization => "",
            LimitScope::Project(value) | LimitScope::Member(value) | LimitScope::ApiKey(value) => {
                value
            }
        }
    }

    pub fn from_code(code: i64, value: String) -> Option<LimitScope> {
        match code {
            1 if value.is_empty() => Some(LimitScope::Organization),
            2 => Some(LimitScope::Project(value)),
            3 => Some(LimitScope::Member(value)),
            4 => Some(LimitScope::ApiKey(value)),
            _ => None,
        }
    }

    /// Whether what carries `labels` counts.
    pub fn covers(&self, labels: &Labels) -> bool {
        self.label().is_none_or(|name| labels.get(name) == Some(self.value()))
    }
}

impl std::fmt::Display for LimitScope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.label() {
            None => f.write_str("organization"),
            Some(name) => write!(f, "{name} {}", self.value()),
        }
    }
}

/// How long a limit counts until it begins anew, in the zone of the organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LimitWindow {
    Day,
    Month,
}

impl LimitWindow {
    pub const ALL: [LimitWindow; 2] = [LimitWindow::Day, LimitWindow::Month];

    pub const fn code(self) -> i64 {
        match self {
            LimitWindow::Day => 1,
            LimitWindow::Month => 2,
        }
    }

    pub fn from_code(code: i64) -> Option<LimitWindow> {
        LimitWindow::ALL.into_iter().find(|window| window.code() == code)
    }

    pub const fn name(self) -> &'static str {
        match self {
            LimitWindow::Day => "day",
            LimitWindow::Month => "month",
        }
    }

    pub fn from_name(name: &str) -> Option<LimitWindow> {
        LimitWindow::ALL.into_iter().find(|window| window.name() == name)
    }

    /// When the window that `at` lies in is over.
    pub fn end(self, zone: &Zone, at: Timestamp) -> Timestamp {
        match self {
            LimitWindow::Day => zone.day_end(at),
            LimitWindow::Month => zone.month_end(at),
        }
    }
}

/// A cap, and what counts against it in its present window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    pub number: i64,
    pub scope: LimitScope,
    pub window: LimitWindow,
    pub cap: Amount,
    pub set_at: Timestamp,
    /// Transactions up to this number came before it.
    pub set_after: i64,
    pub removed_at: Option<Timestamp>,
    /// Use counts from here on: where the window began, or the limit was set.
    pub since: Timestamp,
    pub resets_at: Timestamp,
    /// Use that was charged by itself: usage events, captures, blocks.
    pub charged: Amount,
    /// Set aside by open holds.
    pub held: Amount,
    /// Time of the runs it covers, since the window began; nothing of it is ever posted here.
    pub time: Meters,
    /// How many of these runs are stopped when the cap is reached.
    pub stoppable_count: i64,
    /// Whether people were told in this window that the cap is reached.
    pub is_reached: bool,
}

impl Limit {
    /// What was spent in the window until `at`.
    pub fn spent(&self, at: Timestamp) -> Amount {
        self.charged.plus(self.time.unposted_until(at.floor_to_second())).or_zero()
    }

    /// What may be spent yet; below zero when use went beyond.
    pub fn left(&self, at: Timestamp) -> Amount {
        self.cap.minus(self.spent(at)).minus(self.held)
    }

    /// The last second at which what runs is within the cap, with what is held;
    /// [`Timestamp::NEVER`] when it always is. Where nothing runs: some second up to which the cap
    /// has been spent.
    pub fn crossing(&self) -> Timestamp {
        if self.time.is_running() {
            return self.time.last_second_within(self.cap.minus(self.charged).minus(self.held));
        }
        let since = self.time.accrued_until;
        if self.spent(since) < self.cap { Timestamp::NEVER } else { since }
    }

    /// When it stops what it covers; [`Timestamp::NEVER`] when that is not in this window.
    pub fn stops_at(&self) -> Timestamp {
        let crossing = if self.stoppable_count > 0 { self.crossing() } else { Timestamp::NEVER };
        if crossing < self.resets_at { crossing } else { Timestamp::NEVER }
    }

    /// Whether nothing counts that a new window would forget.
    fn is_idle(&self) -> bool {
        self.charged.is_zero()
            && !self.is_reached
            && self.time.meters.iter().all(|it| it.rate == 0 && it.sum == 0)
    }

    /// When it is next to be looked at.
    pub fn due(&self) -> Timestamp {
        let reset = if self.is_idle() { Timestamp::NEVER } else { self.resets_at };
        let is_waited_for = self.stoppable_count > 0 || !self.is_reached;
        let crossing = if is_waited_for { self.crossing() } else { Timestamp::NEVER };
        reset.min(crossing)
    }

    /// Begins the window that `at` lies in; nothing changes inside the present one.
    pub fn begin_window(&mut self, zone: &Zone, at: Timestamp) {
        if at < self.resets_at {
            return;
        }
        self.time.accrue_to(self.resets_at);
        while self.resets_at <= at {
            self.since = self.resets_at;
            self.resets_at = self.window.end(zone, self.since);
        }
        self.charged = Amount::ZERO;
        self.is_reached = false;
        self.time.meters.retain(|meter| meter.rate != 0);
        self.time.meters.iter_mut().for_each(|meter| meter.sum = 0);
        self.time.accrue_to(self.since);
        // What ran since the last window that was looked at is none of this one.
        self.time.meters.iter_mut().for_each(|meter| meter.sum = 0);
    }

    fn refusal(&self, org: OrgId, left: Amount, required: Amount) -> Refusal {
        Refusal::LimitReached {
            limit: Id::new(Kind::Limit, org, self.number),
            scope: self.scope.to_string(),
            left,
            required,
            resets_at: self.resets_at,
        }
    }
}

/// Whether `org` has limits at all: without any, nothing here costs anything.
fn has_limits(ws: &Workset, org: OrgId) -> Result<bool, Refusal> {
    Ok(ws.wallet(org)?.limit_count > 0)
}

/// The limits of `org` that cover `labels`.
fn covering(ws: &Workset, org: OrgId, labels: &Labels) -> Vec<Limit> {
    let limits = ws.limits.of(org).map(|(_, limit)| limit);
    limits.filter(|it| it.removed_at.is_none() && it.scope.covers(labels)).cloned().collect()
}

/// The labels of the resource that `run` is of.
fn labels_of_run(ws: &Workset, org: OrgId, resource: i64) -> Result<Labels, Refusal> {
    Ok(ws.resources.find(Kind::Resource, org, resource)?.labels.clone())
}

/// The labels of a set by its number, where the organization has limits to look them up for.
///
/// Errors: [`Refusal::NotFound`] when the wallet is not loaded.
///
/// # Panics
/// When the set is not loaded.
pub fn labels_numbered(ws: &Workset, org: OrgId, number: i64) -> Result<Labels, Refusal> {
    if number == 0 || !has_limits(ws, org)? {
        return Ok(Labels::NONE);
    }
    let mut sets = ws.label_sets.of(org).map(|(_, set)| set);
    let set = sets.find(|set| set.number == number);
    Ok(set
        .expect("a set of labels that a row names is loaded where limits look at it")
        .labels
        .clone())
}

/// Notes in the wallet when the next limit is due, once `changed` are written.
pub fn put_limits(ws: &mut Workset, org: OrgId, changed: Vec<Limit>) -> Result<(), Refusal> {
    for limit in changed {
        ws.limits.put(org, limit.number, limit);
    }
    let present = || ws.limits.of(org).map(|(_, limit)| limit).filter(|it| it.removed_at.is_none());
    let due = present().map(Limit::due).min().unwrap_or(Timestamp::NEVER);
    let count = i64::try_from(present().count()).unwrap_or(i64::MAX);
    let wallet = ws.wallet_mut(org)?;
    wallet.next_limit = due;
    wallet.limit_count = count;
    wallet.review_due = true;
    Ok(())
}

/// Refuses new spending of `required` by what carries `labels`, unless every limit leaves room for
/// it, beside what runs for `keep_seconds` more.
///
/// Errors: [`Refusal::LimitReached`], of the limit that leaves least.
pub fn require_left(
    ws: &Workset,
    org: OrgId,
    labels: &Labels,
    required: Amount,
    keep_seconds: i64,
    at: Timestamp,
) -> Result<(), Refusal> {
    if !has_limits(ws, org)? {
        return Ok(());
    }
    let limits = ws.limits.of(org).map(|(_, limit)| limit);
    let limits = limits.filter(|it| it.removed_at.is_none() && it.scope.covers(labels));
    let left = |limit: &Limit| {
        let keep = limit.time.burn_round_half_even(keep_seconds);
        limit.left(at).minus(keep.min(limit.cap))
    };
    let tightest = limits.map(|limit| (left(limit), limit)).min_by_key(|(left, _)| *left);
    match tightest {
        Some((left, limit)) if left < required || !left.is_positive() => {
            Err(limit.refusal(org, left, required))
        }
        _ => Ok(()),
    }
}

/// The same for what a resource is about to spend.
pub fn require_left_for(
    ws: &Workset,
    org: OrgId,
    resource: i64,
    required: Amount,
    at: Timestamp,
) -> Result<(), Refusal> {
    if !has_limits(ws, org)? {
        return Ok(());
    }
    require_left(ws, org, &labels_of_run(ws, org, resource)?, required, 0, at)
}

/// Counts `amount` that was charged, or given back, for use at `used_at` by what carries `labels`.
/// Returns the number of the limit that the use went beyond furthest; 0 when none.
pub fn count_charge(
    ws: &mut Workset,
    org: OrgId,
    labels: &Labels,
    used_at: Timestamp,
    amount: Amount,
) -> Result<i64, Refusal> {
    if !has_limits(ws, org)? {
        return Ok(0);
    }
    let now = ws.wallet(org)?.now;
    let (mut changed, mut beyond) = (covering(ws, org, labels), (Amount::ZERO, 0));
    // What is reported ahead of the clock counts as of now.
    changed.retain(|limit| used_at.min(now) >= limit.since);
    for limit in &mut changed {
        limit.charged = limit.charged.plus(amount);
        beyond = beyond.min((limit.left(now), limit.number));
    }
    put_limits(ws, org, changed)?;
    Ok(if beyond.0.is_negative() { beyond.1 } else { 0 })
}

/// Counts a block of `run` that starts at `start`, or takes it back.
pub(crate) fn count_block(
    ws: &mut Workset,
    org: OrgId,
    run: &Run,
    start: Timestamp,
    amount: Amount,
) -> Result<(), Refusal> {
    if !has_limits(ws, org)? {
        return Ok(());
    }
    let labels = labels_of_run(ws, org, run.resource)?;
    count_charge(ws, org, &labels, start, amount).map(|_| ())
}

/// Counts what a hold sets aside, or gives back.
pub fn count_hold(
    ws: &mut Workset,
    org: OrgId,
    labels: &Labels,
    amount: Amount,
) -> Result<(), Refusal> {
    if !has_limits(ws, org)? {
        return Ok(());
    }
    let mut changed = covering(ws, org, labels);
    for limit in &mut changed {
        limit.held = limit.held.plus(amount);
    }
    put_limits(ws, org, changed)
}

/// Whether a run begins or ends to cost money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Begins,
    Ends,
}

/// Counts the time of `run` from `at` on, or up to it. Under block terms its blocks count instead.
pub(crate) fn count_run(
    ws: &mut Workset,
    org: OrgId,
    run: &Run,
    turn: Turn,
    at: Timestamp,
) -> Result<(), Refusal> {
    if !has_limits(ws, org)? {
        return Ok(());
    }
    let now = ws.wallet(org)?.now;
    let mut changed = covering(ws, org, &labels_of_run(ws, org, run.resource)?);
    for limit in &mut changed {
        limit.count_run(run, turn, at, now);
    }
    put_limits(ws, org, changed)
}

impl Limit {
    fn count_run(&mut self, run: &Run, turn: Turn, at: Timestamp, now: Timestamp) {
        let (sign, count) = match turn {
            Turn::Begins => (1, 1),
            Turn::Ends => (-1, -1),
        };
        self.time.accrue_to(now);
        let since = at.max(self.since);
        self.time.change_rate(
            (Cover::NONE, run.rate.per_units),
            sign * run.rate.numerator(),
            since,
        );
        self.stoppable_count += if run.class.is_stopped_at_zero() { count } else { 0 };
    }

    /// Counts a run that is open when the limit is set.
    pub fn count_open(&mut self, run: &Run) {
        self.count_run(run, Turn::Begins, run.started_at, self.since);
    }
}

/// Step 3 of R5: windows that are over begin anew. Where something counted in one of them, the time
/// that ran until then is settled first, so that the ledger tells one window from the next.
pub(crate) fn reset_limits(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    at: Timestamp,
) -> Result<(), Refusal> {
    if !has_limits(ws, org)? {
        return Ok(());
    }
    let limits = ws.limits.of(org).map(|(_, limit)| limit);
    let over = limits.filter(|it| it.removed_at.is_none() && it.resets_at <= at);
    let mut over: Vec<Limit> = over.cloned().collect();
    if over.is_empty() {
        return Ok(());
    }
    if !over.iter().all(Limit::is_idle) {
        settle_to(ws, org, profile, settled_by_others(profile, at))?;
    }
    let zone = ws.wallet(org)?.zone.clone();
    for limit in &mut over {
        limit.begin_window(&zone, at);
    }
    put_limits(ws, org, over)
}

/// Step 5 of R5: what runs within a limit that is reached gets its zero action at this second.
/// People are told once in each window.
pub(crate) fn review_limits(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    at: Timestamp,
) -> Result<(), Refusal> {
    if ws.wallet(org)?.next_limit > at {
        return Ok(());
    }
    let limits = ws.limits.of(org).map(|(_, limit)| limit);
    let reached = limits.filter(|it| it.removed_at.is_none() && it.crossing() <= at);
    let reached: Vec<Limit> = reached.cloned().collect();
    for limit in reached {
        stop_covered(ws, org, profile, &limit.scope, at)?;
        tell_reached(ws, org, limit.number, at)?;
    }
    Ok(())
}

/// Tells people that a limit is reached, once in each window.
fn tell_reached(ws: &mut Workset, org: OrgId, number: i64, at: Timestamp) -> Result<(), Refusal> {
    let mut limit = ws.limits.find(Kind::Limit, org, number)?.clone();
    if !std::mem::replace(&mut limit.is_reached, true) {
        let fields = vec![
            ("spend_limit", limit.number.to_string()),
            ("scope", limit.scope.to_string()),
            ("cap", limit.cap.to_string()),
            ("spent", limit.spent(at).to_string()),
            ("resets_at", limit.resets_at.to_string()),
        ];
        tell(ws, org, EventKind::LimitReached, at, fields)?;
    }
    put_limits(ws, org, vec![limit])
}

/// Ends what runs within a scope and is stopped at zero.
fn stop_covered(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    scope: &LimitScope,
    at: Timestamp,
) -> Result<(), Refusal> {
    let running: Vec<(i64, i64, Timestamp)> = ws
        .runs
        .of(org)
        .filter(|(_, run)| run.is_stopped_by_order())
        .map(|(number, run)| (number, run.resource, run.started_at))
        .collect();
    for (number, resource, started_at) in running {
        if scope.covers(&labels_of_run(ws, org, resource)?) {
            end_at_limit(ws, org, profile, number, at.floor_to_second().max(started_at), at)?;
        }
    }
    Ok(())
}

/// The zero action, at `start`, of a run whose next block does not fit into a limit, as `refusal`
/// says.
pub fn end_beyond(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    (number, start): (i64, Timestamp),
    refusal: &Refusal,
    at: Timestamp,
) -> Result<(), Refusal> {
    end_at_limit(ws, org, profile, number, start, at)?;
    match refusal {
        Refusal::LimitReached { limit, .. } => tell_reached(ws, org, limit.number, at),
        other => Err(other.clone()),
    }
}

/// The zero action of a run that a limit stops at `stopped_at`.
fn end_at_limit(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    number: i64,
    stopped_at: Timestamp,
    at: Timestamp,
) -> Result<(), Refusal> {
    tell_end(ws, org, profile, (number, stopped_at), at)?;
    let rest = profile.compute_zero_action.rest();
    let ending = Ending { stopped_at, reason: StopReason::LimitReached, rest };
    close_run(ws, org, profile, number, ending, at).map(|_| ())
}
