//! Creates a SKU: something that can be bought.

use std::sync::Arc;

use domain::price::Sku;
use domain::run::ResourceClass;
use domain::{OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation};

#[derive(Debug)]
pub struct CreateSku {
    pub platform: OrgId,
    pub code: String,
    pub label: String,
    pub class: ResourceClass,
}

impl Operation for CreateSku {
    fn name(&self) -> &'static str {
        "create_sku"
    }

    fn org(&self) -> OrgId {
        self.platform
    }

    /// Refusals, in order: `not_found` (platform), `name_taken`.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let mut platform = ws.platform(self.platform)?.clone();
        platform.book_version += 1;
        let mut book = ws.book(self.platform).cloned().unwrap_or_default();
        if book.sku_by_code(&self.code).is_some() {
            return Err(Refusal::NameTaken { name: self.code.clone() });
        }
        let sku = Sku {
            number: ws.wallet_mut(self.platform)?.take_number(),
            code: self.code.clone(),
            name: self.label.clone(),
            class: self.class,
            created_at: now,
        };
        Arc::make_mut(&mut book).add_sku(sku.clone());
        ws.set_book(self.platform, book);
        ws.platforms.put(self.platform, 0, platform);
        ws.skus.put(self.platform, sku.number, sku.clone());
        Ok(Answer::Sku(self.platform, sku))
    }
}
