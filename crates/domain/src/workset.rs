//! The workset: the rows that commands of one batch decide over, and what they changed.
//!
//! Laws: a command that is refused, or panics, leaves the workset exactly as it found it; a command
//! sees what earlier commands of the batch did; nothing here reads or writes a store. The lane
//! loads rows before and flushes [`Changes`] afterwards (rulings A2).

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use crate::arrival::Arrival;
use crate::calendar::Zone;
use crate::coupon::{Claim, Coupon, Redemption};
use crate::deposit::{Deposit, PaymentMethod};
use crate::discount::Discount;
use crate::dispute::Dispute;
use crate::document::{Document, Party, Series};
use crate::event::{Event, Request};
use crate::grant::Grant;
use crate::hold::Hold;
use crate::label::LabelSet;
use crate::ledger::{EventKey, LedgerTransaction};
use crate::limit::Limit;
use crate::member::{Member, MemberName};
use crate::price::{Price, PriceBook, Sku};
use crate::profile::{Profile, Versions};
use crate::refund::Refund;
use crate::run::{Resource, Run};
use crate::wallet::Wallet;
use crate::{Kind, OrgId, Refusal, Timestamp};

/// A row's address: its organization and its number there.
pub type Key = (OrgId, i64);

/// Rows of one kind, with the old values of what the current command changed.
#[derive(Debug)]
pub struct Table<T> {
    rows: BTreeMap<Key, T>,
    changed: Vec<Key>,
    undo: Vec<(Key, Option<T>)>,
}

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table { rows: BTreeMap::new(), changed: Vec::new(), undo: Vec::new() }
    }
}

impl<T: Clone> Table<T> {
    /// Puts in a row as it was stored.
    pub fn load(&mut self, org: OrgId, number: i64, row: T) {
        self.rows.insert((org, number), row);
    }

    pub fn get(&self, org: OrgId, number: i64) -> Option<&T> {
        self.rows.get(&(org, number))
    }

    /// The row, or the refusal that there is none.
    pub fn find(&self, kind: Kind, org: OrgId, number: i64) -> Result<&T, Refusal> {
        self.get(org, number).ok_or(Refusal::NotFound { kind })
    }

    /// All loaded rows of one organization, by number.
    pub fn of(&self, org: OrgId) -> impl Iterator<Item = (i64, &T)> {
        self.rows.range((org, i64::MIN)..=(org, i64::MAX)).map(|((_, number), row)| (*number, row))
    }

    /// Every loaded row, by organization and number.
    pub fn iter(&self) -> impl Iterator<Item = (OrgId, i64, &T)> {
        self.rows.iter().map(|((org, number), row)| (*org, *number, row))
    }

    /// Inserts or replaces a row.
    pub fn put(&mut self, org: OrgId, number: i64, row: T) {
        let old = self.rows.insert((org, number), row);
        self.undo.push(((org, number), old));
        self.changed.push((org, number));
    }

    fn keep(&mut self) {
        self.undo.clear();
    }

    fn undo(&mut self) {
        while let Some((key, old)) = self.undo.pop() {
            match old {
                Some(row) => self.rows.insert(key, row),
                None => self.rows.remove(&key),
            };
            self.changed.pop();
        }
    }

    fn take_changed(&mut self) -> Vec<(OrgId, i64, T)> {
        let mut keys = std::mem::take(&mut self.changed);
        keys.sort_unstable();
        keys.dedup();
        let row = |key: &Key| self.rows.get(key).map(|row| (key.0, key.1, row.clone()));
        keys.iter().filter_map(row).collect()
    }

    /// Forgets every row: those of the next batch are loaded anew.
    pub fn clear(&mut self) {
        self.rows.clear();
    }
}

/// A platform: the versions of its profile, and its test clock if it is a test platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    pub name: String,
    pub profiles: Versions,
    pub clock: Option<Timestamp>,
    /// Where the clock is being advanced to; set until every wallet has arrived.
    pub clock_target: Option<Timestamp>,
    /// Grows with every change of the price book, so that copies of it can be told apart.
    pub book_version: i64,
    pub created_at: Timestamp,
}

