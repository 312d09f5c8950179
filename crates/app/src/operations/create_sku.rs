//! Creates a SKU: something that can be bought.

use std::sync::Arc;

use domain::price::{PriceBook, Sku};
use domain::run::ResourceClass;
use domain::{OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation};

/// GPUs of one of it at most.
pub const GPU_COUNT_MAX: i64 = 1_024;

/// What the catalogue says of a SKU beside its name.
#[derive(Clone, Debug, Default)]
pub struct SkuFacts {
    /// GPUs that one of it has.
    pub gpu_count: Option<i64>,
    /// The code of the SKU that it is a load profile of.
    pub variant_of: Option<String>,
}

#[derive(Debug)]
pub struct CreateSku {
    pub platform: OrgId,
    pub code: String,
    pub label: String,
    pub class: ResourceClass,
    pub facts: SkuFacts,
}

impl SkuFacts {
    /// Looks whether they fit, and answers with the number of the SKU that it is a variant of.
    fn base(&self, book: &PriceBook, class: ResourceClass) -> Result<Option<i64>, Refusal> {
        let is_counted =
            |count: i64| (1..=GPU_COUNT_MAX).contains(&count) && class == ResourceClass::Compute;
        if !self.gpu_count.is_none_or(is_counted) {
            let message = format!("gpu_count is 1 to {GPU_COUNT_MAX}, of what is compute");
            return Err(Refusal::SettingInvalid { message });
        }
        let Some(code) = &self.variant_of else { return Ok(None) };
        let base = book.sku_by_code(code);
        let base = base.ok_or_else(|| Refusal::UnknownSku { code: code.clone() })?;
        if base.class != class {
            return Err(Refusal::ClassDiffers { class: base.class.name() });
        }
        Ok(Some(base.number))
    }
}

impl Operation for CreateSku {
    fn name(&self) -> &'static str {
        "create_sku"
    }

    fn org(&self) -> OrgId {
        self.platform
    }

    /// Refusals, in order: `not_found` (platform), `name_taken`, `setting_invalid` (GPUs of what
    /// does not run, or too many), `unknown_sku`, `class_differs`.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        ws.platform(self.platform)?;
        let book = ws.book(self.platform).cloned().unwrap_or_default();
        if book.sku_by_code(&self.code).is_some() {
            return Err(Refusal::NameTaken { name: self.code.clone() });
        }
        let variant_of = self.facts.base(&book, self.class)?;
        let sku = Sku {
            number: ws.wallet_mut(self.platform)?.take_number(),
            code: self.code.clone(),
            name: self.label.clone(),
            class: self.class,
            gpu_count: self.facts.gpu_count,
            variant_of,
            commitment: None,
            smaller: None,
            quantized: None,
            created_at: now,
        };
        keep_sku(ws, self.platform, &sku)?;
        Ok(Answer::Sku(self.platform, sku))
    }
}

/// Writes a SKU that is new, or has changed, into the price book of `platform`.
pub(super) fn keep_sku(ws: &mut Workset, platform: OrgId, sku: &Sku) -> Result<(), Refusal> {
    let mut row = ws.platform(platform)?.clone();
    row.book_version += 1;
    let mut book = ws.book(platform).cloned().unwrap_or_default();
    Arc::make_mut(&mut book).add_sku(sku.clone());
    ws.set_book(platform, book);
    ws.platforms.put(platform, 0, row);
    ws.skus.put(platform, sku.number, sku.clone());
    Ok(())
}
