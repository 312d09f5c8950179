//! Starts a deposit: a wish to pay, waiting for its rail. No money has moved yet.

use domain::deposit::{Deposit, DepositLabel, DepositState};
use domain::{Amount, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation, require_positive, require_whole_cents};

#[derive(Debug)]
pub struct StartDeposit {
    pub org: OrgId,
    pub amount: Amount,
    pub rail: String,
}

impl Operation for StartDeposit {
    fn name(&self) -> &'static str {
        "start_deposit"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    /// Refusals, in order: `not_found`, `amount_not_positive`, `amount_too_precise`,
    /// `amount_out_of_range`.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let profile = ws.profile_of(self.org)?;
        require_positive(self.amount)?;
        require_whole_cents(self.amount)?;
        let (min, max) = (profile.deposit_min, profile.deposit_max);
        if !profile.takes_deposit(self.amount) {
            return Err(Refusal::AmountOutOfRange { min, max });
        }
        let number = ws.wallet_mut(self.org)?.take_number();
        let deposit = Deposit {
            number,
            amount: self.amount,
            rail: self.rail.clone(),
            state: DepositState::Pending,
            label: DepositLabel::Manual,
            method: None,
            external: None,
            created_at: now,
            decided_at: None,
            paid_at: None,
            grant: None,
            refunded: Amount::ZERO,
            withdrawn: Amount::ZERO,
            reason: String::new(),
        };
        ws.deposits.put(self.org, number, deposit.clone());
        Ok(Answer::Deposit(self.org, deposit))
    }
}
