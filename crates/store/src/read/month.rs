//! What the spend of one calendar month is added up from, from one snapshot.
//!
//! *Invariant:* rows are bounded, and where there are more the answer says that it is cut.

use domain::ledger::LedgerTransaction;
use domain::profile::REPORTED_AHEAD_SECONDS_MAX;
use domain::projection::Month;
use domain::run::Run;
use domain::wallet::Wallet;
use domain::{OrgId, Timestamp};

use super::wallet_page::{journal_since, runs_since};
use crate::error::StoreError;
use crate::snapshot::Snapshot;
use crate::statement::{Statement, catalogue};

/// Rows of the journal, and runs, that one answer is added up from.
const ROWS_MAX: usize = 20_000;

catalogue! {
    /// Resources of an organization: in all, and made since an instant.
    RESOURCES: Statement = Statement::new(
        "SELECT count(*), coalesce(sum(CASE WHEN created_at >= $3 THEN 1 ELSE 0 END), 0) \
         FROM resources WHERE bucket = $1 AND org_id = $2"
    );
}

/// The rows of a month, and how many resources there are (requirements C16).
#[derive(Clone, Debug)]
pub struct MonthRows {
    pub runs: Vec<Run>,
    /// The journal since a few minutes before the month began: use is reported ahead at times.
    pub journal: Vec<LedgerTransaction>,
    pub resources_in_all: i64,
    pub resources_this_month: i64,
    /// There was more than was read.
    pub is_cut: bool,
}

/// Reads the month of `now`.
pub async fn rows(
    snapshot: &mut Snapshot,
    wallet: &Wallet,
    now: Timestamp,
) -> Result<MonthRows, StoreError> {
    let start = Month::of(now).start;
    let since = start.plus_seconds(-REPORTED_AHEAD_SECONDS_MAX);
    let (journal, is_journal_cut) = journal_since(snapshot, wallet, since, 0, ROWS_MAX).await?;
    let runs_max = i64::try_from(ROWS_MAX).unwrap_or(i64::MAX);
    let runs = runs_since(snapshot, wallet.org, start, runs_max).await?;
    let is_cut = is_journal_cut || runs.len() == ROWS_MAX;
    let (resources_in_all, resources_this_month) = resources(snapshot, wallet.org, start).await?;
    Ok(MonthRows { runs, journal, resources_in_all, resources_this_month, is_cut })
}

async fn resources(
    snapshot: &mut Snapshot,
    org: OrgId,
    since: Timestamp,
) -> Result<(i64, i64), StoreError> {
    let parameters = [org.bucket().into(), org.into(), since.into()];
    let rows = snapshot.query(&RESOURCES, &parameters).await?;
    rows.first().map_or(Ok((0, 0)), |row| Ok((row.int(0)?, row.int(1)?)))
}
