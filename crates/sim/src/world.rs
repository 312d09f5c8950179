//! The product on a real SQLite store, driven without threads: a clock that only the simulator
//! moves, randomness from a seed, one lane that is stepped by hand.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use app::door::{AppError, Command, IdempotencyKey, Outcome};
use app::lane::{Lane, LaneIdentity, LaneLimits};
use app::operation::Answer;
use app::operations::wake_wallet::WakeWallet;
use app::ports::{Clock, Ports, Random};
use domain::chart::entries;
use domain::event::EventKind;
use domain::{OrgId, Refusal, Timestamp};
use store::key_runs::{self, KeyBodies};
use store::keys::KeyHasher;
use store::keys::index::KeyLimits;
use store::read::{access, ledger, lists};
use store::testkit::TempFolder;
use store::{FaultPlan, Snapshot, Store, StoreError, StoreUrl, Writer};
use tokio::runtime::Runtime;

use crate::auditor::{Said, Seen, Whole};
use crate::command::{Rail, Sent};
use crate::translate::operation;

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

pub struct World {
    folder: TempFolder,
    runtime: Runtime,
    clock: FakeClock,
    ports: Arc<Ports>,
    engine: Option<Engine>,
    pub faults: Arc<FaultPlan>,
}

/// What a process has open.
struct Engine {
    store: Store,
    lane: Lane,
    behind: Writer,
    hasher: KeyHasher,
}

/// A step that the simulated process did not survive.
#[derive(Debug, PartialEq, Eq)]
pub struct Died;

