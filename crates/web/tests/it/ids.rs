//! Ids of one tenant in the hands of another: whatever is tried, nothing is found.

use axum::body::Body;
use axum::http::{Method, Request};
use domain::{Id, Kind};
use serde_json::Value;
use web::route::Route;
use web::routes::ROUTES;

use crate::cases::{address, body, things};
use crate::world::{Answer, Tenant, World};

/// Numbers that are tried of each kind, beyond those that exist.
const NUMBERS: i64 = 4;

/// Ids of everything that a tenant has, and of what it might have.
fn ids(tenant: &Tenant, things: &Value) -> Vec<String> {
    let of_things = things.as_object().unwrap().values().filter_map(Value::as_str);
    let mut ids: Vec<String> = of_things.map(ToOwned::to_owned).collect();
    for owner in [&tenant.org, &tenant.platform] {
        let owner: Id = owner.parse().unwrap();
        for kind in Kind::ALL {
            ids.extend((0..NUMBERS).map(|number| Id::new(kind, owner.org, number).to_string()));
        }
    }
    ids
}

async fn send(world: &World, route: &Route, key: &str, uri: &str, body: &str) -> Answer {
    let request = Request::builder()
        .method(route.method.clone())
        .uri(uri)
        .header("authorization", format!("Bearer {key}"))
        .header("idempotency-key", world.app.ports.random.next().to_string())
        .header("content-type", "application/json");
    world.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

/// Nothing was found, and nothing of the other is in the answer.
fn is_nothing(answer: &Answer, tenant: &Tenant, what: &str) {
    assert!([400, 403, 404].contains(&answer.status), "{what}: {} {}", answer.status, answer.text);
    for owner in [&tenant.org, &tenant.platform] {
        assert!(!answer.text.contains(&owner[4..20]), "{what}: {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_of_another_tenant_opens_nothing() {
    let world = World::open().await;
    let (own, foreign) = (world.tenant().await, world.tenant().await);
    let (owned, others) = (things(&world, &own).await, things(&world, &foreign).await);
    let before = world.get(&own.org_key, "/v1/ledger?format=csv").await.text;
    for key in [&foreign.org_key, &foreign.platform_key] {
        for route in ROUTES.iter().filter(|route| route.role.is_some()) {
            let operation = route.operation;
            // In the address, with a body of the caller's own.
            if route.path.contains("{id}") {
                let sent = match route.method {
                    Method::POST => body(route, &foreign, &others).to_string(),
                    _ => String::new(),
                };
                for id in ids(&own, &owned) {
                    let uri = route.path.replace("{id}", &id);
                    let answer = send(&world, route, key, &uri, &sent).await;
                    is_nothing(&answer, &own, &format!("{operation} of {id}"));
                }
            }
            // In the body or the query, at an address of the caller's own.
            let uri = match route.method {
                Method::POST => address(route, &foreign, &others),
                _ if route.path.contains("{id}") => continue,
                _ => address(route, &own, &owned),
            };
            let sent = match route.method {
                Method::POST => body(route, &own, &owned).to_string(),
                _ => String::new(),
            };
            let names = format!("{uri} {sent}");
            if [&own.org, &own.platform].iter().any(|owner| names.contains(&owner[4..20])) {
                let answer = send(&world, route, key, &uri, &sent).await;
                let is_own = OF_BATCHES.contains(&operation) && answer.text.contains("not_found");
                if !is_own {
                    is_nothing(&answer, &own, &format!("{operation} with {names}"));
                }
            }
        }
    }
    let after = world.get(&own.org_key, "/v1/ledger?format=csv").await.text;
    assert_eq!(before, after, "something moved");
    world.close().await;
}

/// What is answered event by event, with a refusal for each.
const OF_BATCHES: [&str; 1] = ["record_usage"];
