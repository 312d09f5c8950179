//! Two processes of one store: whoever is asked, the owner of the lane decides.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use domain::{Id, OrgId, Timestamp};
use serde_json::{Value, json};
use store::StoreUrl;
use store::testkit::pg;
use tokio::net::TcpListener;

use crate::world::{OPERATOR, World, text};

/// Opens a process that can be reached over the network.
async fn process(url: &StoreUrl, owner: &str, clock: &Arc<AtomicI64>) -> World {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let world = World::open_at(url, owner, &address, Arc::clone(clock)).await;
    tokio::spawn(web::serve(listener, world.router.clone(), pending()));
    world
}

fn org_of(id: &Value) -> OrgId {
    text(id).parse::<Id>().unwrap().org
}

/// True once each of two processes owns one lane and knows of the other.
fn is_shared(world: &World) -> bool {
    let lane = |bucket| OrgId::new(bucket, u64::MAX);
    let foreign = [lane(0), lane(1)].map(|org| world.app.foreign_owner(org).is_some());
    world.app.is_ready() && foreign[0] != foreign[1]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_reaches_the_owner_whoever_is_asked() {
    let Some(server) = tokio::task::spawn_blocking(pg::find_or_start).await.unwrap() else {
        return;
    };
    let database = tokio::task::spawn_blocking(|| server.database()).await.unwrap();
    let start = Timestamp::parse("2026-01-05T00:00:00Z").unwrap();
    let clock = Arc::new(AtomicI64::new(start.micros()));
    let ticking = Arc::clone(&clock);
    let ticks = tokio::spawn(async move {
        let mut interval = tokio::time::interval(Duration::from_millis(20));
        loop {
            interval.tick().await;
            ticking.fetch_add(20_000, Ordering::SeqCst);
        }
    });
    let url = database.url();
    let (one, two) = (process(&url, "one", &clock).await, process(&url, "two", &clock).await);
    let shared = async {
        while !(is_shared(&one) && is_shared(&two)) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), shared).await.expect("both own a lane");
    through_both(&one, &two).await;
    one.close().await;
    two.close().await;
    ticks.abort();
}

async fn through_both(one: &World, two: &World) {
    let here = one.tenant().await;
    one.sells(&here).await;
    let key = &here.platform_key;
    let there = two.post(key, "/v1/organizations", &json!({ "name": "there" })).await.expect(201);
    assert!(one.app.foreign_owner(org_of(&there["id"])).is_some());
    let gift = json!({ "organization": there["id"], "amount": "5" });
    let given = one.post_under(key, "/v1/grants", "g", &gift).await;
    assert_eq!(given.expect(201)["organization"], there["id"]);
    assert!(given.headers.contains_key("request-id"));
    let again = two.post_under(key, "/v1/grants", "g", &gift).await;
    assert_eq!(
        (again.text, &again.headers["idempotent-replayed"]),
        (given.text, &"true".parse().unwrap())
    );
    let wallet = format!("/v1/wallets/{}", text(&there["wallet"]));
    assert_eq!(one.get(key, &wallet).await.expect(200)["available"], "5.00");
    let event = |id: &str, org: &Value| {
        let quantities = json!({ "tokens": 1_000_000 });
        json!({ "id": id, "organization": org, "sku": "llm", "quantities": quantities })
    };
    let mine = json!(here.org);
    let single = one.post(key, "/v1/usage_events", &event("e0", &there["id"])).await.expect(200);
    assert_eq!(single["balance"], "4.50");
    let events = [
        event("e1", &mine),
        event("e2", &there["id"]),
        event("e3", &mine),
        event("e2", &there["id"]),
        event("e0", &there["id"]),
    ];
    let batch = json!({ "events": events });
    let batch = one.post(key, "/v1/usage_events", &batch).await.expect(200);
    let told: Vec<(String, String)> = batch["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| (text(&result["id"]), text(&result["status"])))
        .collect();
    let told: Vec<(&str, &str)> = told.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
    let (recorded, duplicate) = ("recorded", "duplicate");
    assert_eq!(
        told,
        [
            ("e1", recorded),
            ("e2", recorded),
            ("e3", recorded),
            ("e2", duplicate),
            ("e0", duplicate)
        ]
    );
    // Whoever only says that it was sent on by a process of ours is turned away.
    for forged in ["1", "1767571200000000.0123456789abcdef0123456789abcdef"] {
        let request = Request::post("/v1/grants")
            .header("authorization", format!("Bearer {OPERATOR}"))
            .header("idempotency-key", "f")
            .header("drawdown-forwarded", forged)
            .body(Body::from(gift.to_string()))
            .unwrap();
        one.send(request).await.refused(401, "unauthenticated");
    }
}
