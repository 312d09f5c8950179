//! Many at once over HTTP: what is decided inside the ledger transaction cannot be raced.

use std::net::SocketAddr;

use app::App;
use domain::Amount;
use drawdown::scenario::store_layer::open_app;
use drawdown::serve::do_jobs;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use store::StoreUrl;
use store::testkit::TempFolder;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const KEY: &str = "a key for tests";

/// A server on SQLite, in a folder of its own.
struct Served {
    runtime: Runtime,
    app: App,
    client: Client<HttpConnector, Full<Bytes>>,
    address: SocketAddr,
    _folder: TempFolder,
}

impl Served {
    fn start() -> Served {
        let folder = TempFolder::new();
        let runtime = Runtime::new().unwrap();
        let url = StoreUrl::Sqlite(folder.path().join("books.db"));
        let app = open_app(&runtime, &url).unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let config = web::WebConfig::new(format!("http://{address}"), Some(KEY));
        let router = web::router(app.clone(), config, web::Pages::None);
        runtime.spawn(web::serve(listener, router, std::future::pending()));
        runtime.spawn(do_jobs(app.clone()));
        let client = Client::builder(TokioExecutor::new()).build_http();
        Served { runtime, app, client, address, _folder: folder }
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        body: &Value,
        key: &str,
    ) -> hyper::Request<Full<Bytes>> {
        hyper::Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.address))
            .header("authorization", format!("Bearer {KEY}"))
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(Full::new(Bytes::from(body.to_string())))
            .unwrap()
    }

    /// Sends everything at once, and answers status and body of each.
    fn at_once(&self, path: &str, bodies: &[Value]) -> Vec<(u16, Value)> {
        self.runtime.block_on(async {
            let mut tasks = Vec::new();
            for (place, body) in bodies.iter().enumerate() {
                let client = self.client.clone();
                let request = self.request("POST", path, body, &format!("{path}-{place}"));
                tasks.push(tokio::spawn(async move {
                    let answer = client.request(request).await.unwrap();
                    let status = answer.status().as_u16();
                    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
                    (status, serde_json::from_slice(&bytes).unwrap())
                }));
            }
            let mut answers = Vec::new();
            for task in tasks {
                answers.push(task.await.unwrap());
            }
            answers
        })
    }

    fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.at_once(path, &[body]).remove(0);
        assert!((200..300).contains(&status), "{path}: {answer}");
        answer
    }

    fn get(&self, path: &str) -> Value {
        self.runtime.block_on(async {
            let request = self.request("GET", path, &Value::Null, "none");
            let answer = self.client.request(request).await.unwrap();
            let bytes = answer.into_body().collect().await.unwrap().to_bytes();
            serde_json::from_slice(&bytes).unwrap()
        })
    }

    /// A customer of a live platform with that much promotional credit, and a SKU at 1.00 a unit.
    fn customer(&self, profile: &str, amount: &str) -> (String, String) {
        let platform = self.post("/v1/platforms", json!({"name": "p", "profile": profile}));
        let platform = platform["id"].clone();
        let sku = json!({"platform": platform, "code": "llm", "name": "LLM", "class": "model"});
        let sku = self.post("/v1/skus", sku)["id"].clone();
        let price = json!({"sku": sku, "dimension": "units", "amount": "1.00", "per_units": 1});
        self.post("/v1/prices", price);
        let create = json!({"platform": platform, "name": "acme"});
        let organization = self.post("/v1/organizations", create);
        let id = organization["id"].as_str().unwrap().to_owned();
        self.post("/v1/grants", json!({"organization": id, "amount": amount, "note": ""}));
        (id, organization["wallet"].as_str().unwrap().to_owned())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.app.close();
    }
}

#[test]
fn of_two_hundred_holds_at_once_exactly_fifty_are_admitted() {
    let served = Served::start();
    let (org, wallet) = served.customer("greennode", "1.00");
    let holds = vec![json!({"organization": org, "amount": "0.02"}); 200];
    let answers = served.at_once("/v1/holds", &holds);
    let admitted: Vec<&Value> =
        answers.iter().filter(|(status, _)| *status == 201).map(|(_, hold)| hold).collect();
    let refused = answers.iter().filter(|(status, _)| *status == 402).count();
    assert_eq!((admitted.len(), refused), (50, 150));
    assert_eq!(served.get(&format!("/v1/wallets/{wallet}"))["available"], "0.00");
    for hold in admitted {
        let path = format!("/v1/holds/{}/capture", hold["id"].as_str().unwrap());
        served.post(&path, json!({"amount": "0.015"}));
    }
    let after = served.get(&format!("/v1/wallets/{wallet}"));
    assert_eq!((&after["available"], &after["held"]), (&json!("0.25"), &json!("0.00")));
}

#[test]
fn fifty_debits_at_once_across_a_threshold_cause_one_top_up() {
    let served = Served::start();
    let (org, wallet) = served.customer("spheron", "45.00");
    let method = json!({"organization": org, "behaviour": "succeeds", "label": "card"});
    let method = served.post("/v1/payment_methods", method)["id"].clone();
    let rule = json!({"enabled": true, "threshold": "20.00", "amount": "100.00",
        "payment_method": method});
    served.post(&format!("/v1/wallets/{wallet}/auto_top_up"), rule);
    let debit = |number: i64| {
        json!({"organization": org, "id": format!("e{number}"), "sku": "llm",
            "quantities": {"units": 1}})
    };
    let debits: Vec<Value> = (0..50).map(debit).collect();
    let answers = served.at_once("/v1/usage_events", &debits);
    assert!(answers.iter().all(|(status, _)| (200..300).contains(status)));
    let list = format!("/v1/deposits?organization={org}");
    let deposits = loop {
        let deposits = served.get(&list);
        let rows = deposits["data"].as_array().unwrap().clone();
        if rows.iter().all(|row| row["state"] != "pending") && !rows.is_empty() {
            break rows;
        }
        std::thread::yield_now();
    };
    assert_eq!(deposits.len(), 1, "charged more than once: {deposits:?}");
    assert_eq!(deposits[0]["label"], "auto_top_up");
    let posted = served.get(&format!("/v1/wallets/{wallet}"))["posted"].clone();
    let posted = Amount::parse(posted.as_str().unwrap()).unwrap();
    let absorbed = answers.iter().map(|(_, charge)| charge["absorbed"].as_str().unwrap());
    let absorbed: Amount = absorbed.map(|text| Amount::parse(text).unwrap()).sum();
    assert_eq!(posted, Amount::from_units(45 + 100 - 50).plus(absorbed));
}
