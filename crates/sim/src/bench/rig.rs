//! The product stood up for a bench: a real store, real durability, a platform with prices and
//! wallets with three grants each.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use app::lane::{BATCH_COMMANDS_MAX, Lane, LaneIdentity, LaneLimits};
use app::operations::create_organization::CreateOrganization;
use app::operations::create_platform::CreatePlatform;
use app::operations::create_price::CreatePrice;
use app::operations::create_resource::CreateResource;
use app::operations::create_sku::{CreateSku, SkuFacts};
use app::operations::give_grant::GiveGrant;
use app::operations::record_usage::RecordUsage;
use app::operations::start_run::StartRun;
use app::ports::{Clock, Ports, Random};
use app::sealing::Sealing;
use app::{Answer, App, AppError, Command, LaneOptions, Operation, Outcome};
use domain::calendar::Zone;
use domain::label::Labels;
use domain::ledger::EventKey;
use domain::price::AppliesTo;
use domain::run::ResourceClass;
use domain::{Amount, OrgId, Timestamp};
use store::keys::KeyHasher;
use store::{Store, StoreUrl};
use tokio::runtime::Handle;

use crate::keep::Mixer;

pub const MODEL: &str = "model";
pub const MACHINE: &str = "machine";
const OWNER: &str = "bench";

/// The wall clock, and how far a bench has set it ahead.
#[derive(Clone)]
pub struct BenchClock {
    began: Instant,
    start: i64,
    ahead: Arc<AtomicI64>,
}

impl BenchClock {
    pub fn new() -> BenchClock {
        let start = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_micros());
        BenchClock {
            began: Instant::now(),
            start: i64::try_from(start).unwrap_or(0),
            ahead: Arc::new(AtomicI64::new(0)),
        }
    }

    pub fn skip(&self, micros: i64) {
        self.ahead.fetch_add(micros, Ordering::SeqCst);
    }

    /// How far it is ahead of the machine's clock.
    pub fn ahead_micros(&self) -> i64 {
        self.ahead.load(Ordering::SeqCst)
    }
}

impl Clock for BenchClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.start + self.monotonic_micros())
    }

    fn monotonic_micros(&self) -> i64 {
        let passed = i64::try_from(self.began.elapsed().as_micros()).unwrap_or(0);
        passed + self.ahead.load(Ordering::SeqCst)
    }
}

struct Seeded(AtomicU64);

impl Random for Seeded {
    fn next(&self) -> u64 {
        Mixer::new(self.0.fetch_add(1, Ordering::SeqCst)).next()
    }
}

pub fn ports(clock: &BenchClock) -> Arc<Ports> {
    // Another seed at each start, so that ids are not drawn twice in a store that is kept.
    let seed = clock.now().micros().cast_unsigned() << 20;
    let random = Box::new(Seeded(AtomicU64::new(seed)));
    Arc::new(Ports { clock: Box::new(clock.clone()), random })
}

pub fn sqlite(folder: &Path) -> StoreUrl {
    StoreUrl::Sqlite(folder.join("bench.db"))
}

/// A lane that is stepped by the thread that holds it, with everything that is written behind it.
pub struct Stepped {
    pub lane: Lane,
    sealing: Sealing,
}

impl Stepped {
    /// Runs one batch.
    ///
    /// # Panics
    /// When anything in it is not decided or refused.
    pub fn step(&mut self, commands: &[Command]) -> Vec<Answer> {
        let outcomes = self.outcomes(commands);
        outcomes.into_iter().map(answer).collect()
    }

    /// The same without a look at what came of it: what a lane does, and what is timed.
    pub fn outcomes(&mut self, commands: &[Command]) -> Vec<Result<Outcome, AppError>> {
        let outcomes = self.lane.step(commands);
        self.sealing.tend(&mut self.lane);
        outcomes
    }
}

/// # Panics
/// When anything was not decided, or was refused.
pub fn require_done(outcomes: Vec<Result<Outcome, AppError>>) {
    outcomes.into_iter().for_each(|outcome| drop(answer(outcome)));
}

