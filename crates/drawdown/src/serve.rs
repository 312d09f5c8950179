//! Serving: opens the store, takes lanes, answers requests, does the jobs, and lets go in order.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use app::lane::LaneLimits;
use app::{App, LaneOptions};
use store::keys::index::KeyLimits;
use store::{Store, StoreUrl};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use web::stream::Stopping;

use crate::config::Config;
use crate::wire;

/// How often jobs look by themselves; a poke makes them look sooner.
const JOBS_EVERY: Duration = Duration::from_millis(250);

/// A server that is up.
pub struct Served {
    pub app: App,
    pub address: SocketAddr,
}

/// Opens the product as `config` says. Blocks, and migrates the store first.
pub fn open(config: &Config, address: SocketAddr, runtime: &Handle) -> Result<App, String> {
    let url: StoreUrl = config.database.url.parse()?;
    let ports = Arc::new(wire::ports());
    let owner = wire::process_name(&ports);
    let store = Store::open(&url, runtime).map_err(|error| error.to_string())?;
    let steps = store::migrate::run(&store, &owner, ports.clock.now())
        .map_err(|error| error.to_string())?;
    if steps > 0 {
        tracing::info!(steps, "schema brought up to date");
    }
    let advertised = match config.server.advertised_address.as_str() {
        "" => address.to_string(),
        named => named.to_owned(),
    };
    let options = LaneOptions {
        owner,
        address: advertised,
        lane_count: config.lanes.postgres_lanes,
        limits: LaneLimits {
            wallets_max: config.lanes.wallet_cache_max,
            keys: KeyLimits {
                tail_keys: config.lanes.dedupe_tail_keys_max,
                filter_bytes_max: config.lanes.dedupe_memory_bytes_max,
            },
        },
    };
    App::open(store, ports, options).map_err(|error| error.to_string())
}

/// Brings the schema of the store up to date, and says how many steps that took. Blocks.
pub fn migrate(config: &Config, runtime: &Handle) -> Result<usize, String> {
    let url: StoreUrl = config.database.url.parse()?;
    let ports = wire::ports();
    let store = Store::open(&url, runtime).map_err(|error| error.to_string())?;
    let steps = store::migrate::run(&store, &wire::process_name(&ports), ports.clock.now());
    steps.map_err(|error| error.to_string())
}

/// Does what the product does by itself, until it is dropped.
pub async fn do_jobs(app: App) {
    let mut timer = tokio::time::interval(JOBS_EVERY);
    loop {
        timer.tick().await;
        if let Err(error) = app::jobs::charge_methods::run(&app).await {
            tracing::warn!(%error, "payments that wait cannot be read");
        }
        if let Err(error) = app::jobs::pay_refunds::run(&app).await {
            tracing::warn!(%error, "refunds that wait cannot be read");
        }
        if let Err(error) = app::jobs::join_coupons::run(&app).await {
            tracing::warn!(%error, "claims on coupons cannot be read");
        }
        if let Err(error) = app::jobs::announce_prices::run(&app).await {
            tracing::warn!(%error, "announced prices cannot be read");
        }
        if let Err(error) = app::jobs::change_profiles::run(&app).await {
            tracing::warn!(%error, "changed profiles cannot be read");
        }
        if let Err(error) = app::jobs::issue_documents::run(&app).await {
            tracing::warn!(%error, "documents that are due cannot be read");
        }
        if let Err(error) = app::jobs::erase_organizations::run(&app).await {
            tracing::warn!(%error, "organizations to be erased cannot be read");
        }
        if let Err(error) = app::jobs::advance_clock::tend(&app).await {
            tracing::warn!(?error, "a test clock could not be moved on");
        }
    }
}

/// Listens, serves until `stop`, then finishes what was accepted.
pub async fn run(
    config: Config,
    operator_key: Option<String>,
    pages: web::Pages,
    stop: impl Future<Output = ()> + Send + 'static,
    ready: impl FnOnce(&Served),
) -> Result<(), String> {
    let listener = TcpListener::bind(config.server.listen_address)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", config.server.listen_address))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let opening = config.clone();
    let handle = Handle::current();
    let opened = tokio::task::spawn_blocking(move || open(&opening, address, &handle)).await;
    let app = opened.map_err(|error| error.to_string())??;
    let public_url = match config.server.public_url.as_str() {
        "" => format!("http://{address}"),
        _ => config.public_url(),
    };
    let mut web_config = web::WebConfig::new(public_url, operator_key.as_deref());
    web_config.rates = (&config.limits).into();
    let (stopping, stopped) = watch::channel(false);
    web_config.stopping = Stopping::when(stopped);
    let stop = async move {
        stop.await;
        stopping.send_replace(true);
    };
    let router = web::router(app.clone(), web_config, pages);
    let jobs = tokio::spawn(do_jobs(app.clone()));
    ready(&Served { app: app.clone(), address });
    let served = web::serve(listener, router, stop).await;
    jobs.abort();
    let closing = app.clone();
    let _ = tokio::task::spawn_blocking(move || closing.close()).await;
    served.map_err(|error| error.to_string())
}
