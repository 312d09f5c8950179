//! Versions of prices: rows that never change. They belong to the house organization.

use domain::OrgId;
use domain::price::Price;

use crate::error::StoreError;
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, NUMBER, Noun, ORG};
use crate::statement::{Action, Bulk, Kind, Load, catalogue};
use crate::writer::Writer;

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    NUMBER,
    ("sku", Kind::Int),
    ("dimension", Kind::Text),
    ("amount", Kind::Int),
    ("per_units", Kind::Int),
    ("effective_from", Kind::Int),
    ("created_at", Kind::Int),
];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Insert, "prices", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("prices", 3, COLUMNS, "");
    /// All of one platform.
    OF_PLATFORM: Load = Load::by("prices", &[BUCKET, ORG], COLUMNS, "");
}

impl Noun for Price {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, Price>) -> Columns<'_, Price> {
        columns
            .int(|price| price.sku)
            .text(|price| &price.dimension)
            .amount(|price| price.amount)
            .int(|price| price.per_units)
            .time(|price| price.effective_from)
            .time(|price| price.created_at)
    }

    fn read(number: i64, fields: &mut Fields<'_>) -> Result<Price, StoreError> {
        Ok(Price {
            number,
            sku: fields.int()?,
            dimension: fields.text()?,
            amount: fields.amount()?,
            per_units: fields.int()?,
            effective_from: fields.time()?,
            created_at: fields.time()?,
        })
    }
}

/// Everything of one platform, in no promised order.
pub(crate) fn load_of(w: &mut Writer, platform: OrgId) -> Result<Vec<Keyed<Price>>, StoreError> {
    noun::load_of(w, &OF_PLATFORM, &[platform])
}
