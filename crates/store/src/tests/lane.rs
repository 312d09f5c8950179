//! What a lane may do and what stops it: ownership, wakes, walks, the index and sorted runs.

use domain::calendar::Zone;
use domain::ledger::ChainTip;
use domain::wallet::Wallet;
use domain::workset::Organization;
use domain::{OrgId, Timestamp};

use super::Stand;
use super::random::Random;
use crate::key_runs::{self, KeyBodies};
use crate::keys::index::{KeyIndex, KeyLimits};
use crate::keys::merge::MergeTask;
use crate::keys::{KeyHash, RunReader};
use crate::statement::{Statement, catalogue};
use crate::{
    Batch, LaneRow, Saved, StoreError, Writer, index, journal, lanes, meta, organizations, save,
    wakes,
};

pub(super) const OWNER: &str = "replica-1";
pub(super) const EPOCH: i64 = 1;

catalogue! {
    COUNT_BODIES: Statement = Statement::new(
        "SELECT (SELECT count(*) FROM key_chunks) + (SELECT count(*) FROM key_filters)"
    );
    INDEXED: Statement = Statement::new(
        "SELECT org_id, number, position FROM journal_index ORDER BY position"
    );
}

promises! {
    conform_a_lane_is_taken_by_one
    conform_who_lost_the_lane_writes_nothing
    conform_another_owners_rows_are_told_from_a_mistake
    conform_the_number_of_lanes_is_fixed
    conform_replicas_are_heard_and_forgotten
    conform_wakes_are_set_moved_and_cleared
    conform_history_walks_back_to_an_instant
    conform_the_tail_of_keys_is_read_in_order
    conform_the_index_follows_the_journal
    conform_sorted_runs_are_kept_and_forgotten
    conform_the_secret_is_the_first_one
}

/// The store's writer, owning the only lane.
pub(super) fn owned(stand: &Stand) -> Writer {
    let mut w = stand.store.writer().unwrap();
    lanes::prepare(&mut w, 1).unwrap();
    let epoch = lanes::take(&mut w, 0, 0, OWNER, "here", Timestamp::ZERO).unwrap();
    assert_eq!(epoch, Some(EPOCH));
    w
}

