//! Attribution: what single requests cost where the time of a resource is paid, not the request
//! (requirements C06), and how much of that time nothing was asked of it (D15).
//!
//! Laws: what is attributed to the requests of a piece of paid time, its idle part, what of it is
//! still to come and the rounding add up to what it cost, to the nano; a request that lies in two
//! pieces has a share of each; what a request costs is never charged, so nothing here is in the
//! ledger.
//!
//! A piece of paid time is a block, or what a run whose time accrues ran of one day. The part of
//! its cost that is the time in which at least one request was served is shared by the requests in
//! proportion to their own busy time: requests served side by side share one second's cost.

use std::collections::BTreeMap;

use crate::ledger::{LedgerTransaction, TransactionKind};
use crate::rate::amount_round_half_even;
use crate::report::{Days, Used};
use crate::run::Run;
use crate::time::SECONDS_PER_DAY;
use crate::{Amount, Timestamp};

const MICROS_PER_MILLISECOND: i64 = 1_000;

/// What the idle part of paid time is to a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdleCost {
    /// A line of its own.
    Apart,
    /// Shared by the requests of the same piece of paid time; where there is none it stays apart.
    Included,
}

/// Time of a resource that is paid for: `[from, until)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaidTime {
    pub resource: i64,
    pub sku: i64,
    pub from: Timestamp,
    pub until: Timestamp,
    pub cost: Amount,
}

/// A request that a resource served: busy in `[began_at, ended_at)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served {
    /// The ledger transaction that recorded it.
    pub transaction: i64,
    pub resource: i64,
    pub began_at: Timestamp,
    pub ended_at: Timestamp,
}

impl Served {
    /// The request that a journal row records; nothing when it records none.
    pub fn of(row: &LedgerTransaction) -> Option<Served> {
        if row.kind != TransactionKind::Request {
            return None;
        }
        let ended_at = row.occurred_at.unwrap_or(row.at);
        let busy_milliseconds = row.single_line().map_or(0, |line| line.quantity);
        Some(Served {
            transaction: row.number,
            resource: row.subject,
            began_at: began_at(ended_at, busy_milliseconds),
            ended_at,
        })
    }

    pub fn busy_milliseconds(&self) -> i64 {
        (self.ended_at.micros() - self.began_at.micros()) / MICROS_PER_MILLISECOND
    }
}

/// When a request began that was busy for so long until `ended_at`.
pub fn began_at(ended_at: Timestamp, busy_milliseconds: i64) -> Timestamp {
    let micros = busy_milliseconds.saturating_mul(MICROS_PER_MILLISECOND);
    Timestamp::from_micros(ended_at.micros().saturating_sub(micros))
}

/// What became of paid time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attribution {
    pub cost: Amount,
    /// Attributed to requests.
    pub requests: Amount,
    pub idle: Amount,
    /// Paid and not over yet.
    pub to_come: Amount,
    pub rounding: Amount,
    /// Paid time that is over.
    pub paid_milliseconds: i64,
    /// The part of it in which at least one request was served.
    pub busy_milliseconds: i64,
}

impl Attribution {
    fn add(&mut self, other: &Attribution) {
        self.cost = self.cost.plus(other.cost);
        self.requests = self.requests.plus(other.requests);
        self.idle = self.idle.plus(other.idle);
        self.to_come = self.to_come.plus(other.to_come);
        self.rounding = self.rounding.plus(other.rounding);
        self.paid_milliseconds += other.paid_milliseconds;
        self.busy_milliseconds += other.busy_milliseconds;
    }

    pub const fn idle_milliseconds(&self) -> i64 {
        self.paid_milliseconds - self.busy_milliseconds
    }
}

/// Shares of requests by the number of their ledger transaction, and sums by resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributed {
    pub shares: BTreeMap<i64, Share>,
    pub resources: BTreeMap<i64, Attribution>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    pub amount: Amount,
    /// What the resource was sold as when the request began.
    pub sku: i64,
}

