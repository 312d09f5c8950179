//! Tells an organization of a price that applies to what it runs, in its own lane (rulings R15):
//! from here on its runs, and its wallet's next wake, know when it takes effect.

use domain::price::Price;
use domain::reprice::announce_price;
use domain::wake::catch_up;
use domain::{OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct AnnouncePrice {
    pub org: OrgId,
    pub price: Price,
}

impl Operation for AnnouncePrice {
    fn name(&self) -> &'static str {
        "announce_price"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.open_runs.push(self.org);
    }

    /// Refusals: `not_found`.
    ///
    /// Told late, the price takes effect at this second: what has been used by then was used at the
    /// price that was known. Told ahead, nothing is settled. Idempotency: telling again changes
    /// nothing.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let is_ahead = self.price.effective_from > now.max(ws.wallet(self.org)?.now);
        let now = if is_ahead { now } else { catch_up(ws, self.org, now)? };
        let profile = ws.profile_of(self.org)?;
        announce_price(ws, self.org, &profile, &self.price, now)?;
        Ok(Answer::Price(ws.wallet(self.org)?.platform, self.price.clone()))
    }
}
