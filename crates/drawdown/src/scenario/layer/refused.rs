//! A refusal as a client is told.

use domain::Refusal;

use super::Refused;

impl From<&Refusal> for Refused {
    fn from(refusal: &Refusal) -> Refused {
        let mut fields = Vec::new();
        let mut field = |name: &str, value: String| fields.push((name.to_string(), value));
        match refusal {
            Refusal::NotFound { kind } => field("kind", kind.noun().to_string()),
            Refusal::AmountOutOfRange { min, max } => {
                field("min", min.to_string());
                field("max", max.to_string());
            }
            Refusal::SettingOutOfRange { setting, min, max } => {
                field("setting", (*setting).to_string());
                field("min", min.clone());
                field("max", max.clone());
            }
            Refusal::TooFarAhead { latest, .. } | Refusal::ClockTooFar { latest } => {
                field("latest", latest.to_string());
            }
            Refusal::TooLongAgo { earliest, .. } => field("earliest", earliest.to_string()),
            Refusal::LimitReached { scope, left, required, resets_at, .. } => {
                field("scope", scope.clone());
                field("left", left.to_string());
                field("required", required.to_string());
                field("resets_at", resets_at.to_string());
            }
            Refusal::RoleForbids { role, permission } => {
                field("role", (*role).to_string());
                field("permission", (*permission).to_string());
            }
            Refusal::UnknownSku { code } => field("sku", code.clone()),
            Refusal::PriceMissing { sku, dimension } => {
                field("sku", sku.clone());
                field("dimension", dimension.clone());
            }
            Refusal::InsufficientCredit { available, required }
            | Refusal::RunwayTooShort { available, required } => {
                field("available", available.to_string());
                field("required", required.to_string());
            }
            Refusal::RunEnded { stopped_at } => field("stopped_at", stopped_at.to_string()),
            Refusal::StopBeforeStart { started_at } => field("started_at", started_at.to_string()),
            Refusal::HoldResolved { state }
            | Refusal::DepositDecided { state }
            | Refusal::ArrivalDecided { state }
            | Refusal::DepositNotPaid { state }
            | Refusal::DisputeDecided { state }
            | Refusal::RefundDecided { state } => field("state", (*state).to_string()),
            Refusal::AboveRefundable { refundable } => field("refundable", refundable.to_string()),
            Refusal::NotReversible { kind } => field("kind", (*kind).to_string()),
            Refusal::OrganizationInUse { open, count } => {
                field("open", (*open).to_string());
                field("count", count.to_string());
            }
            Refusal::DisputeOpen { count } => field("count", count.to_string()),
            Refusal::DebtUnpaid { debt } => field("debt", debt.to_string()),
            Refusal::RefundTooLate { until } | Refusal::PeriodOpen { until } => {
                field("until", until.to_string())
            }
            Refusal::ExternalIdTaken { external } => field("external", external.clone()),
            Refusal::CaptureAboveHold { held } => field("held", held.to_string()),
            Refusal::NameTaken { name } => field("name", name.clone()),
            Refusal::ClassDiffers { class } => field("class", (*class).to_string()),
            Refusal::NotInProfile { feature } => field("feature", (*feature).to_string()),
            Refusal::ClockGoesBack { now } => field("now", now.to_string()),
            other => of_payment(other, field),
        }
        Refused { code: refusal.code().to_string(), fields }
    }
}

/// The fields of what refuses something that is given, and of a payment that cannot be.
fn of_payment(refusal: &Refusal, mut field: impl FnMut(&str, String)) {
    match refusal {
        Refusal::CurrencyDiffers { currency } => field("currency", currency.clone()),
        Refusal::AmountDiffers { asked, paid } => {
            field("asked", asked.to_string());
            field("paid", paid.to_string());
        }
        Refusal::ConversionDiffers { conversion, paid } => {
            field("paid", paid.to_string());
            field("conversion", conversion.clone());
        }
        Refusal::ConversionReported { conversion } => field("conversion", conversion.clone()),
        Refusal::FeeOutOfRange { max } => field("max", max.to_string()),
        Refusal::FeeReported { fee } => field("fee", fee.to_string()),
        Refusal::CouponNotValid { from, until } => {
            field("from", from.to_string());
            field("until", until.to_string());
        }
        Refusal::CouponUsedUp { most }
        | Refusal::TooManyUpcoming { most }
        | Refusal::TooManyScopes { most } => field("most", most.to_string()),
        // The others say nothing but their code; what one layer left out, another would show.
        _ => {}
    }
}
