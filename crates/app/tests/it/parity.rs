//! One script, two stores, equal journals: what is decided does not depend on where it is kept.

use app::operations::capture_hold::CaptureHold;
use app::operations::create_resource::CreateResource;
use app::operations::place_hold::PlaceHold;
use app::operations::start_run::StartRun;
use app::operations::stop_run::StopRun;
use app::{Answer, App};
use domain::label::Labels;
use domain::ledger::LedgerTransaction;
use domain::{Amount, OrgId};
use store::StoreUrl;
use store::testkit::{TempFolder, pg};

use crate::world::World;

async fn script(world: &World) -> Vec<OrgId> {
    let mut orgs = Vec::new();
    for profile in ["spheron", "greennode"] {
        let platform = world.platform(profile).await;
        for number in 0..3 {
            let org = world.wallet(platform).await;
            world.deposit(org, 15 + number).await;
            world.decide(world.usage(org, "e1", 123_457)).await.unwrap();
            let gpu = CreateResource {
                org,
                label: "gpu-1".into(),
                sku: "gpu".into(),
                labels: Labels::NONE,
            };
            let Ok(Answer::Resource(_, gpu)) = world.decide(gpu).await else { panic!() };
            let start = StartRun::now(org, gpu.number);
            let Ok(Answer::Run(_, run)) = world.decide(start).await else { panic!() };
            world.wait(61);
            let hold = PlaceHold {
                org,
                amount: Amount::from_units(2),
                sku: None,
                expires_in_seconds: None,
                note: String::new(),
                labels: Labels::NONE,
            };
            let Ok(Answer::Hold(_, hold)) = world.decide(hold).await else { panic!() };
            world.wait(200);
            let capture =
                CaptureHold { org, hold: hold.number, amount: Some(Amount::from_units(1)) };
            world.decide(capture).await.unwrap();
            world.wait(39);
            world.decide(StopRun::now(org, run.number)).await.unwrap();
            world.decide(world.usage(org, "e2", 5)).await.unwrap();
            orgs.push(org);
        }
    }
    orgs
}

async fn journals(app: &App, orgs: &[OrgId]) -> Vec<LedgerTransaction> {
    let (app, orgs) = (app.clone(), orgs.to_vec());
    let read = move || {
        app.close();
        let mut writer = app.store.writer().unwrap();
        let mut rows = Vec::new();
        for wallet in store::wallets::load(&mut writer, &orgs).unwrap() {
            let all = domain::Timestamp::ZERO;
            rows.extend(
                store::journal::history(&mut writer, wallet.org, wallet.tip.position, all).unwrap(),
            );
        }
        rows.sort_by_key(|row| (row.org, row.number));
        for row in &mut rows {
            (row.position, row.prev) = (0, 0);
        }
        rows
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_script_leaves_equal_journals_on_both_stores() {
    let Some(server) = pg::find_or_start() else { return };
    let database = server.database();
    let folder = TempFolder::new();
    let sqlite = World::open(&StoreUrl::Sqlite(folder.path().join("books.db"))).await;
    let postgres = World::open(&database.url()).await;
    let orgs = script(&sqlite).await;
    assert_eq!(orgs, script(&postgres).await, "the ids differ");
    let kept = journals(&sqlite.app, &orgs).await;
    assert!(kept.len() > 30, "the script did too little: {} rows", kept.len());
    assert_eq!(kept, journals(&postgres.app, &orgs).await);
}
