//! `drawdown demo`: a store in a folder that is thrown away, two platforms with history, the pages,
//! and a clock that goes on.
//!
//! *Invariant:* it listens on loopback only (rulings A18). Time is real here: every second each
//! platform's test clock is advanced by the second that went by, so balances fall and machines stop
//! while somebody looks on, through the same advance as in a test.

use std::future::Future;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use app::App;
use app::jobs::advance_clock::{AdvanceError, advance};
use domain::wallet::Wallet;
use domain::{Id, Kind, OrgId, Refusal};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use web::WebConfig;
use web::console::{DemoPlatform, Target, snippets};
use web::stream::Stopping;

use crate::config::Config;
use crate::demo::{self, Demo};
use crate::serve::{do_jobs, open};
use crate::wire;

const SECOND: Duration = Duration::from_secs(1);
/// Characters of the bar that shows how much of the history is told.
const BAR: i64 = 28;

/// A folder that is removed when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn create() -> Result<Folder, String> {
        let name = format!("drawdown-demo-{}", wire::process_name(&wire::ports()));
        let path = std::env::temp_dir().join(name);
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Refuses an address that others could reach: nobody signs in to the pages.
///
/// Errors: a text that names the address.
pub fn require_loopback(listen: SocketAddr) -> Result<(), String> {
    if listen.ip().is_loopback() {
        return Ok(());
    }
    Err(format!(
        "the demo does not listen on {}: its pages ask nobody to sign in, so they stay on this \
         machine; use 127.0.0.1:{} or forward a port",
        listen.ip(),
        listen.port()
    ))
}

/// Opens the product over a new store in `folder` and tells the history of the demo.
pub async fn prepare(
    folder: &Path,
    address: SocketAddr,
    progress: impl Fn(i64, i64) + Sync,
) -> Result<(App, Demo), String> {
    let mut config = Config::default();
    config.database.url = format!("sqlite:{}", folder.join("demo.db").display());
    let handle = Handle::current();
    let opened = tokio::task::spawn_blocking(move || open(&config, address, &handle)).await;
    let app = opened.map_err(|error| error.to_string())??;
    let now = app.now();
    let demo = demo::tell(&app, now, progress).await?;
    Ok((app, demo))
}

/// The pages of a demo that was told.
pub fn pages(app: &App, config: &WebConfig, demo: &Demo) -> web::Pages {
    let known = |platform: &demo::DemoPlatform| DemoPlatform {
        platform: platform.org,
        key: platform.key.clone(),
    };
    let platforms = demo.platforms.iter().map(known).collect();
    let demo = web::console::Demo { platforms };
    web::Pages::Routes(web::console::routes(app.clone(), config.clone(), demo))
}

/// Runs the demo until `stop`, then removes everything it wrote.
///
/// Errors: a text for the person at the terminal.
pub async fn run(
    listen: SocketAddr,
    operator_key: Option<String>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), String> {
    require_loopback(listen)?;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| format!("cannot listen on {listen}: {error}"))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    println!("drawdown demo: five clouds live through 45 days of billing, a moment please");
    let folder = Folder::create()?;
    let (stopping, stopped) = watch::channel(false);
    let stop = async move {
        stop.await;
        stopping.send_replace(true);
    };
    let stop = tokio::spawn(stop);
    let mut early = stopped.clone();
    let (app, demo) = tokio::select! {
        prepared = prepare(&folder.0, address, show_progress()) => prepared?,
        _ = early.wait_for(|&stopping| stopping) => return Ok(()),
    };
    let mut config = WebConfig::new(format!("http://{address}"), operator_key.as_deref());
    config.stopping = Stopping::when(stopped);
    let pages = pages(&app, &config, &demo);
    introduce(&config.public_url, &demo);
    let jobs = tokio::spawn(do_jobs(app.clone()));
    let orgs = demo.platforms.iter().map(|platform| platform.org).collect();
    let time = tokio::spawn(keep_time(app.clone(), orgs));
    let router = web::router(app.clone(), config, pages);
    let served = web::serve(listener, router, async { drop(stop.await) }).await;
    time.abort();
    jobs.abort();
    let _ = tokio::task::spawn_blocking(move || app.close()).await;
    drop(folder);
    println!("the demo is over; nothing was kept");
    served.map_err(|error| error.to_string())
}

