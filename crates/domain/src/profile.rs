//! Profiles: the versioned settings that make one engine behave like one platform.
//!
//! Two are built in, chosen because they pull in opposite directions (requirements §4):
//! `spheron` charges per second and looks at the live balance; `greennode` settles closed
//! five-minute windows, looks at the settled balance and warns twelve hours ahead.

use crate::{Amount, Timestamp};

/// What has to be there before something may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// This much available, and nothing set aside (requirements S04c, C17).
    MinAvailable(Amount),
    /// So many seconds of its own burn, set aside and used up first (requirements C12, rulings R8).
    HoldSeconds(i64),
}

/// Which balance is shown and decides alerts and auto top-up (rulings R4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BalanceBasis {
    Live,
    /// As of the last closed settlement period.
    Settled,
}

/// What happens to use past zero (rulings R14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overdraft {
    Absorb,
    Carry,
    /// Debt up to so much, the rest absorbed.
    Cap(Amount),
}

/// What happens to computing resources at zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZeroAction {
    Stop,
    Terminate,
}

/// What capturing more than was held does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overcapture {
    Reject,
    /// Charge what was held and no more.
    Cap,
    /// Charge the rest like any use.
    Overflow,
}

/// Bounds of an auto top-up rule; both ends are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AutoTopUpBounds {
    pub threshold_min: Amount,
    pub threshold_max: Amount,
    pub amount_min: Amount,
    pub amount_max: Amount,
}

/// One version of a platform's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    pub name: String,
    /// Periods in which time is settled, on the wall clock.
    pub settle_every_seconds: i64,
    /// The length of one line of time; a divisor of `settle_every_seconds`.
    pub line_every_seconds: i64,
    /// True when time inside an open line period is not posted by other movements (C02).
    pub closed_windows_only: bool,
    pub balance_basis: BalanceBasis,
    pub admission: Admission,
    pub overdraft: Overdraft,
    pub zero_action: ZeroAction,
    pub stop_lead_seconds: i64,
    pub overcapture: Overcapture,
    pub hold_timeout_seconds: i64,
    pub hold_runway_keep_seconds: i64,
    pub late_window_seconds: i64,
    pub catchup_grace_seconds: i64,
    pub forecast_horizon_seconds: Option<i64>,
    pub auto_top_up: Option<AutoTopUpBounds>,
    pub auto_top_up_cooldown_seconds: i64,
    pub deposit_min: Amount,
    pub deposit_max: Amount,
    pub deposit_presets: Vec<Amount>,
    pub labels: Labels,
}

/// The words this platform shows for things that the code calls by their glossary name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    pub platform: String,
    pub history: String,
    pub auto_top_up: String,
    pub stopped: String,
    pub credits: bool,
}

/// Reported times may lie so far ahead of the clock (rulings R1).
pub const REPORTED_AHEAD_SECONDS_MAX: i64 = 5 * 60;

impl Profile {
    /// The built-in profile of that name.
    pub fn named(name: &str) -> Option<Profile> {
        match name {
            "spheron" => Some(spheron()),
            "greennode" => Some(greennode()),
            _ => None,
        }
    }

    /// Names that [`Profile::named`] knows.
    pub const NAMES: [&str; 2] = ["greennode", "spheron"];

    /// The built-in profile of that name with `settings` applied: `name=value` joined by `;`.
    ///
    /// Errors: a text that names what is not known.
    pub fn with_settings(name: &str, settings: &str) -> Result<Profile, String> {
        let mut profile = Profile::named(name)
            .ok_or_else(|| format!("profile {name} is not one of {}", Profile::NAMES.join(", ")))?;
        for setting in settings.split(';').filter(|setting| !setting.is_empty()) {
            let (name, value) =
                setting.split_once('=').ok_or_else(|| format!("{setting} is not name=value"))?;
            profile = profile.with(name, value)?;
        }
        Ok(profile)
    }

