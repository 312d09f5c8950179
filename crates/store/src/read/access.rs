//! Who there is: keys and where organizations live, and the rows that every read starts from.

use std::collections::{BTreeMap, BTreeSet};

use domain::OrgId;
use domain::member::MemberName;
use domain::price::{PriceBook, Sku};
use domain::wallet::Wallet;
use domain::workset::{Organization, Platform};

use crate::error::StoreError;
use crate::noun;
use crate::snapshot::Snapshot;
use crate::statement::{Statement, catalogue};
use crate::value::Column;
use crate::{members, organizations as organization_rows, platforms, prices, skus, wallets};

catalogue! {
    /// Answers when the store can be read.
    PING: Statement = Statement::new("SELECT value FROM meta LIMIT 1");
    /// The platform on which an organization lives.
    PLATFORM_OF: Statement =
        Statement::new("SELECT platform_id FROM wallets WHERE bucket = $1 AND org_id = $2");
    /// Organizations of a platform above an id. The bucket is the upper part of the id, so their
    /// order is one.
    ORGANIZATIONS: Statement = Statement::new(
        "SELECT bucket, org_id, platform_id, name, timezone, created_at, closed_at, erased_at \
         FROM organizations \
         WHERE platform_id = $1 AND bucket >= $2 AND org_id > $3 \
         ORDER BY bucket, org_id LIMIT $4"
    );
}

/// Reads something that is always there.
pub async fn ping(snapshot: &mut Snapshot) -> Result<(), StoreError> {
    snapshot.query(&PING, &[]).await.map(|_| ())
}

/// The platform on which `org` lives; a house organization lives on itself.
pub async fn platform_of(snapshot: &mut Snapshot, org: OrgId) -> Result<Option<OrgId>, StoreError> {
    let rows = snapshot.query(&PLATFORM_OF, &[org.bucket().into(), org.into()]).await?;
    rows.first().map(|row| row.org(0)).transpose()
}

pub async fn platform(snapshot: &mut Snapshot, org: OrgId) -> Result<Option<Platform>, StoreError> {
    let key = noun::org_columns(std::iter::once(org));
    let rows = snapshot.load(&platforms::FIND, key).await?;
    Ok(rows.first().map(platforms::read).transpose()?.map(|(_, platform)| platform))
}

pub async fn organization(
    snapshot: &mut Snapshot,
    org: OrgId,
) -> Result<Option<Organization>, StoreError> {
    let key = noun::org_columns(std::iter::once(org));
    let rows = snapshot.load(&organization_rows::FIND, key).await?;
    Ok(rows.first().map(organization_rows::read).transpose()?.map(|(_, row)| row))
}

/// At most `rows` organizations of a platform above `above`, ascending by id.
pub async fn organizations(
    snapshot: &mut Snapshot,
    platform: OrgId,
    above: OrgId,
    rows: i64,
) -> Result<Vec<(OrgId, Organization)>, StoreError> {
    // Before the first organization there is the first bucket.
    let bucket = if above.get() < 0 { 0 } else { above.bucket() };
    let parameters = [platform.into(), bucket.into(), above.into(), rows.into()];
    let rows = snapshot.query(&ORGANIZATIONS, &parameters).await?;
    rows.iter().map(organization_rows::read).collect()
}

/// The wallet of an organization as it was last written, with all of its open grants.
pub async fn wallet(snapshot: &mut Snapshot, org: OrgId) -> Result<Option<Wallet>, StoreError> {
    let key = noun::org_columns(std::iter::once(org));
    let rows = snapshot.load(&wallets::FIND, key).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (mut wallet, count) = wallets::read(row)?;
    if count > 0 {
        let numbers: Vec<i64> = (1..=count).collect();
        let mut keys = noun::org_columns(numbers.iter().map(|_| org));
        keys.push(Column::Int(numbers));
        let rows = snapshot.load(&wallets::FIND_PARTS, keys).await?;
        wallets::join_part_rows(&mut wallet, count, &rows)?;
    }
    Ok(Some(wallet))
}

/// What members of `org` are called, by number; who has no name any more is left out.
pub async fn member_names(
    snapshot: &mut Snapshot,
    org: OrgId,
    numbers: BTreeSet<i64>,
) -> Result<BTreeMap<i64, String>, StoreError> {
    let names = super::wallet_page::numbered(snapshot, &members::FIND_NAMES, org, numbers).await?;
    Ok(names.into_iter().map(|(number, MemberName(name))| (number, name)).collect())
}

/// All SKUs and prices of a platform.
pub async fn book(snapshot: &mut Snapshot, platform: OrgId) -> Result<PriceBook, StoreError> {
    let key = || noun::org_columns(std::iter::once(platform));
    let mut book = PriceBook::default();
    for (_, _, sku) in noun::read_all(&snapshot.load(&skus::OF_PLATFORM, key()).await?)? {
        book.add_sku(sku);
    }
    for (_, _, price) in noun::read_all(&snapshot.load(&prices::OF_PLATFORM, key()).await?)? {
        book.add_price(price);
    }
    Ok(book)
}

/// The codes of all SKUs of a platform, by number.
pub async fn sku_codes(
    snapshot: &mut Snapshot,
    platform: OrgId,
) -> Result<BTreeMap<i64, String>, StoreError> {
    let key = noun::org_columns(std::iter::once(platform));
    let rows = snapshot.load(&skus::OF_PLATFORM, key).await?;
    let rows = noun::read_all::<Sku>(&rows)?;
    Ok(rows.into_iter().map(|(_, number, sku)| (number, sku.code)).collect())
}
