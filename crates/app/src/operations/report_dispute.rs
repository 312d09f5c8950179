//! Mirrors a dispute as its rail tells it: its state, and how much money it has withdrawn.
//!
//! A report says how things stand and not what changed, so reports may come twice, late, or not at
//! all: the difference to what is known here is what moves.

use domain::deposit::{Deposit, DepositState};
use domain::dispute::{Dispute, DisputeState, freeze, reinstate, thaw, told, withdraw};
use domain::event::EventKind;
use domain::settle::{settle_to, tell};
use domain::wake::{catch_up_any, expire_grants};
use domain::{Amount, Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation, require_whole_cents};

#[derive(Debug)]
pub struct ReportDispute {
    pub org: OrgId,
    pub deposit: i64,
    pub rail: String,
    /// The rail's own id of the dispute.
    pub external: String,
    pub state: DisputeState,
    /// All that the rail has withdrawn and not reinstated, tax included.
    pub withdrawn: Amount,
}

impl Operation for ReportDispute {
    fn name(&self) -> &'static str {
        "report_dispute"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.deposits.push((self.org, self.deposit));
        keys.open_grants.push(self.org);
        keys.reported_disputes.push((self.org, self.rail.clone(), self.external.clone()));
    }

    /// Refusals, in order: `not_found`, `deposit_not_paid`, `external_id_taken`,
    /// `dispute_decided`, `amount_too_precise`, `amount_out_of_range` (below zero, beyond what is
    /// left of the deposit's money, or anything at all for an inquiry).
    ///
    /// Idempotency: keyed by organization, rail and the rail's id (rulings A12); the same report
    /// again changes nothing.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let mut deposit = ws.deposits.find(Kind::Deposit, self.org, self.deposit)?.clone();
        let now = catch_up_any(ws, self.org, now)?;
        if deposit.state != DepositState::Succeeded {
            return Err(Refusal::DepositNotPaid { state: deposit.state.name() });
        }
        let known = self.known(ws)?;
        self.require_possible(&deposit, known.as_ref())?;
        let profile = ws.profile_of(self.org)?;
        settle_to(ws, self.org, &profile, now)?;
        // After this line the operation must succeed.
        let mut dispute = match known {
            Some(dispute) => dispute,
            None => self.open(ws, now)?,
        };
        let before = dispute.withdrawn;
        let is_news = dispute.state != self.state;
        dispute.state = self.state;
        if self.withdrawn > before {
            let amount = self.withdrawn.minus(before);
            withdraw(ws, self.org, (&mut deposit, &mut dispute), amount, now)?;
            if profile.dispute_freeze && !dispute.freezes && dispute.decided_at.is_none() {
                freeze(ws, self.org, &mut dispute, now)?;
            }
        } else if self.withdrawn < before {
            let amount = before.minus(self.withdrawn);
            reinstate(ws, self.org, (&mut deposit, &mut dispute), amount, now)?;
            // A bonus that was voided meanwhile comes back and ends.
            expire_grants(ws, self.org, &profile, now)?;
        }
        if is_news && self.state.is_decided() {
            dispute.decided_at = Some(now);
            let is_won = self.state == DisputeState::Won;
            let kind = if is_won { EventKind::DisputeWon } else { EventKind::DisputeLost };
            tell(ws, self.org, kind, now, told(&dispute, Amount::ZERO))?;
            if dispute.freezes {
                thaw(ws, self.org, &mut dispute, now)?;
            }
        }
        ws.deposits.put(self.org, self.deposit, deposit);
        ws.disputes.put(self.org, dispute.number, dispute.clone());
        Ok(Answer::Dispute(self.org, dispute))
    }
}

impl ReportDispute {
    fn known(&self, ws: &Workset) -> Result<Option<Dispute>, Refusal> {
        let is_it =
            |dispute: &&Dispute| dispute.rail == self.rail && dispute.external == self.external;
        let known = ws.disputes.of(self.org).map(|(_, dispute)| dispute).find(is_it);
        match known {
            Some(known) if known.deposit != self.deposit => {
                Err(Refusal::ExternalIdTaken { external: self.external.clone() })
            }
            known => Ok(known.cloned()),
        }
    }

    fn require_possible(&self, deposit: &Deposit, known: Option<&Dispute>) -> Result<(), Refusal> {
        if let Some(known) = known
            && !known.state.may_become(self.state)
        {
            return Err(Refusal::DisputeDecided { state: known.state.name() });
        }
        require_whole_cents(self.withdrawn)?;
        let own = known.map_or(Amount::ZERO, |known| known.withdrawn);
        let max = match self.state {
            DisputeState::Inquiry => Amount::ZERO,
            _ => deposit.money_left().plus(own),
        };
        if self.withdrawn.is_negative() || self.withdrawn > max {
            return Err(Refusal::AmountOutOfRange { min: Amount::ZERO, max });
        }
        Ok(())
    }

    fn open(&self, ws: &mut Workset, now: Timestamp) -> Result<Dispute, Refusal> {
        let dispute = Dispute {
            number: ws.wallet_mut(self.org)?.take_number(),
            deposit: self.deposit,
            rail: self.rail.clone(),
            external: self.external.clone(),
            state: DisputeState::Inquiry,
            withdrawn: Amount::ZERO,
            withdrawn_tax: Amount::ZERO,
            taken: Vec::new(),
            voided: Vec::new(),
            freezes: false,
            created_at: now,
            decided_at: None,
        };
        tell(ws, self.org, EventKind::DisputeOpened, now, told(&dispute, Amount::ZERO))?;
        Ok(dispute)
    }
}