/// Moves each platform's clock along with the real time.
async fn keep_time(app: App, platforms: Vec<OrgId>) {
    let mut timer = tokio::time::interval(SECOND);
    timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut since = Instant::now();
    loop {
        timer.tick().await;
        let seconds = i64::try_from(since.elapsed().as_secs()).unwrap_or(0);
        if seconds == 0 {
            continue;
        }
        since += SECOND * u32::try_from(seconds).unwrap_or(1);
        for &platform in &platforms {
            if let Err(error) = go_on(&app, platform, seconds).await {
                tracing::warn!(error, "a clock of the demo stands still");
            }
        }
    }
}

async fn go_on(app: &App, platform: OrgId, seconds: i64) -> Result<(), String> {
    let mut snapshot = app.store.snapshot().await.map_err(|error| error.to_string())?;
    let row = store::read::access::platform(&mut snapshot, platform).await;
    drop(snapshot);
    let row = row.map_err(|error| error.to_string())?;
    let at_rest = row.filter(|row| row.clock_target.is_none());
    let Some(clock) = at_rest.and_then(|row| row.clock) else { return Ok(()) };
    match advance(app, platform, clock.plus_seconds(seconds)).await {
        // Somebody moved it further at this very moment.
        Ok(_) | Err(AdvanceError::Refused(Refusal::ClockGoesBack { .. })) => Ok(()),
        Err(error) => Err(format!("{error:?}")),
    }
}

/// A bar on a terminal, a line a week elsewhere.
fn show_progress() -> impl Fn(i64, i64) {
    let is_terminal = std::io::stdout().is_terminal();
    move |done, all| {
        let done = done + 1;
        let mut out = std::io::stdout().lock();
        if is_terminal {
            let filled = usize::try_from(BAR * done / all.max(1)).unwrap_or(0);
            let width = usize::try_from(BAR).unwrap_or(0);
            let bar = "█".repeat(filled) + &"·".repeat(width.saturating_sub(filled));
            let end = if done >= all { "\n" } else { "" };
            let _ = write!(out, "\r  {bar} {done} of {all} days{end}");
        } else if done % 7 == 0 {
            let _ = writeln!(out, "  {done} of {all} days told");
        }
        let _ = out.flush();
    }
}

/// Says where everything is, with lines to copy.
fn introduce(public_url: &str, demo: &Demo) {
    println!("\nOpen {public_url}\n");
    for platform in &demo.platforms {
        println!("{}\n  key   {}", platform.name, platform.key);
        for &org in &platform.wallets {
            let wallet = Id::new(Kind::Wallet, org, Wallet::NUMBER);
            println!("  page  {public_url}{}", web::pages::paths::wallet(wallet));
        }
    }
    let first = demo.platforms.first();
    let Some((platform, &organization)) = first.and_then(|it| Some((it, it.wallets.first()?)))
    else {
        return;
    };
    let target = Target {
        public_url,
        key: &platform.key,
        organization,
        model: demo::MODEL,
        dimensions: &demo::DIMENSIONS.map(str::to_owned),
    };
    println!("\nFrom another terminal:");
    for snippet in snippets(&target) {
        println!("\n# {}\n{}", snippet.title, snippet.command);
    }
    println!("\nCtrl-C ends the demo and removes everything it wrote.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demo_refuses_to_listen_elsewhere() {
        for (address, is_taken) in [
            ("127.0.0.1:8080", true),
            ("[::1]:0", true),
            ("0.0.0.0:8080", false),
            ("192.168.1.5:80", false),
            ("[::]:80", false),
        ] {
            let refused = require_loopback(address.parse().unwrap());
            assert_eq!(refused.is_ok(), is_taken, "{address}");
        }
        let error = require_loopback("0.0.0.0:8080".parse().unwrap()).unwrap_err();
        assert!(error.contains("0.0.0.0") && error.contains("127.0.0.1:8080"), "{error}");
    }
}
