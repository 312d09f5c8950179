//! Explanations of single rows: the row, the rows around it, and `domain::explain` over them, from
//! one snapshot.
//!
//! *Invariant:* every walk has a maximum, and an explanation that was cut says so and still adds
//! up; nothing here is read without its bucket and organization.

use std::collections::BTreeMap;

use domain::explain::transaction::Around;
use domain::explain::{Explanation, standing, transaction};
use domain::grant::Grant;
use domain::history::Reader;
use domain::ledger::{LedgerTransaction, TransactionKind};
use domain::run::Run;
use domain::wallet::Wallet;
use domain::workset::Platform;
use domain::{Amount, Id, Kind, OrgId, Timestamp};

use super::access::book;
use super::reports::label_sets_of;
use super::wallet_page::{numbered, runs_since};
use super::{access, ledger, lists};
use crate::error::StoreError;
use crate::grants;
use crate::journal;
use crate::snapshot::Snapshot;
use crate::statement::{Statement, catalogue};

/// Movements that one explanation looks at, at most about so many.
const ROWS_MAX: usize = 50_000;
/// Runs of one organization that it looks at.
const RUNS_MAX: i64 = 2_000;
/// Organizations that a price is explained by.
const ORGANIZATIONS_MAX: i64 = 1_000;
/// Versions of prices that a SKU names.
const PRICES_MAX: i64 = 1_000;

catalogue! {
    /// Where a transaction stands, once it is indexed.
    PLACE: Statement = Statement::new(
        "SELECT position FROM journal_index WHERE bucket = $1 AND org_id = $2 AND number = $3"
    );
    /// The charge of a usage event. Its key has no index: this reads the bucket.
    OF_EVENT: Statement = Statement::new(
        "SELECT bucket, position, org_id, number, prev, kind, at, occurred_at, subject, amount, \
         g1, a1, g2, a2, g3, a3, balance, hash, fingerprint, source, key, price, quantity, rest, \
         v FROM journal WHERE bucket = $1 AND org_id = $2 AND key = $3 AND source = $4 LIMIT 1"
    );
}

/// What is to be explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    Id(Id),
    /// A usage event by the client's name of it.
    Event {
        org: OrgId,
        source: String,
        id: String,
    },
}

impl Asked {
    pub const fn org(&self) -> OrgId {
        match self {
            Asked::Id(id) => id.org,
            Asked::Event { org, .. } => *org,
        }
    }
}

/// An organization with its platform at the instant of the explanation.
struct Home {
    wallet: Wallet,
    platform: Platform,
    now: Timestamp,
}

/// Explains what was asked; nothing when there is no such row, it is of a kind without figures,
/// or it is not for `reader` to see. `wall_clock` is the present where the platform has no clock of
/// its own.
pub async fn explain(
    snapshot: &mut Snapshot,
    asked: &Asked,
    reader: Reader,
    wall_clock: Timestamp,
) -> Result<Option<Explanation>, StoreError> {
    let org = asked.org();
    let Some(wallet) = access::wallet(snapshot, org).await? else { return Ok(None) };
    let Some(platform) = access::platform(snapshot, wallet.platform).await? else {
        return Ok(None);
    };
    let now = platform.clock.unwrap_or(wall_clock).max(wallet.now);
    let home = Home { wallet, platform, now };
    let id = match asked {
        Asked::Id(id) => id,
        Asked::Event { source, id, .. } => {
            let key = [org.bucket().into(), org.into(), id.as_str().into(), source.as_str().into()];
            let rows = snapshot.query(&OF_EVENT, &key).await?;
            let Some(row) = rows.first() else { return Ok(None) };
            return home.transaction(snapshot, journal::read(row)?).await.map(Some);
        }
    };
    match id.kind {
        Kind::Organization | Kind::Wallet => Ok(home.wallet(id)),
        Kind::LedgerTransaction => match home.numbered(snapshot, id.number).await? {
            Some(row) if reader.sees(row.kind) => home.transaction(snapshot, row).await.map(Some),
            _ => Ok(None),
        },
        Kind::Grant => home.grant(snapshot, id.number).await,
        Kind::Deposit => home.deposit(snapshot, id.number).await,
        Kind::Hold => home.hold(snapshot, id.number).await,
        Kind::Run => home.run(snapshot, id.number).await,
        Kind::Resource => home.resource(snapshot, id.number).await,
        Kind::Price => home.price(snapshot, id.number).await,
        Kind::Sku => home.sku(snapshot, id.number).await,
        Kind::Platform
        | Kind::ApiKey
        | Kind::Member
        | Kind::Limit
        | Kind::PaymentMethod
        | Kind::Refund
        | Kind::Arrival
        | Kind::Dispute
        | Kind::Document
        | Kind::Discount
        | Kind::Coupon
        | Kind::UsageEvent
        | Kind::Event
        | Kind::TestClock
        | Kind::Request => Ok(None),
    }
}