fn answer<E: std::fmt::Debug>(outcome: Result<Outcome, E>) -> Answer {
    match outcome {
        Ok(Outcome::Decided(Ok(answer))) => answer,
        other => panic!("a command of a bench was not done: {other:?}"),
    }
}

/// A store with stepped lanes.
pub struct Rig {
    pub clock: BenchClock,
    pub ports: Arc<Ports>,
    pub store: Store,
    pub hasher: KeyHasher,
    pub lanes: Vec<Stepped>,
}

impl Rig {
    pub fn open(url: &StoreUrl, lane_count: i64, runtime: &Handle) -> Rig {
        let clock = BenchClock::new();
        let ports = ports(&clock);
        let store = Store::open(url, runtime).expect("the store opens");
        store::migrate::run(&store, OWNER, clock.now()).expect("the schema is made");
        let mut writer = store.writer().expect("a writer");
        let secret = store::meta::secret(&mut writer, [5; 16]).expect("the secret");
        let hasher = KeyHasher::new(secret);
        store::lanes::prepare(&mut writer, lane_count).expect("the lanes are made");
        let rows = store::lanes::all(&mut writer).expect("the lanes are read");
        let mut first = Some(writer);
        let lanes = rows.iter().map(|row| {
            let mut writer =
                first.take().unwrap_or_else(|| store.writer().expect("a writer for each lane"));
            let now = clock.now();
            let taken = writer
                .transaction(|w| store::lanes::take(w, row.lane, row.epoch, OWNER, "", now))
                .expect("the lane is taken");
            let identity = LaneIdentity {
                lane: row.lane,
                lane_count,
                owner: OWNER.into(),
                address: String::new(),
                epoch: taken.expect("nobody else has the lane"),
            };
            let limits = LaneLimits { wallets_max: 2_000_000, ..LaneLimits::default() };
            let lane = Lane::open(writer, identity, limits, Arc::clone(&ports), &hasher);
            let sealing = Sealing::start(&store, runtime, row.lane, lane_count);
            Stepped { lane: lane.expect("the lane opens"), sealing: sealing.expect("a thread") }
        });
        let lanes = lanes.collect();
        Rig { clock, ports, store, hasher, lanes }
    }

    fn lane_of(&self, org: OrgId) -> usize {
        let count = i64::try_from(self.lanes.len()).unwrap_or(1);
        usize::try_from(org.bucket() % count).unwrap_or(0)
    }

    pub fn draw_org(&self) -> OrgId {
        let random = self.ports.random.next();
        OrgId::new(i64::try_from(random % 1_024).unwrap_or(0), self.ports.random.next())
    }

    pub fn decide(&mut self, operation: impl Operation + 'static) -> Answer {
        let lane = self.lane_of(operation.org());
        let mut answers = self.lanes[lane].step(&[Command::new(operation)]);
        answers.pop().expect("one answer for one command")
    }

    /// Runs many commands in large batches, each in its lane. The answers are in the order of the
    /// lanes.
    pub fn decide_all(&mut self, commands: Vec<Command>) -> Vec<Answer> {
        let mut queues: Vec<Vec<Command>> = self.lanes.iter().map(|_| Vec::new()).collect();
        for command in commands {
            let lane = self.lane_of(command.operation.org());
            queues[lane].push(command);
        }
        let mut answers = Vec::new();
        for (lane, queue) in self.lanes.iter_mut().zip(queues) {
            for batch in queue.chunks(BATCH_COMMANDS_MAX) {
                answers.extend(lane.step(batch));
            }
        }
        answers
    }

    /// A platform that sells tokens of a model by the million and machines by the hour.
    pub fn platform(&mut self, test_clock: Option<Timestamp>) -> OrgId {
        let org = self.draw_org();
        let profile = "spheron".into();
        let settings = String::new();
        let name = "bench".into();
        self.decide(CreatePlatform { org, name, profile, settings, test_clock });
        self.sell(org, MODEL, ResourceClass::Model, "tokens", "0.50", 1_000_000);
        self.sell(org, MACHINE, ResourceClass::Compute, "seconds", "0.10", 3_600);
        // A run starts on a whole second, which may lie before the price that was just made.
        self.clock.skip(1_000_000);
        org
    }

