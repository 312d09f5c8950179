//! Deposits: money from outside, and the states it goes through.
//!
//! Law: a deposit is decided once. Only confirmed money becomes credit, and delivering the same
//! confirmation again changes nothing.

use crate::document::Documented;
use crate::tax::{Tax, going_back};
use crate::{Amount, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DepositState {
    /// Waiting for the rail.
    Pending,
    Succeeded,
    Failed,
    /// The rail wants the payer to confirm with their bank.
    NeedsAuthentication,
}

impl DepositState {
    pub const ALL: [DepositState; 4] = [
        DepositState::Pending,
        DepositState::Succeeded,
        DepositState::Failed,
        DepositState::NeedsAuthentication,
    ];

    pub const fn code(self) -> i64 {
        match self {
            DepositState::Pending => 1,
            DepositState::Succeeded => 2,
            DepositState::Failed => 3,
            DepositState::NeedsAuthentication => 4,
        }
    }

    pub fn from_code(code: i64) -> Option<DepositState> {
        DepositState::ALL.into_iter().find(|state| state.code() == code)
    }

    pub const fn name(self) -> &'static str {
        match self {
            DepositState::Pending => "pending",
            DepositState::Succeeded => "succeeded",
            DepositState::Failed => "failed",
            DepositState::NeedsAuthentication => "needs_authentication",
        }
    }
}

/// Who asked for a deposit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DepositLabel {
    Manual,
    AutoTopUp,
}

impl DepositLabel {
    pub const fn code(self) -> i64 {
        match self {
            DepositLabel::Manual => 1,
            DepositLabel::AutoTopUp => 2,
        }
    }

    pub const fn from_code(code: i64) -> Option<DepositLabel> {
        match code {
            1 => Some(DepositLabel::Manual),
            2 => Some(DepositLabel::AutoTopUp),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deposit {
    pub number: i64,
    /// The credit that it buys.
    pub amount: Amount,
    /// What is paid on top of it, by the rate that was in force when it was started.
    pub tax: Tax,
    pub rail: String,
    pub state: DepositState,
    pub label: DepositLabel,
    pub method: Option<i64>,
    /// The member who pays; nobody where a rule does, or it was not said.
    pub member: Option<i64>,
    /// The rail's own id of the money, unique per rail.
    pub external: Option<String>,
    pub created_at: Timestamp,
    pub decided_at: Option<Timestamp>,
    /// When the money was paid, as its rail says; validity counts from here (rulings R12).
    pub paid_at: Option<Timestamp>,
    pub grant: Option<i64>,
    /// What of its credit went back, or is on its way.
    pub refunded: Amount,
    /// The tax that went back with it.
    pub refunded_tax: Amount,
    /// What its rail has withdrawn for disputes and not reinstated, tax included.
    pub withdrawn: Amount,
    /// The tax in it.
    pub withdrawn_tax: Amount,
    pub documented: Documented,
    /// Why it failed, in words.
    pub reason: String,
}

impl Deposit {
    /// What the payer pays: credit and tax.
    pub fn charged(&self) -> Amount {
        self.amount.plus(self.tax.amount)
    }

    /// What of the money has not gone back, is not on its way and was not withdrawn.
    pub fn money_left(&self) -> Amount {
        let refunded = self.refunded.plus(self.refunded_tax);
        self.charged().minus(refunded).minus(self.withdrawn)
    }

    /// The tax that goes back with the next `credit` of a refund.
    pub fn tax_of_credit(&self, credit: Amount) -> Amount {
        let before = self.amount.minus(self.credit_left());
        going_back((self.tax.amount, self.amount), (before, self.returned_tax()), credit)
    }

    /// The tax in the next `money` that goes back.
    pub fn tax_of_money(&self, money: Amount) -> Amount {
        let before = self.charged().minus(self.money_left());
        let of = (self.tax.amount, self.charged());
        let tax = going_back(of, (before, self.returned_tax()), money).min(money);
        // Credit and tax are rounded apart, so a last cent of either may be all that is left.
        tax.max(money.minus(self.credit_left()))
    }

    fn credit_left(&self) -> Amount {
        let withdrawn = self.withdrawn.minus(self.withdrawn_tax);
        self.amount.minus(self.refunded).minus(withdrawn)
    }

    fn returned_tax(&self) -> Amount {
        self.refunded_tax.plus(self.withdrawn_tax)
    }
}

/// How a saved payment method of the sandbox rail answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    Succeeds,
    Declines,
    NeedsAuthentication,
}

impl Behaviour {
    pub const fn code(self) -> i64 {
        match self {
            Behaviour::Succeeds => 1,
            Behaviour::Declines => 2,
            Behaviour::NeedsAuthentication => 3,
        }
    }

    pub const fn from_code(code: i64) -> Option<Behaviour> {
        match code {
            1 => Some(Behaviour::Succeeds),
            2 => Some(Behaviour::Declines),
            3 => Some(Behaviour::NeedsAuthentication),
            _ => None,
        }
    }
}

/// A saved way to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentMethod {
    pub number: i64,
    pub rail: String,
    pub behaviour: Behaviour,
    /// What a person recognises it by, such as `•••• 4242`.
    pub label: String,
    pub created_at: Timestamp,
}

/// What a rail said about a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentOutcome {
    /// The money is there; `external` is the rail's id of it. `paid_at` is when it was paid, where
    /// the rail says so; when it was confirmed otherwise.
    Succeeded {
        external: String,
        paid_at: Option<Timestamp>,
    },
    Declined {
        reason: String,
    },
    NeedsAuthentication,
}
