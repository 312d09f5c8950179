//! Why a command is refused. Nothing has moved when one of these is answered.
//!
//! Each operation documents which of these it makes, in order; every code is in `docs/errors.md`.
//! A refusal is a decision: repeating the command under the same key repeats the answer.

use std::fmt;

use crate::wallet::CURRENCY;
use crate::{Amount, Id, Kind, Timestamp};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such row, or it is somebody else's.
    NotFound {
        kind: Kind,
    },
    /// The member's role does not allow this.
    RoleForbids {
        role: &'static str,
        permission: &'static str,
    },
    /// Members without an owner among them.
    OwnerMissing,
    AmountNotPositive,
    /// Money on a rail moves in whole cents.
    AmountTooPrecise,
    AmountOutOfRange {
        min: Amount,
        max: Amount,
    },
    /// A setting of a rule that a customer sets lies outside what the profile lets it be.
    SettingOutOfRange {
        setting: &'static str,
        min: String,
        max: String,
    },
    /// A quantity is zero or negative.
    QuantityNotPositive,
    /// A reported time lies too far ahead of the clock.
    TooFarAhead {
        at: Timestamp,
        latest: Timestamp,
    },
    /// A reported time lies too far back.
    TooLongAgo {
        at: Timestamp,
        earliest: Timestamp,
    },
    UnknownSku {
        code: String,
    },
    /// The SKU has no price for this dimension at this time. Missing is not free.
    PriceMissing {
        sku: String,
        dimension: String,
    },
    InsufficientCredit {
        available: Amount,
        required: Amount,
    },
    /// A limit of the organization leaves less than this needs.
    LimitReached {
        limit: Id,
        scope: String,
        left: Amount,
        required: Amount,
        resets_at: Timestamp,
    },
    /// A hold would bring the stop of something that runs too close.
    RunwayTooShort {
        available: Amount,
        required: Amount,
    },
    AlreadyRunning,
    /// The resource waits to be resumed, and is not started anew.
    ResourcePaused,
    /// Only what is paused can be resumed.
    ResourceNotPaused,
    /// The resource is gone for good.
    ResourceTerminated,
    /// Only what is terminated can be made again.
    ResourceNotTerminated,
    /// The run is ready already.
    RunReady,
    /// The run was started without a heartbeat.
    NoHeartbeat,
    /// The SKU has no reserved price.
    CommitmentNotOffered,
    /// A resource keeps its class when it changes its size.
    ClassDiffers {
        class: &'static str,
    },
    /// The run has ended already.
    RunEnded {
        stopped_at: Timestamp,
    },
    StopBeforeStart {
        started_at: Timestamp,
    },
    /// The hold was captured, released or has expired.
    HoldResolved {
        state: &'static str,
    },
    CaptureAboveHold {
        held: Amount,
    },
    /// The same event id came before with other content.
    EventConflict,
    NameTaken {
        name: String,
    },
    /// The month is not over, or not settled: a bill for it would change.
    PeriodOpen {
        until: Timestamp,
    },
    /// The setting cannot be had in this platform's profile.
    NotInProfile {
        feature: &'static str,
    },
    PaymentMethodMissing,
    /// The deposit has ended in another state.
    DepositDecided {
        state: &'static str,
    },
    /// The money of the arrival is not in suspense any more.
    ArrivalDecided {
        state: &'static str,
    },
    /// The rail says that the payment was made in another currency.
    CurrencyDiffers {
        currency: String,
    },
    /// The rail says that something else was paid than what was asked for.
    AmountDiffers {
        asked: Amount,
        paid: Amount,
    },
    /// What the provider says that it settled is not what was paid, at its rate.
    ConversionDiffers {
        conversion: String,
        paid: Amount,
    },
    /// What the provider settled was reported before, and said something else.
    ConversionReported {
        conversion: String,
    },
    /// A provider keeps between nothing and all of a payment.
    FeeOutOfRange {
        max: Amount,
    },
    /// What the provider kept of the payment was reported before, and said something else.
    FeeReported {
        fee: Amount,
    },
    /// No money of the deposit has come that could go back.
    DepositNotPaid {
        state: &'static str,
    },
    /// More than what is unspent, not held and not owed of this purchase.
    AboveRefundable {
        refundable: Amount,
    },
    /// The time in which customers may have this money back is over.
    RefundTooLate {
        until: Timestamp,
    },
    /// The refund has ended in another state.
    RefundDecided {
        state: &'static str,
    },
    /// Only the charge for a usage event can be reversed, and a reversal cannot.
    NotReversible {
        kind: &'static str,
    },
    /// The dispute stands in a later state.
    DisputeDecided {
        state: &'static str,
    },
    /// A dispute has frozen the wallet.
    WalletFrozen,
    /// Disputes that are open keep the wallet frozen.
    DisputeOpen {
        count: i64,
    },
    /// Something is open that closing the organization would cut off.
    OrganizationInUse {
        open: &'static str,
        count: i64,
    },
    /// The organization was closed and takes no more commands.
    OrganizationClosed,
    /// What is owed has to be paid first.
    DebtUnpaid {
        debt: Amount,
    },
    /// A rail's id of money was reported before, and said something else.
    ExternalIdTaken {
        external: String,
    },
    /// Only promotional and bonus grants can be voided.
    GrantNotVoidable,
    ExpiryInThePast,
    /// A discount takes off between nothing and everything.
    DiscountOutOfRange,
    /// A tax adds between nothing and as much again.
    TaxRateOutOfRange,
    PriorityOutOfRange,
    /// So many grants wait to become effective already.
    TooManyUpcoming {
        most: i64,
    },
    /// The grants of the wallet have so many different scopes already.
    TooManyScopes {
        most: i64,
    },
    /// The coupon cannot be redeemed yet, or not any more.
    CouponNotValid {
        from: Timestamp,
        until: Timestamp,
    },
    /// It was redeemed as often as it may be.
    CouponUsedUp {
        most: i64,
    },
    /// This organization has redeemed it before.
    CouponRedeemed,
    /// The coupon is for a first purchase, and this organization has paid before.
    NotFirstPurchase,
    /// As many bonuses as there is room for wait for a deposit.
    TooManyWaiting,
    /// The platform runs on the wall clock.
    NoTestClock,
    ClockGoesBack {
        now: Timestamp,
    },
    /// A test clock moves at most so far at once.
    ClockTooFar {
        latest: Timestamp,
    },
    SettingInvalid {
        message: String,
    },
}

