//! What the door promises: decided once, durable before answered, replayed under a key.

use app::operations::place_hold::PlaceHold;
use app::operations::save_payment_method::SavePaymentMethod;
use app::operations::set_auto_top_up::SetAutoTopUp;
use app::{Answer, AppError, Command, IdempotencyKey, Outcome};
use domain::deposit::Behaviour;
use domain::label::Labels;
use domain::top_up::Caps;
use domain::{Amount, Refusal};
use store::StoreUrl;
use store::testkit::{TempFolder, tamper};

use crate::world::World;

fn url(folder: &TempFolder) -> StoreUrl {
    StoreUrl::Sqlite(folder.path().join("books.db"))
}

fn render(decided: &Result<Answer, Refusal>) -> (u16, String) {
    match decided {
        Ok(answer) => (201, format!("{answer:?}")),
        Err(refusal) => (402, refusal.to_string()),
    }
}

fn key(name: &str, fingerprint: i64) -> Option<IdempotencyKey> {
    Some(IdempotencyKey { key: name.into(), fingerprint, render })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_charged_once_however_often_it_comes_and_whoever_restarts() {
    let folder = TempFolder::new();
    let world = World::open(&url(&folder)).await;
    let platform = world.platform("spheron").await;
    let org = world.wallet(platform).await;
    world.deposit(org, 100).await;
    let Ok(Answer::Charge { transaction, is_duplicate: false }) =
        world.decide(world.usage(org, "e1", 2_000_000)).await
    else {
        panic!("not charged")
    };
    assert_eq!(transaction.amount, Amount::from_units(1));
    let again = world.decide(world.usage(org, "e1", 2_000_000)).await;
    assert_eq!(again, Ok(Answer::Charge { transaction, is_duplicate: true }));
    assert_eq!(world.decide(world.usage(org, "e1", 3_000_000)).await, Err(Refusal::EventConflict));
    let clock = world.clock.clone();
    world.close().await;
    let world = World::open_with(&url(&folder), clock).await;
    let Ok(Answer::Charge { transaction, is_duplicate: true }) =
        world.decide(world.usage(org, "e1", 2_000_000)).await
    else {
        panic!("charged again after a restart")
    };
    assert_eq!(transaction.balance, Amount::from_units(99));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_repeats_its_answer_and_refuses_another_body() {
    let folder = TempFolder::new();
    let world = World::open(&url(&folder)).await;
    let platform = world.platform("greennode").await;
    let org = world.wallet(platform).await;
    let hold = || PlaceHold {
        org,
        amount: Amount::from_units(5),
        sku: None,
        expires_in_seconds: None,
        note: String::new(),
        labels: Labels::NONE,
    };
    let first = world.send(Command::new(hold()).with_key(key("k", 1))).await.unwrap();
    assert!(matches!(first, Outcome::Decided(Err(Refusal::InsufficientCredit { .. }))));
    world.deposit(org, 10).await;
    let again = world.send(Command::new(hold()).with_key(key("k", 1))).await.unwrap();
    assert!(matches!(again, Outcome::Replayed { status: 402, .. }), "a retry changed the answer");
    let other = world.send(Command::new(hold()).with_key(key("k", 2))).await;
    assert!(matches!(other, Err(AppError::KeyReused)));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_kept_for_a_day_and_an_answer_for_thirty_five() {
    let folder = TempFolder::new();
    let world = World::open(&url(&folder)).await;
    let platform = world.platform("greennode").await;
    let org = world.wallet(platform).await;
    let hold = || PlaceHold {
        org,
        amount: Amount::from_units(5),
        sku: None,
        expires_in_seconds: None,
        note: String::new(),
        labels: Labels::NONE,
    };
    let send = async || world.send(Command::new(hold()).with_key(key("k", 1))).await.unwrap();
    assert!(matches!(send().await, Outcome::Decided(Err(Refusal::InsufficientCredit { .. }))));
    world.deposit(org, 10).await;
    world.wait(86_399);
    assert!(matches!(send().await, Outcome::Replayed { status: 402, .. }));
    world.wait(1);
    assert!(matches!(send().await, Outcome::Decided(Ok(Answer::Hold(..)))));
    world.wait(35 * 86_400 - 1);
    assert!(matches!(send().await, Outcome::Replayed { status: 201, .. }));
    world.wait(1);
    assert!(matches!(send().await, Outcome::Decided(Ok(Answer::Hold(..)))));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_holds_at_once_never_set_aside_more_than_there_is() {
    let folder = TempFolder::new();
    let world = World::open(&url(&folder)).await;
    let platform = world.platform("greennode").await;
    let org = world.wallet(platform).await;
    world.deposit(org, 1).await;
    let mut tasks = Vec::new();
    for _ in 0..200 {
        let app = world.app.clone();
        tasks.push(tokio::spawn(async move {
            let amount = Amount::parse("0.02").unwrap();
            let hold = PlaceHold {
                org,
                amount,
                sku: None,
                expires_in_seconds: None,
                note: String::new(),
                labels: Labels::NONE,
            };
            matches!(app.run(Command::new(hold)).await, Ok(Outcome::Decided(Ok(_))))
        }));
    }
    let mut admitted = 0;
    for task in tasks {
        admitted += i32::from(task.await.unwrap());
    }
    assert_eq!(admitted, 50);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_debits_across_a_threshold_cause_one_top_up() {
    let folder = TempFolder::new();
    let world = World::open(&url(&folder)).await;
    let platform = world.platform("spheron").await;
    let org = world.wallet(platform).await;
    world.deposit(org, 30).await;
    let method = SavePaymentMethod {
        org,
        rail: "sandbox".into(),
        behaviour: Behaviour::Succeeds,
        label: "card".into(),
    };
    let Ok(Answer::PaymentMethod(_, method)) = world.decide(method).await else { panic!() };
    let rule = SetAutoTopUp {
        org,
        enabled: true,
        threshold: Amount::from_units(20),
        amount: Amount::from_units(100),
        method: method.number,
        caps: Caps::default(),
    };
    world.decide(rule).await.unwrap();
    let mut tasks = Vec::new();
    for number in 0..50 {
        let app = world.app.clone();
        let usage = world.usage(org, &format!("e{number}"), 1_000_000);
        tasks.push(tokio::spawn(async move { app.run(Command::new(usage)).await.unwrap() }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(app::jobs::charge_methods::run(&world.app).await.unwrap(), 1);
    assert_eq!(app::jobs::charge_methods::run(&world.app).await.unwrap(), 0);
    let Ok(Answer::Charge { transaction, .. }) = world.decide(world.usage(org, "last", 2)).await
    else {
        panic!()
    };
    let spent = Amount::parse("25.000001").unwrap();
    assert_eq!(transaction.balance, Amount::from_units(130).minus(spent));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_removed_when_its_time_is_over() {
    let folder = TempFolder::new();
    let file = folder.path().join("books.db");
    let world = World::open(&url(&folder)).await;
    let platform = world.platform("spheron").await;
    let org = world.wallet(platform).await;
    world.deposit(org, 100).await;
    let hold = || PlaceHold {
        org,
        amount: Amount::from_units(1),
        sku: None,
        expires_in_seconds: Some(60),
        note: String::new(),
        labels: Labels::NONE,
    };
    world.send(Command::new(hold()).with_key(key("early", 1))).await.unwrap();
    world.wait(34 * 86_400);
    world.send(Command::new(hold()).with_key(key("late", 1))).await.unwrap();
    world.wait(2 * 86_400);
    // Each command lets the lane look up, and each 11 seconds let it go on with its walk.
    for turn in 0..40 {
        world.wait(11);
        world.decide(world.usage(org, &format!("e{turn}"), 1)).await.unwrap();
    }
    assert_eq!(tamper::count(&file, "answers"), 1, "the late one is kept");
    let again = world.send(Command::new(hold()).with_key(key("late", 1))).await.unwrap();
    assert!(matches!(again, Outcome::Replayed { status: 201, .. }), "{again:?}");
    let again = world.send(Command::new(hold()).with_key(key("early", 2))).await.unwrap();
    assert!(matches!(again, Outcome::Decided(Ok(_))), "the key is free again: {again:?}");
    world.close().await;
}