    fn sell(
        &mut self,
        platform: OrgId,
        code: &str,
        class: ResourceClass,
        dimension: &str,
        price: &str,
        per_units: i64,
    ) {
        let sku = CreateSku {
            platform,
            code: code.into(),
            label: code.into(),
            class,
            facts: SkuFacts::default(),
        };
        let Answer::Sku(_, sku) = self.decide(sku) else { panic!("a SKU is answered with one") };
        self.decide(CreatePrice {
            platform,
            sku: sku.number,
            dimension: dimension.into(),
            amount: Amount::parse(price).expect("a price"),
            per_units,
            effective_from: None,
            applies_to: AppliesTo::NewRuns,
        });
    }

    /// Wallets of `platform` with three grants each, in an order that has no meaning.
    pub fn wallets(&mut self, platform: OrgId, count: usize, grants: i64) -> Vec<OrgId> {
        let mut orgs: Vec<OrgId> = Vec::with_capacity(count);
        while orgs.len() < count {
            let some: Vec<OrgId> =
                (0..8_192.min(count - orgs.len())).map(|_| self.draw_org()).collect();
            let create = |&org: &OrgId| {
                let (name, zone) = ("o".into(), Zone::UTC);
                Command::new(CreateOrganization { org, platform, name, zone })
            };
            self.decide_all(some.iter().map(create).collect());
            for priority in 0..grants {
                let amount = Amount::from_units(1_000_000 + priority);
                let give = |&org: &OrgId| {
                    Command::new(GiveGrant { priority, ..GiveGrant::promotion(org, amount) })
                };
                self.decide_all(some.iter().map(give).collect());
            }
            orgs.extend(some);
        }
        orgs
    }

    /// Starts `each` machines in every wallet.
    pub fn start_machines(&mut self, orgs: &[OrgId], each: usize) {
        for some in orgs.chunks(BATCH_COMMANDS_MAX.div_ceil(each)) {
            let create = |&org: &OrgId| {
                let sku = MACHINE.to_owned();
                let (label, labels) = (String::from("m"), Labels::NONE);
                Command::new(CreateResource { org, label, sku, labels })
            };
            let commands = some.iter().flat_map(|org| (0..each).map(|_| create(org))).collect();
            let made = self.decide_all(commands);
            let start = made.iter().map(|made| {
                let Answer::Resource(org, resource) = made else { panic!("no resource") };
                let (org, resource) = (*org, resource.number);
                Command::new(StartRun::now(org, resource))
            });
            self.decide_all(start.collect());
        }
    }
}

/// One usage event of a random wallet under a random key.
pub fn usage(random: &mut Mixer, hasher: &KeyHasher, orgs: &[OrgId]) -> Command {
    let org = orgs[random.below(orgs.len())];
    let key = EventKey { source: "api".into(), id: random.uuid() };
    let tokens = i64::try_from(random.below(2_000)).unwrap_or(0) + 1;
    Command::new(RecordUsage {
        org,
        hash: hasher.hash(org.get(), &key.source, &key.id).bits(),
        key,
        fingerprint: random.next().cast_signed(),
        sku: MODEL.into(),
        occurred_at: None,
        quantities: vec![("tokens".into(), tokens)],
        labels: Labels::NONE,
    })
}

/// The product with lanes on threads of their own, as it is served. Blocks.
pub fn open_app(url: &StoreUrl, clock: &BenchClock, runtime: &Handle) -> App {
    let store = Store::open(url, runtime).expect("the store opens");
    store::migrate::run(&store, OWNER, clock.now()).expect("the schema is made");
    let options = LaneOptions {
        owner: OWNER.into(),
        address: String::new(),
        lane_count: 2,
        limits: LaneLimits::default(),
    };
    let _entered = runtime.enter();
    App::open(store, ports(clock), options).expect("the product opens")
}

pub fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("a runtime")
}
