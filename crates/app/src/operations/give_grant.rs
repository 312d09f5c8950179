//! Gives a promotional grant, from now on or from a later moment.

use std::sync::Arc;

use domain::grant::{Grant, GrantKind, PRIORITY_DEFAULT, PRIORITY_MAX, Upcoming};
use domain::scope::Scope;
use domain::scoped::{adopt_scope, require_room};
use domain::wake::{begin_grant, catch_up};
use domain::wallet::UPCOMING_MAX;
use domain::{Amount, OrgId, Refusal, Timestamp, Workset};

use super::start_run::class_of;
use crate::operation::{Answer, Keys, Operation, require_positive};

/// The most that one grant may hold.
pub const GRANT_MAX: Amount = Amount::from_units(100_000_000);
/// The most that grants may bring a wallet to, so that no sum can leave the range of an amount.
pub const WALLET_MAX: Amount = Amount::from_units(1_000_000_000);

#[derive(Debug)]
pub struct GiveGrant {
    pub org: OrgId,
    pub amount: Amount,
    pub priority: i64,
    pub given: Given,
    /// From when on it can be drawn; a moment that has passed is now.
    pub effective_at: Option<Timestamp>,
    /// By the profile, when none is given.
    pub expires_at: Option<Timestamp>,
    /// What it can pay for; everything, when none is given.
    pub scope: Option<Scope>,
    pub note: String,
}

impl GiveGrant {
    /// A promotion that begins now, expires by the profile and has no say in the burn order.
    pub fn promotion(org: OrgId, amount: Amount) -> GiveGrant {
        GiveGrant {
            org,
            amount,
            priority: PRIORITY_DEFAULT,
            given: Given::Promotional,
            effective_at: None,
            expires_at: None,
            scope: None,
            note: String::new(),
        }
    }
}

/// What a grant is shown as; in the books both are promotions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    Promotional,
    /// Somebody may try (requirements D17).
    Trial,
}

impl Given {
    pub const fn kind(self) -> GrantKind {
        match self {
            Given::Promotional => GrantKind::Promotional,
            Given::Trial => GrantKind::Trial,
        }
    }
}

impl Operation for GiveGrant {
    fn name(&self) -> &'static str {
        "give_grant"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        if self.scope.is_some() {
            // What runs may be covered by it.
            keys.open_runs.push(self.org);
        }
    }

    /// Refusals, in order: `not_found`, `amount_not_positive`, `amount_out_of_range` (the grant,
    /// then what the wallet would hold), `priority_out_of_range`, `expiry_in_the_past` (before it
    /// is effective), `not_found` (a SKU of its scope), `too_many_upcoming`, `too_many_scopes`.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let now = catch_up(ws, self.org, now)?;
        let profile = ws.profile_of(self.org)?;
        require_positive(self.amount)?;
        if self.amount > GRANT_MAX {
            return Err(Refusal::AmountOutOfRange { min: Amount::ZERO, max: GRANT_MAX });
        }
        let wallet = ws.wallet(self.org)?;
        let upcoming: Amount = wallet.upcoming.iter().map(|it| it.grant.remaining).sum();
        let room = WALLET_MAX.minus(wallet.grants.remaining()).minus(upcoming).or_zero();
        if self.amount > room {
            return Err(Refusal::AmountOutOfRange { min: Amount::ZERO, max: room });
        }
        if !(0..=PRIORITY_MAX).contains(&self.priority) {
            return Err(Refusal::PriorityOutOfRange);
        }
        let effective_at = self.effective_at.unwrap_or(now).max(now);
        if self.expires_at.is_some_and(|at| at <= effective_at) {
            return Err(Refusal::ExpiryInThePast);
        }
        let scope = self.scope.clone().map(Arc::new);
        if let Some(scope) = &scope {
            require_skus(ws, self.org, scope)?;
        }
        let wallet = ws.wallet(self.org)?;
        if effective_at > now && wallet.upcoming.len() >= UPCOMING_MAX {
            let most = i64::try_from(UPCOMING_MAX).unwrap_or(i64::MAX);
            return Err(Refusal::TooManyUpcoming { most });
        }
        if let Some(scope) = &scope {
            require_room(ws, self.org, scope)?;
            adopt_scope(ws, self.org, scope)?;
        }
        // After this line the operation must succeed.
        let wallet = ws.wallet_mut(self.org)?;
        let grant = Grant {
            number: wallet.take_number(),
            kind: self.given.kind(),
            amount: self.amount,
            priority: self.priority,
            expires_at: self.expires_at.unwrap_or(profile.promotion_expires_at(effective_at)),
            purchase: None,
            deposit: None,
            note: self.note.clone(),
            effective_at,
            created_at: now,
            voided_at: None,
            scope,
        };
        wallet.upcoming.push(Upcoming { effective_at, grant: grant.opened() });
        if effective_at == now {
            begin_grant(ws, self.org, grant.number, now)?;
        }
        ws.grants.put(self.org, grant.number, grant.clone());
        Ok(Answer::Grant(self.org, ws.wallet(self.org)?.platform, grant))
    }
}

/// Refuses a scope that names a SKU which the platform of `org` does not have.
pub(super) fn require_skus(ws: &Workset, org: OrgId, scope: &Scope) -> Result<(), Refusal> {
    scope.skus().iter().try_for_each(|&sku| class_of(ws, org, sku).map(|_| ()))
}
