//! Whole tables in order, a page at a time, for `verify`: the journal by place, and everything that
//! organizations own by bucket, organization and number.
//!
//! *Invariant:* a row is read twice, as it stands and as this program would write what it says, so
//! that nothing in a row goes unread.

use domain::arrival::Arrival;
use domain::calendar::Zone;
use domain::coupon::{Claim, Coupon, Redemption};
use domain::deposit::Deposit;
use domain::discount::Discount;
use domain::dispute::Dispute;
use domain::document::{Document, Series};
use domain::grant::Grant;
use domain::hold::Hold;
use domain::label::LabelSet;
use domain::ledger::LedgerTransaction;
use domain::limit::Limit;
use domain::member::Member;
use domain::price::{Price, Sku};
use domain::refund::Refund;
use domain::run::{Resource, Run};
use domain::wallet::Wallet;
use domain::workset::Organization;
use domain::{OrgId, Timestamp};

use crate::error::StoreError;
use crate::noun::{self, Keyed, Noun};
use crate::snapshot::Snapshot;
use crate::statement::{Statement, catalogue};
use crate::value::{Column, Row, Value};
use crate::{journal, organizations, wallets};

/// Rows of one page.
pub const PAGE_ROWS: i64 = 4_096;

macro_rules! page {
    ($table:literal, $columns:literal) => {
        Statement::new(concat!(
            "SELECT ",
            $columns,
            " FROM ",
            $table,
            " WHERE (bucket, org_id, number) > ($1, $2, $3) \
             ORDER BY bucket, org_id, number LIMIT $4"
        ))
    };
}

macro_rules! journal_page {
    ($place:literal, $order:literal) => {
        Statement::new(concat!(
            "SELECT bucket, position, org_id, number, prev, kind, at, occurred_at, subject, \
             amount, g1, a1, g2, a2, g3, a3, balance, hash, fingerprint, source, key, price, \
             quantity, rest, v FROM journal WHERE ",
            $place,
            " ORDER BY ",
            $order,
            " LIMIT $3"
        ))
    };
}

