//! Errors on the wire: the one map from what went wrong to status, code and body.
//!
//! *Invariant:* every error answer is one problem document (RFC 9457) with a stable `code` that
//! `docs/errors.md` explains; internal text never reaches it, the request id leads to the log.

use std::fmt;

use app::AppError;
use app::jobs::advance_clock::AdvanceError;
use domain::amount::AmountError;
use domain::workset::Role;
use domain::{Amount, Kind, Refusal};
use serde_json::{Map, Value, json};
use store::StoreError;

/// Seconds after which something that cannot be done now may be asked again.
pub const RETRY_AFTER_SECONDS: u32 = 1;

/// Why a request was not answered with success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The body is not what the route takes; `param` names the field where one is to blame.
    Malformed {
        message: String,
        param: Option<String>,
    },
    /// A field, a query parameter or a header is not what it should be.
    ParameterInvalid {
        param: String,
        message: String,
    },
    Amount {
        param: String,
        error: AmountError,
    },
    KeyRequired,
    KeyMalformed,
    Unauthenticated,
    Forbidden {
        needed: Role,
    },
    /// There is no such thing, or it is somebody else's: which of the two is not told.
    NotFound {
        kind: Option<Kind>,
    },
    MethodNotAllowed,
    /// The key asks more than it may.
    RateLimited {
        retry_seconds: u32,
    },
    BodyTooSlow,
    BodyTooLarge {
        bytes_max: usize,
    },
    TooManyEvents {
        events_max: usize,
    },
    UnsupportedMediaType {
        expected: &'static str,
    },
    /// The process that answers for the organization could not be reached.
    OwnerUnreachable,
    /// A mistake of ours.
    Internal,
    App(AppError),
    Refused(Refusal),
}

impl Fault {
    /// A parameter that is not what it should be.
    pub fn param(param: &str, message: impl Into<String>) -> Fault {
        Fault::ParameterInvalid { param: param.to_owned(), message: message.into() }
    }

    pub const fn missing(kind: Kind) -> Fault {
        Fault::NotFound { kind: Some(kind) }
    }

    /// The stable code of this error on the wire.
    pub fn code(&self) -> &'static str {
        match self {
            Fault::Malformed { .. } => "malformed",
            Fault::ParameterInvalid { .. } => "parameter_invalid",
            Fault::Amount { error, .. } => error.code(),
            Fault::KeyRequired => "idempotency_key_required",
            Fault::KeyMalformed => "idempotency_key_malformed",
            Fault::Unauthenticated => "unauthenticated",
            Fault::Forbidden { .. } => "forbidden",
            Fault::NotFound { .. } => "not_found",
            Fault::MethodNotAllowed => "method_not_allowed",
            Fault::RateLimited { .. } => "rate_limited",
            Fault::BodyTooSlow => "body_too_slow",
            Fault::BodyTooLarge { .. } => "body_too_large",
            Fault::TooManyEvents { .. } => "too_many_events",
            Fault::UnsupportedMediaType { .. } => "unsupported_media_type",
            Fault::OwnerUnreachable => AppError::NotOwner { address: String::new() }.code(),
            Fault::Internal => AppError::Internal.code(),
            Fault::App(error) => error.code(),
            Fault::Refused(refusal) => refusal.code(),
        }
    }

    pub fn status(&self) -> u16 {
        match self {
            Fault::Malformed { .. }
            | Fault::ParameterInvalid { .. }
            | Fault::Amount { .. }
            | Fault::KeyRequired
            | Fault::KeyMalformed => 400,
            Fault::Unauthenticated => 401,
            Fault::Forbidden { .. } => 403,
            Fault::NotFound { .. } => 404,
            Fault::MethodNotAllowed => 405,
            Fault::BodyTooSlow => 408,
            Fault::BodyTooLarge { .. } | Fault::TooManyEvents { .. } => 413,
            Fault::UnsupportedMediaType { .. } => 415,
            Fault::RateLimited { .. } => 429,
            Fault::OwnerUnreachable => 503,
            Fault::Internal | Fault::App(AppError::Internal) => 500,
            Fault::App(AppError::KeyReused) => 409,
            Fault::App(_) => 503,
            Fault::Refused(refusal) => status_of(refusal),
        }
    }

    fn named_param(&self) -> Option<&str> {
        match self {
            Fault::Malformed { param, .. } => param.as_deref(),
            Fault::ParameterInvalid { param, .. } | Fault::Amount { param, .. } => Some(param),
            Fault::KeyRequired | Fault::KeyMalformed => Some("Idempotency-Key"),
            _ => None,
        }
    }

    /// The problem document, without the request id, which every answer gets anew.
    pub fn to_body(&self) -> Value {
        let mut body = Map::new();
        body.insert("type".into(), json!(format!("urn:drawdown:error:{}", self.code())));
        body.insert("status".into(), json!(self.status()));
        body.insert("code".into(), json!(self.code()));
        body.insert("message".into(), json!(self.to_string()));
        body.insert("param".into(), json!(self.named_param()));
        if let Fault::NotFound { kind: Some(kind) } | Fault::Refused(Refusal::NotFound { kind }) =
            self
        {
            body.insert("kind".into(), json!(kind.noun()));
        }
        if let Fault::Refused(refusal) = self {
            for (name, value) in details(refusal) {
                body.insert(name.into(), value);
            }
        }
        Value::Object(body)
    }
}

