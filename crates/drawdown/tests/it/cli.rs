//! The command line, as processes over a server that is one as well.

use std::io::{BufRead, BufReader, Lines};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use store::testkit::TempFolder;

const OPERATOR_KEY: &str = "an operator's key for tests";

/// A process that is ended with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    fn lines(&mut self) -> Lines<BufReader<ChildStdout>> {
        BufReader::new(self.0.stdout.take().unwrap()).lines()
    }
}

/// The command with nothing of this machine's own in its way.
fn drawdown() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drawdown"));
    for name in ["DRAWDOWN_URL", "DRAWDOWN_KEY", "DRAWDOWN_OPERATOR_KEY"] {
        command.env_remove(name);
    }
    command
}

/// A server on a store of its own.
struct Server {
    _process: Process,
    url: String,
    store: PathBuf,
}

impl Server {
    fn start(store: PathBuf) -> Server {
        let child = drawdown()
            .arg("serve")
            .env("DRAWDOWN_DATABASE_URL", format!("sqlite:{}", store.display()))
            .env("DRAWDOWN_SERVER_LISTEN_ADDRESS", "127.0.0.1:0")
            .env("DRAWDOWN_OPERATOR_KEY", OPERATOR_KEY)
            .env("DRAWDOWN_LOG_LEVEL", "error")
            .stdout(Stdio::piped())
            .spawn();
        let mut process = Process(child.unwrap());
        let line = process.lines().next().unwrap().unwrap();
        let url = line.strip_prefix("drawdown serves ").unwrap().to_owned();
        Server { _process: process, url, store }
    }

    fn command(&self, key: &str, arguments: &[&str]) -> Command {
        let mut command = drawdown();
        command.args(arguments).env("DRAWDOWN_URL", &self.url).env("DRAWDOWN_KEY", key);
        command.env("DRAWDOWN_DATABASE_URL", format!("sqlite:{}", self.store.display()));
        command
    }

    /// What a command prints, which has to succeed.
    fn says(&self, key: &str, arguments: &[&str]) -> String {
        let output = self.command(key, arguments).output().unwrap();
        let (said, failed) = texts(&output);
        assert!(output.status.success(), "{arguments:?}: {said}{failed}");
        said.trim_end().to_owned()
    }

