//! The way of a customer: credit, machines, models, holds, and what the ledger says of it.

use serde_json::{Value, json};

use crate::world::{OPERATOR, Tenant, World, text};

async fn wallet(world: &World, tenant: &Tenant) -> Value {
    world.get(&tenant.org_key, &format!("/v1/wallets/{}", tenant.wallet)).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_is_paid_to_the_second() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    world.sells(&tenant).await;
    let deposit = world.pays(&tenant, "50").await;
    let paid = world.get(&tenant.org_key, &format!("/v1/deposits/{deposit}")).await.expect(200);
    assert_eq!((&paid["state"], &paid["amount"]), (&json!("succeeded"), &json!("50.00")));
    let resource = json!({ "name": "box", "sku": "gpu", "labels": { "project": "p1" } });
    let resource = world.post(&tenant.org_key, "/v1/resources", &resource).await.expect(201);
    assert_eq!((&resource["sku"], &resource["labels"]["project"]), (&json!("gpu"), &json!("p1")));
    let run = json!({ "resource": resource["id"] });
    let run = world.post(&tenant.org_key, "/v1/runs", &run).await.expect(201);
    world.wait(1_000);
    let now = wallet(&world, &tenant).await;
    assert_eq!(now["available"], "40.00");
    assert_eq!(now["burn_per_hour"], "36.00");
    assert_eq!(now["runs_out_at"], "2026-01-05T01:23:20Z");
    let path = format!("/v1/resources/{}", text(&resource["id"]));
    let shown = world.get(&tenant.org_key, &path).await.expect(200);
    assert_eq!((&shown["cost"], &shown["run"]), (&json!("10.00"), &run["id"]));
    let path = format!("/v1/runs/{}/stop", text(&run["id"]));
    let stopped = world.post(&tenant.org_key, &path, &json!({})).await.expect(200);
    assert_eq!(stopped["cost"], "10.00");
    world.post(&tenant.org_key, &path, &json!({})).await.refused(409, "run_ended");
    let events = world.get(&tenant.org_key, "/v1/events?type=run.stopped").await.expect(200);
    assert_eq!(events["data"][0]["data"]["run"], run["id"]);
    adds_up(&world, &tenant, "40.00").await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_followed_down_to_its_event() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    let key = &tenant.org_key;
    world.sells(&tenant).await;
    let deposit = world.pays(&tenant, "50").await;
    let event = json!({ "id": "e-1", "sku": "llm", "quantities": { "tokens": 5 } });
    world.post(key, "/v1/usage_events", &event).await.expect(200);
    let ask = async |id: &str| world.get(key, &format!("/v1/explanations/{id}")).await;
    let wallet = ask(&tenant.wallet).await.expect(200);
    let grant = text(&wallet["figures"][0]["terms"][0]["id"]);
    let grant = ask(&grant).await.expect(200);
    assert_eq!(grant["leads_to"][0]["id"], deposit);
    let charge = text(&grant["figures"][0]["terms"][1]["id"]);
    let by_event = format!("{}?event=e-1", tenant.org);
    let charge = ask(&charge).await.expect(200);
    assert_eq!(charge, ask(&by_event).await.expect(200));
    assert_eq!(charge["figures"][0]["terms"][0]["working"]["quantity"], 5);
    let one = ask(&format!("{}?figure=available", tenant.wallet)).await.expect(200);
    assert_eq!(one["figures"].as_array().map(Vec::len), Some(1));
    ask(&format!("{}?figure=x", tenant.wallet)).await.refused(400, "parameter_invalid");
    ask(&format!("{}?event=x", tenant.wallet)).await.refused(400, "parameter_invalid");
    ask(&format!("{}?event=e-2", tenant.org)).await.refused(404, "not_found");
    let foreign = world.tenant().await;
    let path = format!("/v1/explanations/{}", text(&charge["id"]));
    world.get(&foreign.org_key, &path).await.refused(404, "not_found");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn costs_are_grouped_and_read_as_a_table() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    let key = &tenant.org_key;
    world.sells(&tenant).await;
    world.pays(&tenant, "50").await;
    let labels = json!({ "project": "=cmd()" });
    let resource = json!({ "name": "box", "sku": "gpu", "labels": labels });
    let resource = world.post(key, "/v1/resources", &resource).await.expect(201);
    world.post(key, "/v1/runs", &json!({ "resource": resource["id"] })).await.expect(201);
    world.wait(1_000);
    let costs = world.get(key, "/v1/reports/costs?by=project,resource&days=1").await.expect(200);
    let row = &costs["rows"][0];
    assert_eq!((&row["values"]["resource"], &row["total"]), (&resource["id"], &json!("10.00")));
    assert_eq!((&costs["total"], &costs["accrued"]), (&json!("10.00"), &json!("10.00")));
    let table = world.get(key, "/v1/reports/costs?by=project&days=1&format=csv").await;
    assert_eq!(table.status, 200);
    let expected = "project,total,2026-01-05\r\n'=cmd(),10.00,10.00\r\nrounding,0.00,\r\n\
                    reported_late,0.00,\r\ntotal,10.00,10.00\r\n";
    assert_eq!(table.text, expected);
    for query in ["by=x", "days=0", "days=367", "from=today", "format=xml", "by=sku,sku"] {
        let path = format!("/v1/reports/costs?{query}");
        world.get(key, &path).await.refused(400, "parameter_invalid");
    }
    let requests = world.get(key, "/v1/reports/requests?format=csv").await;
    let head = "transaction,at,event,sku,amount,resource,busy_milliseconds\r\n";
    assert_eq!(requests.text, head);
    let uses = world.get(key, "/v1/reports/resources?format=csv").await;
    assert!(uses.text.starts_with("resource,name,sku,running_seconds,requests,"));
    world.get(key, "/v1/reports/resources?idle=x").await.refused(400, "parameter_invalid");
    for said in [
        json!({"id": "r", "sku": "s", "resource": "x", "quantities": {"busy_milliseconds": 1}}),
        json!({"id": "r", "quantities": {"busy_milliseconds": 1}}),
        json!({"id": "r", "resource": "x", "quantities": {"busy_milliseconds": 1}}),
    ] {
        world.post(key, "/v1/usage_events", &said).await.refused(400, "parameter_invalid");
    }
    world.close().await;
}

