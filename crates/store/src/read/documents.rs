//! Documents as they are shown, and what is due to be documented.

use domain::deposit::Deposit;
use domain::document::{About, Document, Documented, Paid, Party};
use domain::profile::Documents;
use domain::refund::Refund;
use domain::tax::Tax;
use domain::{Amount, OrgId, Timestamp};

use super::{access, lists};
use crate::error::StoreError;
use crate::noun;
use crate::snapshot::Snapshot;
use crate::statement::{Statement, catalogue};
use crate::{Store, documents, parties};

catalogue! {
    /// A page of a platform's documents.
    OF_PLATFORM: Statement = Statement::new(
        "SELECT bucket, org_id, number, kind, entity, year, place, customer, about_kind, about, \
         issued_at, seller_name, seller_address, seller_tax_id, buyer_name, buyer_address, \
         buyer_tax_id, paid_by, conversion, net, tax, tax_bps, corrects FROM documents \
         WHERE bucket = $1 AND org_id = $2 AND number < $3 ORDER BY number DESC LIMIT $4"
    );
    /// A page of the documents of one customer.
    OF_CUSTOMER: Statement = Statement::new(
        "SELECT bucket, org_id, number, kind, entity, year, place, customer, about_kind, about, \
         issued_at, seller_name, seller_address, seller_tax_id, buyer_name, buyer_address, \
         buyer_tax_id, paid_by, conversion, net, tax, tax_bps, corrects FROM documents \
         WHERE bucket = $1 AND org_id = $2 AND customer = $5 AND number < $3 \
         ORDER BY number DESC LIMIT $4"
    );
    /// Deposits whose documents are due.
    DUE_DEPOSITS: Statement = Statement::new(
        "SELECT bucket, org_id, number, amount, asked, tax, tax_bps, rail, state, label, method, \
         member, external, created_at, quote_until, seen_at, decided_at, paid_at, grant_number, \
         refunded, refunded_tax, \
         withdrawn, withdrawn_tax, fee, conversion, documented, reason FROM deposits \
         WHERE documented = 1 ORDER BY decided_at, org_id, number LIMIT $1"
    );
    /// Refunds whose documents are due.
    DUE_REFUNDS: Statement = Statement::new(
        "SELECT bucket, org_id, number, deposit, amount, tax, tax_bps, rail, external, state, \
         taken, voided, documented, reason, created_at, decided_at FROM refunds \
         WHERE documented = 1 ORDER BY decided_at, org_id, number LIMIT $1"
    );
}

/// Something whose documents are due, with all that they say.
#[derive(Clone, Debug)]
pub struct Due {
    pub org: OrgId,
    pub platform: OrgId,
    pub setting: Documents,
    pub about: About,
    pub corrects: Option<About>,
    pub at: Timestamp,
    pub buyer: Party,
    pub paid: Paid,
    pub net: Amount,
    pub tax: Tax,
}

/// At most `limit` deposits that wait for their documents, the first decided first.
pub async fn due_deposits(store: &Store, limit: i64) -> Result<Vec<Due>, StoreError> {
    let mut snapshot = store.snapshot().await?;
    let rows = snapshot.query(&DUE_DEPOSITS, &[limit.into()]).await?;
    let mut all = Vec::with_capacity(rows.len());
    for (org, number, deposit) in noun::read_all::<Deposit>(&rows)? {
        let at = deposit.decided_at.unwrap_or(deposit.created_at);
        let about = (About::Deposit(number), None);
        let totals = (deposit.amount, deposit.tax);
        let by = payer(&mut snapshot, org, &deposit).await?;
        let paid = Paid { by, conversion: deposit.conversion };
        all.extend(due(&mut snapshot, org, about, at, totals, paid).await?);
    }
    Ok(all)
}

/// The name of the member who paid, where it is known.
async fn payer(
    snapshot: &mut Snapshot,
    org: OrgId,
    deposit: &Deposit,
) -> Result<String, StoreError> {
    let numbers = deposit.member.into_iter().collect();
    let names = access::member_names(snapshot, org, numbers).await?;
    Ok(names.into_values().next().unwrap_or_default())
}