    fn json(&self, key: &str, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.says(key, &[arguments, &["--json"]].concat())).unwrap()
    }

    /// The one line with which a command fails.
    fn fails(&self, key: &str, arguments: &[&str]) -> String {
        fails(self.command(key, arguments))
    }

    fn follow(&self, key: &str, arguments: &[&str]) -> Process {
        let mut command = self.command(key, arguments);
        Process(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Sends what no command does.
    async fn post(&self, key: &str, path: &str, body: Value) -> Value {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let request = Request::post(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json")
            .header("idempotency-key", format!("{:016x}", getrandom::u64().unwrap()));
        let request = request.body(Full::new(Bytes::from(body.to_string()))).unwrap();
        let answer = client.request(request).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert!(status.is_success(), "{path}: {body}");
        body
    }
}

fn texts(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

fn fails(mut command: Command) -> String {
    let output = command.output().unwrap();
    let (said, failed) = texts(&output);
    assert_eq!(output.status.code(), Some(1), "{said}{failed}");
    assert_eq!(said, "");
    let line = failed.strip_prefix("drawdown: ").unwrap().strip_suffix('\n').unwrap();
    assert!(!line.contains('\n'), "{failed}");
    line.to_owned()
}

/// A platform with a key, and an organization on it, made by commands.
struct World {
    server: Server,
    platform: String,
    key: String,
    organization: String,
    folder: TempFolder,
}

impl World {
    fn new(more: &[&str]) -> World {
        let folder = TempFolder::new();
        let server = Server::start(folder.path().join("books.db"));
        let create = ["admin", "platform", "create", "Cloud", "--profile", "greennode"];
        let platform = server.says(OPERATOR_KEY, &[&create, more].concat());
        let create = ["admin", "key", "create", &platform, "--role", "platform", "--name", "p"];
        let key = server.says(OPERATOR_KEY, &create);
        let create = ["admin", "organization", "create", &platform, "Acme"];
        let organization = server.says(&key, &create);
        World { server, platform, key, organization, folder }
    }

    /// Sells tokens, a thousand for 1.00.
    async fn sell_tokens(&self) {
        let sku = json!({"code": "llm", "name": "LLM", "class": "model"});
        let sku = self.server.post(&self.key, "/v1/skus", sku).await["id"].clone();
        let price = json!({"sku": sku, "dimension": "tokens", "amount": "1.00", "per_units": 1000});
        self.server.post(&self.key, "/v1/prices", price).await;
    }

    /// Starts a deposit by a command, and plays the bank.
    async fn pay(&self) {
        let deposit = self.server.json(&self.key, &["deposit", &self.organization, "20"]);
        let path = format!("/v1/deposits/{}/sandbox", deposit["id"].as_str().unwrap());
        self.server.post(&self.key, &path, json!({"outcome": "succeeded"})).await;
    }

    async fn use_tokens(&self, id: &str, tokens: u64) -> Value {
        self.use_tokens_at(&self.server, id, tokens).await
    }

    async fn use_tokens_at(&self, server: &Server, id: &str, tokens: u64) -> Value {
        let event = json!({
            "organization": self.organization, "id": id, "sku": "llm",
            "quantities": {"tokens": tokens}
        });
        server.post(&self.key, "/v1/usage_events", event).await
    }
}

/// The value of a line that begins with `name`.
fn field<'a>(said: &'a str, name: &str) -> &'a str {
    let line = said.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in\n{said}")).trim()
}

#[test]
fn credit_is_given_bought_and_shown() {
    let world = World::new(&[]);
    let (server, key, org) = (&world.server, world.key.as_str(), world.organization.as_str());
    let grant = ["grant", org, "5.00", "--note", "hello", "--idempotency-key", "one"];
    let said = server.says(key, &grant);
    assert!(field(&said, "grant").starts_with("grt_"), "{said}");
    assert_eq!(field(&said, "expires"), "never");
    assert_eq!(field(&said, "moved"), format!("5.00 to {org}"));
    assert_eq!(field(&server.says(key, &grant), "moved").split(':').next(), Some("nothing again"));
    let error = server.fails(key, &["grant", org, "6.00", "--idempotency-key", "one"]);
    assert!(error.contains("(idempotency_key_reused, request rqt_"), "{error}");
    let past = ["grant", org, "1", "--expires", "2020-01-01T00:00:00Z"];
    assert!(server.fails(key, &past).contains("(expiry_in_the_past, "));

    let said = server.says(key, &["deposit", org, "50.00"]);
    assert_eq!(field(&said, "credit"), "50.00");
    assert_eq!(field(&said, "moved"), "nothing until it is paid");
    assert!(field(&said, "paid at").starts_with(&format!("{}/sandbox/checkout/", server.url)));

    let said = server.says(key, &["balance", org]);
    assert_eq!(field(&said, "available"), "5.00 USD");
    assert_eq!(field(&said, "lasts"), "nothing runs");
    assert!(!said.contains("debt"), "{said}");
    let create = ["admin", "key", "create", org, "--role", "read", "--name", "books"];
    let secret = server.says(key, &create);
    assert_eq!(server.json(&secret, &["balance"])["available"], "5.00");

    let id = &secret[3..33];
    let error = server.fails(key, &["admin", "key", "revoke", &secret]);
    assert!(error.contains("by its id") && !error.contains(&secret), "{error}");
    let said = server.says(key, &["admin", "key", "revoke", id]);
    assert!(said.starts_with(&format!("{id} is revoked since 2")), "{said}");
    assert!(server.fails(&secret, &["balance"]).contains("(unauthenticated, request rqt_"));
}

#[tokio::test(flavor = "multi_thread")]
async fn charges_and_events_are_told_as_they_are_posted() {
    let world = World::new(&[]);
    let (server, key, org) = (&world.server, world.key.as_str(), world.organization.as_str());
    world.sell_tokens().await;
    server.says(key, &["grant", org, "9"]);
    for number in 0..3 {
        world.use_tokens(&format!("early-{number}"), 1_000).await;
    }
    let mut tail = server.follow(key, &["usage", "tail", org, "--last", "2"]);
    let mut lines = tail.lines().map(Result::unwrap);
    let ends = |line: &str| line.split_once("  ").unwrap().1.to_owned();
    assert_eq!(ends(&lines.next().unwrap()), "charge api/early-1  1000 llm tokens  1.00  7.00");
    assert_eq!(ends(&lines.next().unwrap()), "charge api/early-2  1000 llm tokens  1.00  6.00");
    for number in 0..150 {
        world.use_tokens(&format!("late-{number}"), 1).await;
    }
    for number in 0..150 {
        let line = lines.next().unwrap();
        assert!(line.contains(&format!("charge api/late-{number}  1 llm tokens  ")), "{line}");
    }
    drop(tail);

    let create = ["admin", "key", "create", org, "--role", "read", "--name", "reader"];
    let reader = server.says(key, &create);
    world.pay().await;
    let mut told = server.follow(&reader, &["events", "--json"]);
    let first: Value = serde_json::from_str(&told.lines().next().unwrap().unwrap()).unwrap();
    let number = first["number"].as_i64().unwrap();
    let mut told = server.follow(key, &["events", org, "--since", &number.to_string()]);
    let mut lines = told.lines().map(Result::unwrap);
    world.pay().await;
    let paid = lines.find(|line| line.contains("  deposit.succeeded  ")).unwrap();
    let later: i64 = paid.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(later > number && paid.contains(" deposit=dep_"), "{paid}");
}

#[test]
fn a_clock_is_advanced_and_arrives() {
    let at = ["--test-clock", "2026-01-01T00:00:00Z", "--set", "stop_lead_seconds=60"];
    let world = World::new(&at);
    let (server, key, platform) = (&world.server, world.key.as_str(), world.platform.as_str());
    let said = server.says(key, &["clock", "advance", platform, "--by", "3d4h"]);
    let to = "2026-01-04T04:00:00Z";
    assert_eq!(said, format!("{platform} went from 2026-01-01T00:00:00Z to {to}"));
    let clock = server.json(key, &["clock", "advance", platform, "--to", to]);
    assert_eq!((&clock["now"], &clock["state"]), (&json!(to), &json!("ready")));
    let back = ["clock", "advance", platform, "--to", "2026-01-01T00:00:00Z"];
    assert!(server.fails(key, &back).contains("(clock_goes_back, request rqt_"));
    let mut both = server.command(key, &["clock", "advance", platform, "--to", to, "--by", "1d"]);
    assert_eq!(both.output().unwrap().status.code(), Some(2));
}

#[test]
fn a_list_of_any_length_is_exported() {
    let world = World::new(&[]);
    let (server, key, org) = (&world.server, world.key.as_str(), world.organization.as_str());
    for note in ["a, b", "", "=1+1", "last"] {
        server.says(key, &["grant", org, "1.50", "--note", note]);
    }
    let whole = server.says(key, &["export", "grants", "--organization", org]);
    assert_eq!(whole.lines().count(), 5, "{whole}");
    assert!(whole.contains(",\"a, b\",") && whole.contains(",'=1+1,"), "{whole}");
    let parts = ["export", "grants", "--organization", org, "--rows-at-once", "1"];
    assert_eq!(server.says(key, &parts), whole);
    let file = world.folder.path().join("grants.csv");
    let file = file.to_str().unwrap();
    let into = ["export", "grants", "--organization", org, "--out", file];
    assert_eq!(server.says(key, &into), format!("4 rows in {file}"));
    assert_eq!(std::fs::read_to_string(file).unwrap().trim_end(), whole);
    assert_eq!(server.fails(key, &into), format!("{file} exists already"));
    let error = server.fails(key, &["export", "invoices"]);
    assert!(error.starts_with("`invoices` is no list: "), "{error}");
    assert!(error.contains("grants, ") && error.contains("ledger"), "{error}");
    let error = server.fails(key, &["export", "grants"]);
    assert!(error.starts_with("organization: "), "{error}");
    assert_eq!(server.says(key, &["export", "holds", "--organization", org]), "");
}

#[test]
fn what_cannot_be_asked_says_why_in_one_line() {
    let world = World::new(&[]);
    let (server, org) = (&world.server, world.organization.as_str());
    let error = server.fails("wrong", &["balance", org]);
    assert!(error.contains("(unauthenticated, request rqt_"), "{error}");
    assert_eq!(server.fails("", &["balance"]), "DRAWDOWN_KEY is not set: it takes an API key");
    let error = server.fails(OPERATOR_KEY, &["balance"]);
    assert_eq!(error, "say which organization: this key belongs to none");
    let error = server.fails(&world.key, &["balance", "org_x"]);
    assert_eq!(error, "`org_x` is no id of an organization");
    let nowhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nowhere = format!("http://{nowhere}");
    let error = server.fails(&world.key, &["balance", org, "--url", &nowhere]);
    assert!(error.starts_with(&format!("cannot reach {nowhere}: ")), "{error}");
    let error = server.fails(&world.key, &["balance", org, "--url", &format!("{}/x", server.url)]);
    assert!(error.contains("not_found") || error.contains("no server of drawdown"), "{error}");
    let mut bare = drawdown();
    bare.arg("completion").arg("bash");
    let (said, _) = texts(&bare.output().unwrap());
    assert!(said.contains("_drawdown()") && said.contains("organization"), "{said}");
}

#[test]
fn postgres_is_left_to_its_own_tools() {
    let mut backup = drawdown();
    backup.args(["backup", "copy.dump"]).env("DRAWDOWN_DATABASE_URL", "postgres://u:secret@x/y");
    let error = fails(backup);
    assert!(error.contains("pg_dump --format=custom --file=copy.dump"), "{error}");
    assert!(!error.contains("secret"), "{error}");
}

/// Reports usage without a pause until it is told to stop; answers with the last acknowledged one.
async fn report_until(world: Arc<World>, stop: Arc<AtomicBool>, done: Arc<AtomicU64>) {
    while !stop.load(Ordering::Relaxed) {
        let number = done.load(Ordering::Relaxed);
        world.use_tokens(&format!("event-{number}"), 1).await;
        done.store(number + 1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_made_under_load_is_restored_in_a_new_era() {
    let world = Arc::new(World::new(&[]));
    let (key, org) = (world.key.clone(), world.organization.clone());
    world.sell_tokens().await;
    world.server.says(&key, &["grant", &org, "100"]);
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let load = tokio::spawn(report_until(Arc::clone(&world), Arc::clone(&stop), Arc::clone(&done)));
    while done.load(Ordering::Relaxed) < 20 {
        tokio::task::yield_now().await;
    }
    let acknowledged = done.load(Ordering::Relaxed);
    let copy = world.folder.path().join("copy.db");
    let copy = copy.to_str().unwrap();
    let made = world.server.json("", &["backup", copy]);
    assert_eq!((&made["era"], made["bytes"].as_u64() > Some(4096)), (&json!(1), true), "{made}");
    stop.store(true, Ordering::Relaxed);
    load.await.unwrap();
    let there = world.server.fails("", &["backup", copy]);
    assert_eq!(there, format!("{copy} exists already"));
    let here = world.server.store.display().to_string();
    let refused = world.server.fails("", &["restore", copy]);
    assert!(refused.starts_with("store in use: "), "{refused}");

    // The backup itself is a whole store, and reading it leaves nothing behind.
    let restored = world.folder.path().join("restored.db");
    let at = |arguments: &[&str]| {
        let mut command = drawdown();
        command.args(arguments);
        command.env("DRAWDOWN_DATABASE_URL", format!("sqlite:{}", restored.display()));
        command
    };
    let (said, failed) = texts(&at(&["restore", copy]).output().unwrap());
    assert!(said.contains("era 2 begins"), "{said}{failed}");
    assert_eq!(fails(at(&["restore", copy])), format!("{} exists already", restored.display()));
    let absent = here.replace("books.db", "absent.db");
    assert_eq!(fails(at(&["restore", &absent])), format!("there is no {absent}"));
    let (said, failed) = texts(&at(&["verify"]).output().unwrap());
    assert!(
        said.starts_with("the books are right: ") && said.contains("; era 2"),
        "{said}{failed}"
    );

    // What was acknowledged before the backup began is in it, under its key.
    let server = Server::start(restored.clone());
    let event = format!("event-{}", acknowledged - 1);
    let answer = world.use_tokens_at(&server, &event, 1).await;
    assert_eq!(answer["status"], "duplicate", "{answer}");
}
