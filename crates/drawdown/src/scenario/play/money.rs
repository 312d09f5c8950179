//! Grants, payments, and what is given back.

use domain::arrival::Decision;
use domain::deposit::PaidWith;
use domain::dispute::DisputeState;
use domain::refund::AskedBy;
use domain::run::ResourceClass;
use domain::scope::Scope;
use domain::{Amount, OrgId, Timestamp};

use super::{Lines, Named, Player, broken, line};
use crate::scenario::layer::{
    Assigned, Campaign, Command, Done, Failure, RailAnswer, Told, TopUpRule,
};
use crate::scenario::parse::{Assign, Fate, NewCoupon, NewGrant, RefundBy, Says};
use crate::scenario::show;

impl<'a> Player<'a> {
    pub(super) fn discount(&mut self, assign: &Assign) -> Lines {
        let platform = self.current_platform();
        let number = |code: &String| self.skus.get(&(platform, code.clone())).copied().unwrap_or(0);
        let command = Command::AssignDiscount(Assigned {
            org: self.org(&assign.wallet),
            sku: assign.sku.as_ref().map(number),
            bps: assign.bps,
            effective_from: self.instant(assign.from)?,
            effective_until: self.instant(assign.until)?,
            applies_to: assign.applies_to,
        });
        self.row(command)?;
        line("assigned")
    }

    pub(super) fn of_commitment(&mut self, says: &Says) -> Lines {
        match says {
            Says::OfferCommitment { code, terms } => {
                let (platform, sku) = (self.current_platform(), self.sku(code));
                self.row(Command::OfferCommitment { platform, sku, terms: *terms })?;
                line("offered")
            }
            Says::Commit { name, wallet, quantity, code } => {
                let (org, sku) = (self.org(wallet), self.sku(code));
                let number = self.row(Command::MakeCommitment { org, sku, quantity: *quantity })?;
                self.remember(name, org, number);
                line("committed")
            }
            other => broken(format!("{other:?} is about no commitment")),
        }
    }

    pub(super) fn tax(&mut self, wallet: &str, bps: i64) -> Lines {
        let org = self.org(wallet);
        self.layer.run(&Command::SetTaxRate { org, bps })?;
        line(if bps == 0 { "off" } else { "set" })
    }

    pub(super) fn coupon(&mut self, coupon: &NewCoupon) -> Lines {
        let platform = self.current_platform();
        self.row(Command::CreateCoupon(Campaign {
            platform,
            code: coupon.code.clone(),
            gift: coupon.gift.clone(),
            starts_at: self.instant(coupon.from)?,
            ends_at: self.instant(coupon.until)?,
            redemptions_max: coupon.most,
            first_purchase_only: coupon.first,
        }))?;
        line("made")
    }

    pub(super) fn grant(&mut self, grant: &NewGrant) -> Lines {
        let org = self.org(&grant.wallet);
        let number = self.row(Command::GiveGrant {
            org,
            amount: grant.amount,
            priority: grant.priority,
            given: grant.given,
            effective_at: self.instant(grant.from)?,
            expires_at: self.instant(grant.expires)?,
            scope: self.scope(&grant.scope),
        })?;
        self.remember(&grant.name, org, number);
        line("given")
    }

    /// The SKUs and classes that `names` are, of the latest platform; nothing without a name.
    fn scope(&self, names: &[String]) -> Option<(OrgId, Scope)> {
        let platform = self.current_platform();
        let class = |name: &String| ResourceClass::from_name(name);
        let number = |name: &String| self.skus.get(&(platform, name.clone())).copied().unwrap_or(0);
        let skus = names.iter().filter(|name| class(name).is_none()).map(number).collect();
        Scope::new(skus, names.iter().filter_map(class).collect()).map(|scope| (platform, scope))
    }

