//! Rules broken on purpose: each is a change of one place in `domain`, which the auditor has to
//! notice. A copy of the product is changed, built, and played until it does.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// One rule and how it is broken: `old` stands once in the file.
#[derive(Clone, Copy, Debug)]
pub struct Broken {
    pub name: &'static str,
    pub file: &'static str,
    pub old: &'static str,
    pub new: &'static str,
}

const fn broken(
    name: &'static str,
    file: &'static str,
    old: &'static str,
    new: &'static str,
) -> Broken {
    Broken { name, file, old, new }
}

pub const ALL: &[Broken] = &[
    broken(
        "rounding_up",
        "rate.rs",
        "twice_rest > denominator || (twice_rest == denominator && floor % 2 != 0)",
        "twice_rest > 0",
    ),
    broken(
        "purchased_credit_drawn_first",
        "grant.rs",
        "(self.kind.is_bought(), self.kind == GrantKind::Bonus)",
        "(!self.kind.is_bought(), self.kind == GrantKind::Bonus)",
    ),
    broken(
        "expiry_a_second_late",
        "grant.rs",
        "let is_due = |grant: &&mut OpenGrant| grant.lapses_at(purchased_until) <= at;",
        "let is_due = |grant: &&mut OpenGrant| grant.lapses_at(purchased_until) < at;",
    ),
    broken(
        "holds_are_available",
        "wallet.rs",
        "self.grants.reserved().plus(self.launch_held_round_half_even(at))",
        "self.launch_held_round_half_even(at)",
    ),
    broken(
        "later_grants_pay_for_before",
        "wake.rs",
        "        settle_to(ws, org, profile, settled_by_others(profile, at))?;\n        \
         let upcoming = &ws.wallet(org)?.upcoming;\n",
        "        let upcoming = &ws.wallet(org)?.upcoming;\n",
    ),
    broken(
        "window_begun_with_its_old_count",
        "limit.rs",
        "        self.charged = Amount::ZERO;\n        self.is_reached = false;\n",
        "        self.is_reached = false;\n",
    ),
    broken(
        "members_limited_by_project",
        "limit.rs",
        "LimitScope::Member(_) => Some(MEMBER),",
        "LimitScope::Member(_) => Some(PROJECT),",
    ),
    broken(
        "discounts_added_up",
        "discount.rs",
        "both.into_iter().flatten().chain(committed).map(|it| it.bps).max().unwrap_or(0)",
        "both.into_iter().flatten().chain(committed).map(|it| it.bps).sum::<i64>().min(10_000)",
    ),
    broken(
        "tier_of_the_present_day",
        "discount.rs",
        "(day - VOLUME_DAYS..day).contains(other)",
        "(day - VOLUME_DAYS..=day).contains(other)",
    ),
    broken(
        "waiting_coupon_given_back",
        "coupon.rs",
        "matches!(self, RedemptionState::Given | RedemptionState::Waiting)",
        "matches!(self, RedemptionState::Given)",
    ),
    broken(
        "silence_charged",
        "wake.rs",
        "Ending { stopped_at: beat_at.floor_to_second(), reason, rest }",
        "Ending { stopped_at: beat_at.max(at).floor_to_second(), reason, rest }",
    ),
    broken(
        "resized_run_held_for_again",
        "lifecycle.rs",
        "    if run.previous.is_none() {\n        let profile",
        "    if !run.is_waiting {\n        let profile",
    ),
    broken(
        "stop_a_second_late",
        "meter.rs",
        "    from.plus_seconds(low)\n",
        "    from.plus_seconds(low + 1)\n",
    ),
    broken(
        "no_cooldown",
        "top_up.rs",
        "Some(at) => at.plus_seconds(profile.auto_top_up_cooldown_seconds),",
        "Some(at) => at,",
    ),
    broken(
        "declined_money_counted",
        "top_up.rs",
        "if deposit.state == DepositState::Failed && !may_come {",
        "if deposit.state == DepositState::Failed && may_come {",
    ),
    broken(
        "payer_waited_for_too_long",
        "top_up.rs",
        "rule.in_flight_due = Some(now.plus_seconds(seconds));",
        "rule.in_flight_due = Some(now.plus_seconds(2 * seconds));",
    ),
    broken(
        "fee_given_by_the_customer",
        "chart.rs",
        "TransactionKind::Fee => [(LedgerAccount::Fees, amount.negated()), (cash, amount)],",
        "TransactionKind::Fee => [(LedgerAccount::Revenue, amount.negated()), (cash, amount)],",
    ),
    broken(
        "tax_of_the_whole_with_each_part",
        "tax.rs",
        "due.minus(returned).or_zero().min(tax.minus(returned))",
        "due.or_zero().min(tax.minus(returned))",
    ),
    broken(
        "bonus_kept_at_refund",
        "refund.rs",
        "        if !share.is_positive() {\n",
        "        if !share.is_negative() {\n",
    ),
    broken("window_posted_twice", "settle.rs", "    wallet.meters.mark_posted_until(to);\n", ""),
    broken(
        "debt_beside_credit",
        "settle.rs",
        "    if !paid.is_positive() {\n",
        "    if !paid.is_negative() {\n",
    ),
    broken(
        "debt_beyond_its_cap",
        "settle.rs",
        "let debt = missing.min(cap.minus(wallet.debt).or_zero());",
        "let debt = missing.min(cap.max(missing));",
    ),
    broken(
        "block_charged_twice",
        "block.rs",
        "    paid.until = start.plus_seconds(every_seconds);\n    paid.blocks += 1;\n",
        "    let again = if paid.blocks == 1 { 0 } else { every_seconds };\n    \
         paid.until = start.plus_seconds(again);\n    paid.blocks += 1;\n",
    ),
    broken(
        "refund_above_the_rest",
        "refund.rs",
        "    rest.min(wallet.available(profile, at)).or_zero()\n",
        "    rest.max(wallet.available(profile, at)).or_zero()\n",
    ),
    broken(
        "alert_not_armed_again",
        "wake.rs",
        "            rule.fired = is_below;\n",
        "            rule.fired |= is_below;\n",
    ),
    broken(
        "late_stop_gives_nothing_back",
        "correct.rs",
        "    if !corrected.is_positive() {\n",
        "    if !corrected.is_negative() {\n",
    ),
    broken(
        "payment_shortens_validity",
        "validity.rs",
        "    old.until = old.until.max(until);\n",
        "    old.until = until;\n",
    ),
    broken(
        "frozen_runs_go_on",
        "wallet.rs",
        "        if self.is_frozen() {\n",
        "        if self.is_frozen() && self.debt.is_positive() {\n",
    ),
    broken(
        "reminders_by_utc_days",
        "reminder.rs",
        "    let day_end = wallet.zone.day_end(at);\n",
        "    let day_end = crate::calendar::Zone::UTC.day_end(at);\n",
    ),
];