/// The status of a decided refusal.
pub fn status_of(refusal: &Refusal) -> u16 {
    match refusal {
        Refusal::NotFound { .. } => 404,
        Refusal::RoleForbids { .. } => 403,
        Refusal::InsufficientCredit { .. }
        | Refusal::RunwayTooShort { .. }
        | Refusal::LimitReached { .. } => 402,
        Refusal::AlreadyRunning
        | Refusal::ResourcePaused
        | Refusal::ResourceNotPaused
        | Refusal::ResourceTerminated
        | Refusal::ResourceNotTerminated
        | Refusal::RunReady
        | Refusal::NoHeartbeat
        | Refusal::RunEnded { .. }
        | Refusal::HoldResolved { .. }
        | Refusal::EventConflict
        | Refusal::NameTaken { .. }
        | Refusal::DepositDecided { .. }
        | Refusal::ArrivalDecided { .. }
        | Refusal::AmountDiffers { .. }
        | Refusal::CurrencyDiffers { .. }
        | Refusal::ConversionDiffers { .. }
        | Refusal::ConversionReported { .. }
        | Refusal::FeeReported { .. }
        | Refusal::DepositNotPaid { .. }
        | Refusal::RefundDecided { .. }
        | Refusal::DisputeDecided { .. }
        | Refusal::WalletFrozen
        | Refusal::DisputeOpen { .. }
        | Refusal::OrganizationInUse { .. }
        | Refusal::OrganizationClosed
        | Refusal::DebtUnpaid { .. }
        | Refusal::ExternalIdTaken { .. }
        | Refusal::CouponUsedUp { .. }
        | Refusal::CouponRedeemed
        | Refusal::OwnerMissing
        | Refusal::NoTestClock
        | Refusal::ClockGoesBack { .. } => 409,
        // What was asked for cannot be.
        _ => 422,
    }
}

