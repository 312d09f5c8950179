//! One call of every route, about what a tenant owns: no route can be forgotten, because the cases
//! are made from the table of routes.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};
use web::route::Route;

use crate::world::{Tenant, World, text};

/// Ids of one of each thing that the tenant owns, by the first part of the path.
pub async fn things(world: &World, tenant: &Tenant) -> Value {
    let key = &tenant.org_key;
    let sku = world.sells(tenant).await;
    let deposit = world.pays(tenant, "50").await;
    let again = json!({ "outcome": "succeeded", "payment": "again" });
    let path = format!("/v1/deposits/{deposit}/sandbox");
    world.post(&tenant.platform_key, &path, &again).await.expect(200);
    let arrivals = world.get(key, "/v1/arrivals").await.expect(200);
    let grants = world.get(key, "/v1/grants").await.expect(200);
    let refund = json!({ "deposit": deposit, "amount": "1" });
    let refund = world.post(&tenant.platform_key, "/v1/refunds", &refund).await.expect(201);
    let dispute = json!({
        "deposit": deposit, "external_id": "du_0", "state": "inquiry", "withdrawn": "0"
    });
    let dispute = world.post(&tenant.platform_key, "/v1/disputes", &dispute).await.expect(200);
    let method = json!({ "behaviour": "succeeds", "label": "4242" });
    let method = world.post(key, "/v1/payment_methods", &method).await.expect(201);
    let resource = json!({ "name": "box", "sku": "gpu" });
    let resource = world.post(key, "/v1/resources", &resource).await.expect(201);
    let run = json!({ "resource": resource["id"] });
    let run = world.post(key, "/v1/runs", &run).await.expect(201);
    let hold = world.post(key, "/v1/holds", &json!({ "amount": "1" })).await.expect(201);
    let member = json!({ "name": "Olga", "role": "owner" });
    let member = world.post(key, "/v1/members", &member).await.expect(201);
    app::jobs::issue_documents::run(&world.app).await.unwrap();
    let documents = world.get(key, "/v1/documents").await.expect(200);
    let limit = json!({ "window": "month", "amount": "500" });
    let limit = world.post(key, "/v1/limits", &limit).await.expect(201);
    let keys = world.get(key, "/v1/api_keys").await.expect(200);
    json!({
        "platforms": tenant.platform,
        "prices": tenant.platform,
        "test_clocks": tenant.platform,
        "organizations": tenant.org,
        "wallets": tenant.wallet,
        "api_keys": keys["data"][0]["id"],
        "members": member["id"],
        "limits": limit["id"],
        "grants": grants["data"][0]["id"],
        "deposits": deposit,
        "arrivals": arrivals["data"][0]["id"],
        "documents": documents["data"][0]["id"],
        "refunds": refund["id"],
        "disputes": dispute["id"],
        "payment_methods": method["id"],
        "resources": resource["id"],
        "runs": run["id"],
        "holds": hold["id"],
        "explanations": tenant.wallet,
        "coupons": tenant.platform.replace("plt_", "cpn_"),
        "skus": sku,
    })
}

