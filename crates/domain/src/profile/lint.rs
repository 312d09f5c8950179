//! Settings against each other. What one setting takes is checked where it is read; here stands
//! what makes no sense together, with warnings for what is allowed and seldom meant.

use super::kind::{Expiry, ModelCharge};
use super::{Profile, RefundPolicy, Resume, Terms, ZeroAction};
use crate::Amount;
use crate::amount::NANOS_PER_UNIT;

const DAY_SECONDS: i64 = 86_400;
/// A block is a row of the journal for each run: shorter ones would only be a worse per second.
const BLOCK_SECONDS_MIN: i64 = 60;
const BLOCK_SECONDS_MAX: i64 = 31 * DAY_SECONDS;
/// A fixed fee is worth a warning where it is more than one part in so many of a payment.
const FEE_PART: i128 = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The profile is refused.
    Error,
    Warning,
}

/// What is wrong, or seldom meant, about one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// The setting to change.
    pub setting: &'static str,
    /// A sentence about it, with the values.
    pub message: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.setting, self.message)
    }
}

impl Profile {
    /// All that is wrong, then all that is seldom meant.
    pub fn lint(&self) -> Vec<Finding> {
        let mut findings = Findings(Vec::new());
        time(self, &mut findings);
        packs(self, &mut findings);
        provider(self, &mut findings);
        expiry(self, &mut findings);
        auto_top_up(self, &mut findings);
        zero(self, &mut findings);
        let mut findings = findings.0;
        findings.sort_by_key(|finding| finding.severity == Severity::Warning);
        findings
    }

    /// Checks settings against each other.
    ///
    /// Errors: the first error of [`Profile::lint`]; warnings pass.
    pub fn check(&self) -> Result<(), String> {
        match self.lint().into_iter().next() {
            Some(finding) if finding.severity == Severity::Error => Err(finding.to_string()),
            _ => Ok(()),
        }
    }
}

struct Findings(Vec<Finding>);

impl Findings {
    fn error(&mut self, setting: &'static str, message: String) {
        self.0.push(Finding { severity: Severity::Error, setting, message });
    }

    fn warning(&mut self, setting: &'static str, message: String) {
        self.0.push(Finding { severity: Severity::Warning, setting, message });
    }
}

fn time(profile: &Profile, findings: &mut Findings) {
    let (every, line) = (profile.settle_every_seconds, profile.line_every_seconds());
    if every % line != 0 || DAY_SECONDS % every != 0 {
        let message = format!("must divide a day and be a multiple of {line}, not {every}");
        findings.error("settle_every_seconds", message);
    }
    let is_block = matches!(profile.compute_terms, Terms::Block(_));
    if profile.model_charge == ModelCharge::Attributed && !is_block {
        let message = "attributed needs compute_terms of blocks, whose cost it shares out".into();
        findings.error("model_charge", message);
    }
    if let Terms::Block(seconds) = profile.compute_terms {
        if !(BLOCK_SECONDS_MIN..=BLOCK_SECONDS_MAX).contains(&seconds) {
            let message = format!("has blocks of {seconds} seconds, not of a minute to 31 days");
            findings.error("compute_terms", message);
        }
        if profile.block_lookahead_seconds >= seconds {
            let ahead = profile.block_lookahead_seconds;
            let message = format!("{ahead} is not within a block of {seconds} seconds");
            findings.error("block_lookahead_seconds", message);
        }
    }
    if profile.forecast_horizon_seconds == Some(0) {
        findings.error("forecast_horizon_seconds", "is a time ahead, or off, not 0".into());
    }
}

/// What so many credits are worth in currency; none when that has more than nine decimals.
fn worth(credits: Amount, value: Amount) -> Option<Amount> {
    let (unit, exact) =
        (i128::from(NANOS_PER_UNIT), i128::from(credits.nanos()) * i128::from(value.nanos()));
    let nanos = i64::try_from(exact / unit).ok()?;
    (exact % unit == 0).then_some(Amount::from_nanos(nanos))
}

