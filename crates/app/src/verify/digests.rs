//! Digests recomputed: what was charged in the days and weeks that a wallet counts for them.
//!
//! The SKUs that a digest names are not: which run was counted for which day is not written down.

use domain::Amount;
use domain::ledger::LedgerTransaction;
use domain::wallet::Wallet;

use super::chain::Chain;
use super::{Lie, same};

/// What was charged in the stretches that a wallet counts.
#[derive(Debug, Default)]
pub struct Digests {
    stretches: Vec<Stretch>,
}

/// The ledger transactions after one number, up to and with another.
#[derive(Debug)]
struct Stretch {
    name: &'static str,
    after: i64,
    through: i64,
    stored: Amount,
    charged: Amount,
}

impl Digests {
    pub(crate) fn of(wallet: &Wallet) -> Digests {
        let Some(tally) = wallet.tally.as_deref() else { return Digests::default() };
        let stretch = |name, (after, through), stored| Stretch {
            name,
            after,
            through,
            stored,
            charged: Amount::ZERO,
        };
        let today = (tally.day_after, wallet.tip.number);
        let mut stretches = vec![stretch("what was charged today", today, tally.day.total)];
        // A profile without weekly digests counts no week.
        if !tally.week.total.is_zero() {
            let (name, week) = ("what was charged this week", (tally.week_after, tally.day_after));
            stretches.push(stretch(name, week, tally.week.total));
        }
        let waiting = [("the daily digest", &tally.daily), ("the weekly digest", &tally.weekly)];
        stretches.extend(waiting.into_iter().filter_map(|(name, waiting)| {
            let waiting = waiting.as_ref()?;
            Some(stretch(name, (waiting.after, waiting.through), waiting.spent.total))
        }));
        Digests { stretches }
    }

    /// Adds what a transaction charged.
    pub(crate) fn add(&mut self, row: &LedgerTransaction) {
        if self.stretches.is_empty() || !row.kind.is_charged() {
            return;
        }
        let is_of = |it: &&mut Stretch| it.after < row.number && row.number <= it.through;
        for stretch in self.stretches.iter_mut().filter(is_of) {
            stretch.charged = stretch.charged.checked_add(row.amount).unwrap_or(Amount::MAX);
        }
    }
}

/// Compares what a wallet counts for its digests with the journal.
pub(crate) fn check_wallet(chain: &Chain) -> Result<(), Lie> {
    let at = || ("wallets", chain.org, || "the wallet".to_owned());
    for stretch in &chain.digests.stretches {
        same(at(), stretch.name, &stretch.stored, &stretch.charged)?;
    }
    Ok(())
}
