//! Closed organizations: nothing is open in them, nothing was charged since, and of one that was
//! erased no row says who it was (requirements N26).

use domain::ledger::{LedgerTransaction, TransactionKind};
use store::Snapshot;
use store::read::verify as scan;

use super::chain::Chain;
use super::tables::homeless;
use super::{Books, Lie, Unverified, same};

impl Books {
    /// Learns which organizations were closed, and looks for texts of those that were erased.
    pub(crate) async fn closed(&mut self, snapshot: &mut Snapshot) -> Result<(), Unverified> {
        for (org, row) in scan::closed_organizations(snapshot).await? {
            let chain = self.chains.get_mut(&org);
            let chain = chain.ok_or_else(|| homeless("organizations", org, 0))?;
            chain.closed_at = row.closed_at;
            chain.is_erased = row.erased_at.is_some();
            if !chain.is_erased {
                continue;
            }
            let at = ("organizations", org, || "the organization".to_owned());
            same(at, "the name of one that was erased", &row.name, &String::new())?;
            if let Some(table) = scan::texts_left(snapshot, org).await? {
                let what = "it names something, though its organization was erased".to_owned();
                return Err(Lie { table, org, row: "some row".into(), what }.into());
            }
        }
        for (org, chain) in &self.chains {
            let at = ("wallets", *org, || "the wallet".to_owned());
            let should = chain.closed_at.is_some();
            same(at, "whether it is closed", &chain.is_closed, &should)?;
        }
        Ok(())
    }

    /// Refuses what would be cut off in an organization that was closed.
    pub(crate) fn nothing_is_open(&self) -> Result<(), Lie> {
        for (org, chain) in self.chains.iter().filter(|(_, chain)| chain.is_closed) {
            let at = |what: &'static str| (what, *org, || "all together".to_owned());
            same(at("runs"), "those that are open in what was closed", &chain.open_runs, &0)?;
            let reserved = chain.reserved.len();
            same(at("holds"), "those that are open in what was closed", &reserved, &0)?;
        }
        Ok(())
    }
}

/// Refuses a charge after the organization was closed, and a forfeiture before.
pub(super) fn check(chain: &Chain, row: &LedgerTransaction) -> Result<(), Lie> {
    let lie = |what: &str| {
        let number = format!("transaction {}", row.number);
        Err(Lie { table: "journal", org: row.org, row: number, what: what.to_owned() })
    };
    let is_after = chain.closed_at.is_some_and(|closed_at| row.at > closed_at);
    if is_after && row.kind.is_charged() {
        return lie("it charges an organization that was closed before");
    }
    let is_before = chain.closed_at.is_none_or(|closed_at| row.at < closed_at);
    if is_before && row.kind == TransactionKind::Forfeiture {
        return lie("it takes paid credit of an organization that was not closed");
    }
    Ok(())
}