/// At most `limit` refunds that wait for their documents, the first decided first.
pub async fn due_refunds(store: &Store, limit: i64) -> Result<Vec<Due>, StoreError> {
    let mut snapshot = store.snapshot().await?;
    let rows = snapshot.query(&DUE_REFUNDS, &[limit.into()]).await?;
    let mut all = Vec::with_capacity(rows.len());
    for (org, number, refund) in noun::read_all::<Refund>(&rows)? {
        let deposit = lists::deposit(&mut snapshot, org, refund.deposit).await?;
        // What is to be corrected has to be there first.
        let Some(deposit) = deposit.filter(|it| it.documented != Documented::Due) else { continue };
        let at = refund.decided_at.unwrap_or(refund.created_at);
        let about = (About::Refund(number), Some(About::Deposit(deposit.number)));
        let totals = (refund.amount, refund.tax);
        let by = payer(&mut snapshot, org, &deposit).await?;
        let paid = Paid { by, conversion: None };
        all.extend(due(&mut snapshot, org, about, at, totals, paid).await?);
    }
    Ok(all)
}

async fn due(
    snapshot: &mut Snapshot,
    org: OrgId,
    (about, corrects): (About, Option<About>),
    at: Timestamp,
    (net, tax): (Amount, Tax),
    paid: Paid,
) -> Result<Option<Due>, StoreError> {
    let Some(organization) = access::organization(snapshot, org).await? else { return Ok(None) };
    let platform = organization.platform;
    let Some(home) = access::platform(snapshot, platform).await? else { return Ok(None) };
    let Some(buyer) = buyer(snapshot, org).await? else { return Ok(None) };
    let setting = home.profiles.at(at).documents;
    Ok(Some(Due { org, platform, setting, about, corrects, at, buyer, paid, net, tax }))
}

/// What documents name of an organization, as it was given.
pub async fn party(snapshot: &mut Snapshot, org: OrgId) -> Result<Option<Party>, StoreError> {
    let key = noun::org_columns(std::iter::once(org));
    let rows = snapshot.load(&parties::FIND, key).await?;
    rows.first().map(|row| parties::read(row).map(|(.., party)| party)).transpose()
}

/// The buyer that a document of an organization names.
pub async fn buyer(snapshot: &mut Snapshot, org: OrgId) -> Result<Option<Party>, StoreError> {
    let Some(organization) = access::organization(snapshot, org).await? else { return Ok(None) };
    Ok(Some(party(snapshot, org).await?.unwrap_or_default().or_named(&organization.name)))
}

/// One document of a platform.
pub async fn one(
    snapshot: &mut Snapshot,
    platform: OrgId,
    number: i64,
) -> Result<Option<Document>, StoreError> {
    super::find(snapshot, platform, number).await
}

/// The documents of a platform about one thing: platform, customer, subject.
pub async fn about(
    snapshot: &mut Snapshot,
    key: (OrgId, OrgId, About),
) -> Result<Vec<Document>, StoreError> {
    let rows = snapshot.load(&documents::FIND_ABOUT, documents::about_columns(&[key])).await?;
    Ok(noun::read_all(&rows)?.into_iter().map(|(.., document)| document).collect())
}

/// At most `rows` documents of a platform below a number, newest first: of one customer, or of all.
pub async fn list(
    snapshot: &mut Snapshot,
    platform: OrgId,
    customer: Option<OrgId>,
    below: i64,
    rows: i64,
) -> Result<Vec<Document>, StoreError> {
    let mut parameters = vec![platform.bucket().into(), platform.into(), below.into(), rows.into()];
    let statement = match customer {
        None => &OF_PLATFORM,
        Some(customer) => {
            parameters.push(customer.into());
            &OF_CUSTOMER
        }
    };
    let rows = snapshot.query(statement, &parameters).await?;
    Ok(noun::read_all(&rows)?.into_iter().map(|(.., document)| document).collect())
}
