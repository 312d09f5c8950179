//! What documents promise across two lanes: one each, numbered without a gap, whatever happens.

use std::collections::BTreeSet;

use app::jobs::issue_documents;
use app::operations::issue_document::IssueDocument;
use app::{Answer, Command, Outcome};
use domain::document::{About, Document, DocumentKind, Paid, Party};
use domain::tax::Tax;
use domain::{Amount, OrgId};
use store::StoreUrl;
use store::read::documents;
use store::testkit::TempFolder;

use crate::world::World;

async fn all(world: &World, platform: OrgId) -> Vec<Document> {
    let mut snapshot = world.app.store.snapshot().await.unwrap();
    documents::list(&mut snapshot, platform, None, i64::MAX, 1_000).await.unwrap()
}

/// Numbers from 1 to `count`, each once.
fn check_series(documents: &[Document], kind: DocumentKind, count: i64) {
    let of_kind = documents.iter().filter(|document| document.kind == kind);
    let places: Vec<i64> = of_kind.map(|document| document.place).collect();
    let distinct: BTreeSet<i64> = places.iter().copied().collect();
    assert_eq!(distinct, (1..=count).collect::<BTreeSet<i64>>());
    assert_eq!(places.len(), distinct.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_documents_issued_at_once_leave_no_gap_and_no_number_twice() {
    let folder = TempFolder::new();
    let world = World::open(&StoreUrl::Sqlite(folder.path().join("books.db"))).await;
    let platform = world.platform("qubrid").await;
    let mut orgs = Vec::new();
    for _ in 0..50 {
        let org = world.wallet(platform).await;
        world.deposit(org, 20).await;
        orgs.push(org);
    }
    // Every round at once, several times, beside others who ask for the same by hand.
    let rounds = (0..4).map(|_| {
        let app = world.app.clone();
        tokio::spawn(async move { issue_documents::run(&app).await.unwrap() })
    });
    let by_hand = orgs.iter().map(|&org| {
        let app = world.app.clone();
        tokio::spawn(async move {
            let issue = IssueDocument {
                platform,
                kind: DocumentKind::Invoice,
                customer: org,
                about: About::Month(202_601),
                corrects: None,
                at: app.now(),
                buyer: Party { name: "Acme".into(), ..Party::default() },
                paid: Paid::default(),
                net: Amount::from_units(1),
                tax: Tax::default(),
            };
            let twice = [issue.clone(), issue].map(|it| app.run(Command::new(it)));
            let [first, second] = twice;
            let (first, second) = tokio::join!(first, second);
            let number = |outcome| match outcome {
                Ok(Outcome::Decided(Ok(Answer::Document(_, document)))) => document.number,
                other => panic!("{other:?}"),
            };
            assert_eq!(number(first), number(second));
            0
        })
    });
    let tasks: Vec<_> = rounds.chain(by_hand).collect();
    for task in tasks {
        task.await.unwrap();
    }
    let documents = all(&world, platform).await;
    assert_eq!(documents.len(), 100);
    check_series(&documents, DocumentKind::Receipt, 50);
    check_series(&documents, DocumentKind::Invoice, 50);
    assert_eq!(issue_documents::run(&world.app).await.unwrap(), 0);
    app::verify::run(&world.app.store, |_, _| {}).await.unwrap();
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_was_issued_and_not_concluded_is_not_issued_again() {
    let folder = TempFolder::new();
    let world = World::open(&StoreUrl::Sqlite(folder.path().join("books.db"))).await;
    let platform = world.platform("qubrid").await;
    let org = world.wallet(platform).await;
    world.deposit(org, 20).await;
    // The process that issued it went away before the organization heard of it.
    let due = documents::due_deposits(&world.app.store, 10).await.unwrap();
    for issue in issue_documents::documents_of(&due[0]) {
        world.decide(issue).await.unwrap();
    }
    app::verify::run(&world.app.store, |_, _| {}).await.unwrap();
    assert_eq!(issue_documents::run(&world.app).await.unwrap(), 1);
    assert_eq!(issue_documents::run(&world.app).await.unwrap(), 0);
    let documents = all(&world, platform).await;
    assert_eq!(documents.len(), 1);
    assert_eq!(documents[0].reference(), "R-2026-000001");
    app::verify::run(&world.app.store, |_, _| {}).await.unwrap();
    world.close().await;
}