/// A request's part of one piece of paid time, in milliseconds since 1970.
#[derive(Clone, Copy)]
struct Part {
    transaction: i64,
    from: i64,
    until: i64,
}

/// Attributes the cost of `paid` to the requests that were served in it, as of `now`.
///
/// Source: requirements C06.
pub fn attribute(
    mut paid: Vec<PaidTime>,
    served: &[Served],
    idle: IdleCost,
    now: Timestamp,
) -> Attributed {
    end_where_the_next_begins(&mut paid);
    let mut parts: Vec<Vec<Part>> = paid.iter().map(|_| Vec::new()).collect();
    for request in served {
        let is_before = |piece: &PaidTime| {
            (piece.resource, piece.until) <= (request.resource, request.began_at)
        };
        let first = paid.partition_point(is_before);
        for (piece, parts) in paid.iter().zip(&mut parts).skip(first) {
            if piece.resource != request.resource || piece.from >= request.ended_at {
                break;
            }
            let from = milliseconds(request.began_at.max(piece.from));
            let until = milliseconds(request.ended_at.min(piece.until).min(now));
            if from < until {
                parts.push(Part { transaction: request.transaction, from, until });
            }
        }
    }
    let mut attributed = Attributed::default();
    for (piece, parts) in paid.iter().zip(&mut parts) {
        let sum = share(piece, parts, idle, now, &mut attributed.shares);
        attributed.resources.entry(piece.resource).or_default().add(&sum);
    }
    attributed
}

/// Orders pieces, and ends each where the next one of its resource begins: who resumes within a
/// paid block and pays a new one has no more of the old.
fn end_where_the_next_begins(paid: &mut [PaidTime]) {
    paid.sort_by_key(|piece| (piece.resource, piece.from, piece.until));
    for at in 1..paid.len() {
        let next = paid[at];
        let piece = &mut paid[at - 1];
        if piece.resource == next.resource {
            piece.until = piece.until.min(next.from);
        }
    }
}

const fn milliseconds(at: Timestamp) -> i64 {
    at.micros().div_euclid(MICROS_PER_MILLISECOND)
}

/// Splits the cost of one piece, in milliseconds: idle and to come by their time, the rest among
/// the requests by their own busy time.
fn share(
    piece: &PaidTime,
    parts: &mut [Part],
    idle: IdleCost,
    now: Timestamp,
    shares: &mut BTreeMap<i64, Share>,
) -> Attribution {
    let length = milliseconds(piece.until) - milliseconds(piece.from);
    let over = (milliseconds(now.min(piece.until)) - milliseconds(piece.from)).max(0);
    let busy = milliseconds_covered(parts);
    let mut sum = Attribution {
        cost: piece.cost,
        paid_milliseconds: over,
        busy_milliseconds: busy,
        ..Attribution::default()
    };
    if length <= 0 {
        sum.idle = piece.cost;
        return sum;
    }
    // An amount times two lengths of some months stays far below the range of i128.
    let part_of = |milliseconds: i64, of: i128, in_all: i128| {
        let exact = i128::from(piece.cost.nanos()) * i128::from(milliseconds) * of;
        amount_round_half_even(exact, i128::from(length) * in_all).unwrap_or(Amount::ZERO)
    };
    let (shared, apart) = match idle {
        IdleCost::Included if busy > 0 => (over, 0),
        IdleCost::Apart | IdleCost::Included => (busy, over - busy),
    };
    sum.idle = part_of(apart, 1, 1);
    sum.to_come = part_of(length - over, 1, 1);
    let all_busy: i128 = parts.iter().map(|part| i128::from(part.until - part.from)).sum();
    for part in parts.iter() {
        let amount = part_of(shared, i128::from(part.until - part.from), all_busy);
        sum.requests = sum.requests.plus(amount);
        let none = Share { amount: Amount::ZERO, sku: piece.sku };
        let share = shares.entry(part.transaction).or_insert(none);
        share.amount = share.amount.plus(amount);
    }
    sum.rounding = sum.cost.minus(sum.requests).minus(sum.idle).minus(sum.to_come);
    sum
}

