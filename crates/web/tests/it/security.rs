//! Every route, asked by everyone: no route can be forgotten, because the cases are made from the
//! table of routes.

use domain::workset::Role;
use serde_json::{Value, json};
use web::routes::ROUTES;

use crate::cases::{ask, things};
use crate::world::{World, text};

/// What a key of `role` that belongs to somebody else is told.
fn told(role: Role, needed: Role) -> (u16, &'static str) {
    if role < needed { (403, "forbidden") } else { (404, "not_found") }
}

/// What only tells about the platform may be seen by all of its organizations.
const OF_THE_PLATFORM: [&str; 2] = ["list_skus", "list_prices"];

#[tokio::test(flavor = "multi_thread")]
async fn every_route_asked_by_everyone() {
    let world = World::open().await;
    let shows_prices = json!({ "price_page": "on" });
    let (own, foreign) = (world.tenant_with("spheron", &shows_prices).await, world.tenant().await);
    let sibling = json!({ "name": "sibling" });
    let sibling = world.post(&own.platform_key, "/v1/organizations", &sibling).await.expect(201);
    let sibling = world.key(&own.platform_key, &text(&sibling["id"]), "organization").await;
    let read = world.key(&own.org_key, &own.org, "read").await;
    let things = things(&world, &own).await;
    for route in ROUTES {
        let operation = route.operation;
        let (status, body) = ask(&world, route, None, &own, &things).await;
        let Some(needed) = route.role else {
            assert_eq!(status, 200, "{operation} is open");
            continue;
        };
        assert_eq!((status, &body["code"]), (401, &json!("unauthenticated")), "{operation}");
        let wrong = format!("{}0", &own.org_key[..own.org_key.len() - 1]);
        if wrong != own.org_key {
            let (status, _) = ask(&world, route, Some(&wrong), &own, &things).await;
            assert_eq!(status, 401, "{operation} with a wrong secret");
        }
        let (status, body) = ask(&world, route, Some(&read), &own, &things).await;
        if needed == Role::Read {
            assert_eq!(status, 200, "{operation} with a read key: {body}");
        } else {
            assert_eq!((status, &body["code"]), (403, &json!("forbidden")), "{operation}");
        }
        for (who, key, role) in [
            ("sibling", &sibling, Role::Organization),
            ("foreign organization", &foreign.org_key, Role::Organization),
            ("foreign platform", &foreign.platform_key, Role::Platform),
        ] {
            let (status, body) = ask(&world, route, Some(key), &own, &things).await;
            if who == "sibling" && OF_THE_PLATFORM.contains(&operation) {
                assert_eq!(status, 200, "{operation} by {who}: {body}");
                continue;
            }
            let (expected, code) = told(role, needed);
            let found = (status, &body["code"]);
            assert_eq!(found, (expected, &json!(code)), "{operation} by {who}: {body}");
        }
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_opens_nothing_once_that_is_answered() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    let read = world.key(&tenant.org_key, &tenant.org, "read").await;
    let address = format!("/v1/wallets/{}", tenant.wallet);
    // Asked all the time, so that it is being looked up again while it is revoked.
    let asking = async {
        while world.get(&read, &address).await.status == 200 {
            world.wait(1);
        }
    };
    let path = format!("/v1/api_keys/{}/revoke", &read[3..33]);
    let revoking = async {
        let revoked = world.post(&tenant.org_key, &path, &json!({})).await.expect(200);
        assert!(revoked["revoked_at"].is_string());
        world.get(&read, &address).await.refused(401, "unauthenticated");
    };
    tokio::join!(asking, asking_too(&world, &read, &address), revoking);
    world.close().await;
}

/// The same without time in between, so that the key is in memory.
async fn asking_too(world: &World, key: &str, address: &str) {
    while world.get(key, address).await.status == 200 {}
}

/// A batch says of each event whose organization is not there for the caller that there is none.
#[tokio::test(flavor = "multi_thread")]
async fn events_of_another_platform_are_refused_one_by_one() {
    let world = World::open().await;
    let (own, foreign) = (world.tenant().await, world.tenant().await);
    things(&world, &own).await;
    things(&world, &foreign).await;
    let event = |id: &str, organization: &str| {
        json!({
            "organization": organization, "id": id, "sku": "llm", "quantities": { "tokens": 1 }
        })
    };
    let nobody = domain::Id::new(domain::Kind::Organization, world.app.draw_org(), 0).to_string();
    let events = [&own.org, &foreign.org, &nobody, &own.org];
    let events: Vec<Value> =
        events.iter().enumerate().map(|(at, org)| event(&format!("e-{at}"), org)).collect();
    let path = "/v1/usage_events";
    let answer = world.post(&own.platform_key, path, &json!({ "events": events })).await;
    let results = answer.expect(200)["results"].clone();
    let said = |at: usize| (results[at]["status"].clone(), results[at]["code"].clone());
    assert_eq!(said(0), (json!("recorded"), Value::Null), "{results}");
    assert_eq!(said(1), (json!("refused"), json!("not_found")), "{results}");
    assert_eq!(said(2), (json!("refused"), json!("not_found")), "{results}");
    assert_eq!(said(3), (json!("recorded"), Value::Null), "{results}");
    assert_eq!(results[1]["kind"], "organization");
    let listed = world.get(&foreign.org_key, "/v1/ledger").await.expect(200);
    assert!(!listed.to_string().contains("e-1"), "{listed}");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_a_key_above_their_own() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    let body =
        |role: &str, owner: &str| json!({ "organization": owner, "name": "x", "role": role });
    let path = "/v1/api_keys";
    let above = body("platform", &tenant.org);
    world.post(&tenant.org_key, path, &above).await.refused(403, "forbidden");
    world.post(&tenant.platform_key, path, &above).await.refused(400, "parameter_invalid");
    let operator = body("operator", &tenant.platform);
    world.post(&tenant.platform_key, path, &operator).await.refused(400, "malformed");
    let list = world.get(&tenant.org_key, path).await;
    assert!(!list.text.contains("secret") && !list.text.contains("hash"), "{}", list.text);
    world.close().await;
}
