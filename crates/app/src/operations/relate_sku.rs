//! Says which SKU can take the place of another, so that what would be cheaper can be suggested.

use domain::price::Alternative;
use domain::{Kind, OrgId, Refusal, Timestamp, Workset};

use super::create_sku::keep_sku;
use crate::operation::{Answer, Operation};

#[derive(Debug)]
pub struct RelateSku {
    pub platform: OrgId,
    pub sku: i64,
    pub alternative: Alternative,
    /// What can take its place that way; nothing takes back what was said before.
    pub other: Option<i64>,
}

impl Operation for RelateSku {
    fn name(&self) -> &'static str {
        "relate_sku"
    }

    fn org(&self) -> OrgId {
        self.platform
    }

    /// Refusals, in order: `not_found` (platform, either SKU), `class_differs`.
    ///
    /// It changes no price and nothing that runs (requirements D15).
    fn decide(&self, ws: &mut Workset, _now: Timestamp) -> Result<Answer, Refusal> {
        ws.platform(self.platform)?;
        let book = ws.book(self.platform).cloned().unwrap_or_default();
        let missing = Refusal::NotFound { kind: Kind::Sku };
        let mut sku = book.sku(self.sku).ok_or(missing.clone())?.clone();
        if let Some(other) = self.other {
            let class = book.sku(other).ok_or(missing)?.class;
            if class != sku.class {
                return Err(Refusal::ClassDiffers { class: sku.class.name() });
            }
        }
        match self.alternative {
            Alternative::Smaller => sku.smaller = self.other,
            Alternative::Quantized => sku.quantized = self.other,
        }
        keep_sku(ws, self.platform, &sku)?;
        Ok(Answer::Sku(self.platform, sku))
    }
}
