//! Rows of one organization, one or a page at a time. Pages count down by number, which is the
//! order in which rows were made.

use domain::arrival::Arrival;
use domain::coupon::{Coupon, Redemption};
use domain::deposit::{Deposit, PaymentMethod};
use domain::discount::Discount;
use domain::dispute::Dispute;
use domain::event::EventKind;
use domain::grant::Grant;
use domain::hold::Hold;
use domain::limit::Limit;
use domain::member::Member;
use domain::price::{Price, Sku};
use domain::refund::Refund;
use domain::run::{Resource, Run};
use domain::workset::ApiKey;
use domain::{OrgId, Timestamp};

use crate::error::StoreError;
use crate::noun;
use crate::snapshot::Snapshot;
use crate::statement::{Statement, catalogue};
use crate::value::Row;

/// Runs that the costs of one page of resources are computed from.
const RUNS_MAX: i64 = 20_000;

catalogue! {
    /// A page of API keys.
    API_KEYS: Statement = Statement::new(
        "SELECT bucket, org_id, number, name, hash, role, created_at, revoked_at FROM api_keys \
         WHERE bucket = $1 AND org_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4"
    );
    /// A page of limits.
    LIMITS: Statement = Statement::new(
        "SELECT bucket, org_id, number, scope, value, period, cap, set_at, set_after, removed_at, \
         since, resets_at, charged, held, accrued_until, meters, stoppable, is_reached \
         FROM limits \
         WHERE bucket = $1 AND org_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4"
    );
    /// A page of members.
    MEMBERS: Statement = Statement::new(
        "SELECT bucket, org_id, number, role, created_at, removed_at FROM members \
         WHERE bucket = $1 AND org_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4"
    );
    /// A page of grants.
    GRANTS: Statement = Statement::new(
        "SELECT bucket, org_id, number, kind, amount, priority, expires_at, purchase, deposit, \
         note, effective_at, created_at, voided_at, scope FROM grants \
         WHERE bucket = $1 AND org_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4"
    );
    /// A page of coupons.
    COUPONS: Statement = Statement::new(
        "SELECT bucket, org_id, number, code, gift, starts_at, ends_at, redemptions_max, \
         first_purchase_only, claimed, created_at FROM coupons \
         WHERE bucket = $1 AND org_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4"
    );
    /// A page of redemptions.
    REDEMPTIONS: Statement = Statement::new(
        "SELECT bucket, org_id, number, code, gift, state, grant_number, created_at \
         FROM redemptions \
         WHERE bucket = $1 AND org_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4"
    );
    /// A page of deposits.
    DEPOSITS: Statement = Statement::new(
        "SELECT bucket, org_id, number, amount, asked, tax, tax_bps, rail, state, label, method, \
         member, external, created_at, quote_until, seen_at, decided_at, paid_at, grant_number, \
         refunded, refunded_tax, \
         withdrawn, withdrawn_tax, fee, conversion, documented, reason FROM deposits \
         WHERE bucket = $1 AND org_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4"
    );
    /// A page of arrivals.
    ARRIVALS: Statement = Statement::new(
        "SELECT bucket, org_id, number, deposit, amount, rail, external, reason, state, became, \
         fee, conversion, note, paid_at, created_at, decided_at FROM arrivals \
         WHERE bucket = $1 AND org_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4"
    );
    /// A page of refunds.
    REFUNDS: Statement = Statement::new(
        "SELECT bucket, org_id, number, deposit, amount, tax, tax_bps, rail, external, state, \
         taken, voided, documented, reason, created_at, decided_at FROM refunds \
         WHERE bucket = $1 AND org_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4"
    );
    /// A page of disputes.
    DISPUTES: Statement = Statement::new(
        "SELECT bucket, org_id, number, deposit, rail, external, state, withdrawn, \
         withdrawn_tax, taken, voided, freezes, created_at, decided_at FROM disputes \
         WHERE bucket = $1 AND org_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4"
    );
    /// A page of payment methods.
    PAYMENT_METHODS: Statement = Statement::new(
        "SELECT bucket, org_id, number, rail, behaviour, label, created_at FROM payment_methods \
         WHERE bucket = $1 AND org_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4"
    );
    /// A page of SKUs.
    SKUS: Statement = Statement::new(
        "SELECT bucket, org_id, number, code, name, class, gpu_count, variant_of, smaller, \
         quantized, commitment_bps, commitment_days, created_at \
         FROM skus WHERE bucket = $1 AND org_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4"
    );
    /// A page of prices.
    PRICES: Statement = Statement::new(
        "SELECT bucket, org_id, number, sku, dimension, amount, per_units, effective_from, \
         applies_to, told_at, created_at FROM prices \
         WHERE bucket = $1 AND org_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4"
    );
    /// A page of discounts.
    DISCOUNTS: Statement = Statement::new(
        "SELECT bucket, org_id, number, sku, bps, effective_from, effective_until, applies_to, \
         commitment, created_at FROM discounts \
         WHERE bucket = $1 AND org_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4"
    );
    /// A page of resources.
    RESOURCES: Statement = Statement::new(
        "SELECT bucket, org_id, number, name, sku, labels, run, created_at, \
         rest, paid_until, redeployed_from FROM resources \
         WHERE bucket = $1 AND org_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4"
    );
    /// A page of runs.
    RUNS: Statement = Statement::new(
        "SELECT bucket, org_id, number, resource, sku, price, amount, per_units, discount_bps, \
         class, started_at, admitted_at, stopped_at, stop_reason, is_waiting, block_seconds, \
         paid_until, blocks, heartbeat_seconds, beat_at, beat_due, previous, next_sku, origin, \
         reprices_at FROM runs \
         WHERE bucket = $1 AND org_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4"
    );
    /// Runs of a range of resources.
    RUNS_OF_RESOURCES: Statement = Statement::new(
        "SELECT bucket, org_id, number, resource, sku, price, amount, per_units, discount_bps, \
         class, started_at, admitted_at, stopped_at, stop_reason, is_waiting, block_seconds, \
         paid_until, blocks, heartbeat_seconds, beat_at, beat_due, previous, next_sku, origin, \
         reprices_at FROM runs \
         WHERE bucket = $1 AND org_id = $2 AND number > $3 AND resource >= $3 AND resource <= $4 \
         LIMIT $5"
    );
    /// A page of holds.
    HOLDS: Statement = Statement::new(
        "SELECT bucket, org_id, number, amount, captured, state, parts, note, labels, created_at, \
         expires_at, resolved_at, sku FROM holds \
         WHERE bucket = $1 AND org_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4"
    );
    /// Events above a number.
    EVENTS: Statement = Statement::new(
        "SELECT number, kind, at, body FROM events \
         WHERE bucket = $1 AND org_id = $2 AND number > $3 ORDER BY number LIMIT $4"
    );
    /// Events of one kind above a number.
    EVENTS_OF_KIND: Statement = Statement::new(
        "SELECT number, kind, at, body FROM events \
         WHERE bucket = $1 AND org_id = $2 AND number > $3 AND kind = $5 ORDER BY number LIMIT $4"
    );
}

