//! What a client can send that nobody should: every answer is a problem, none is a panic.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::world::{Tenant, World};

async fn raw(world: &World, tenant: &Tenant, path: &str, body: impl Into<Body>) -> (u16, String) {
    let request = Request::post(path)
        .header("authorization", format!("Bearer {}", tenant.org_key))
        .header("content-type", "application/json")
        .header("idempotency-key", "k");
    let answer = world.send(request.body(body.into()).unwrap()).await;
    let code = answer.json()["code"].as_str().unwrap_or_default().to_owned();
    (answer.status, code)
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_cannot_be_read_are_refused() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    let holds = "/v1/holds";
    for body in [
        "{",
        "[]",
        "null",
        "{\"amount\":1}",
        "{\"amount\":\"1\",\"extra\":1}",
        "{\"amount\":\"1\",\"amount\":\"2\"}",
        "{\"amount\":\"1\"} trailing",
    ] {
        assert_eq!(raw(&world, &tenant, holds, body).await, is(400, "malformed"), "{body}");
    }
    let broken = b"{\"amount\":\"1\",\"note\":\"\xff\xfe\"}".to_vec();
    assert_eq!(raw(&world, &tenant, holds, broken).await, is(400, "malformed"));
    let deep = "[".repeat(100_000);
    assert_eq!(raw(&world, &tenant, holds, deep).await, is(400, "malformed"));
    let nul = json!({ "amount": "1", "note": "a\0b" }).to_string();
    assert_eq!(raw(&world, &tenant, holds, nul).await, is(400, "parameter_invalid"));
    let long = json!({ "amount": "1", "note": "x".repeat(501) }).to_string();
    assert_eq!(raw(&world, &tenant, holds, long).await, is(400, "parameter_invalid"));
    let large = vec![b' '; (1 << 20) + 1];
    assert_eq!(raw(&world, &tenant, holds, large).await, is(413, "body_too_large"));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_that_are_none_are_refused() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    for (amount, status, code) in [
        ("1e3", 400, "amount_malformed"),
        ("1,000", 400, "amount_malformed"),
        ("", 400, "amount_malformed"),
        ("0.0000000001", 400, "amount_too_precise"),
        ("9223372036.854775807", 400, "amount_out_of_range"),
        ("9999999999999", 400, "amount_out_of_range"),
        ("1000000000", 402, "insufficient_credit"),
        ("0", 422, "amount_not_positive"),
        ("-1", 422, "amount_not_positive"),
    ] {
        // Each under a key of its own: what is decided is stored.
        let body = json!({ "amount": amount });
        let answer = world.post(&tenant.org_key, "/v1/holds", &body).await;
        answer.refused(status, code);
    }
    for seconds in [0, -1, 86_401, i64::MAX, i64::MIN] {
        let body = json!({ "amount": "1", "expires_in_seconds": seconds });
        let answer = world.post(&tenant.org_key, "/v1/holds", &body).await;
        answer.refused(422, "expiry_in_the_past");
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_bounded_before_anything_is_decided() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    world.sells(&tenant).await;
    let batch = |count: usize| {
        let quantities = json!({ "tokens": 1 });
        let event =
            |at: usize| json!({ "id": format!("e{at}"), "sku": "llm", "quantities": quantities });
        json!({ "events": (0..count).map(event).collect::<Vec<_>>() }).to_string()
    };
    let path = "/v1/usage_events";
    assert_eq!(raw(&world, &tenant, path, batch(1_001)).await, is(413, "too_many_events"));
    assert_eq!(raw(&world, &tenant, path, batch(0)).await, is(400, "parameter_invalid"));
    assert_eq!(raw(&world, &tenant, path, batch(1_000)).await, is(200, ""));
    let ledger = world.get(&tenant.org_key, "/v1/ledger?limit=1").await.expect(200);
    assert_eq!(ledger["data"][0]["number"], 1_000);
    let large = vec![b' '; (8 << 20) + 1];
    assert_eq!(raw(&world, &tenant, path, large).await, is(413, "body_too_large"));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quantities_at_the_edge_of_their_range_are_answered() {
    let world = World::open().await;
    for (profile, overdraft) in [("spheron", "absorb")] {
        let settings = json!({ "overdraft": overdraft });
        let tenant = world.tenant_with(profile, &settings).await;
        world.sells(&tenant).await;
        // The largest charge that is an amount, several times, and beyond.
        for (id, tokens) in [
            ("a", 18_446_744_073_709_551_i64),
            ("b", 18_446_744_073_709_551),
            ("c", 18_446_744_073_709_552),
            ("d", i64::MAX),
        ] {
            let body = json!({ "id": id, "sku": "llm", "quantities": { "tokens": tokens } });
            let answer = world.post(&tenant.org_key, "/v1/usage_events", &body).await;
            assert!(answer.status < 500, "{profile} {overdraft} {id}: {}", answer.text);
        }
        let path = format!("/v1/wallets/{}", tenant.wallet);
        world.get(&tenant.org_key, &path).await.expect(200);
        let hold = json!({ "amount": "1000000000" });
        let hold = world.post(&tenant.org_key, "/v1/holds", &hold).await;
        hold.refused(402, "insufficient_credit");
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_and_headers_that_are_none_are_refused() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    let key = &tenant.org_key;
    let nowhere = ["/v1/holds/x", "/v1/holds/hld_%ff", "/v1/wallets/%00", "/v1/x", "/v1/", "/x"];
    for path in nowhere {
        world.get(key, path).await.refused(404, "not_found");
    }
    let as_hold = tenant.wallet.replace("wal_", "hld_");
    world.get(key, &format!("/v1/holds/{as_hold}")).await.refused(404, "not_found");
    world.get(key, &format!("/v1/wallets/{as_hold}")).await.refused(404, "not_found");
    for path in [
        "/v1/holds?limit=0",
        "/v1/holds?limit=101",
        "/v1/holds?cursor=zz",
        "/v1/holds?organization=nobody",
        "/v1/events?type=nothing",
    ] {
        world.get(key, path).await.refused(400, "parameter_invalid");
    }
    for path in ["/v1/holds?limit=ten", "/v1/holds?what=1", "/v1/holds?limit=1&limit=2"] {
        world.get(key, path).await.refused(400, "malformed");
    }
    let far = format!("/v1/ledger?cursor={}", web::page::encode(1 << 40, 7));
    world.get(key, &far).await.refused(400, "parameter_invalid");
    let request = Request::delete("/v1/holds").body(Body::empty()).unwrap();
    world.send(request).await.refused(405, "method_not_allowed");
    let request = |name: &'static str, value: &str| {
        Request::post("/v1/deposits")
            .header("authorization", format!("Bearer {key}"))
            .header(name, value)
            .body(Body::from("{\"amount\":\"20\"}"))
            .unwrap()
    };
    let answer = world.send(request("content-type", "text/plain")).await;
    answer.refused(415, "unsupported_media_type");
    let answer = world.send(request("content-type", "application/json")).await;
    answer.refused(400, "idempotency_key_required");
    for bad in ["", "with space", "ümlaut", &"x".repeat(256)] {
        let answer = world.send(request("idempotency-key", bad)).await;
        answer.refused(400, "idempotency_key_malformed");
    }
    let forwarded = world.send(request("drawdown-forwarded", "1")).await;
    forwarded.refused(401, "unauthenticated");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_speaks_about_itself_to_anyone() {
    let world = World::open().await;
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    assert_eq!(world.send(get("/livez")).await.text, "ok\n");
    assert_eq!(world.send(get("/readyz")).await.text, "ready\n");
    let document = world.send(get("/openapi.json")).await.expect(200);
    assert_eq!(document["openapi"], "3.1.0");
    let metrics = world.send(get("/metrics")).await;
    assert!(metrics.text.contains("operation=\"get_livez\",status=\"200\"} 1"), "{metrics:?}");
    assert!(metrics.headers.contains_key("request-id"));
    let tenant = world.tenant().await;
    let metrics = world.send(get("/metrics")).await.text;
    for line in [
        "drawdown_lanes_ready 1",
        "drawdown_lane_queue_commands{lane=\"0\"} 0",
        "drawdown_lane_wakes_due{lane=\"0\"} 0",
        "drawdown_lane_batch_commands_bucket{lane=\"0\",le=\"1\"} 4",
        "drawdown_lane_batch_seconds_bucket{lane=\"0\",le=\"0.000500\"} 4",
        "drawdown_lane_batch_seconds_count{lane=\"0\"} 4",
        "drawdown_outbox_waiting 0",
        "drawdown_index_lag_positions{lane=\"0\"} 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line} is missing in {metrics}");
    }
    let names = [&tenant.platform, &tenant.org].map(|id| &id[4..]);
    assert!(!names.iter().any(|name| metrics.contains(name)), "{metrics}");
    let orgs = metrics.lines().filter(|line| line.contains("lane=\"1\"")).count();
    assert_eq!(orgs, 0, "SQLite has one lane");
    world.close().await;
}
