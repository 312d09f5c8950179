//! Resources, each with the run that is open now.

use domain::label::Labels;
use domain::run::{Resource, Rest};
use domain::workset::Key;

use crate::error::StoreError;
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, NUMBER, Noun, ORG};
use crate::statement::{Action, Bulk, Kind, Load, catalogue};
use crate::writer::Writer;

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    NUMBER,
    ("name", Kind::Text),
    ("sku", Kind::Int),
    ("labels", Kind::Text),
    ("run", Kind::Int),
    ("created_at", Kind::Int),
    ("rest", Kind::Small),
    ("paid_until", Kind::Int),
    ("redeployed_from", Kind::Int),
];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "resources", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("resources", 3, COLUMNS, "");
}

impl Noun for Resource {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, Resource>) -> Columns<'_, Resource> {
        columns
            .text(|resource| &resource.name)
            .int(|resource| resource.sku)
            .text(|resource| resource.labels.text())
            .opt_int(|resource| resource.run)
            .time(|resource| resource.created_at)
            .int(|resource| resource.rest.code())
            .opt_time(|resource| resource.paid_until)
            .opt_int(|resource| resource.redeployed_from)
    }

    fn read(number: i64, fields: &mut Fields<'_>) -> Result<Resource, StoreError> {
        Ok(Resource {
            number,
            name: fields.text()?,
            sku: fields.int()?,
            labels: fields.parsed(Labels::from_text)?,
            run: fields.opt_int()?,
            created_at: fields.time()?,
            rest: fields.code(Rest::from_code)?,
            paid_until: fields.opt_time()?,
            redeployed_from: fields.opt_int()?,
        })
    }
}

/// The rows at `keys`, in no promised order; those that are not there are left out.
pub fn load(w: &mut Writer, keys: &[Key]) -> Result<Vec<Keyed<Resource>>, StoreError> {
    noun::load(w, keys)
}
