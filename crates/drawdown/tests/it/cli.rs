//! The command line, as processes over a server that is one as well.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
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

/// The command with nothing of this machine's own in its way.
fn drawdown() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_drawdown"));
    command.env_remove("DRAWDOWN_OPERATOR_KEY");
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
        let mut lines = BufReader::new(process.0.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        let url = line.strip_prefix("drawdown serves ").unwrap().to_owned();
        Server { _process: process, url, store }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = drawdown();
        command.args(arguments);
        command.env("DRAWDOWN_DATABASE_URL", format!("sqlite:{}", self.store.display()));
        command
    }

    /// The one line with which a command fails.
    fn fails(&self, arguments: &[&str]) -> String {
        fails(self.command(arguments))
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
    key: String,
    organization: String,
    folder: TempFolder,
}

impl World {
    async fn new() -> World {
        let folder = TempFolder::new();
        let server = Server::start(folder.path().join("books.db"));
        let text = |made: &Value, name: &str| made[name].as_str().unwrap().to_owned();
        let platform = json!({"name": "Cloud", "profile": "greennode"});
        let platform = server.post(OPERATOR_KEY, "/v1/platforms", platform).await;
        let key = json!({"organization": platform["id"], "name": "p", "role": "platform"});
        let key = text(&server.post(OPERATOR_KEY, "/v1/api_keys", key).await, "secret");
        let organization = server.post(&key, "/v1/organizations", json!({"name": "Acme"})).await;
        let organization = text(&organization, "id");
        World { server, key, organization, folder }
    }

    /// Sells tokens, a thousand for 1.00.
    async fn sell_tokens(&self) {
        let sku = json!({"code": "llm", "name": "LLM", "class": "model"});
        let sku = self.server.post(&self.key, "/v1/skus", sku).await["id"].clone();
        let price = json!({"sku": sku, "dimension": "tokens", "amount": "1.00", "per_units": 1000});
        self.server.post(&self.key, "/v1/prices", price).await;
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

#[test]
fn shells_complete_every_command() {
    for (shell, words) in [("bash", "_drawdown()"), ("zsh", "#compdef"), ("fish", "complete -c")] {
        let output = drawdown().args(["completion", shell]).output().unwrap();
        let (said, _) = texts(&output);
        assert!(said.contains(words) && said.contains("backup"), "{said}");
    }
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
    let world = Arc::new(World::new().await);
    world.sell_tokens().await;
    let grant = json!({"organization": world.organization, "amount": "100"});
    world.server.post(&world.key, "/v1/grants", grant).await;
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let load = tokio::spawn(report_until(Arc::clone(&world), Arc::clone(&stop), Arc::clone(&done)));
    while done.load(Ordering::Relaxed) < 20 {
        tokio::task::yield_now().await;
    }
    let acknowledged = done.load(Ordering::Relaxed);
    let copy = world.folder.path().join("copy.db");
    let copy = copy.to_str().unwrap();
    let output = world.server.command(&["backup", copy, "--json"]).output().unwrap();
    let (said, failed) = texts(&output);
    let made: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}{failed}"));
    assert_eq!((&made["era"], made["bytes"].as_u64() > Some(4096)), (&json!(1), true), "{made}");
    stop.store(true, Ordering::Relaxed);
    load.await.unwrap();
    let there = world.server.fails(&["backup", copy]);
    assert_eq!(there, format!("{copy} exists already"));
    let here = world.server.store.display().to_string();
    let refused = world.server.fails(&["restore", copy]);
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
