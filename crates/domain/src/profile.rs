//! Profiles: the versioned settings that make one engine behave like one platform.
//!
//! [`Profile`] is one table of settings. A line of it is the setting's documentation, its name and
//! kind, the engine's default (requirements §4) and, where not every value makes sense, its bounds;
//! from that line come the field, [`Profile::default`], reading, showing and the reference. A
//! profile is what differs from the default; `profiles/*.toml` are the built-in ones, read outside
//! of this crate into pairs of name and value.
//!
//! *Law:* [`Profile::text`] read by [`Profile::apply`] over any profile gives the same settings.

mod kind;
mod lint;
mod table;
mod value;
mod versions;

pub use kind::{
    Admission, AutoTopUpBounds, BalanceBasis, BillRounding, Digest, Documents, Expiry, ModelCharge,
    ModelZeroAction, Overcapture, Overdraft, Pack, RefundPolicy, Resume, ResumeInPaidBlock,
    TaxPoint, Terms, TopUpSize, VolumeTier, ZeroAction,
};
pub use lint::{Finding, Severity};
pub use table::{Profile, Setting};
pub use versions::{ANNOUNCED_AHEAD_SECONDS, VERSIONS_MAX, Version, Versions};

use crate::run::{ResourceClass, Rest};
use crate::time::SECONDS_PER_DAY;
use crate::top_up::Caps;
use crate::{Amount, Timestamp};

/// Reported times may lie so far ahead of the clock (rulings R1).
pub const REPORTED_AHEAD_SECONDS_MAX: i64 = 5 * 60;

impl ZeroAction {
    /// The action in a word.
    pub const fn name(self) -> &'static str {
        match self {
            ZeroAction::Pause => "pause",
            ZeroAction::Stop => "stop",
            ZeroAction::Terminate => "terminate",
        }
    }

    /// What it makes of a resource.
    pub const fn rest(self) -> Rest {
        match self {
            ZeroAction::Pause => Rest::Paused,
            ZeroAction::Stop => Rest::Stopped,
            ZeroAction::Terminate => Rest::Terminated,
        }
    }
}

impl Digest {
    pub const fn is_daily(self) -> bool {
        matches!(self, Digest::Daily | Digest::DailyAndWeekly)
    }

    pub const fn is_weekly(self) -> bool {
        matches!(self, Digest::Weekly | Digest::DailyAndWeekly)
    }
}

impl Setting {
    /// The setting of that name.
    pub fn named(name: &str) -> Option<&'static Setting> {
        Setting::ALL.iter().find(|setting| setting.name == name)
    }
}

impl Profile {
    /// Whether a deposit of `amount` can be made: a pack has its own price, any other amount lies
    /// within the bounds (requirements C09).
    pub fn takes_deposit(&self, amount: Amount) -> bool {
        let is_pack = self.packs.iter().any(|pack| pack.price == amount);
        is_pack || (self.deposit_min..=self.deposit_max).contains(&amount)
    }

    /// When promotional credit that was given at `at` and says nothing of its own expires.
    pub fn promotion_expires_at(&self, at: Timestamp) -> Timestamp {
        let seconds = |days: i64| days.saturating_mul(SECONDS_PER_DAY);
        self.promotional_expiry_days.map_or(Timestamp::NEVER, |days| at.plus_seconds(seconds(days)))
    }

    /// When a purchase that was paid at `paid_at` expires by itself.
    pub fn purchase_expires_at(&self, paid_at: Timestamp) -> Timestamp {
        match self.purchased_expiry {
            Expiry::Fixed(seconds) => paid_at.plus_seconds(seconds),
            Expiry::Never | Expiry::Rolling(_) => Timestamp::NEVER,
        }
    }

