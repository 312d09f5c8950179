//! Everything that the page of one wallet is made of, from one snapshot.
//!
//! *Invariant:* every list here has a maximum, and says when there was more; the journal is walked
//! from the wallet's own tip, so the newest row leaves the balance that the wallet states
//! (rulings A11).

use std::collections::{BTreeMap, BTreeSet};

use domain::deposit::{Deposit, PaymentMethod};
use domain::grant::Grant;
use domain::hold::Hold;
use domain::ledger::LedgerTransaction;
use domain::price::PriceBook;
use domain::profile::Profile;
use domain::run::{Resource, Run};
use domain::wallet::Wallet;
use domain::workset::{Organization, Platform};
use domain::{OrgId, Timestamp};

use super::lists::ToldEvent;
use super::{access, ledger, lists};
use crate::error::StoreError;
use crate::noun::{self, Noun};
use crate::snapshot::Snapshot;
use crate::statement::{Load, Statement, catalogue};
use crate::value::Column;
use crate::{grants, holds, resources};

/// Rows of the journal that one step of the walk reads.
const WALK_ROWS: i64 = 256;
const RUNS_MAX: i64 = 2_000;
const HOLDS_MAX: usize = 50;
const METHODS_MAX: i64 = 20;

catalogue! {
    /// Runs that are open, or ended after an instant.
    RUNS_SINCE: Statement = Statement::new(
        "SELECT bucket, org_id, number, resource, sku, price, amount, per_units, discount_bps, \
         class, started_at, admitted_at, stopped_at, stop_reason, is_waiting, block_seconds, \
         paid_until, blocks, heartbeat_seconds, beat_at, beat_due, previous, next_sku, origin, \
         reprices_at FROM runs \
         WHERE bucket = $1 AND org_id = $2 AND (stopped_at IS NULL OR stopped_at > $3) \
         ORDER BY number DESC LIMIT $4"
    );
    /// The newest events.
    NEWEST_EVENTS: Statement = Statement::new(
        "SELECT number, kind, at, body FROM events \
         WHERE bucket = $1 AND org_id = $2 ORDER BY number DESC LIMIT $3"
    );
}

/// How far back the page looks.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// The present, where the platform has no clock of its own.
    pub wall_clock: Timestamp,
    /// What happened so many seconds ago and later is added up.
    pub seconds: i64,
    /// Rows of the journal at most, and at least while there are any.
    pub journal_rows_max: usize,
    pub journal_rows_min: usize,
    pub events_max: i64,
    pub deposits_max: i64,
    /// Where the list of movements begins; at the tip, when nothing is said.
    pub before: Option<i64>,
}

/// The rows of the page.
#[derive(Clone, Debug)]
pub struct WalletRows {
    /// The instant of the page: the platform's clock, never before the wallet's own time.
    pub now: Timestamp,
    pub since: Timestamp,
    pub platform: Platform,
    pub organization: Organization,
    pub wallet: Wallet,
    pub book: PriceBook,
    /// Newest first, back to `since`.
    pub journal: Vec<LedgerTransaction>,
    /// There is more since then than was read.
    pub is_cut: bool,
    /// Newest first, from where the reader wants to look.
    pub movements: Vec<LedgerTransaction>,
    /// Open now or since `since`, newest first.
    pub runs: Vec<Run>,
    pub resources: BTreeMap<i64, Resource>,
    pub grants: BTreeMap<i64, Grant>,
    pub deposits: Vec<Deposit>,
    pub methods: Vec<PaymentMethod>,
    pub holds: Vec<Hold>,
    /// Newest first.
    pub events: Vec<ToldEvent>,
}

impl WalletRows {
    /// The version of the platform's profile that is in force.
    pub fn profile(&self) -> &Profile {
        self.platform.profiles.at(self.now)
    }
}