fn packs(profile: &Profile, findings: &mut Findings) {
    let (min, max) = (profile.deposit_min, profile.deposit_max);
    if min > max {
        findings.error("deposit_min", format!("{min} is above deposit_max {max}"));
    }
    for pack in &profile.packs {
        let price = pack.price;
        let Some(credits) = pack.credits else { continue };
        let value = worth(credits, profile.credit_value);
        if value != Some(price) {
            let worth = value.map_or("no exact amount".into(), |value| value.to_string());
            let message = format!(
                "sells {credits} credits for {price}, and they are worth {worth} at a \
                 credit_value of {}: what goes beyond the price is a bonus, CREDITS+BONUS",
                profile.credit_value
            );
            findings.error("packs", message);
        }
    }
    if profile.packs.iter().filter(|pack| pack.recommended).count() > 1 {
        findings.warning("packs", "recommends more than one".into());
    }
}

/// What the provider makes of small payments (requirements C09): packs and amounts of one's own
/// choice are independent, so each is looked at for itself.
fn provider(profile: &Profile, findings: &mut Findings) {
    let (least, fee) = (profile.provider_payment_min, profile.provider_fee_fixed);
    let smallest_pack = profile.packs.iter().map(|pack| pack.price).min();
    let payments = [("deposit_min", Some(profile.deposit_min)), ("packs", smallest_pack)];
    for (setting, amount) in payments.iter().filter_map(|&(name, amount)| Some((name, amount?))) {
        let nanos = i128::from(amount.nanos());
        if amount < least {
            let message = format!("{amount} is below {least}, the least that the provider takes");
            findings.warning(setting, message);
        } else if i128::from(fee.nanos()) * FEE_PART > nanos {
            let percent = i128::from(fee.nanos()) * 100 / nanos.max(1);
            let message =
                format!("{amount} pays a fixed fee of {fee} to the provider: {percent}% of it");
            findings.warning(setting, message);
        }
    }
}

fn expiry(profile: &Profile, findings: &mut Findings) {
    let days = &profile.expiry_reminder_days;
    let falls = days.windows(2).all(|pair| pair[0] > pair[1]);
    if !falls || days.iter().any(|days| !(1..=366).contains(days)) {
        let message = "has days from 366 to 1, the largest first, each once".into();
        findings.error("expiry_reminder_days", message);
    }
    if let Expiry::Fixed(seconds) = profile.purchased_expiry {
        if days.first().is_some_and(|days| days * DAY_SECONDS >= seconds) {
            let message = "reminds of an expiry before there was a deposit".into();
            findings.warning("expiry_reminder_days", message);
        }
        if let RefundPolicy::Within(within) = profile.refund_policy
            && within > seconds
        {
            let message = "goes on after the credit has expired".into();
            findings.warning("refund_policy", message);
        }
    }
}

fn auto_top_up(profile: &Profile, findings: &mut Findings) {
    let Some(bounds) = profile.auto_top_up_bounds() else { return };
    if bounds.threshold_min > bounds.threshold_max {
        let (min, max) = (bounds.threshold_min, bounds.threshold_max);
        let message = format!("{min} is above auto_top_up_threshold_max {max}");
        findings.error("auto_top_up_threshold_min", message);
    }
    if bounds.amount_min > bounds.amount_max {
        let (min, max) = (bounds.amount_min, bounds.amount_max);
        let message = format!("{min} is above auto_top_up_amount_max {max}");
        findings.error("auto_top_up_amount_min", message);
    }
    if let Some(most) = profile.auto_top_up_monthly_amount_max
        && most < bounds.amount_min
    {
        let min = bounds.amount_min;
        let message = format!("{most} is below auto_top_up_amount_min {min}: nothing fits");
        findings.error("auto_top_up_monthly_amount_max", message);
    }
    if profile.auto_top_up_daily_attempts_max == Some(0) {
        let message = "is 0: say auto_top_up off".into();
        findings.error("auto_top_up_daily_attempts_max", message);
    }
}

