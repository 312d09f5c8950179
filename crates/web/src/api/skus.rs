//! SKUs: what a platform sells.

use app::operations::create_sku::{CreateSku, SkuFacts};
use app::operations::offer_commitment::OfferCommitment;
use app::operations::relate_sku::RelateSku;
use domain::price::{Alternative, CommitmentTerms, Sku};
use domain::run::ResourceClass;
use domain::{Kind, OrgId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CODE_LENGTH_MAX, NAME_CHARS_MAX, PlatformQuery, body_id, created, done};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, TimeText, code_text, text};

/// What is sold, which decides what happens to it at zero.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ClassText {
    /// Stopped at zero.
    Compute,
    /// Kept at zero, and goes on costing.
    Storage,
    /// Charged per use.
    Model,
}

impl From<ClassText> for ResourceClass {
    fn from(text: ClassText) -> ResourceClass {
        match text {
            ClassText::Compute => ResourceClass::Compute,
            ClassText::Storage => ResourceClass::Storage,
            ClassText::Model => ResourceClass::Model,
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SkuIn {
    /// Only the operator has to say.
    pub platform: Option<IdText>,
    /// Your name for it in requests; unique per platform.
    pub code: String,
    pub name: String,
    pub class: ClassText,
    /// GPUs that one of it has; lists say what an hour of one costs.
    pub gpu_count: Option<i64>,
    /// The code of the SKU that it is a load profile of.
    pub variant_of: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct SkuOut {
    pub id: IdText,
    pub platform: IdText,
    pub code: String,
    pub name: String,
    /// `compute`, `storage` or `model`.
    pub class: String,
    pub gpu_count: Option<i64>,
    /// The SKU that it is a load profile of.
    pub variant_of: Option<IdText>,
    /// What can take its place: less of the same, or for what is served in a smaller format.
    pub smaller: Option<IdText>,
    pub quantized: Option<IdText>,
    /// At what price it is to be had for a term that is paid ahead.
    pub commitment: Option<CommitmentTermsText>,
    pub created_at: TimeText,
}

/// A reserved price.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommitmentTermsText {
    /// Parts of ten thousand that the list price is lowered by: 4000 is 40 %.
    pub discount_bps: i64,
    /// How long it lasts, and is paid for: up to 1096 days.
    pub days: i64,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommitmentOfferIn {
    /// Null ends the offer; commitments that were made stand.
    pub commitment: Option<CommitmentTermsText>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlternativeIn {
    /// `smaller` or `quantized`.
    pub alternative: String,
    /// The SKU that can take its place that way; null when none can any more.
    pub sku: Option<IdText>,
}

impl SkuOut {
    pub fn of(platform: OrgId, sku: &Sku) -> SkuOut {
        SkuOut {
            id: IdText::new(Kind::Sku, platform, sku.number),
            platform: IdText::new(Kind::Platform, platform, 0),
            code: sku.code.clone(),
            name: sku.name.clone(),
            class: sku.class.name().to_owned(),
            gpu_count: sku.gpu_count,
            variant_of: sku.variant_of.map(|base| IdText::new(Kind::Sku, platform, base)),
            smaller: sku.smaller.map(|number| IdText::new(Kind::Sku, platform, number)),
            quantized: sku.quantized.map(|number| IdText::new(Kind::Sku, platform, number)),
            commitment: sku
                .commitment
                .map(|terms| CommitmentTermsText { discount_bps: terms.bps, days: terms.days }),
            created_at: sku.created_at.into(),
        }
    }
}

/// Creates a SKU.
pub async fn create(call: Call) -> Result<Reply, Fault> {
    let body: SkuIn = call.json()?;
    let operation = CreateSku {
        platform: call.platform(body.platform.as_ref()).await?,
        code: code_text("code", &body.code, CODE_LENGTH_MAX)?,
        label: text("name", &body.name, NAME_CHARS_MAX)?,
        class: body.class.into(),
        facts: SkuFacts { gpu_count: body.gpu_count, variant_of: body.variant_of },
    };
    call.run(operation, created).await
}

/// Says which SKU can take the place of another.
pub async fn relate(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Sku).await?;
    let body: AlternativeIn = call.json()?;
    let alternative = Alternative::from_name(&body.alternative)
        .ok_or_else(|| Fault::param("alternative", "must be smaller or quantized"))?;
    let other = match &body.sku {
        None => None,
        Some(text) => Some(body_id(&call, "sku", text, Kind::Sku).await?),
    };
    if other.is_some_and(|other| other.org != id.org) {
        return Err(Fault::missing(Kind::Sku));
    }
    let operation = RelateSku {
        platform: id.org,
        sku: id.number,
        alternative,
        other: other.map(|other| other.number),
    };
    call.run(operation, done).await
}

/// Offers a SKU at a reserved price, or ends the offer.
pub async fn offer_commitment(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Sku).await?;
    let body: CommitmentOfferIn = call.json()?;
    let terms =
        body.commitment.map(|terms| CommitmentTerms { bps: terms.discount_bps, days: terms.days });
    call.run(OfferCommitment { platform: id.org, sku: id.number, terms }, done).await
}

/// Lists what the platform sells, newest first.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: PlatformQuery = call.query()?;
    let platform = call.platform(query.platform.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let (below, rows) = (page.below(), page.rows_to_read());
    let rows = store::read::lists::skus(&mut snapshot, platform, below, rows).await?;
    Reply::json(200, &page.list(rows, |sku| sku.number, |sku| SkuOut::of(platform, &sku)))
}
