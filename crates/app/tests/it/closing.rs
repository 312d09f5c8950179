//! What closing promises across time: names stay as long as a document needs them, and then go from
//! every row, which `verify` looks after.

use app::Answer;
use app::jobs::{erase_organizations, issue_documents, pay_refunds};
use app::operations::add_member::AddMember;
use app::operations::close_organization::CloseOrganization;
use app::operations::create_api_key::CreateApiKey;
use app::operations::create_resource::CreateResource;
use domain::label::Labels;
use domain::member::MemberRole;
use domain::workset::{Organization, Role};
use domain::{OrgId, Refusal};
use store::StoreUrl;
use store::read::access;
use store::testkit::{TempFolder, tamper};

use crate::world::World;

async fn close(world: &World, org: OrgId) -> Organization {
    let closed = world.decide(CloseOrganization { org }).await;
    let Ok(Answer::Organization(_, row)) = closed else { panic!("{closed:?}") };
    row
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_erased_once_the_last_refund_is_paid_and_documented() {
    let folder = TempFolder::new();
    let file = folder.path().join("books.db");
    let world = World::open(&StoreUrl::Sqlite(file.clone())).await;
    let platform = world.platform("qubrid").await;
    let org = world.wallet(platform).await;
    let (label, role) = (String::from("olga's key"), Role::Usage);
    world.decide(CreateApiKey { org, label, hash: vec![7; 32], role }).await.unwrap();
    let (member_name, role) = ("Olga".into(), MemberRole::Owner);
    world.decide(AddMember { org, member_name, role }).await.unwrap();
    let labels = Labels::new([("project", "apollo")]).unwrap();
    let (label, sku) = ("olga-1".into(), "gpu".into());
    world.decide(CreateResource { org, label, sku, labels }).await.unwrap();
    world.deposit(org, 20).await;
    issue_documents::run(&world.app).await.unwrap();

    // The refund is asked for, and not yet paid.
    assert_eq!(close(&world, org).await.erased_at, None);
    assert_eq!(erase_organizations::run(&world.app).await.unwrap(), 0);
    pay_refunds::run(&world.app).await.unwrap();
    // It is paid, and its credit note not yet issued: it needs the names.
    assert_eq!(erase_organizations::run(&world.app).await.unwrap(), 0);
    assert_eq!(close(&world, org).await.name, "acme");
    issue_documents::run(&world.app).await.unwrap();
    assert_eq!(erase_organizations::run(&world.app).await.unwrap(), 1);
    assert_eq!(erase_organizations::run(&world.app).await.unwrap(), 0);

    let mut snapshot = world.app.store.snapshot().await.unwrap();
    let row = access::organization(&mut snapshot, org).await.unwrap().unwrap();
    assert!(row.name.is_empty() && row.erased_at.is_some());
    drop(snapshot);
    let use_it = world.decide(world.usage(org, "late", 1_000)).await;
    assert_eq!(use_it, Err(Refusal::OrganizationClosed));
    app::verify::run(&world.app.store, |_, _| {}).await.unwrap();
    // From nothing to a text, which is all that is wrong.
    for (table, column) in [("api_keys", "name"), ("resources", "labels")] {
        tamper::change(&file, table, column, 0);
        let lie = app::verify::run(&world.app.store, |_, _| {}).await.unwrap_err().to_string();
        assert!(lie.contains(table) && lie.contains("was erased"), "{lie}");
    }
    world.close().await;
}
