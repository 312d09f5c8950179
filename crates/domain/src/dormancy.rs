//! Dormant balances: paid credit whose owner has neither paid nor used anything for long, which the
//! law of many places lets nobody keep (unclaimed property, requirements N26).
//!
//! Law: what somebody else does is no sign of life: a grant, an expiry, a correction, a dispute.

use crate::ledger::TransactionKind;
use crate::time::SECONDS_PER_DAY;
use crate::wallet::Wallet;
use crate::{Amount, Timestamp};

/// The longest silence that can be asked for: a hundred years.
pub const DAYS_MAX: i64 = 36_525;

/// A wallet that holds paid credit and is silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dormant {
    /// When its owner last paid or used something, or when it was made.
    pub active_at: Timestamp,
    /// What is left of purchases.
    pub paid: Amount,
    /// What is left of what was given.
    pub promotional: Amount,
}

/// Whether a transaction is its owner's own doing: paying, or using something.
pub const fn is_activity(kind: TransactionKind) -> bool {
    match kind {
        TransactionKind::Deposit
        | TransactionKind::Charge
        | TransactionKind::Settlement
        | TransactionKind::Capture
        | TransactionKind::Block
        | TransactionKind::Request
        | TransactionKind::Arrival
        | TransactionKind::Commitment => true,
        TransactionKind::Grant
        | TransactionKind::Correction
        | TransactionKind::Expiry
        | TransactionKind::Void
        | TransactionKind::Forfeiture
        | TransactionKind::Refund
        | TransactionKind::RefundPaid
        | TransactionKind::RefundFailed
        | TransactionKind::Fee
        | TransactionKind::ArrivalCredited
        | TransactionKind::ArrivalReturned
        | TransactionKind::BonusVoid
        | TransactionKind::Offset
        | TransactionKind::Withdrawal
        | TransactionKind::Reinstatement
        | TransactionKind::Reversal
        | TransactionKind::Renewal
        | TransactionKind::BlockReversal => false,
    }
}

/// What lies dormant in `wallet`, whose owner was last active at `active_at`: paid credit, nothing
/// that runs or is held, and silence for at least `days` of 24 hours.
pub fn dormant(
    wallet: &Wallet,
    active_at: Timestamp,
    now: Timestamp,
    days: i64,
) -> Option<Dormant> {
    let paid = wallet.grants.purchased();
    let is_in_use = wallet.running_count > 0 || wallet.grants.reserved().is_positive();
    let is_silent = active_at.plus_seconds(days * SECONDS_PER_DAY) <= now;
    let promotional = wallet.grants.remaining().minus(paid);
    (paid.is_positive() && is_silent && !is_in_use).then_some(Dormant {
        active_at,
        paid,
        promotional,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{at, founded_with, org, take, units};

    #[test]
    fn silence_counts_from_the_last_sign_of_life_to_the_second() {
        let ws = founded_with("");
        let wallet = ws.wallet(org()).unwrap();
        let check = |seconds, found: bool| {
            let dormant = dormant(wallet, at(7), at(seconds), 30);
            assert_eq!(dormant.is_some(), found, "{seconds}");
        };
        check(30 * SECONDS_PER_DAY + 6, false);
        check(30 * SECONDS_PER_DAY + 7, true);
        let found = dormant(wallet, at(0), at(0), 0).unwrap();
        assert_eq!((found.paid, found.promotional), (units(30), units(9)));
    }

    #[test]
    fn what_is_in_use_or_was_only_given_is_not_dormant() {
        let late = at(400 * SECONDS_PER_DAY);
        let mut ws = founded_with("");
        ws.wallet_mut(org()).unwrap().running_count = 1;
        assert_eq!(dormant(ws.wallet(org()).unwrap(), at(0), late, 365), None);
        let mut ws = founded_with("");
        ws.wallet_mut(org()).unwrap().grants.reserve(units(1), None).unwrap();
        assert_eq!(dormant(ws.wallet(org()).unwrap(), at(0), late, 365), None);
        let mut ws = founded_with("");
        take(&mut ws, 1, 20);
        take(&mut ws, 3, 10);
        assert_eq!(dormant(ws.wallet(org()).unwrap(), at(0), late, 365), None);
    }
}