/// Reads the page of `org`; nothing when there is no such organization, or it is a platform's own.
pub async fn rows(
    snapshot: &mut Snapshot,
    org: OrgId,
    reach: Reach,
) -> Result<Option<WalletRows>, StoreError> {
    let Some(organization) = access::organization(snapshot, org).await? else { return Ok(None) };
    let Some(wallet) = access::wallet(snapshot, org).await? else { return Ok(None) };
    let Some(platform) = access::platform(snapshot, wallet.platform).await? else {
        return Ok(None);
    };
    let now = platform.clock.unwrap_or(reach.wall_clock).max(wallet.now);
    let since = now.plus_seconds(-reach.seconds);
    let (rows_min, rows_max) = (reach.journal_rows_min, reach.journal_rows_max);
    let (journal, is_cut) = journal_since(snapshot, &wallet, since, rows_min, rows_max).await?;
    let movements = match reach.before {
        None => journal.iter().take(reach.journal_rows_min).cloned().collect(),
        Some(position) => {
            let rows = i64::try_from(reach.journal_rows_min).unwrap_or(i64::MAX);
            ledger::walk(snapshot, org, position, rows).await?
        }
    };
    let ran_since = movements.last().map_or(since, |row| began(row).min(since));
    let runs = runs_since(snapshot, org, ran_since, RUNS_MAX).await?;
    let holds = of_org(snapshot, &holds::FIND_OPEN, org).await?;
    let deposits = lists::deposits(snapshot, org, i64::MAX, reach.deposits_max).await?;
    let resources = resources_of(snapshot, org, &runs).await?;
    Ok(Some(WalletRows {
        now,
        since,
        book: super::access::book(snapshot, wallet.platform).await?,
        grants: grants_of(snapshot, &wallet, &movements).await?,
        methods: lists::payment_methods(snapshot, org, i64::MAX, METHODS_MAX).await?,
        events: newest_events(snapshot, org, reach.events_max).await?,
        holds: holds.into_iter().take(HOLDS_MAX).collect(),
        is_cut: is_cut || i64::try_from(runs.len()).unwrap_or(i64::MAX) == RUNS_MAX,
        platform,
        organization,
        wallet,
        journal,
        movements,
        runs,
        resources,
        deposits,
    }))
}

/// When what a row is about began.
fn began(row: &LedgerTransaction) -> Timestamp {
    row.span.as_ref().map_or(row.at, |span| span.from)
}

/// At most `rows_max` runs that are open or ended after `since`, newest first.
pub(super) async fn runs_since(
    snapshot: &mut Snapshot,
    org: OrgId,
    since: Timestamp,
    rows_max: i64,
) -> Result<Vec<Run>, StoreError> {
    let parameters = [org.bucket().into(), org.into(), since.into(), rows_max.into()];
    Ok(plain(noun::read_all(&snapshot.query(&RUNS_SINCE, &parameters).await?)?))
}

/// The wallet's rows back to the first that is older than `since`, and whether more were left.
pub(super) async fn journal_since(
    snapshot: &mut Snapshot,
    wallet: &Wallet,
    since: Timestamp,
    rows_min: usize,
    rows_max: usize,
) -> Result<(Vec<LedgerTransaction>, bool), StoreError> {
    let mut rows: Vec<LedgerTransaction> = Vec::new();
    let mut position = wallet.tip.position;
    while position > 0 {
        let step = ledger::walk(snapshot, wallet.org, position, WALK_ROWS).await?;
        let Some(last) = step.last() else { break };
        position = last.prev;
        let is_behind = last.at < since;
        rows.extend(step);
        if is_behind && rows.len() >= rows_min {
            return Ok((rows, false));
        }
        if rows.len() >= rows_max {
            return Ok((rows, position > 0 && !is_behind));
        }
    }
    Ok((rows, false))
}

fn plain<T>(rows: Vec<noun::Keyed<T>>) -> Vec<T> {
    rows.into_iter().map(|(_, _, row)| row).collect()
}

async fn of_org<N: Noun>(
    snapshot: &mut Snapshot,
    load: &'static Load,
    org: OrgId,
) -> Result<Vec<N>, StoreError> {
    let rows = snapshot.load(load, noun::org_columns(std::iter::once(org))).await?;
    Ok(plain(noun::read_all(&rows)?))
}

pub(super) async fn numbered<N: Noun>(
    snapshot: &mut Snapshot,
    load: &'static Load,
    org: OrgId,
    numbers: BTreeSet<i64>,
) -> Result<BTreeMap<i64, N>, StoreError> {
    if numbers.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut keys = noun::org_columns(numbers.iter().map(|_| org));
    keys.push(Column::Int(numbers.into_iter().collect()));
    let rows = noun::read_all(&snapshot.load(load, keys).await?)?;
    Ok(rows.into_iter().map(|(_, number, row)| (number, row)).collect())
}

pub(super) async fn resources_of(
    snapshot: &mut Snapshot,
    org: OrgId,
    runs: &[Run],
) -> Result<BTreeMap<i64, Resource>, StoreError> {
    let numbers = runs.iter().map(|run| run.resource).collect();
    numbered(snapshot, &resources::FIND, org, numbers).await
}

async fn grants_of(
    snapshot: &mut Snapshot,
    wallet: &Wallet,
    movements: &[LedgerTransaction],
) -> Result<BTreeMap<i64, Grant>, StoreError> {
    let open = wallet.grants.iter().map(|grant| grant.number);
    let moved = movements.iter().flat_map(|row| &row.postings).map(|posting| posting.grant);
    numbered(snapshot, &grants::FIND, wallet.org, open.chain(moved).collect()).await
}

async fn newest_events(
    snapshot: &mut Snapshot,
    org: OrgId,
    events_max: i64,
) -> Result<Vec<ToldEvent>, StoreError> {
    let parameters = [org.bucket().into(), org.into(), events_max.into()];
    let rows = snapshot.query(&NEWEST_EVENTS, &parameters).await?;
    rows.iter().map(lists::told).collect()
}
