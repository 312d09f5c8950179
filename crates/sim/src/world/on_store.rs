//! The product on a real SQLite store, driven without threads: a clock that only the simulator
//! moves, randomness from a seed, one lane that is stepped by hand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use app::door::{AppError, Command, IdempotencyKey, Outcome};
use app::lane::{Lane, LaneIdentity, LaneLimits};
use app::operations::wake_wallet::WakeWallet;
use app::ports::{Clock, Ports, Random};
use domain::grant::{Grant, GrantKind};
use domain::{OrgId, Timestamp};
use store::key_runs::{self, KeyBodies};
use store::keys::KeyHasher;
use store::keys::index::KeyLimits;
use store::read::{access, ledger, lists};
use store::testkit::TempFolder;
use store::{FaultPlan, Snapshot, Store, StoreError, StoreUrl, Writer};
use tokio::runtime::Runtime;

use super::{
    Died, Look, StopOrder, Sums, Waiting, World, attempts, made, open_runs, seen, told_name,
};
use crate::auditor::{Said, Seen, Whole};
use crate::command::Sent;
use crate::translate::{operation, parse, rail_of, render};

/// The wall clock of the simulation.
#[derive(Clone)]
struct FakeClock(Arc<AtomicI64>);

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }

    fn monotonic_micros(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

struct FakeRandom(AtomicU64);

impl Random for FakeRandom {
    fn next(&self) -> u64 {
        self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst)
    }
}

const OWNER: &str = "sim";
const ROWS: i64 = 1_000_000;

pub struct StoreWorld {
    folder: TempFolder,
    runtime: Runtime,
    clock: FakeClock,
    ports: Arc<Ports>,
    engine: Option<Engine>,
    faults: Arc<FaultPlan>,
}

/// What a process has open.
struct Engine {
    store: Store,
    lane: Lane,
    behind: Writer,
    hasher: KeyHasher,
}

impl StoreWorld {
    pub fn new(faults: Arc<FaultPlan>, now: Timestamp) -> StoreWorld {
        let clock = FakeClock(Arc::new(AtomicI64::new(now.micros())));
        let random = Box::new(FakeRandom(AtomicU64::new(7)));
        let ports = Arc::new(Ports { clock: Box::new(clock.clone()), random });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let folder = TempFolder::in_memory();
        let mut world = StoreWorld { folder, runtime, clock, ports, engine: None, faults };
        world.start();
        world
    }

    /// Starts the process, as many times as the plan makes it die on the way.
    fn start(&mut self) {
        for _ in 0..3 {
            match self.open() {
                Ok(engine) => {
                    self.engine = Some(engine);
                    return;
                }
                Err(error) if self.faults.struck() => {
                    drop(error);
                    self.faults = FaultPlan::new(0, store::Fault::Die);
                }
                Err(error) => panic!("the store does not open: {error}"),
            }
        }
    }

    fn open(&self) -> Result<Engine, StoreError> {
        let url = StoreUrl::Sqlite(self.folder.path().join("sim.db"));
        let store = Store::open(&url, self.runtime.handle())?;
        let now = self.clock.now();
        store::migrate::run(&store, OWNER, now)?;
        let store = store.with_faults(Arc::clone(&self.faults));
        let mut writer = store.writer()?;
        let hasher = KeyHasher::new(store::meta::secret(&mut writer, [3; 16])?);
        store::lanes::prepare(&mut writer, 1)?;
        let row = store::lanes::all(&mut writer)?.remove(0);
        let taken =
            writer.transaction(|w| store::lanes::take(w, row.lane, row.epoch, OWNER, "", now))?;
        let identity = LaneIdentity {
            lane: 0,
            lane_count: 1,
            owner: OWNER.into(),
            address: String::new(),
            epoch: taken.expect("nobody else takes the lane"),
        };
        let keys = KeyLimits { tail_keys: 64, ..KeyLimits::default() };
        let limits = LaneLimits { wallets_max: 6, keys };
        let lane = Lane::open(writer, identity, limits, Arc::clone(&self.ports), &hasher)?;
        let behind = store.index_writer()?;
        Ok(Engine { store, lane, behind, hasher })
    }

    /// Where the store is.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Stops the process, as a crash does: nothing is finished, nothing is said.
    pub fn stop(&mut self) {
        self.engine = None;
    }

    fn engine(&mut self) -> &mut Engine {
        self.engine.as_mut().expect("the process runs")
    }

