//! What became of coupons in an organization; a row has the number of its coupon.

use domain::OrgId;
use domain::coupon::{CouponCode, CouponGift, Redemption, RedemptionState};
use domain::workset::Key;

use crate::Store;
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
    ("state", Kind::Small),
    ("grant_number", Kind::Int),
    ("created_at", Kind::Int),
];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "redemptions", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("redemptions", 3, COLUMNS, "");
    /// Finds the rows of organizations.
    OF_ORG: Load = Load::by("redemptions", &[BUCKET, ORG], COLUMNS, "");
}

impl Noun for Redemption {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, Redemption>) -> Columns<'_, Redemption> {
        columns
            .text(|redemption| redemption.code.as_str())
            .made_text(|redemption| redemption.gift.text())
            .int(|redemption| redemption.state.code())
            .opt_int(|redemption| redemption.grant)
            .time(|redemption| redemption.created_at)
    }

    fn read(number: i64, fields: &mut Fields<'_>) -> Result<Redemption, StoreError> {
        Ok(Redemption {
            number,
            code: fields.parsed(CouponCode::parse)?,
            gift: fields.parsed(CouponGift::parse)?,
            state: fields.code(RedemptionState::from_code)?,
            grant: fields.opt_int()?,
            created_at: fields.time()?,
        })
    }
}

/// What became of one coupon.
pub async fn one(store: &Store, org: OrgId, coupon: i64) -> Result<Option<Redemption>, StoreError> {
    let mut key = noun::org_columns(std::iter::once(org));
    key.push(Column::Int(vec![coupon]));
    let rows = store.snapshot().await?.load(&FIND, key).await?;
    rows.first().map(|row| Ok(noun::read::<Redemption>(row)?.2)).transpose()
}

/// The rows at `keys`, in no promised order; those that are not there are left out.
pub fn load(w: &mut Writer, keys: &[Key]) -> Result<Vec<Keyed<Redemption>>, StoreError> {
    noun::load(w, keys)
}