impl Home {
    fn wallet(&self, id: &Id) -> Option<Explanation> {
        let is_it = id.kind == Kind::Organization || id.number == Wallet::NUMBER;
        is_it.then(|| standing::wallet(&self.wallet, self.platform.profiles.at(self.now), self.now))
    }

    /// The transaction with this number: by the index, or by walking down to what is indexed.
    async fn numbered(
        &self,
        snapshot: &mut Snapshot,
        number: i64,
    ) -> Result<Option<LedgerTransaction>, StoreError> {
        let (org, tip) = (self.wallet.org, self.wallet.tip);
        if number < 1 || number > tip.number {
            return Ok(None);
        }
        let key = [org.bucket().into(), org.into(), number.into()];
        let place = snapshot.query(&PLACE, &key).await?;
        if let Some(place) = place.first() {
            return Ok(ledger::walk(snapshot, org, place.int(0)?, 1).await?.pop());
        }
        let mut position = tip.position;
        while position > 0 {
            let rows = ledger::walk(snapshot, org, position, ledger::STEP_ROWS).await?;
            position = rows.last().map_or(0, |last| last.prev);
            let is_passed = rows.last().is_some_and(|last| last.number <= number);
            if is_passed || position == 0 {
                return Ok(rows.into_iter().find(|row| row.number == number));
            }
        }
        Ok(None)
    }

    async fn transaction(
        &self,
        snapshot: &mut Snapshot,
        row: LedgerTransaction,
    ) -> Result<Explanation, StoreError> {
        let org = row.org;
        let touched = row.postings.iter().map(|posting| posting.grant).collect();
        let grants: BTreeMap<i64, Grant> = numbered(snapshot, &grants::FIND, org, touched).await?;
        let book = book(snapshot, self.wallet.platform).await?;
        let used = |number: i64| row.lines.iter().any(|line| line.price == number);
        let prices = book.prices().filter(|price| used(price.number));
        let named = label_sets_of(snapshot, org, std::slice::from_ref(&row)).await?;
        let mut around = Around {
            platform: Some(self.wallet.platform),
            before: ledger::walk(snapshot, org, row.prev, 1).await?.pop(),
            grants,
            prices: prices.map(|price| (price.number, price.clone())).collect(),
            runs: Vec::new(),
            hold: None,
            labels: named.into_values().next().unwrap_or_default(),
        };
        match row.kind {
            TransactionKind::Settlement => {
                let from = row.span.as_ref().map_or(row.at, |span| span.from);
                around.runs = runs_since(snapshot, org, from, RUNS_MAX).await?;
                around.runs.sort_by_key(|run| run.number);
            }
            TransactionKind::Block | TransactionKind::BlockReversal => {
                around.runs = lists::run(snapshot, org, row.subject).await?.into_iter().collect();
            }
            TransactionKind::Capture => {
                around.hold = lists::hold(snapshot, org, row.subject).await?;
            }
            TransactionKind::Deposit
            | TransactionKind::Grant
            | TransactionKind::Charge
            | TransactionKind::Correction
            | TransactionKind::Expiry
            | TransactionKind::Void
            | TransactionKind::Refund
            | TransactionKind::RefundPaid
            | TransactionKind::RefundFailed
            | TransactionKind::Fee
            | TransactionKind::Arrival
            | TransactionKind::ArrivalCredited
            | TransactionKind::ArrivalReturned
            | TransactionKind::BonusVoid
            | TransactionKind::Offset
            | TransactionKind::Commitment
            | TransactionKind::Withdrawal
            | TransactionKind::Reinstatement
            | TransactionKind::Forfeiture
            | TransactionKind::Renewal
            | TransactionKind::Reversal
            | TransactionKind::Request => {}
        }
        Ok(transaction::explain(&row, &around))
    }

    /// Movements since an instant, newest first, and whether older ones were left out.
    async fn movements(
        &self,
        snapshot: &mut Snapshot,
        since: Timestamp,
    ) -> Result<(Vec<LedgerTransaction>, bool), StoreError> {
        let (org, tip) = (self.wallet.org, self.wallet.tip.position);
        ledger::since(snapshot, org, tip, since, ROWS_MAX).await
    }

