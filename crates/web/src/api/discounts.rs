//! Discounts: what an operator assigns to one of its customers.

use app::operations::assign_discount::AssignDiscount;
use domain::discount::Discount;
use domain::{Kind, OrgId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::prices::AppliesTo;
use super::{OrganizationQuery, body_id, created};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, TimeText};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscountIn {
    pub organization: IdText,
    /// Everything that the platform sells, when none is given.
    pub sku: Option<IdText>,
    /// Parts of ten thousand that the list price is lowered by: 1000 is 10 %.
    pub discount_bps: i64,
    /// Now, when none is given.
    pub effective_from: Option<TimeText>,
    /// For good, when none is given.
    pub effective_until: Option<TimeText>,
    /// `new_runs` when nothing is said; `running`: what runs when it begins, or ends, goes on at
    /// what it makes of the price.
    pub applies_to: Option<AppliesTo>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct DiscountOut {
    pub id: IdText,
    pub organization: IdText,
    /// What it is for; absent when it is for everything.
    pub sku: Option<IdText>,
    pub discount_bps: i64,
    pub effective_from: TimeText,
    pub effective_until: Option<TimeText>,
    pub applies_to: AppliesTo,
    /// The grant of the commitment whose reserved price it is.
    pub commitment: Option<IdText>,
    pub created_at: TimeText,
}

impl DiscountOut {
    pub fn of(org: OrgId, platform: OrgId, discount: &Discount) -> DiscountOut {
        DiscountOut {
            id: IdText::new(Kind::Discount, org, discount.number),
            organization: IdText::organization(org),
            sku: discount.sku.map(|number| IdText::new(Kind::Sku, platform, number)),
            discount_bps: discount.bps,
            effective_from: discount.effective_from.into(),
            effective_until: TimeText::unless_never(discount.effective_until),
            applies_to: discount.applies_to.into(),
            commitment: discount.commitment.map(|number| IdText::new(Kind::Grant, org, number)),
            created_at: discount.created_at.into(),
        }
    }
}

/// Assigns a discount. The higher of it and what volume earns applies, never the sum.
pub async fn create(call: Call) -> Result<Reply, Fault> {
    let body: DiscountIn = call.json()?;
    let home = call.organization(Some(&body.organization)).await?;
    let sku = match &body.sku {
        None => None,
        Some(text) => Some(body_id(&call, "sku", text, Kind::Sku).await?),
    };
    if sku.is_some_and(|sku| sku.org != home.platform) {
        return Err(Fault::missing(Kind::Sku));
    }
    let time = |param: &str, text: &Option<TimeText>| {
        text.as_ref().map(|text| text.parse(param)).transpose()
    };
    let operation = AssignDiscount {
        org: home.org,
        sku: sku.map(|sku| sku.number),
        bps: body.discount_bps,
        effective_from: time("effective_from", &body.effective_from)?,
        effective_until: time("effective_until", &body.effective_until)?,
        applies_to: body.applies_to.map_or(domain::price::AppliesTo::NewRuns, Into::into),
    };
    call.run(operation, created).await
}

/// Lists the discounts that were assigned to an organization, newest first.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: OrganizationQuery = call.query()?;
    let home = call.organization(query.organization.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let (below, rows) = (page.below(), page.rows_to_read());
    let rows = store::read::lists::discounts(&mut snapshot, home.org, below, rows).await?;
    let out = |it: Discount| DiscountOut::of(home.org, home.platform, &it);
    Reply::json(200, &page.list(rows, |it| it.number, out))
}
