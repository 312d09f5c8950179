//! `drawdown verify`: recomputes the books and names the first row that lies.
//!
//! Laws: everything that can be recomputed is, from the journal and the immutable rows; what is
//! found is told as a sentence: table, organization, row, what is written, what it should be. It
//! reads one snapshot and writes nothing, so it can run beside live traffic.
//!
//! Memory grows with organizations, members, open grants and sets of labels, by days where a
//! platform has volume tiers, by resources where there are limits, and by 8 bytes for each usage
//! event; never with the length of a journal. That is why rows of other tables are matched with the
//! journal by sums first, and looked at one by one only where the sums differ.

mod chain;
mod closing;
mod commitments;
mod coupons;
mod digests;
mod discounts;
mod documents;
mod labels;
mod limits;
mod members;
mod name;
mod prices;
mod scopes;
mod tables;
mod taxes;
mod versions;

use std::collections::BTreeMap;
use std::fmt;

use domain::workset::Platform;
use domain::{Id, Kind, OrgId};
use store::keys::KeyHasher;
use store::read::verify as scan;
use store::{Snapshot, Store, StoreError};

use chain::{Chain, Tally};
use documents::Papers;
use prices::PriceLists;

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub transactions: u64,
    pub wallets: u64,
    pub usage_events: u64,
    pub other_rows: u64,
}

/// A row that is not what the others make it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lie {
    pub table: &'static str,
    pub org: OrgId,
    /// Which row, such as `transaction 12` or `grant 5`.
    pub row: String,
    /// What is written and what it should be.
    pub what: String,
}

impl fmt::Display for Lie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let org = Id::new(Kind::Organization, self.org, 0);
        write!(f, "{} of {org}, {}: {}", self.table, self.row, self.what)
    }
}

/// Why the books were not found to be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unverified {
    Lie(Lie),
    /// They could not be read.
    Store(StoreError),
}

impl fmt::Display for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unverified::Lie(lie) => lie.fmt(f),
            Unverified::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Unverified {}

impl From<StoreError> for Unverified {
    fn from(error: StoreError) -> Unverified {
        Unverified::Store(error)
    }
}

impl From<Lie> for Unverified {
    fn from(lie: Lie) -> Unverified {
        Unverified::Lie(lie)
    }
}

