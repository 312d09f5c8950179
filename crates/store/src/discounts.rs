//! Discounts assigned to organizations: rows that never change. Those that can still decide
//! something are in the wallet too, where commands find them.

use domain::discount::Discount;
use domain::price::AppliesTo;

use crate::error::StoreError;
use crate::noun::{BUCKET, Columns, Fields, NUMBER, Noun, ORG, unless_never};
use crate::statement::{Action, Bulk, Kind, Load, catalogue};

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    NUMBER,
    ("sku", Kind::Int),
    ("bps", Kind::Small),
    ("effective_from", Kind::Int),
    ("effective_until", Kind::Int),
    ("applies_to", Kind::Small),
    ("commitment", Kind::Int),
    ("created_at", Kind::Int),
];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Insert, "discounts", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("discounts", 3, COLUMNS, "");
}

impl Noun for Discount {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, Discount>) -> Columns<'_, Discount> {
        columns
            .opt_int(|discount| discount.sku)
            .int(|discount| discount.bps)
            .time(|discount| discount.effective_from)
            .opt_time(|discount| unless_never(discount.effective_until))
            .int(|discount| discount.applies_to.code())
            .opt_int(|discount| discount.commitment)
            .time(|discount| discount.created_at)
    }

    fn read(number: i64, fields: &mut Fields<'_>) -> Result<Discount, StoreError> {
        Ok(Discount {
            number,
            sku: fields.opt_int()?,
            bps: fields.int()?,
            effective_from: fields.time()?,
            effective_until: fields.opt_time()?.unwrap_or(domain::Timestamp::NEVER),
            applies_to: fields.code(AppliesTo::from_code)?,
            commitment: fields.opt_int()?,
            created_at: fields.time()?,
        })
    }
}
