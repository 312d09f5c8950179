//! Loading: what the commands of one batch decide over, fetched in bulk (rulings A2).
//!
//! Two rounds at most: what the commands name, and what the wallets and runs found there name.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::coupon::CouponCode;
use domain::wake::WakeNeeds;
use domain::workset::{Key, Table};
use domain::{OrgId, Timestamp, Workset};
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
    let orgs: Vec<OrgId> = until.keys().copied().collect();
    load_wallets(writer, ws, &orgs)?;
    // A deposit that is settled brings a bonus that waits for it.
    for wallet in orgs.iter().filter_map(|&org| ws.wallet(org).ok()) {
        keys.redemptions.extend(wallet.bonus_coupons.iter().map(|&coupon| (wallet.org, coupon)));
    }
    load_platforms(writer, ws, books, &orgs, std::mem::take(&mut keys.platforms))?;
    load_named(writer, ws, keys)?;
    let due: Vec<(OrgId, Timestamp)> = until.into_iter().collect();
    load_for_wakes(writer, ws, &due, now)
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
        let open = ws.wallet(org).into_iter().flat_map(|wallet| wallet.grants.iter());
        grants.extend(open.map(|grant| (org, grant.number)));
    }
    fill(&mut ws.grants, store::grants::load(writer, &distinct(grants))?);
    fill(&mut ws.methods, store::payment_methods::load(writer, &distinct(keys.methods))?);
    fill(&mut ws.runs, store::runs::load(writer, &distinct(keys.runs))?);
    fill(&mut ws.holds, store::holds::load(writer, &distinct(keys.holds))?);
    fill(&mut ws.api_keys, store::api_keys::load(writer, &distinct(keys.api_keys))?);
    load_coupons(writer, ws, keys.coupons, keys.claimants, keys.claims)?;
    fill(&mut ws.redemptions, store::redemptions::load(writer, &distinct(keys.redemptions))?);
    for org in keys.purchases {
        fill(&mut ws.deposits, store::deposits::first_paid(writer, org)?);
    }
    let mut resources = keys.resources;
    resources.extend(ws.runs.iter().map(|(org, _, run)| (org, run.resource)));
    fill(&mut ws.resources, store::resources::load(writer, &distinct(resources))?);
    let mut earliest: BTreeMap<OrgId, Timestamp> = BTreeMap::new();
    for (org, since) in history {
        let first = earliest.entry(org).or_insert(since);
        *first = (*first).min(since);
    }
    for (org, since) in earliest {
        let Ok(wallet) = ws.wallet(org).cloned() else { continue };
        let rows = if since < wallet.settled_until {
            store::journal::history(writer, &wallet, since)?
        } else {
            Vec::new()
        };
        // What is open now may be used up by what is settled before the correction.
        let open = wallet.grants.iter().map(|grant| grant.number);
        let drawn = rows.iter().flat_map(|row| &row.postings).map(|part| part.grant);
        let named = open.chain(drawn).map(|grant| (org, grant)).collect();
        fill(&mut ws.grants, store::grants::load(writer, &distinct(named))?);
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

/// Loads what waking these wallets may look at: their open runs where a stop can be due, their open
/// holds where one can expire, the payment method that an auto top-up would charge.
pub(crate) fn load_for_wakes(
    writer: &mut Writer,
    ws: &mut Workset,
    due: &[(OrgId, Timestamp)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let (mut runs, mut holds, mut methods) = (Vec::new(), Vec::new(), Vec::new());
    for &(org, until) in due {
        let (Ok(wallet), Ok(profile)) = (ws.wallet(org), ws.profile_of(org)) else { continue };
        let clock = ws.platform(wallet.platform).ok().and_then(|platform| platform.clock);
        let until = until.max(clock.unwrap_or(now)).max(wallet.now);
        let needs = WakeNeeds::of(wallet, &profile, until);
        if needs.open_runs {
            runs.push(org);
        }
        if needs.open_holds {
            holds.push(org);
        }
        methods.extend(needs.payment_method.map(|method| (org, method)));
    }
    methods.retain(|&(org, number)| ws.methods.get(org, number).is_none());
    if !runs.is_empty() {
        fill(&mut ws.runs, store::runs::load_open(writer, &runs)?);
        let open = ws.runs.iter().map(|(org, _, run)| (org, run.resource));
        let resources: Vec<Key> =
            open.filter(|&(org, number)| ws.resources.get(org, number).is_none()).collect();
        fill(&mut ws.resources, store::resources::load(writer, &distinct(resources))?);
    }
    if !holds.is_empty() {
        fill(&mut ws.holds, store::holds::load_open(writer, &holds)?);
    }
    fill(&mut ws.methods, store::payment_methods::load(writer, &distinct(methods))?);
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
    Ok(())
}

/// Damage to a sorted run stops the lane: guessing would charge twice.
pub(crate) fn read_error(error: ReadError<StoreError>) -> StoreError {
    match error {
        ReadError::Read(error) => error,
        ReadError::Damaged(damaged) => StoreError::Corrupt(damaged.to_string()),
    }
}
