//! Places a hold: sets credit aside before work starts.

use domain::hold::{Hold, HoldState};
use domain::label::{self, Labels};
use domain::limit::{count_hold, require_left};
use domain::member::Permission;
use domain::profile::Profile;
use domain::scope::Purpose;
use domain::wake::catch_up;
use domain::wallet::Wallet;
use domain::{Amount, OrgId, Refusal, Timestamp, Workset};

use super::start_run::class_of;
use crate::operation::{Answer, Keys, Operation, require_positive};

/// A hold lasts a day at the longest: credit is never set aside and forgotten.
pub const HOLD_SECONDS_MAX: i64 = 86_400;

#[derive(Debug)]
pub struct PlaceHold {
    pub org: OrgId,
    pub amount: Amount,
    /// What the work is; without a SKU only credit for everything is set aside.
    pub sku: Option<i64>,
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
    /// `expiry_in_the_past`, `not_found` (the SKU), `insufficient_credit`, `runway_too_short`
    /// (rulings R9), `limit_reached`, `setting_invalid` (labels).
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let now = catch_up(ws, self.org, now)?;
        let profile = ws.profile_of(self.org)?;
        if ws.wallet(self.org)?.is_frozen() {
            return Err(Refusal::WalletFrozen);
        }
        require_positive(self.amount)?;
        let seconds = self.expires_in_seconds.unwrap_or(profile.hold_timeout_seconds);
        if !(1..=HOLD_SECONDS_MAX).contains(&seconds) {
            return Err(Refusal::ExpiryInThePast);
        }
        let purpose = self.sku.map(|sku| purpose_of(ws, self.org, sku)).transpose()?;
        let wallet = ws.wallet(self.org)?;
        let available = wallet.available_for(&profile, now, purpose);
        let required = self.amount;
        if available < required {
            return Err(Refusal::InsufficientCredit { available, required });
        }
        require_runway(wallet, &profile, (required, purpose), available, now)?;
        let keep = profile.hold_runway_keep_seconds;
        require_left(ws, self.org, &self.labels, required, keep, now)?;
        let labels = label::intern(ws, self.org, &self.labels)?;
        let expires_at = now.plus_seconds(seconds);
        let wallet = ws.wallet_mut(self.org)?;
        let parts = wallet.grants.reserve(required, purpose);
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
            sku: self.sku,
            note: self.note.clone(),
            labels,
            created_at: now,
            expires_at,
            resolved_at: None,
        };
        ws.holds.put(self.org, number, hold.clone());
        count_hold(ws, self.org, &self.labels, required)?;
        Ok(Answer::Hold(self.org, hold))
    }
}

/// What work on a SKU of the platform that `org` lives on is.
pub(super) fn purpose_of(ws: &Workset, org: OrgId, sku: i64) -> Result<Purpose, Refusal> {
    Ok(Purpose { sku, class: class_of(ws, org, sku)? })
}

/// Refuses a hold that would bring the end of something that runs within the profile's time to keep
/// (rulings R9). In a wallet with credit for some SKUs only it depends on which grants it takes.
fn require_runway(
    wallet: &Wallet,
    profile: &Profile,
    (required, purpose): (Amount, Option<Purpose>),
    available: Amount,
    now: Timestamp,
) -> Result<(), Refusal> {
    let keep_seconds = profile.hold_runway_keep_seconds;
    let until = now.plus_seconds(keep_seconds);
    if wallet.is_scoped() {
        let mut held = wallet.clone();
        let is_set_aside = held.grants.reserve(required, purpose).is_some();
        if is_set_aside && held.ends_sooner_than(wallet, until) {
            let available = wallet.available_for(profile, until, purpose);
            return Err(Refusal::RunwayTooShort { available, required });
        }
        return Ok(());
    }
    let next = wallet.blocks.next.filter(|next| next.at <= until);
    let keep = wallet.meters.burn_round_half_even(keep_seconds);
    let keep = keep.plus(next.map_or(Amount::ZERO, |next| next.amount));
    let available = available.minus(keep);
    if available < required {
        return Err(Refusal::RunwayTooShort { available, required });
    }
    Ok(())
}
