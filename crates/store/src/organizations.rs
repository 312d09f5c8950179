//! Organizations: whose wallet it is, and of which platform.

use domain::OrgId;
use domain::calendar::Zone;
use domain::workset::Organization;

use crate::error::StoreError;
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, ORG};
use crate::statement::{Action, Bulk, Kind, Load, catalogue};
use crate::value::{Column, Row};
use crate::writer::Writer;

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    ("platform_id", Kind::Int),
    ("name", Kind::Text),
    ("timezone", Kind::Text),
    ("created_at", Kind::Int),
];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "organizations", 2, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("organizations", 2, COLUMNS, "");
}

/// The organizations among `orgs`, in no promised order.
pub fn load(w: &mut Writer, orgs: &[OrgId]) -> Result<Vec<(OrgId, Organization)>, StoreError> {
    w.load(&FIND, &noun::org_columns(orgs.iter().copied()))?.iter().map(read).collect()
}

pub(crate) fn columns(rows: &[Keyed<Organization>]) -> Vec<Column<'_>> {
    Columns::of(rows)
        .int(|organization| organization.platform.get())
        .text(|organization| &organization.name)
        .text(|organization| organization.zone.name())
        .time(|organization| organization.created_at)
        .done()
}

pub(crate) fn read(row: &Row) -> Result<(OrgId, Organization), StoreError> {
    let mut fields = Fields::after(row, 2);
    let platform = OrgId::from_stored(fields.int()?);
    let (name, zone) = (fields.text()?, fields.parsed(Zone::named)?);
    let created_at = fields.time()?;
    Ok((row.org(1)?, Organization { platform, name, zone, created_at }))
}
