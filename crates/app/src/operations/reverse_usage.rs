//! Reverses a usage event that should not have been charged: a new ledger transaction undoes the
//! whole of its charge. What should have been charged instead is a new event.

use domain::correct::reverse;
use domain::ledger::{EventKey, TransactionKind};
use domain::limit::{count_charge, labels_numbered};
use domain::settle::{offset_debt, settle_to};
use domain::wake::{catch_up, expire_grants};
use domain::workset::EventHash;
use domain::{Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct ReverseUsage {
    pub org: OrgId,
    /// The event that is reversed.
    pub key: EventKey,
    /// Keyed hash of organization, source and id of that event.
    pub hash: EventHash,
    /// The same of [`reversal_key`].
    pub reversal_hash: EventHash,
}

/// The key of the one reversal that an event can have.
pub fn reversal_key(event: &EventKey) -> EventKey {
    EventKey { source: format!("reversal of {}", event.source), id: event.id.clone() }
}

impl Operation for ReverseUsage {
    fn name(&self) -> &'static str {
        "reverse_usage"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.open_grants.push(self.org);
    }

    fn event(&self) -> Option<EventHash> {
        Some(self.reversal_hash)
    }

    fn looks_back(&self) -> Option<EventHash> {
        Some(self.hash)
    }

    /// Refusals, in order: `not_found`, `not_reversible` (a reversal is not reversed),
    /// `event_conflict` (a usage event took the reversal's key).
    ///
    /// What was absorbed or became debt is undone first; grants are restored in reverse recorded
    /// order on their original terms, and what has ended meanwhile ends at once (rulings R11,
    /// requirements N07). The original stays as it is.
    ///
    /// Idempotency: an event has one reversal; again it answers with the one that was made.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        ws.wallet(self.org)?;
        let original = ws.prior(self.org, self.hash, &self.key).cloned();
        let original = original.ok_or(Refusal::NotFound { kind: Kind::UsageEvent })?;
        if original.kind != TransactionKind::Charge {
            return Err(Refusal::NotReversible { kind: original.kind.name() });
        }
        let key = reversal_key(&self.key);
        if let Some(prior) = ws.prior(self.org, self.reversal_hash, &key) {
            if prior.kind != TransactionKind::Reversal {
                return Err(Refusal::EventConflict);
            }
            return Ok(Answer::Charge { transaction: prior.clone(), is_duplicate: true });
        }
        let now = catch_up(ws, self.org, now)?;
        let profile = ws.profile_of(self.org)?;
        // What has run until now is not paid from what the reversal gives back.
        settle_to(ws, self.org, &profile, now)?;
        // After this line the operation must succeed.
        let transaction = reverse(ws, self.org, &original, key, now)?;
        let used_at = original.occurred_at.unwrap_or(original.at);
        let labels = labels_numbered(ws, self.org, original.labels)?;
        count_charge(ws, self.org, &labels, used_at, original.amount.negated())?;
        ws.remember_event(self.reversal_hash);
        offset_debt(ws, self.org, now)?;
        expire_grants(ws, self.org, &profile, now)?;
        Ok(Answer::Charge { transaction, is_duplicate: false })
    }
}
