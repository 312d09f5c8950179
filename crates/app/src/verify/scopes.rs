//! Credit for some SKUs only: never spent outside its scope, and what runs is counted by what
//! covers it (rulings R10, R3).

use std::collections::BTreeMap;

use domain::OrgId;
use domain::ledger::{LedgerTransaction, TransactionKind};
use domain::run::{ResourceClass, Run};
use domain::scope::{Cover, Purpose, Scope, Scopes};
use domain::wallet::Wallet;
use store::Snapshot;
use store::read::access;
use store::read::verify as scan;

use super::chain::Chain;
use super::commitments;
use super::prices::PriceLists;
use super::tables::each_row;
use super::{Books, Lie, Unverified, same};

/// What one organization has of it; empty where all credit pays for everything.
#[derive(Debug, Default)]
pub(crate) struct Scoped {
    /// The scopes that its wallet says its grants have.
    pub scopes: Scopes,
    /// Grants that have one.
    pub grants: BTreeMap<i64, Scope>,
    /// What runs under block terms are, to tell what a block was spent on.
    runs: BTreeMap<i64, Purpose>,
    /// The rate of the runs whose time accrues, by seconds of their price and by cover.
    rates: BTreeMap<(i64, Cover), i128>,
    /// How many of them zero keeps and stops.
    counts: BTreeMap<Cover, (i64, i64)>,
}

impl Scoped {
    pub(crate) fn cover(&self, run: &Run) -> Cover {
        self.scopes.cover(Some(Purpose::of(run)))
    }

    /// Counts a run that costs money as time accrues.
    pub(crate) fn add_accruing(&mut self, run: &Run) {
        if self.scopes.is_empty() {
            return;
        }
        let cover = self.cover(run);
        *self.rates.entry((run.rate.per_units, cover)).or_default() += run.rate.numerator();
        let (kept, stoppable) = self.counts.entry(cover).or_default();
        *if run.class.is_stopped_at_zero() { stoppable } else { kept } += 1;
    }

    pub(crate) fn learn_run(&mut self, run: &Run) {
        if run.paid.is_some() && !self.grants.is_empty() {
            self.runs.insert(run.number, Purpose::of(run));
        }
    }
}

impl Books {
    /// Learns which grants have scopes, and the classes of all SKUs.
    pub(crate) async fn scopes(&mut self, snapshot: &mut Snapshot) -> Result<(), Unverified> {
        for &platform in self.platforms.keys() {
            let book = access::book(snapshot, platform).await?;
            let classes = book.skus().map(|sku| ((platform, sku.number), sku.class));
            self.classes.extend(classes);
        }
        each_row!(snapshot, grants, row, {
            let (org, number, grant) = row;
            if let Some(chain) = self.chains.get_mut(&org) {
                commitments::check_grant(chain, &grant)?;
            }
            if let (Some(scope), Some(chain)) = (grant.scope, self.chains.get_mut(&org)) {
                chain.scoped.grants.insert(number, Scope::clone(&scope));
            }
        });
        self.chains.values().try_for_each(commitments::check_discounts)?;
        Ok(())
    }
}

/// The classes of SKUs, by platform and number.
pub(crate) type Classes = BTreeMap<(OrgId, i64), ResourceClass>;

/// A charge and a block draw only grants whose scope covers their SKU.
pub(crate) fn check_drawn(
    chain: &Chain,
    prices: &PriceLists,
    classes: &Classes,
    row: &LedgerTransaction,
) -> Result<(), Lie> {
    if chain.scoped.grants.is_empty() {
        return Ok(());
    }
    let purpose = match row.kind {
        TransactionKind::Charge => prices.sku_of(chain.platform, row).and_then(|sku| {
            let class = *classes.get(&(chain.platform, sku))?;
            Some(Purpose { sku, class })
        }),
        TransactionKind::Block => chain.scoped.runs.get(&row.subject).copied(),
        _ => return Ok(()),
    };
    for posting in &row.postings {
        let Some(scope) = chain.scoped.grants.get(&posting.grant) else { continue };
        if purpose.is_none_or(|purpose| !scope.covers(purpose)) {
            let what = format!("it draws grant {}, whose scope does not cover it", posting.grant);
            let number = format!("transaction {}", row.number);
            return Err(Lie { table: "journal", org: row.org, row: number, what });
        }
    }
    Ok(())
}

/// A wallet knows the scopes of all its grants, and what runs by what covers it.
pub(crate) fn check_wallet(chain: &Chain, wallet: &Wallet) -> Result<(), Lie> {
    let at = |row: String| ("wallets", chain.org, move || row);
    let upcoming = wallet.upcoming.iter().map(|it| &it.grant);
    for grant in wallet.grants.iter().chain(upcoming) {
        let written = grant.scope.as_ref().map_or_else(String::new, |scope| scope.to_text());
        let given = chain.scoped.grants.get(&grant.number);
        let given = given.map_or_else(String::new, Scope::to_text);
        same(at(format!("grant {}", grant.number)), "the scope", &written, &given)?;
        if let Some(scope) = grant.scope.as_ref().filter(|scope| !wallet.scopes.has(scope)) {
            let what = format!("the scope {} is not among the wallet's", scope.to_text());
            let row = format!("grant {}", grant.number);
            return Err(Lie { table: "wallets", org: chain.org, row, what });
        }
    }
    if wallet.scopes.is_empty() {
        return Ok(());
    }
    for meter in &wallet.meters.meters {
        let name = format!("the rate per {} seconds under {}", meter.per_units, meter.cover.code());
        let should = chain.scoped.rates.get(&(meter.per_units, meter.cover));
        same(at("its meters".into()), &name, &meter.rate, should.unwrap_or(&0))?;
    }
    let mut counted: BTreeMap<Cover, (i64, i64)> = BTreeMap::new();
    for covered in &wallet.covered {
        counted.insert(covered.cover, (covered.kept, covered.stoppable));
    }
    let covers = counted.keys().chain(chain.scoped.counts.keys());
    for cover in covers {
        let count = |of: &BTreeMap<Cover, (i64, i64)>| of.get(cover).copied().unwrap_or_default();
        let (written, should) = (count(&counted), count(&chain.scoped.counts));
        let name = format!("the number of runs under {}", cover.code());
        same(at("its runs".into()), &name, &(written.0 + written.1), &(should.0 + should.1))?;
        let name = format!("the number of runs that zero stops under {}", cover.code());
        same(at("its runs".into()), &name, &written.1, &should.1)?;
    }
    Ok(())
}

/// What the meters of prices per `per_units` have together, whatever covers them: rate, exact sum.
pub(crate) fn metered(wallet: &Wallet, per_units: i64) -> (i128, i128) {
    let meters = wallet.meters.meters.iter().filter(|meter| meter.per_units == per_units);
    meters.fold((0, 0), |(rate, sum), meter| (rate + meter.rate, sum + meter.sum))
}