    /// Changes one setting.
    ///
    /// Errors: a sentence that names the setting, the value, and what is allowed.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let setting =
            Setting::named(name).ok_or_else(|| format!("{name} is not a setting of a profile"))?;
        (setting.read)(self, value)
    }

    /// Changes the settings that `text` has: `name=value` joined by `;`.
    ///
    /// Errors: as [`Profile::set`], and a part that is not `name=value`.
    pub fn apply(&mut self, text: &str) -> Result<(), String> {
        for part in text.split(';').filter(|part| !part.is_empty()) {
            let (name, value) =
                part.split_once('=').ok_or_else(|| format!("{part} is not name=value"))?;
            self.set(name, value)?;
        }
        Ok(())
    }

    /// Every setting, `name=value` joined by `;`: what a platform keeps, so that it stays what it
    /// was when a built-in profile or a default changes (requirements C23).
    pub fn text(&self) -> String {
        let parts = Setting::ALL.iter().map(|it| format!("{}={}", it.name, (it.show)(self)));
        parts.collect::<Vec<_>>().join(";")
    }

    /// The settings that are otherwise than in `other`: what [`Profile::apply`] makes of that one
    /// this one by.
    pub fn changes_since(&self, other: &Profile) -> String {
        let shown = Setting::ALL.iter().map(|it| (it.name, (it.show)(self), (it.show)(other)));
        let changed = shown.filter(|(_, own, other)| own != other);
        changed.map(|(name, own, _)| format!("{name}={own}")).collect::<Vec<_>>().join(";")
    }

    /// The settings that differ from the engine's default, in the order of the table.
    pub fn differences(&self) -> Vec<(&'static Setting, String)> {
        let default = Profile::default();
        let shown = Setting::ALL.iter().map(|it| (it, (it.show)(self)));
        shown.filter(|(it, value)| *value != (it.show)(&default)).collect()
    }

    /// The length of one line of time; a divisor of `settle_every_seconds`.
    pub fn line_every_seconds(&self) -> i64 {
        match self.compute_terms {
            Terms::Window(seconds) => seconds,
            Terms::PerSecond | Terms::Block(_) => self.settle_every_seconds,
        }
    }

    /// True when time inside an open line period is not posted by other movements (C02).
    pub fn closed_windows_only(&self) -> bool {
        matches!(self.compute_terms, Terms::Window(_))
    }

    /// Whether what a wallet draws can earn it a discount.
    pub fn has_volume_tiers(&self) -> bool {
        self.discounts && !self.volume_tiers.is_empty()
    }

    /// The length of a block for runs of `class`; nothing where their time accrues. What is stored
    /// always accrues: it goes on at zero, which a block never does.
    pub fn block_seconds_of(&self, class: ResourceClass) -> Option<i64> {
        match self.compute_terms {
            Terms::Block(seconds) if class.is_stopped_at_zero() => Some(seconds),
            _ => None,
        }
    }

    /// The bounds of an auto top-up rule; none where it is not offered.
    pub fn auto_top_up_bounds(&self) -> Option<AutoTopUpBounds> {
        self.auto_top_up.then_some(AutoTopUpBounds {
            threshold_min: self.auto_top_up_threshold_min,
            threshold_max: self.auto_top_up_threshold_max,
            amount_min: self.auto_top_up_amount_min,
            amount_max: self.auto_top_up_amount_max,
        })
    }

    /// The most that any auto top-up rule asks for.
    pub fn auto_top_up_caps(&self) -> Caps {
        Caps {
            daily_attempts_max: self.auto_top_up_daily_attempts_max,
            monthly_amount_max: self.auto_top_up_monthly_amount_max,
        }
    }

    /// The end of the last line period that is closed at `at`.
    pub fn last_closed_line(&self, at: Timestamp) -> Timestamp {
        at.floor_to_multiple(self.line_every_seconds())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name, texts that are read and what they are shown as, and texts that are refused.
    type Row = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

    const ROWS: &[Row] = &[
        ("credit_value", &[("0.01", "0.01"), ("1", "1.00")], &["0", "-1", "1001", "one", ""]),
        ("digest", &[("weekly", "weekly")], &["Weekly", ""]),
        ("coupons", &[("on", "on"), ("off", "off")], &["yes", "true"]),
        (
            "label_history",
            &[("Billings", "Billings"), ("Deposit History", "Deposit History")],
            &["", " Billings", "a;b"],
        ),
        ("settle_every_seconds", &[("600", "600")], &["0", "-60", "60s", "86401", "6e2"]),
        (
            "compute_terms",
            &[
                ("per_second", "per_second"),
                ("window(300s)", "window(300s)"),
                ("block(1h)", "block(3600s)"),
            ],
            &["window", "window(0s)", "window(300)", "block(-1s)", "block(99999999d)"],
        ),
        (
            "admission",
            &[("hold(60s)", "hold(60s)"), ("min_available(3)", "min_available(3.00)")],
            &["hold(0s)", "min_available(x)", "none"],
        ),
        ("overdraft", &[("carry", "carry"), ("cap(5)", "cap(5.00)")], &["maybe", "cap", "cap(-1)"]),
        (
            "purchased_expiry",
            &[
                ("never", "never"),
                ("fixed(90d)", "fixed(90d)"),
                ("fixed(90s)", "fixed(90s)"),
                ("rolling(3mo)", "rolling(3mo)"),
            ],
            &["rolling(3)", "rolling(0mo)", "fixed(3mo)"],
        ),
        ("refund_policy", &[("within(30d)", "within(30d)"), ("none", "none")], &["within(0d)"]),
        (
            "forecast_horizon_seconds",
            &[("off", "off"), ("43200", "43200")],
            &["on", "-1", "2592001"],
        ),
        (
            "expiry_reminder_days",
            &[("14,7,1", "14,7,1"), ("none", "none"), ("3, 1", "3,1")],
            &["14;7", "soon", ""],
        ),
        (
            "volume_tiers",
            &[
                ("1000:5%", "1000.00:5%"),
                ("0:1%,1000:7.5%", "0.00:1%,1000.00:7.5%"),
                ("none", "none"),
            ],
            &["1000", "1000:5", "1000:101%", "-1:5%", "x:5%", "1:1.234%"],
        ),
        (
            "packs",
            &[
                ("50,100*", "50.00,100.00*"),
                ("5:500:Testing", "5.00:500.00:Testing"),
                ("20:2000+200", "20.00:2000.00+200.00"),
            ],
            &["5:", "x", "5:500:", "5:500+:Testing"],
        ),
    ];

    #[test]
    fn every_setting_reads_good_values_and_names_what_is_wrong_with_bad_ones() {
        for (name, good, bad) in ROWS {
            for (text, shown) in *good {
                let mut profile = Profile::default();
                profile.set(name, text).unwrap();
                let setting = Setting::named(name).unwrap();
                assert_eq!((setting.show)(&profile), *shown, "{name}={text}");
            }
            for text in *bad {
                let mut profile = Profile::default();
                let error = profile.set(name, text).unwrap_err();
                let (start, end) = (format!("{name} is "), format!(", not {text}"));
                assert!(error.starts_with(&start) && error.ends_with(&end), "{error}");
                assert_eq!(profile, Profile::default(), "{name}={text}");
            }
        }
    }

    #[test]
    fn every_setting_has_a_line_and_reads_what_it_shows() {
        for setting in Setting::ALL {
            assert!(setting.about.ends_with('.'), "{}", setting.name);
            let shown = (setting.show)(&Profile::default());
            let mut profile = Profile::default();
            (setting.read)(&mut profile, &shown).unwrap();
            assert_eq!(profile, Profile::default(), "{}", setting.name);
        }
    }

    #[test]
    fn law_what_is_shown_is_read_back() {
        let mut profile = Profile::default();
        for (name, good, _) in ROWS {
            for (text, _) in *good {
                profile.set(name, text).unwrap();
                let mut other = Profile::default();
                other.apply(&profile.text()).unwrap();
                assert_eq!(other, profile, "{name}={text}");
            }
        }
    }

    #[test]
    fn what_is_no_setting_is_refused() {
        for unknown in ["colour=red", "colour", "name=x", "version=2"] {
            Profile::default().apply(unknown).unwrap_err();
        }
        assert_eq!(Profile::default().differences(), []);
    }
}