    async fn grant(
        &self,
        snapshot: &mut Snapshot,
        number: i64,
    ) -> Result<Option<Explanation>, StoreError> {
        let org = self.wallet.org;
        let Some(grant) = lists::grant(snapshot, org, number).await? else { return Ok(None) };
        let open = self.wallet.grants.get(number);
        let left = open.map_or(Amount::ZERO, |open| open.remaining);
        let (rows, is_cut) = self.movements(snapshot, grant.created_at).await?;
        let movements = standing::Movements { rows: &rows, is_cut };
        Ok(Some(standing::grant(org, &grant, left, movements)))
    }

    async fn deposit(
        &self,
        snapshot: &mut Snapshot,
        number: i64,
    ) -> Result<Option<Explanation>, StoreError> {
        let org = self.wallet.org;
        let Some(deposit) = lists::deposit(snapshot, org, number).await? else { return Ok(None) };
        let (rows, is_cut) = self.movements(snapshot, deposit.created_at).await?;
        let movements = standing::Movements { rows: &rows, is_cut };
        Ok(Some(standing::deposit(org, &deposit, movements)))
    }

    async fn hold(
        &self,
        snapshot: &mut Snapshot,
        number: i64,
    ) -> Result<Option<Explanation>, StoreError> {
        let org = self.wallet.org;
        let Some(hold) = lists::hold(snapshot, org, number).await? else { return Ok(None) };
        let (rows, is_cut) = self.movements(snapshot, hold.created_at).await?;
        let movements = standing::Movements { rows: &rows, is_cut };
        Ok(Some(standing::hold(org, &hold, movements)))
    }

    async fn run(
        &self,
        snapshot: &mut Snapshot,
        number: i64,
    ) -> Result<Option<Explanation>, StoreError> {
        let (org, platform) = (self.wallet.org, self.wallet.platform);
        let Some(run) = lists::run(snapshot, org, number).await? else { return Ok(None) };
        let (rows, is_cut) = self.movements(snapshot, run.started_at).await?;
        let movements = standing::Movements { rows: &rows, is_cut };
        Ok(Some(standing::run(org, platform, &run, self.now, movements)))
    }

    async fn resource(
        &self,
        snapshot: &mut Snapshot,
        number: i64,
    ) -> Result<Option<Explanation>, StoreError> {
        let (org, platform) = (self.wallet.org, self.wallet.platform);
        let Some(resource) = lists::resource(snapshot, org, number).await? else {
            return Ok(None);
        };
        let runs = lists::runs_of_resources(snapshot, org, &[number]).await?;
        Ok(Some(standing::resource(org, platform, &resource, runs.as_deref(), self.now)))
    }

    /// A price belongs to a platform; what was charged at it, to the platform's organizations.
    async fn price(
        &self,
        snapshot: &mut Snapshot,
        number: i64,
    ) -> Result<Option<Explanation>, StoreError> {
        let platform = self.wallet.org;
        let Some(price) = lists::price(snapshot, platform, number).await? else { return Ok(None) };
        let mut rows: Vec<LedgerTransaction> = Vec::new();
        let mut runs: Vec<(OrgId, Run)> = Vec::new();
        let first = OrgId::from_stored(-1);
        let orgs = access::organizations(snapshot, platform, first, ORGANIZATIONS_MAX).await?;
        let mut is_cut = i64::try_from(orgs.len()).unwrap_or(i64::MAX) == ORGANIZATIONS_MAX;
        for (org, _) in orgs {
            let Some(wallet) = access::wallet(snapshot, org).await? else { continue };
            let left = ROWS_MAX.saturating_sub(rows.len());
            let (tip, since) = (wallet.tip.position, price.effective_from);
            let (of_org, is_short) = ledger::since(snapshot, org, tip, since, left).await?;
            is_cut |= is_short;
            rows.extend(of_org);
            let of_org = runs_since(snapshot, org, since, RUNS_MAX).await?;
            runs.extend(of_org.into_iter().rev().map(|run| (org, run)));
        }
        let charges = standing::Movements { rows: &rows, is_cut };
        Ok(Some(standing::price(platform, &price, charges, &runs, self.now)))
    }

    /// A SKU has no figure of its own: it leads to its prices.
    async fn sku(
        &self,
        snapshot: &mut Snapshot,
        number: i64,
    ) -> Result<Option<Explanation>, StoreError> {
        let platform = self.wallet.org;
        let Some(sku) = lists::sku(snapshot, platform, number).await? else { return Ok(None) };
        let prices = lists::prices(snapshot, platform, i64::MAX, PRICES_MAX).await?;
        let of_sku: Vec<i64> = prices
            .iter()
            .filter(|price| price.sku == number)
            .map(|price| price.number)
            .rev()
            .collect();
        Ok(Some(standing::sku(platform, &sku, &of_sku)))
    }
}
