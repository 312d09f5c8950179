//! What announced prices promise across lanes: everybody is told once, by whoever comes, and who is
//! told late is charged nothing anew.

use app::Answer;
use app::jobs::announce_prices;
use app::operations::create_price::CreatePrice;
use app::operations::create_resource::CreateResource;
use app::operations::start_run::StartRun;
use app::operations::wake_wallet::WakeWallet;
use domain::label::Labels;
use domain::price::{AppliesTo, Price, TIME_DIMENSION};
use domain::run::{Run, StopReason};
use domain::{Amount, OrgId, Timestamp};
use store::StoreUrl;
use store::read::{access, lists};
use store::testkit::TempFolder;

use crate::world::{World, start};

async fn announce(world: &World, platform: OrgId, amount: i64, seconds: i64) -> Price {
    let mut snapshot = world.app.store.snapshot().await.unwrap();
    let book = access::book(&mut snapshot, platform).await.unwrap();
    let create = CreatePrice {
        platform,
        sku: book.sku_by_code("gpu").unwrap().number,
        dimension: TIME_DIMENSION.into(),
        amount: Amount::from_units(amount),
        per_units: 3_600,
        effective_from: Some(world.app.now().plus_seconds(seconds)),
        applies_to: AppliesTo::Running,
    };
    let Ok(Answer::Price(_, price)) = world.decide(create).await else { panic!("no price") };
    price
}

/// A wallet with credit in which a machine runs.
async fn running(world: &World, platform: OrgId) -> OrgId {
    let org = world.wallet(platform).await;
    world.deposit(org, 500).await;
    let (label, sku, labels) = ("m".into(), "gpu".into(), Labels::NONE);
    let create = CreateResource { org, label, sku, labels };
    let Ok(Answer::Resource(_, resource)) = world.decide(create).await else { panic!("none") };
    world.decide(StartRun::now(org, resource.number)).await.unwrap();
    org
}

/// The runs of `org`, in the order in which they began.
async fn runs(world: &World, org: OrgId) -> Vec<Run> {
    let mut snapshot = world.app.store.snapshot().await.unwrap();
    let mut runs = lists::runs(&mut snapshot, org, i64::MAX, 100).await.unwrap();
    runs.reverse();
    runs
}

async fn told_at(world: &World, platform: OrgId, price: &Price) -> Option<Timestamp> {
    let mut snapshot = world.app.store.snapshot().await.unwrap();
    let prices = lists::prices(&mut snapshot, platform, i64::MAX, 100).await.unwrap();
    prices.into_iter().find(|it| it.number == price.number).unwrap().told_at
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_told_once_and_only_then_it_is_concluded() {
    let folder = TempFolder::new();
    let world = World::open(&StoreUrl::Sqlite(folder.path().join("books.db"))).await;
    let platform = world.platform("spheron").await;
    let elsewhere = world.platform("spheron").await;
    let other = running(&world, elsewhere).await;
    let mut orgs = Vec::new();
    for _ in 0..3 {
        orgs.push(running(&world, platform).await);
    }
    let price = announce(&world, platform, 72, 3_600).await;
    // What starts now reads it from the price book.
    orgs.push(running(&world, platform).await);
    assert_eq!(announce_prices::run(&world.app).await.unwrap(), 3);
    assert_eq!(announce_prices::run(&world.app).await.unwrap(), 0);
    for &org in &orgs {
        assert_eq!(runs(&world, org).await[0].reprices_at, price.effective_from);
    }
    assert_eq!(runs(&world, other).await[0].reprices_at, Timestamp::NEVER);
    assert_eq!(told_at(&world, platform, &price).await, None);
    world.wait(61);
    assert_eq!(announce_prices::run(&world.app).await.unwrap(), 0);
    assert_eq!(told_at(&world, platform, &price).await, Some(world.app.now()));
    world.wait(7_200);
    for &org in &orgs {
        world.decide(WakeWallet { org, until: None }).await.unwrap();
        let runs = runs(&world, org).await;
        assert_eq!(runs.len(), 2);
        assert_eq!(runs[0].stop_reason, Some(StopReason::Repriced));
        assert_eq!(runs[1].started_at, price.effective_from);
        assert_eq!(runs[1].rate.list, Amount::from_units(72));
    }
    app::verify::run(&world.app.store, |_, _| {}).await.unwrap();
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_told_late_goes_on_at_the_price_from_then_on() {
    let folder = TempFolder::new();
    let world = World::open(&StoreUrl::Sqlite(folder.path().join("books.db"))).await;
    let platform = world.platform("spheron").await;
    let org = running(&world, platform).await;
    announce(&world, platform, 72, 600).await;
    world.wait(1_800);
    assert_eq!(announce_prices::run(&world.app).await.unwrap(), 1);
    let runs = runs(&world, org).await;
    let changed_at = start().plus_seconds(1_800);
    assert_eq!(runs[0].stopped_at, Some(changed_at));
    assert_eq!(runs[0].cost_round_half_even(changed_at), Amount::from_units(18));
    assert_eq!(runs[1].started_at, changed_at);
    assert_eq!(announce_prices::run(&world.app).await.unwrap(), 0);
    app::verify::run(&world.app.store, |_, _| {}).await.unwrap();
    world.close().await;
}