catalogue! {
    /// The journal of SQLite, in the order it was written.
    JOURNAL_BY_POSITION: Statement =
        journal_page!("position > $2 AND CAST($1 AS BIGINT) IS NOT NULL", "position");
    /// The journal of PostgreSQL, a bucket after the other.
    JOURNAL_BY_BUCKET: Statement =
        journal_page!("(bucket, position) > ($1, $2)", "bucket, position");
    /// How many rows there are to look at.
    COUNT: Statement = Statement::new(
        "SELECT (SELECT count(*) FROM journal) + (SELECT count(*) FROM wallets)"
    );
    /// A page of wallets.
    WALLETS: Statement = Statement::new(
        "SELECT bucket, org_id, platform_id, position, number, hash, settled_until, posted, debt, \
         reserved, next_number, body FROM wallets WHERE (bucket, org_id) > ($1, $2) \
         ORDER BY bucket, org_id LIMIT $3"
    );
    /// A page of wakes.
    WAKES: Statement = Statement::new(
        "SELECT bucket, org_id, due, test_platform FROM wakes WHERE (bucket, org_id) > ($1, $2) \
         ORDER BY bucket, org_id LIMIT $3"
    );
    /// The last position of each lane.
    LANES: Statement =
        Statement::new("SELECT lane, lane_count, position FROM lanes ORDER BY lane");
    /// How far the index of each lane has come.
    WATERMARKS: Statement = Statement::new("SELECT lane, position FROM index_watermark");
    /// A page of the index.
    INDEX: Statement = Statement::new(
        "SELECT bucket, org_id, number, position FROM journal_index \
         WHERE (bucket, org_id, number) > ($1, $2, $3) ORDER BY bucket, org_id, number LIMIT $4"
    );
    /// Organizations whose days and months are not counted in UTC.
    ZONES: Statement = Statement::new(
        "SELECT org_id, timezone FROM organizations WHERE timezone <> 'UTC'"
    );
    /// A page of limits.
    LIMITS: Statement = page!(
        "limits",
        "bucket, org_id, number, scope, value, period, cap, set_at, set_after, removed_at, \
         since, resets_at, charged, held, accrued_until, meters, stoppable, is_reached"
    );
    /// A page of resources.
    RESOURCES: Statement = page!(
        "resources",
        "bucket, org_id, number, name, sku, labels, run, created_at, rest, paid_until, \
         redeployed_from"
    );
    /// Organizations that were closed.
    CLOSED: Statement = Statement::new(
        "SELECT bucket, org_id, platform_id, name, timezone, created_at, closed_at, erased_at \
         FROM organizations WHERE closed_at IS NOT NULL ORDER BY bucket, org_id"
    );
    /// How many rows of an organization have a text that can name a person, by table.
    TEXTS_LEFT: Statement = Statement::new(
        "SELECT \
         (SELECT count(*) FROM member_names WHERE bucket = $1 AND org_id = $2 AND name <> ''), \
         (SELECT count(*) FROM parties WHERE bucket = $1 AND org_id = $2 \
          AND (name <> '' OR address <> '' OR tax_id <> '')), \
         (SELECT count(*) FROM resources WHERE bucket = $1 AND org_id = $2 \
          AND (name <> '' OR labels <> '')), \
         (SELECT count(*) FROM label_sets WHERE bucket = $1 AND org_id = $2 AND labels <> ''), \
         (SELECT count(*) FROM limits WHERE bucket = $1 AND org_id = $2 AND value <> ''), \
         (SELECT count(*) FROM payment_methods WHERE bucket = $1 AND org_id = $2 \
          AND label <> ''), \
         (SELECT count(*) FROM api_keys WHERE bucket = $1 AND org_id = $2 AND name <> ''), \
         (SELECT count(*) FROM grants WHERE bucket = $1 AND org_id = $2 AND note <> ''), \
         (SELECT count(*) FROM holds WHERE bucket = $1 AND org_id = $2 AND note <> '')"
    );
    /// A page of members.
    MEMBERS: Statement = page!("members", "bucket, org_id, number, role, created_at, removed_at");
    /// A page of grants.
    GRANTS: Statement = page!(
        "grants",
        "bucket, org_id, number, kind, amount, priority, expires_at, purchase, deposit, note, \
         effective_at, created_at, voided_at, scope"
    );
    /// A page of coupons.
    COUPONS: Statement = page!(
        "coupons",
        "bucket, org_id, number, code, gift, starts_at, ends_at, redemptions_max, \
         first_purchase_only, claimed, created_at"
    );
    /// A page of claims.
    CLAIMS: Statement =
        page!("claims", "bucket, org_id, number, coupon, claimant, state, created_at");
    /// A page of redemptions.
    REDEMPTIONS: Statement = page!(
        "redemptions",
        "bucket, org_id, number, code, gift, state, grant_number, created_at"
    );
    /// A page of deposits.
    DEPOSITS: Statement = page!(
        "deposits",
        "bucket, org_id, number, amount, asked, tax, tax_bps, rail, state, label, method, \
         member, external, created_at, quote_until, seen_at, decided_at, paid_at, grant_number, \
         refunded, refunded_tax, \
         withdrawn, withdrawn_tax, fee, conversion, documented, reason"
    );
    /// A page of arrivals.
    ARRIVALS: Statement = page!(
        "arrivals",
        "bucket, org_id, number, deposit, amount, rail, external, reason, state, became, fee, \
         conversion, note, paid_at, created_at, decided_at"
    );
    /// A page of refunds.
    REFUNDS: Statement = page!(
        "refunds",
        "bucket, org_id, number, deposit, amount, tax, tax_bps, rail, external, state, taken, \
         voided, documented, reason, created_at, decided_at"
    );
    /// A page of disputes.
    DISPUTES: Statement = page!(
        "disputes",
        "bucket, org_id, number, deposit, rail, external, state, withdrawn, withdrawn_tax, taken, \
         voided, freezes, created_at, decided_at"
    );
    /// A page of sets of labels.
    LABEL_SETS: Statement = Statement::new(
        "SELECT bucket, org_id, fingerprint, number, labels FROM label_sets \
         WHERE (bucket, org_id, fingerprint) > ($1, $2, $3) \
         ORDER BY bucket, org_id, fingerprint LIMIT $4"
    );
    /// A page of documents.
    DOCUMENTS: Statement = page!(
        "documents",
        "bucket, org_id, number, kind, entity, year, place, customer, about_kind, about, \
         issued_at, seller_name, seller_address, seller_tax_id, buyer_name, buyer_address, \
         buyer_tax_id, paid_by, conversion, net, tax, tax_bps, corrects"
    );
    /// A page of series of documents.
    SERIES: Statement = page!(
        "document_series",
        "bucket, org_id, number, entity, kind, year, last, last_issued_at"
    );
    /// A page of holds.
    HOLDS: Statement = page!(
        "holds",
        "bucket, org_id, number, amount, captured, state, parts, note, labels, created_at, \
         expires_at, resolved_at, sku"
    );
    /// A page of runs.
    RUNS: Statement = page!(
        "runs",
        "bucket, org_id, number, resource, sku, price, amount, per_units, discount_bps, class, \
         started_at, admitted_at, stopped_at, stop_reason, is_waiting, block_seconds, paid_until, \
         blocks, heartbeat_seconds, beat_at, beat_due, previous, next_sku, origin, reprices_at"
    );
    /// A page of prices.
    PRICES: Statement = page!(
        "prices",
        "bucket, org_id, number, sku, dimension, amount, per_units, effective_from, applies_to, \
         told_at, created_at"
    );
    /// A page of discounts.
    DISCOUNTS: Statement = page!(
        "discounts",
        "bucket, org_id, number, sku, bps, effective_from, effective_until, applies_to, \
         commitment, created_at"
    );
    /// A page of SKUs.
    SKUS: Statement = page!(
        "skus",
        "bucket, org_id, number, code, name, class, gpu_count, variant_of, smaller, quantized, \
         commitment_bps, commitment_days, created_at"
    );
}

