//! Makes a commitment: purchased credit pays a SKU for a term ahead, at its reserved price.

use domain::commitment::{commit, cost_round_half_even};
use domain::discount::percent;
use domain::price::TIME_DIMENSION;
use domain::wake::catch_up;
use domain::{Amount, Kind, OrgId, Refusal, Timestamp, Workset};

use super::give_grant::GRANT_MAX;
use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct MakeCommitment {
    pub org: OrgId,
    pub sku: i64,
    /// Machines that are paid for over the whole term.
    pub quantity: i64,
}

impl Operation for MakeCommitment {
    fn name(&self) -> &'static str {
        "make_commitment"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        // What runs of the SKU goes on at the reserved price, and may be covered by the new grant.
        keys.open_runs.push(self.org);
    }

    /// Refusals, in order: `not_found` (organization, SKU), `not_in_profile` (discounts),
    /// `commitment_not_offered`, `quantity_not_positive`, `price_missing` (of time),
    /// `amount_out_of_range`, `insufficient_credit` (of purchased credit that nothing else holds),
    /// `too_many_scopes`, `setting_invalid` (too many discounts).
    ///
    /// The credit cannot be refunded or used for anything else, and what is left of it when the
    /// term ends expires (requirements N27).
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let now = catch_up(ws, self.org, now)?;
        let profile = ws.profile_of(self.org)?;
        let platform = ws.wallet(self.org)?.platform;
        let missing = || Refusal::NotFound { kind: Kind::Sku };
        let book = ws.book(platform).ok_or_else(missing)?;
        let sku = book.sku(self.sku).ok_or_else(missing)?;
        if !profile.discounts {
            return Err(Refusal::NotInProfile { feature: "discounts" });
        }
        let terms = sku.commitment.ok_or(Refusal::CommitmentNotOffered)?;
        if self.quantity < 1 {
            return Err(Refusal::QuantityNotPositive);
        }
        let price = book.price_at(sku.number, TIME_DIMENSION, now).ok_or_else(|| {
            Refusal::PriceMissing { sku: sku.code.clone(), dimension: TIME_DIMENSION.to_owned() }
        })?;
        let beyond = || Refusal::AmountOutOfRange { min: Amount::ZERO, max: GRANT_MAX };
        let cost = cost_round_half_even(price, terms, self.quantity);
        let amount = cost.filter(|cost| (Amount::ZERO..=GRANT_MAX).contains(cost));
        let amount = amount.filter(|amount| amount.is_positive()).ok_or_else(beyond)?;
        let (days, off) = (terms.days, percent(terms.bps));
        let note = format!("{} x {} for {days} days at {off} % off", self.quantity, sku.code);
        let grant = commit(ws, self.org, &profile, (self.sku, terms), (amount, note), now)?;
        Ok(Answer::Grant(self.org, platform, grant))
    }
}
