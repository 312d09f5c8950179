//! Prices: what a SKU costs from a moment on.

use app::jobs::announce_prices;
use app::operations::create_price::CreatePrice;
use domain::price::{Price, TIME_DIMENSION};
use domain::{Kind, OrgId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CODE_LENGTH_MAX, PlatformQuery, created};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, MoneyText, TimeText, code_text};

/// What a price or a discount applies to from its effect on.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AppliesTo {
    /// What starts, or happens, from then on.
    NewRuns,
    /// And what runs by then.
    Running,
}

impl From<AppliesTo> for domain::price::AppliesTo {
    fn from(it: AppliesTo) -> domain::price::AppliesTo {
        match it {
            AppliesTo::NewRuns => domain::price::AppliesTo::NewRuns,
            AppliesTo::Running => domain::price::AppliesTo::Running,
        }
    }
}

impl From<domain::price::AppliesTo> for AppliesTo {
    fn from(it: domain::price::AppliesTo) -> AppliesTo {
        match it {
            domain::price::AppliesTo::NewRuns => AppliesTo::NewRuns,
            domain::price::AppliesTo::Running => AppliesTo::Running,
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceIn {
    pub sku: IdText,
    /// What is counted: `seconds` of running when none is given, or a name such as `input_tokens`.
    pub dimension: Option<String>,
    pub amount: MoneyText,
    /// The amount is for so many units: 3600 makes a price per hour.
    pub per_units: i64,
    /// Now, when none is given.
    pub effective_from: Option<TimeText>,
    /// `new_runs` when nothing is said; `running`: what runs by then goes on at it, too.
    pub applies_to: Option<AppliesTo>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct PriceOut {
    pub id: IdText,
    pub platform: IdText,
    pub sku: IdText,
    pub dimension: String,
    pub amount: MoneyText,
    pub per_units: i64,
    pub effective_from: TimeText,
    pub applies_to: AppliesTo,
    pub created_at: TimeText,
}

impl PriceOut {
    pub fn of(platform: OrgId, price: &Price) -> PriceOut {
        PriceOut {
            id: IdText::new(Kind::Price, platform, price.number),
            platform: IdText::new(Kind::Platform, platform, 0),
            sku: IdText::new(Kind::Sku, platform, price.sku),
            dimension: price.dimension.clone(),
            amount: price.amount.into(),
            per_units: price.per_units,
            effective_from: price.effective_from.into(),
            applies_to: price.applies_to.into(),
            created_at: price.created_at.into(),
        }
    }
}

/// Sets what one dimension of a SKU costs from a moment on.
pub async fn create(call: Call) -> Result<Reply, Fault> {
    let body: PriceIn = call.json()?;
    let sku = super::body_id(&call, "sku", &body.sku, Kind::Sku).await?;
    let dimension = body.dimension.as_deref().unwrap_or(TIME_DIMENSION);
    let operation = CreatePrice {
        platform: sku.org,
        sku: sku.number,
        dimension: code_text("dimension", dimension, CODE_LENGTH_MAX)?,
        amount: body.amount.parse("amount")?,
        per_units: body.per_units,
        effective_from: match &body.effective_from {
            Some(at) => Some(at.parse("effective_from")?.floor_to_second()),
            None => None,
        },
        applies_to: body.applies_to.map_or(domain::price::AppliesTo::NewRuns, Into::into),
    };
    let is_announced = operation.applies_to == domain::price::AppliesTo::Running;
    let reply = call.run(operation, created).await?;
    if is_announced && let Err(error) = announce_prices::run(&call.web.app).await {
        tracing::warn!(%error, "an announcement is told by the next round");
    }
    Ok(reply)
}

/// Lists the versions of all prices of a platform, newest first.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: PlatformQuery = call.query()?;
    let platform = call.platform(query.platform.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let (below, rows) = (page.below(), page.rows_to_read());
    let rows = store::read::lists::prices(&mut snapshot, platform, below, rows).await?;
    Reply::json(200, &page.list(rows, |price| price.number, |it| PriceOut::of(platform, &it)))
}