/// A row of the journal, and the first column that says something else than the row as a whole.
#[derive(Clone, Debug)]
pub struct JournalRow {
    pub bucket: i64,
    pub position: i64,
    /// The transaction; words when there is none to be read.
    pub read: Result<LedgerTransaction, String>,
    pub differs: Option<&'static str>,
}

/// The rows after a place, in the order in which [`Snapshot`]'s engine keeps them.
pub async fn journal(
    snapshot: &mut Snapshot,
    is_shared: bool,
    after: (i64, i64),
) -> Result<Vec<JournalRow>, StoreError> {
    let statement = if is_shared { &JOURNAL_BY_BUCKET } else { &JOURNAL_BY_POSITION };
    let parameters = [after.0.into(), after.1.into(), PAGE_ROWS.into()];
    let rows = snapshot.query(statement, &parameters).await?;
    rows.iter().map(journal_row).collect()
}

fn journal_row(row: &Row) -> Result<JournalRow, StoreError> {
    let (bucket, position) = (row.int(0)?, row.int(1)?);
    let read = journal::read(row).map_err(|error| error.to_string());
    let differs = match &read {
        Ok(transaction) => {
            let written = journal::columns(std::slice::from_ref(transaction));
            differing(row, &written, journal::COLUMNS)
        }
        Err(_) => None,
    };
    Ok(JournalRow { bucket, position, read, differs })
}

