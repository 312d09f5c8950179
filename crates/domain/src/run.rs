//! Resources and runs: what costs money while it runs.
//!
//! Laws: a run is one unbroken interval at one price, snapshot when it started (requirements N16);
//! its own cost is R(price × time), or of each block that started, whatever was posted when
//! (rulings R3).

use crate::label::Labels;
use crate::rate::{Rate, amount_round_half_even};
use crate::{Amount, Timestamp};

/// What kind of thing a SKU sells, which decides what happens to it at zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceClass {
    /// Stopped at zero.
    Compute,
    /// Kept at zero; goes on accruing into the overdraft (rulings R14).
    Storage,
    /// Charged per use, never runs.
    Model,
}

impl ResourceClass {
    pub const ALL: [ResourceClass; 3] =
        [ResourceClass::Compute, ResourceClass::Storage, ResourceClass::Model];

    pub const fn code(self) -> i64 {
        match self {
            ResourceClass::Compute => 1,
            ResourceClass::Storage => 2,
            ResourceClass::Model => 3,
        }
    }

    pub fn from_code(code: i64) -> Option<ResourceClass> {
        ResourceClass::ALL.into_iter().find(|class| class.code() == code)
    }

    pub const fn name(self) -> &'static str {
        match self {
            ResourceClass::Compute => "compute",
            ResourceClass::Storage => "storage",
            ResourceClass::Model => "model",
        }
    }

    pub fn from_name(name: &str) -> Option<ResourceClass> {
        ResourceClass::ALL.into_iter().find(|class| class.name() == name)
    }

    pub const fn is_stopped_at_zero(self) -> bool {
        matches!(self, ResourceClass::Compute)
    }
}

/// What a resource is while nothing of it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// It can be started: it is new, or it was stopped.
    Stopped,
    /// It waits to be resumed.
    Paused,
    /// It is gone for good; what it was can be made again (requirements C14).
    Terminated,
}

impl Rest {
    pub const ALL: [Rest; 3] = [Rest::Stopped, Rest::Paused, Rest::Terminated];

    pub const fn code(self) -> i64 {
        match self {
            Rest::Stopped => 0,
            Rest::Paused => 1,
            Rest::Terminated => 2,
        }
    }

    pub fn from_code(code: i64) -> Option<Rest> {
        Rest::ALL.into_iter().find(|rest| rest.code() == code)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Rest::Stopped => "stopped",
            Rest::Paused => "paused",
            Rest::Terminated => "terminated",
        }
    }

    pub fn from_name(name: &str) -> Option<Rest> {
        Rest::ALL.into_iter().find(|rest| rest.name() == name)
    }
}

/// A named thing of a customer that can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub number: i64,
    pub name: String,
    pub sku: i64,
    pub labels: Labels,
    pub created_at: Timestamp,
    /// The run that is open now.
    pub run: Option<i64>,
    /// What it is while no run is open.
    pub rest: Rest,
    /// The end of the block that its last run had paid for and did not use up.
    pub paid_until: Option<Timestamp>,
    /// The terminated resource that this one was made from again.
    pub redeployed_from: Option<i64>,
}

impl Resource {
    /// `running`, or what it is while nothing of it runs.
    pub const fn status(&self) -> &'static str {
        match self.run {
            Some(_) => "running",
            None => self.rest.name(),
        }
    }
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// Somebody stopped it.
    Requested,
    /// The credit ran out.
    OutOfCredit,
    /// A dispute froze the wallet.
    Frozen,
    /// A limit of the organization was reached.
    LimitReached,
    /// Another run of the same resource took its place at another size.
    Resized,
    /// No sign of life came for as long as was agreed.
    HeartbeatLost,
    /// What was stored had been kept at zero for as long as the profile keeps it.
    RetentionOver,
    /// Another run of the same resource took its place at an announced price or discount.
    Repriced,
}

