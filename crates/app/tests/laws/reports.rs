//! Laws of the reports over the books: each adds up to ledger accounts, derived from the journal.

use std::collections::BTreeMap;

use domain::Amount;
use domain::chart;
use domain::grant::Grant;
use domain::ledger::LedgerTransaction;
use domain::operator_report::{Report, Rows, totals};
use domain::price::PriceBook;
use domain::roll_forward::Month;
use domain::run::Run;

use super::chance::Chance;
use super::world::{Manners, World, steps};
use super::{STEPS, for_each_seed, kind_of};

/// The sum of each ledger account, credits positive.
fn accounts(world: &World) -> BTreeMap<&'static str, Amount> {
    let mut sums = BTreeMap::new();
    for row in world.ws.journal() {
        for entry in chart::entries(row, |grant| kind_of(world, grant)) {
            let sum: &mut Amount = sums.entry(entry.account.name()).or_default();
            *sum = sum.plus(entry.credit);
        }
    }
    sums
}

fn check_reports(world: &World) {
    let journal: Vec<LedgerTransaction> =
        world.ws.journal().iter().map(|row| (**row).clone()).collect();
    let runs: Vec<Run> = world.ws.runs.of(world.org).map(|(_, run)| run.clone()).collect();
    let grants: BTreeMap<i64, Grant> =
        world.ws.grants.of(world.org).map(|(number, grant)| (number, grant.clone())).collect();
    let wallet = world.wallet();
    let none = PriceBook::default();
    let rows = Rows {
        wallet,
        journal: &journal,
        runs: &runs,
        book: world.ws.book(wallet.platform).map_or(&none, |book| &**book),
        grants: &grants,
        coupons: &BTreeMap::new(),
        since: Month::parse("2025-01").unwrap(),
        now: wallet.now,
    };
    let accounts = accounts(world);
    for report in Report::ALL {
        let sums = totals(report, &rows.lines(report)).unwrap();
        let mut found: BTreeMap<&str, Amount> = BTreeMap::new();
        for (at, sum) in sums.into_iter().enumerate() {
            let Some(account) = report.account(at) else { continue };
            let total = found.entry(account).or_default();
            *total = total.plus(sum);
        }
        for (account, total) in found {
            let credit = accounts.get(account).copied().unwrap_or_default();
            let is_debit = account.starts_with("promotions");
            let should = if is_debit { credit.negated() } else { credit };
            assert_eq!(total, should, "{} by {account}", report.name());
        }
    }
}

#[test]
fn law_reports_add_up_to_ledger_accounts() {
    for_each_seed(|seed| {
        let mut world = World::new(seed);
        for step in steps(&mut Chance::new(seed), Manners::Any, STEPS) {
            world.play(&step);
        }
        check_reports(&world);
    });
}
