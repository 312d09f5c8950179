//! The chart of accounts, and which entries each kind of ledger transaction makes (rulings R16).
//!
//! Laws: the entries of every transaction sum to zero; every account belongs to one organization,
//! so that a platform's totals are sums and no shared row is ever written.
//!
//! | account | side | meaning |
//! |---|---|---|
//! | grant | liability | what the operator owes its customer out of one credit grant |
//! | cash | asset | money at a rail: what it has confirmed, less what it kept or paid out |
//! | revenue | income | charges, at price |
//! | promotions | contra-revenue | the part of revenue that given credit paid for |
//! | promotions_unspent | contra-liability | given credit that has not been drawn yet |
//! | breakage | income | purchased credit that expired, or was left when its owner was closed |
//! | absorbed | contra-revenue | use past zero that the operator bears |
//! | debt | asset | use past zero that the customer owes |
//! | fees | expense | what providers kept of payments; never the customer's |
//! | refunds_pending | liability | money of refunds that no rail has paid yet, with its tax |
//! | suspense | liability | money that came and is not what was asked for, until it is decided |
//! | tax | liability | tax that customers have paid (rulings R19) |

use crate::Amount;
use crate::grant::GrantKind;
use crate::ledger::{LedgerTransaction, TransactionKind};

/// A node of the chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LedgerAccount {
    Absorbed,
    Breakage,
    Cash,
    Debt,
    Fees,
    Grant(i64),
    Promotions,
    PromotionsUnspent,
    RefundsPending,
    Revenue,
    Suspense,
    Tax,
}

impl LedgerAccount {
    /// The name in reports; all grants together are `grants`.
    pub const fn name(self) -> &'static str {
        match self {
            LedgerAccount::Absorbed => "absorbed",
            LedgerAccount::Breakage => "breakage",
            LedgerAccount::Cash => "cash:sandbox",
            LedgerAccount::Debt => "debt",
            LedgerAccount::Fees => "fees",
            LedgerAccount::Grant(_) => "grants",
            LedgerAccount::Promotions => "promotions",
            LedgerAccount::PromotionsUnspent => "promotions_unspent",
            LedgerAccount::RefundsPending => "refunds_pending:sandbox",
            LedgerAccount::Revenue => "revenue",
            LedgerAccount::Suspense => "suspense",
            LedgerAccount::Tax => "tax",
        }
    }
}

/// One ledger account moved by one transaction: a positive amount is a credit, a negative a debit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub account: LedgerAccount,
    pub credit: Amount,
}

/// The entries of `transaction`, zero ones left out. `kind_of` tells the kind of a grant.
pub fn entries(transaction: &LedgerTransaction, kind_of: impl Fn(i64) -> GrantKind) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut credit = |account, credit: Amount| {
        if !credit.is_zero() {
            entries.push(Entry { account, credit });
        }
    };
    moved(transaction).into_iter().for_each(|(account, amount)| credit(account, amount));
    for posting in &transaction.postings {
        let given = kind_of(posting.grant).is_given();
        credit(LedgerAccount::Grant(posting.grant), posting.change);
        match transaction.kind {
            TransactionKind::Grant
            | TransactionKind::Expiry
            | TransactionKind::Void
            | TransactionKind::Forfeiture
            | TransactionKind::BonusVoid
            | TransactionKind::Renewal => {
                let other =
                    if given { LedgerAccount::PromotionsUnspent } else { LedgerAccount::Breakage };
                credit(other, posting.change.negated());
            }
            kind if kind.is_charged() && given => {
                credit(LedgerAccount::Promotions, posting.change);
                credit(LedgerAccount::PromotionsUnspent, posting.change.negated());
            }
            _ => {}
        }
    }
    credit(LedgerAccount::Absorbed, transaction.absorbed.negated());
    credit(LedgerAccount::Debt, transaction.debt.negated());
    entries
}

/// The two legs besides grants, debt and what is absorbed: money, revenue, and the tax in either.
fn moved(transaction: &LedgerTransaction) -> [(LedgerAccount, Amount); 2] {
    let (amount, tax) = (transaction.amount, transaction.tax.amount);
    let (cash, pending) = (LedgerAccount::Cash, LedgerAccount::RefundsPending);
    match transaction.kind {
        TransactionKind::Deposit | TransactionKind::Reinstatement => {
            [(cash, amount.plus(tax).negated()), (LedgerAccount::Tax, tax)]
        }
        TransactionKind::Withdrawal => {
            [(cash, amount.plus(tax)), (LedgerAccount::Tax, tax.negated())]
        }
        TransactionKind::Charge
        | TransactionKind::Settlement
        | TransactionKind::Capture
        | TransactionKind::Correction
        | TransactionKind::Reversal
        | TransactionKind::Block
        | TransactionKind::BlockReversal => {
            [(LedgerAccount::Revenue, amount.minus(tax)), (LedgerAccount::Tax, tax)]
        }
        TransactionKind::Refund => {
            [(pending, amount.plus(tax)), (LedgerAccount::Tax, tax.negated())]
        }
        TransactionKind::RefundPaid => {
            [(pending, amount.plus(tax).negated()), (cash, amount.plus(tax))]
        }
        TransactionKind::RefundFailed => {
            [(pending, amount.plus(tax).negated()), (LedgerAccount::Tax, tax)]
        }
        TransactionKind::Arrival => [(cash, amount.negated()), (LedgerAccount::Suspense, amount)],
        TransactionKind::ArrivalCredited => {
            [(LedgerAccount::Suspense, amount.plus(tax).negated()), (LedgerAccount::Tax, tax)]
        }
        TransactionKind::ArrivalReturned => {
            [(LedgerAccount::Suspense, amount.negated()), (cash, amount)]
        }
        TransactionKind::Fee => [(LedgerAccount::Fees, amount.negated()), (cash, amount)],
        TransactionKind::Grant
        | TransactionKind::Expiry
        | TransactionKind::Void
        | TransactionKind::Forfeiture
        | TransactionKind::BonusVoid
        | TransactionKind::Offset
        | TransactionKind::Renewal
        | TransactionKind::Commitment
        | TransactionKind::Request => [(cash, Amount::ZERO), (LedgerAccount::Tax, Amount::ZERO)],
    }
}
