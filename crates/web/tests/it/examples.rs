//! Examples of the document: what was really sent and answered, for every operation.

use std::collections::BTreeMap;
use std::path::Path;

use axum::http::Method;
use serde_json::{Value, json};
use web::route::Route;
use web::routes::ROUTES;

use crate::cases::{ask, body, things};
use crate::world::{OPERATOR, Tenant, World, text};

/// A customer of a platform that offers everything.
async fn tenant(world: &World, operation: &str) -> Tenant {
    let settings = json!({
        "auto_top_up": "on", "discounts": "on", "price_page": "on", "tax_point": "deposit"
    });
    let mut body = json!({ "name": "cloud", "profile": "qubrid", "settings": settings });
    if operation.ends_with("test_clock") {
        body["test_clock"] = json!("2026-01-05T00:00:00Z");
    }
    world.tenant_of(&body).await
}

/// Does what has to come before an operation, so that it is not refused.
async fn prepare(world: &World, operation: &str, tenant: &Tenant, things: &mut Value) {
    let key = &tenant.platform_key;
    let stop = format!("/v1/runs/{}/stop", text(&things["runs"]));
    let stopped = |then: &str| json!({ "then": then });
    let by_route = async |operation: &str, things: &Value| {
        let route = ROUTES.iter().find(|route| route.operation == operation).unwrap();
        let (status, answer) = ask(world, route, Some(key), tenant, things).await;
        assert!(status < 300, "{operation}: {answer}");
        answer
    };
    match operation {
        "close_organization" => {
            let empty = json!({ "name": "acme two" });
            let empty = world.post(key, "/v1/organizations", &empty).await.expect(201);
            things["organizations"] = empty["id"].clone();
        }
        "void_grant" => things["grants"] = by_route("give_grant", things).await["id"].clone(),
        "get_coupon" | "redeem_coupon" => {
            things["coupons"] = by_route("create_coupon", things).await["id"].clone();
        }
        "make_commitment" => {
            let path = format!("/v1/skus/{}/commitment", text(&things["skus"]));
            let offer = json!({ "commitment": { "discount_bps": 4000, "days": 7 } });
            world.post(key, &path, &offer).await.expect(200);
            world.pays(tenant, "4000").await;
        }
        "issue_invoice" => {
            world.post(key, &stop, &json!({})).await.expect(200);
            world.wait(40 * 86_400);
        }
        "start_run" => drop(world.post(key, &stop, &json!({})).await.expect(200)),
        "resume_resource" => drop(world.post(key, &stop, &stopped("paused")).await.expect(200)),
        "redeploy_resource" => {
            world.post(key, &stop, &stopped("terminated")).await.expect(200);
        }
        "report_ready" | "report_beat" => {
            world.post(key, &stop, &json!({})).await.expect(200);
            let run = json!({
                "resource": things["resources"], "waits_for_ready": true, "heartbeat_seconds": 120
            });
            things["runs"] = world.post(key, "/v1/runs", &run).await.expect(201)["id"].clone();
            if operation == "report_beat" {
                by_route("report_ready", things).await;
            }
        }
        "reverse_usage" => drop(by_route("record_usage", things).await),
        _ => {}
    }
}

async fn example(route: &Route) -> Value {
    let world = World::open().await;
    let tenant = tenant(&world, route.operation).await;
    let mut things = things(&world, &tenant).await;
    prepare(&world, route.operation, &tenant, &mut things).await;
    let key = if route.operation == "create_platform" { OPERATOR } else { &tenant.platform_key };
    let (status, answered) = ask(&world, route, Some(key), &tenant, &things).await;
    assert!(status < 300, "{}: {status} {answered}", route.operation);
    let mut example = json!({ "response": answered });
    if route.method == Method::POST {
        example["request"] = body(route, &tenant, &things);
    }
    world.close().await;
    example
}

/// `UPDATE_OPENAPI=1 cargo test -p web examples` writes them anew.
#[tokio::test(flavor = "multi_thread")]
async fn the_committed_examples_are_what_is_answered() {
    let mut examples = BTreeMap::new();
    for route in ROUTES.iter().filter(|route| route.response.is_some()) {
        examples.insert(route.operation, example(route).await);
    }
    let text = serde_json::to_string_pretty(&examples).unwrap() + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/examples.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == text, "examples.json is stale: run with UPDATE_OPENAPI=1");
}
