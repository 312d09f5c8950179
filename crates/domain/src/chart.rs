//! The chart of accounts, and which entries each kind of ledger transaction makes (rulings R16).
//!
//! Laws: the entries of every transaction sum to zero; every account belongs to one organization,
//! so that a platform's totals are sums and no shared row is ever written.
//!
//! | account | side | meaning |
//! |---|---|---|
//! | grant | liability | what the operator owes its customer out of one credit grant |
//! | cash | asset | money that a rail has confirmed, gross |
//! | revenue | income | charges, at price |
//! | promotions | contra-revenue | the part of revenue that given credit paid for |
//! | promotions_unspent | contra-liability | given credit that has not been drawn yet |
//! | breakage | income | purchased credit that expired |
//! | absorbed | contra-revenue | use past zero that the operator bears |
//! | debt | asset | use past zero that the customer owes |
//! | refunds_pending | liability | credit taken back for refunds that no rail has paid yet |

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
    Grant(i64),
    Promotions,
    PromotionsUnspent,
    RefundsPending,
    Revenue,
}

impl LedgerAccount {
    /// The name in reports; all grants together are `grants`.
    pub const fn name(self) -> &'static str {
        match self {
            LedgerAccount::Absorbed => "absorbed",
            LedgerAccount::Breakage => "breakage",
            LedgerAccount::Cash => "cash:sandbox",
            LedgerAccount::Debt => "debt",
            LedgerAccount::Grant(_) => "grants",
            LedgerAccount::Promotions => "promotions",
            LedgerAccount::PromotionsUnspent => "promotions_unspent",
            LedgerAccount::RefundsPending => "refunds_pending:sandbox",
            LedgerAccount::Revenue => "revenue",
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
    let amount = transaction.amount;
    match transaction.kind {
        TransactionKind::Deposit | TransactionKind::Reinstatement => {
            credit(LedgerAccount::Cash, amount.negated());
        }
        TransactionKind::Withdrawal => credit(LedgerAccount::Cash, amount),
        TransactionKind::Charge
        | TransactionKind::Settlement
        | TransactionKind::Capture
        | TransactionKind::Correction
        | TransactionKind::Reversal
        | TransactionKind::Block
        | TransactionKind::BlockReversal => credit(LedgerAccount::Revenue, amount),
        TransactionKind::Refund => credit(LedgerAccount::RefundsPending, amount),
        TransactionKind::RefundPaid => {
            credit(LedgerAccount::RefundsPending, amount.negated());
            credit(LedgerAccount::Cash, amount);
        }
        TransactionKind::RefundFailed => credit(LedgerAccount::RefundsPending, amount.negated()),
        TransactionKind::Grant
        | TransactionKind::Expiry
        | TransactionKind::Void
        | TransactionKind::BonusVoid
        | TransactionKind::Offset
        | TransactionKind::Renewal => {}
    }
    for posting in &transaction.postings {
        let given = kind_of(posting.grant).is_given();
        credit(LedgerAccount::Grant(posting.grant), posting.change);
        match transaction.kind {
            TransactionKind::Grant
            | TransactionKind::Expiry
            | TransactionKind::Void
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