impl Platform {
    /// `advancing` until every wallet has arrived where the test clock goes, `ready` otherwise
    /// (rulings R21).
    pub const fn clock_state(&self) -> &'static str {
        if self.clock_target.is_some() { "advancing" } else { "ready" }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    pub platform: OrgId,
    pub name: String,
    /// Where its days and months are counted; its wallet has it too, to decide by.
    pub zone: Zone,
    pub created_at: Timestamp,
    /// From when on it takes no more commands (requirements N26).
    pub closed_at: Option<Timestamp>,
    /// When who it was was erased.
    pub erased_at: Option<Timestamp>,
}

/// What an API key may do (rulings A18).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Read one organization.
    Read,
    /// Report usage, place and resolve holds, start and stop runs of one organization.
    Usage,
    /// Everything a customer may do in one organization.
    Organization,
    /// Everything in a platform and all its organizations.
    Platform,
    /// Create platforms.
    Operator,
}

impl Role {
    pub const ALL: [Role; 5] =
        [Role::Read, Role::Usage, Role::Organization, Role::Platform, Role::Operator];

    pub const fn name(self) -> &'static str {
        match self {
            Role::Read => "read",
            Role::Usage => "usage",
            Role::Organization => "organization",
            Role::Platform => "platform",
            Role::Operator => "operator",
        }
    }

    pub fn from_name(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    pub number: i64,
    pub name: String,
    /// SHA-256 of the secret; the secret itself is shown once and kept nowhere.
    pub hash: Vec<u8>,
    pub role: Role,
    pub created_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

/// Hashes the ids of this crate: they are random already.
#[derive(Default)]
pub struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0.rotate_left(5) ^ u64::from(byte)).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }

    fn write_i64(&mut self, value: i64) {
        self.0 = value.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }
}

/// A map that is looked up and never walked, so that its order reaches nothing.
pub type IdMap<V> = HashMap<OrgId, V, BuildHasherDefault<IdHasher>>;

/// The keyed hash of (organization, source, event id).
pub type EventHash = u64;

/// A wallet in memory, and whether a store knows it as it is.
#[derive(Debug)]
struct Seat {
    wallet: Wallet,
    is_changed: bool,
}

/// Everything a batch decides over. The wallets and price books stay from batch to batch as the
/// owner's cache (rulings A1); all other rows are loaded for each batch.
#[derive(Default)]
pub struct Workset {
    wallets: IdMap<Seat>,
    changed_wallets: Vec<OrgId>,
    undo_wallets: Vec<(OrgId, Option<Wallet>, bool)>,
    books: BTreeMap<OrgId, Arc<PriceBook>>,
    pub platforms: Table<Platform>,
    pub organizations: Table<Organization>,
    pub api_keys: Table<ApiKey>,
    pub members: Table<Member>,
    pub member_names: Table<MemberName>,
    pub skus: Table<Sku>,
    pub prices: Table<Price>,
    pub discounts: Table<Discount>,
    pub grants: Table<Grant>,
    pub deposits: Table<Deposit>,
    pub arrivals: Table<Arrival>,
    pub refunds: Table<Refund>,
    pub disputes: Table<Dispute>,
    pub documents: Table<Document>,
    pub series: Table<Series>,
    pub parties: Table<Party>,
    pub methods: Table<PaymentMethod>,
    pub resources: Table<Resource>,
    /// By fingerprint in place of a number, because that is how they are looked for.
    pub label_sets: Table<LabelSet>,
    pub limits: Table<Limit>,
    pub runs: Table<Run>,
    pub holds: Table<Hold>,
    pub coupons: Table<Coupon>,
    pub claims: Table<Claim>,
    pub redemptions: Table<Redemption>,
    /// Journal rows that were loaded because a command has to look back, newest first.
    pub history: BTreeMap<OrgId, Vec<LedgerTransaction>>,
    /// How far the runs that fall due are loaded, where not all are.
    pub horizons: BTreeMap<OrgId, Horizon>,
    /// Usage events that were recorded in earlier batches and came again in this one.
    pub priors: BTreeMap<(OrgId, EventHash), Vec<Arc<LedgerTransaction>>>,
    recorded: HashMap<EventHash, usize, BuildHasherDefault<IdHasher>>,
    usage: Vec<(EventHash, i64)>,
    journal: Vec<Arc<LedgerTransaction>>,
    events: Vec<Event>,
    requests: Vec<Request>,
    erased: Vec<OrgId>,
    next_position: i64,
    mark: Mark,
}

