//! The real binary, killed without warning while it works: nothing that was acknowledged is lost,
//! nothing is doubled, and the books verify.
//!
//! `DRAWDOWN_TEST_KILLS` sets how often (a few, by default); the figures for the record use 100 on
//! SQLite and one kill every few seconds for two minutes on PostgreSQL.

mod bodies;
mod full_disk;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::Amount;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use store::testkit::{TempFolder, pg};
use store::{StoreUrl, migrate};

const OPERATOR_KEY: &str = "an operator's key for tests";
const WORKERS: u64 = 8;
const EVENTS_PER_REQUEST: u64 = 5;

fn kills(default: u64) -> u64 {
    let wanted = std::env::var("DRAWDOWN_TEST_KILLS").ok().and_then(|text| text.parse().ok());
    wanted.unwrap_or(default)
}

/// One process of the server.
struct Server {
    child: Child,
    address: SocketAddr,
}

fn free_port() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

impl Server {
    fn start(url: &str, address: SocketAddr) -> Server {
        Server::start_as(Command::new(env!("CARGO_BIN_EXE_drawdown")), url, address)
    }

    /// The same by a command that ends in the binary.
    fn start_as(mut command: Command, url: &str, address: SocketAddr) -> Server {
        let child = command
            .arg("serve")
            .env("DRAWDOWN_DATABASE_URL", url)
            .env("DRAWDOWN_SERVER_LISTEN_ADDRESS", address.to_string())
            .env("DRAWDOWN_OPERATOR_KEY", OPERATOR_KEY)
            .env("DRAWDOWN_LOG_LEVEL", "error")
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Server { child, address }
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Clone)]
struct Api {
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Api {
    fn new() -> Api {
        Api { client: Client::builder(TokioExecutor::new()).build_http() }
    }

    /// Posts a body as it is; nothing when the connection is cut off.
    async fn send(&self, address: SocketAddr, path: &str, body: Bytes) -> Option<(u16, Value)> {
        let request = hyper::Request::post(format!("http://{address}{path}"))
            .header("authorization", format!("Bearer {OPERATOR_KEY}"))
            .header("content-type", "application/json");
        self.answer(request.body(Full::new(body)).unwrap(), Duration::from_secs(60)).await
    }

    async fn answer(
        &self,
        request: hyper::Request<Full<Bytes>>,
        time_max: Duration,
    ) -> Option<(u16, Value)> {
        let sent = self.client.request(request);
        let answer = tokio::time::timeout(time_max, sent).await.ok()?.ok()?;
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.ok()?.to_bytes();
        Some((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }

    async fn call(
        &self,
        address: SocketAddr,
        method: &str,
        path: &str,
        body: Option<&Value>,
        key: Option<&str>,
    ) -> Option<(u16, Value)> {
        let mut request = hyper::Request::builder()
            .method(method)
            .uri(format!("http://{address}{path}"))
            .header("authorization", format!("Bearer {OPERATOR_KEY}"))
            .header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let bytes = body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
        self.answer(request.body(Full::new(bytes)).unwrap(), Duration::from_secs(10)).await
    }

    /// Calls until it answers with success: set-up has to work.
    async fn must(&self, address: SocketAddr, method: &str, path: &str, body: Value) -> Value {
        let started = Instant::now();
        let key = format!("{method} {path} {body}");
        let key: String = key.chars().filter(char::is_ascii_alphanumeric).take(200).collect();
        loop {
            let (body, key) = match method {
                "POST" => (Some(&body), Some(key.as_str())),
                _ => (None, None),
            };
            let answer = self.call(address, method, path, body, key).await;
            if let Some((200..300, value)) = answer {
                return value;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "{method} {path}: {answer:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A platform that sells tokens, and wallets with 1,000 units each.
async fn set_up(api: &Api, address: SocketAddr, wallets: usize) -> Vec<String> {
    let platform =
        api.must(address, "POST", "/v1/platforms", json!({"name": "p", "profile": "greennode"}));
    let platform = platform.await["id"].as_str().unwrap().to_owned();
    let sku = json!({"platform": platform, "code": "llm", "name": "LLM", "class": "model"});
    let sku = api.must(address, "POST", "/v1/skus", sku).await["id"].clone();
    let price = json!({"sku": sku, "dimension": "tokens", "amount": "1.00", "per_units": 1000});
    api.must(address, "POST", "/v1/prices", price).await;
    let mut organizations = Vec::new();
    for number in 0..wallets {
        let create = json!({"platform": platform, "name": format!("o{number}")});
        let made = api.must(address, "POST", "/v1/organizations", create).await;
        let id = made["id"].as_str().unwrap().to_owned();
        let grant = json!({"organization": id, "amount": "1000.00", "note": "start"});
        api.must(address, "POST", "/v1/grants", grant).await;
        organizations.push(id);
    }
    organizations
}

/// What the workers know: which events were acknowledged, and which were sent at all.
#[derive(Default)]
struct Sent {
    acknowledged: BTreeMap<String, String>,
    events: BTreeMap<String, Value>,
}

/// Reports usage until `stop`, with fresh ids; an answer with success is an acknowledgement.
async fn work(
    api: Api,
    addresses: Vec<SocketAddr>,
    organizations: Vec<String>,
    worker: u64,
    stop: Arc<AtomicBool>,
    counter: Arc<AtomicU64>,
) -> Sent {
    let mut sent = Sent::default();
    let mut turn = worker;
    while !stop.load(Ordering::Relaxed) {
        turn += 1;
        let mut events = Vec::new();
        for _ in 0..EVENTS_PER_REQUEST {
            let number = counter.fetch_add(1, Ordering::Relaxed);
            let place = usize::try_from(number).unwrap_or(0) % organizations.len();
            let event = json!({
                "id": format!("e{number}"), "source": "load", "sku": "llm",
                "organization": organizations[place], "quantities": {"tokens": 1 + number % 7}
            });
            sent.events.insert(format!("e{number}"), event.clone());
            events.push(event);
        }
        let place = usize::try_from(turn).unwrap_or(0) % addresses.len();
        let body = json!({"events": events});
        let answer = api.call(addresses[place], "POST", "/v1/usage_events", Some(&body), None);
        let Some((200..300, value)) = answer.await else { continue };
        for result in value["results"].as_array().unwrap() {
            if let (Some(id), Some(amount)) = (result["id"].as_str(), result["amount"].as_str()) {
                sent.acknowledged.insert(id.to_owned(), amount.to_owned());
            }
        }
    }
    sent
}

fn spawn_workers(
    api: &Api,
    addresses: &[SocketAddr],
    organizations: &[String],
    stop: &Arc<AtomicBool>,
) -> Vec<tokio::task::JoinHandle<Sent>> {
    let counter = Arc::new(AtomicU64::new(0));
    (0..WORKERS)
        .map(|worker| {
            let (api, addresses) = (api.clone(), addresses.to_vec());
            let (organizations, stop) = (organizations.to_vec(), Arc::clone(stop));
            let counter = Arc::clone(&counter);
            tokio::spawn(work(api, addresses, organizations, worker, stop, counter))
        })
        .collect()
}

async fn gather(workers: Vec<tokio::task::JoinHandle<Sent>>) -> Sent {
    let mut all = Sent::default();
    for worker in workers {
        let sent = worker.await.unwrap();
        all.acknowledged.extend(sent.acknowledged);
        all.events.extend(sent.events);
    }
    all
}

/// Sends everything again: what was acknowledged must be known, and afterwards the balances must
/// be what every event charged once leaves.
async fn check(api: &Api, address: SocketAddr, organizations: &[String], sent: &Sent) {
    let events: Vec<&Value> = sent.events.values().collect();
    let mut spent: BTreeMap<String, Amount> = BTreeMap::new();
    for events in events.chunks(500) {
        let answer = again(api, address, &json!({"events": events})).await;
        for (event, result) in events.iter().zip(answer["results"].as_array().unwrap()) {
            let id = event["id"].as_str().unwrap();
            let amount = result["amount"].as_str().unwrap_or_else(|| panic!("{id}: {result}"));
            if let Some(acknowledged) = sent.acknowledged.get(id) {
                assert_eq!(result["status"], "duplicate", "{id} was acknowledged and is lost");
                assert_eq!(amount, acknowledged);
            }
            let org = event["organization"].as_str().unwrap().to_owned();
            let sum = spent.entry(org).or_default();
            *sum = sum.plus(Amount::parse(amount).unwrap());
        }
    }
    for org in organizations {
        let path = format!("/v1/organizations/{org}");
        let organization = api.must(address, "GET", &path, Value::Null).await;
        let path = format!("/v1/wallets/{}", organization["wallet"].as_str().unwrap());
        let wallet = api.must(address, "GET", &path, Value::Null).await;
        let posted = Amount::parse(wallet["posted"].as_str().unwrap()).unwrap();
        let spent = spent.get(org).copied().unwrap_or_default();
        let expected = Amount::from_units(1_000).minus(spent).or_zero();
        assert_eq!(posted, expected, "{org} was charged twice or not at all");
    }
}

/// Sends a batch until every event in it is decided: right after a kill a lane may have no owner.
async fn again(api: &Api, address: SocketAddr, body: &Value) -> Value {
    let started = Instant::now();
    loop {
        let answer = api.call(address, "POST", "/v1/usage_events", Some(body), None).await;
        if let Some((200..300, value)) = answer
            && value["results"]
                .as_array()
                .unwrap()
                .iter()
                .all(|result| result["amount"].is_string())
        {
            return value;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "events stay undecided");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn verify(url: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drawdown"));
    command.arg("verify").env("DRAWDOWN_DATABASE_URL", url).env("DRAWDOWN_LOG_LEVEL", "error");
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "the books do not verify: {said} {failed}");
}

async fn wait_ready(api: &Api, address: SocketAddr) {
    let started = Instant::now();
    while !matches!(api.call(address, "GET", "/readyz", None, None).await, Some((200, _))) {
        assert!(started.elapsed() < Duration::from_secs(30), "the server does not come back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_under_load_loses_and_doubles_nothing_on_sqlite() {
    let folder = TempFolder::new();
    let url = format!("sqlite:{}", folder.path().join("books.db").display());
    let address = free_port();
    let mut server = Server::start(&url, address);
    let api = Api::new();
    let organizations = set_up(&api, address, 20).await;
    let stop = Arc::new(AtomicBool::new(false));
    let workers = spawn_workers(&api, &[address], &organizations, &stop);
    for kill in 0..kills(4) {
        tokio::time::sleep(Duration::from_millis(150 + 37 * (kill % 11))).await;
        server.kill();
        server = Server::start(&url, server.address);
        wait_ready(&api, address).await;
    }
    stop.store(true, Ordering::Relaxed);
    let sent = gather(workers).await;
    assert!(sent.acknowledged.len() > 100, "only {} events got in", sent.acknowledged.len());
    check(&api, address, &organizations, &sent).await;
    println!("{} kills, {} sent, {} known", kills(4), sent.events.len(), sent.acknowledged.len());
    server.kill();
    verify(&url);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_on_one_database_take_over_from_each_other() {
    let Some(server) = pg::find_or_start() else { return };
    let database = server.empty_database();
    let StoreUrl::Postgres(url) = database.url() else { panic!("not PostgreSQL") };
    let handle = tokio::runtime::Handle::current();
    let opened = store::Store::open(&database.url(), &handle).unwrap();
    let migrated = tokio::task::spawn_blocking(move || {
        migrate::run(&opened, "test", domain::Timestamp::from_seconds(1)).unwrap()
    });
    migrated.await.unwrap();
    let addresses = [free_port(), free_port()];
    let mut servers = addresses.map(|address| Server::start(&url, address));
    let api = Api::new();
    for address in addresses {
        wait_ready(&api, address).await;
    }
    let organizations = set_up(&api, addresses[0], 20).await;
    let stop = Arc::new(AtomicBool::new(false));
    let workers = spawn_workers(&api, &addresses, &organizations, &stop);
    for kill in 0..usize::try_from(kills(2)).unwrap() {
        tokio::time::sleep(Duration::from_millis(3_000)).await;
        let place = kill % 2;
        servers[place].kill();
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        servers[place] = Server::start(&url, addresses[place]);
    }
    tokio::time::sleep(Duration::from_millis(4_000)).await;
    stop.store(true, Ordering::Relaxed);
    let sent = gather(workers).await;
    for address in addresses {
        wait_ready(&api, address).await;
    }
    assert!(sent.acknowledged.len() > 100, "only {} events got in", sent.acknowledged.len());
    for address in addresses {
        check(&api, address, &organizations, &sent).await;
    }
    println!("{} kills, {} sent, {} known", kills(2), sent.events.len(), sent.acknowledged.len());
    for mut server in servers {
        server.kill();
    }
    verify(&url);
}
