//! Places a hold: sets credit aside before work starts.

use domain::hold::{Hold, HoldState};
use domain::label::{self, Labels};
use domain::member::Permission;
use domain::wake::catch_up;
use domain::{Amount, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation, require_positive};

/// A hold lasts a day at the longest: credit is never set aside and forgotten.
pub const HOLD_SECONDS_MAX: i64 = 86_400;

#[derive(Debug)]
pub struct PlaceHold {
    pub org: OrgId,
    pub amount: Amount,
    /// The profile's time-out, when none is given.
    pub expires_in_seconds: Option<i64>,
    pub note: String,
    /// What the charge of its capture is grouped by.
    pub labels: Labels,
}

impl Operation for PlaceHold {
    fn name(&self) -> &'static str {
        "place_hold"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.want_labels(self.org, &self.labels);
    }

    fn permission(&self, _: &Workset, _: i64) -> Option<Permission> {
        Some(Permission::StartAndStop)
    }

    /// Refusals, in order: `not_found`, `wallet_frozen`, `amount_not_positive`,
    /// `expiry_in_the_past`, `insufficient_credit`, `runway_too_short` (rulings R9),
    /// `setting_invalid` (labels).
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let profile = ws.profile_of(self.org)?;
        let now = catch_up(ws, self.org, now)?;
        if ws.wallet(self.org)?.is_frozen() {
            return Err(Refusal::WalletFrozen);
        }
        require_positive(self.amount)?;
        let seconds = self.expires_in_seconds.unwrap_or(profile.hold_timeout_seconds);
        if !(1..=HOLD_SECONDS_MAX).contains(&seconds) {
            return Err(Refusal::ExpiryInThePast);
        }
        let wallet = ws.wallet(self.org)?;
        let available = wallet.available(&profile, now);
        let required = self.amount;
        if available < required {
            return Err(Refusal::InsufficientCredit { available, required });
        }
        let keep = profile.hold_runway_keep_seconds;
        let next = wallet.blocks.next.filter(|next| next.at <= now.plus_seconds(keep));
        let keep = wallet.meters.burn_round_half_even(keep);
        let keep = keep.plus(next.map_or(Amount::ZERO, |next| next.amount));
        let available = available.minus(keep);
        if available < required {
            return Err(Refusal::RunwayTooShort { available, required });
        }
        let labels = label::intern(ws, self.org, &self.labels)?;
        let expires_at = now.plus_seconds(seconds);
        let wallet = ws.wallet_mut(self.org)?;
        let parts = wallet.grants.reserve(required);
        let parts = parts.ok_or(Refusal::InsufficientCredit { available, required })?;
        // After this line the operation must succeed.
        let number = wallet.take_number();
        wallet.next_hold_expiry = wallet.next_hold_expiry.min(expires_at);
        wallet.review_due = true;
        let hold = Hold {
            number,
            amount: required,
            captured: None,
            state: HoldState::Open,
            parts,
            note: self.note.clone(),
            labels,
            created_at: now,
            expires_at,
            resolved_at: None,
        };
        ws.holds.put(self.org, number, hold.clone());
        Ok(Answer::Hold(self.org, hold))
    }
}