/// Until when the runs of an organization are loaded that fall due by themselves: all of those that
/// fall due before, and some that do then. Never, where all are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Horizon {
    pub blocks: Timestamp,
    pub beats: Timestamp,
    pub reprices: Timestamp,
}

impl Default for Horizon {
    fn default() -> Horizon {
        Horizon { blocks: Timestamp::NEVER, beats: Timestamp::NEVER, reprices: Timestamp::NEVER }
    }
}

/// How far the append-only lists reached when the current command began.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    journal: usize,
    events: usize,
    requests: usize,
    erased: usize,
    next_position: i64,
    changed_wallets: usize,
}

/// What a batch changed, to be written in one transaction.
#[derive(Debug, Default)]
pub struct Changes {
    pub wallets: Vec<Wallet>,
    pub platforms: Vec<(OrgId, i64, Platform)>,
    pub organizations: Vec<(OrgId, i64, Organization)>,
    pub api_keys: Vec<(OrgId, i64, ApiKey)>,
    pub members: Vec<(OrgId, i64, Member)>,
    pub member_names: Vec<(OrgId, i64, MemberName)>,
    pub skus: Vec<(OrgId, i64, Sku)>,
    pub prices: Vec<(OrgId, i64, Price)>,
    pub discounts: Vec<(OrgId, i64, Discount)>,
    pub grants: Vec<(OrgId, i64, Grant)>,
    pub deposits: Vec<(OrgId, i64, Deposit)>,
    pub arrivals: Vec<(OrgId, i64, Arrival)>,
    pub refunds: Vec<(OrgId, i64, Refund)>,
    pub disputes: Vec<(OrgId, i64, Dispute)>,
    pub documents: Vec<(OrgId, i64, Document)>,
    pub series: Vec<(OrgId, i64, Series)>,
    pub parties: Vec<(OrgId, i64, Party)>,
    pub methods: Vec<(OrgId, i64, PaymentMethod)>,
    pub resources: Vec<(OrgId, i64, Resource)>,
    pub label_sets: Vec<(OrgId, i64, LabelSet)>,
    pub limits: Vec<(OrgId, i64, Limit)>,
    pub runs: Vec<(OrgId, i64, Run)>,
    pub holds: Vec<(OrgId, i64, Hold)>,
    pub coupons: Vec<(OrgId, i64, Coupon)>,
    pub claims: Vec<(OrgId, i64, Claim)>,
    pub redemptions: Vec<(OrgId, i64, Redemption)>,
    /// Shared with the answers of the commands that posted them.
    pub journal: Vec<Arc<LedgerTransaction>>,
    pub events: Vec<Event>,
    pub requests: Vec<Request>,
    /// Organizations whose texts are erased, all at once.
    pub erased: Vec<OrgId>,
    /// Usage events recorded, and where their charges stand.
    pub usage: Vec<(EventHash, i64)>,
}

