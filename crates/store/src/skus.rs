//! What platforms sell. The rows belong to the house organization; of what is written once, only
//! what can take its place changes.

use domain::OrgId;
use domain::price::{CommitmentTerms, Sku};
use domain::run::ResourceClass;

use crate::error::StoreError;
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, NUMBER, Noun, ORG};
use crate::statement::{Action, Bulk, Kind, Load, catalogue};
use crate::writer::Writer;

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    NUMBER,
    ("code", Kind::Text),
    ("name", Kind::Text),
    ("class", Kind::Small),
    ("gpu_count", Kind::Int),
    ("variant_of", Kind::Int),
    ("smaller", Kind::Int),
    ("quantized", Kind::Int),
    ("commitment_bps", Kind::Small),
    ("commitment_days", Kind::Small),
    ("created_at", Kind::Int),
];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "skus", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("skus", 3, COLUMNS, "");
    /// All of one platform.
    OF_PLATFORM: Load = Load::by("skus", &[BUCKET, ORG], COLUMNS, "");
}

impl Noun for Sku {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, Sku>) -> Columns<'_, Sku> {
        columns
            .text(|sku| &sku.code)
            .text(|sku| &sku.name)
            .int(|sku| sku.class.code())
            .opt_int(|sku| sku.gpu_count)
            .opt_int(|sku| sku.variant_of)
            .opt_int(|sku| sku.smaller)
            .opt_int(|sku| sku.quantized)
            .opt_int(|sku| sku.commitment.map(|terms| terms.bps))
            .opt_int(|sku| sku.commitment.map(|terms| terms.days))
            .time(|sku| sku.created_at)
    }

    fn read(number: i64, fields: &mut Fields<'_>) -> Result<Sku, StoreError> {
        Ok(Sku {
            number,
            code: fields.text()?,
            name: fields.text()?,
            class: fields.code(ResourceClass::from_code)?,
            gpu_count: fields.opt_int()?,
            variant_of: fields.opt_int()?,
            smaller: fields.opt_int()?,
            quantized: fields.opt_int()?,
            commitment: match (fields.opt_int()?, fields.opt_int()?) {
                (Some(bps), Some(days)) => Some(CommitmentTerms { bps, days }),
                _ => None,
            },
            created_at: fields.time()?,
        })
    }
}

/// Everything of one platform, in no promised order.
pub(crate) fn load_of(w: &mut Writer, platform: OrgId) -> Result<Vec<Keyed<Sku>>, StoreError> {
    noun::load_of(w, &OF_PLATFORM, &[platform])
}
