//! Who may do what: every route with a key of every role, and for a member of every role.

use axum::body::Body;
use axum::http::{Method, Request};
use domain::workset::Role;
use serde_json::{Value, json};
use web::route::Route;
use web::routes::ROUTES;

use crate::cases::{address, ask, body, things};
use crate::world::{OPERATOR, Tenant, World, text};

/// Every route, those last that end what others are about.
fn routes() -> impl Iterator<Item = &'static Route> {
    let ends = ["close_organization", "remove_member", "revoke_api_key", "remove_limit"];
    let is_end = move |route: &&Route| ends.contains(&route.operation);
    let (last, first): (Vec<_>, Vec<_>) = ROUTES.iter().partition(is_end);
    first.into_iter().chain(last)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_every_role_at_every_route() {
    let world = World::open().await;
    for role in [Role::Read, Role::Usage, Role::Organization, Role::Platform, Role::Operator] {
        let shows_prices = json!({ "price_page": "on" });
        let tenant = world.tenant_with("qubrid", &shows_prices).await;
        let mut things = things(&world, &tenant).await;
        offers(&world, &tenant, &mut things).await;
        let key = match role {
            Role::Operator => OPERATOR.to_owned(),
            Role::Platform => tenant.platform_key.clone(),
            _ => world.key(&tenant.platform_key, &tenant.org, role.name()).await,
        };
        for route in routes() {
            let (status, body) = ask(&world, route, Some(&key), &tenant, &things).await;
            let (who, what) = (role.name(), route.operation);
            if route.role.is_some_and(|needed| role < needed) {
                assert_eq!((status, &body["code"]), (403, &json!("forbidden")), "{what} by {who}");
            } else {
                let is_let_in = ![401, 403, 404].contains(&status) && status < 500;
                assert!(is_let_in, "{what} by {who}: {status} {body}");
            }
        }
    }
    world.close().await;
}

/// What a platform offers, so that its customers can take it.
async fn offers(world: &World, tenant: &Tenant, things: &mut Value) {
    for operation in ["create_coupon", "offer_commitment"] {
        let route = ROUTES.iter().find(|route| route.operation == operation).unwrap();
        let key = Some(tenant.platform_key.as_str());
        let (status, body) = ask(world, route, key, tenant, things).await;
        assert!(status < 300, "{operation}: {body}");
        if operation == "create_coupon" {
            things["coupons"] = body["id"].clone();
        }
    }
}

/// The member roles that may do what a route does; of those that no member may, none.
fn may(operation: &str) -> &'static [&'static str] {
    const OWNERS: &[&str] = &["owner"];
    const MONEY: &[&str] = &["owner", "admin"];
    const WORK: &[&str] = &["owner", "admin", "member"];
    match operation {
        // The bodies here make, change and remove an owner.
        "close_organization" | "add_member" | "change_role" | "remove_member" => OWNERS,
        "start_deposit"
        | "start_refund"
        | "save_payment_method"
        | "set_auto_top_up"
        | "redeem_coupon"
        | "set_user_limit"
        | "set_limit"
        | "remove_limit"
        | "set_notices" => MONEY,
        "create_resource" | "start_run" | "stop_run" | "resume_resource" | "redeploy_resource"
        | "resize_run" | "place_hold" | "capture_hold" | "release_hold" => WORK,
        "change_profile"
        | "create_organization"
        | "set_tax_rate"
        | "create_api_key"
        | "revoke_api_key"
        | "release_freeze"
        | "report_bounce"
        | "give_grant"
        | "void_grant"
        | "create_coupon"
        | "decide_sandbox_deposit"
        | "decide_arrival"
        | "report_refund"
        | "decide_sandbox_refund"
        | "report_dispute"
        | "set_party"
        | "issue_invoice"
        | "change_payment_method"
        | "create_sku"
        | "relate_sku"
        | "offer_commitment"
        | "make_commitment"
        | "create_price"
        | "assign_discount"
        | "report_ready"
        | "report_beat"
        | "reverse_usage"
        | "advance_test_clock" => &[],
        other => panic!("{other} says nothing of members: add a case"),
    }
}

/// What nobody asks for in the name of a member: the header itself is refused.
const WITHOUT_MEMBERS: [&str; 3] = ["record_dialect", "record_usage", "advance_test_clock"];

#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_every_role_at_every_route() {
    let world = World::open().await;
    for role in ["owner", "admin", "member", "read_only"] {
        let tenant = world.tenant_with("qubrid", &json!({})).await;
        let mut things = things(&world, &tenant).await;
        offers(&world, &tenant, &mut things).await;
        let member = json!({ "name": "Mia", "role": role });
        let member = world.post(&tenant.org_key, "/v1/members", &member).await.expect(201);
        let member = text(&member["id"]);
        for route in routes().filter(|route| route.role.is_some()) {
            // Only the operator makes platforms, who has no members.
            if route.operation == "create_platform" {
                continue;
            }
            let (status, body) = ask_as(&world, route, &member, &tenant, &things).await;
            let (code, what) = (body["code"].clone(), route.operation);
            let is_read = route.method == Method::GET;
            if (is_read && route.role >= Some(Role::Platform)) || WITHOUT_MEMBERS.contains(&what) {
                assert_eq!((status, &body["param"]), (400, &json!("Drawdown-Member")), "{what}");
                continue;
            }
            let is_let_in = match is_read {
                true => role != "member" || OF_NO_WALLET.contains(&what),
                false => may(what).contains(&role),
            };
            if is_let_in {
                assert!(![401, 403].contains(&status) && status < 500, "{what} by {role}: {body}");
            } else {
                // A member of an organization is nobody where the platform itself decides.
                let is_nobody = status == 404 && body["kind"] == "member" && may(what).is_empty();
                let is_early = what == "issue_invoice" && body["code"] == "period_open";
                let is_refused =
                    is_nobody || is_early || (status, code) == (403, json!("role_forbids"));
                assert!(is_refused, "{what} by {role}: {status} {body}");
            }
        }
    }
    world.close().await;
}

/// Reads that show nothing of what an organization has.
const OF_NO_WALLET: [&str; 2] = ["list_skus", "list_prices"];

async fn ask_as(
    world: &World,
    route: &Route,
    member: &str,
    tenant: &Tenant,
    things: &Value,
) -> (u16, Value) {
    let fresh = world.app.ports.random.next().to_string();
    let request = Request::builder()
        .method(route.method.clone())
        .uri(address(route, tenant, things))
        .header("authorization", format!("Bearer {}", tenant.platform_key))
        .header("drawdown-member", member)
        .header("idempotency-key", fresh)
        .header("content-type", "application/json");
    let sent = match route.method {
        Method::POST => Body::from(body(route, tenant, things).to_string()),
        _ => Body::empty(),
    };
    let answer = world.send(request.body(sent).unwrap()).await;
    (answer.status, serde_json::from_str(&answer.text).unwrap_or_default())
}