impl Refusal {
    /// The stable code of this refusal on the wire.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::NotFound { .. } => "not_found",
            Refusal::RoleForbids { .. } => "role_forbids",
            Refusal::OwnerMissing => "owner_missing",
            Refusal::AmountNotPositive => "amount_not_positive",
            Refusal::AmountTooPrecise => "amount_too_precise",
            Refusal::AmountOutOfRange { .. } => "amount_out_of_range",
            Refusal::SettingOutOfRange { .. } => "setting_out_of_range",
            Refusal::QuantityNotPositive => "quantity_not_positive",
            Refusal::TooFarAhead { .. } => "too_far_ahead",
            Refusal::TooLongAgo { .. } => "too_long_ago",
            Refusal::UnknownSku { .. } => "unknown_sku",
            Refusal::PriceMissing { .. } => "price_missing",
            Refusal::InsufficientCredit { .. } => "insufficient_credit",
            Refusal::LimitReached { .. } => "limit_reached",
            Refusal::RunwayTooShort { .. } => "runway_too_short",
            Refusal::AlreadyRunning => "already_running",
            Refusal::ResourcePaused => "resource_paused",
            Refusal::ResourceNotPaused => "resource_not_paused",
            Refusal::ResourceTerminated => "resource_terminated",
            Refusal::ResourceNotTerminated => "resource_not_terminated",
            Refusal::RunReady => "run_ready",
            Refusal::NoHeartbeat => "no_heartbeat",
            Refusal::CommitmentNotOffered => "commitment_not_offered",
            Refusal::ClassDiffers { .. } => "class_differs",
            Refusal::RunEnded { .. } => "run_ended",
            Refusal::StopBeforeStart { .. } => "stop_before_start",
            Refusal::HoldResolved { .. } => "hold_resolved",
            Refusal::CaptureAboveHold { .. } => "capture_above_hold",
            Refusal::EventConflict => "event_conflict",
            Refusal::NameTaken { .. } => "name_taken",
            Refusal::PeriodOpen { .. } => "period_open",
            Refusal::NotInProfile { .. } => "not_in_profile",
            Refusal::PaymentMethodMissing => "payment_method_missing",
            Refusal::DepositDecided { .. } => "deposit_decided",
            Refusal::DepositNotPaid { .. } => "deposit_not_paid",
            Refusal::AboveRefundable { .. } => "above_refundable",
            Refusal::RefundTooLate { .. } => "refund_too_late",
            Refusal::RefundDecided { .. } => "refund_decided",
            Refusal::NotReversible { .. } => "not_reversible",
            Refusal::DisputeDecided { .. } => "dispute_decided",
            Refusal::WalletFrozen => "wallet_frozen",
            Refusal::DisputeOpen { .. } => "dispute_open",
            Refusal::OrganizationInUse { .. } => "organization_in_use",
            Refusal::OrganizationClosed => "organization_closed",
            Refusal::DebtUnpaid { .. } => "debt_unpaid",
            Refusal::ExternalIdTaken { .. } => "external_id_taken",
            Refusal::GrantNotVoidable => "grant_not_voidable",
            Refusal::ExpiryInThePast => "expiry_in_the_past",
            Refusal::DiscountOutOfRange => "discount_out_of_range",
            Refusal::TaxRateOutOfRange => "tax_rate_out_of_range",
            Refusal::PriorityOutOfRange => "priority_out_of_range",
            Refusal::TooManyUpcoming { .. } => "too_many_upcoming",
            Refusal::TooManyScopes { .. } => "too_many_scopes",
            Refusal::CouponNotValid { .. } => "coupon_not_valid",
            Refusal::CouponUsedUp { .. } => "coupon_used_up",
            Refusal::CouponRedeemed => "coupon_redeemed",
            Refusal::NotFirstPurchase => "not_first_purchase",
            Refusal::TooManyWaiting => "too_many_waiting",
            Refusal::NoTestClock => "no_test_clock",
            Refusal::ClockGoesBack { .. } => "clock_goes_back",
            Refusal::ClockTooFar { .. } => "clock_too_far",
            other => OfPayment(other).code(),
        }
    }
}