/// The numbers of a refusal, for programs.
fn details(refusal: &Refusal) -> Vec<(&'static str, Value)> {
    match refusal {
        Refusal::AmountOutOfRange { min, max } => {
            vec![("min", json!(min.to_string())), ("max", json!(max.to_string()))]
        }
        Refusal::SettingOutOfRange { setting, min, max } => {
            vec![("setting", json!(setting)), ("min", json!(min)), ("max", json!(max))]
        }
        Refusal::TooFarAhead { at, latest } => {
            vec![("at", json!(at.to_string())), ("latest", json!(latest.to_string()))]
        }
        Refusal::TooLongAgo { at, earliest } => {
            vec![("at", json!(at.to_string())), ("earliest", json!(earliest.to_string()))]
        }
        Refusal::LimitReached { limit, scope, left, required, resets_at } => vec![
            ("limit", json!(limit.to_string())),
            ("scope", json!(scope)),
            ("left", json!(left.to_string())),
            ("required", json!(required.to_string())),
            ("resets_at", json!(resets_at.to_string())),
            ("retry_with_new_key", json!(true)),
        ],
        Refusal::RoleForbids { role, permission } => {
            vec![("role", json!(role)), ("permission", json!(permission))]
        }
        Refusal::UnknownSku { code } => vec![("sku", json!(code))],
        Refusal::PriceMissing { sku, dimension } => {
            vec![("sku", json!(sku)), ("dimension", json!(dimension))]
        }
        Refusal::InsufficientCredit { available, required }
        | Refusal::RunwayTooShort { available, required } => credit(*available, *required),
        Refusal::RunEnded { stopped_at } => vec![("stopped_at", json!(stopped_at.to_string()))],
        Refusal::StopBeforeStart { started_at } => {
            vec![("started_at", json!(started_at.to_string()))]
        }
        Refusal::HoldResolved { state }
        | Refusal::DepositDecided { state }
        | Refusal::ArrivalDecided { state }
        | Refusal::DepositNotPaid { state }
        | Refusal::DisputeDecided { state }
        | Refusal::RefundDecided { state } => vec![("state", json!(state))],
        Refusal::AboveRefundable { refundable } => {
            vec![("refundable", json!(refundable.to_string()))]
        }
        Refusal::NotReversible { kind } => vec![("kind", json!(kind))],
        Refusal::OrganizationInUse { open, count } => {
            vec![("open", json!(open)), ("count", json!(count.to_string()))]
        }
        Refusal::DisputeOpen { count } => vec![("count", json!(count.to_string()))],
        Refusal::DebtUnpaid { debt } => vec![("debt", json!(debt.to_string()))],
        Refusal::RefundTooLate { until } | Refusal::PeriodOpen { until } => {
            vec![("until", json!(until.to_string()))]
        }
        Refusal::ExternalIdTaken { external } => vec![("external", json!(external))],
        Refusal::CaptureAboveHold { held } => vec![("held", json!(held.to_string()))],
        Refusal::NameTaken { name } => vec![("name", json!(name))],
        Refusal::ClassDiffers { class } => vec![("class", json!(class))],
        Refusal::NotInProfile { feature } => vec![("feature", json!(feature))],
        Refusal::CouponNotValid { from, until } => {
            vec![("from", json!(from.to_string())), ("until", json!(until.to_string()))]
        }
        Refusal::CouponUsedUp { most } => vec![("most", json!(most.to_string()))],
        Refusal::TooManyUpcoming { most } | Refusal::TooManyScopes { most } => {
            vec![("most", json!(most.to_string()))]
        }
        Refusal::ClockGoesBack { now } => vec![("now", json!(now.to_string()))],
        Refusal::ClockTooFar { latest } => vec![("latest", json!(latest.to_string()))],
        other => of_payment(other),
    }
}

/// What a rail said that cannot be, and what it is measured by.
fn of_payment(refusal: &Refusal) -> Vec<(&'static str, Value)> {
    match refusal {
        Refusal::CurrencyDiffers { currency } => vec![("currency", json!(currency))],
        Refusal::AmountDiffers { asked, paid } => {
            vec![("asked", json!(asked.to_string())), ("paid", json!(paid.to_string()))]
        }
        Refusal::ConversionDiffers { conversion, paid } => {
            vec![("conversion", json!(conversion)), ("paid", json!(paid.to_string()))]
        }
        Refusal::ConversionReported { conversion } => vec![("conversion", json!(conversion))],
        Refusal::FeeOutOfRange { max } => vec![("max", json!(max.to_string()))],
        Refusal::FeeReported { fee } => vec![("fee", json!(fee.to_string()))],
        _ => Vec::new(),
    }
}