    fn read<T>(&self, ask: impl AsyncFnOnce(&mut Snapshot) -> Result<T, StoreError>) -> T {
        let store = &self.engine.as_ref().expect("the process runs").store;
        self.runtime
            .block_on(async {
                let mut snapshot = store.snapshot().await?;
                ask(&mut snapshot).await
            })
            .expect("reads have no faults")
    }
}

impl World for StoreWorld {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn tick(&mut self, micros: i64) {
        self.clock.0.fetch_add(micros, Ordering::SeqCst);
    }

    fn batch(&mut self, sent: &[Sent]) -> Result<Vec<Said>, Died> {
        let engine = self.engine();
        let hasher = &engine.hasher;
        let commands: Vec<Command> = sent.iter().map(|sent| command(sent, hasher)).collect();
        let outcomes = engine.lane.step(&commands);
        let said: Result<Vec<Said>, AppError> = outcomes.into_iter().map(say).collect();
        match said {
            Ok(said) => Ok(said),
            Err(AppError::Internal) => panic!("a decision panicked: {sent:?}"),
            Err(error) if self.faults.struck() => {
                drop(error);
                Err(Died)
            }
            Err(error) => panic!("not decided without a fault: {error:?}: {sent:?}"),
        }
    }

    fn wake(&mut self) -> Result<(), Died> {
        let had_struck = self.faults.struck();
        self.engine().lane.wake_due();
        if self.faults.struck() && !had_struck { Err(Died) } else { Ok(()) }
    }

    fn wake_on_test_clock(&mut self, platform: OrgId, to: Timestamp) -> Result<(), Died> {
        for round in 0.. {
            let store = &self.engine.as_ref().expect("the process runs").store;
            let due = store::wakes::due_on_test_clock(store, platform, to, 3);
            let due = self.runtime.block_on(due).expect("reads have no faults");
            if due.is_empty() {
                return Ok(());
            }
            assert!(round < 10_000, "wallets stay due on the test clock: {due:?}");
            let wake = |&org: &OrgId| Command::new(WakeWallet { org, until: Some(to) });
            let commands: Vec<Command> = due.iter().map(wake).collect();
            for outcome in self.engine().lane.step(&commands) {
                match outcome {
                    Ok(Outcome::Decided(Ok(_))) => {}
                    Err(_) if self.faults.struck() => return Err(Died),
                    other => panic!("a wake of {due:?} ended as {other:?}"),
                }
            }
        }
        Ok(())
    }

    fn behind(&mut self) -> Result<(), Died> {
        let had_struck = self.faults.struck();
        let handle = self.runtime.handle().clone();
        let Engine { store, lane, behind, .. } = self.engine();
        let done = seal(lane, behind)
            .and_then(|()| store::index::step(behind, store, &handle, 0, 1, 1_000).map(drop));
        match done {
            Ok(()) if self.faults.struck() && !had_struck => Err(Died),
            Ok(()) => Ok(()),
            Err(_) if self.faults.struck() => Err(Died),
            Err(error) => panic!("what is written behind failed: {error}"),
        }
    }

    fn restart(&mut self) {
        self.stop();
        if self.faults.struck() {
            self.faults = FaultPlan::new(0, store::Fault::Die);
        }
        self.start();
    }

    /// Reading back costs more than deciding.
    fn compared_every(&self) -> usize {
        8
    }

    fn waiting(&self) -> Vec<(OrgId, Waiting)> {
        let store = &self.engine.as_ref().expect("the process runs").store;
        let pending = self.runtime.block_on(store::outbox::pending(store, 0, 1, 100));
        let pending = pending.expect("reads have no faults");
        self.read(async |snapshot| {
            let mut waiting = Vec::new();
            for &(org, number, kind, _) in &pending {
                if kind == store::outbox::PAY_REFUND {
                    waiting.push((org, Waiting::Refund(number)));
                    continue;
                }
                let deposit = lists::deposit(snapshot, org, number).await?;
                let method = deposit.and_then(|deposit| deposit.method);
                let method = method.expect("a deposit that is charged has a method");
                let method = lists::payment_method(snapshot, org, method).await?;
                let behaviour = method.expect("methods are kept").behaviour;
                waiting.push((org, Waiting::Charge(number, rail_of(behaviour))));
            }
            Ok(waiting)
        })
    }

    fn stop_orders(&self, orgs: &[OrgId]) -> Vec<StopOrder> {
        self.read(async |snapshot| {
            let mut orders = Vec::new();
            for &org in orgs {
                let wallet = access::wallet(snapshot, org).await?;
                let Some(order) = wallet.and_then(|wallet| wallet.stop_order) else { continue };
                let runs = lists::runs(snapshot, org, i64::MAX, ROWS).await?;
                let open = runs.iter().filter(|run| run.is_stopped_by_order());
                orders.push((org, order.stop_at, open.map(|run| run.number).collect()));
            }
            Ok(orders)
        })
    }