impl Refusal {
    /// Whether it is an outcome that its key answers with again: what authorization or a missing
    /// row refused is none, and may be otherwise the next time (rulings R20).
    pub const fn is_outcome(&self) -> bool {
        !matches!(self, Refusal::NotFound { .. } | Refusal::RoleForbids { .. })
    }
}

impl Refusal {
    /// Why something that is given cannot be had.
    fn say_of_gift(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::DiscountOutOfRange => {
                f.write_str("the discount must be between 0 and 10000 basis points")
            }
            Refusal::PriorityOutOfRange => f.write_str("the priority must be between 0 and 100"),
            Refusal::GrantNotVoidable => {
                f.write_str("purchased credit cannot be voided, only refunded")
            }
            Refusal::TooManyUpcoming { most } => {
                write!(f, "{most} grants wait to become effective; no more can")
            }
            Refusal::TooManyScopes { most } => {
                write!(f, "grants of this wallet have {most} different scopes; no more can")
            }
            Refusal::CouponNotValid { from, until } => {
                write!(f, "this coupon can be redeemed from {from} on, and before {until}")
            }
            Refusal::CouponUsedUp { most } => {
                write!(f, "this coupon was redeemed {most} times, which is all there were")
            }
            Refusal::CouponRedeemed => f.write_str("this coupon was redeemed here before"),
            Refusal::NotFirstPurchase => {
                f.write_str("this coupon is for a first purchase, and there was one before")
            }
            Refusal::TooManyWaiting => {
                f.write_str("the bonuses of other coupons wait for deposits; they come first")
            }
            _ => f.write_str(self.code()),
        }
    }

    /// What stands against a change of a resource or a run, in words; else the code.
    fn of_state(&self) -> &'static str {
        match self {
            Refusal::AlreadyRunning => "this resource is running already",
            Refusal::ResourcePaused => "this resource is paused: resume it",
            Refusal::ResourceNotPaused => "this resource is not paused",
            Refusal::ResourceTerminated => "this resource is terminated for good: redeploy it",
            Refusal::ResourceNotTerminated => "this resource is not terminated",
            Refusal::RunReady => "this run is ready already",
            Refusal::TaxRateOutOfRange => "a tax rate lies between 0 and 10000 basis points",
            Refusal::CommitmentNotOffered => "this SKU has no reserved price; nothing was paid",
            Refusal::NoHeartbeat => "this run was started without a heartbeat",
            other => other.code(),
        }
    }
}

