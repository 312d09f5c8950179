//! The rows of a statement, from one snapshot.
//!
//! *Invariant:* the journal is walked from the wallet's own tip, so a statement and the balance are
//! of one moment (rulings A11); what does not fit into one statement is not cut but refused,
//! because a statement has to add up.

use domain::ledger::LedgerTransaction;
use domain::price::PriceBook;
use domain::profile::Profile;
use domain::roll_forward::Month;
use domain::run::Run;
use domain::statement::{Posted, Statement, billed_at};
use domain::time::SECONDS_PER_DAY;
use domain::wallet::Wallet;
use domain::workset::Platform;
use domain::{OrgId, Timestamp};

use super::wallet_page::runs_since;
use super::{access, ledger};
use crate::error::StoreError;
use crate::snapshot::Snapshot;

/// Movements and runs that one statement adds up.
const MOVEMENTS_MAX: usize = 200_000;
const RUNS_MAX: i64 = 20_000;
/// A movement may be about a run that ended so long before it was posted: stops are reported late.
const LATE_SECONDS: i64 = 4 * SECONDS_PER_DAY;

/// What one organization's statement is made of.
#[derive(Clone, Debug)]
pub struct StatementRows {
    pub wallet: Wallet,
    pub platform: Platform,
    pub book: PriceBook,
    pub now: Timestamp,
    pub month: Month,
    pub journal: Vec<LedgerTransaction>,
    pub runs: Vec<Run>,
    /// There is more than one statement adds up.
    pub is_cut: bool,
}

impl StatementRows {
    pub fn statement(&self) -> Statement {
        let posted = Posted {
            journal: &self.journal,
            runs: &self.runs,
            book: &self.book,
            posted: self.wallet.posted(),
        };
        Statement::of(self.month, posted)
    }

    /// Whether nothing more can be posted in the month.
    pub fn is_final(&self) -> bool {
        let is_settled =
            self.wallet.settled_until >= self.month.end || !self.wallet.meters.is_running();
        self.now >= self.month.end && is_settled
    }

    /// The version of the profile that the month was, or is, billed under.
    pub fn profile(&self) -> &Profile {
        self.platform.profiles.at(billed_at(self.month, self.now))
    }
}

/// Reads what the statement of `org` is made of, for the month that `month` makes of the present;
/// nothing when there is no such organization, or no such month.
pub async fn rows(
    snapshot: &mut Snapshot,
    org: OrgId,
    wall_clock: Timestamp,
    month: impl FnOnce(Timestamp) -> Option<Month>,
) -> Result<Option<StatementRows>, StoreError> {
    let Some(wallet) = access::wallet(snapshot, org).await? else { return Ok(None) };
    let Some(platform) = access::platform(snapshot, wallet.platform).await? else {
        return Ok(None);
    };
    let now = platform.clock.unwrap_or(wall_clock).max(wallet.now);
    let Some(month) = month(now) else { return Ok(None) };
    let tip = wallet.tip.position;
    let (journal, is_cut) = ledger::since(snapshot, org, tip, month.start, MOVEMENTS_MAX).await?;
    let (runs, are_runs_cut) = runs_of(snapshot, org, &journal, month.start).await?;
    let is_cut = is_cut || are_runs_cut;
    let book = access::book(snapshot, wallet.platform).await?;
    Ok(Some(StatementRows { wallet, platform, book, now, month, journal, runs, is_cut }))
}

/// The runs that `journal`, which reaches back to `start`, may be about, and whether there are more
/// than one statement adds up.
pub(super) async fn runs_of(
    snapshot: &mut Snapshot,
    org: OrgId,
    journal: &[LedgerTransaction],
    start: Timestamp,
) -> Result<(Vec<Run>, bool), StoreError> {
    let began = |row: &LedgerTransaction| row.span.as_ref().map_or(row.at, |span| span.from);
    let since = journal.iter().filter(|row| row.at >= start).map(began).min().unwrap_or(start);
    let since = since.plus_seconds(-LATE_SECONDS);
    let runs = runs_since(snapshot, org, since, RUNS_MAX + 1).await?;
    let is_cut = i64::try_from(runs.len()).unwrap_or(i64::MAX) > RUNS_MAX;
    Ok((runs, is_cut))
}
