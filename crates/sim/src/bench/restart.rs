//! From the start of a process to its first answer, with a new store and with a full one.
//!
//! A process of its own is started each time, so that nothing is warm but the system's cache of the
//! file, and so that its memory is its own.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use clap::Args;

use crate::charges::Bench;
use crate::keep::Folder;
use crate::machine;
use crate::rig::{BenchClock, open_app, runtime, sqlite};

#[derive(Clone, Debug, Args)]
pub struct Parameters {
    #[arg(long, default_value_t = 100_000)]
    wallets: usize,
    #[arg(long, default_value_t = 2_000_000)]
    keys: usize,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Keeps the store here, and uses the one that is there.
    #[arg(long)]
    folder: Option<PathBuf>,
}

pub fn run(parameters: &Parameters) {
    for round in 1..=parameters.rounds {
        let folder = Folder::of(None);
        print!("new store, {round}: ");
        start(folder.path());
    }
    let (runtime, folder) = (runtime(), Folder::of(parameters.folder.as_ref()));
    if !folder.path().join("bench.db").exists() {
        let mut bench = Bench::open(folder.path(), parameters.wallets, runtime.handle());
        let took = bench.fill(parameters.keys);
        println!("{} keys stored in {took:.1?}", parameters.keys);
    }
    for round in 1..=parameters.rounds {
        print!("{} keys, {} wallets, {round}: ", parameters.keys, parameters.wallets);
        start(folder.path());
    }
}

fn start(folder: &Path) {
    let began = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_micros());
    let program = std::env::current_exe().expect("the path of this program");
    let mut command = Command::new(program);
    command.arg("once").arg(folder).env("BENCH_BEGAN_MICROS", began.to_string());
    let output = command.output().expect("a process can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    println!("{}", text.lines().last().unwrap_or("nothing was said"));
}

/// Serves until the first answer, then says how long that took since the process was asked for.
pub fn once(folder: &Path) {
    let runtime = runtime();
    let opening = Instant::now();
    let app = open_app(&sqlite(folder), &BenchClock::new(), runtime.handle());
    let opened = opening.elapsed();
    let config = web::WebConfig::new("http://127.0.0.1".into(), None);
    let router = web::router(app.clone(), config, web::Pages::None);
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"));
    let listener = listener.expect("a free port");
    let address = listener.local_addr().expect("an address");
    runtime.spawn(web::serve(listener, router, std::future::pending()));
    let mut stream = TcpStream::connect(address).expect("the server answers");
    let request = "GET /v1/nothing HTTP/1.1\r\nhost: bench\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).expect("a request is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer is read");
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
    let began = std::env::var("BENCH_BEGAN_MICROS").ok().and_then(|it| it.parse::<u128>().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_micros());
    let total = began.map_or(0, |began| now.saturating_sub(began));
    std::thread::sleep(std::time::Duration::from_millis(300));
    println!(
        "first answer after {:.3} s, of which opening the store {:.3} s; {} MB resident",
        total as f64 / 1e6,
        opened.as_secs_f64(),
        machine::resident_mb()
    );
    app.close();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_store_answers() {
        once(Folder::of(None).path());
    }
}
