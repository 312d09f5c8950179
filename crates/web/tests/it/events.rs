//! The event log: pages, pages that wait, and a stream.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::world::{Tenant, World, text};

/// Longer than any answer takes that has something to tell.
const PATIENCE: Duration = Duration::from_secs(20);

async fn last_number(world: &World, tenant: &Tenant) -> i64 {
    let events = world.get(&tenant.org_key, "/v1/events?limit=100").await.expect(200);
    events["data"].as_array().unwrap().last().unwrap()["number"].as_i64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_waits_until_there_is_something_to_show() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    world.pays(&tenant, "20").await;
    let since = last_number(&world, &tenant).await;
    let path = format!("/v1/events?since={since}&wait_seconds=30");
    let waiting = async { world.get(&tenant.org_key, &path).await.expect(200) };
    let paying = async {
        // The page is being waited for by now, or finds it at once.
        tokio::task::yield_now().await;
        world.pays(&tenant, "25").await
    };
    let both = tokio::time::timeout(PATIENCE, async { tokio::join!(waiting, paying) });
    let (page, _) = both.await.expect("the page did not end with the payment");
    assert_eq!(page["data"][0]["data"]["amount"], "25.00", "{page}");
    // Nothing comes of this type, so that the whole second is waited for.
    let path = "/v1/events?type=run.stopped&wait_seconds=1";
    let page = world.get(&tenant.org_key, path).await.expect(200);
    assert_eq!(page["data"], json!([]));
    for bad in ["31", "-1", "x"] {
        let answer = world.get(&tenant.org_key, &format!("/v1/events?wait_seconds={bad}")).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
    }
    world.close().await;
}

/// Reads a stream until it has told so many events.
async fn told(body: &mut Body, count: usize) -> Vec<(i64, String, Value)> {
    let (mut text, mut events) = (String::new(), Vec::new());
    while events.len() < count {
        let frame = tokio::time::timeout(PATIENCE, body.frame()).await.expect("no more is told");
        let Some(Ok(frame)) = frame else { break };
        text += std::str::from_utf8(frame.data_ref().unwrap()).unwrap();
        while let Some((event, rest)) = text.split_once("\n\n") {
            let field = |name: &str| {
                let line = event.lines().find_map(|line| line.strip_prefix(name));
                line.map(ToOwned::to_owned)
            };
            if let (Some(id), Some(kind), Some(data)) =
                (field("id: "), field("event: "), field("data: "))
            {
                let data = serde_json::from_str(&data).unwrap();
                events.push((id.parse().unwrap(), kind, data));
            }
            text = rest.to_owned();
        }
    }
    events
}

async fn stream(world: &World, key: &str, path: &str, last_seen: Option<i64>) -> (u16, Body) {
    let mut request = Request::get(path)
        .header("authorization", format!("Bearer {key}"))
        .header("accept", "text/event-stream");
    if let Some(number) = last_seen {
        request = request.header("last-event-id", number.to_string());
    }
    let answer = world.router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    (answer.status().as_u16(), answer.into_body())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_every_event_once_and_goes_on_where_it_was_left() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    world.pays(&tenant, "20").await;
    let listed = world.get(&tenant.org_key, "/v1/events?limit=100").await.expect(200);
    let listed = listed["data"].as_array().unwrap().clone();
    let (status, mut body) = stream(&world, &tenant.org_key, "/v1/events", None).await;
    assert_eq!(status, 200);
    let first = told(&mut body, listed.len()).await;
    let data: Vec<Value> = first.iter().map(|event| event.2.clone()).collect();
    assert_eq!(data, listed);
    assert!(first.iter().all(|event| Some(event.0) == event.2["number"].as_i64()));
    assert!(first.iter().all(|event| event.1 == text(&event.2["type"])));
    world.pays(&tenant, "27").await;
    let next = told(&mut body, 1).await;
    assert_eq!(next[0].2["data"]["amount"], "27.00");
    drop(body);
    let last = first.last().unwrap().0;
    let (_, mut again) = stream(&world, &tenant.org_key, "/v1/events", Some(last)).await;
    assert_eq!(told(&mut again, 1).await, next);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_with_its_key_and_is_nobody_elses() {
    let world = World::open().await;
    let (tenant, foreign) = (world.tenant().await, world.tenant().await);
    let path = format!("/v1/events?organization={}", tenant.org);
    let (status, _) = stream(&world, &foreign.org_key, &path, None).await;
    assert_eq!(status, 404);
    let read = world.key(&tenant.org_key, &tenant.org, "read").await;
    let (_, body) = stream(&world, &read, &path, None).await;
    let revoke = format!("/v1/api_keys/{}/revoke", &read[3..33]);
    world.post(&tenant.org_key, &revoke, &json!({})).await.expect(200);
    let whole = tokio::time::timeout(PATIENCE, body.collect()).await;
    assert!(whole.expect("the stream goes on").is_ok());
    world.close().await;
}
