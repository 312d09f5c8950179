//! Every list as a table.

use serde_json::{Value, json};
use web::routes::ROUTES;

use crate::cases::{address, things};
use crate::world::World;

fn rows(table: &str) -> Vec<&str> {
    table.split_terminator("\r\n").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_is_a_table_of_the_same_rows() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    let things = things(&world, &tenant).await;
    let key = &tenant.platform_key;
    for route in ROUTES.iter().filter(|route| route.is_list) {
        let (operation, address) = (route.operation, address(route, &tenant, &things));
        let mark = if address.contains('?') { '&' } else { '?' };
        let listed = world.get(key, &format!("{address}{mark}limit=100")).await.expect(200);
        let same = world.get(key, &format!("{address}{mark}format=json&limit=100")).await;
        assert_eq!(same.expect(200), listed, "{operation}");
        let table = world.get(key, &format!("{address}{mark}format=csv")).await;
        assert_eq!(table.status, 200, "{operation}: {}", table.text);
        assert_eq!(table.headers["content-type"], "text/csv; charset=utf-8", "{operation}");
        let (rows, data) = (rows(&table.text), listed["data"].as_array().unwrap());
        assert_eq!(rows.len(), data.len() + 1, "{operation}: {}", table.text);
        let fields = data.iter().filter_map(Value::as_object).flat_map(|row| row.keys());
        for field in fields {
            assert!(rows[0].split(',').any(|name| name == field), "{operation}: {field}");
        }
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_has_the_rows_of_all_pages_and_says_where_it_was_cut() {
    let world = World::open().await;
    let tenant = world.tenant().await;
    let key = &tenant.platform_key;
    for at in 0..7 {
        let name = if at == 3 { "=1+1, \"x\"".to_owned() } else { format!("n{at}") };
        let body = json!({ "platform": tenant.platform, "name": name });
        world.post(key, "/v1/organizations", &body).await.expect(201);
    }
    let path = format!("/v1/organizations?platform={}", tenant.platform);
    let whole = world.get(key, &format!("{path}&format=csv")).await;
    assert_eq!(rows(&whole.text).len(), 9);
    assert!(!whole.headers.contains_key("next-cursor"));
    assert!(whole.text.contains(",\"'=1+1, \"\"x\"\"\","), "{}", whole.text);
    let first = world.get(key, &format!("{path}&format=csv&limit=5")).await;
    assert_eq!(rows(&first.text).len(), 6);
    let cursor = first.headers["next-cursor"].to_str().unwrap();
    let rest = world.get(key, &format!("{path}&format=csv&cursor={cursor}")).await;
    let both: Vec<&str> = [rows(&first.text), rows(&rest.text)[1..].to_vec()].concat();
    assert_eq!(both, rows(&whole.text));
    for bad in ["format=xml", "format=csv&limit=0", "format=csv&limit=10001", "format=csv&limit=x"]
    {
        world.get(key, &format!("{path}&{bad}")).await.refused(400, "parameter_invalid");
    }
    world.sells(&tenant).await;
    let used =
        |at: i64| json!({ "id": format!("e{at}"), "sku": "llm", "quantities": { "tokens": at } });
    let events = json!({ "events": (1..=230).map(used).collect::<Vec<Value>>() });
    world.post(&tenant.org_key, "/v1/usage_events", &events).await.expect(200);
    let ledger = world.get(&tenant.org_key, "/v1/ledger?format=csv").await;
    assert_eq!(rows(&ledger.text).len(), 231);
    let foreign = world.tenant().await;
    let other = world.get(&foreign.platform_key, &format!("{path}&format=csv")).await;
    other.refused(404, "not_found");
    world.close().await;
}