/// What is there, what it takes, and the most that would have been accepted.
fn credit(available: Amount, required: Amount) -> Vec<(&'static str, Value)> {
    vec![
        ("available", json!(available.to_string())),
        ("required", json!(required.to_string())),
        ("affordable", json!(available.or_zero().to_string())),
        ("retry_with_new_key", json!(true)),
    ]
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Malformed { message, .. } | Fault::ParameterInvalid { message, .. } => {
                f.write_str(message)
            }
            Fault::Amount { error, .. } => error.fmt(f),
            Fault::KeyRequired => f.write_str(
                "this moves money: send an Idempotency-Key header, so that repeating \
                             it is safe",
            ),
            Fault::KeyMalformed => {
                f.write_str("an idempotency key is 1 to 255 visible ASCII characters")
            }
            Fault::Unauthenticated => {
                f.write_str("send an API key that is in force as Authorization: Bearer <key>")
            }
            Fault::Forbidden { needed } => {
                write!(f, "this needs a key with the role {} or more", needed.name())
            }
            Fault::NotFound { kind: Some(kind) } => write!(f, "there is no such {}", kind.noun()),
            Fault::NotFound { kind: None } => f.write_str("there is nothing at this address"),
            Fault::MethodNotAllowed => f.write_str("this address does not take that method"),
            Fault::RateLimited { retry_seconds } => {
                write!(
                    f,
                    "this key asks more than it may; nothing was done: ask again in \
                     {retry_seconds} s"
                )
            }
            Fault::BodyTooSlow => f.write_str("the body took too long to arrive"),
            Fault::BodyTooLarge { bytes_max } => {
                write!(f, "the body is larger than {bytes_max} bytes")
            }
            Fault::TooManyEvents { events_max } => {
                write!(f, "one request takes at most {events_max} usage events; none was recorded")
            }
            Fault::UnsupportedMediaType { expected } => write!(f, "send {expected}"),
            Fault::OwnerUnreachable => AppError::NotOwner { address: String::new() }.fmt(f),
            Fault::Internal => AppError::Internal.fmt(f),
            Fault::App(error) => error.fmt(f),
            Fault::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl std::error::Error for Fault {}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Fault {
        Fault::Refused(refusal)
    }
}

impl From<AppError> for Fault {
    fn from(error: AppError) -> Fault {
        Fault::App(error)
    }
}

/// A read that failed. What it was is logged here and nowhere else.
impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Fault {
        match error {
            StoreError::Busy(_) => Fault::App(AppError::Busy),
            StoreError::Unavailable(_) | StoreError::UnknownOutcome(_) | StoreError::Full(_) => {
                tracing::warn!(%error, "a read failed");
                Fault::App(AppError::Unavailable { reason: String::new() })
            }
            error => {
                tracing::error!(%error, "a read failed");
                Fault::Internal
            }
        }
    }
}

impl From<AdvanceError> for Fault {
    fn from(error: AdvanceError) -> Fault {
        match error {
            AdvanceError::Refused(refusal) => Fault::Refused(refusal),
            AdvanceError::App(error) => Fault::App(error),
            AdvanceError::Store(error) => Fault::from(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_for_credit_says_all_a_program_needs() {
        let refusal = Refusal::InsufficientCredit {
            available: Amount::from_units(-1),
            required: Amount::from_units(2),
        };
        let body = Fault::Refused(refusal).to_body();
        assert_eq!(body["status"], 402);
        assert_eq!(body["code"], "insufficient_credit");
        assert_eq!(body["available"], "-1.00");
        assert_eq!(body["required"], "2.00");
        assert_eq!(body["affordable"], "0.00");
        assert_eq!(body["retry_with_new_key"], true);
    }

    #[test]
    fn internal_text_never_reaches_an_answer() {
        let reason = "secret host name".to_owned();
        for fault in [
            Fault::from(StoreError::Unavailable(reason.clone())),
            Fault::from(StoreError::Corrupt(reason.clone())),
            Fault::from(AppError::Unavailable { reason: reason.clone() }),
        ] {
            assert!(!fault.to_body().to_string().contains(&reason), "{fault:?}");
        }
    }
}
