//! Organizations: whose wallet it is, and of which platform.

use domain::calendar::Zone;
use domain::workset::Organization;
use domain::{OrgId, Timestamp};

use crate::Store;
use crate::error::StoreError;
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, ORG};
use crate::statement::{Action, Bulk, Kind, Load, Statement, catalogue};
use crate::value::{Column, Row};
use crate::writer::Writer;

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    ("platform_id", Kind::Int),
    ("name", Kind::Text),
    ("timezone", Kind::Text),
    ("created_at", Kind::Int),
    ("closed_at", Kind::Int),
    ("erased_at", Kind::Int),
];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "organizations", 2, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("organizations", 2, COLUMNS, "");
    /// Organizations that were closed and not erased yet.
    TO_ERASE: Statement = Statement::new(
        "SELECT closed_at, org_id FROM organizations \
         WHERE closed_at IS NOT NULL AND erased_at IS NULL AND (closed_at, org_id) > ($1, $2) \
         ORDER BY closed_at, org_id LIMIT $3"
    );
}

/// The organizations among `orgs`, in no promised order.
pub fn load(w: &mut Writer, orgs: &[OrgId]) -> Result<Vec<(OrgId, Organization)>, StoreError> {
    w.load(&FIND, &noun::org_columns(orgs.iter().copied()))?.iter().map(read).collect()
}

/// At most `limit` organizations that were closed and not erased yet, after a place, with when they
/// were closed.
pub async fn to_erase(
    store: &Store,
    after: (Timestamp, OrgId),
    limit: i64,
) -> Result<Vec<(Timestamp, OrgId)>, StoreError> {
    let parameters = [after.0.into(), after.1.into(), limit.into()];
    let mut snapshot = store.snapshot().await?;
    let rows = snapshot.query(&TO_ERASE, &parameters).await?;
    rows.iter().map(|row| Ok((row.time(0)?, row.org(1)?))).collect()
}

pub(crate) fn columns(rows: &[Keyed<Organization>]) -> Vec<Column<'_>> {
    Columns::of(rows)
        .int(|organization| organization.platform.get())
        .text(|organization| &organization.name)
        .text(|organization| organization.zone.name())
        .time(|organization| organization.created_at)
        .opt_time(|organization| organization.closed_at)
        .opt_time(|organization| organization.erased_at)
        .done()
}

pub(crate) fn read(row: &Row) -> Result<(OrgId, Organization), StoreError> {
    let mut fields = Fields::after(row, 2);
    let platform = OrgId::from_stored(fields.int()?);
    let (name, zone) = (fields.text()?, fields.parsed(Zone::named)?);
    let (created_at, closed_at, erased_at) =
        (fields.time()?, fields.opt_time()?, fields.opt_time()?);
    let organization = Organization { platform, name, zone, created_at, closed_at, erased_at };
    Ok((row.org(1)?, organization))
}
