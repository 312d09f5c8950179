//! Redemptions: what became of coupons in an organization.

use app::jobs::join_coupons::{Redeemed, redeem};
use app::{Answer, Outcome};
use domain::coupon::{CouponCode, Redemption};
use domain::{Kind, OrgId, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::coupons::gift;
use super::{OrganizationQuery, created};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, MoneyText, TimeText};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedemptionIn {
    pub organization: Option<IdText>,
    /// The code of a coupon, in any case.
    pub code: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct RedemptionOut {
    pub organization: IdText,
    pub code: String,
    /// `given`; `waiting` for a deposit; `begun` for a moment; `not_first_purchase` or
    /// `too_many_wait` when it could not be had.
    pub state: String,
    pub credit: Option<MoneyText>,
    pub bonus: Option<String>,
    /// The grant that it became.
    pub grant: Option<IdText>,
    pub created_at: Option<TimeText>,
}

impl RedemptionOut {
    pub fn of(org: OrgId, redemption: &Redemption) -> RedemptionOut {
        let (credit, _, bonus) = gift(&redemption.gift);
        RedemptionOut {
            organization: IdText::organization(org),
            code: redemption.code.as_str().to_owned(),
            state: redemption.state.name().to_owned(),
            credit,
            bonus,
            grant: redemption.grant.map(|number| IdText::new(Kind::Grant, org, number)),
            created_at: Some(redemption.created_at.into()),
        }
    }
}

/// Renders what the organization's lane decided; who could not have the coupon is refused.
fn redeemed(outcome: &Result<Answer, Refusal>) -> (u16, String) {
    let refusal = match outcome {
        Ok(Answer::Redemption(_, row)) => row.state.refusal(),
        _ => None,
    };
    refusal.map_or_else(|| created(outcome), |refusal| created(&Err(refusal)))
}

/// Redeems a coupon. It is counted in the platform's lane and given in the organization's; when
/// another process decides about the organization, it gives in a moment, and 202 says so.
pub async fn create(call: Call) -> Result<Reply, Fault> {
    let body: RedemptionIn = call.json()?;
    let home = call.organization(body.organization.as_ref()).await?;
    let code = CouponCode::parse(&body.code).ok_or(Fault::missing(Kind::Coupon))?;
    call.own(home.platform)?;
    let (member, key) = (call.member(home.org)?, call.idempotency_key(redeemed)?);
    let org = Some(home.org);
    match redeem(&call.web.app, home.platform, home.org, code, (member, key)).await? {
        Redeemed::Refused(refusal) => Err(Fault::Refused(refusal)),
        Redeemed::Decided(outcome) => match *outcome {
            Outcome::Replayed { status, body } => {
                Ok(Reply { is_replayed: true, org, ..Reply::new(status, body) })
            }
            Outcome::Decided(decided) => {
                let (status, body) = redeemed(&decided);
                Ok(Reply { org, ..Reply::new(status, body) })
            }
        },
        Redeemed::Begun(coupon) => {
            let (credit, _, bonus) = gift(&coupon.gift);
            let begun = RedemptionOut {
                organization: IdText::organization(home.org),
                code: coupon.code.as_str().to_owned(),
                state: "begun".to_owned(),
                credit,
                bonus,
                grant: None,
                created_at: None,
            };
            Reply::json(202, &begun)
        }
    }
}

/// Lists what became of coupons, the newest coupon first.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: OrganizationQuery = call.query()?;
    let home = call.organization(query.organization.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let (below, rows) = (page.below(), page.rows_to_read());
    let rows = store::read::lists::redemptions(&mut snapshot, home.org, below, rows).await?;
    let view = |redemption: Redemption| RedemptionOut::of(home.org, &redemption);
    Reply::json(200, &page.list(rows, |redemption| redemption.number, view))
}
