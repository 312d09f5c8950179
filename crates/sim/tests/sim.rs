//! A short part of the simulation, and what `verify` has to find.

use std::path::Path;

use domain::{OrgId, Timestamp};
use sim::command::{Action, Rail, Step};
use sim::play::{self, Stage};
use store::testkit::tamper;
use store::{Fault, Store, StoreUrl};

/// Seeds of the short run on the domain; `SIM_SEEDS=1000` plays more.
const SEEDS: u64 = 60;
/// Seeds of the short run on a store.
const STORE_SEEDS: u64 = 3;
const STEPS: usize = 120;
const UNIT: i64 = 1_000_000_000;
const ON_STORE: Stage = Stage::Store { at: 0, fault: Fault::Die };

fn seeds() -> u64 {
    std::env::var("SIM_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS)
}

fn check(seed: u64, steps: usize, stage: Stage) {
    if let Err(found) = play::seed(seed, steps, stage) {
        panic!("seed {seed} on {stage:?}: {}", found.what);
    }
}

#[test]
fn engine_and_auditor_agree() {
    (1..=seeds()).for_each(|seed| check(seed, STEPS, Stage::Domain));
}

#[test]
fn engine_and_auditor_agree_on_a_store() {
    (1..=STORE_SEEDS).for_each(|seed| check(seed, STEPS, ON_STORE));
}

/// These found mistakes once: a grant voided when it was used up, a run that had yet to begin and
/// paid for others, blocks behind an unanswered top-up, a dispute that was partly won, a grant that
/// begins within a second, a clock that went back, a limit in whose window nothing counted, a
/// launch hold that a resized run set free, a second at which nothing was looked at, blocks of a
/// run that was resized before it was ready; on a store, the labels of a charge that nothing paid
/// for and that was taken back under a limit.
#[test]
fn seeds_that_found_something_find_nothing_any_more() {
    for seed in [
        206, 480, 673, 1263, 2232, 2390, 3448, 5514, 7224, 7518, 8527, 27_539, 44_848, 60_936,
        82_009,
    ] {
        check(seed, 200, Stage::Domain);
    }
    check(12_700, 200, ON_STORE);
    check(3300, 200, Stage::Store { at: 614, fault: Fault::Refuse });
    check(28_800, 200, Stage::Store { at: 839, fault: Fault::Refuse });
    check(40_550, 200, Stage::Store { at: 166, fault: Fault::Refuse });
    check(96_250, 200, Stage::Store { at: 618, fault: Fault::Die });
    check(50, 200, ON_STORE);
}

/// A platform on the wall clock that sells time at one unit an hour, a customer, and a resource of
/// it, which has number 3.
fn founded(platform: OrgId, org: OrgId) -> Vec<Step> {
    let settings = "retention_days=off;digest=off".to_owned();
    let (profile, zone, code) = ("spheron", "UTC", "gpu".to_owned());
    let (dimension, amount, per) = ("seconds".to_owned(), UNIT, 3_600);
    [
        Action::CreatePlatform { org: platform, profile, settings, clock: None },
        Action::CreateOrganization { org, platform, zone },
        Action::CreateSku { platform, code: code.clone(), class: "compute" },
        Action::CreatePrice { platform, sku: 2, dimension, amount, per, from: None },
        give(org, 4),
        Action::CreateResource { org, sku: code, label: None },
    ]
    .map(|action| Step::Batch(vec![action]))
    .into()
}

fn give(org: OrgId, units: i64) -> Action {
    Action::Give { org, amount: units * UNIT, priority: 50, from: None, expires: None }
}

fn check_steps(steps: &[Step]) {
    if let Err(found) = play::again(steps, ON_STORE) {
        panic!("{}", found.what);
    }
}

/// What a run that was silent may have to give back is looked for in the journal, also when the
/// batch that ended it otherwise has posted something already.
#[test]
fn a_run_that_a_limit_ended_is_looked_through_in_the_batch_that_posted_it() {
    let [platform, org] = [1, 2].map(|number| OrgId::new(5, number << 32));
    let mut steps = founded(platform, org);
    let (at, waits, silence) = (None, false, Some(20_000));
    steps.extend([
        Step::Batch(vec![
            Action::Cap { org, label: None, monthly: true, most: UNIT },
            Action::StartRun { org, resource: 3, at, waits, silence },
        ]),
        Step::Tick { micros: 250_000_000_000 },
        Step::Batch(vec![give(org, 1)]),
        Step::Wake,
    ]);
    check_steps(&steps);
}

/// A start that is reported when its run has been silent for too long already uses a grant up, and
/// gives it back, in one batch.
#[test]
fn a_run_that_was_silent_before_its_start_was_reported_gives_all_back() {
    let [platform, org] = [1, 2].map(|number| OrgId::new(5, number << 32));
    let mut steps = founded(platform, org);
    let at = Some(Timestamp::parse("2026-01-05T09:00:00Z").expect("a time"));
    let (waits, silence) = (false, Some(600));
    steps.extend([
        Step::Batch(vec![give(org, 7)]),
        Step::Tick { micros: 18_000_000_000 },
        Step::Batch(vec![
            Action::StartRun { org, resource: 3, at, waits, silence },
            Action::Limit { org, limit: None },
        ]),
        Step::Behind,
    ]);
    check_steps(&steps);
}

/// A grant that begins while nobody looks is used up and given back in one wake.
#[test]
fn a_grant_that_was_to_come_is_used_up_and_comes_back_in_one_wake() {
    let [platform, org] = [1, 2].map(|number| OrgId::new(5, number << 32));
    let mut steps = founded(platform, org);
    let times = ["2026-01-05T10:00:00Z", "2026-01-05T11:00:00Z", "2026-01-07T10:00:00Z"];
    let [from, later, expires] = times.map(|text| Some(Timestamp::parse(text).expect("a time")));
    let (at, waits, silence) = (None, false, Some(10_000));
    steps.extend([
        Step::Batch(vec![
            Action::Give { org, amount: UNIT / 2, priority: 50, from, expires },
            Action::Give { org, amount: UNIT / 2, priority: 50, from: later, expires },
            Action::StartRun { org, resource: 3, at, waits, silence },
        ]),
        Step::Tick { micros: 12_000_000_000 },
        Step::Wake,
    ]);
    check_steps(&steps);
}

/// A payer who is heard of after the time to confirm is over has declined once.
#[test]
fn what_was_not_confirmed_in_time_is_declined_once() {
    let [platform, org] = [1, 2].map(|number| OrgId::new(5, number << 32));
    let mut steps = founded(platform, org);
    let (threshold, amount, method, deposit) = (20 * UNIT, 28 * UNIT, 4, 5);
    let (enabled, daily, monthly) = (true, None, None);
    let answer = |outcome| {
        let (paid, fee) = (None, None);
        Step::Batch(vec![Action::SettleDeposit { org, deposit, outcome, paid, fee }])
    };
    steps.extend([
        Step::Batch(vec![Action::SaveMethod { org, answers: Rail::Asks }]),
        Step::Batch(vec![Action::AutoTopUp {
            org,
            enabled,
            threshold,
            amount,
            method,
            daily,
            monthly,
        }]),
        answer(Rail::Asks),
        Step::Tick { micros: 90_000_000_000 },
        answer(Rail::Declines),
        Step::Wake,
    ]);
    check_steps(&steps);
}

#[test]
fn a_seed_played_twice_ends_in_the_same_hashes() {
    let [one, other] = [(); 2].map(|()| play::seed(3, STEPS, ON_STORE).unwrap());
    assert_eq!(one, other);
    let different = play::seed(4, STEPS, ON_STORE).unwrap();
    assert_ne!(one.tips, different.tips);
}

/// What is written and read back decides nothing.
#[test]
fn a_seed_ends_in_the_same_hashes_with_a_store_and_without() {
    for seed in 1..=STORE_SEEDS {
        let stored = play::seed(seed, STEPS, ON_STORE).unwrap();
        assert_eq!(play::seed(seed, STEPS, Stage::Domain).unwrap().tips, stored.tips, "{seed}");
    }
}

#[test]
fn a_crash_at_every_statement_loses_and_doubles_nothing() {
    let faults = [Fault::Die, Fault::DieAfter, Fault::LoseAnswer, Fault::Refuse];
    let mut at = 0_u64;
    loop {
        at += 1;
        let fault = faults[usize::try_from(at % 4).unwrap()];
        match play::seed(1, 12, Stage::Store { at, fault }) {
            Ok(ended) if !ended.struck => break,
            Ok(_) => {}
            Err(found) => panic!("{fault:?} at statement {at}: {}", found.what),
        }
    }
    assert!(at > 100, "only {at} statements were visited");
}

/// Verifies the file, and says what was found.
fn verified(file: &Path) -> Option<String> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let store = Store::open(&StoreUrl::Sqlite(file.to_owned()), runtime.handle()).unwrap();
    let (mut calls, mut last) = (0, (0, 0));
    let found = runtime.block_on(app::verify::run(&store, |done, total| {
        (calls, last) = (calls + 1, (done, total));
    }));
    if found.is_ok() {
        assert!(calls > 0 && last.0 == last.1, "progress ends at {last:?}");
    }
    found.err().map(|lie| lie.to_string())
}