fn zero(profile: &Profile, findings: &mut Findings) {
    let is_final = profile.compute_zero_action == ZeroAction::Terminate;
    match (is_final, profile.resume) {
        (true, Resume::Manual) => {
            let message = "is manual, and what was terminated cannot resume: redeploy".into();
            findings.error("resume", message);
        }
        (false, Resume::Redeploy) => {
            let message = "is redeploy, though nothing is terminated at zero".into();
            findings.warning("resume", message);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(settings: &str) -> Vec<String> {
        let mut profile = Profile::default();
        // The default of a dollar is small for a payment, which is not what these are about.
        profile.apply("deposit_min=3").unwrap();
        profile.apply(settings).unwrap();
        let label = |severity| if severity == Severity::Error { "error" } else { "warning" };
        let found = profile.lint().into_iter();
        found.map(|it| format!("{}: {it}", label(it.severity))).collect()
    }

    #[test]
    fn what_does_not_fit_together_is_named() {
        for (settings, said) in [
            ("settle_every_seconds=7", "error: settle_every_seconds must divide a day"),
            ("compute_terms=window(300s)", "error: settle_every_seconds must divide a day and be"),
            ("model_charge=attributed", "error: model_charge attributed needs"),
            ("compute_terms=block(600s)", "error: block_lookahead_seconds 600 is not within"),
            ("forecast_horizon_seconds=0", "error: forecast_horizon_seconds is a time ahead"),
            ("deposit_min=20;deposit_max=10", "error: deposit_min 20.00 is above deposit_max"),
            ("deposit_min=0.49", "warning: deposit_min 0.49 is below 0.50, the least"),
            ("deposit_min=2.99", "warning: deposit_min 2.99 pays a fixed fee of 0.30"),
            ("packs=1", "warning: packs 1.00 pays a fixed fee of 0.30 to the provider: 30% of"),
            (
                "deposit_min=5;packs=5:500",
                "error: packs sells 500.00 credits for 5.00, and they are worth 500.00",
            ),
            ("deposit_min=5;packs=5:5.5", "error: packs sells 5.50 credits for 5.00"),
            ("packs=5*,6*", "warning: packs recommends more than one"),
            ("expiry_reminder_days=1,7", "error: expiry_reminder_days has days"),
            ("expiry_reminder_days=0", "error: expiry_reminder_days has days"),
            ("purchased_expiry=fixed(3d)", "warning: expiry_reminder_days reminds"),
            (
                "purchased_expiry=fixed(20d);refund_policy=within(30d)",
                "warning: refund_policy goes on",
            ),
            ("auto_top_up_threshold_min=501", "error: auto_top_up_threshold_min 501.00 is above"),
            ("auto_top_up_amount_max=4", "error: auto_top_up_amount_min 5.00 is above"),
            ("auto_top_up_monthly_amount_max=4", "error: auto_top_up_monthly_amount_max 4.00"),
            ("auto_top_up_daily_attempts_max=0", "error: auto_top_up_daily_attempts_max is 0"),
            ("compute_zero_action=terminate", "error: resume is manual"),
            ("resume=redeploy", "warning: resume is redeploy"),
            ("compute_terms=block(59s);block_lookahead_seconds=9", "error: compute_terms has"),
        ] {
            let found = findings(settings);
            assert!(found.len() == 1 && found[0].starts_with(said), "{settings}: {found:?}");
        }
    }

    #[test]
    fn what_fits_together_passes() {
        for settings in [
            "",
            "credit_value=0.01;packs=5:500:Testing,3:300+20",
            "packs=5,20000",
            "provider_fee_fixed=0;deposit_min=0.50",
            "provider_payment_min=0;provider_fee_fixed=0;deposit_min=0.01",
            "auto_top_up=off;auto_top_up_threshold_min=501",
            "purchased_expiry=rolling(3mo)",
            "expiry_reminder_days=none",
        ] {
            assert_eq!(findings(settings), [""; 0], "{settings}");
        }
    }
}
