//! Taxes recomputed from what was paid for (rulings R19).

use std::collections::BTreeSet;

use domain::Amount;
use domain::deposit::Deposit;
use domain::ledger::{LedgerTransaction, TransactionKind};
use domain::profile::TaxPoint;
use domain::tax::{TaxDue, TaxRate, inside_money, inside_round_half_even, on_deposit};
use domain::wallet::Wallet;

use super::chain::issued;
use super::{Lie, same};

/// What one organization's taxes are recomputed from.
#[derive(Debug, Default)]
pub(crate) struct Taxes {
    /// Whether charges may carry tax; purchases are remembered only where they may.
    pub on_use: bool,
    /// Grants that money bought.
    purchased: BTreeSet<i64>,
}

impl Taxes {
    /// Whether charges of a platform may carry tax.
    pub(crate) fn are_on_use(point: TaxPoint) -> bool {
        point == TaxPoint::Consumption
    }

    /// Compares the tax of a transaction with its rate and what it is on.
    pub(crate) fn check(&mut self, row: &LedgerTransaction) -> Result<(), Lie> {
        if !self.on_use && row.tax.is_none() {
            return Ok(());
        }
        if row.kind != TransactionKind::Grant {
            self.purchased.extend(issued(row).iter().map(|(grant, _)| *grant));
        }
        let at = || ("journal", row.org, || format!("transaction {}", row.number));
        if !row.kind.is_charged() && !moves_money(row.kind) {
            return same(at(), "the tax", &row.tax.amount, &Amount::ZERO);
        }
        if row.kind.gives_back() {
            let is_back = !row.tax.amount.is_positive() && row.tax.amount >= row.amount;
            return same(at(), "whether its tax is taken back with it", &is_back, &true);
        }
        if row.kind.is_charged() && !row.tax.is_none() {
            let is_paid = |grant: i64| self.purchased.contains(&grant);
            let drawn = row.postings.iter().filter(|posting| is_paid(posting.grant));
            let drawn: Amount = drawn.map(|posting| posting.change.negated()).sum();
            let tax = inside_round_half_even(drawn.plus(row.debt), row.tax.bps);
            return same(at(), "the tax", &row.tax.amount, &tax);
        }
        Ok(())
    }
}

fn moves_money(kind: TransactionKind) -> bool {
    matches!(
        kind,
        TransactionKind::Deposit
            | TransactionKind::ArrivalCredited
            | TransactionKind::Refund
            | TransactionKind::RefundPaid
            | TransactionKind::RefundFailed
            | TransactionKind::Withdrawal
            | TransactionKind::Reinstatement
    )
}

/// Compares the tax of a deposit with its rate, and what went back of it with what there was.
pub(crate) fn check_deposit(
    (org, number): (domain::OrgId, i64),
    deposit: &Deposit,
) -> Result<(), Lie> {
    let at = || ("deposits", org, || format!("deposit {number}"));
    let rate = TaxRate { bps: deposit.tax.bps, due: TaxDue::OnDeposit };
    let tax = match deposit.asked {
        None => on_deposit(Some(rate), deposit.amount).amount,
        Some(_) => inside_money(deposit.charged(), rate.bps),
    };
    same(at(), "the tax", &deposit.tax.amount, &tax)?;
    let gone = deposit.refunded_tax.plus(deposit.withdrawn_tax);
    let fits = !gone.is_negative() && gone <= deposit.tax.amount;
    same(at(), "whether its tax covers what went back", &fits, &true)
}

/// What a wallet knows of purchased credit is what it holds.
pub(crate) fn check_wallet(wallet: &Wallet) -> Result<(), Lie> {
    let Some(TaxRate { due: TaxDue::OnUse { left }, .. }) = wallet.tax else { return Ok(()) };
    let at = ("wallets", wallet.org, || "the wallet".to_owned());
    same(at, "the purchased credit that tax is due on", &left, &wallet.grants.purchased())
}
