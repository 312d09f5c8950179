//! Starts a deposit: a wish to pay, waiting for its rail. No money has moved yet.

use domain::deposit::{Deposit, PaidWith};
use domain::member::Permission;
use domain::tax::on_deposit;
use domain::{Amount, Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation, require_positive, require_whole_cents};

#[derive(Debug)]
pub struct StartDeposit {
    pub org: OrgId,
    /// The credit to be bought; tax comes on top (rulings R19).
    pub amount: Amount,
    pub rail: String,
    pub paid_with: PaidWith,
    /// Who pays, where it is said.
    pub member: Option<i64>,
}

impl StartDeposit {
    /// A wish to pay by card, of nobody in particular.
    pub fn by_card(org: OrgId, amount: Amount, rail: &str) -> StartDeposit {
        let (rail, paid_with) = (rail.to_owned(), PaidWith::Card);
        StartDeposit { org, amount, rail, paid_with, member: None }
    }
}

impl Operation for StartDeposit {
    fn name(&self) -> &'static str {
        "start_deposit"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.members.extend(self.member.map(|member| (self.org, member)));
    }

    fn permission(&self, _: &Workset, _: i64) -> Option<Permission> {
        Some(Permission::Pay)
    }

    /// Refusals, in order: `not_found` (organization), `organization_closed`, `not_found` (member),
    /// `amount_not_positive`, `amount_too_precise`, `amount_out_of_range`, `not_in_profile`
    /// (crypto).
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let profile = ws.profile_at(self.org, now)?;
        ws.require_open(self.org)?;
        if let Some(member) = self.member {
            ws.members.find(Kind::Member, self.org, member)?;
        }
        require_positive(self.amount)?;
        require_whole_cents(self.amount)?;
        let (min, max) = (profile.deposit_min, profile.deposit_max);
        if !profile.takes_deposit(self.amount) {
            return Err(Refusal::AmountOutOfRange { min, max });
        }
        let quote_until = match (self.paid_with, profile.crypto_quote_seconds) {
            (PaidWith::Card, _) => None,
            (PaidWith::Crypto, Some(seconds)) => Some(now.plus_seconds(seconds)),
            (PaidWith::Crypto, None) => {
                return Err(Refusal::NotInProfile { feature: "payments in crypto" });
            }
        };
        let wallet = ws.wallet_mut(self.org)?;
        let (number, tax) = (wallet.take_number(), on_deposit(wallet.tax, self.amount));
        let deposit = Deposit::pending(number, self.amount, self.rail.clone(), now);
        let deposit = Deposit { tax, member: self.member, quote_until, ..deposit };
        ws.deposits.put(self.org, number, deposit.clone());
        Ok(Answer::Deposit(self.org, deposit))
    }
}