/// A body that the route takes, about the tenant.
pub fn body(route: &Route, tenant: &Tenant, things: &Value) -> Value {
    let organization = &tenant.org;
    match route.operation {
        "create_platform" => json!({ "name": "x", "profile": "spheron" }),
        "change_profile" => json!({ "settings": { "stop_lead_seconds": "60" } }),
        "create_organization" => json!({ "platform": tenant.platform, "name": "x" }),
        "create_api_key" => json!({ "organization": organization, "name": "x", "role": "read" }),
        "set_limit" => json!({ "organization": organization, "window": "day", "amount": "500" }),
        "add_member" => json!({ "organization": organization, "name": "x", "role": "owner" }),
        "change_role" => json!({ "role": "owner" }),
        "set_auto_top_up" => json!({
            "enabled": true, "threshold": "5", "amount": "20",
            "payment_method": things["payment_methods"]
        }),
        "set_user_limit" => json!({ "limit": "5" }),
        "set_tax_rate" => json!({ "tax_bps": 1900 }),
        "set_party" => json!({ "organization": organization, "name": "Acme Ltd" }),
        "issue_invoice" => json!({ "organization": organization, "month": "2026-01" }),
        "set_notices" => json!({ "muted": ["digest"] }),
        "report_bounce" => json!({ "reason": "550 no such mailbox" }),
        "give_grant" | "start_deposit" => json!({ "organization": organization, "amount": "20" }),
        "save_payment_method" => {
            json!({ "organization": organization, "behaviour": "declines", "label": "x" })
        }
        "change_payment_method" => json!({ "behaviour": "declines" }),
        "create_sku" => {
            json!({ "platform": tenant.platform, "code": "x", "name": "x", "class": "model" })
        }
        "offer_commitment" => json!({ "commitment": { "discount_bps": 4000, "days": 30 } }),
        "make_commitment" => {
            json!({ "organization": organization, "sku": things["skus"], "quantity": 1 })
        }
        "relate_sku" => json!({ "alternative": "smaller" }),
        "create_price" => json!({ "sku": things["skus"], "amount": "1", "per_units": 1 }),
        "assign_discount" => json!({ "organization": organization, "discount_bps": 500 }),
        "create_coupon" => json!({
            "platform": tenant.platform, "code": "welcome", "credit": "5", "redemptions_max": 1
        }),
        "redeem_coupon" => json!({ "organization": organization, "code": "welcome" }),
        "create_resource" => json!({ "organization": organization, "name": "x", "sku": "gpu" }),
        "start_run" => json!({ "resource": things["resources"] }),
        "place_hold" => json!({
            "organization": organization, "amount": "1", "sku": things["skus"]
        }),
        "record_usage" => json!({
            "organization": organization, "id": "e", "sku": "llm", "quantities": { "tokens": 1 }
        }),
        "record_dialect" => json!({
            "specversion": "1.0", "id": "d", "source": "gateway", "type": "tokens",
            "subject": organization, "data": { "model": "llm", "tokens": 1, "cost": 0.01 }
        }),
        "start_refund" => json!({ "deposit": things["deposits"], "amount": "1" }),
        "reverse_usage" => json!({ "organization": organization, "id": "e" }),
        "report_dispute" => json!({
            "deposit": things["deposits"], "external_id": "du_1", "state": "open", "withdrawn": "1"
        }),
        "report_refund" => json!({
            "deposit": things["deposits"], "external_id": "re_1", "amount": "1"
        }),
        "decide_arrival" => json!({ "decision": "credit" }),
        "decide_sandbox_deposit" | "decide_sandbox_refund" => json!({ "outcome": "succeeded" }),
        "advance_test_clock" => json!({ "seconds": 1 }),
        "revoke_api_key" | "void_grant" | "stop_run" | "capture_hold" | "release_hold"
        | "release_freeze" | "resume_resource" | "redeploy_resource" | "report_ready"
        | "report_beat" | "remove_member" | "remove_limit" | "close_organization" => json!({}),
        "resize_run" => json!({ "sku": "gpu" }),
        other => panic!("no body for {other}: add one, so that it is asked by everyone"),
    }
}

pub fn address(route: &Route, tenant: &Tenant, things: &Value) -> String {
    let noun = route.path.split('/').take_while(|part| *part != "{id}").last().unwrap_or_default();
    if route.path.contains("{id}") {
        let path = route.path.replace("{id}", &text(&things[noun]));
        return match route.operation {
            "preview_auto_top_up" => format!("{path}?threshold=20&amount=20"),
            _ => path,
        };
    }
    match route.operation {
        "report_hours" => format!("{}?resource={}", route.path, text(&things["resources"])),
        "list_organizations"
        | "list_skus"
        | "list_prices"
        | "list_coupons"
        | "report_ageing"
        | "report_breakage"
        | "report_dormant_balances"
        | "report_promotions"
        | "report_revenue"
        | "report_roll_forward" => {
            format!("{}?platform={}", route.path, tenant.platform)
        }
        _ if route.query.is_some() => format!("{}?organization={}", route.path, tenant.org),
        _ => route.path.to_owned(),
    }
}

pub async fn ask(
    world: &World,
    route: &Route,
    key: Option<&str>,
    tenant: &Tenant,
    things: &Value,
) -> (u16, Value) {
    let mut request =
        Request::builder().method(route.method.clone()).uri(address(route, tenant, things));
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let mut sent = Body::empty();
    if route.method == Method::POST {
        let fresh = world.app.ports.random.next().to_string();
        request = request.header("idempotency-key", fresh);
        request = request.header("content-type", "application/json");
        sent = Body::from(body(route, tenant, things).to_string());
    }
    let answer = world.send(request.body(sent).unwrap()).await;
    let json = serde_json::from_str(&answer.text).unwrap_or_default();
    (answer.status, json)
}
