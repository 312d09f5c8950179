//! Loading: what the commands of one batch decide over, fetched in bulk (rulings A2).
//!
//! Two rounds at most: what the commands name, and what the wallets and runs found there name.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::correct::reaches_back;
use domain::coupon::CouponCode;
use domain::run::{Run, StopReason};
use domain::time::SECONDS_PER_DAY;
use domain::wake::WakeNeeds;
use domain::workset::{Horizon, Key, Table};
use domain::{Amount, OrgId, Timestamp, Workset};
use store::key_runs::KeyBodies;
use store::keys::index::KeyIndex;
use store::keys::{KeyHash, ReadError};
use store::{StoreError, Writer};

use crate::door::Command;
use crate::operation::Keys;

/// Puts loaded rows into a table, leaving alone what the batch may have changed already.
fn fill<T: Clone>(table: &mut Table<T>, rows: Vec<(OrgId, i64, T)>) {
    for (org, number, row) in rows {
        if table.get(org, number).is_none() {
            table.load(org, number, row);
        }
    }
}

fn distinct<K: Ord>(mut keys: Vec<K>) -> Vec<K> {
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Loads everything that `commands` need into `ws`. `books` remembers which version of each price
/// book the workset holds; `now` is the wall clock.
pub(crate) fn load(
    writer: &mut Writer,
    ws: &mut Workset,
    books: &mut BTreeMap<OrgId, i64>,
    commands: &[Command],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut keys = Keys::default();
    let mut until: BTreeMap<OrgId, Timestamp> = BTreeMap::new();
    for command in commands {
        let operation = &command.operation;
        operation.needs(&mut keys);
        let ahead = operation.until().unwrap_or(Timestamp::ZERO);
        match until.entry(operation.org()) {
            Entry::Vacant(first) => {
                first.insert(ahead);
            }
            // What comes before a wake in one batch can bring what it looks at nearer than it is
            // now, so everything it may look at is loaded.
            Entry::Occupied(mut shared) if shared.get().max(&ahead) > &Timestamp::ZERO => {
                shared.insert(Timestamp::NEVER);
            }
            Entry::Occupied(_) => {}
        }
    }
    // What ends may be what would have been next to pay for a block.
    let mut ending: BTreeMap<OrgId, usize> = BTreeMap::new();
    keys.history.iter().for_each(|(org, _)| *ending.entry(*org).or_default() += 1);
    let orgs: Vec<OrgId> = until.keys().copied().collect();
    load_wallets(writer, ws, &orgs)?;
    load_limits(writer, ws, &orgs, std::mem::take(&mut keys.limits))?;
    // A deposit that is settled brings a bonus that waits for it.
    for wallet in orgs.iter().filter_map(|&org| ws.wallet(org).ok()) {
        keys.redemptions.extend(wallet.bonus_coupons.iter().map(|&coupon| (wallet.org, coupon)));
    }
    load_platforms(writer, ws, books, &orgs, std::mem::take(&mut keys.platforms))?;
    load_named(writer, ws, keys)?;
    let due: Vec<(OrgId, Timestamp)> = until.into_iter().collect();
    load_for_wakes(writer, ws, &due, now)?;
    load_named_labels(writer, ws)?;
    load_around_ending(writer, ws, &ending)
}

/// Loads what runs where value may come back to a grant for some SKUs only that was used up: the
/// wallet may have forgotten its scope.
fn load_for_scopes(writer: &mut Writer, ws: &mut Workset) -> Result<(), StoreError> {
    let scoped = ws.grants.iter().filter(|(_, _, grant)| grant.scope.is_some());
    let orgs: Vec<OrgId> = scoped.map(|(org, _, _)| org).collect();
    load_open_runs(writer, ws, &distinct(orgs))
}

/// Loads the runs around the next block of wallets in which runs are about to end: where one does,
/// it is seen which block is next then; where several do, all.
fn load_around_ending(
    writer: &mut Writer,
    ws: &mut Workset,
    ending: &BTreeMap<OrgId, usize>,
) -> Result<(), StoreError> {
    let mut blocks = Vec::new();
    for (&org, &count) in ending {
        let Ok(wallet) = ws.wallet(org) else { continue };
        if !wallet.blocks.is_empty() && ws.horizon(org).blocks != Timestamp::NEVER {
            let next = wallet.blocks.next_at().max(wallet.now);
            blocks.push((org, if count == 1 { next } else { Timestamp::NEVER }));
        }
    }
    load_due_runs(writer, ws, &DueRuns { blocks, ..DueRuns::default() })
}

fn load_wallets(writer: &mut Writer, ws: &mut Workset, orgs: &[OrgId]) -> Result<(), StoreError> {
    let missing: Vec<OrgId> = orgs.iter().copied().filter(|&org| !ws.has_wallet(org)).collect();
    if !missing.is_empty() {
        for wallet in store::wallets::load(writer, &missing)? {
            ws.load_wallet(wallet);
        }
    }
    Ok(())
}

/// Loads the limits of organizations that have any; most have none.
fn load_limits(
    writer: &mut Writer,
    ws: &mut Workset,
    orgs: &[OrgId],
    named: Vec<Key>,
) -> Result<(), StoreError> {
    let limited = |org: &OrgId| ws.wallet(*org).is_ok_and(|wallet| wallet.limit_count > 0);
    let limited: Vec<OrgId> = orgs.iter().copied().filter(limited).collect();
    if !limited.is_empty() {
        fill(&mut ws.limits, store::limits::load_present(writer, &limited)?);
    }
    if !named.is_empty() {
        fill(&mut ws.limits, store::limits::load(writer, &distinct(named))?);
    }
    Ok(())
}

/// Loads the sets of labels that holds and recorded events name, which limits go by.
fn load_named_labels(writer: &mut Writer, ws: &mut Workset) -> Result<(), StoreError> {
    let of_holds = ws.holds.iter().map(|(org, _, hold)| (org, hold.labels));
    let of_events = ws.priors.values().flatten().map(|row| (row.org, row.labels));
    let named: Vec<Key> = of_holds.chain(of_events).filter(|(_, labels)| *labels != 0).collect();
    if named.is_empty() {
        return Ok(());
    }
    fill(&mut ws.label_sets, store::label_sets::load_numbered(writer, &distinct(named))?);
    Ok(())
}

fn load_platforms(
    writer: &mut Writer,
    ws: &mut Workset,
    books: &mut BTreeMap<OrgId, i64>,
    orgs: &[OrgId],
    named: Vec<OrgId>,
) -> Result<(), StoreError> {
    let of_wallets = orgs.iter().filter_map(|&org| ws.wallet(org).ok()).map(|it| it.platform);
    let wanted: BTreeSet<OrgId> = of_wallets.chain(named).collect();
    let wanted: Vec<OrgId> =
        wanted.into_iter().filter(|&org| ws.platforms.get(org, 0).is_none()).collect();
    for (org, platform) in store::platforms::load(writer, &wanted)? {
        if books.get(&org) != Some(&platform.book_version) {
            let book = store::platforms::load_book(writer, org)?;
            ws.set_book(org, Arc::new(book));
            books.insert(org, platform.book_version);
        }
        ws.platforms.load(org, 0, platform);
    }
    Ok(())
}

fn load_named(writer: &mut Writer, ws: &mut Workset, keys: Keys) -> Result<(), StoreError> {
    let history = keys.history;
    fill(&mut ws.refunds, store::refunds::load(writer, &distinct(keys.refunds))?);
    if !keys.reported_refunds.is_empty() {
        let reported = distinct(keys.reported_refunds);
        fill(&mut ws.refunds, store::refunds::load_reported(writer, &reported)?);
    }
    if !keys.reported_disputes.is_empty() {
        let reported = distinct(keys.reported_disputes);
        fill(&mut ws.disputes, store::disputes::load_reported(writer, &reported)?);
    }
    let (mut grants, mut deposits) = (keys.grants, keys.deposits);
    load_arrivals(writer, ws, (keys.arrivals, keys.arrivals_of), &mut deposits)?;
    for (org, _, dispute) in ws.disputes.iter() {
        let parts = dispute.taken.iter().chain(&dispute.voided);
        grants.extend(parts.map(|part| (org, part.grant)));
    }
    for (org, _, refund) in ws.refunds.iter() {
        deposits.push((org, refund.deposit));
        let parts = refund.taken.iter().chain(&refund.voided);
        grants.extend(parts.map(|part| (org, part.grant)));
    }
    fill(&mut ws.deposits, store::deposits::load(writer, &distinct(deposits))?);
    grants.extend(ws.deposits.iter().filter_map(|(org, _, row)| Some((org, row.grant?))));
    for org in keys.open_grants {
        let Ok(wallet) = ws.wallet(org) else { continue };
        let upcoming = wallet.upcoming.iter().map(|it| &it.grant);
        grants.extend(wallet.grants.iter().chain(upcoming).map(|grant| (org, grant.number)));
    }
    fill(&mut ws.grants, store::grants::load(writer, &distinct(grants))?);
    fill(&mut ws.methods, store::payment_methods::load(writer, &distinct(keys.methods))?);
    fill(&mut ws.runs, store::runs::load(writer, &distinct(keys.runs))?);
    load_open_runs(writer, ws, &distinct(keys.open_runs))?;
    fill(&mut ws.holds, store::holds::load(writer, &distinct(keys.holds))?);
    if !keys.label_sets.is_empty() {
        let sets = store::label_sets::load(writer, &distinct(keys.label_sets))?;
        fill(&mut ws.label_sets, sets);
    }
    fill(&mut ws.api_keys, store::api_keys::load(writer, &distinct(keys.api_keys))?);
    load_members(writer, ws, keys.members, keys.all_members)?;
    if !keys.documents_about.is_empty() {
        let about = distinct(keys.documents_about);
        fill(&mut ws.documents, store::documents::load_about(writer, &about)?);
        fill(&mut ws.series, store::series::load_of(writer, &distinct(keys.series))?);
        fill(&mut ws.parties, store::parties::load(writer, &distinct(keys.parties))?);
    }
    if !keys.open_holds.is_empty() {
        fill(&mut ws.holds, store::holds::load_open(writer, &distinct(keys.open_holds))?);
    }
    load_for_closing(writer, ws, &distinct(keys.closing))?;
    load_coupons(writer, ws, keys.coupons, keys.claimants, keys.claims)?;
    fill(&mut ws.redemptions, store::redemptions::load(writer, &distinct(keys.redemptions))?);
    for org in keys.purchases {
        fill(&mut ws.deposits, store::deposits::first_paid(writer, org)?);
    }
    let mut resources = keys.resources;
    resources.extend(ws.runs.iter().map(|(org, _, run)| (org, run.resource)));
    fill(&mut ws.resources, store::resources::load(writer, &distinct(resources))?);
    load_gone_on(writer, ws)?;
    let mut earliest: BTreeMap<OrgId, Timestamp> = BTreeMap::new();
    for (org, since) in history {
        let first = earliest.entry(org).or_insert(since);
        *first = (*first).min(since);
    }
    for (org, since) in earliest {
        load_earlier_runs(writer, ws, org, since)?;
        load_history(writer, ws, org, since)?;
    }
    Ok(())
}

/// Loads what stands in the way of closing organizations, and what closing changes: all that is
/// open in them, the deposits that their credit came of, what documents name of them, their keys.
fn load_for_closing(
    writer: &mut Writer,
    ws: &mut Workset,
    orgs: &[OrgId],
) -> Result<(), StoreError> {
    if orgs.is_empty() {
        return Ok(());
    }
    for (org, organization) in store::organizations::load(writer, orgs)? {
        fill(&mut ws.organizations, vec![(org, 0, organization)]);
    }
    fill(&mut ws.deposits, store::deposits::load_unsettled(writer, orgs)?);
    fill(&mut ws.refunds, store::refunds::load_unsettled(writer, orgs)?);
    fill(&mut ws.disputes, store::disputes::load_undecided(writer, orgs)?);
    fill(&mut ws.holds, store::holds::load_open(writer, orgs)?);
    fill(&mut ws.api_keys, store::api_keys::load_unrevoked(writer, orgs)?);
    let came_of = ws.grants.iter().filter(|(org, ..)| orgs.contains(org));
    let came_of = came_of.filter_map(|(org, _, grant)| Some((org, grant.deposit?))).collect();
    fill(&mut ws.deposits, store::deposits::load(writer, &distinct(came_of))?);
    Ok(())
}

/// Loads every open run of `orgs`.
fn load_open_runs(writer: &mut Writer, ws: &mut Workset, orgs: &[OrgId]) -> Result<(), StoreError> {
    if orgs.is_empty() {
        return Ok(());
    }
    fill(&mut ws.runs, store::runs::load_open(writer, orgs)?);
    orgs.iter().for_each(|&org| {
        ws.horizons.insert(org, Horizon::default());
    });
    Ok(())
}

/// Loads the open runs that go on, at an announced price, for runs that were named.
fn load_gone_on(writer: &mut Writer, ws: &mut Workset) -> Result<(), StoreError> {
    let gone_on = ws.runs.iter().filter(|(.., run)| run.stop_reason == Some(StopReason::Repriced));
    let open = gone_on.filter_map(|(org, _, run)| {
        let resource = ws.resources.get(org, run.resource)?;
        resource.run.map(|run| (org, run))
    });
    let open: Vec<Key> = open.filter(|&(org, number)| ws.runs.get(org, number).is_none()).collect();
    fill(&mut ws.runs, store::runs::load(writer, &distinct(open))?);
    Ok(())
}

/// Loads the runs that the loaded ones of `org` go on for at announced prices, as far back as
/// `since`: an end that is reported late may lie in one of them. One more round for each price that
/// changed meanwhile.
fn load_earlier_runs(
    writer: &mut Writer,
    ws: &mut Workset,
    org: OrgId,
    since: Timestamp,
) -> Result<(), StoreError> {
    loop {
        let before = ws.runs.of(org).filter(|(_, run)| since < run.started_at);
        let before = before.filter_map(|(_, run)| Some((org, run.goes_on_for()?)));
        let missing: Vec<Key> =
            before.filter(|&(org, number)| ws.runs.get(org, number).is_none()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        fill(&mut ws.runs, store::runs::load(writer, &distinct(missing))?);
    }
}

/// Loads what came and is not what was asked for, and names what it was paid for.
fn load_arrivals(
    writer: &mut Writer,
    ws: &mut Workset,
    (named, of_deposits): (Vec<Key>, Vec<Key>),
    deposits: &mut Vec<Key>,
) -> Result<(), StoreError> {
    if !named.is_empty() {
        fill(&mut ws.arrivals, store::arrivals::load(writer, &distinct(named))?);
    }
    if !of_deposits.is_empty() {
        let of_deposits = distinct(of_deposits);
        fill(&mut ws.arrivals, store::arrivals::load_of_deposits(writer, &of_deposits)?);
    }
    deposits.extend(ws.arrivals.iter().map(|(org, _, arrival)| (org, arrival.deposit)));
    Ok(())
}

fn load_members(
    writer: &mut Writer,
    ws: &mut Workset,
    members: Vec<Key>,
    all_of: Vec<OrgId>,
) -> Result<(), StoreError> {
    if !members.is_empty() {
        fill(&mut ws.members, store::members::load(writer, &distinct(members))?);
    }
    if !all_of.is_empty() {
        let orgs = distinct(all_of);
        fill(&mut ws.members, store::members::load_all(writer, &orgs)?);
        fill(&mut ws.member_names, store::members::load_names(writer, &orgs)?);
    }
    Ok(())
}

/// A block is posted so long before it starts at most: its run was reported ahead of the clock.
const BLOCK_AHEAD_SECONDS: i64 = domain::profile::REPORTED_AHEAD_SECONDS_MAX + 1;

/// Loads the journal of `org` back to `since`, with the grants it names: what a run that ended
/// then, or ends now, may have to be given back.
fn load_history(
    writer: &mut Writer,
    ws: &mut Workset,
    org: OrgId,
    since: Timestamp,
) -> Result<(), StoreError> {
    let Ok(wallet) = ws.wallet(org).cloned() else { return Ok(()) };
    // What this batch has posted is in its workset, and not written yet.
    let posted = ws.journal().iter().find(|row| row.org == org);
    let written = posted.map_or(wallet.tip.position, |row| row.prev);
    let mut back_to = if wallet.blocks.is_empty() {
        since
    } else {
        since.min(wallet.now).plus_seconds(-BLOCK_AHEAD_SECONDS)
    };
    let is_posted = !wallet.blocks.is_empty() || since < wallet.settled_until;
    // Each run rounds by itself, and the time of all of them is posted rounded once.
    let ran = |run: &Run| run.cost_since(since, wallet.settled_until).minus(Amount::from_nanos(1));
    let accruing = ws.runs.of(org).filter(|(_, run)| run.paid.is_none());
    let ran: Amount = accruing.map(|(_, run)| ran(run)).sum();
    let rows = loop {
        let mut rows = Vec::new();
        if is_posted {
            rows = store::journal::history(writer, org, written, back_to)?;
        }
        // What is open now, or begins later, may be used up by what is settled before the
        // correction.
        let upcoming = wallet.upcoming.iter().map(|it| it.grant.number);
        let open = wallet.grants.iter().map(|grant| grant.number).chain(upcoming);
        let drawn = rows.iter().flat_map(|row| &row.postings);
        let unwritten = ws.journal().iter().filter(|row| row.org == org);
        let drawn = unwritten.flat_map(|row| &row.postings).chain(drawn).map(|part| part.grant);
        let named = open.chain(drawn).map(|grant| (org, grant)).collect();
        fill(&mut ws.grants, store::grants::load(writer, &distinct(named))?);
        let scope_of = |grant| ws.grants.get(org, grant).and_then(|it| it.scope.as_deref());
        let is_whole = rows.last().is_none_or(|row| row.prev == 0);
        if is_whole || reaches_back(&rows, (since, ran), scope_of) {
            break rows;
        }
        let looked_at = wallet.now.seconds_since(back_to).max(SECONDS_PER_DAY);
        back_to = back_to.plus_seconds(-looked_at);
    };
    if ws.history.get(&org).is_none_or(|known| known.len() < rows.len()) {
        ws.history.insert(org, rows);
    }
    Ok(())
}

/// Loads coupons by their codes, then the claims on them.
fn load_coupons(
    writer: &mut Writer,
    ws: &mut Workset,
    mut codes: Vec<(OrgId, CouponCode)>,
    claimants: Vec<(OrgId, CouponCode, OrgId)>,
    claims: Vec<Key>,
) -> Result<(), StoreError> {
    codes.sort_unstable();
    codes.dedup();
    fill(&mut ws.coupons, store::coupons::by_code(writer, &codes)?);
    fill(&mut ws.claims, store::claims::load(writer, &distinct(claims))?);
    let named = ws.claims.iter().map(|(org, _, claim)| (org, claim.coupon)).collect();
    fill(&mut ws.coupons, store::coupons::load(writer, &distinct(named))?);
    let mut wanted: Vec<(OrgId, i64, OrgId)> = Vec::new();
    for (platform, code, claimant) in claimants {
        let found = ws.coupons.of(platform).find(|(_, coupon)| coupon.code == code);
        wanted.extend(found.map(|(coupon, _)| (platform, coupon, claimant)));
    }
    wanted.sort_unstable();
    wanted.dedup();
    fill(&mut ws.claims, store::claims::of_claimants(writer, &wanted)?);
    Ok(())
}

/// Loads what waking these wallets may look at: their open runs where a stop can be due, those
/// whose block starts or that may be silent, their open holds where one can expire, the payment
/// method that an auto top-up would charge.
pub(crate) fn load_for_wakes(
    writer: &mut Writer,
    ws: &mut Workset,
    due: &[(OrgId, Timestamp)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let (mut runs, mut holds, mut methods) = (Vec::new(), Vec::new(), Vec::new());
    let (mut due_runs, mut waiting) = (DueRuns::default(), Vec::new());
    for &(org, until) in due {
        let Ok(wallet) = ws.wallet(org) else { continue };
        let Ok(platform) = ws.platform(wallet.platform) else { continue };
        let until = until.max(platform.clock.unwrap_or(now)).max(wallet.now);
        let needs = WakeNeeds::under(wallet, platform.profiles.between(wallet.now, until), until);
        // All that fall due before the next one does are loaded: none.
        let horizon = Horizon {
            blocks: wallet.blocks.next_at(),
            beats: wallet.next_beat,
            reprices: wallet.next_reprice,
        };
        ws.horizons.entry(org).or_insert(horizon);
        if needs.open_runs {
            runs.push(org);
        } else if needs.due_blocks {
            due_runs.blocks.push((org, until));
        }
        if needs.due_beats {
            due_runs.beats.push((org, until));
        }
        if needs.due_reprices {
            due_runs.reprices.push((org, until));
        }
        if needs.open_holds {
            holds.push(org);
        }
        methods.extend(needs.payment_method.map(|method| (org, method)));
        waiting.extend(needs.waiting_deposit.map(|deposit| (org, deposit)));
    }
    waiting.retain(|&(org, number)| ws.deposits.get(org, number).is_none());
    if !waiting.is_empty() {
        fill(&mut ws.deposits, store::deposits::load(writer, &distinct(waiting.clone()))?);
        let charged = waiting
            .iter()
            .filter_map(|&(org, number)| ws.deposits.get(org, number).map(|row| (org, row)));
        methods.extend(charged.filter_map(|(org, row)| Some((org, row.method?))));
    }
    methods.retain(|&(org, number)| ws.methods.get(org, number).is_none());
    if !runs.is_empty() {
        fill(&mut ws.runs, store::runs::load_open(writer, &runs)?);
        runs.iter().for_each(|&org| ws.horizons.entry(org).or_default().blocks = Timestamp::NEVER);
    }
    load_due_runs(writer, ws, &due_runs)?;
    if !(runs.is_empty() && due_runs.is_empty()) {
        let open = ws.runs.iter().map(|(org, _, run)| (org, run.resource));
        let resources: Vec<Key> =
            open.filter(|&(org, number)| ws.resources.get(org, number).is_none()).collect();
        fill(&mut ws.resources, store::resources::load(writer, &distinct(resources))?);
    }
    if !holds.is_empty() {
        fill(&mut ws.holds, store::holds::load_open(writer, &holds)?);
        load_named_labels(writer, ws)?;
    }
    fill(&mut ws.methods, store::payment_methods::load(writer, &distinct(methods))?);
    load_for_scopes(writer, ws)
}

/// Organizations in which runs fall due by themselves, and until when they are looked at.
#[derive(Default)]
struct DueRuns {
    blocks: Vec<(OrgId, Timestamp)>,
    beats: Vec<(OrgId, Timestamp)>,
    reprices: Vec<(OrgId, Timestamp)>,
}

impl DueRuns {
    fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.beats.is_empty() && self.reprices.is_empty()
    }
}

/// Loads the runs whose block starts, that are given up without a beat, or that go on at an
/// announced price, until the instants named, and notes for each organization how far all of them
/// are loaded.
fn load_due_runs(writer: &mut Writer, ws: &mut Workset, due: &DueRuns) -> Result<(), StoreError> {
    let DueRuns { blocks, beats, reprices } = due;
    let beyond = |rows: &[(OrgId, i64, Run)], org, until, due: fn(&Run) -> Timestamp| {
        let of_org = rows.iter().filter(|row| row.0 == org).map(|row| due(&row.2));
        of_org.filter(|&due| due > until).min().unwrap_or(Timestamp::NEVER)
    };
    if !blocks.is_empty() {
        let rows = store::runs::load_due_blocks(writer, blocks)?;
        for &(org, until) in blocks {
            let horizon = beyond(&rows, org, until, Run::next_block);
            ws.horizons.entry(org).or_default().blocks = horizon;
        }
        fill(&mut ws.runs, rows);
    }
    if !beats.is_empty() {
        let rows = store::runs::load_due_beats(writer, beats)?;
        for &(org, until) in beats {
            let horizon = beyond(&rows, org, until, Run::beat_due);
            ws.horizons.entry(org).or_default().beats = horizon;
        }
        fill(&mut ws.runs, rows);
        for &(org, until) in beats {
            // Those that were started in this batch are silent, too.
            let silent = ws.runs.of(org).filter(|(_, run)| run.beat_due() <= until);
            let since = silent.filter_map(|(_, run)| run.heartbeat).map(|it| it.beat_at).min();
            if let Some(since) = since.map(Timestamp::floor_to_second) {
                load_earlier_runs(writer, ws, org, since)?;
                load_history(writer, ws, org, since)?;
            }
        }
    }
    if !reprices.is_empty() {
        let rows = store::runs::load_due_reprices(writer, reprices)?;
        for &(org, until) in reprices {
            let horizon = beyond(&rows, org, until, Run::reprice_due);
            ws.horizons.entry(org).or_default().reprices = horizon;
        }
        fill(&mut ws.runs, rows);
    }
    Ok(())
}

/// Finds the usage events of this batch that were recorded before. What the key index finds is
/// confirmed in the journal, so that nothing is taken for a duplicate by chance.
pub(crate) fn load_priors(
    writer: &mut Writer,
    ws: &mut Workset,
    index: &mut KeyIndex,
    lane: i64,
    commands: &[Command],
) -> Result<(), StoreError> {
    let events: Vec<(OrgId, u64)> = commands
        .iter()
        .flat_map(|command| {
            let operation = &command.operation;
            let hashes = [operation.event(), operation.looks_back()];
            hashes.into_iter().flatten().map(|hash| (operation.org(), hash))
        })
        .collect();
    if events.is_empty() {
        return Ok(());
    }
    let hashes: Vec<KeyHash> = events.iter().map(|&(_, hash)| KeyHash::from_bits(hash)).collect();
    let mut bodies = KeyBodies::new(writer, lane);
    let found = index.probe(&hashes, &mut bodies).map_err(read_error)?;
    if found.is_empty() {
        return Ok(());
    }
    let places = found.iter().map(|found| (events[found.key].0.bucket(), found.position));
    let places: Vec<(i64, i64)> = places.collect();
    let rows = store::journal::load(writer, &places)?;
    for found in found {
        let (org, hash) = events[found.key];
        let row = rows.iter().find(|row| row.position == found.position && row.org == org);
        if let Some(row) = row {
            ws.priors.entry((org, hash)).or_default().push(Arc::new(row.clone()));
        }
    }
    let mut drawn = Vec::new();
    for command in commands {
        let Some(hash) = command.operation.looks_back() else { continue };
        let org = command.operation.org();
        let rows = ws.priors.get(&(org, hash)).into_iter().flatten();
        drawn.extend(rows.flat_map(|row| &row.postings).map(|posting| (org, posting.grant)));
    }
    if !drawn.is_empty() {
        fill(&mut ws.grants, store::grants::load(writer, &distinct(drawn))?);
    }
    // What was absorbed or became debt whole has drawn from no grant, and has labels all the same.
    load_named_labels(writer, ws)
}

/// Damage to a sorted run stops the lane: guessing would charge twice.
pub(crate) fn read_error(error: ReadError<StoreError>) -> StoreError {
    match error {
        ReadError::Read(error) => error,
        ReadError::Damaged(damaged) => StoreError::Corrupt(damaged.to_string()),
    }
}