/// How long at least one of `parts` lasted.
fn milliseconds_covered(parts: &mut [Part]) -> i64 {
    parts.sort_by_key(|part| (part.from, part.until));
    let (mut covered, mut reached) = (0, i64::MIN);
    for part in parts.iter() {
        covered += (part.until - part.from.max(reached)).max(0);
        reached = reached.max(part.until);
    }
    covered
}

impl Used<'_> {
    /// The requests that were reported.
    pub fn served(&self) -> Vec<Served> {
        self.journal.iter().filter_map(Served::of).collect()
    }

    /// What was paid for time in `days`: a block is of the day on which it starts, and the parts
    /// of a run add up to its own cost.
    pub fn paid_time(&self, days: Days) -> Vec<PaidTime> {
        let mut paid = Vec::new();
        for run in self.runs.iter().filter(|run| !run.is_waiting) {
            match run.paid {
                Some(terms) => {
                    let started = terms.starts().filter(|&start| start <= self.now);
                    paid.extend(started.filter(|&start| days.has(start)).map(|from| {
                        let until = from.plus_seconds(terms.block_seconds);
                        piece(run, from, until, run.block_charge())
                    }));
                }
                None => paid.extend(days.starts().filter_map(|start| {
                    let end = start.plus_seconds(SECONDS_PER_DAY).min(self.now.floor_to_second());
                    let from = start.max(run.started_at);
                    let until = run.stopped_at.unwrap_or(end).min(end);
                    let cost = run.cost_before(until).minus(run.cost_before(from));
                    (from < until).then(|| piece(run, from, until, cost))
                })),
            }
        }
        paid
    }
}

fn piece(run: &Run, from: Timestamp, until: Timestamp, cost: Amount) -> PaidTime {
    PaidTime { resource: run.resource, sku: run.sku, from, until, cost }
}

/// How a resource was used in some days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceUse {
    pub resource: i64,
    /// What it was sold as last.
    pub sku: i64,
    /// How long it ran, paid or not.
    pub running_seconds: i64,
    /// How many requests it served that were reported.
    pub requests: usize,
    pub attribution: Attribution,
}

/// How each resource that ran was used in `days`: dearest first, then by number.
pub fn uses(used: &Used<'_>, days: Days, idle: IdleCost) -> Vec<ResourceUse> {
    let served = used.served();
    let attributed = attribute(used.paid_time(days), &served, idle, used.now);
    let mut uses: BTreeMap<i64, ResourceUse> = BTreeMap::new();
    for run in used.runs.iter().filter(|run| !run.is_waiting) {
        let end = run.stopped_at.unwrap_or(used.now).min(used.now).min(days.end());
        let seconds = end.seconds_since(run.started_at.max(days.start())).max(0);
        let row = uses.entry(run.resource).or_insert_with(|| ResourceUse {
            resource: run.resource,
            sku: run.sku,
            running_seconds: 0,
            requests: 0,
            attribution: attributed.resources.get(&run.resource).copied().unwrap_or_default(),
        });
        row.running_seconds += seconds;
        row.sku = run.sku;
    }
    for request in served.iter().filter(|request| days.has(request.ended_at)) {
        if let Some(row) = uses.get_mut(&request.resource) {
            row.requests += 1;
        }
    }
    uses.retain(|_, row| row.running_seconds > 0 || !row.attribution.cost.is_zero());
    let mut rows: Vec<ResourceUse> = uses.into_values().collect();
    // Stable: equal costs stay in the order of numbers.
    rows.sort_by_key(|row| std::cmp::Reverse(row.attribution.cost));
    rows
}

#[cfg(test)]
mod tests;