impl World {
    pub fn new(faults: Arc<FaultPlan>, now: Timestamp) -> World {
        let clock = FakeClock(Arc::new(AtomicI64::new(now.micros())));
        let random = Box::new(FakeRandom(AtomicU64::new(7)));
        let ports = Arc::new(Ports { clock: Box::new(clock.clone()), random });
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        World { folder: TempFolder::new(), runtime, clock, ports, engine: None, faults }
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn tick(&self, micros: i64) {
        self.clock.0.fetch_add(micros, Ordering::SeqCst);
    }

    /// Starts the process, as many times as the plan makes it die on the way.
    pub fn start(&mut self) {
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
        let now = self.now();
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

    /// Sends commands as one batch. Every one is answered, or the process died.
    pub fn batch(&mut self, sent: &[Sent]) -> Result<Vec<Said>, Died> {
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
            Err(error) => panic!("not decided without a fault: {error}: {sent:?}"),
        }
    }

    /// Does what is due on the wall clock.
    pub fn wake(&mut self) -> Result<(), Died> {
        let had_struck = self.faults.struck();
        self.engine().lane.wake_due();
        if self.faults.struck() && !had_struck { Err(Died) } else { Ok(()) }
    }

    /// Wakes the wallets that a test clock on its way to `to` has not reached yet.
    pub fn wake_on_test_clock(&mut self, platform: OrgId, to: Timestamp) -> Result<(), Died> {
        for round in 0.. {
            let store = &self.engine.as_ref().unwrap().store;
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

    /// Deposits that wait for a saved method to be charged: wallet, deposit, what its rail says.
    pub fn waiting(&self) -> Vec<(OrgId, i64, Rail)> {
        let store = &self.engine.as_ref().unwrap().store;
        let pending = self.runtime.block_on(store::outbox::pending(store, 0, 1, 100));
        let mut waiting = Vec::new();
        for (org, number, ..) in pending.expect("reads have no faults") {
            let deposit = self.read(async |snapshot| lists::deposit(snapshot, org, number).await);
            let method = deposit.and_then(|deposit| deposit.method).unwrap();
            let method =
                self.read(async |snapshot| lists::payment_method(snapshot, org, method).await);
            let rail = match method.unwrap().behaviour {
                domain::deposit::Behaviour::Succeeds => Rail::Pays,
                domain::deposit::Behaviour::Declines => Rail::Declines,
                domain::deposit::Behaviour::NeedsAuthentication => Rail::Asks,
            };
            waiting.push((org, number, rail));
        }
        waiting
    }

    /// The stop order of a wallet and the runs it is for.
    pub fn stop_order(&self, org: OrgId) -> Option<(Timestamp, Vec<i64>)> {
        let wallet = self.read(async |snapshot| access::wallet(snapshot, org).await)?;
        let stop_at = wallet.stop_order?.stop_at;
        let runs = self.read(async |snapshot| lists::runs(snapshot, org, i64::MAX, ROWS).await);
        let open = runs.iter().filter(|run| run.is_stopped_by_order());
        Some((stop_at, open.map(|run| run.number).collect()))
    }

    /// Seals keys and writes the index behind.
    pub fn behind(&mut self) -> Result<(), Died> {
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

    fn read<T>(&self, ask: impl AsyncFnOnce(&mut Snapshot) -> Result<T, StoreError>) -> T {
        let store = &self.engine.as_ref().unwrap().store;
        self.runtime
            .block_on(async {
                let mut snapshot = store.snapshot().await?;
                ask(&mut snapshot).await
            })
            .expect("reads have no faults")
    }

    /// Reads a wallet back as it was last written, for the instant `at`.
    pub fn see(&self, org: OrgId, platform: OrgId, at: i64, whole: bool) -> Seen {
        let wallet = self.read(async |snapshot| access::wallet(snapshot, org).await).unwrap();
        let home = self.read(async |snapshot| access::platform(snapshot, platform).await).unwrap();
        let balance = wallet.balance(&home.profile, Timestamp::from_micros(at));
        let grants = self.read(async |snapshot| lists::grants(snapshot, org, i64::MAX, ROWS).await);
        let wide = |amount: domain::Amount| i128::from(amount.nanos());
        let mut credits: Vec<(i64, i128, i128)> = wallet
            .grants
            .iter()
            .map(|grant| (grant.number, wide(grant.remaining), wide(grant.reserved)))
            .collect();
        credits.sort_unstable();
        Seen {
            now: wallet.now.micros(),
            posted: wide(balance.posted),
            debt: wide(wallet.debt),
            credits,
            at,
            accrued: wide(balance.accrued),
            available: wide(balance.available),
            shown: wide(balance.shown),
            purchased: grants
                .iter()
                .filter(|grant| !grant.kind.is_given())
                .map(|grant| grant.number)
                .collect(),
            whole: whole.then(|| self.see_whole(org, wallet.tip.position, &grants)),
        }
    }

    fn see_whole(&self, org: OrgId, tip: i64, grants: &[domain::grant::Grant]) -> Whole {
        let kinds: BTreeMap<i64, domain::grant::GrantKind> =
            grants.iter().map(|grant| (grant.number, grant.kind)).collect();
        let mut whole = Whole::default();
        for row in self.read(async |snapshot| ledger::walk(snapshot, org, tip, ROWS).await) {
            for entry in entries(&row, |grant| kinds[&grant]) {
                let name = match entry.account.name() {
                    "cash:sandbox" => "cash",
                    name => name,
                };
                *whole.books.entry(name).or_default() += i128::from(entry.credit.nanos());
            }
            *whole.by_kind.entry(row.kind.name()).or_default() += i128::from(row.amount.nanos());
        }
        whole.books.retain(|_, sum| *sum != 0);
        whole.by_kind.retain(|_, sum| *sum != 0);
        let told = self.read(async |snapshot| lists::events(snapshot, org, 0, None, ROWS).await);
        whole.told = told.iter().map(|event| (told_name(event), event.at.micros())).collect();
        let holds = self.read(async |snapshot| lists::holds(snapshot, org, i64::MAX, ROWS).await);
        whole.holds = holds.iter().map(|hold| (hold.number, hold.state.name())).collect();
        whole.holds.sort_unstable();
        let deposits =
            self.read(async |snapshot| lists::deposits(snapshot, org, i64::MAX, ROWS).await);
        let auto =
            |it: &&domain::deposit::Deposit| it.label == domain::deposit::DepositLabel::AutoTopUp;
        let mut attempts: Vec<(i64, i64, i128)> = deposits
            .iter()
            .filter(auto)
            .map(|it| (it.number, it.created_at.micros(), i128::from(it.amount.nanos())))
            .collect();
        attempts.sort_unstable();
        whole.attempts = attempts.into_iter().map(|it| (it.1, it.2)).collect();
        whole
    }

    /// The ends of all chains: what a run of the same seed has to arrive at again.
    pub fn tips(&self, orgs: &[OrgId]) -> Vec<[u8; 16]> {
        let tip = |org: &OrgId| {
            let org = *org;
            self.read(async |snapshot| access::wallet(snapshot, org).await).unwrap().tip.hash
        };
        orgs.iter().map(tip).collect()
    }

    /// `drawdown verify` over what is there.
    pub fn verify(&self) -> Result<(), String> {
        let store = &self.engine.as_ref().unwrap().store;
        let verified = self.runtime.block_on(app::verify::run(store, |_, _| {}));
        verified.map(drop).map_err(|lie| format!("verify: {lie}"))
    }
}

/// Limit and forecast recover by the same event; what it says tells them apart.
fn told_name(event: &lists::ToldEvent) -> String {
    if event.kind == EventKind::BalanceRecovered && event.body.contains("\"needed\"") {
        return "balance.forecast_recovered".into();
    }
    event.kind.name().to_owned()
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

fn command(sent: &Sent, hasher: &KeyHasher) -> Command {
    let operation = operation(&sent.action, hasher);
    let is_event = operation.event().is_some();
    let fingerprint = i64::try_from(sent.key >> 1).unwrap();
    let key = IdempotencyKey { key: format!("k{}", sent.key), fingerprint, render };
    Command { operation, key: (!is_event).then_some(key) }
}

fn say(outcome: Result<Outcome, AppError>) -> Result<Said, AppError> {
    let body = match outcome? {
        Outcome::Decided(decided) => render(&decided).1,
        Outcome::Replayed { body, .. } => body,
    };
    let mut parts = body.splitn(3, ' ');
    let mut number = || parts.next().unwrap().parse().unwrap();
    let (number, other) = (number(), number());
    Ok(Said { number, other, words: parts.next().unwrap().to_owned() })
}

/// An answer as one line: two numbers, then words that hold no number given out.
fn render(decided: &Result<Answer, Refusal>) -> (u16, String) {
    let answer = match decided {
        Ok(answer) => answer,
        Err(refusal) => {
            let amounts = match refusal {
                Refusal::InsufficientCredit { available, required }
                | Refusal::RunwayTooShort { available, required } => {
                    format!(" {} {}", available.nanos(), required.nanos())
                }
                _ => String::new(),
            };
            return (402, format!("0 0 refused {}{amounts}", refusal.code()));
        }
    };
    let text = match answer {
        Answer::Platform(..) => "0 0 platform".into(),
        Answer::Organization(..) => "0 0 organization".into(),
        Answer::ApiKey(_, key) => format!("{} 0 key", key.number),
        Answer::Sku(_, sku) => format!("{} 0 sku", sku.number),
        Answer::Price(_, it) => format!("{} 0 price {}", it.number, it.effective_from.micros()),
        Answer::Discount(_, _, it) => format!("{} 0 discount {}", it.number, it.bps),
        Answer::Grant(_, grant) => format!("{} 0 grant {}", grant.number, grant.amount.nanos()),
        Answer::Deposit(_, it) => format!(
            "{} {} deposit {} {}",
            it.number,
            it.grant.unwrap_or(0),
            it.amount.nanos(),
            it.state.name()
        ),
        Answer::Refund(_, it) => {
            format!("{} 0 refund {} {}", it.number, it.amount.nanos(), it.state.name())
        }
        Answer::Dispute(_, it) => {
            format!("{} 0 dispute {} {}", it.number, it.withdrawn.nanos(), it.state.name())
        }
        Answer::Released(_) => "0 0 released".into(),
        Answer::PaymentMethod(_, method) => format!("{} 0 method", method.number),
        Answer::Coupon(_, coupon) => format!("{} 0 coupon", coupon.number),
        Answer::Claim(claim, _) => format!("{} 0 claim", claim.number),
        Answer::Redemption(_, redemption) => format!("{} 0 redemption", redemption.number),
        Answer::AutoTopUp(..) => "0 0 top_up".into(),
        Answer::UserLimit(..) => "0 0 limit".into(),
        Answer::Resource(_, resource) => format!("{} 0 resource", resource.number),
        Answer::Run(_, run) => {
            let start = run.started_at.seconds();
            let end = match (run.stopped_at, run.stop_reason) {
                (Some(stop), Some(reason)) => format!("{} {}", stop.seconds(), reason.name()),
                _ => "open".into(),
            };
            format!("{} {} run {start} {end}", run.number, run.price)
        }
        Answer::Hold(_, hold) => {
            let captured =
                hold.captured.map_or(String::new(), |amount| format!(" {}", amount.nanos()));
            let (amount, state) = (hold.amount.nanos(), hold.state.name());
            format!("{} 0 hold {amount} {state}{captured}", hold.number)
        }
        Answer::Charge { transaction: it, is_duplicate } => format!(
            "{} 0 charge {} {} {} {}{}",
            it.number,
            it.amount.nanos(),
            it.absorbed.nanos(),
            it.debt.nanos(),
            it.balance.nanos(),
            if *is_duplicate { " again" } else { "" }
        ),
        Answer::Woken(_) => "0 0 woken".into(),
    };
    (200, text)
}