impl StopReason {
    pub const ALL: [StopReason; 8] = [
        StopReason::Requested,
        StopReason::OutOfCredit,
        StopReason::Frozen,
        StopReason::LimitReached,
        StopReason::Resized,
        StopReason::HeartbeatLost,
        StopReason::RetentionOver,
        StopReason::Repriced,
    ];

    pub const fn code(self) -> i64 {
        match self {
            StopReason::Requested => 1,
            StopReason::OutOfCredit => 2,
            StopReason::Frozen => 3,
            StopReason::Resized => 4,
            StopReason::HeartbeatLost => 5,
            StopReason::RetentionOver => 6,
            StopReason::Repriced => 7,
            StopReason::LimitReached => 8,
        }
    }

    pub fn from_code(code: i64) -> Option<StopReason> {
        StopReason::ALL.into_iter().find(|reason| reason.code() == code)
    }

    pub const fn name(self) -> &'static str {
        match self {
            StopReason::Requested => "requested",
            StopReason::OutOfCredit => "out_of_credit",
            StopReason::Frozen => "frozen",
            StopReason::LimitReached => "limit_reached",
            StopReason::Resized => "resized",
            StopReason::HeartbeatLost => "heartbeat_lost",
            StopReason::RetentionOver => "retention_over",
            StopReason::Repriced => "repriced",
        }
    }
}

/// What a run under block terms has paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paid {
    /// The length of a block.
    pub block_seconds: i64,
    /// The end of the last paid block, where the next one starts;
    /// [`Timestamp::NEVER`] until the run begins to cost money.
    pub until: Timestamp,
    /// Blocks that this run was charged for; one that was taken over paid is none of them.
    pub blocks: i64,
}

impl Paid {
    /// The starts of the blocks that were charged, last first.
    pub fn starts(self) -> impl Iterator<Item = Timestamp> {
        (1..=self.blocks).map(move |back| self.until.plus_seconds(-back * self.block_seconds))
    }
}

/// The agreement that a run shows signs of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// Without a beat for so long, the run is taken to have ended at the last one.
    pub timeout_seconds: i64,
    pub beat_at: Timestamp,
}

impl Heartbeat {
    /// When the run is given up, unless it beats before.
    pub fn due(self) -> Timestamp {
        self.beat_at.plus_seconds(self.timeout_seconds)
    }
}

/// A run is written when it starts, when a block starts, when it beats, and when it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub number: i64,
    pub resource: i64,
    pub sku: i64,
    pub price: i64,
    /// The price it started at, for so many seconds.
    pub rate: Rate,
    pub class: ResourceClass,
    /// `[started_at, stopped_at)`, whole seconds. While it waits to be ready: when it was admitted.
    pub started_at: Timestamp,
    /// When it was admitted, where it was ready only later: its price and discount are of then.
    pub admitted_at: Option<Timestamp>,
    pub stopped_at: Option<Timestamp>,
    pub stop_reason: Option<StopReason>,
    /// Admitted, and not ready yet: it costs nothing.
    pub is_waiting: bool,
    /// Under block terms, which are a snapshot like the price; nothing where time accrues.
    pub paid: Option<Paid>,
    pub heartbeat: Option<Heartbeat>,
    /// The run of the same resource whose place it took.
    pub previous: Option<i64>,
    /// The smaller size that it goes on at from its next block.
    pub next_sku: Option<i64>,
    /// The run that was started, where this one goes on for it at an announced price: what is said
    /// of that run is said of this one.
    pub origin: Option<i64>,
    /// The next instant at which something announced changes what it costs (requirements N16).
    pub reprices_at: Timestamp,
}

impl Run {
    pub const fn is_open(&self) -> bool {
        self.stopped_at.is_none()
    }

    /// Open and costing money.
    pub const fn is_billed(&self) -> bool {
        self.is_open() && !self.is_waiting
    }

    /// Billed as time accrues, and ended by an order when the credit runs out.
    pub const fn is_stopped_by_order(&self) -> bool {
        self.is_billed() && self.paid.is_none() && self.class.is_stopped_at_zero()
    }

