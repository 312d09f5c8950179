//! Requests over HTTP: single charges and a hundred at once, beside an echo handler.
//!
//! The echo handler reads the same JSON and answers with as much; it knows no store. Server and
//! client share the machine, as in every figure here; the client writes requests that were made
//! before and looks for nothing but the length of an answer, so that most of the time is the
//! server's.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use app::operations::create_api_key::CreateApiKey;
use app::{Answer, App};
use axum::Router;
use axum::routing::post;
use clap::Args;
use domain::workset::Role;
use domain::{Id, Kind, OrgId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::keep::{Folder, Mixer};
use crate::machine::{self, Used, median, micros, percentile, rate};
use crate::rig::{BenchClock, MODEL, Rig, open_app, runtime, sqlite};

#[derive(Clone, Debug, Args)]
pub struct Parameters {
    #[arg(long, default_value_t = 10_000)]
    wallets: usize,
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Charges in one request of the second part.
    #[arg(long, default_value_t = 100)]
    events: usize,
    /// Connections of the second part.
    #[arg(long, default_value_t = 32)]
    event_connections: usize,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
}

/// What the client sends, and to whom.
#[derive(Clone)]
struct Client {
    address: SocketAddr,
    path: &'static str,
    key: String,
    orgs: Vec<String>,
    events: usize,
}

/// Requests per second, the times of each, and what each cost the server, in microseconds.
struct Load {
    per_second: f64,
    times: Vec<f64>,
    server_cpu_micros: f64,
}

impl Client {
    fn event(&self, random: &mut Mixer) -> String {
        let (id, org) = (random.uuid(), &self.orgs[random.below(self.orgs.len())]);
        let tokens = random.below(2_000) + 1;
        format!(r#"{{"id":"{id}","organization":"{org}","sku":"{MODEL}","#)
            + &format!(r#""quantities":{{"tokens":{tokens}}}}}"#)
    }

    fn request(&self, random: &mut Mixer) -> Vec<u8> {
        let body = match self.events {
            1 => self.event(random),
            count => {
                let events: Vec<String> = (0..count).map(|_| self.event(random)).collect();
                format!(r#"{{"events":[{}]}}"#, events.join(","))
            }
        };
        let (path, key, length) = (self.path, &self.key, body.len());
        format!(
            "POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }

    async fn connection(self, seed: u64, until: Instant) -> io::Result<Vec<f64>> {
        let mut stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (mut random, mut times, mut bytes) = (Mixer::new(seed), Vec::new(), Vec::new());
        while Instant::now() < until {
            let request = self.request(&mut random);
            let began = Instant::now();
            stream.write_all(&request).await?;
            bytes.clear();
            while !is_whole(&bytes) {
                if stream.read_buf(&mut bytes).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            times.push(micros(began.elapsed()));
            let text = String::from_utf8_lossy(&bytes);
            assert!(text.starts_with("HTTP/1.1 20"), "{text}");
            assert!(!text.contains("\"problem\""), "an event was not charged: {text}");
        }
        Ok(times)
    }

    /// Loads the server from a thread of its own.
    fn load(&self, connections: usize, time: Duration, seed: u64) -> Load {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().build().expect("a runtime for the client");
        let (until, before, own) =
            (Instant::now() + time, Used::by_process(), machine::thread_cpu());
        let times: Vec<f64> = runtime.block_on(async {
            let connect = |at| {
                let seed = seed.wrapping_mul(1_000_003).wrapping_add(at as u64);
                tokio::spawn(self.clone().connection(seed, until))
            };
            let tasks: Vec<_> = (0..connections).map(connect).collect();
            let mut times = Vec::new();
            for task in tasks {
                times.extend(task.await.expect("a connection").expect("no answer was cut off"));
            }
            times
        });
        let own = machine::thread_cpu().saturating_sub(own);
        let server = Used::by_process().since(before).cpu.saturating_sub(own);
        Load {
            per_second: times.len() as f64 / time.as_secs_f64(),
            server_cpu_micros: micros(server) / times.len().max(1) as f64,
            times,
        }
    }
}

/// Whether an answer has come with all of its body.
pub fn is_whole(bytes: &[u8]) -> bool {
    let Some(head) = bytes.windows(4).position(|part| part == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length = length.and_then(|it| it.trim().parse::<usize>().ok()).unwrap_or(0);
    bytes.len() >= head + 4 + length
}

/// Reads the JSON and says what it would have cost, without a store.
async fn echo(body: String) -> String {
    let Ok(value) = serde_json::from_str::<serde_json::Value>(&body) else { return String::new() };
    let tokens = value["quantities"]["tokens"].as_i64().unwrap_or(0);
    let amount = i128::from(tokens) * 500_000_000 / 1_000_000;
    let (id, org) = (&value["id"], &value["organization"]);
    format!(r#"{{"status":"recorded","id":{id},"organization":{org},"amount":"{amount}"}}"#)
}

pub fn serve(runtime: &tokio::runtime::Runtime, router: Router) -> SocketAddr {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let address = listener.local_addr().expect("an address");
    runtime.spawn(web::serve(listener, router, std::future::pending()));
    address
}

pub fn api(app: &App) -> Router {
    let config = web::WebConfig::new("http://127.0.0.1".into(), None);
    web::router(app.clone(), config, web::Pages::None)
}

pub fn run(parameters: &Parameters) {
    let (runtime, folder) = (runtime(), Folder::of(None));
    let mut rig = Rig::open(&sqlite(folder.path()), 1, runtime.handle());
    let platform = rig.platform(None);
    let orgs = rig.wallets(platform, parameters.wallets, 3);
    let key = api_key(&mut rig, platform);
    let mut seed = rig.ports.random.next();
    drop(rig);
    let app = open_app(&sqlite(folder.path()), &BenchClock::new(), runtime.handle());
    let text = |&org: &OrgId| Id::new(Kind::Organization, org, 0).to_string();
    let orgs: Vec<String> = orgs.iter().map(text).collect();
    let address = serve(&runtime, api(&app));
    let single = Client { address, path: "/v1/usage_events", key, orgs, events: 1 };
    let echoing = Client {
        address: serve(&runtime, Router::new().route("/", post(echo))),
        path: "/",
        ..single.clone()
    };
    let many = Client { events: parameters.events, ..single.clone() };
    let time = Duration::from_secs_f64(parameters.seconds);
    let (mut ratios, mut ones, mut echoes, mut manies) = (vec![], vec![], vec![], vec![]);
    let (mut p50s, mut p99s, mut many_p99s) = (vec![], vec![], vec![]);
    let mut cpu: [Vec<f64>; 3] = Default::default();
    for _ in 0..parameters.rounds {
        seed = seed.wrapping_add(1);
        let mut one = single.load(parameters.connections, time, seed);
        let echo = echoing.load(parameters.connections, time, seed);
        let mut batch = many.load(parameters.event_connections, time, seed ^ 1 << 40);
        ratios.push(one.per_second / echo.per_second);
        let loads = [&one, &echo, &batch];
        for (cpu, load) in cpu.iter_mut().zip(loads) {
            cpu.push(load.server_cpu_micros);
        }
        ones.push(one.per_second);
        echoes.push(echo.per_second);
        manies.push(batch.per_second * parameters.events as f64);
        p50s.push(percentile(&mut one.times, 50.0));
        p99s.push(percentile(&mut one.times, 99.0));
        many_p99s.push(percentile(&mut batch.times, 99.0));
    }
    println!(
        "one charge a request, {} connections: {}/s, echo {}/s, ratio {:.2}; \
         p50 {:.0} us, p99 {:.0} us",
        parameters.connections,
        rate(median(&mut ones)),
        rate(median(&mut echoes)),
        median(&mut ratios),
        median(&mut p50s),
        median(&mut p99s)
    );
    println!(
        "{} charges a request, {} connections: {} charges/s, p99 {:.1} ms",
        parameters.events,
        parameters.event_connections,
        rate(median(&mut manies)),
        median(&mut many_p99s) / 1e3
    );
    let [one, echo, many] = cpu.each_mut().map(|micros| median(micros));
    println!(
        "server us of a core for a request: {one:.1}, echo {echo:.1}, ratio {:.2}; \
         {:.1} for each of {} charges",
        echo / one.max(0.1),
        many / parameters.events as f64,
        parameters.events
    );
    app.close();
}

/// A key of the platform, which may charge every wallet.
pub fn api_key(rig: &mut Rig, platform: OrgId) -> String {
    // As long as a real one: 256 bits in base 32.
    let secret = web::auth::base32(&[7; 32]);
    let hash = web::auth::hash_of(&secret).to_vec();
    let create = CreateApiKey { org: platform, label: "bench".into(), role: Role::Platform, hash };
    let Answer::ApiKey(_, key) = rig.decide(create) else { panic!("a key is answered with one") };
    web::key_text(Id::new(Kind::ApiKey, platform, key.number), &secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_load_is_answered() {
        run(&Parameters {
            wallets: 10,
            connections: 2,
            events: 5,
            event_connections: 2,
            rounds: 1,
            seconds: 0.1,
        });
    }
}
