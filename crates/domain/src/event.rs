//! Events: what happened that somebody outside may want to know.
//!
//! They are written in the transaction that made them true, and delivered afterwards. Charges make
//! no event of their own: they are read from the journal (rulings A5).

use crate::{OrgId, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventKind {
    DepositSucceeded,
    DepositFailed,
    DepositNeedsAuthentication,
    DocumentIssued,
    AutoTopUpDisabled,
    MemberAdded,
    MemberRoleChanged,
    MemberRemoved,
    LimitReached,
    BalanceLow,
    BalanceForecastLow,
    BalanceRecovered,
    BalanceDepleted,
    RunStarted,
    RunStopped,
    StopRequested,
    StopCancelled,
    GrantExpired,
    HoldExpired,
    RefundCreated,
    RefundSucceeded,
    RefundFailed,
    DisputeOpened,
    DisputeFundsWithdrawn,
    DisputeFundsReinstated,
    DisputeWon,
    DisputeLost,
    WalletFrozen,
    WalletReleased,
    GrantRenewed,
    CreditExpiring,
    GrantEffective,
    CouponRedeemed,
    RunAdmitted,
    PriceAnnounced,
    RetentionStarted,
    RetentionEnding,
    RetentionEnded,
    DeletionOrdered,
    DepositUnknown,
    DepositSeen,
    ArrivalReceived,
    ArrivalCredited,
    ArrivalReturned,
    ArrivalIgnored,
    AutoTopUpPaused,
    DigestDaily,
    DigestWeekly,
    MailBounced,
    OrganizationClosed,
    OrganizationErased,
}

impl EventKind {
    pub const ALL: [EventKind; 51] = [
        EventKind::DepositSucceeded,
        EventKind::DepositFailed,
        EventKind::DepositNeedsAuthentication,
        EventKind::DepositUnknown,
        EventKind::DepositSeen,
        EventKind::ArrivalReceived,
        EventKind::ArrivalCredited,
        EventKind::ArrivalReturned,
        EventKind::ArrivalIgnored,
        EventKind::DocumentIssued,
        EventKind::AutoTopUpDisabled,
        EventKind::MemberAdded,
        EventKind::MemberRoleChanged,
        EventKind::MemberRemoved,
        EventKind::OrganizationClosed,
        EventKind::OrganizationErased,
        EventKind::AutoTopUpPaused,
        EventKind::LimitReached,
        EventKind::BalanceLow,
        EventKind::BalanceForecastLow,
        EventKind::BalanceRecovered,
        EventKind::BalanceDepleted,
        EventKind::RunStarted,
        EventKind::RunStopped,
        EventKind::StopRequested,
        EventKind::StopCancelled,
        EventKind::GrantExpired,
        EventKind::HoldExpired,
        EventKind::RefundCreated,
        EventKind::RefundSucceeded,
        EventKind::RefundFailed,
        EventKind::DisputeOpened,
        EventKind::DisputeFundsWithdrawn,
        EventKind::DisputeFundsReinstated,
        EventKind::DisputeWon,
        EventKind::DisputeLost,
        EventKind::WalletFrozen,
        EventKind::WalletReleased,
        EventKind::CouponRedeemed,
        EventKind::CreditExpiring,
        EventKind::DeletionOrdered,
        EventKind::GrantEffective,
        EventKind::GrantRenewed,
        EventKind::RetentionEnded,
        EventKind::RetentionEnding,
        EventKind::RetentionStarted,
        EventKind::RunAdmitted,
        EventKind::DigestDaily,
        EventKind::DigestWeekly,
        EventKind::MailBounced,
        EventKind::PriceAnnounced,
    ];

    /// The stored code; only ever added to.
    pub const fn code(self) -> i64 {
        match self {
            EventKind::DepositSucceeded => 1,
            EventKind::DepositFailed => 2,
            EventKind::DepositNeedsAuthentication => 3,
            EventKind::DocumentIssued => 90,
            EventKind::AutoTopUpDisabled => 4,
            EventKind::MemberAdded => 60,
            EventKind::MemberRoleChanged => 61,
            EventKind::MemberRemoved => 62,
            EventKind::LimitReached => 63,
            EventKind::BalanceLow => 5,
            EventKind::BalanceForecastLow => 6,
            EventKind::BalanceRecovered => 7,
            EventKind::BalanceDepleted => 8,
            EventKind::RunStarted => 9,
            EventKind::RunStopped => 10,
            EventKind::StopRequested => 11,
            EventKind::StopCancelled => 12,
            EventKind::GrantExpired => 13,
            EventKind::HoldExpired => 14,
            EventKind::RefundCreated => 15,
            EventKind::RefundSucceeded => 16,
            EventKind::RefundFailed => 17,
            EventKind::DisputeOpened => 18,
            EventKind::DisputeFundsWithdrawn => 19,
            EventKind::DisputeFundsReinstated => 20,
            EventKind::DisputeWon => 21,
            EventKind::DisputeLost => 22,
            EventKind::WalletFrozen => 23,
            EventKind::WalletReleased => 24,
            EventKind::GrantRenewed => 25,
            EventKind::CreditExpiring => 26,
            EventKind::GrantEffective => 27,
            EventKind::CouponRedeemed => 28,
            EventKind::RunAdmitted => 29,
            EventKind::RetentionStarted => 30,
            EventKind::RetentionEnding => 31,
            EventKind::RetentionEnded => 32,
            EventKind::DeletionOrdered => 33,
            EventKind::DepositUnknown => 50,
            EventKind::DepositSeen => 71,
            EventKind::ArrivalReceived => 72,
            EventKind::ArrivalCredited => 73,
            EventKind::ArrivalReturned => 74,
            EventKind::ArrivalIgnored => 75,
            EventKind::AutoTopUpPaused => 51,
            EventKind::PriceAnnounced => 70,
            EventKind::OrganizationClosed => 77,
            EventKind::OrganizationErased => 78,
            EventKind::DigestDaily => 64,
            EventKind::DigestWeekly => 65,
            EventKind::MailBounced => 66,
        }
    }

    pub fn from_code(code: i64) -> Option<EventKind> {
        EventKind::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The type on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            EventKind::DepositSucceeded => "deposit.succeeded",
            EventKind::DepositFailed => "deposit.failed",
            EventKind::DepositNeedsAuthentication => "deposit.needs_authentication",
            EventKind::DepositUnknown => "deposit.unknown",
            EventKind::DepositSeen => "deposit.seen",
            EventKind::ArrivalReceived => "arrival.received",
            EventKind::ArrivalCredited => "arrival.credited",
            EventKind::ArrivalReturned => "arrival.returned",
            EventKind::ArrivalIgnored => "arrival.ignored",
            EventKind::DocumentIssued => "document.issued",
            EventKind::AutoTopUpDisabled => "auto_top_up.disabled",
            EventKind::MemberAdded => "member.added",
            EventKind::MemberRoleChanged => "member.role_changed",
            EventKind::MemberRemoved => "member.removed",
            EventKind::OrganizationClosed => "organization.closed",
            EventKind::OrganizationErased => "organization.erased",
            EventKind::AutoTopUpPaused => "auto_top_up.paused",
            EventKind::LimitReached => "limit.reached",
            EventKind::BalanceLow => "balance.low",
            EventKind::BalanceForecastLow => "balance.forecast_low",
            EventKind::BalanceRecovered => "balance.recovered",
            EventKind::BalanceDepleted => "balance.depleted",
            EventKind::RunStarted => "run.started",
            EventKind::RunStopped => "run.stopped",
            EventKind::StopRequested => "run.stop_requested",
            EventKind::StopCancelled => "run.stop_cancelled",
            EventKind::GrantExpired => "grant.expired",
            EventKind::HoldExpired => "hold.expired",
            EventKind::RefundCreated => "refund.created",
            EventKind::RefundSucceeded => "refund.succeeded",
            EventKind::RefundFailed => "refund.failed",
            EventKind::DisputeOpened => "dispute.opened",
            EventKind::DisputeFundsWithdrawn => "dispute.funds_withdrawn",
            EventKind::DisputeFundsReinstated => "dispute.funds_reinstated",
            EventKind::DisputeWon => "dispute.won",
            EventKind::DisputeLost => "dispute.lost",
            EventKind::WalletFrozen => "wallet.frozen",
            EventKind::WalletReleased => "wallet.released",
            EventKind::GrantRenewed => "grant.renewed",
            EventKind::CreditExpiring => "credit.expiring",
            EventKind::GrantEffective => "grant.effective",
            EventKind::CouponRedeemed => "coupon.redeemed",
            EventKind::RunAdmitted => "run.admitted",
            EventKind::PriceAnnounced => "price.announced",
            EventKind::RetentionStarted => "retention.started",
            EventKind::RetentionEnding => "retention.ending",
            EventKind::RetentionEnded => "retention.ended",
            EventKind::DeletionOrdered => "resource.deletion_ordered",
            EventKind::DigestDaily => "digest.daily",
            EventKind::DigestWeekly => "digest.weekly",
            EventKind::MailBounced => "mail.bounced",
        }
    }

    /// Whether people are told by e-mail.
    pub const fn is_mailed(self) -> bool {
        matches!(
            self,
            EventKind::AutoTopUpDisabled
                | EventKind::ArrivalReceived
                | EventKind::ArrivalReturned
                | EventKind::AutoTopUpPaused
                | EventKind::LimitReached
                | EventKind::BalanceLow
                | EventKind::BalanceForecastLow
                | EventKind::BalanceDepleted
                | EventKind::DepositNeedsAuthentication
                | EventKind::DocumentIssued
                | EventKind::OrganizationClosed
                | EventKind::RefundSucceeded
                | EventKind::RefundFailed
                | EventKind::WalletFrozen
                | EventKind::WalletReleased
                | EventKind::CreditExpiring
                | EventKind::RetentionStarted
                | EventKind::RetentionEnding
                | EventKind::DeletionOrdered
                | EventKind::DigestDaily
                | EventKind::DigestWeekly
        )
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub org: OrgId,
    pub number: i64,
    pub kind: EventKind,
    pub at: Timestamp,
    /// What it says, by name; amounts and times as on the wire, other rows by number.
    pub fields: Vec<(&'static str, String)>,
}

/// Something that has to be asked of the outside world; leaves through the outbox only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Charge a saved payment method for a deposit that waits.
    ChargeMethod { org: OrgId, deposit: i64 },
    /// Ask what became of a payment that was not answered.
    ReadPayment { org: OrgId, deposit: i64 },
    /// Pay a refund that waits.
    PayRefund { org: OrgId, refund: i64 },
    /// Make what zero stops stop.
    StopRuns { org: OrgId, stop_at: Timestamp },
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_code_and_a_name_say_one_kind() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::from_code(kind.code()), Some(kind), "{}", kind.name());
        }
        let names: BTreeSet<&str> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), EventKind::ALL.len());
    }
}