    pub(super) fn deposit(
        &mut self,
        name: &str,
        wallet: &str,
        (amount, paid_with): (Amount, PaidWith),
        (fate, told): (Fate, &Told),
    ) -> Lines {
        let org = self.org(wallet);
        let member = self.acting;
        let start = Command::StartDeposit { org, amount, paid_with, member };
        let Done::Deposit(row) = self.layer.run(&start)? else {
            return broken("starting a deposit made no deposit");
        };
        // The rail answers, whoever asked.
        self.layer.act_as(None);
        self.remember(name, org, row.number);
        let settle = |player: &mut Player<'a>, answer| {
            player.settle(name, org, row.number, (answer, None, told))
        };
        match fate {
            Fate::Pending => line("pending"),
            Fate::Answered(answer) => settle(self, answer).and_then(line),
            Fate::Twice => {
                let first = settle(self, RailAnswer::Succeeded)?;
                let second = settle(self, RailAnswer::Succeeded)?;
                line(format!("{first}, again {second}"))
            }
        }
    }

    pub(super) fn settle(
        &mut self,
        name: &str,
        org: OrgId,
        deposit: i64,
        (answer, paid_at, told): (RailAnswer, Option<Timestamp>, &Told),
    ) -> Result<String, Failure> {
        let told = told.clone();
        let settle = Command::SettleDeposit { org, deposit, answer, paid_at, told };
        let Done::Deposit(row) = self.layer.run(&settle)? else {
            return broken("settling a deposit made no deposit");
        };
        if let Some(grant) = row.grant {
            self.names.give(org, grant, name);
            self.bought.insert(name.to_string(), Named { org, number: grant });
        }
        Ok(show::deposit_state(&row))
    }

    /// What is credited beside a deposit that was paid has the name of the arrival.
    pub(super) fn arrival(&mut self, name: &str, decision: Decision) -> Lines {
        let Named { org, number: arrival } = self.named(name);
        let decided = Command::DecideArrival { org, arrival, decision };
        let Done::Arrival(row) = self.layer.run(&decided)? else {
            return broken("deciding an arrival made no arrival");
        };
        if let Some(deposit) = row.became.filter(|deposit| !self.names.has(org, *deposit)) {
            self.remember(&format!("{name}-credited"), org, deposit);
        }
        line(format!("{} {}", row.state, row.amount))
    }

    pub(super) fn refund(
        &mut self,
        name: &str,
        deposit: &str,
        amount: Option<Amount>,
        by: RefundBy,
    ) -> Result<String, Failure> {
        let Named { org, number: deposit } = self.named(deposit);
        let command = match (by, amount) {
            (RefundBy::Provider, Some(amount)) => {
                Command::ReportRefund { org, deposit, external: name.to_string(), amount }
            }
            _ => {
                let waits = by == RefundBy::UsPending;
                let is_customer = by == RefundBy::Customer;
                let asked_by = if is_customer { AskedBy::Customer } else { AskedBy::Operator };
                Command::StartRefund { org, deposit, amount, waits, asked_by }
            }
        };
        self.refunded(name, command)
    }

    pub(super) fn dispute(
        &mut self,
        name: &str,
        deposit: &str,
        state: DisputeState,
        withdrawn: Amount,
    ) -> Lines {
        let Named { org, number: deposit } = self.named(deposit);
        let external = name.to_string();
        let reported = Command::ReportDispute { org, deposit, external, state, withdrawn };
        let Done::Dispute(row) = self.layer.run(&reported)? else {
            return broken("reporting a dispute made no dispute");
        };
        self.remember(name, org, row.number);
        line(format!("{}, withdrawn {}", row.state, row.withdrawn))
    }

    pub(super) fn refunded(&mut self, name: &str, command: Command) -> Result<String, Failure> {
        let Done::Refund(row) = self.layer.run(&command)? else {
            return broken("refunding made no refund");
        };
        if let Command::StartRefund { org, .. } | Command::ReportRefund { org, .. } = command {
            self.remember(name, org, row.number);
            self.refunds.insert(name.to_string());
        }
        Ok(format!("{} {}", row.amount, show::refund_state(&row)))
    }

    pub(super) fn auto_top_up(&mut self, wallet: &str, rule: Option<TopUpRule>) -> Lines {
        let org = self.org(wallet);
        let method = self.methods.get(&org).copied().unwrap_or(0);
        let is_on = rule.is_some();
        let rule = rule.or(self.rules.get(&org).copied()).unwrap_or_default();
        self.layer.run(&Command::SetAutoTopUp { org, is_on, rule, method })?;
        self.rules.insert(org, rule);
        line(if is_on { "on" } else { "off" })
    }

    pub(super) fn limit(&mut self, says: &Says) -> Lines {
        match says {
            Says::Limit { name, wallet, scope, window, cap } => {
                let (org, scope) = (self.org(wallet), scope.clone());
                let set = Command::SetLimit { org, scope, window: *window, cap: *cap };
                let number = self.row(set)?;
                self.remember(name, org, number);
                line("set")
            }
            Says::Unlimit { name } => {
                let Named { org, number: limit } = self.named(name);
                self.row(Command::RemoveLimit { org, limit })?;
                line("removed")
            }
            _ => broken("this is not about a limit"),
        }
    }
}
