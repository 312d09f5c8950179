//! Mixed traffic over HTTP for a long time: what memory, the key index and the slowest answers do,
//! and whether the books are right at the end.
//!
//! Clients ask at a steady pace, so that times are those of a server that is used and not of one
//! that is overrun. Server and clients share the process, and its memory.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::Args;
use domain::wallet::Wallet;
use domain::{Id, Kind, OrgId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::http::{api, api_key, is_whole, serve};
use crate::keep::{Folder, Mixer};
use crate::machine::{micros, percentile, resident_mb};
use crate::rig::{BenchClock, MACHINE, MODEL, Rig, open_app, runtime, sqlite};

#[derive(Clone, Debug, Args)]
pub struct Parameters {
    #[arg(long, default_value_t = 5_000)]
    wallets: usize,
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Requests a second of all connections.
    #[arg(long, default_value_t = 500.0)]
    per_second: f64,
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// Seconds between two lines.
    #[arg(long, default_value_t = 60.0)]
    line_seconds: f64,
}

/// Times of answers in microseconds, by what was asked.
type Times = BTreeMap<&'static str, Vec<f64>>;

#[derive(Clone)]
struct Client {
    address: SocketAddr,
    key: String,
    orgs: Arc<Vec<OrgId>>,
    times: Arc<Mutex<Times>>,
}

struct Connection {
    client: Client,
    stream: TcpStream,
    random: Mixer,
}

impl Connection {
    async fn open(client: Client, seed: u64) -> io::Result<Connection> {
        let stream = TcpStream::connect(client.address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { client, stream, random: Mixer::new(seed) })
    }

    /// Asks, and answers with the body. Anything but a success, or a refusal for what others did
    /// meanwhile, ends the bench.
    async fn ask(
        &mut self,
        what: &'static str,
        method: &str,
        path: &str,
        body: &str,
    ) -> io::Result<serde_json::Value> {
        let (key, length, unique) = (&self.client.key, body.len(), self.random.uuid());
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n\
             idempotency-key: {unique}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        let (began, mut bytes) = (Instant::now(), Vec::new());
        self.stream.write_all(request.as_bytes()).await?;
        while !is_whole(&bytes) {
            if self.stream.read_buf(&mut bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let time = micros(began.elapsed());
        self.client.times.lock().expect("times").entry(what).or_default().push(time);
        let text = String::from_utf8_lossy(&bytes);
        let is_expected = ["HTTP/1.1 20", "HTTP/1.1 409"].iter().any(|it| text.starts_with(it));
        assert!(is_expected, "{method} {path}: {text}");
        let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        Ok(serde_json::from_str(body).unwrap_or_default())
    }

    fn event(&mut self, organization: &str) -> String {
        let (id, tokens) = (self.random.uuid(), self.random.below(2_000) + 1);
        format!(
            "{{\"id\":\"{id}\",\"organization\":\"{organization}\",\"sku\":\"{MODEL}\",\
             \"quantities\":{{\"tokens\":{tokens}}}}}"
        )
    }

    /// What one of many customers does next.
    async fn act(&mut self) -> io::Result<()> {
        let org = self.client.orgs[self.random.below(self.client.orgs.len())];
        let organization = Id::new(Kind::Organization, org, 0).to_string();
        let of = format!("\"organization\":\"{organization}\"");
        match self.random.below(100) {
            0..60 => {
                let event = self.event(&organization);
                self.ask("charge", "POST", "/v1/usage_events", &event).await?;
            }
            60..64 => {
                let events: Vec<String> = (0..20).map(|_| self.event(&organization)).collect();
                let body = format!("{{\"events\":[{}]}}", events.join(","));
                self.ask("20 charges", "POST", "/v1/usage_events", &body).await?;
            }
            64..72 => {
                let body = format!("{{{of},\"amount\":\"0.5\"}}");
                let hold = self.ask("hold", "POST", "/v1/holds", &body).await?;
                let path = format!("/v1/holds/{}/capture", hold["id"].as_str().unwrap_or(""));
                self.ask("capture", "POST", &path, "{\"amount\":\"0.2\"}").await?;
            }
            72..90 => {
                let wallet = Id::new(Kind::Wallet, org, Wallet::NUMBER);
                self.ask("balance", "GET", &format!("/v1/wallets/{wallet}"), "").await?;
            }
            90..96 => {
                let path = format!("/v1/ledger?organization={organization}");
                self.ask("ledger", "GET", &path, "").await?;
            }
            _ => {
                let body = format!("{{{of},\"name\":\"box\",\"sku\":\"{MACHINE}\"}}");
                let made = self.ask("resource", "POST", "/v1/resources", &body).await?;
                let body = format!("{{\"resource\":{}}}", made["id"]);
                let run = self.ask("start", "POST", "/v1/runs", &body).await?;
                let path = format!("/v1/runs/{}/stop", run["id"].as_str().unwrap_or(""));
                self.ask("stop", "POST", &path, "{}").await?;
            }
        }
        Ok(())
    }

    /// Acts every so often until the end; what came late is made up for.
    async fn act_until(mut self, every: Duration, end: Instant) -> io::Result<()> {
        let mut next = Instant::now();
        while Instant::now() < end {
            tokio::time::sleep_until(next.into()).await;
            next += every;
            self.act().await?;
        }
        Ok(())
    }
}

/// Journal positions that are not indexed yet, as the server says it.
async fn index_lag(client: &Client) -> io::Result<i64> {
    let mut stream = TcpStream::connect(client.address).await?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: bench\r\n\r\n").await?;
    let mut bytes = Vec::new();
    while !is_whole(&bytes) && stream.read_buf(&mut bytes).await? > 0 {}
    let text = String::from_utf8_lossy(&bytes);
    let lags = text.lines().filter(|line| line.starts_with("drawdown_index_lag_positions{"));
    Ok(lags.filter_map(|line| line.rsplit(' ').next()?.parse::<i64>().ok()).sum())
}

fn line(minute: usize, times: &mut Times, lag: i64) {
    let requests: usize = times.values().map(Vec::len).sum();
    let slow = |values: &mut Vec<f64>| {
        let (p50, p99) = (percentile(values, 50.0), percentile(values, 99.0));
        format!("{:.1}/{:.1}", p50 / 1e3, p99 / 1e3)
    };
    let by_what: Vec<String> =
        times.iter_mut().map(|(what, values)| format!("{what} {}", slow(values))).collect();
    println!(
        "{minute:>3}: {requests} requests, {} MB, index lag {lag}; p50/p99 ms: {}",
        resident_mb(),
        by_what.join(", ")
    );
    times.clear();
}

pub fn run(parameters: &Parameters) {
    let (runtime, folder) = (runtime(), Folder::of(None));
    let mut rig = Rig::open(&sqlite(folder.path()), 1, runtime.handle());
    let platform = rig.platform(None);
    let orgs = Arc::new(rig.wallets(platform, parameters.wallets, 3));
    let key = api_key(&mut rig, platform);
    drop(rig);
    let app = open_app(&sqlite(folder.path()), &BenchClock::new(), runtime.handle());
    let address = serve(&runtime, api(&app));
    let client = Client { address, key, orgs, times: Arc::default() };
    let every = Duration::from_secs_f64(parameters.connections as f64 / parameters.per_second);
    let end = Instant::now() + Duration::from_secs_f64(parameters.minutes * 60.0);
    let mut memory = Vec::new();
    let asked: io::Result<()> = runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for seed in 0..parameters.connections {
            let connection = Connection::open(client.clone(), 77 + seed as u64).await?;
            tasks.spawn(connection.act_until(every, end));
        }
        let pause = Duration::from_secs_f64(parameters.line_seconds);
        for minute in 1.. {
            tokio::time::sleep(pause.min(end.saturating_duration_since(Instant::now()))).await;
            let lag = index_lag(&client).await?;
            line(minute, &mut client.times.lock().expect("times"), lag);
            memory.push(resident_mb());
            if Instant::now() >= end {
                break;
            }
        }
        while let Some(task) = tasks.join_next().await {
            task.expect("a connection ends by itself")?;
        }
        Ok(())
    });
    asked.expect("every request is answered");
    let settled = memory.get(1).or(memory.first()).copied().unwrap_or(0);
    println!("memory: {settled} MB after two lines, {} MB at the end", resident_mb());
    let verified = runtime.block_on(app::verify::run(&app.store, |_, _| {}));
    let report = verified.expect("the books are right");
    println!("the books are right: {} transactions", report.transactions);
    app.close();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_soak_ends_with_right_books() {
        run(&Parameters {
            wallets: 20,
            connections: 3,
            per_second: 200.0,
            minutes: 0.02,
            line_seconds: 0.5,
        });
    }
}