    /// What one block costs; the same for each, so that blocks add up without rounding again.
    pub fn block_charge(&self) -> Amount {
        self.block_charge_at(self.rate)
    }

    /// What one block costs at another rate.
    pub fn block_charge_at(&self, rate: Rate) -> Amount {
        let seconds = self.paid.map_or(0, |paid| paid.block_seconds);
        rate.charge_round_half_even(seconds).unwrap_or(Amount::MAX)
    }

    /// Where the next block starts; [`Timestamp::NEVER`] when none does.
    pub fn next_block(&self) -> Timestamp {
        match self.paid {
            Some(paid) if self.is_billed() => paid.until,
            _ => Timestamp::NEVER,
        }
    }

    /// When it goes on at what was announced, as time accrues; under block terms it is looked at
    /// where a block starts.
    pub fn reprice_due(&self) -> Timestamp {
        if self.is_billed() && self.paid.is_none() { self.reprices_at } else { Timestamp::NEVER }
    }

    /// The run before, where this one goes on for it at an announced price.
    pub fn goes_on_for(&self) -> Option<i64> {
        self.previous.filter(|_| self.origin.is_some())
    }

    /// Whether a block that begins at `start` begins after an announced change.
    pub fn is_repriced_by(&self, start: Timestamp) -> bool {
        self.reprices_at <= start
    }

    /// When it is given up without a beat; [`Timestamp::NEVER`] when it need not beat.
    pub fn beat_due(&self) -> Timestamp {
        match self.heartbeat {
            Some(heartbeat) if self.is_billed() => heartbeat.due(),
            _ => Timestamp::NEVER,
        }
    }

    /// What it has cost in `[from, now]`, as of `now`: its cost up to the end less its cost before
    /// the start, so that the parts of a run sum to it.
    pub fn cost_since(&self, from: Timestamp, now: Timestamp) -> Amount {
        if from > now {
            return Amount::ZERO;
        }
        self.cost_round_half_even(now).minus(self.cost_before(from))
    }

    /// What it costs before `at`: a block that starts at this very instant is not in it.
    pub fn cost_before(&self, at: Timestamp) -> Amount {
        match self.paid {
            Some(_) => self.cost_round_half_even(Timestamp::from_micros(at.micros() - 1)),
            None => self.cost_round_half_even(at),
        }
    }

    /// The instant whose price and discount it has.
    pub fn priced_at(&self) -> Timestamp {
        self.admitted_at.unwrap_or(self.started_at)
    }

    /// How many blocks start before `end`, if it goes on; none where time accrues.
    pub fn blocks_to_come(&self, end: Timestamp) -> i64 {
        let (Some(paid), next) = (self.paid, self.next_block()) else { return 0 };
        if next >= end {
            return 0;
        }
        let more = end.micros().saturating_sub(next.micros()) - 1;
        1 + more / 1_000_000 / paid.block_seconds
    }

    /// What the run itself costs up to `at`: its time at its price, rounded once half to even, or
    /// the blocks that have started until then (rulings R3, requirements C04).
    pub fn cost_round_half_even(&self, at: Timestamp) -> Amount {
        if self.is_waiting {
            return Amount::ZERO;
        }
        if let Some(paid) = self.paid {
            let started = paid.starts().filter(|&start| start <= at).count();
            let charge = i128::from(self.block_charge().nanos());
            let nanos = charge * i128::try_from(started).unwrap_or(i128::MAX);
            return i64::try_from(nanos).map_or(Amount::MAX, Amount::from_nanos);
        }
        let until = self.stopped_at.unwrap_or(at).min(at);
        let seconds = until.seconds_since(self.started_at).max(0);
        let exact = self.rate.numerator() * i128::from(seconds);
        amount_round_half_even(exact, self.rate.denominator()).unwrap_or(Amount::MAX)
    }
}
