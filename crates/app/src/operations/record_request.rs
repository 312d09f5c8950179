//! Records one request that a resource served: when, and for how long it was busy. It charges
//! nothing, because the time of the resource is paid; what it cost of that is attributed by whoever
//! reads (requirements C06).

use domain::attribution::began_at;
use domain::label::{self, Labels};
use domain::ledger::{EventKey, Line, TransactionKind};
use domain::settle::{Draft, post};
use domain::wake::catch_up;
use domain::workset::EventHash;
use domain::{Amount, Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation, require_reported};

/// The one dimension of such a request.
pub const BUSY_MILLISECONDS: &str = "busy_milliseconds";

/// Its line names no price: time that is busy has none.
const NO_PRICE: i64 = 0;

#[derive(Debug)]
pub struct RecordRequest {
    pub org: OrgId,
    pub key: EventKey,
    /// Keyed hash of organization, source and id.
    pub hash: EventHash,
    /// Hash of what the event says, to tell a repetition from a conflict.
    pub fingerprint: i64,
    pub resource: i64,
    /// When it was done; now, when none is given.
    pub occurred_at: Option<Timestamp>,
    /// How long it was busy until then.
    pub busy_milliseconds: i64,
    /// Who it was for.
    pub labels: Labels,
}

impl Operation for RecordRequest {
    fn name(&self) -> &'static str {
        "record_request"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.resources.push((self.org, self.resource));
        keys.want_labels(self.org, &self.labels);
    }

    fn event(&self) -> Option<EventHash> {
        Some(self.hash)
    }

    /// Refusals, in order: `not_found` (organization), `event_conflict`, `quantity_not_positive`,
    /// `not_found` (resource), `too_far_ahead` (when it was done), `too_long_ago` (when it began),
    /// `setting_invalid` (labels).
    ///
    /// Idempotency: the same id with the same content answers with what was recorded.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        ws.wallet(self.org)?;
        if let Some(prior) = ws.prior(self.org, self.hash, &self.key) {
            if prior.fingerprint != self.fingerprint {
                return Err(Refusal::EventConflict);
            }
            return Ok(Answer::Charge { transaction: prior.clone(), is_duplicate: true });
        }
        if self.busy_milliseconds <= 0 {
            return Err(Refusal::QuantityNotPositive);
        }
        ws.resources.find(Kind::Resource, self.org, self.resource)?;
        let now = catch_up(ws, self.org, now)?;
        let late_window_seconds = ws.profile_of(self.org)?.late_window_seconds;
        let occurred_at = self.occurred_at.unwrap_or(now);
        require_reported(occurred_at, now, late_window_seconds)?;
        let began_at = began_at(occurred_at, self.busy_milliseconds);
        require_reported(began_at, now, late_window_seconds)?;
        let labels = label::intern(ws, self.org, &self.labels)?;
        // After this line the operation must succeed.
        let quantity = self.busy_milliseconds;
        let draft = Draft {
            occurred_at: Some(occurred_at).filter(|&at| at != now),
            subject: self.resource,
            labels,
            fingerprint: self.fingerprint,
            event: Some(self.key.clone()),
            lines: vec![Line { price: NO_PRICE, quantity, amount: Amount::ZERO }],
            ..Draft::new(TransactionKind::Request, now, Amount::ZERO)
        };
        let transaction = post(ws, self.org, draft)?.clone();
        ws.remember_event(self.hash);
        Ok(Answer::Charge { transaction, is_duplicate: false })
    }
}