fn saved(w: &mut Writer, batch: &Batch) {
    let kept = w.transaction(|w| save(w, batch, 0, OWNER, EPOCH)).unwrap();
    assert_eq!(kept, Saved::Kept);
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn conform_a_lane_is_taken_by_one(stand: &Stand) {
    let mut w = owned(stand);
    assert_eq!(lanes::take(&mut w, 0, 0, "other", "there", at(1)).unwrap(), None);
    assert!(lanes::beat(&mut w, 0, OWNER, EPOCH, at(5)).unwrap());
    let row = LaneRow {
        lane: 0,
        owner: OWNER.to_owned(),
        address: "here".to_owned(),
        epoch: 1,
        position: 0,
        heartbeat: at(5),
    };
    assert_eq!(lanes::all(&mut w).unwrap(), [row]);
    assert_eq!(lanes::take(&mut w, 0, 1, "other", "there", at(9)).unwrap(), Some(2));
    assert!(!lanes::beat(&mut w, 0, OWNER, EPOCH, at(9)).unwrap());
    lanes::release(&mut w, 0, OWNER, EPOCH).unwrap();
    assert_eq!(lanes::all(&mut w).unwrap()[0].owner, "other");
    lanes::release(&mut w, 0, "other", 2).unwrap();
    let row = lanes::all(&mut w).unwrap().remove(0);
    assert_eq!((row.owner.as_str(), row.address.as_str(), row.epoch), ("", "", 2));
}

/// A batch of one organization and `numbers.len()` journal rows.
fn small(org: OrgId, positions: &[i64]) -> Batch {
    let mut batch = Batch::default();
    let row = |position: &i64| Random(3).transaction(org, *position).into();
    batch.changes.journal = positions.iter().map(row).collect();
    let (name, zone) = ("Acme".to_owned(), Zone::UTC);
    let organization = Organization {
        platform: org,
        name,
        zone,
        created_at: at(1),
        closed_at: None,
        erased_at: None,
    };
    batch.changes.organizations = vec![(org, 0, organization)];
    batch
}

fn conform_who_lost_the_lane_writes_nothing(stand: &Stand) {
    let mut w = owned(stand);
    let org = OrgId::new(1, 5 << 11);
    for (owner, epoch) in [(OWNER, EPOCH + 1), ("other", EPOCH)] {
        w.begin().unwrap();
        let done = save(&mut w, &small(org, &[1, 2]), 0, owner, epoch).unwrap();
        assert_eq!(done, Saved::NotOwner);
        assert_eq!(organizations::load(&mut w, &[org]).unwrap(), []);
        assert_eq!(journal::load(&mut w, &[(1, 1), (1, 2)]).unwrap(), []);
        assert_eq!(lanes::all(&mut w).unwrap()[0].position, 0);
    }
    saved(&mut w, &small(org, &[1, 2]));
    assert_eq!(lanes::all(&mut w).unwrap()[0].position, 2);
    assert_eq!(journal::load(&mut w, &[(1, 1), (1, 2)]).unwrap().len(), 2);
}

fn conform_another_owners_rows_are_told_from_a_mistake(stand: &Stand) {
    let mut w = owned(stand);
    let org = OrgId::new(1, 5 << 11);
    saved(&mut w, &small(org, &[1]));
    w.begin().unwrap();
    let error = save(&mut w, &small(org, &[1]), 0, OWNER, EPOCH).unwrap_err();
    assert!(matches!(error, StoreError::Duplicate(_)), "{error}");
    assert_eq!(lanes::take(&mut w, 0, 1, "other", "there", at(9)).unwrap(), Some(2));
    w.begin().unwrap();
    let done = save(&mut w, &small(org, &[1]), 0, OWNER, EPOCH).unwrap();
    assert_eq!(done, Saved::NotOwner);
}

fn conform_the_number_of_lanes_is_fixed(stand: &Stand) {
    let mut w = stand.store.writer().unwrap();
    lanes::prepare(&mut w, 4).unwrap();
    lanes::prepare(&mut w, 4).unwrap();
    let lanes_found: Vec<i64> = lanes::all(&mut w).unwrap().iter().map(|row| row.lane).collect();
    assert_eq!(lanes_found, [0, 1, 2, 3]);
    let error = lanes::prepare(&mut w, 8).unwrap_err();
    assert!(error.to_string().contains("the store has 4 lanes, not 8"), "{error}");
}

fn conform_replicas_are_heard_and_forgotten(stand: &Stand) {
    let mut w = stand.store.writer().unwrap();
    lanes::beat_replica(&mut w, "a", "one", at(1)).unwrap();
    lanes::beat_replica(&mut w, "b", "two", at(2)).unwrap();
    lanes::beat_replica(&mut w, "a", "three", at(3)).unwrap();
    assert_eq!(lanes::forget_replicas(&mut w, at(3)).unwrap(), 1);
    let [one] = &lanes::replicas(&mut w).unwrap()[..] else { panic!("not one replica") };
    assert_eq!((one.id.as_str(), one.address.as_str(), one.heartbeat), ("a", "three", at(3)));
}

fn conform_wakes_are_set_moved_and_cleared(stand: &Stand) {
    let mut w = owned(stand);
    let org = |bucket| OrgId::new(bucket, 77 << 11);
    let set = |w: &mut Writer, wakes: Vec<wakes::Wake>| {
        saved(w, &Batch { wakes, ..Batch::default() });
    };
    let (live, test) = (None, Some(org(9)));
    set(&mut w, vec![(org(0), live, at(30)), (org(1), live, at(10)), (org(2), live, at(20))]);
    set(&mut w, vec![(org(4), test, at(2)), (org(6), test, at(1)), (org(8), live, at(1))]);
    let due = |w: &mut Writer, lane, count, until: i64, limit| {
        wakes::due_live(w, lane, count, at(until), limit).unwrap()
    };
    assert_eq!(due(&mut w, 0, 2, 20, 9), [(org(8), at(1)), (org(2), at(20))]);
    assert_eq!(due(&mut w, 1, 2, 20, 9), [(org(1), at(10))]);
    assert_eq!(due(&mut w, 0, 1, 99, 2), [(org(8), at(1)), (org(1), at(10))]);
    let never = Timestamp::NEVER;
    set(&mut w, vec![(org(8), live, never), (org(7), live, never), (org(2), live, at(50))]);
    assert_eq!(due(&mut w, 0, 2, 40, 9), [(org(0), at(30))]);
    let on_test_clock = |platform, until: i64, limit| {
        let due = wakes::due_on_test_clock(&stand.store, platform, at(until), limit);
        stand.runtime.block_on(due).unwrap()
    };
    assert_eq!(on_test_clock(org(9), 2, 9), [org(6), org(4)]);
    assert_eq!(on_test_clock(org(9), 9, 1), [org(6)]);
    assert_eq!(on_test_clock(org(9), 1, 9), [org(6)]);
    assert_eq!(on_test_clock(org(3), 9, 9), []);
}

/// Rows of two organizations in turn, one every second; the wallets stand at their last ones.
fn chains(w: &mut Writer, count: i64) -> [Wallet; 2] {
    let mut random = Random(21);
    let orgs = [random.org(), random.org()];
    let mut wallets = orgs.map(|org| Wallet::new(org, org, at(0)));
    let mut batch = Batch::default();
    for position in 1..=count {
        let wallet = &mut wallets[usize::try_from(position % 2).unwrap()];
        let mut row = random.transaction(wallet.org, position);
        (row.number, row.prev) = (wallet.tip.number + 1, wallet.tip.position);
        row.at = at(position);
        wallet.tip = ChainTip { number: row.number, position, hash: row.hash };
        batch.changes.journal.push(row.into());
    }
    saved(w, &batch);
    wallets
}

fn conform_history_walks_back_to_an_instant(stand: &Stand) {
    let mut w = owned(stand);
    let [even, odd] = chains(&mut w, 1_500);
    let positions = |w: &mut Writer, wallet: &Wallet, since| -> Vec<i64> {
        let rows = journal::history(w, wallet.org, wallet.tip.position, since).unwrap();
        assert!(rows.iter().all(|row| row.org == wallet.org));
        rows.iter().map(|row| row.position).collect()
    };
    assert_eq!(positions(&mut w, &even, at(1_495)), [1_500, 1_498, 1_496, 1_494]);
    assert_eq!(positions(&mut w, &even, at(1_496)), [1_500, 1_498, 1_496]);
    assert_eq!(positions(&mut w, &odd, at(9_999)), [1_499]);
    let all: Vec<i64> = (1..=1_499).rev().step_by(2).collect();
    assert_eq!(positions(&mut w, &odd, at(0)), all);
    assert_eq!(positions(&mut w, &odd, at(1)), all);
    let new = Wallet::new(even.org, even.org, at(0));
    assert_eq!(positions(&mut w, &new, at(0)), []);
}

fn conform_the_tail_of_keys_is_read_in_order(stand: &Stand) {
    let mut w = owned(stand);
    let [even, odd] = chains(&mut w, 300);
    let mut rows = Vec::new();
    for wallet in [&even, &odd] {
        rows.extend(journal::history(&mut w, wallet.org, wallet.tip.position, at(0)).unwrap());
    }
    let key = |row: &domain::ledger::LedgerTransaction| {
        let event = row.event.as_ref()?;
        Some((row.position, row.org, event.source.clone(), event.id.clone()))
    };
    let mut expected: Vec<_> = rows.iter().filter_map(key).collect();
    expected.sort();
    for (from, max) in [(0, 7), (0, 1_000), (123, 1)] {
        let (mut found, mut above) = (Vec::new(), from);
        loop {
            let keys = journal::tail(&mut w, 0, 1, above, max).unwrap();
            let Some(last) = keys.last() else { break };
            above = last.0;
            found.extend(keys);
        }
        let expected: Vec<_> = expected.iter().filter(|key| key.0 > from).cloned().collect();
        assert_eq!(found, expected, "from {from}, {max} rows at once");
    }
}

fn conform_the_index_follows_the_journal(stand: &Stand) {
    let mut w = owned(stand);
    let mut index_writer = stand.store.index_writer().unwrap();
    let step = |index_writer: &mut Writer| {
        index::step(index_writer, &stand.store, stand.runtime.handle(), 0, 1, 40).unwrap()
    };
    assert_eq!(step(&mut index_writer), 0);
    let wallets = chains(&mut w, 100);
    let steps = [(); 4].map(|()| step(&mut index_writer));
    assert_eq!(steps, [40, 40, 20, 0]);
    assert_eq!(index::watermark(&mut index_writer, 0).unwrap(), 100);
    let rows = index_writer.query(&INDEXED, &[]).unwrap();
    assert_eq!(rows.len(), 100);
    for (row, position) in rows.iter().zip(1..) {
        let wallet = &wallets[usize::try_from(position % 2).unwrap()];
        let found = (row.org(0).unwrap(), row.int(1).unwrap(), row.int(2).unwrap());
        assert_eq!(found, (wallet.org, (position + 1) / 2, position));
    }
}

/// Writes a task to the end and makes it answer.
fn complete(mut task: MergeTask, index: &mut KeyIndex, w: &mut Writer) {
    let row = task.row();
    key_runs::save_row(w, 0, &row).unwrap();
    while !task.is_finished() {
        let pieces = task.step(&mut KeyBodies::new(w, 0)).unwrap();
        w.transaction(|w| key_runs::save_pieces(w, 0, row.run, &pieces)).unwrap();
    }
    let finished = task.into_finished().unwrap_or_else(|_| panic!("not finished"));
    w.transaction(|w| key_runs::switch(w, 0, finished.switch())).unwrap();
    drop(index.install(finished));
}

fn conform_sorted_runs_are_kept_and_forgotten(stand: &Stand) {
    let mut lane = stand.store.writer().unwrap();
    let mut behind = stand.store.index_writer().unwrap();
    let limits = KeyLimits { tail_keys: 2_000, filter_bytes_max: 1 << 20 };
    let (mut index, mut random) = (KeyIndex::open(limits, &[]), Random(4));
    let hashes: Vec<KeyHash> = (0..4_000).map(|_| KeyHash::from_bits(random.bits())).collect();
    for (hash, position) in hashes.iter().zip(1..) {
        index.insert(*hash, position);
        if index.seal_due() {
            let task = index.begin_seal(position).unwrap();
            complete(task, &mut index, &mut behind);
        }
    }
    let expected = index.probe(&hashes, &mut KeyBodies::new(&mut lane, 0)).unwrap();
    assert_eq!(expected.len(), 4_000);
    let task = index.next_merge(0).unwrap();
    complete(task, &mut index, &mut behind);
    let rows = key_runs::rows(&mut behind, 0).unwrap();
    let states: Vec<&str> = rows.iter().map(|row| row.state.as_text()).collect();
    assert_eq!(states, ["dropped", "dropped", "live"]);
    while !key_runs::rows(&mut behind, 0).unwrap()[0].run.eq(&3) {
        let run = key_runs::rows(&mut behind, 0).unwrap()[0].run;
        behind.transaction(|w| key_runs::forget(w, 0, run, 3)).unwrap();
    }
    let live = &rows[2];
    let bodies = behind.query(&COUNT_BODIES, &[]).unwrap()[0].int(0).unwrap();
    assert!(u64::try_from(bodies).unwrap() > live.chunks && bodies < 30, "{bodies} bodies");
    let mut opened = KeyIndex::open(limits, &key_runs::rows(&mut lane, 0).unwrap());
    opened.load(&mut KeyBodies::new(&mut lane, 0)).unwrap();
    assert_eq!(opened.probe(&hashes, &mut KeyBodies::new(&mut lane, 0)).unwrap(), expected);
    let missing = [crate::keys::Address { run: 1, number: 0 }];
    assert_eq!(KeyBodies::new(&mut lane, 0).chunks(&missing).unwrap(), [Vec::<u8>::new()]);
    // The lane reads the index while it is in a transaction of its own, beside the index writer.
    lane.begin().unwrap();
    assert_eq!(opened.probe(&hashes, &mut KeyBodies::new(&mut lane, 0)).unwrap(), expected);
    behind.transaction(|w| key_runs::forget(w, 1, 1, 3)).unwrap();
    lane.commit().unwrap();
}

fn conform_the_secret_is_the_first_one(stand: &Stand) {
    let mut w = stand.store.writer().unwrap();
    assert_eq!(meta::secret(&mut w, [7; 16]).unwrap(), [7; 16]);
    assert_eq!(meta::secret(&mut w, [8; 16]).unwrap(), [7; 16]);
}
