//! Resources and runs: what costs money while it runs.
//!
//! Laws: a run is one unbroken interval at one price, snapshot when it started (requirements N16);
//! it is written when it starts and when it ends and never otherwise; its own cost is
//! R(price × time), whatever was posted when (rulings R3).

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

/// A named thing of a customer that can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    pub number: i64,
    pub name: String,
    pub sku: i64,
    pub labels: String,
    pub created_at: Timestamp,
    /// The run that is open now.
    pub run: Option<i64>,
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
}

impl StopReason {
    pub const fn code(self) -> i64 {
        match self {
            StopReason::Requested => 1,
            StopReason::OutOfCredit => 2,
            StopReason::Frozen => 3,
        }
    }

    pub const fn from_code(code: i64) -> Option<StopReason> {
        match code {
            1 => Some(StopReason::Requested),
            2 => Some(StopReason::OutOfCredit),
            3 => Some(StopReason::Frozen),
            _ => None,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            StopReason::Requested => "requested",
            StopReason::OutOfCredit => "out_of_credit",
            StopReason::Frozen => "frozen",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub number: i64,
    pub resource: i64,
    pub sku: i64,
    pub price: i64,
    /// The price it started at, for so many seconds.
    pub rate: Rate,
    pub class: ResourceClass,
    /// `[started_at, stopped_at)`, whole seconds.
    pub started_at: Timestamp,
    pub stopped_at: Option<Timestamp>,
    pub stop_reason: Option<StopReason>,
}

impl Run {
    /// What it costs in `[from, until)`: its cost up to the end less its cost up to the start, so
    /// that the parts of a run sum to it.
    pub fn cost_between(&self, from: Timestamp, until: Timestamp) -> Amount {
        self.cost_round_half_even(until).minus(self.cost_round_half_even(from.min(until)))
    }

    /// What the run itself costs up to `at`, rounded once half to even.
    pub fn cost_round_half_even(&self, at: Timestamp) -> Amount {
        let until = self.stopped_at.unwrap_or(at).min(at);
        let seconds = until.seconds_since(self.started_at).max(0);
        let exact = self.rate.numerator() * i128::from(seconds);
        amount_round_half_even(exact, self.rate.denominator()).unwrap_or(Amount::MAX)
    }
}