/// Copies of the store, each tampered with once.
struct Forgery {
    world: sim::world::on_store::StoreWorld,
    copy: store::testkit::TempFolder,
}

impl Forgery {
    fn new() -> Forgery {
        let mut world = play::world(17, 300).unwrap();
        world.stop();
        let forgery = Forgery { world, copy: store::testkit::TempFolder::new() };
        let file = forgery.fresh();
        assert_eq!(verified(&file), None);
        forgery
    }

    fn fresh(&self) -> std::path::PathBuf {
        for entry in std::fs::read_dir(self.copy.path()).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
        for entry in std::fs::read_dir(self.world.folder()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), self.copy.path().join(entry.file_name())).unwrap();
        }
        self.copy.path().join("sim.db")
    }

    /// Changes `column` in rows from all over `table`; each has to be found and named.
    fn change(&self, table: &str, column: &str) {
        let count = tamper::count(&self.fresh(), table);
        assert!(count > 0, "{table} is empty");
        for nth in [0, count / 3, count / 2, count - 1] {
            let file = self.fresh();
            let said = tamper::change(&file, table, column, nth);
            let found = verified(&file);
            assert!(found.is_some(), "not found: {said}");
        }
    }
}

#[test]
fn verify_finds_every_changed_column_of_the_journal() {
    let forgery = Forgery::new();
    for column in tamper::columns(&forgery.fresh(), "journal").0 {
        forgery.change("journal", &column);
    }
}

