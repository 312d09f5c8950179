//! Platforms made from a seed: one of the built-in profiles, with settings changed by chance.

use crate::chance::Chance;

const PROFILES: [&str; 6] =
    ["spheron", "greennode", "qubrid", "deployments", "deployments_1usd", "sippulse"];

/// Where customers count their days and months: on both sides of the date line and of the equator,
/// with offsets of quarter hours and with clocks that change at midnight.
pub const ZONES: [&str; 12] = [
    "UTC",
    "Europe/Berlin",
    "America/Sao_Paulo",
    "America/New_York",
    "America/St_Johns",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Africa/Cairo",
    "Pacific/Auckland",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
];

/// A profile, and the settings changed in it.
pub struct Platform {
    pub profile: &'static str,
    pub settings: String,
    pub has_blocks: bool,
}

/// Draws a platform.
pub fn draw(chance: &mut Chance) -> Platform {
    let profile = *chance.pick(&PROFILES).expect("there are six");
    let mut has_blocks = matches!(profile, "deployments" | "deployments_1usd" | "sippulse");
    let mut settings = Vec::new();
    let mut change = |chance: &mut Chance, one_in: i64, of: &[&str]| {
        if chance.one_in(one_in) {
            settings.push((*chance.pick(of).expect("a setting")).to_owned());
        }
    };
    change(chance, 2, &["overdraft=carry", "overdraft=carry", "overdraft=cap(20)"]);
    change(chance, 2, &["overcapture=cap", "overcapture=overflow"]);
    if !has_blocks && profile != "greennode" && chance.one_in(6) {
        has_blocks = true;
        change(chance, 1, &["compute_terms=block(1h)"]);
    } else if has_blocks {
        change(
            chance,
            2,
            &["compute_terms=block(2h)", "compute_terms=block(90s);block_lookahead_seconds=20"],
        );
    } else {
        change(chance, 3, &["stop_lead_seconds=45", "stop_lead_seconds=7"]);
    }
    if profile == "greennode" {
        change(chance, 2, &["settle_every_seconds=600"]);
    }
    // Mostly not terminated, so that there is something to be started again.
    if profile == "spheron" {
        let rest =
            ["compute_zero_action=stop;resume=manual", "compute_zero_action=pause;resume=manual"];
        if !chance.one_in(4) {
            change(chance, 1, &rest);
        }
    } else {
        change(chance, 3, &["compute_zero_action=stop", "compute_zero_action=pause"]);
    }
    change(chance, 4, &["dispute_freeze=off"]);
    change(chance, 3, &["tax_point=deposit"]);
    change(chance, 2, &["discounts=on", "discounts=on", "discounts=off"]);
    change(chance, 2, &["volume_tiers=5:5%,60:12.5%", "volume_tiers=0:1%,20:3%,40:30%"]);
    change(chance, 2, &["coupons=on", "coupons=on", "coupons=off"]);
    change(chance, 3, &["refund_policy=none", "refund_policy=within(1d)"]);
    let expiry = [
        "purchased_expiry=never",
        "purchased_expiry=fixed(2d)",
        "purchased_expiry=fixed(20d)",
        "purchased_expiry=rolling(1mo)",
        "purchased_expiry=rolling(3mo)",
    ];
    change(chance, 3, &expiry);
    change(chance, 3, &["deposit_bonus=0:10%", "deposit_bonus=20:5%,60:25.00"]);
    let confirm = [
        "authentication_timeout_seconds=60",
        "authentication_timeout_seconds=4000",
        "authentication_timeout_seconds=2592000",
    ];
    change(chance, 2, &confirm);
    let caps = [
        "auto_top_up_daily_attempts_max=2",
        "auto_top_up_monthly_amount_max=90",
        "auto_top_up_daily_attempts_max=1;auto_top_up_monthly_amount_max=300",
    ];
    change(chance, 3, &caps);
    // The auditor does not know these yet: crates/sim/README.md.
    change(chance, 1, &["retention_days=off;digest=off"]);
    Platform { profile, settings: settings.join(";"), has_blocks }
}
