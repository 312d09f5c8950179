//! What a platform's settings mean, from the requirements and not from the engine.

use super::purse::UNIT;
use super::refill::Most;

const DAY: i64 = 86_400;

/// What becomes of use past zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overdraft {
    Absorb,
    Carry,
    /// Debt up to so much.
    Cap(i128),
}

/// How long what was bought is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bought {
    Forever,
    /// So many seconds after it was paid.
    Seconds(i64),
    /// So many months after the last payment.
    Months(i64),
}

/// What a customer may have back of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Returns {
    Nothing,
    Unspent,
    /// What was paid less than so many seconds ago.
    Within(i64),
}

/// A bonus on deposits of at least `from`: so many parts of ten thousand, or an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slab {
    pub from: i128,
    pub bps: Option<i128>,
    pub fixed: i128,
}

#[derive(Clone, Debug)]
pub struct Terms {
    /// True when the platform runs on the wall clock.
    pub live: bool,
    /// Time is settled, and the balance looked at, in closed windows.
    pub windows: bool,
    pub every: i64,
    pub hold_seconds: Option<i64>,
    pub min_available: i128,
    pub overdraft: Overdraft,
    pub lead: i64,
    pub keep: i64,
    pub horizon: Option<i64>,
    pub top_up: bool,
    pub overcapture: &'static str,
    /// The length of a block, where compute pays for time ahead.
    pub block: Option<i64>,
    pub ahead: i64,
    pub zero: &'static str,
    /// Models are refused when nothing is available.
    pub models_refused: bool,
    pub deposit: (i128, i128),
    pub threshold: (i128, i128),
    pub charge: (i128, i128),
    /// Of every rule of auto top-up.
    pub most: Most,
    /// Seconds that a payer has to confirm an automatic payment.
    pub confirm: i64,
    pub bought: Bought,
    pub returns: Returns,
    pub freezes: bool,
    /// Tax is due on top of deposits.
    pub taxes: bool,
    pub bonus: Vec<Slab>,
    pub discounts: bool,
    /// Discounts earned by drawing so much of what was bought: amount, parts of ten thousand.
    pub tiers: Vec<(i128, i128)>,
    /// A block that is paid is used up when its resource is resumed within it.
    pub reuses: bool,
    /// Days that what is stored is kept at zero.
    pub kept_days: Option<i64>,
    pub coupons: bool,
}

impl Terms {
    pub fn of(profile: &str, settings: &str, live: bool) -> Terms {
        let mut terms = Terms::usual(live);
        match profile {
            "spheron" => {
                terms.hold_seconds = None;
                terms.deposit = (15 * UNIT, 5_000 * UNIT);
                terms.charge.0 = 15 * UNIT;
                terms.zero = "terminate";
                terms.coupons = false;
            }
            "greennode" => {
                (terms.windows, terms.every) = (true, 300);
                terms.horizon = Some(12 * 3_600);
                (terms.top_up, terms.coupons, terms.discounts) = (false, false, false);
            }
            "qubrid" => (terms.top_up, terms.discounts) = (false, false),
            "sippulse" => {
                terms.bought = Bought::Months(3);
                (terms.top_up, terms.coupons, terms.discounts) = (false, false, false);
                terms.block = Some(3_600);
                terms.models_refused = true;
                terms.every = 3_600;
            }
            "deployments" | "deployments_1usd" => {
                terms.block = Some(3_600);
                terms.every = 3_600;
                terms.zero = "pause";
                terms.discounts = false;
                terms.threshold = (0, 1_000_000 * UNIT);
                terms.charge = (UNIT, 10_000 * UNIT);
            }
            other => panic!("the auditor does not know the profile {other}"),
        }
        for (name, value) in settings.split(';').filter_map(|part| part.split_once('=')) {
            terms.set(name, value);
        }
        terms
    }