impl Changes {
    /// Whether there is nothing to write. It names every field, so that none can be forgotten.
    pub fn is_empty(&self) -> bool {
        let Changes {
            wallets,
            platforms,
            organizations,
            api_keys,
            members,
            member_names,
            skus,
            prices,
            discounts,
            grants,
            deposits,
            arrivals,
            refunds,
            disputes,
            documents,
            series,
            parties,
            methods,
            resources,
            label_sets,
            limits,
            runs,
            holds,
            coupons,
            claims,
            redemptions,
            journal,
            events,
            requests,
            erased,
            usage,
        } = self;
        wallets.is_empty()
            && platforms.is_empty()
            && organizations.is_empty()
            && api_keys.is_empty()
            && members.is_empty()
            && member_names.is_empty()
            && skus.is_empty()
            && prices.is_empty()
            && discounts.is_empty()
            && grants.is_empty()
            && deposits.is_empty()
            && arrivals.is_empty()
            && refunds.is_empty()
            && disputes.is_empty()
            && documents.is_empty()
            && series.is_empty()
            && parties.is_empty()
            && methods.is_empty()
            && resources.is_empty()
            && label_sets.is_empty()
            && limits.is_empty()
            && runs.is_empty()
            && holds.is_empty()
            && coupons.is_empty()
            && claims.is_empty()
            && redemptions.is_empty()
            && journal.is_empty()
            && events.is_empty()
            && requests.is_empty()
            && erased.is_empty()
            && usage.is_empty()
    }
}

impl Workset {
    /// Where the next journal row of this lane will stand.
    pub fn set_next_position(&mut self, position: i64) {
        self.next_position = position;
        self.mark.next_position = position;
    }

    pub fn next_position(&self) -> i64 {
        self.next_position
    }

    pub fn load_wallet(&mut self, wallet: Wallet) {
        self.wallets.insert(wallet.org, Seat { wallet, is_changed: false });
    }

    pub fn has_wallet(&self, org: OrgId) -> bool {
        self.wallets.contains_key(&org)
    }

    pub fn wallet_count(&self) -> usize {
        self.wallets.len()
    }

    /// Forgets a wallet that a store knows as it is.
    pub fn drop_wallet(&mut self, org: OrgId) {
        self.wallets.remove(&org);
    }

    /// Forgets all wallets and books: the lane changed hands, or a commit is unknown.
    pub fn drop_caches(&mut self) {
        self.wallets.clear();
        self.books.clear();
        self.clear_rows();
    }

    /// Refuses what is asked of an organization that was closed.
    pub fn require_open(&self, org: OrgId) -> Result<(), Refusal> {
        if self.wallet(org)?.is_closed { Err(Refusal::OrganizationClosed) } else { Ok(()) }
    }

    pub fn wallet(&self, org: OrgId) -> Result<&Wallet, Refusal> {
        let seat = self.wallets.get(&org);
        seat.map(|seat| &seat.wallet).ok_or(Refusal::NotFound { kind: Kind::Organization })
    }

    /// The wallet to be changed by the current command.
    pub fn wallet_mut(&mut self, org: OrgId) -> Result<&mut Wallet, Refusal> {
        let seat = self.wallets.get_mut(&org);
        let seat = seat.ok_or(Refusal::NotFound { kind: Kind::Organization })?;
        if !self.undo_wallets.iter().any(|(undone, ..)| *undone == org) {
            self.undo_wallets.push((org, Some(seat.wallet.clone()), seat.is_changed));
        }
        if !seat.is_changed {
            seat.is_changed = true;
            self.changed_wallets.push(org);
        }
        Ok(&mut seat.wallet)
    }

    pub fn insert_wallet(&mut self, wallet: Wallet) {
        let org = wallet.org;
        self.undo_wallets.push((org, None, false));
        self.changed_wallets.push(org);
        self.wallets.insert(org, Seat { wallet, is_changed: true });
    }

    /// Notes that nothing watches this wallet, so that its change needs no review.
    pub fn skip_review(&mut self, org: OrgId) {
        if let Some(seat) = self.wallets.get_mut(&org) {
            seat.wallet.review_due = false;
        }
    }

    /// Organizations whose wallets this batch changed so far; some may be named twice.
    pub fn changed_wallets(&self) -> &[OrgId] {
        &self.changed_wallets
    }

    pub fn platform(&self, org: OrgId) -> Result<&Platform, Refusal> {
        self.platforms.find(Kind::Platform, org, 0)
    }