/// The first column of `row` that is not what `written` would put there.
fn differing(
    row: &Row,
    written: &[Column],
    columns: &[(&'static str, crate::statement::Kind)],
) -> Option<&'static str> {
    let differs = |at: usize| row.0.get(at) != Some(&written[at].value(0));
    (0..written.len()).find(|&at| differs(at)).map(|at| columns[at].0)
}

/// A wallet as it was written, and the first column that says something else than the wallet.
#[derive(Clone, Debug)]
pub struct WalletRow {
    pub org: OrgId,
    pub read: Result<Wallet, String>,
    pub differs: Option<&'static str>,
}

/// Wallets after an organization.
pub async fn wallets(
    snapshot: &mut Snapshot,
    after: (i64, i64),
) -> Result<Vec<WalletRow>, StoreError> {
    let parameters = [after.0.into(), after.1.into(), PAGE_ROWS.into()];
    let rows = snapshot.query(&WALLETS, &parameters).await?;
    let mut wallets = Vec::with_capacity(rows.len());
    for row in &rows {
        let org = row.org(1)?;
        let read = match wallets::read(row) {
            Ok((wallet, 0)) => Ok(wallet),
            // The rest of its grants is in rows of their own.
            Ok(_) => match super::access::wallet(snapshot, org).await {
                Ok(Some(wallet)) => Ok(wallet),
                Ok(None) => Err("it was removed meanwhile".to_owned()),
                Err(error) => Err(error.to_string()),
            },
            Err(error) => Err(error.to_string()),
        };
        let differs = match &read {
            Ok(wallet) => {
                let (written, _) = wallets::columns(std::slice::from_ref(wallet));
                differing(row, &written, wallets::COLUMNS)
            }
            Err(_) => None,
        };
        wallets.push(WalletRow { org, read, differs });
    }
    Ok(wallets)
}

/// A stored wake: organization, when, and the platform whose test clock it waits for.
pub type WakeRow = (OrgId, Timestamp, Option<i64>);

/// Wakes after an organization.
pub async fn wakes(snapshot: &mut Snapshot, after: (i64, i64)) -> Result<Vec<WakeRow>, StoreError> {
    let parameters = [after.0.into(), after.1.into(), PAGE_ROWS.into()];
    let rows = snapshot.query(&WAKES, &parameters).await?;
    rows.iter().map(|row| Ok((row.org(1)?, row.time(2)?, row.opt_int(3)?))).collect()
}

/// Rows of journal and wallets together.
pub async fn count(snapshot: &mut Snapshot) -> Result<u64, StoreError> {
    let rows = snapshot.query(&COUNT, &[]).await?;
    let count = rows.first().map_or(Ok(0), |row| row.int(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Lanes: number, how many there are, last position handed out.
pub async fn lanes(snapshot: &mut Snapshot) -> Result<Vec<[i64; 3]>, StoreError> {
    let rows = snapshot.query(&LANES, &[]).await?;
    rows.iter().map(|row| Ok([row.int(0)?, row.int(1)?, row.int(2)?])).collect()
}

/// How far the index of each lane has come.
pub async fn watermarks(snapshot: &mut Snapshot) -> Result<Vec<[i64; 2]>, StoreError> {
    let rows = snapshot.query(&WATERMARKS, &[]).await?;
    rows.iter().map(|row| Ok([row.int(0)?, row.int(1)?])).collect()
}

/// Organizations whose days and months are not counted in UTC.
pub async fn zones(snapshot: &mut Snapshot) -> Result<Vec<(OrgId, Zone)>, StoreError> {
    let rows = snapshot.query(&ZONES, &[]).await?;
    let read = |row: &Row| {
        let zone = Zone::named(row.text(1)?);
        let zone = zone.ok_or_else(|| StoreError::Corrupt("an unknown time zone".to_owned()))?;
        Ok((row.org(0)?, zone))
    };
    rows.iter().map(read).collect()
}

/// Organizations that were closed.
pub async fn closed_organizations(
    snapshot: &mut Snapshot,
) -> Result<Vec<(OrgId, Organization)>, StoreError> {
    snapshot.query(&CLOSED, &[]).await?.iter().map(organizations::read).collect()
}

/// The first table in which a text of `org` is left that can name a person.
pub async fn texts_left(
    snapshot: &mut Snapshot,
    org: OrgId,
) -> Result<Option<&'static str>, StoreError> {
    const TABLES: [&str; 9] = [
        "member_names",
        "parties",
        "resources",
        "label_sets",
        "limits",
        "payment_methods",
        "api_keys",
        "grants",
        "holds",
    ];
    let rows = snapshot.query(&TEXTS_LEFT, &[org.bucket().into(), org.into()]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    for (at, table) in TABLES.into_iter().enumerate() {
        if row.int(at)? > 0 {
            return Ok(Some(table));
        }
    }
    Ok(None)
}

/// Index rows after a place: organization, number, position.
pub async fn index(
    snapshot: &mut Snapshot,
    after: [i64; 3],
) -> Result<Vec<(OrgId, i64, i64)>, StoreError> {
    let rows = after_place(snapshot, &INDEX, after).await?;
    rows.iter().map(|row| Ok((row.org(1)?, row.int(2)?, row.int(3)?))).collect()
}

async fn after_place(
    snapshot: &mut Snapshot,
    statement: &'static Statement,
    after: [i64; 3],
) -> Result<Vec<Row>, StoreError> {
    let [bucket, org, number] = after.map(Value::Int);
    snapshot.query(statement, &[bucket, org, number, PAGE_ROWS.into()]).await
}

/// Declares how whole tables are read.
macro_rules! tables {
    ($($row:ident $name:ident $statement:ident;)*) => {
        $(
            pub async fn $name(
                snapshot: &mut Snapshot,
                after: [i64; 3],
            ) -> Result<Vec<Keyed<$row>>, StoreError> {
                read_all(&after_place(snapshot, &$statement, after).await?)
            }
        )*
    };
}

tables! {
    Limit limits LIMITS;
    Member members MEMBERS;
    Resource resources RESOURCES;
    Grant grants GRANTS;
    Coupon coupons COUPONS;
    Claim claims CLAIMS;
    Redemption redemptions REDEMPTIONS;
    Deposit deposits DEPOSITS;
    Arrival arrivals ARRIVALS;
    Refund refunds REFUNDS;
    Dispute disputes DISPUTES;
    Document documents DOCUMENTS;
    Series series SERIES;
    Hold holds HOLDS;
    LabelSet label_sets LABEL_SETS;
    Run runs RUNS;
    Price prices PRICES;
    Discount discounts DISCOUNTS;
    Sku skus SKUS;
}

fn read_all<N: Noun>(rows: &[Row]) -> Result<Vec<Keyed<N>>, StoreError> {
    noun::read_all(rows)
}