/// Declares how one row and a page of rows are read.
macro_rules! reads {
    ($($row:ident $one:ident $many:ident $statement:ident;)*) => {
        $(
            pub async fn $one(
                snapshot: &mut Snapshot,
                org: OrgId,
                number: i64,
            ) -> Result<Option<$row>, StoreError> {
                super::find(snapshot, org, number).await
            }

            pub async fn $many(
                snapshot: &mut Snapshot,
                org: OrgId,
                below: i64,
                rows: i64,
            ) -> Result<Vec<$row>, StoreError> {
                super::below(snapshot, &$statement, org, below, rows).await
            }
        )*
    };
}

reads! {
    ApiKey api_key api_keys API_KEYS;
    Limit limit limits LIMITS;
    Member member members MEMBERS;
    Grant grant grants GRANTS;
    Coupon coupon coupons COUPONS;
    Redemption redemption redemptions REDEMPTIONS;
    Deposit deposit deposits DEPOSITS;
    Arrival arrival arrivals ARRIVALS;
    Refund refund refunds REFUNDS;
    Dispute dispute disputes DISPUTES;
    PaymentMethod payment_method payment_methods PAYMENT_METHODS;
    Sku sku skus SKUS;
    Price price prices PRICES;
    Discount discount discounts DISCOUNTS;
    Resource resource resources RESOURCES;
    Run run runs RUNS;
    Hold hold holds HOLDS;
}

/// All runs of these resources; nothing when there are more than can be added up in one answer.
pub async fn runs_of_resources(
    snapshot: &mut Snapshot,
    org: OrgId,
    resources: &[i64],
) -> Result<Option<Vec<Run>>, StoreError> {
    let (Some(&first), Some(&last)) = (resources.iter().min(), resources.iter().max()) else {
        return Ok(Some(Vec::new()));
    };
    // A run is numbered after its resource, so older rows are left alone.
    let parameters =
        [org.bucket().into(), org.into(), first.into(), last.into(), (RUNS_MAX + 1).into()];
    let rows = snapshot.query(&RUNS_OF_RESOURCES, &parameters).await?;
    if i64::try_from(rows.len()).unwrap_or(i64::MAX) > RUNS_MAX {
        return Ok(None);
    }
    Ok(Some(noun::read_all(&rows)?.into_iter().map(|(_, _, run)| run).collect()))
}

/// An event as it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldEvent {
    pub number: i64,
    pub kind: EventKind,
    pub at: Timestamp,
    /// A JSON object of texts.
    pub body: String,
}

/// At most `rows` events above a number, ascending, of one kind or of all.
pub async fn events(
    snapshot: &mut Snapshot,
    org: OrgId,
    above: i64,
    kind: Option<EventKind>,
    rows: i64,
) -> Result<Vec<ToldEvent>, StoreError> {
    let mut parameters = vec![org.bucket().into(), org.into(), above.into(), rows.into()];
    let statement = match kind {
        None => &EVENTS,
        Some(kind) => {
            parameters.push(kind.code().into());
            &EVENTS_OF_KIND
        }
    };
    let rows = snapshot.query(statement, &parameters).await?;
    rows.iter().map(told).collect()
}

/// Reads number, kind, time and body of an event.
pub(crate) fn told(row: &Row) -> Result<ToldEvent, StoreError> {
    let code = row.int(1)?;
    let unknown = || StoreError::Corrupt(format!("event of kind {code}"));
    Ok(ToldEvent {
        number: row.int(0)?,
        kind: EventKind::from_code(code).ok_or_else(unknown)?,
        at: row.time(2)?,
        body: row.text(3)?.to_owned(),
    })
}
