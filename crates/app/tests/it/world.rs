//! A product to test with: a real store, a clock that the test moves, randomness from a seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use app::lane::LaneLimits;
use app::operations::create_organization::CreateOrganization;
use app::operations::create_platform::CreatePlatform;
use app::operations::create_price::CreatePrice;
use app::operations::create_sku::{CreateSku, SkuFacts};
use app::operations::record_usage::RecordUsage;
use app::operations::settle_deposit::SettleDeposit;
use app::operations::start_deposit::StartDeposit;
use app::ports::{Clock, Ports, Random};
use app::{Answer, App, AppError, Command, LaneOptions, Operation, Outcome};
use domain::calendar::Zone;
use domain::label::Labels;
use domain::ledger::EventKey;
use domain::price::AppliesTo;
use domain::run::ResourceClass;
use domain::{Amount, Id, Kind, OrgId, Refusal, Timestamp};
use store::{Store, StoreUrl};
use tokio::runtime::Handle;

#[derive(Clone)]
pub struct TestClock(pub Arc<AtomicI64>);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }

    fn monotonic_micros(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

struct Seeded(AtomicU64);

impl Random for Seeded {
    fn next(&self) -> u64 {
        let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb)
    }
}

pub struct World {
    pub app: App,
    pub clock: TestClock,
}

pub fn start() -> Timestamp {
    Timestamp::parse("2026-01-05T00:00:00Z").unwrap()
}

impl World {
    /// Opens the store at `url`; the same seed draws the same ids.
    pub async fn open(url: &StoreUrl) -> World {
        let clock = TestClock(Arc::new(AtomicI64::new(start().micros())));
        World::open_with(url, clock).await
    }

    pub async fn open_with(url: &StoreUrl, clock: TestClock) -> World {
        let (url, handle, own) = (url.clone(), Handle::current(), clock.clone());
        let open = move || {
            let store = Store::open(&url, &handle).unwrap();
            store::migrate::run(&store, "test", own.now()).unwrap();
            let random = Box::new(Seeded(AtomicU64::new(7)));
            let ports = Arc::new(Ports { clock: Box::new(own), random });
            let options = LaneOptions {
                owner: "test".into(),
                address: "127.0.0.1:1".into(),
                lane_count: 2,
                limits: LaneLimits::default(),
            };
            App::open(store, ports, options).unwrap()
        };
        let app = tokio::task::spawn_blocking(open).await.unwrap();
        while !app.is_ready() {
            tokio::task::yield_now().await;
        }
        World { app, clock }
    }

    pub async fn close(self) {
        tokio::task::spawn_blocking(move || self.app.close()).await.unwrap();
    }

    pub fn wait(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    pub async fn send(&self, command: Command) -> Result<Outcome, AppError> {
        self.app.run(command).await
    }

    pub async fn decide(&self, operation: impl Operation + 'static) -> Result<Answer, Refusal> {
        match self.send(Command::new(operation)).await.unwrap() {
            Outcome::Decided(decided) => decided,
            Outcome::Replayed { .. } => panic!("replayed without a key"),
        }
    }

    pub async fn platform(&self, profile: &str) -> OrgId {
        let create = CreatePlatform {
            org: self.app.draw_org(),
            name: "cloud".into(),
            profile: profile.into(),
            settings: String::new(),
            test_clock: None,
        };
        let org = create.org;
        self.decide(create).await.unwrap();
        self.sku(org, "gpu", ResourceClass::Compute, "seconds", "36.00", 3_600).await;
        self.sku(org, "llm", ResourceClass::Model, "tokens", "0.50", 1_000_000).await;
        org
    }

    async fn sku(
        &self,
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
        let Ok(Answer::Sku(_, sku)) = self.decide(sku).await else { panic!("no SKU") };
        let price = CreatePrice {
            platform,
            sku: sku.number,
            dimension: dimension.into(),
            amount: Amount::parse(price).unwrap(),
            per_units,
            effective_from: None,
            applies_to: AppliesTo::NewRuns,
        };
        self.decide(price).await.unwrap();
    }

    pub async fn wallet(&self, platform: OrgId) -> OrgId {
        let org = self.app.draw_org();
        let (name, zone) = ("acme".into(), Zone::UTC);
        self.decide(CreateOrganization { org, platform, name, zone }).await.unwrap();
        org
    }

    pub async fn deposit(&self, org: OrgId, units: i64) {
        let (amount, rail) = (Amount::from_units(units), "sandbox");
        let start = StartDeposit::by_card(org, amount, rail);
        let Ok(Answer::Deposit(_, row)) = self.decide(start).await else { panic!("no deposit") };
        let id = Id::new(Kind::Deposit, org, row.number).to_string();
        let outcome = payments::sandbox::paid(&id);
        self.decide(SettleDeposit { org, deposit: row.number, outcome }).await.unwrap();
    }

    pub fn usage(&self, org: OrgId, id: &str, tokens: i64) -> RecordUsage {
        let key = EventKey { source: "test".into(), id: id.into() };
        RecordUsage {
            org,
            hash: self.app.hasher.hash(org.get(), &key.source, &key.id).bits(),
            key,
            fingerprint: tokens,
            sku: "llm".into(),
            occurred_at: None,
            quantities: vec![("tokens".into(), tokens)],
            labels: Labels::NONE,
        }
    }
}