    fn see(&self, looks: &[Look], whole: bool) -> Vec<Seen> {
        self.read(async |snapshot| {
            let mut all = Vec::new();
            for look in looks {
                let wallet = access::wallet(snapshot, look.org).await?.expect("it was made");
                let home = access::platform(snapshot, look.platform).await?.expect("it was made");
                let grants = lists::grants(snapshot, look.org, i64::MAX, ROWS).await?;
                let made = made(grants.iter());
                let runs = lists::runs(snapshot, look.org, i64::MAX, ROWS).await?;
                let open = open_runs(runs.iter());
                let tip = wallet.tip.position;
                let whole = match whole {
                    true => Some(see_whole(snapshot, look, tip, &grants).await?),
                    false => None,
                };
                all.push(Seen { made, open, whole, ..seen(&wallet, &home.profiles, look.at) });
            }
            Ok(all)
        })
    }

    fn tips(&self, orgs: &[OrgId]) -> Vec<[u8; 16]> {
        self.read(async |snapshot| {
            let mut tips = Vec::new();
            for &org in orgs {
                tips.push(access::wallet(snapshot, org).await?.expect("it was made").tip.hash);
            }
            Ok(tips)
        })
    }

    fn verify(&self) -> Result<(), String> {
        let store = &self.engine.as_ref().expect("the process runs").store;
        let verified = self.runtime.block_on(app::verify::run(store, |_, _| {}));
        verified.map(drop).map_err(|lie| format!("verify: {lie}"))
    }
}

async fn see_whole(
    snapshot: &mut Snapshot,
    &Look { org, at, .. }: &Look,
    tip: i64,
    grants: &[Grant],
) -> Result<Whole, StoreError> {
    let kinds: BTreeMap<i64, GrantKind> = grants.iter().map(|it| (it.number, it.kind)).collect();
    let (mut whole, mut sums) = (Whole::default(), Sums::default());
    for row in ledger::walk(snapshot, org, tip, ROWS).await? {
        sums.add(&row, |grant| kinds[&grant]);
    }
    sums.fill(&mut whole);
    for event in lists::events(snapshot, org, 0, None, ROWS).await? {
        let is_forecast = event.body.contains("\"needed\"");
        whole.told.push((told_name(event.kind, is_forecast), event.at.micros()));
    }
    let holds = lists::holds(snapshot, org, i64::MAX, ROWS).await?;
    whole.holds = holds.iter().map(|hold| (hold.number, hold.state.name())).collect();
    whole.holds.sort_unstable();
    let limits = lists::limits(snapshot, org, i64::MAX, ROWS).await?;
    whole.limits = super::limits(limits.iter(), at);
    let deposits = lists::deposits(snapshot, org, i64::MAX, ROWS).await?;
    whole.attempts = attempts(deposits.iter());
    Ok(whole)
}

fn command(sent: &Sent, hasher: &KeyHasher) -> Command {
    let operation = operation(&sent.action, hasher);
    let is_event = operation.event().is_some();
    let fingerprint = i64::try_from(sent.key >> 1).expect("half of it fits");
    let key = IdempotencyKey { key: format!("k{}", sent.key), fingerprint, render };
    Command { operation, key: (!is_event).then_some(key) }
}

fn say(outcome: Result<Outcome, AppError>) -> Result<Said, AppError> {
    Ok(match outcome? {
        Outcome::Decided(decided) => parse(&render(&decided).1),
        Outcome::Replayed { body, .. } => parse(&body),
    })
}

fn seal(lane: &mut Lane, behind: &mut Writer) -> Result<(), StoreError> {
    while let Some(mut task) = lane.next_merge(0) {
        let run = task.row().run;
        behind.transaction(|w| key_runs::save_row(w, 0, &task.row()))?;
        while !task.is_finished() {
            let pieces = task.step(&mut KeyBodies::new(behind, 0));
            let pieces = pieces.map_err(|error| StoreError::Corrupt(format!("{error:?}")))?;
            behind.transaction(|w| key_runs::save_pieces(w, 0, run, &pieces))?;
        }
        let Ok(finished) = task.into_finished() else { panic!("a merge did not end") };
        behind.transaction(|w| key_runs::switch(w, 0, finished.switch()))?;
        let replaced = finished.switch().drop.clone();
        drop(lane.install(finished));
        for run in replaced {
            while !behind.transaction(|w| key_runs::forget(w, 0, run, 10))? {}
        }
    }
    Ok(())
}