    fn usual(live: bool) -> Terms {
        Terms {
            live,
            windows: false,
            every: 60,
            hold_seconds: Some(60),
            min_available: 3 * UNIT,
            overdraft: Overdraft::Absorb,
            lead: 0,
            keep: 300,
            horizon: None,
            top_up: true,
            overcapture: "reject",
            block: None,
            ahead: 600,
            zero: "stop",
            models_refused: false,
            deposit: (UNIT, 10_000 * UNIT),
            threshold: (5 * UNIT, 500 * UNIT),
            charge: (5 * UNIT, 5_000 * UNIT),
            most: Most::default(),
            confirm: DAY,
            bought: Bought::Forever,
            returns: Returns::Unspent,
            freezes: true,
            taxes: false,
            bonus: Vec::new(),
            discounts: true,
            tiers: Vec::new(),
            reuses: false,
            kept_days: Some(3),
            coupons: true,
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        let number = || value.parse::<i64>().expect("a whole number");
        match name {
            "overdraft" => {
                self.overdraft = match (value, inside(value, "cap(")) {
                    (_, Some(cap)) => Overdraft::Cap(money(cap)),
                    ("carry", None) => Overdraft::Carry,
                    _ => Overdraft::Absorb,
                }
            }
            "stop_lead_seconds" => self.lead = number(),
            "settle_every_seconds" => self.every = number(),
            "hold_runway_keep_seconds" => self.keep = number(),
            "compute_terms" => self.block = inside(value, "block(").map(seconds),
            "block_lookahead_seconds" => self.ahead = number(),
            "compute_zero_action" => self.zero = word(value, &["pause", "stop", "terminate"]),
            "model_zero_action" => self.models_refused = value == "reject_new",
            "overcapture" => self.overcapture = word(value, &["reject", "cap", "overflow"]),
            "retention_days" => self.kept_days = value.parse().ok(),
            "resume_in_paid_block" => self.reuses = value == "reuse",
            "tax_point" => self.taxes = word(value, &["none", "deposit"]) == "deposit",
            "dispute_freeze" => self.freezes = value == "on",
            "discounts" => self.discounts = value == "on",
            "coupons" => self.coupons = value == "on",
            "refund_policy" => {
                self.returns = match (value, inside(value, "within(")) {
                    (_, Some(span)) => Returns::Within(seconds(span)),
                    ("none", None) => Returns::Nothing,
                    _ => Returns::Unspent,
                }
            }
            "purchased_expiry" => {
                let (fixed, rolling) = (inside(value, "fixed("), inside(value, "rolling("));
                self.bought = match (fixed, rolling) {
                    (Some(span), _) => Bought::Seconds(seconds(span)),
                    (_, Some(months)) => {
                        let months = months.strip_suffix("mo").expect("months");
                        Bought::Months(months.parse().expect("a number of months"))
                    }
                    _ => Bought::Forever,
                }
            }
            "deposit_bonus" => self.bonus = slabs(value),
            "volume_tiers" => {
                let tier = |text: &str| {
                    let (drawn, percent) =
                        text.split_once(':').expect("an amount and a percentage");
                    (money(drawn), bps(percent))
                };
                self.tiers = value.split(',').map(tier).collect();
            }
            "authentication_timeout_seconds" => self.confirm = number(),
            "auto_top_up_daily_attempts_max" => self.most.daily = Some(number()),
            "auto_top_up_monthly_amount_max" => self.most.monthly = Some(money(value)),
            "resume" | "model_charge" | "digest" => {}
            other => panic!("the auditor does not know the setting {other}"),
        }
    }

    /// Where use past zero makes a balance that is less than nothing.
    pub fn carries(&self) -> bool {
        self.overdraft != Overdraft::Absorb
    }
}

/// Slabs as settings and coupons say them: `0:10%,100:25.00`.
pub fn slabs(text: &str) -> Vec<Slab> {
    let slab = |text: &str| {
        let (from, gift) = text.split_once(':').expect("an amount and a bonus");
        let (bps, fixed) = match gift.ends_with('%') {
            true => (Some(bps(gift)), 0),
            false => (None, money(gift)),
        };
        Slab { from: money(from), bps, fixed }
    };
    let mut slabs: Vec<Slab> = text.split(',').filter(|it| *it != "none").map(slab).collect();
    slabs.sort_by_key(|slab| slab.from);
    slabs
}

fn inside<'a>(text: &'a str, head: &str) -> Option<&'a str> {
    text.strip_prefix(head)?.strip_suffix(')')
}

fn word(value: &str, words: &[&'static str]) -> &'static str {
    words.iter().find(|word| **word == value).expect("a word that is known")
}

fn seconds(text: &str) -> i64 {
    let (number, unit) = text.split_at(text.len() - 1);
    let number: i64 = number.parse().expect("a number of a unit of time");
    number
        * match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3_600,
            _ => DAY,
        }
}

/// Whole units with at most two decimals, in nanos.
fn money(text: &str) -> i128 {
    let (whole, cents) = text.split_once('.').unwrap_or((text, "00"));
    let cents: i128 = format!("{cents:0<2}").parse().expect("cents");
    whole.parse::<i128>().expect("units") * UNIT + cents * UNIT / 100
}

/// Whole percents as parts of ten thousand.
fn bps(text: &str) -> i128 {
    money(text.strip_suffix('%').expect("a percentage")) * 100 / UNIT
}
