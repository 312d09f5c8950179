//! Coupons of a platform; the rows belong to its house organization, and with them the count.

use domain::coupon::{Coupon, CouponCode, CouponGift};
use domain::workset::Key;
use domain::{OrgId, Timestamp};

use crate::error::StoreError;
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, NUMBER, Noun, ORG};
use crate::statement::{Action, Bulk, Kind, Load, catalogue};
use crate::value::Column;
use crate::writer::Writer;

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    NUMBER,
    ("code", Kind::Text),
    ("gift", Kind::Text),
    ("starts_at", Kind::Int),
    ("ends_at", Kind::Int),
    ("redemptions_max", Kind::Int),
    ("first_purchase_only", Kind::Small),
    ("claimed", Kind::Int),
    ("created_at", Kind::Int),
];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "coupons", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("coupons", 3, COLUMNS, "");
    /// Finds rows by code.
    BY_CODE: Load = Load::by("coupons", &[BUCKET, ORG, ("code", Kind::Text)], COLUMNS, "");
}

impl Noun for Coupon {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, Coupon>) -> Columns<'_, Coupon> {
        columns
            .text(|coupon| coupon.code.as_str())
            .made_text(|coupon| coupon.gift.text())
            .time(|coupon| coupon.starts_at)
            .opt_time(|coupon| noun::unless_never(coupon.ends_at))
            .int(|coupon| coupon.redemptions_max)
            .int(|coupon| i64::from(coupon.first_purchase_only))
            .int(|coupon| coupon.claimed)
            .time(|coupon| coupon.created_at)
    }

    fn read(number: i64, fields: &mut Fields<'_>) -> Result<Coupon, StoreError> {
        Ok(Coupon {
            number,
            code: fields.parsed(CouponCode::parse)?,
            gift: fields.parsed(CouponGift::parse)?,
            starts_at: fields.time()?,
            ends_at: fields.opt_time()?.unwrap_or(Timestamp::NEVER),
            redemptions_max: fields.int()?,
            first_purchase_only: fields.int()? != 0,
            claimed: fields.int()?,
            created_at: fields.time()?,
        })
    }
}

/// The coupons with these codes; those that are not there are left out.
pub fn by_code(
    w: &mut Writer,
    codes: &[(OrgId, CouponCode)],
) -> Result<Vec<Keyed<Coupon>>, StoreError> {
    let mut columns = noun::org_columns(codes.iter().map(|code| code.0));
    columns.push(Column::Text(codes.iter().map(|code| code.1.as_str().into()).collect()));
    noun::read_all(&w.load(&BY_CODE, &columns)?)
}

/// The rows at `keys`, in no promised order; those that are not there are left out.
pub fn load(w: &mut Writer, keys: &[Key]) -> Result<Vec<Keyed<Coupon>>, StoreError> {
    noun::load(w, keys)
}