/// What a rail says of a payment that cannot be; or else, that a setting cannot.
struct OfPayment<'a>(&'a Refusal);

impl OfPayment<'_> {
    fn code(&self) -> &'static str {
        match self.0 {
            Refusal::ArrivalDecided { .. } => "arrival_decided",
            Refusal::CurrencyDiffers { .. } => "currency_differs",
            Refusal::AmountDiffers { .. } => "amount_differs",
            Refusal::ConversionDiffers { .. } => "conversion_differs",
            Refusal::ConversionReported { .. } => "conversion_reported",
            Refusal::FeeOutOfRange { .. } => "fee_out_of_range",
            Refusal::FeeReported { .. } => "fee_reported",
            _ => "setting_invalid",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NotFound { kind } => write!(f, "there is no such {}", kind.noun()),
            Refusal::AmountNotPositive => f.write_str("the amount must be above zero"),
            Refusal::AmountTooPrecise => {
                f.write_str("money moves in whole cents; use at most 2 digits after the point")
            }
            Refusal::AmountOutOfRange { min, max } => {
                write!(f, "the amount must be between {min} and {max}")
            }
            Refusal::QuantityNotPositive => f.write_str("every quantity must be above zero"),
            Refusal::TooFarAhead { at, latest } => {
                write!(f, "{at} is ahead of the clock; the latest accepted is {latest}")
            }
            Refusal::TooLongAgo { at, earliest } => {
                write!(f, "{at} is too long ago; the earliest accepted is {earliest}")
            }
            Refusal::UnknownSku { code } => write!(f, "there is no SKU with the code {code}"),
            Refusal::PriceMissing { sku, dimension } => {
                write!(f, "{sku} has no price for {dimension} at that time; nothing was charged")
            }
            Refusal::InsufficientCredit { available, required } => write!(
                f,
                "balance {available}, this needs {required}: add {} or more",
                required.checked_sub(*available).unwrap_or(Amount::MAX)
            ),
            Refusal::RunwayTooShort { available, required } => write!(
                f,
                "{available} can be held while resources run, this needs {required}: \
                 a larger hold would stop them too soon"
            ),
            Refusal::ClassDiffers { class } => {
                write!(f, "a resource of class {class} stays one whatever its size")
            }
            Refusal::RunEnded { stopped_at } => write!(f, "this run ended at {stopped_at}"),
            Refusal::StopBeforeStart { started_at } => {
                write!(f, "the run started at {started_at}; it cannot have stopped before")
            }
            Refusal::HoldResolved { state } => write!(f, "this hold is already {state}"),
            Refusal::CaptureAboveHold { held } => {
                write!(f, "only {held} is held and this platform captures no more than that")
            }
            Refusal::EventConflict => {
                f.write_str("an event with this id was recorded before with other content")
            }
            Refusal::NameTaken { name } => write!(f, "the name {name} is taken"),
            Refusal::NotInProfile { feature } => {
                write!(f, "this platform does not offer {feature}")
            }
            Refusal::PaymentMethodMissing => f.write_str("save a payment method first"),
            Refusal::DepositDecided { state } => write!(f, "this deposit is already {state}"),
            Refusal::ExpiryInThePast => f.write_str("the expiry must lie ahead"),
            Refusal::DiscountOutOfRange
            | Refusal::PriorityOutOfRange
            | Refusal::GrantNotVoidable
            | Refusal::TooManyUpcoming { .. }
            | Refusal::TooManyScopes { .. }
            | Refusal::CouponNotValid { .. }
            | Refusal::CouponUsedUp { .. }
            | Refusal::CouponRedeemed
            | Refusal::NotFirstPurchase
            | Refusal::TooManyWaiting => self.say_of_gift(f),
            Refusal::NoTestClock | Refusal::ClockGoesBack { .. } | Refusal::ClockTooFar { .. } => {
                self.say_of_clock(f)
            }
            Refusal::SettingInvalid { message } => f.write_str(message),
            other => other.fmt_money_back(f),
        }
    }
}

