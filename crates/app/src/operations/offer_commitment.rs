//! Offers a SKU at a reserved price for a term that is paid ahead, or ends the offer.

use domain::price::CommitmentTerms;
use domain::rate::BPS_PER_ONE;
use domain::{Kind, OrgId, Refusal, Timestamp, Workset};

use super::create_sku::keep_sku;
use crate::operation::{Answer, Operation};

#[derive(Debug)]
pub struct OfferCommitment {
    pub platform: OrgId,
    pub sku: i64,
    /// None: it is not offered any more.
    pub terms: Option<CommitmentTerms>,
}

impl Operation for OfferCommitment {
    fn name(&self) -> &'static str {
        "offer_commitment"
    }

    fn org(&self) -> OrgId {
        self.platform
    }

    /// Refusals, in order: `not_found` (platform, SKU), `discount_out_of_range` (it lowers nothing,
    /// or more than there is), `setting_out_of_range` (the days of the term).
    ///
    /// Commitments that were made keep the price and the term that they were made at (requirements
    /// N27).
    fn decide(&self, ws: &mut Workset, _now: Timestamp) -> Result<Answer, Refusal> {
        ws.platform(self.platform)?;
        let book = ws.book(self.platform).cloned().unwrap_or_default();
        let missing = Refusal::NotFound { kind: Kind::Sku };
        let mut sku = book.sku(self.sku).ok_or(missing)?.clone();
        if let Some(terms) = self.terms {
            if !(1..=BPS_PER_ONE).contains(&terms.bps) {
                return Err(Refusal::DiscountOutOfRange);
            }
            if !(1..=CommitmentTerms::DAYS_MAX).contains(&terms.days) {
                let (min, max) = (1, CommitmentTerms::DAYS_MAX);
                return Err(Refusal::SettingOutOfRange {
                    setting: "days",
                    min: min.to_string(),
                    max: max.to_string(),
                });
            }
        }
        sku.commitment = self.terms;
        keep_sku(ws, self.platform, &sku)?;
        Ok(Answer::Sku(self.platform, sku))
    }
}