/// Walks the whole ledger in small pages: they meet, and end where the wallet stands.
async fn adds_up(world: &World, tenant: &Tenant, balance: &str) {
    let nanos = |value: &Value| domain::Amount::parse(&text(value)).unwrap().nanos();
    let mut path = "/v1/ledger?limit=3".to_owned();
    let mut expected = domain::Amount::parse(balance).unwrap().nanos();
    loop {
        let page = world.get(&tenant.org_key, &path).await.expect(200);
        assert_eq!(nanos(&page["closing_balance"]), expected);
        let rows = page["data"].as_array().unwrap();
        let changes: i64 = rows.iter().map(|row| nanos(&row["change"])).sum();
        expected -= changes;
        assert_eq!(nanos(&page["opening_balance"]), expected);
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/ledger?limit=3&cursor={cursor}");
    }
    assert_eq!(expected, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_say_what_is_missing_and_are_captured_once() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    let key = &tenant.org_key;
    let gift = json!({ "organization": tenant.org, "amount": "1.00" });
    world.post(&tenant.platform_key, "/v1/grants", &gift).await.expect(201);
    let hold = json!({ "amount": "0.60" });
    let first = world.post(key, "/v1/holds", &hold).await.expect(201);
    assert_eq!(first["state"], "open");
    let refused = world.post(key, "/v1/holds", &hold).await.refused(402, "insufficient_credit");
    assert_eq!(refused["available"], "0.40");
    assert_eq!(refused["affordable"], "0.40");
    assert_eq!(refused["retry_with_new_key"], true);
    let expected = format!("https://credits.test/w/{}#add-credits", tenant.wallet);
    assert_eq!(refused["add_credits_url"], expected);
    let path = format!("/v1/holds/{}/capture", text(&first["id"]));
    let part = json!({ "amount": "0.15" });
    let captured = world.post_under(key, &path, "k1", &part).await;
    assert_eq!(captured.expect(200)["captured"], "0.15");
    let again = world.post_under(key, &path, "k1", &part).await;
    assert_eq!(again.text, captured.text);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert!(!captured.headers.contains_key("idempotent-replayed"));
    let other = json!({ "amount": "0.16" });
    let reused = world.post_under(key, &path, "k1", &other).await;
    reused.refused(409, "idempotency_key_reused");
    world.post(key, &path, &part).await.refused(409, "hold_resolved");
    assert_eq!(wallet(&world, &tenant).await["available"], "0.85");
    let grants = world.get(key, "/v1/grants").await.expect(200);
    assert_eq!(grants["data"][0]["remaining"], "0.85");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_charged_once_in_every_dialect() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    world.sells(&tenant).await;
    world.pays(&tenant, "15").await;
    let path = "/v1/usage_events";
    let event = |id: &str, tokens: i64| {
        let quantities = json!({ "tokens": tokens });
        json!({ "id": id, "source": "gw", "sku": "llm", "quantities": quantities })
    };
    let one = world.post(&tenant.org_key, path, &event("e1", 1_000_000)).await.expect(200);
    let charged = (&one["status"], &one["amount"], &one["balance"]);
    assert_eq!(charged, (&json!("recorded"), &json!("0.50"), &json!("14.50")));
    let two = world.post(&tenant.org_key, path, &event("e1", 1_000_000)).await.expect(200);
    assert_eq!((&two["status"], &two["transaction"]), (&json!("duplicate"), &one["transaction"]));
    let conflict = world.post(&tenant.org_key, path, &event("e1", 2)).await;
    conflict.refused(409, "event_conflict");
    let batch = json!({ "events": [
        event("e1", 1_000_000), event("e2", 2_000_000), event("e1", 3), event("e3", 0),
        { "id": "e4", "organization": tenant.platform, "sku": "llm", "quantities": { "tokens": 1 } }
    ] });
    let batch = world.post(&tenant.org_key, path, &batch).await.expect(200);
    let codes: Vec<&Value> = batch["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| if result["code"].is_null() { &result["status"] } else { &result["code"] })
        .collect();
    let expected =
        ["duplicate", "recorded", "event_conflict", "quantity_not_positive", "not_found"];
    assert_eq!(codes, expected);
    let cloud = json!([{
        "specversion": "1.0", "id": "e2", "source": "gw", "type": "usage", "subject": tenant.org,
        "data": { "sku": "llm", "quantities": { "tokens": 2_000_000 } }
    }]);
    let request = axum::http::Request::post(path)
        .header("authorization", format!("Bearer {}", tenant.org_key))
        .header("content-type", "application/cloudevents-batch+json; charset=utf-8");
    let request = request.body(axum::body::Body::from(cloud.to_string())).unwrap();
    let cloud = world.send(request).await.expect(200);
    assert_eq!(cloud["results"][0]["status"], "duplicate");
    assert_eq!(wallet(&world, &tenant).await["posted"], "13.50");
    adds_up(&world, &tenant, "13.50").await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_under_a_key_is_made_once() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    let body = json!({ "name": "once" });
    let path = "/v1/organizations";
    let first = world.post_under(&tenant.platform_key, path, "k", &body).await;
    let again = world.post_under(&tenant.platform_key, path, "k", &body).await;
    assert_eq!(first.expect(201), again.expect(201));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let body = json!({ "name": "cloud", "profile": "greennode" });
    let first = world.post_under(OPERATOR, "/v1/platforms", "k", &body).await;
    let again = world.post_under(OPERATOR, "/v1/platforms", "k", &body).await;
    assert_eq!(first.expect(201)["id"], again.expect(201)["id"]);
    let body = json!({ "amount": "20" });
    let first = world.post_under(&tenant.org_key, "/v1/deposits", "k", &body).await;
    let again = world.post_under(&tenant.org_key, "/v1/deposits", "k", &body).await;
    assert!(text(&first.json()["checkout_url"]).starts_with("https://credits.test/sandbox/"));
    assert_eq!(first.expect(201), again.expect(201));
    let body = json!({ "name": "x", "role": "read" });
    let first = world.post_under(&tenant.org_key, "/v1/api_keys", "k", &body).await.expect(201);
    let again = world.post_under(&tenant.org_key, "/v1/api_keys", "k", &body).await.expect(201);
    assert_eq!(first["id"], again["id"]);
    assert!(first["secret"].is_string() && again["secret"].is_null());
    let mut seen = Vec::new();
    let mut path = format!("/v1/organizations?platform={}&limit=1", tenant.platform);
    loop {
        let page = world.get(&tenant.platform_key, &path).await.expect(200);
        seen.push(text(&page["data"][0]["id"]));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/v1/organizations?limit=1&cursor={cursor}");
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 2);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_is_made_with_any_setting_of_its_profile() {
    let world = World::open().await;
    let body = |settings: Value| json!({ "name": "x", "profile": "qubrid", "settings": settings });
    let settings = json!({ "label_history": "Einzahlungen = €", "credit_value": "0.5" });
    let made = world.post(OPERATOR, "/v1/platforms", &body(settings)).await.expect(201);
    let read = format!("/v1/platforms/{}", text(&made["id"]));
    let platform = world.get(OPERATOR, &read).await.expect(200);
    assert_eq!((&platform["profile"], &platform["profile_version"]), (&json!("qubrid"), &json!(1)));
    let settings = &platform["settings"];
    assert_eq!(settings["label_history"], "Einzahlungen = €");
    assert_eq!(settings["credit_value"], "0.50");
    assert_eq!(settings["auto_top_up"], "off"); // the profile's own
    assert!(settings.get("overdraft").is_none()); // the engine's default
    for (name, value) in [("label_history", " x"), ("packs", "5:500"), ("colour", "red")] {
        let made = world.post(OPERATOR, "/v1/platforms", &body(json!({ name: value }))).await;
        made.refused(422, "setting_invalid");
    }
    let two = body(json!({ "label_history": "x;overdraft=carry" }));
    world.post(OPERATOR, "/v1/platforms", &two).await.refused(400, "parameter_invalid");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_clock_moves_when_it_is_told_to() {
    let world = World::open().await;
    let body = json!({
        "name": "test", "profile": "spheron", "test_clock": "2026-01-01T00:00:00Z",
        "settings": { "overdraft": "carry" }
    });
    let platform = world.post(OPERATOR, "/v1/platforms", &body).await.expect(201);
    assert_eq!(platform["settings"]["overdraft"], "carry");
    let id = text(&platform["id"]);
    let path = format!("/v1/test_clocks/{id}");
    let clock = world.get(OPERATOR, &path).await.expect(200);
    assert_eq!((&clock["now"], &clock["state"]), (&json!("2026-01-01T00:00:00Z"), &json!("ready")));
    let advance = format!("{path}/advance");
    let moved = world.post(OPERATOR, &advance, &json!({ "seconds": 3600 })).await.expect(200);
    assert_eq!(moved["now"], "2026-01-01T01:00:00Z");
    let back = json!({ "to": "2026-01-01T00:30:00Z" });
    world.post(OPERATOR, &advance, &back).await.refused(409, "clock_goes_back");
    let live = world.tenant().await;
    let path = format!("/v1/test_clocks/{}", live.platform);
    world.get(OPERATOR, &path).await.refused(409, "no_test_clock");
    world.close().await;
}

/// What a provider keeps is the operator's business: no customer reads it anywhere.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_s_fee_is_shown_to_the_operator_only() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    let (customer, operator) = (&tenant.org_key, &tenant.platform_key);
    let deposit = world.pays(&tenant, "50").await;
    let path = format!("/v1/deposits/{deposit}");
    let again = json!({ "outcome": "succeeded", "fee": "1.75" });
    let settled = world.post(operator, &format!("{path}/sandbox"), &again).await.expect(200);
    assert_eq!(settled["fee"], "1.75");
    assert_eq!(world.get(operator, &path).await.expect(200)["fee"], "1.75");
    assert_eq!(world.get(customer, &path).await.expect(200)["fee"], Value::Null);
    let ledger = async |key: &str, show: &str| {
        let path = format!("/v1/ledger?organization={}&show={show}", tenant.org);
        let page = world.get(key, &path).await.expect(200);
        let kinds = page["data"].as_array().unwrap().iter().map(|row| text(&row["kind"]));
        (kinds.collect::<Vec<_>>(), page)
    };
    let (kinds, page) = ledger(operator, "all").await;
    assert_eq!(kinds, ["fee", "deposit"]);
    let fee = format!("/v1/explanations/{}", text(&page["data"][0]["transaction"]));
    let (kinds, page) = ledger(customer, "all").await;
    assert_eq!((kinds, &page["closing_balance"]), (vec!["deposit".into()], &json!("50.00")));
    assert_eq!(ledger(operator, "fees").await.0, ["fee"]);
    assert_eq!(ledger(customer, "fees").await.0, Vec::<String>::new());
    let entries = world.get(operator, &fee).await.expect(200);
    assert_eq!(entries["figures"][1]["terms"][0]["label"], "dr fees");
    world.get(customer, &fee).await.refused(404, "not_found");
    world.close().await;
}

/// What came a second time waits in suspense, and is credited to nobody before it is decided.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_payment_is_decided_by_the_operator() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    let (customer, operator) = (&tenant.org_key, &tenant.platform_key);
    let deposit = world.pays(&tenant, "50").await;
    let again = json!({ "outcome": "succeeded", "payment": "again", "fee": "0.50" });
    let path = format!("/v1/deposits/{deposit}/sandbox");
    world.post(operator, &path, &again).await.expect(200);
    assert_eq!(wallet(&world, &tenant).await["available"], "50.00");
    let arrivals = world.get(customer, "/v1/arrivals").await.expect(200);
    let arrival = &arrivals["data"][0];
    assert_eq!((&arrival["reason"], &arrival["state"]), (&json!("paid_again"), &json!("waiting")));
    assert_eq!(arrival["fee"], Value::Null);
    let path = format!("/v1/arrivals/{}", text(&arrival["id"]));
    assert_eq!(world.get(operator, &path).await.expect(200)["fee"], "0.50");
    let decide = async |body: Value| world.post(operator, &format!("{path}/decide"), &body).await;
    decide(json!({ "decision": "ignore" })).await.refused(400, "parameter_invalid");
    decide(json!({ "decision": "credit", "note": "x" })).await.refused(400, "parameter_invalid");
    decide(json!({ "decision": "ignore", "note": "asked the payer" })).await.expect(200);
    let credited = decide(json!({ "decision": "credit" })).await.expect(200);
    assert_eq!((&credited["state"], &credited["note"]), (&json!("credited"), &Value::Null));
    decide(json!({ "decision": "return" })).await.refused(409, "arrival_decided");
    assert_eq!(wallet(&world, &tenant).await["available"], "100.00");
    world.close().await;
}
