//! The billing history: one ledger, looked at in six ways (requirements C11).
//!
//! Laws: every kind of ledger transaction is shown by `all` and by exactly one of the others, so
//! that the parts of the history are the whole of it; what no customer sees changes no balance.

use crate::ledger::TransactionKind;

/// Which movements of a ledger are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Filter {
    All,
    /// Money in and out: deposits, refunds, disputes, and what purchased credit paid of a debt.
    Purchases,
    /// What was charged, and given back of it.
    Usage,
    /// Credit that was given, and ended by the operator.
    Grants,
    /// Credit that expired or was left behind, and breakage that was taken back.
    Expired,
    /// What providers kept of payments: the operator's own, which no customer sees.
    Fees,
}

/// Who looks at a ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    Customer,
    Operator,
}

impl Reader {
    /// Whether transactions of `kind` are theirs to see (requirements C18).
    pub fn sees(self, kind: TransactionKind) -> bool {
        self == Reader::Operator || Filter::of(kind) != Filter::Fees
    }
}

impl Filter {
    pub const ALL: [Filter; 6] = [
        Filter::All,
        Filter::Purchases,
        Filter::Usage,
        Filter::Grants,
        Filter::Expired,
        Filter::Fees,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Filter::All => "all",
            Filter::Purchases => "purchases",
            Filter::Usage => "usage",
            Filter::Grants => "grants",
            Filter::Expired => "expired",
            Filter::Fees => "fees",
        }
    }

    pub fn from_name(name: &str) -> Option<Filter> {
        Filter::ALL.into_iter().find(|filter| filter.name() == name)
    }

    /// The one beside `all` that shows transactions of `kind`.
    pub const fn of(kind: TransactionKind) -> Filter {
        match kind {
            TransactionKind::Deposit
            | TransactionKind::Arrival
            | TransactionKind::ArrivalCredited
            | TransactionKind::ArrivalReturned
            | TransactionKind::Refund
            | TransactionKind::RefundPaid
            | TransactionKind::RefundFailed
            | TransactionKind::Offset
            | TransactionKind::Commitment
            | TransactionKind::Withdrawal
            | TransactionKind::Reinstatement => Filter::Purchases,
            TransactionKind::Charge
            | TransactionKind::Request
            | TransactionKind::Settlement
            | TransactionKind::Capture
            | TransactionKind::Correction
            | TransactionKind::Reversal
            | TransactionKind::Block
            | TransactionKind::BlockReversal => Filter::Usage,
            TransactionKind::Grant | TransactionKind::Void | TransactionKind::BonusVoid => {
                Filter::Grants
            }
            TransactionKind::Expiry | TransactionKind::Forfeiture | TransactionKind::Renewal => {
                Filter::Expired
            }
            TransactionKind::Fee => Filter::Fees,
        }
    }

    pub fn shows(self, kind: TransactionKind) -> bool {
        self == Filter::All || self == Filter::of(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn law_every_kind_is_shown_by_all_and_by_one_other() {
        for kind in TransactionKind::ALL {
            let shown = Filter::ALL.into_iter().filter(|filter| filter.shows(kind)).count();
            assert_eq!(shown, 2, "{}", kind.name());
            // A request is use that charges nothing of its own.
            let is_use = kind.is_charged() || kind == TransactionKind::Request;
            assert_eq!(Reader::Customer.sees(kind), !Filter::Fees.shows(kind), "{}", kind.name());
            assert!(Reader::Operator.sees(kind), "{}", kind.name());
            assert_eq!(is_use, Filter::Usage.shows(kind), "{}", kind.name());
        }
    }

    #[test]
    fn filters_are_told_by_name() {
        for filter in Filter::ALL {
            assert_eq!(Filter::from_name(filter.name()), Some(filter));
        }
        assert_eq!(Filter::from_name("everything"), None);
    }
}
