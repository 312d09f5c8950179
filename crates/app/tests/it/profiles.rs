//! What versions of a profile promise across lanes: everybody wakes in time, whoever tells them;
//! who hears of one late turns as of the same instant, and nothing is ever by two versions.

use app::Answer;
use app::jobs::change_profiles;
use app::operations::change_profile::ChangeProfile;
use app::operations::create_resource::CreateResource;
use app::operations::start_run::StartRun;
use app::operations::wake_wallet::WakeWallet;
use domain::label::Labels;
use domain::ledger::{LedgerTransaction, TransactionKind};
use domain::workset::Platform;
use domain::{Amount, OrgId, Refusal, Timestamp};
use store::StoreUrl;
use store::read::{access, ledger};
use store::testkit::TempFolder;

use crate::world::{World, start};

async fn world(folder: &TempFolder) -> World {
    World::open(&StoreUrl::Sqlite(folder.path().join("books.db"))).await
}

fn at(seconds: i64) -> Timestamp {
    start().plus_seconds(seconds)
}

async fn change(
    world: &World,
    platform: OrgId,
    settings: &str,
    effective_from: Option<Timestamp>,
) -> Result<(), Refusal> {
    let change = ChangeProfile { platform, settings: settings.into(), effective_from };
    world.decide(change).await.map(|_| ())
}

async fn platform_row(world: &World, platform: OrgId) -> Platform {
    let mut snapshot = world.app.store.snapshot().await.unwrap();
    access::platform(&mut snapshot, platform).await.unwrap().unwrap()
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

/// The settlements of `org`, oldest first: when, and the length of a period.
async fn settled(world: &World, org: OrgId) -> Vec<(Timestamp, i64)> {
    let mut snapshot = world.app.store.snapshot().await.unwrap();
    let tip = access::wallet(&mut snapshot, org).await.unwrap().unwrap().tip.position;
    let (rows, _) = ledger::since(&mut snapshot, org, tip, start(), 100).await.unwrap();
    let is_settlement = |row: &&LedgerTransaction| row.kind == TransactionKind::Settlement;
    let of = |row: &LedgerTransaction| (row.at, row.span.as_ref().unwrap().every_seconds);
    let mut settled: Vec<(Timestamp, i64)> = rows.iter().filter(is_settlement).map(of).collect();
    settled.sort_unstable();
    settled
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_told_once_and_turns_at_the_same_instant() {
    let folder = TempFolder::new();
    let world = world(&folder).await;
    let platform = world.platform("spheron").await;
    let elsewhere = world.platform("spheron").await;
    let other = running(&world, elsewhere).await;
    let mut orgs = Vec::new();
    for _ in 0..3 {
        orgs.push(running(&world, platform).await);
    }
    let idle = world.wallet(platform).await;
    change(&world, platform, "settle_every_seconds=300", Some(at(3_600))).await.unwrap();
    app::verify::run(&world.app.store, |_, _| {}).await.unwrap();
    // What is made now knows by itself; all others are told, in both lanes.
    orgs.push(running(&world, platform).await);
    assert_eq!(change_profiles::run(&world.app).await.unwrap(), 4);
    assert_eq!(change_profiles::run(&world.app).await.unwrap(), 0);
    assert_eq!(platform_row(&world, platform).await.profiles.untold().count(), 1);
    world.wait(61);
    change_profiles::run(&world.app).await.unwrap();
    let profiles = platform_row(&world, platform).await.profiles;
    assert_eq!(profiles.later()[0].told_at, Some(world.app.now()));
    app::verify::run(&world.app.store, |_, _| {}).await.unwrap();
    world.wait(7_200);
    for &org in orgs.iter().chain([&idle, &other]) {
        world.decide(WakeWallet { org, until: None }).await.unwrap();
    }
    for &org in &orgs {
        world.deposit(org, 100).await;
        assert_eq!(settled(&world, org).await, [(at(3_600), 60), (world.app.now(), 300)]);
    }
    world.deposit(other, 100).await;
    assert_eq!(settled(&world, other).await, [(world.app.now(), 60)]);
    app::verify::run(&world.app.store, |_, _| {}).await.unwrap();
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_hears_of_a_version_late_turns_as_of_its_instant() {
    let folder = TempFolder::new();
    let world = world(&folder).await;
    let platform = world.platform("spheron").await;
    let (asked, told) = (running(&world, platform).await, running(&world, platform).await);
    change(&world, platform, "settle_every_seconds=300", None).await.unwrap();
    world.wait(1_800);
    // One by a command of its own, the other by the job.
    world.deposit(asked, 100).await;
    assert_eq!(settled(&world, asked).await, [(at(61), 60), (world.app.now(), 300)]);
    assert_eq!(change_profiles::run(&world.app).await.unwrap(), 1);
    assert_eq!(settled(&world, told).await[0], (at(61), 60));
    assert_eq!(platform_row(&world, platform).await.profiles.untold().count(), 0);
    app::verify::run(&world.app.store, |_, _| {}).await.unwrap();
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_refused_changes_nothing() {
    let folder = TempFolder::new();
    let world = world(&folder).await;
    let platform = world.platform("spheron").await;
    let before = platform_row(&world, platform).await;
    for settings in ["", "colour=red", "stop_lead_seconds=soon", "deposit_min=20;deposit_max=10"] {
        let refused = change(&world, platform, settings, None).await;
        assert!(matches!(refused, Err(Refusal::SettingInvalid { .. })), "{settings}: {refused:?}");
    }
    let too_soon = change(&world, platform, "coupons=on", Some(at(60))).await;
    assert_eq!(too_soon, Err(Refusal::TooLongAgo { at: at(60), earliest: at(61) }));
    assert_eq!(platform_row(&world, platform).await, before);
    change(&world, platform, "deposit_max=600", Some(at(61))).await.unwrap();
    let profiles = platform_row(&world, platform).await.profiles;
    assert_eq!(profiles.at(at(60)).deposit_max, Amount::from_units(5_000));
    assert_eq!(profiles.at(at(61)).deposit_max, Amount::from_units(600));
    world.close().await;
}
