//! Notes that every organization with a run of it has been told of a price, in the lane of the
//! platform that announced it.

use std::sync::Arc;

use domain::{Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation};

#[derive(Debug)]
pub struct ConcludeAnnouncement {
    pub platform: OrgId,
    pub sku: i64,
    pub dimension: String,
    pub price: i64,
}

impl Operation for ConcludeAnnouncement {
    fn name(&self) -> &'static str {
        "conclude_announcement"
    }

    fn org(&self) -> OrgId {
        self.platform
    }

    /// Refusals: `not_found`. Idempotency: concluding again changes nothing.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let mut book = ws.book(self.platform).cloned().unwrap_or_default();
        let price = book.price(self.sku, &self.dimension, self.price);
        let mut price = price.ok_or(Refusal::NotFound { kind: Kind::Price })?.clone();
        if price.told_at.is_none() {
            price.told_at = Some(now);
            Arc::make_mut(&mut book).add_price(price.clone());
            ws.set_book(self.platform, book);
            ws.wallet_mut(self.platform)?;
            ws.prices.put(self.platform, price.number, price.clone());
        }
        Ok(Answer::Price(self.platform, price))
    }
}
