//! The price lists of all platforms, and charges recomputed from them.

use std::collections::BTreeMap;

use domain::ledger::{LedgerTransaction, TransactionKind};
use domain::price::Price;
use domain::run::Run;
use domain::{Amount, OrgId, Timestamp};
use store::Snapshot;
use store::read::verify as scan;

use super::{Lie, Unverified, same};

/// So far clocks of two lanes are thought to be apart at most, be it on two machines or on one
/// whose clock went back.
const CLOCKS_APART_SECONDS_MAX: i64 = 3_600;

#[derive(Debug, Default)]
pub(crate) struct PriceLists(BTreeMap<OrgId, BTreeMap<i64, Price>>);

impl PriceLists {
    pub(crate) async fn load(snapshot: &mut Snapshot) -> Result<PriceLists, Unverified> {
        let mut lists = PriceLists::default();
        let mut after = [-1, 0, 0];
        loop {
            let rows = scan::prices(snapshot, after).await?;
            let Some(last) = rows.last() else { return Ok(lists) };
            after = [last.0.bucket(), last.0.get(), last.1];
            for (org, number, price) in rows {
                lists.0.entry(org).or_default().insert(number, price);
            }
        }
    }

    pub(crate) fn find(&self, platform: OrgId, number: i64) -> Option<&Price> {
        self.0.get(&platform)?.get(&number)
    }

    /// A price that everybody has been told of and `run`, which is open, does not know of.
    pub(crate) fn untold(&self, platform: OrgId, run: &Run) -> Option<(i64, i64, Timestamp)> {
        let prices = self.0.get(&platform).into_iter().flat_map(BTreeMap::values);
        let mut told = prices.filter(|price| {
            price.told_at.is_some()
                && price.sku == run.sku
                && run.is_open()
                && run.started_at < price.effective_from
                && run.reprices_at > price.effective_from
        });
        told.next().map(|price| (run.number, price.number, price.effective_from))
    }

    /// What a charge is for; nothing where it is none.
    pub(crate) fn sku_of(&self, platform: OrgId, row: &LedgerTransaction) -> Option<i64> {
        let line = row.lines.first().filter(|_| row.kind == TransactionKind::Charge)?;
        self.find(platform, line.price).map(|price| price.sku)
    }

    /// Recomputes a charge from its lines and the prices that were in force.
    pub(crate) fn check(&self, platform: OrgId, row: &LedgerTransaction) -> Result<(), Lie> {
        if row.kind != TransactionKind::Charge {
            return Ok(());
        }
        let at = || ("journal", row.org, || format!("transaction {}", row.number));
        let lie = |what: String| Lie {
            table: "journal",
            org: row.org,
            row: format!("transaction {}", row.number),
            what,
        };
        let mut total = Amount::ZERO;
        for line in &row.lines {
            let price = self.find(platform, line.price);
            let price = price.ok_or_else(|| lie(format!("there is no price {}", line.price)))?;
            let charge = price.rate(row.discount_bps).charge_round_half_even(line.quantity);
            let charge = charge.unwrap_or(Amount::MAX);
            let name = format!("the charge for {} by price {}", line.quantity, line.price);
            same(at(), &name, &line.amount, &charge)?;
            same(at(), "the price in force", &line.price, &self.in_force(platform, price, row))?;
            total = total.checked_add(line.amount).unwrap_or(Amount::MAX);
        }
        same(at(), "the amount", &row.amount, &total)
    }

    /// Number of the price that applied, of those for the same thing as `price`. Prices are set in
    /// another lane than charges are posted in, by a clock that may differ, or go back: one that
    /// was set about when it was posted may have come before or after.
    fn in_force(&self, platform: OrgId, price: &Price, row: &LedgerTransaction) -> i64 {
        let happened = row.occurred_at.unwrap_or(row.at);
        let was_known =
            |other: &Price| other.created_at.plus_seconds(CLOCKS_APART_SECONDS_MAX) < row.at;
        let prices = self.0.get(&platform).into_iter().flat_map(BTreeMap::values);
        prices
            .filter(|other| other.sku == price.sku && other.dimension == price.dimension)
            .filter(|other| other.effective_from <= happened)
            .filter(|other| was_known(other) || other.number == price.number)
            .max_by_key(|other| (other.effective_from, other.number))
            .map_or(0, |other| other.number)
    }
}