    /// The version of the profile that is in force for the wallet of `org`, at its own instant.
    pub fn profile_of(&self, org: OrgId) -> Result<Arc<Profile>, Refusal> {
        let wallet = self.wallet(org)?;
        Ok(Arc::clone(self.platform(wallet.platform)?.profiles.at(wallet.now)))
    }

    /// The version of the profile that was in force for the wallet of `org` at `at`.
    pub fn profile_at(&self, org: OrgId, at: Timestamp) -> Result<Arc<Profile>, Refusal> {
        let platform = self.wallet(org)?.platform;
        Ok(Arc::clone(self.platform(platform)?.profiles.at(at)))
    }

    /// Until when the runs of `org` that fall due are loaded.
    pub fn horizon(&self, org: OrgId) -> Horizon {
        self.horizons.get(&org).copied().unwrap_or_default()
    }

    pub fn book(&self, platform: OrgId) -> Option<&Arc<PriceBook>> {
        self.books.get(&platform)
    }

    pub fn set_book(&mut self, platform: OrgId, book: Arc<PriceBook>) {
        self.books.insert(platform, book);
    }

    pub(crate) fn append(&mut self, mut transaction: LedgerTransaction) -> &Arc<LedgerTransaction> {
        transaction.position = self.next_position;
        self.next_position += 1;
        self.journal.push(Arc::new(transaction));
        self.journal.last().expect("just pushed")
    }

    pub fn append_event(&mut self, event: Event) {
        self.events.push(event);
    }

    pub fn append_request(&mut self, request: Request) {
        self.requests.push(request);
    }

    /// Lets every text be erased that `org` wrote: names of resources, keys and payment methods,
    /// labels, notes, stored answers.
    pub fn erase_texts(&mut self, org: OrgId) {
        self.erased.push(org);
    }

    /// The transaction that recorded this usage event before, in this batch or an earlier one.
    pub fn prior(
        &self,
        org: OrgId,
        hash: EventHash,
        key: &EventKey,
    ) -> Option<&Arc<LedgerTransaction>> {
        let in_batch = self.recorded.get(&hash).and_then(|&index| self.journal.get(index));
        let mut before =
            in_batch.into_iter().chain(self.priors.get(&(org, hash)).into_iter().flatten());
        before.find(|row| row.org == org && row.event.as_ref() == Some(key))
    }

    /// Remembers that the last journal row recorded this usage event.
    pub fn remember_event(&mut self, hash: EventHash) {
        if let Some(row) = self.journal.last() {
            self.recorded.insert(hash, self.journal.len() - 1);
            self.usage.push((hash, row.position));
        }
    }

    /// Journal rows of this batch so far.
    pub fn journal(&self) -> &[Arc<LedgerTransaction>] {
        &self.journal
    }

    /// Events of this batch so far.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Requests that the current command made of the outside world.
    pub fn requests_of_command(&self) -> &[Request] {
        &self.requests[self.mark.requests..]
    }

    /// Takes the requests of the current command, to be answered within it: on a test clock rails
    /// and agents answer before time moves (rulings R7).
    pub fn take_requests_of_command(&mut self) -> Vec<Request> {
        self.requests.split_off(self.mark.requests)
    }

    /// Keeps what the current command did and begins the next one.
    pub fn keep_command(&mut self) {
        self.undo_wallets.clear();
        self.each_table(Keeper::Keep);
        self.mark = self.here();
    }

    /// Undoes everything since the last [`Workset::keep_command`].
    pub fn undo_command(&mut self) {
        while let Some((org, wallet, was_changed)) = self.undo_wallets.pop() {
            match wallet {
                Some(wallet) => {
                    self.wallets.insert(org, Seat { wallet, is_changed: was_changed });
                }
                None => {
                    self.wallets.remove(&org);
                }
            }
        }
        self.each_table(Keeper::Undo);
        self.journal.truncate(self.mark.journal);
        self.events.truncate(self.mark.events);
        self.requests.truncate(self.mark.requests);
        self.erased.truncate(self.mark.erased);
        self.changed_wallets.truncate(self.mark.changed_wallets);
        self.next_position = self.mark.next_position;
    }

