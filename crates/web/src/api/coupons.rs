//! Coupons: campaigns of a platform.

use app::operations::create_coupon::CreateCoupon;
use domain::coupon::{BonusSlabs, Coupon, CouponCode, CouponGift};
use domain::{Kind, OrgId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PlatformQuery, created};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, MoneyText, TimeText};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CouponIn {
    /// Only the operator has to say.
    pub platform: Option<IdText>,
    /// 3 to 40 letters, digits, `-` and `_`; unique per platform, whatever the case.
    pub code: String,
    /// Promotional credit, given at once. A coupon has either `credit` or `bonus`.
    pub credit: Option<MoneyText>,
    /// How long after it was redeemed the credit expires; never, when none is given.
    pub credit_expires_in_seconds: Option<i64>,
    /// A bonus on the next deposit that is large enough, by its size: `0:10%`, or
    /// `100:5%,500:50.00`. It shares the fate of its purchase.
    pub bonus: Option<String>,
    /// Now, when none is given.
    pub starts_at: Option<TimeText>,
    /// Never, when none is given.
    pub ends_at: Option<TimeText>,
    /// By all organizations together; each redeems it once.
    pub redemptions_max: i64,
    /// Only for who has never paid yet.
    #[serde(default)]
    pub first_purchase_only: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct CouponOut {
    pub id: IdText,
    pub platform: IdText,
    pub code: String,
    pub credit: Option<MoneyText>,
    pub credit_expires_in_seconds: Option<i64>,
    pub bonus: Option<String>,
    pub starts_at: TimeText,
    pub ends_at: Option<TimeText>,
    pub redemptions_max: i64,
    /// How often it was redeemed.
    pub redemptions: i64,
    pub first_purchase_only: bool,
    pub created_at: TimeText,
}

/// What a coupon gives, as fields of an answer: credit, its expiry, bonus.
pub fn gift(gift: &CouponGift) -> (Option<MoneyText>, Option<i64>, Option<String>) {
    match gift {
        CouponGift::Credit { amount, expires_in_seconds } => {
            (Some((*amount).into()), *expires_in_seconds, None)
        }
        CouponGift::Bonus(slabs) => (None, None, Some(slabs.to_string())),
    }
}

impl CouponOut {
    pub fn of(platform: OrgId, coupon: &Coupon) -> CouponOut {
        let (credit, credit_expires_in_seconds, bonus) = gift(&coupon.gift);
        CouponOut {
            id: IdText::new(Kind::Coupon, platform, coupon.number),
            platform: IdText::new(Kind::Platform, platform, 0),
            code: coupon.code.as_str().to_owned(),
            credit,
            credit_expires_in_seconds,
            bonus,
            starts_at: coupon.starts_at.into(),
            ends_at: TimeText::unless_never(coupon.ends_at),
            redemptions_max: coupon.redemptions_max,
            redemptions: coupon.claimed,
            first_purchase_only: coupon.first_purchase_only,
            created_at: coupon.created_at.into(),
        }
    }
}

fn gift_in(body: &CouponIn) -> Result<CouponGift, Fault> {
    match (&body.credit, &body.bonus) {
        (Some(credit), None) => Ok(CouponGift::Credit {
            amount: credit.parse("credit")?,
            expires_in_seconds: body.credit_expires_in_seconds,
        }),
        (None, Some(_)) if body.credit_expires_in_seconds.is_some() => Err(Fault::param(
            "credit_expires_in_seconds",
            "a bonus expires with its purchase; leave this out",
        )),
        (None, Some(bonus)) => {
            let slabs = BonusSlabs::parse(bonus).filter(|slabs| !slabs.is_empty());
            let what = "takes at most 8 bonuses by size, such as 0:10% or 100:5%,500:50.00";
            slabs.map(CouponGift::Bonus).ok_or_else(|| Fault::param("bonus", what))
        }
        _ => Err(Fault::param("credit", "send either credit or bonus")),
    }
}

/// Creates a coupon.
pub async fn create(call: Call) -> Result<Reply, Fault> {
    let body: CouponIn = call.json()?;
    let code = CouponCode::parse(&body.code);
    let time = |param: &str, at: Option<&TimeText>| at.map(|at| at.parse(param)).transpose();
    let operation = CreateCoupon {
        platform: call.platform(body.platform.as_ref()).await?,
        code: code.ok_or_else(|| {
            Fault::param("code", "takes 3 to 40 letters, digits, - and _".to_owned())
        })?,
        gift: gift_in(&body)?,
        starts_at: time("starts_at", body.starts_at.as_ref())?,
        ends_at: time("ends_at", body.ends_at.as_ref())?,
        redemptions_max: body.redemptions_max,
        first_purchase_only: body.first_purchase_only,
    };
    call.run(operation, created).await
}

/// Shows a coupon, and how often it was redeemed.
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Coupon).await?;
    let mut snapshot = call.snapshot().await?;
    let coupon = store::read::lists::coupon(&mut snapshot, id.org, id.number).await?;
    let coupon = coupon.ok_or(Fault::missing(Kind::Coupon))?;
    Reply::json(200, &CouponOut::of(id.org, &coupon))
}

/// Lists the coupons of a platform, newest first.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: PlatformQuery = call.query()?;
    let platform = call.platform(query.platform.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let (below, rows) = (page.below(), page.rows_to_read());
    let rows = store::read::lists::coupons(&mut snapshot, platform, below, rows).await?;
    let view = |coupon: Coupon| CouponOut::of(platform, &coupon);
    Reply::json(200, &page.list(rows, |coupon| coupon.number, view))
}
