//! Claims on coupons, in the bucket of the platform that counts them.

use domain::OrgId;
use domain::coupon::{Claim, ClaimState, Coupon};
use domain::workset::Key;

use crate::error::StoreError;
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, NUMBER, Noun, ORG};
use crate::statement::{Action, Bulk, Kind, Load, Statement, catalogue};
use crate::value::Column;
use crate::writer::Writer;
use crate::{Store, coupons};

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    NUMBER,
    ("coupon", Kind::Int),
    ("claimant", Kind::Int),
    ("state", Kind::Small),
    ("created_at", Kind::Int),
];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "claims", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("claims", 3, COLUMNS, "");
    /// Finds the claim of an organization on a coupon.
    OF_CLAIMANT: Load = Load::by(
        "claims",
        &[BUCKET, ORG, ("coupon", Kind::Int), ("claimant", Kind::Int)],
        COLUMNS,
        ""
    );
    /// Claims that wait for their organization.
    OPEN: Statement = Statement::new(
        "SELECT bucket, org_id, number, coupon, claimant, state, created_at FROM claims \
         WHERE state = 1 ORDER BY created_at, org_id, number LIMIT $1"
    );
}

impl Noun for Claim {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, Claim>) -> Columns<'_, Claim> {
        columns
            .int(|claim| claim.coupon)
            .int(|claim| claim.claimant.get())
            .int(|claim| claim.state.code())
            .time(|claim| claim.created_at)
    }

    fn read(number: i64, fields: &mut Fields<'_>) -> Result<Claim, StoreError> {
        Ok(Claim {
            number,
            coupon: fields.int()?,
            claimant: OrgId::from_stored(fields.int()?),
            state: fields.code(ClaimState::from_code)?,
            created_at: fields.time()?,
        })
    }
}

/// The claims of organizations on coupons: platform, coupon, claimant.
pub fn of_claimants(
    w: &mut Writer,
    keys: &[(OrgId, i64, OrgId)],
) -> Result<Vec<Keyed<Claim>>, StoreError> {
    let mut columns = noun::org_columns(keys.iter().map(|key| key.0));
    columns.push(Column::Int(keys.iter().map(|key| key.1).collect()));
    columns.push(Column::Int(keys.iter().map(|key| key.2.get()).collect()));
    noun::read_all(&w.load(&OF_CLAIMANT, &columns)?)
}

/// At most `limit` claims that wait for their organization, the oldest first, with their coupons.
pub async fn open(store: &Store, limit: i64) -> Result<Vec<(OrgId, Claim, Coupon)>, StoreError> {
    let mut snapshot = store.snapshot().await?;
    let rows = snapshot.query(&OPEN, &[limit.into()]).await?;
    let mut open = Vec::with_capacity(rows.len());
    for (platform, _, claim) in noun::read_all::<Claim>(&rows)? {
        let mut key = noun::org_columns(std::iter::once(platform));
        key.push(Column::Int(vec![claim.coupon]));
        let rows = snapshot.load(&coupons::FIND, key).await?;
        if let Some(row) = rows.first() {
            open.push((platform, claim, noun::read::<Coupon>(row)?.2));
        }
    }
    Ok(open)
}

/// The rows at `keys`, in no promised order; those that are not there are left out.
pub fn load(w: &mut Writer, keys: &[Key]) -> Result<Vec<Keyed<Claim>>, StoreError> {
    noun::load(w, keys)
}
