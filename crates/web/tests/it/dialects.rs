//! Usage in the dialects of OpenMeter and Lago.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::world::{Answer, World};

const PATH: &str = "/api/v1/events";

async fn send(world: &World, key: &str, media: &str, body: &Value) -> Answer {
    let request = Request::post(PATH)
        .header("authorization", format!("Bearer {key}"))
        .header("content-type", media);
    world.send(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn openmeters_events_are_charged_by_what_has_a_price() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    world.sells(&tenant).await;
    let event = |id: &str, data: Value| {
        json!({
            "specversion": "1.0", "id": id, "source": "litellm-proxy", "type": "litellm_tokens",
            "subject": tenant.org, "time": "2026-01-05T02:00:00.25+02:00", "data": data
        })
    };
    let one = "application/cloudevents+json";
    let data = json!({ "model": "llm", "cost": 0.5, "tokens": 2_000_000, "total_tokens": null });
    let charge = send(&world, &tenant.platform_key, one, &event("a", data.clone())).await;
    let charge = charge.expect(200);
    assert_eq!((&charge["status"], &charge["amount"]), (&json!("recorded"), &json!("1.00")));
    assert_eq!(charge["occurred_at"], "2026-01-05T00:00:00.25Z");
    let again = send(&world, &tenant.platform_key, one, &event("a", data.clone())).await;
    assert_eq!(again.expect(200)["status"], "duplicate");
    // A model of its own type, as many in a batch as one likes, each answered by itself.
    let mut by_type = event("b", json!({ "tokens": 1_000_000 }));
    by_type["type"] = json!("llm");
    let nothing = event("n", json!({ "model": "nothing", "tokens": 1 }));
    let batch = json!([by_type, event("c", data.clone()), nothing]);
    let many = "application/cloudevents-batch+json";
    let results = send(&world, &tenant.platform_key, many, &batch).await.expect(200);
    assert_eq!(results["results"][0]["amount"], "0.50", "{results}");
    assert_eq!(results["results"][1]["amount"], "1.00", "{results}");
    assert_eq!(results["results"][2]["code"], "unknown_sku", "{results}");
    for (data, code) in [
        (json!({ "model": "nothing", "tokens": 1 }), "unknown_sku"),
        (json!({ "model": "llm", "cost": 0.5 }), "price_missing"),
        (json!({ "model": "llm", "tokens": -1 }), "quantity_not_positive"),
    ] {
        send(&world, &tenant.platform_key, one, &event("x", data)).await.refused(422, code);
    }
    let mut nobody = event("y", data.clone());
    nobody["subject"] = json!("alice");
    send(&world, &tenant.platform_key, one, &nobody).await.refused(400, "parameter_invalid");
    let foreign = world.tenant().await;
    send(&world, &foreign.platform_key, one, &event("z", data)).await.refused(404, "not_found");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lagos_events_are_charged_and_answered_in_their_own_words() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    world.sells(&tenant).await;
    let event = |timestamp: Value| {
        json!({ "event": {
            "transaction_id": "t-1", "external_subscription_id": tenant.org, "code": "llm",
            "timestamp": timestamp, "precise_total_amount_cents": null,
            "properties": { "tokens": 4_000_000, "region": "eu" }
        }})
    };
    let json = "application/json";
    let taken = send(&world, &tenant.platform_key, json, &event(json!(1_767_571_200))).await;
    let taken = taken.expect(200)["event"].clone();
    assert_eq!(taken["transaction_id"], "t-1");
    assert_eq!(taken["timestamp"], "2026-01-05T00:00:00Z");
    assert!(taken["lago_id"].as_str().unwrap().starts_with("ltx_"), "{taken}");
    let ledger = world.get(&tenant.org_key, "/v1/ledger").await.expect(200);
    assert_eq!(ledger["data"][0]["amount"], "2.00", "{ledger}");
    for (timestamp, code) in
        [(json!("soon"), "parameter_invalid"), (json!({}), "parameter_invalid")]
    {
        let answer = send(&world, &tenant.platform_key, json, &event(timestamp)).await;
        answer.refused(400, code);
    }
    // What is wrong is told in Lago's words.
    let short = json!({ "event": { "transaction_id": "t-2", "code": "llm" } });
    let answer = send(&world, &tenant.platform_key, json, &short).await;
    assert_eq!(answer.json()["param"], "external_subscription_id", "{}", answer.text);
    answer.refused(400, "malformed");
    world.close().await;
}
