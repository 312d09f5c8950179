//! Settlements compared with the version of the profile that was in force (requirements C23).

use domain::ledger::{LedgerTransaction, TransactionKind};
use domain::profile::Versions;

use super::{Lie, same};

/// No line of time is by two versions, and its periods are those of its own.
pub(crate) fn check_settlement(
    profiles: Option<&Versions>,
    row: &LedgerTransaction,
) -> Result<(), Lie> {
    let (Some(profiles), Some(span)) = (profiles, &row.span) else { return Ok(()) };
    if row.kind != TransactionKind::Settlement {
        return Ok(());
    }
    let at = || ("journal", row.org, || format!("transaction {}", row.number));
    let every = profiles.at(span.from).line_every_seconds();
    same(at(), "the length of its periods", &span.every_seconds, &every)?;
    let is_by_one = profiles.next_change(span.from) >= row.at;
    same(at(), "whether one version of the profile was in force", &is_by_one, &true)
}
