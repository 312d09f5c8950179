//! How much a key may ask, and which version of the API it speaks.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;
use web::rate::{RateLimit, RateLimits};
use web::router::VERSION;

use crate::world::{Answer, World};

fn number(answer: &Answer, header: &str) -> i64 {
    answer.headers[header].to_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_asks_too_much_waits_and_nothing_is_done() {
    let rates = RateLimits {
        customer: RateLimit { per_second: 1, burst: 3 },
        platform: RateLimit { per_second: 100, burst: 100 },
    };
    let world = World::open_limited(rates).await;
    let tenant = world.tenant().await;
    world.sells(&tenant).await;
    let event = json!({ "id": "e", "sku": "llm", "quantities": { "tokens": 1 } });
    for left in [2, 1, 0] {
        let answer = world.post(&tenant.org_key, "/v1/usage_events", &event).await;
        assert_eq!((answer.status, number(&answer, "ratelimit-remaining")), (200, left));
        assert_eq!(number(&answer, "ratelimit-limit"), 3);
        assert_eq!(number(&answer, "ratelimit-reset"), 3 - left);
    }
    let late = json!({ "id": "late", "sku": "llm", "quantities": { "tokens": 1 } });
    let refused = world.post(&tenant.org_key, "/v1/usage_events", &late).await;
    assert_eq!(number(&refused, "retry-after"), 1);
    assert_eq!(number(&refused, "ratelimit-remaining"), 0);
    refused.refused(429, "rate_limited");
    // Another key, the platform's and the operator's are counted apart.
    let path = format!("/v1/ledger?organization={}", tenant.org);
    let ledger = world.get(&tenant.platform_key, &path).await.expect(200);
    assert_eq!(ledger["data"].as_array().unwrap().len(), 1, "{ledger}");
    let operator = world.get(crate::world::OPERATOR, &path).await;
    assert!(!operator.headers.contains_key("ratelimit-limit"));
    world.wait(1);
    let answer = world.post(&tenant.org_key, "/v1/usage_events", &late).await.expect(200);
    assert_eq!(answer["status"], "recorded");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_the_server_does_not_speak_is_refused_before_anything_is_done() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    for (version, status) in [(VERSION, 201), ("2020-01-01", 400), ("", 400), ("latest", 400)] {
        let request = Request::post("/v1/organizations")
            .header("authorization", format!("Bearer {}", tenant.platform_key))
            .header("content-type", "application/json")
            .header("drawdown-version", version);
        let body = Body::from(json!({ "name": format!("v{version}") }).to_string());
        let answer = world.send(request.body(body).unwrap()).await;
        assert_eq!(answer.status, status, "{version}: {}", answer.text);
        assert_eq!(answer.headers["drawdown-version"], VERSION);
    }
    let listed = world.get(&tenant.platform_key, "/v1/organizations").await.expect(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 2, "{listed}");
    world.close().await;
}