    /// Changes one setting, as a platform may at its creation. The text error names the setting.
    pub fn with(mut self, setting: &str, value: &str) -> Result<Profile, String> {
        let seconds = || match value.parse::<i64>() {
            Ok(seconds) if (0..=366 * 86_400).contains(&seconds) => Ok(seconds),
            _ => Err(format!("{setting} is not a number of seconds up to one year")),
        };
        let amount = || Amount::parse(value).map_err(|error| format!("{setting} is {error}"));
        match setting {
            "settle_every_seconds" => {
                let every = seconds()?;
                if every == 0 || every % self.line_every_seconds != 0 || 86_400 % every != 0 {
                    return Err(format!(
                        "{setting} must divide a day and be a multiple of {}",
                        self.line_every_seconds
                    ));
                }
                self.settle_every_seconds = every;
            }
            "stop_lead_seconds" => self.stop_lead_seconds = seconds()?,
            "hold_runway_keep_seconds" => self.hold_runway_keep_seconds = seconds()?,
            "deposit_min" => self.deposit_min = amount()?,
            "deposit_max" => self.deposit_max = amount()?,
            "overdraft" => {
                self.overdraft = match value {
                    "absorb" => Overdraft::Absorb,
                    "carry" => Overdraft::Carry,
                    _ => return Err(format!("{setting} is absorb or carry")),
                }
            }
            "overcapture" => {
                self.overcapture = match value {
                    "reject" => Overcapture::Reject,
                    "cap" => Overcapture::Cap,
                    "overflow" => Overcapture::Overflow,
                    _ => return Err(format!("{setting} is reject, cap or overflow")),
                }
            }
            _ => return Err(format!("{setting} is not a setting that a platform may change")),
        }
        Ok(self)
    }

    /// The end of the last line period that is closed at `at`.
    pub fn last_closed_line(&self, at: Timestamp) -> Timestamp {
        at.floor_to_multiple(self.line_every_seconds)
    }
}

fn spheron() -> Profile {
    Profile {
        name: "spheron".into(),
        settle_every_seconds: 60,
        line_every_seconds: 60,
        closed_windows_only: false,
        balance_basis: BalanceBasis::Live,
        admission: Admission::MinAvailable(Amount::from_units(3)),
        overdraft: Overdraft::Absorb,
        zero_action: ZeroAction::Terminate,
        stop_lead_seconds: 0,
        overcapture: Overcapture::Reject,
        hold_timeout_seconds: 3_600,
        hold_runway_keep_seconds: 300,
        late_window_seconds: 72 * 3_600,
        catchup_grace_seconds: 60,
        forecast_horizon_seconds: None,
        auto_top_up: Some(AutoTopUpBounds {
            threshold_min: Amount::from_units(5),
            threshold_max: Amount::from_units(500),
            amount_min: Amount::from_units(15),
            amount_max: Amount::from_units(5_000),
        }),
        auto_top_up_cooldown_seconds: 300,
        deposit_min: Amount::from_units(15),
        deposit_max: Amount::from_units(5_000),
        deposit_presets: [50, 100, 200, 500, 1_000, 5_000].map(Amount::from_units).to_vec(),
        labels: Labels {
            platform: "Spheron".into(),
            history: "Deposit History".into(),
            auto_top_up: "Auto Top-Up".into(),
            stopped: "terminated".into(),
            credits: true,
        },
    }
}

fn greennode() -> Profile {
    Profile {
        name: "greennode".into(),
        settle_every_seconds: 300,
        line_every_seconds: 300,
        closed_windows_only: true,
        balance_basis: BalanceBasis::Settled,
        admission: Admission::HoldSeconds(60),
        zero_action: ZeroAction::Stop,
        forecast_horizon_seconds: Some(12 * 3_600),
        auto_top_up: None,
        deposit_min: Amount::from_units(1),
        deposit_max: Amount::from_units(10_000),
        deposit_presets: Vec::new(),
        labels: Labels {
            platform: "GreenNode".into(),
            history: "Deposit History".into(),
            auto_top_up: "Auto top-up".into(),
            stopped: "stopped".into(),
            credits: false,
        },
        ..spheron()
    }
}