/// The folder of the workspace that this was built from.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Broken {
    /// The file that is broken, inside a workspace.
    fn path(&self, workspace: &Path) -> PathBuf {
        workspace.join("crates/domain/src").join(self.file)
    }

    /// The broken text of the file.
    ///
    /// Errors: the place is not there, or there twice, in words.
    pub fn text(&self, workspace: &Path) -> Result<String, String> {
        let path = self.path(workspace);
        let whole = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", self.file))?;
        match whole.matches(self.old).count() {
            1 => Ok(whole.replacen(self.old, self.new, 1)),
            count => Err(format!("{}: {} has its place {count} times", self.name, self.file)),
        }
    }
}

/// Breaks every rule whose name contains `only`, one after the other, and plays up to `seeds` seeds
/// until the auditor objects. Answers with the names of those that nobody noticed.
///
/// Errors: a copy that cannot be made, changed or built.
pub fn run(only: &str, seeds: u64) -> Result<Vec<&'static str>, String> {
    let (from, copy) = (workspace(), workspace().join("target/broken/product"));
    let io = |error: io::Error| format!("the product cannot be copied: {error}");
    fs::create_dir_all(&copy).map_err(io)?;
    for name in ["Cargo.toml", "Cargo.lock", "crates", "profiles"] {
        copy_changed(&from.join(name), &copy.join(name)).map_err(io)?;
    }
    let mut unnoticed = Vec::new();
    for rule in ALL.iter().filter(|rule| rule.name.contains(only)) {
        let whole = fs::read(rule.path(&copy)).map_err(io)?;
        fs::write(rule.path(&copy), rule.text(&copy)?).map_err(io)?;
        let played = build(&copy).and_then(|()| play(&copy, seeds));
        fs::write(rule.path(&copy), whole).map_err(io)?;
        match played? {
            Some((seed, seconds, what)) => {
                println!("{}: seed {seed}, {seconds:.1} s: {what}", rule.name);
            }
            None => {
                println!("{}: not noticed in {seeds} seeds", rule.name);
                unnoticed.push(rule.name);
            }
        }
    }
    Ok(unnoticed)
}

/// Copies what differs, so that what is built already stays built.
fn copy_changed(from: &Path, to: &Path) -> io::Result<()> {
    if from.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let name = entry?.file_name();
            copy_changed(&from.join(&name), &to.join(&name))?;
        }
        return Ok(());
    }
    let text = fs::read(from)?;
    if fs::read(to).ok().as_ref() != Some(&text) {
        fs::write(to, text)?;
    }
    Ok(())
}

fn build(copy: &Path) -> Result<(), String> {
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--quiet", "--offline", "--package", "sim", "--bin", "sim"]);
    cargo.arg("--no-default-features").current_dir(copy);
    cargo.env("CARGO_TARGET_DIR", copy.join("../target")).env("RUSTFLAGS", "-Awarnings");
    match cargo.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("the broken product does not build: {status}")),
        Err(error) => Err(format!("cargo does not start: {error}")),
    }
}

/// The seed that the auditor objected to, after how many seconds, and what it said.
fn play(copy: &Path, seeds: u64) -> Result<Option<(u64, f64, String)>, String> {
    let started = Instant::now();
    let mut sim = Command::new(copy.join("../target/debug/sim"));
    sim.args(["run", "--whole", "--seeds", &seeds.to_string()]).stderr(Stdio::null());
    let output = sim.output().map_err(|error| format!("the simulator does not start: {error}"))?;
    if output.status.success() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let first = text.lines().next().unwrap_or_default();
    let seed = first.split_whitespace().nth(1).and_then(|seed| seed.parse().ok());
    let seed = seed.ok_or_else(|| format!("the simulator said {first:?}"))?;
    let what = first.split_once(": ").map_or(first, |(_, what)| what);
    let what: String = what.chars().take(120).collect();
    Ok(Some((seed, started.elapsed().as_secs_f64(), what)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_broken_rule_has_its_place_in_the_present_source() {
        for rule in ALL {
            let text = rule.text(&workspace());
            assert!(text.is_ok(), "{text:?}");
            assert_ne!(rule.old, rule.new, "{}", rule.name);
        }
    }
}
