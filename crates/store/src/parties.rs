//! What documents name of sellers and buyers. Personal data: erased with its organization.

use domain::OrgId;
use domain::document::Party;

use crate::documents::party;
use crate::error::StoreError;
use crate::noun::{BUCKET, Columns, Fields, Keyed, ORG, org_columns};
use crate::statement::{Action, Bulk, Kind, Load, catalogue};
use crate::value::{Column, Row};
use crate::writer::Writer;

const COLUMNS: &[(&str, Kind)] =
    &[BUCKET, ORG, ("name", Kind::Text), ("address", Kind::Text), ("tax_id", Kind::Text)];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "parties", 2, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("parties", 2, COLUMNS, "");
}

/// The rows of `orgs`, in no promised order; those that are not there are left out.
pub fn load(w: &mut Writer, orgs: &[OrgId]) -> Result<Vec<Keyed<Party>>, StoreError> {
    w.load(&FIND, &org_columns(orgs.iter().copied()))?.iter().map(read).collect()
}

pub(crate) fn columns(rows: &[Keyed<Party>]) -> Vec<Column<'_>> {
    Columns::of(rows)
        .text(|party| &party.name)
        .text(|party| &party.address)
        .text(|party| &party.tax_id)
        .done()
}

pub(crate) fn read(row: &Row) -> Result<Keyed<Party>, StoreError> {
    Ok((row.org(1)?, 0, party(&mut Fields::after(row, 2))?))
}