#[test]
fn verify_finds_removed_rows() {
    let forgery = Forgery::new();
    for table in ["journal", "wallets", "grants", "deposits", "prices", "runs", "wakes", "lanes"] {
        let mut noticed = 0;
        for nth in [0, tamper::count(&forgery.fresh(), table) - 1] {
            let file = forgery.fresh();
            tamper::delete(&file, table, nth);
            let found = verified(&file);
            noticed += usize::from(found.is_some());
            // A wake may be earlier than anything is due (rulings A9), and then nobody misses it.
            let harmless = ["deposits", "prices", "wakes"].contains(&table);
            assert!(found.is_some() || harmless, "row {nth} of {table} is gone unnoticed");
        }
        assert!(noticed > 0 || table != "wakes", "no row of {table} is missed");
    }
}

#[test]
fn verify_finds_edited_wallets_grants_runs_prices_and_deposits() {
    let forgery = Forgery::new();
    for (table, columns) in [
        ("wallets", &["posted", "debt", "reserved", "position", "number", "hash"][..]),
        ("grants", &["amount"]),
        ("holds", &["captured", "amount", "parts"]),
        ("runs", &["amount", "per_units", "started_at", "discount_bps", "price", "sku"]),
    ] {
        for column in columns {
            forgery.change(table, column);
        }
    }
    some_found(&forgery, "wallets", "body");
    some_found(&forgery, "prices", "amount");
    some_found(&forgery, "deposits", "amount");
    some_found(&forgery, "deposits", "state");
}

/// Rows that nothing stands on say nothing; at least some of a table have to be found.
fn some_found(forgery: &Forgery, table: &str, column: &str) {
    let count = tamper::count(&forgery.fresh(), table);
    let found = (0..count).filter(|&nth| {
        let file = forgery.fresh();
        tamper::change(&file, table, column, nth);
        verified(&file).is_some()
    });
    assert!(found.count() > 0, "no changed {column} of {table} was found");
}