    fn here(&self) -> Mark {
        Mark {
            journal: self.journal.len(),
            events: self.events.len(),
            requests: self.requests.len(),
            erased: self.erased.len(),
            next_position: self.next_position,
            changed_wallets: self.changed_wallets.len(),
        }
    }

    fn each_table(&mut self, keeper: Keeper) {
        keeper.table(&mut self.platforms);
        keeper.table(&mut self.organizations);
        keeper.table(&mut self.api_keys);
        keeper.table(&mut self.members);
        keeper.table(&mut self.member_names);
        keeper.table(&mut self.skus);
        keeper.table(&mut self.prices);
        keeper.table(&mut self.discounts);
        keeper.table(&mut self.grants);
        keeper.table(&mut self.deposits);
        keeper.table(&mut self.arrivals);
        keeper.table(&mut self.refunds);
        keeper.table(&mut self.disputes);
        keeper.table(&mut self.documents);
        keeper.table(&mut self.series);
        keeper.table(&mut self.parties);
        keeper.table(&mut self.methods);
        keeper.table(&mut self.resources);
        keeper.table(&mut self.label_sets);
        keeper.table(&mut self.limits);
        keeper.table(&mut self.runs);
        keeper.table(&mut self.holds);
        keeper.table(&mut self.coupons);
        keeper.table(&mut self.claims);
        keeper.table(&mut self.redemptions);
    }

    /// Takes everything the batch changed; the wallets stay as cache.
    pub fn take_changes(&mut self) -> Changes {
        let mut orgs = std::mem::take(&mut self.changed_wallets);
        orgs.sort_unstable();
        orgs.dedup();
        let mut wallets = Vec::with_capacity(orgs.len());
        for org in orgs {
            if let Some(seat) = self.wallets.get_mut(&org) {
                seat.is_changed = false;
                wallets.push(seat.wallet.clone());
            }
        }
        let changes = Changes {
            wallets,
            platforms: self.platforms.take_changed(),
            organizations: self.organizations.take_changed(),
            api_keys: self.api_keys.take_changed(),
            members: self.members.take_changed(),
            member_names: self.member_names.take_changed(),
            skus: self.skus.take_changed(),
            prices: self.prices.take_changed(),
            discounts: self.discounts.take_changed(),
            grants: self.grants.take_changed(),
            deposits: self.deposits.take_changed(),
            arrivals: self.arrivals.take_changed(),
            refunds: self.refunds.take_changed(),
            disputes: self.disputes.take_changed(),
            documents: self.documents.take_changed(),
            series: self.series.take_changed(),
            parties: self.parties.take_changed(),
            methods: self.methods.take_changed(),
            resources: self.resources.take_changed(),
            label_sets: self.label_sets.take_changed(),
            limits: self.limits.take_changed(),
            runs: self.runs.take_changed(),
            holds: self.holds.take_changed(),
            coupons: self.coupons.take_changed(),
            claims: self.claims.take_changed(),
            redemptions: self.redemptions.take_changed(),
            journal: std::mem::take(&mut self.journal),
            events: std::mem::take(&mut self.events),
            requests: std::mem::take(&mut self.requests),
            erased: std::mem::take(&mut self.erased),
            usage: std::mem::take(&mut self.usage),
        };
        self.recorded.clear();
        self.priors.clear();
        self.mark = self.here();
        changes
    }

    /// Forgets the rows that are loaded for each batch.
    pub fn clear_rows(&mut self) {
        self.each_table(Keeper::Clear);
        self.history.clear();
        self.horizons.clear();
    }
}

/// What to do with each table.
#[derive(Clone, Copy)]
enum Keeper {
    Keep,
    Undo,
    Clear,
}

impl Keeper {
    fn table<T: Clone>(self, table: &mut Table<T>) {
        match self {
            Keeper::Keep => table.keep(),
            Keeper::Undo => table.undo(),
            Keeper::Clear => table.clear(),
        }
    }
}
