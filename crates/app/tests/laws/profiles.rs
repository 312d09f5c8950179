//! The profiles of the worlds, and what versions of them change.

use super::chance::Chance;
use super::world::Step;

const BLOCKS: &str = "compute_terms=block(1h);compute_zero_action=pause;retention_days=2";
const REUSED_BLOCKS: &str = "compute_terms=block(2h);resume_in_paid_block=reuse;\
    compute_zero_action=stop;overdraft=carry;model_zero_action=reject_new;retention_days=1";
/// A built-in profile, and what a world has otherwise.
pub const PROFILES: [(&str, &str); 14] = [
    ("spheron", ""),
    ("spheron", BLOCKS),
    ("spheron", REUSED_BLOCKS),
    ("greennode", BLOCKS),
    ("spheron", "retention_days=off"),
    ("spheron", "overdraft=carry;overcapture=overflow;digest=weekly"),
    ("spheron", "volume_tiers=5:5%,20:12.5%,60:33.33%;compute_terms=block(1h);digest=daily"),
    ("spheron", "stop_lead_seconds=4000;retention_days=off"),
    ("greennode", "retention_days=off"),
    ("greennode", "settle_every_seconds=600;overcapture=cap;digest=daily_and_weekly"),
    ("greennode", "overdraft=carry;stop_lead_seconds=7"),
    ("spheron", "purchased_expiry=rolling(1mo);overdraft=carry;hold_runway_keep_seconds=7200"),
    ("greennode", "purchased_expiry=fixed(2d);expiry_reminder_days=2,1"),
    ("greennode", "overdraft=carry;stop_lead_seconds=2000;digest=daily;digest_hour=0"),
];

/// What versions of a profile change; what does not fit the settings of a world is refused.
const VERSIONS: [&str; 24] = [
    "stop_lead_seconds=3000",
    "stop_lead_seconds=0",
    "settle_every_seconds=300",
    "settle_every_seconds=3600",
    "overdraft=carry",
    "overdraft=absorb",
    "overdraft=cap(2)",
    "retention_days=off",
    "retention_days=1",
    "digest=off",
    "digest=daily;digest_hour=3",
    "digest=daily_and_weekly",
    "digest=weekly",
    "admission=hold(900s)",
    "admission=hold(60s)",
    "balance_basis=live",
    "balance_basis=settled;forecast_horizon_seconds=43200",
    "compute_terms=per_second;settle_every_seconds=60",
    "compute_terms=block(1h)",
    "compute_terms=window(300s);settle_every_seconds=600",
    "auto_top_up=off;forecast_horizon_seconds=off",
    "auto_top_up=on;expiry_reminder_days=5,2",
    "discounts=off;compute_zero_action=pause",
    "discounts=on;purchased_expiry=fixed(3d);deposit_bonus=10:10%",
];

/// The same steps; in every other world versions of the profile are announced between them.
pub fn turning(seed: u64, steps: Vec<Step>) -> Vec<Step> {
    if seed.is_multiple_of(2) {
        return steps;
    }
    let mut chance = Chance::new(seed + 2_000_000);
    let turn = |chance: &mut Chance| {
        let place = usize::try_from(chance.below(64)).unwrap();
        Step::Turn { settings: VERSIONS[place % VERSIONS.len()], ahead: chance.below(100_000) }
    };
    let with_turns = |step| {
        let announced = chance.one_in(10).then(|| turn(&mut chance));
        announced.into_iter().chain([step])
    };
    steps.into_iter().flat_map(with_turns).collect()
}
