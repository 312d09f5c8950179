//! The rows that cost reports are made of, from one snapshot.
//!
//! *Invariant:* the journal is walked from the wallet's own tip, so a report and the balance are of
//! one moment (rulings A11); what does not fit into one report is not cut but refused, because a
//! report has to add up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::grant::{Grant, GrantKind};
use domain::label::{LabelSet, Labels};
use domain::ledger::LedgerTransaction;
use domain::price::PriceBook;
use domain::profile::Profile;
use domain::report::Days;
use domain::roll_forward::{Month, RollForward};
use domain::run::{Resource, Run};
use domain::wallet::Wallet;
use domain::{OrgId, Timestamp};

use super::access::book;
use super::wallet_page::{numbered, resources_of, runs_since};
use super::{access, ledger};
use crate::error::StoreError;
use crate::snapshot::Snapshot;
use crate::value::Column;
use crate::{grants, label_sets, noun};

/// Movements and runs that one report adds up.
pub const MOVEMENTS_MAX: usize = 100_000;
const RUNS_MAX: i64 = 20_000;
/// Use may be reported so far ahead of the clock (rulings R1).
const AHEAD_SECONDS: i64 = 300;

/// Everything that one organization used in some days.
#[derive(Clone, Debug)]
pub struct UsedRows {
    pub wallet: Wallet,
    pub profile: Arc<Profile>,
    pub book: PriceBook,
    pub now: Timestamp,
    pub days: Days,
    pub journal: Vec<LedgerTransaction>,
    pub runs: Vec<Run>,
    pub resources: BTreeMap<i64, Resource>,
    /// The labels that rows of the journal name, by number of their set.
    pub label_sets: BTreeMap<i64, Labels>,
    /// There is more than one report adds up.
    pub is_cut: bool,
}

/// Reads what `org` used in the days that `days` makes of the present; nothing when there is no
/// such organization, or no such days.
pub async fn used(
    snapshot: &mut Snapshot,
    org: OrgId,
    wall_clock: Timestamp,
    days: impl FnOnce(Timestamp) -> Option<Days>,
) -> Result<Option<UsedRows>, StoreError> {
    let Some(wallet) = access::wallet(snapshot, org).await? else { return Ok(None) };
    let Some(platform) = access::platform(snapshot, wallet.platform).await? else {
        return Ok(None);
    };
    let now = platform.clock.unwrap_or(wall_clock).max(wallet.now);
    let Some(days) = days(now) else { return Ok(None) };
    let since = days.start().plus_seconds(-AHEAD_SECONDS);
    let tip = wallet.tip.position;
    let (journal, is_cut) = ledger::since(snapshot, org, tip, since, MOVEMENTS_MAX).await?;
    let runs = runs_since(snapshot, org, days.start(), RUNS_MAX + 1).await?;
    let is_cut = is_cut || i64::try_from(runs.len()).unwrap_or(i64::MAX) > RUNS_MAX;
    let book = book(snapshot, wallet.platform).await?;
    let resources = resources_of(snapshot, org, &runs).await?;
    let label_sets = label_sets_of(snapshot, org, &journal).await?;
    let profile = Arc::clone(platform.profiles.at(now));
    Ok(Some(UsedRows {
        wallet,
        profile,
        book,
        now,
        days,
        journal,
        runs,
        resources,
        label_sets,
        is_cut,
    }))
}

/// The labels that rows of the journal name, by number of their set.
pub async fn label_sets_of(
    snapshot: &mut Snapshot,
    org: OrgId,
    journal: &[LedgerTransaction],
) -> Result<BTreeMap<i64, Labels>, StoreError> {
    let named = journal.iter().map(|row| row.labels).filter(|&labels| labels != 0);
    let numbers: BTreeSet<i64> = named.collect();
    if numbers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut keys = noun::org_columns(numbers.iter().map(|_| org));
    keys.push(Column::Int(numbers.into_iter().collect()));
    let rows: Vec<noun::Keyed<LabelSet>> =
        noun::read_all(&snapshot.load(&label_sets::FIND_NUMBERED, keys).await?)?;
    Ok(rows.into_iter().map(|(.., set)| (set.number, set.labels)).collect())
}

/// Organizations that are read at once.
pub(super) const ORGANIZATIONS: i64 = 200;
/// Movements that one roll-forward adds up.
pub(super) const ROLLED_MAX: usize = 1_000_000;

/// Why there is no roll-forward.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotRolled {
    /// More movements since the month began than one report adds up.
    TooMuch,
    /// A sum is beyond the range of an amount.
    OutOfRange,
    Store(StoreError),
}

impl From<StoreError> for NotRolled {
    fn from(error: StoreError) -> NotRolled {
        NotRolled::Store(error)
    }
}

/// Rolls the grants of all organizations of `platform` forward over `month`.
pub async fn roll_forward(
    snapshot: &mut Snapshot,
    platform: OrgId,
    month: Month,
) -> Result<RollForward, NotRolled> {
    let mut rolled = RollForward::new(month);
    let (mut above, mut read) = (OrgId::from_stored(-1), 0);
    loop {
        let page = access::organizations(snapshot, platform, above, ORGANIZATIONS).await?;
        let Some(&(last, _)) = page.last() else { return Ok(rolled) };
        above = last;
        for (org, _) in page {
            let Some(wallet) = access::wallet(snapshot, org).await? else { continue };
            let (tip, left) = (wallet.tip.position, ROLLED_MAX - read);
            let (rows, is_cut) = ledger::since(snapshot, org, tip, month.start, left).await?;
            if is_cut {
                return Err(NotRolled::TooMuch);
            }
            read = (read + rows.len()).min(ROLLED_MAX);
            let touched = rows.iter().flat_map(|row| &row.postings);
            let touched: BTreeSet<i64> = touched.map(|posting| posting.grant).collect();
            let grants: BTreeMap<i64, Grant> =
                numbered(snapshot, &grants::FIND, org, touched).await?;
            let kind_of =
                |number| grants.get(&number).map_or(GrantKind::Purchased, |grant| grant.kind);
            rolled.add(&wallet.grants, &rows, kind_of).ok_or(NotRolled::OutOfRange)?;
        }
    }
}
