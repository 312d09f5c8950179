//! Versions of prices: rows that never change, but for when everybody had been told of one. They
//! belong to the house organization.

use domain::OrgId;
use domain::price::{AppliesTo, Price};

use crate::Store;
use crate::error::StoreError;
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, NUMBER, Noun, ORG};
use crate::statement::{Action, Bulk, Kind, Load, Statement, catalogue};
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
    ("applies_to", Kind::Small),
    ("told_at", Kind::Int),
    ("created_at", Kind::Int),
];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "prices", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("prices", 3, COLUMNS, "");
    /// Prices that apply to what runs and that not everybody has been told of.
    UNTOLD: Statement = Statement::new(
        "SELECT bucket, org_id, number, sku, dimension, amount, per_units, effective_from, \
         applies_to, told_at, created_at FROM prices \
         WHERE applies_to = 1 AND told_at IS NULL ORDER BY created_at, org_id, number LIMIT $1"
    );
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
            .int(|price| price.applies_to.code())
            .opt_time(|price| price.told_at)
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
            applies_to: fields.code(AppliesTo::from_code)?,
            told_at: fields.opt_time()?,
            created_at: fields.time()?,
        })
    }
}

/// Everything of one platform, in no promised order.
pub(crate) fn load_of(w: &mut Writer, platform: OrgId) -> Result<Vec<Keyed<Price>>, StoreError> {
    noun::load_of(w, &OF_PLATFORM, &[platform])
}

/// At most `limit` announced prices that not everybody has been told of, the oldest first, with
/// their platforms.
pub async fn untold(store: &Store, limit: i64) -> Result<Vec<(OrgId, Price)>, StoreError> {
    let rows = store.snapshot().await?.query(&UNTOLD, &[limit.into()]).await?;
    let rows = noun::read_all::<Price>(&rows)?;
    Ok(rows.into_iter().map(|(platform, _, price)| (platform, price)).collect())
}