/// The lie that `row` of `table` tells when `written` is not `should`.
pub(crate) fn same<T: PartialEq + fmt::Display>(
    (table, org, row): (&'static str, OrgId, impl FnOnce() -> String),
    name: &str,
    written: &T,
    should: &T,
) -> Result<(), Lie> {
    if written == should {
        return Ok(());
    }
    Err(Lie { table, org, row: row(), what: format!("{name} is {written}, should be {should}") })
}

/// What one pass over the store has learned so far.
pub(crate) struct Books {
    pub chains: BTreeMap<OrgId, Chain>,
    pub prices: PriceLists,
    pub platforms: BTreeMap<OrgId, Platform>,
    classes: scopes::Classes,
    /// The blocks that the runs of each organization were charged for.
    charged_blocks: BTreeMap<OrgId, Tally>,
    papers: Papers,
    pub report: Report,
    /// Hashes of usage-event keys, to find those that came twice.
    keys: Vec<u64>,
    hasher: KeyHasher,
    watermarks: Vec<[i64; 2]>,
    lanes: Vec<[i64; 3]>,
}

/// Verifies everything that `store` holds. `progress` is called now and then with rows done and
/// rows in all.
///
/// Errors: the first lie, or why the store cannot be read.
pub async fn run(store: &Store, mut progress: impl FnMut(u64, u64)) -> Result<Report, Unverified> {
    let mut snapshot = store.snapshot().await?;
    let snapshot = &mut snapshot;
    let total = scan::count(snapshot).await?;
    let mut books = Books {
        chains: BTreeMap::new(),
        prices: PriceLists::load(snapshot).await?,
        platforms: BTreeMap::new(),
        classes: scopes::Classes::new(),
        charged_blocks: BTreeMap::new(),
        papers: Papers::default(),
        report: Report::default(),
        keys: Vec::new(),
        hasher: KeyHasher::new([0; 16]),
        watermarks: scan::watermarks(snapshot).await?,
        lanes: scan::lanes(snapshot).await?,
    };
    books.wallets_exist(snapshot).await?;
    books.closed(snapshot).await?;
    books.platforms(snapshot).await?;
    books.discounts(snapshot).await?;
    books.scopes(snapshot).await?;
    books.limits(snapshot).await?;
    books.runs(snapshot).await?;
    books.label_sets(snapshot).await?;
    books.journal(snapshot, store.is_shared(), total, &mut progress).await?;
    books.run_discounts()?;
    books.keys_are_unique(snapshot, store.is_shared()).await?;
    books.blocks(snapshot).await?;
    books.grants(snapshot).await?;
    books.members(snapshot).await?;
    books.arrivals(snapshot).await?;
    books.deposits(snapshot).await?;
    books.refunds(snapshot).await?;
    books.documents(snapshot).await?;
    books.disputes(snapshot).await?;
    books.holds(snapshot).await?;
    books.check_limits()?;
    books.nothing_is_open()?;
    books.coupons(snapshot).await?;
    books.wakes(snapshot).await?;
    books.index(snapshot).await?;
    books.wallets(snapshot, total, &mut progress).await?;
    progress(total, total);
    Ok(books.report)
}

impl Books {
    async fn journal(
        &mut self,
        snapshot: &mut Snapshot,
        is_shared: bool,
        total: u64,
        progress: &mut impl FnMut(u64, u64),
    ) -> Result<(), Unverified> {
        let mut after = (-1, 0);
        loop {
            let rows = scan::journal(snapshot, is_shared, after).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = (last.bucket, last.position);
            for row in rows {
                self.transaction(&row)?;
            }
            progress(self.report.transactions, total);
        }
    }

    fn transaction(&mut self, row: &scan::JournalRow) -> Result<(), Unverified> {
        let place = || format!("the row at position {}", row.position);
        let lie = |org: OrgId, what: String| Lie { table: "journal", org, row: place(), what };
        let transaction = match &row.read {
            Ok(transaction) => transaction,
            Err(error) => {
                let nobody = OrgId::from_stored(row.bucket << 53);
                return Err(lie(nobody, format!("it cannot be read: {error}")).into());
            }
        };
        let org = transaction.org;
        let Some(chain) = self.chains.get_mut(&org) else {
            return Err(lie(org, "its organization has no wallet".into()).into());
        };
        let platform = self.platforms.get(&chain.platform);
        let profiles = platform.map(|platform| &platform.profiles);
        chain.follow(transaction)?;
        closing::check(chain, transaction)?;
        let row_name = || format!("transaction {}", transaction.number);
        chain.limits.add(transaction, &chain.label_sets)?;
        labels::require(&chain.label_sets, transaction.labels, "journal", org, row_name)?;
        if let Some(column) = row.differs {
            let what = format!("column {column} is not what the rest of the row makes it");
            return Err(lie(org, what).into());
        }
        self.prices.check(chain.platform, transaction)?;
        let sku = self.prices.sku_of(chain.platform, transaction);
        discounts::check_charge(chain, profiles, sku, transaction)?;
        versions::check_settlement(profiles, transaction)?;
        scopes::check_drawn(chain, &self.prices, &self.classes, transaction)?;
        if let Some(event) = &transaction.event {
            self.keys.push(self.hasher.hash(org.get(), &event.source, &event.id).bits());
            self.report.usage_events += 1;
        }
        let lane = self.lanes.iter().find(|lane| org.bucket().rem_euclid(lane[1]) == lane[0]);
        let handed_out = lane.map_or(0, |lane| lane[2]);
        if row.position > handed_out {
            let what = format!("the lane has handed out positions up to {handed_out} only");
            return Err(lie(org, what).into());
        }
        let number = lane.map_or(0, |lane| lane[0]);
        let indexed = self.watermarks.iter().find(|mark| mark[0] == number);
        if indexed.is_some_and(|mark| row.position <= mark[1]) {
            chain.indexed += 1;
            chain.index.add(&[transaction.number, row.position]);
        }
        self.report.transactions += 1;
        Ok(())
    }

    /// A usage event may be charged once per organization and source.
    async fn keys_are_unique(
        &mut self,
        snapshot: &mut Snapshot,
        is_shared: bool,
    ) -> Result<(), Unverified> {
        self.keys.sort_unstable();
        let twice = self.keys.windows(2).filter(|pair| pair[0] == pair[1]);
        let mut suspects: Vec<u64> = twice.map(|pair| pair[0]).collect();
        suspects.dedup();
        self.keys = Vec::new();
        if suspects.is_empty() {
            return Ok(());
        }
        let mut seen: BTreeMap<(OrgId, String, String), i64> = BTreeMap::new();
        let mut after = (-1, 0);
        loop {
            let rows = scan::journal(snapshot, is_shared, after).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = (last.bucket, last.position);
            for row in rows.iter().filter_map(|row| row.read.as_ref().ok()) {
                let Some(event) = &row.event else { continue };
                let hash = self.hasher.hash(row.org.get(), &event.source, &event.id).bits();
                if suspects.binary_search(&hash).is_err() {
                    continue;
                }
                let key = (row.org, event.source.clone(), event.id.clone());
                if let Some(first) = seen.insert(key, row.number) {
                    let what = format!(
                        "event {:?} of source {:?} was charged by transaction {first} already",
                        event.id, event.source
                    );
                    let number = format!("transaction {}", row.number);
                    return Err(Lie { table: "journal", org: row.org, row: number, what }.into());
                }
            }
        }
    }
}
