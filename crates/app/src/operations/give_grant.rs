//! Gives a promotional grant.

use domain::grant::{Grant, GrantKind, PRIORITY_MAX, Posting};
use domain::ledger::TransactionKind;
use domain::settle::{Draft, post};
use domain::wake::catch_up;
use domain::{Amount, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation, require_positive};

/// The most that one grant may hold.
pub const GRANT_MAX: Amount = Amount::from_units(100_000_000);
/// The most that grants may bring a wallet to, so that no sum can leave the range of an amount.
pub const WALLET_MAX: Amount = Amount::from_units(1_000_000_000);

#[derive(Debug)]
pub struct GiveGrant {
    pub org: OrgId,
    pub amount: Amount,
    pub priority: i64,
    /// Never, when none is given.
    pub expires_at: Option<Timestamp>,
    pub note: String,
}

impl Operation for GiveGrant {
    fn name(&self) -> &'static str {
        "give_grant"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    /// Refusals, in order: `not_found`, `amount_not_positive`, `amount_out_of_range` (the grant,
    /// then what the wallet would hold), `priority_out_of_range`, `expiry_in_the_past`.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let now = catch_up(ws, self.org, now)?;
        require_positive(self.amount)?;
        if self.amount > GRANT_MAX {
            return Err(Refusal::AmountOutOfRange { min: Amount::ZERO, max: GRANT_MAX });
        }
        let room = WALLET_MAX.minus(ws.wallet(self.org)?.grants.remaining()).or_zero();
        if self.amount > room {
            return Err(Refusal::AmountOutOfRange { min: Amount::ZERO, max: room });
        }
        if !(0..=PRIORITY_MAX).contains(&self.priority) {
            return Err(Refusal::PriorityOutOfRange);
        }
        if self.expires_at.is_some_and(|at| at <= now) {
            return Err(Refusal::ExpiryInThePast);
        }
        // After this line the operation must succeed.
        let wallet = ws.wallet_mut(self.org)?;
        let grant = Grant {
            number: wallet.take_number(),
            kind: GrantKind::Promotional,
            amount: self.amount,
            priority: self.priority,
            expires_at: self.expires_at.unwrap_or(Timestamp::NEVER),
            purchase: None,
            deposit: None,
            note: self.note.clone(),
            created_at: now,
            voided_at: None,
        };
        wallet.grants.insert(grant.opened());
        let draft = Draft {
            subject: grant.number,
            postings: vec![Posting { grant: grant.number, change: self.amount }],
            ..Draft::new(TransactionKind::Grant, now, self.amount)
        };
        post(ws, self.org, draft)?;
        ws.grants.put(self.org, grant.number, grant.clone());
        Ok(Answer::Grant(self.org, grant))
    }
}
