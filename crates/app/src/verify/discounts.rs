//! Discounts recomputed: what was assigned from its rows, what volume earned from the journal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::discount::{Discount, assigned_bps, day_of, drawn_before, still_matters, tier_bps};
use domain::ledger::{LedgerTransaction, TransactionKind};
use domain::profile::{Profile, REPORTED_AHEAD_SECONDS_MAX, Versions};
use domain::run::Run;
use domain::settle::volume_day;
use domain::wallet::Wallet;
use domain::{Amount, Timestamp};

use super::chain::{Chain, issued};
use super::{Lie, same};

/// What one organization's discounts are recomputed from.
#[derive(Debug, Default)]
pub(crate) struct Discounts {
    /// In the order in which they were assigned.
    pub assigned: Vec<Discount>,
    /// Grants that were found for those of commitments.
    pub commitments: BTreeSet<i64>,
    /// Whether the platform has volume tiers; what was drawn is added up only where it has.
    pub has_tiers: bool,
    /// Grants that money bought.
    purchased: BTreeSet<i64>,
    /// Purchased credit drawn by day.
    drawn: BTreeMap<i64, Amount>,
    /// Runs to be looked at once the journal has been read: number, SKU, the instant whose discount
    /// each has, discount.
    runs: Vec<(i64, i64, Timestamp, i64)>,
}

impl Discounts {
    /// Remembers a run, where a discount is possible or claimed.
    pub(crate) fn add_run(&mut self, run: &Run) {
        if !self.assigned.is_empty() || self.has_tiers || run.rate.discount_bps != 0 {
            self.runs.push((run.number, run.sku, run.priced_at(), run.rate.discount_bps));
        }
    }

    /// Adds what a transaction drew of purchased grants.
    pub(crate) fn add_drawn(&mut self, row: &LedgerTransaction) {
        if !self.has_tiers {
            return;
        }
        // What the operator gives is no purchase; everything else that is issued was paid for.
        if row.kind != TransactionKind::Grant {
            self.purchased.extend(issued(row).iter().map(|(grant, _)| *grant));
        }
        if !row.kind.is_charged() {
            return;
        }
        let is_returned = |grant: i64| row.kind.gives_back() && grant == row.subject;
        for posting in &row.postings {
            if self.purchased.contains(&posting.grant) && !is_returned(posting.grant) {
                let day = self.drawn.entry(volume_day(row.kind, row.at)).or_default();
                *day = day.checked_sub(posting.change).unwrap_or(Amount::MAX);
            }
        }
    }

    fn earned(&self, profile: &Profile, day: i64) -> i64 {
        if !profile.has_volume_tiers() {
            return 0;
        }
        let days = self.drawn.iter().map(|(&day, &drawn)| (day, drawn));
        tier_bps(&profile.volume_tiers, drawn_before(days, day))
    }
}

/// Compares the discount of a charge with what was in force when it happened. One that was assigned
/// at the very instant of posting may have come before or after.
pub(crate) fn check_charge(
    chain: &Chain,
    profiles: Option<&Versions>,
    sku: Option<i64>,
    row: &LedgerTransaction,
) -> Result<(), Lie> {
    let (Some(profiles), Some(sku)) = (profiles, sku) else { return Ok(()) };
    let discounts = &chain.discounts;
    let happened = row.occurred_at.unwrap_or(row.at);
    let known = |profile: &Profile, count: usize| {
        let known = discounts.assigned.iter().take(count);
        let assigned = assigned_bps(known.filter(|it| it.counts_under(profile)), sku, happened);
        assigned.max(discounts.earned(profile, day_of(happened.min(row.at))))
    };
    let count = |is_known: fn(&Discount, Timestamp) -> bool| {
        discounts.assigned.iter().take_while(|it| is_known(it, row.at)).count()
    };
    let before = count(|it, at| it.created_at < at);
    let after = count(|it, at| it.created_at <= at);
    // What is reported ahead is decided by what is in force when it is reported.
    let profile = profiles.at(happened.min(row.at));
    if (before..after).any(|count| row.discount_bps == known(profile, count)) {
        return Ok(());
    }
    let at = ("journal", row.org, || format!("transaction {}", row.number));
    same(at, "the discount", &row.discount_bps, &known(profile, after))
}

/// Compares the discounts of an organization's runs with what was in force when they began.
pub(crate) fn check_runs(chain: &Chain, profiles: Option<&Versions>) -> Result<(), Lie> {
    let Some(profiles) = profiles else { return Ok(()) };
    for &(number, sku, priced_at, bps) in &chain.discounts.runs {
        // Rows of an organization share one counter, so what was assigned before is known.
        let before = chain.discounts.assigned.iter().filter(|it| it.number < number);
        // A start that was reported ahead of the clock counts the days that were whole by then, and
        // has the discount of the version that was in force.
        let reported = priced_at.plus_seconds(-REPORTED_AHEAD_SECONDS_MAX);
        let should = |profile: &Profile, at: Timestamp| {
            let counted = before.clone().filter(|it| it.counts_under(profile));
            let assigned = assigned_bps(counted, sku, priced_at);
            assigned.max(chain.discounts.earned(profile, day_of(at)))
        };
        let is_it = |profile: &Arc<Profile>| {
            [priced_at, reported].into_iter().any(|at| bps == should(profile, at))
        };
        if profiles.between(reported, priced_at).any(is_it) {
            continue;
        }
        let at = ("runs", chain.org, || format!("run {number}"));
        same(at, "the discount", &bps, &should(profiles.at(priced_at), priced_at))?;
    }
    Ok(())
}

/// The wallet keeps the rows that still matter as they are, and the days that tiers ask for.
pub(crate) fn check_wallet(chain: &Chain, wallet: &Wallet, profile: &Profile) -> Result<(), Lie> {
    let lie =
        |what: String| Lie { table: "wallets", org: chain.org, row: "the wallet".into(), what };
    let rows = &chain.discounts.assigned;
    if let Some(other) = wallet.discounts.iter().find(|it| !rows.contains(it)) {
        let number = other.number;
        return Err(lie(format!("its discount {number} is not the one of its row")));
    }
    let matters = rows.iter().filter(|it| still_matters(it, rows, wallet.now));
    if let Some(missing) = matters.into_iter().find(|it| !wallet.discounts.contains(it)) {
        return Err(lie(format!("discount {} is not in it", missing.number)));
    }
    let at = || ("wallets", chain.org, || "the wallet".to_owned());
    // The platform's own organization buys nothing.
    let has_tiers = profile.has_volume_tiers() && wallet.org != wallet.platform;
    same(at(), "whether it keeps its volume", &wallet.volume.is_some(), &has_tiers)?;
    let Some(volume) = &wallet.volume else { return Ok(()) };
    same(at(), "the purchased credit left", &volume.left, &wallet.grants.purchased())?;
    let since = volume.days.last().map_or(i64::MAX, |&(day, _)| day - volume.days_kept);
    let drawn = chain.discounts.drawn.iter().filter(|(day, drawn)| {
        **day >= since && (!drawn.is_zero() || volume.days.iter().any(|(kept, _)| kept == *day))
    });
    let drawn: Vec<(i64, Amount)> = drawn.map(|(&day, &drawn)| (day, drawn)).collect();
    let words = |days: &[(i64, Amount)]| {
        days.iter()
            .map(|(day, drawn)| format!("{drawn} on day {day}"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    same(at(), "what it drew", &words(&volume.days), &words(&drawn))
}
