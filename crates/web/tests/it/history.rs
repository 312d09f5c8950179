//! The billing history in its five parts, and the prices that anyone may read.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::world::{Tenant, World, text};

/// The numbers and kinds of a whole history, page by page.
async fn shown(world: &World, tenant: &Tenant, show: &str) -> Vec<(i64, String)> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/ledger?limit=2&show={show}{cursor}");
        let page = world.get(&tenant.org_key, &path).await.expect(200);
        assert_eq!(page["opening_balance"].is_string(), show == "all", "{page}");
        let row = |row: &Value| (row["number"].as_i64().unwrap(), text(&row["kind"]));
        found.extend(page["data"].as_array().unwrap().iter().map(row));
        let Some(next) = page["next_cursor"].as_str() else { return found };
        cursor = format!("&cursor={next}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parts_of_a_history_are_the_whole_of_it() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    world.sells(&tenant).await;
    for round in 1..=3 {
        world.pays(&tenant, "50").await;
        let gift = json!({ "organization": tenant.org, "amount": "1.00" });
        let gift = world.post(&tenant.platform_key, "/v1/grants", &gift).await.expect(201);
        let quantities = json!({ "tokens": 5 });
        let event = json!({ "id": format!("e-{round}"), "sku": "llm", "quantities": quantities });
        world.post(&tenant.org_key, "/v1/usage_events", &event).await.expect(200);
        let path = format!("/v1/grants/{}/void", text(&gift["id"]));
        world.post(&tenant.platform_key, &path, &json!({})).await.expect(200);
    }
    let all = shown(&world, &tenant, "all").await;
    assert_eq!(all.len(), 12);
    let mut parts = BTreeSet::new();
    for (show, kinds, count) in [
        ("purchases", ["deposit", "deposit"], 3),
        ("usage", ["charge", "charge"], 3),
        ("grants", ["grant", "void"], 6),
        ("expired", ["expiry", "renewal"], 0),
    ] {
        let part = shown(&world, &tenant, show).await;
        assert_eq!(part.len(), count, "{show}");
        assert!(part.iter().all(|(_, kind)| kinds.contains(&kind.as_str())), "{show}: {part:?}");
        parts.extend(part);
    }
    assert_eq!(parts, all.into_iter().collect());
    let path = "/v1/ledger?show=everything";
    world.get(&tenant.org_key, path).await.refused(400, "parameter_invalid");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_are_read_without_signing_in_where_the_profile_says_so() {
    let world = World::open().await;
    let settings = json!({ "price_page": "on", "discount_contact": "sales@cloud.test" });
    let open = world.tenant_with("spheron", &settings).await;
    let closed = world.tenant().await;
    world.sells(&open).await;
    world.sells(&closed).await;
    let page = world.get("", &format!("/prices/{}?limit=1", open.platform)).await.expect(200);
    assert_eq!(page["discount_contact"], "sales@cloud.test");
    assert_eq!((page["data"].as_array().map(Vec::len), &page["has_more"]), (Some(1), &json!(true)));
    let path = format!("/prices/{}?cursor={}", open.platform, text(&page["next_cursor"]));
    let rest = world.get("", &path).await.expect(200);
    let codes: Vec<&Value> =
        [&page, &rest].iter().flat_map(|it| it["data"].as_array().unwrap()).collect();
    assert!(codes.iter().any(|row| row["sku"] == "gpu" && row["amount"] == "36.00"), "{codes:?}");
    for path in [closed.platform.as_str(), open.org.as_str(), "plt_x"] {
        world.get("", &format!("/prices/{path}")).await.refused(404, "not_found");
    }
    world.close().await;
}