impl Refusal {
    /// Why a member, or the limit of one, says no.
    fn say_of_member(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::RoleForbids { role, permission } => {
                write!(f, "the role {role} does not include {permission}")
            }
            Refusal::LimitReached { scope, left, required, resets_at, .. } => write!(
                f,
                "the limit of {scope} leaves {left} until {resets_at}, this needs {required}"
            ),
            _ => f.write_str("an organization with members has at least one owner"),
        }
    }

    /// Why what a rail says of a payment cannot be.
    fn say_of_payment(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::ArrivalDecided { state } => write!(f, "this arrival is already {state}"),
            Refusal::CurrencyDiffers { currency } => {
                write!(f, "the payment is in {currency}, and the wallet is in {CURRENCY}")
            }
            Refusal::AmountDiffers { asked, paid } => {
                write!(f, "{asked} was asked for, and {paid} was paid")
            }
            Refusal::ConversionDiffers { conversion, paid } => {
                write!(f, "{conversion} does not make {paid}")
            }
            Refusal::ConversionReported { conversion } => {
                write!(f, "{conversion} was reported for this deposit before")
            }
            Refusal::FeeOutOfRange { max } => {
                write!(f, "the fee must be between 0 and what was paid, {max}")
            }
            Refusal::FeeReported { fee } => {
                write!(f, "a fee of {fee} was reported for this deposit before")
            }
            _ => f.write_str(self.code()),
        }
    }

    fn say_of_clock(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::ClockGoesBack { now } => {
                write!(f, "the clock stands at {now} and never goes back")
            }
            Refusal::ClockTooFar { latest } => {
                write!(f, "the clock can be advanced at once to {latest} at the latest")
            }
            _ => f.write_str("this platform runs on the wall clock"),
        }
    }

    /// The sentences about rules, refunds and disputes, those about members and limits, and those
    /// of [`Refusal::of_state`].
    fn fmt_money_back(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::SettingOutOfRange { setting, min, max } => {
                write!(f, "{setting} must be between {min} and {max}")
            }
            Refusal::ArrivalDecided { .. }
            | Refusal::CurrencyDiffers { .. }
            | Refusal::AmountDiffers { .. }
            | Refusal::ConversionDiffers { .. }
            | Refusal::ConversionReported { .. }
            | Refusal::FeeOutOfRange { .. }
            | Refusal::FeeReported { .. } => self.say_of_payment(f),
            Refusal::DepositNotPaid { state } => {
                write!(f, "this deposit is {state}: no money of it has come")
            }
            Refusal::AboveRefundable { refundable } => {
                write!(f, "{refundable} of this deposit can be refunded now")
            }
            Refusal::PeriodOpen { until } => {
                write!(f, "the month can be billed once it is settled up to {until}")
            }
            Refusal::RefundTooLate { until } => {
                write!(f, "this deposit could be refunded until {until}")
            }
            Refusal::RefundDecided { state } => write!(f, "this refund is already {state}"),
            Refusal::NotReversible { kind } => {
                write!(
                    f,
                    "a {kind} cannot be reversed; report what should be charged as a new event"
                )
            }
            Refusal::DisputeDecided { state } => {
                write!(f, "this dispute is already {state} and does not go back")
            }
            Refusal::WalletFrozen => {
                f.write_str("a disputed payment has frozen this wallet; deposits are accepted")
            }
            Refusal::DisputeOpen { count } => {
                write!(f, "{count} open disputes keep this wallet frozen until they are decided")
            }
            Refusal::OrganizationInUse { open, count } => {
                write!(f, "{open} are open ({count}); an organization is closed once nothing is")
            }
            Refusal::OrganizationClosed => {
                f.write_str("this organization was closed and takes no more commands")
            }
            Refusal::DebtUnpaid { debt } => write!(f, "{debt} is owed and has to be paid first"),
            Refusal::ExternalIdTaken { external } => {
                write!(f, "{external} was reported before with another deposit or amount")
            }
            Refusal::RoleForbids { .. } | Refusal::OwnerMissing | Refusal::LimitReached { .. } => {
                self.say_of_member(f)
            }
            other => f.write_str(other.of_state()),
        }
    }
}
