//! HTTP: the API, the pages and their routes.
//!
//! *Invariant:* nothing here decides about money or knows SQL. A write becomes one operation that
//! goes through the door of `app`; a read is one snapshot of `store`.

pub mod api;
pub mod auth;
pub mod charts;
pub mod console;
mod csv;
pub mod error;
pub mod extract;
pub mod forward;
pub mod metrics;
mod open_pages;
pub mod openapi;
pub mod page;
pub mod pages;
pub mod rate;
pub mod route;
pub mod router;
pub mod routes;
pub mod stream;
pub mod table;
pub mod wire;

use std::future::Future;
use std::io;
use std::sync::Arc;

use app::App;
use axum::Router;
use axum::serve::ListenerExt;
use domain::wallet::Wallet;
use domain::{Id, Kind, OrgId, Timestamp};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

pub use auth::{key_text, new_secret};

/// What the binary tells this crate.
#[derive(Clone, Debug)]
pub struct WebConfig {
    /// SHA-256 of the operator's key; without one nobody is the operator.
    pub operator_key_hash: Option<[u8; 32]>,
    /// Under which browsers and programs reach this server, without a slash at the end.
    pub public_url: String,
    pub body_bytes_max: usize,
    pub usage_body_bytes_max: usize,
    pub body_seconds_max: u64,
    pub rates: rate::RateLimits,
    /// When answers that go on have to end.
    pub stopping: stream::Stopping,
}

impl WebConfig {
    /// The usual limits, of bodies alone. Only the hash of the operator's key is kept.
    pub fn new(public_url: String, operator_key: Option<&str>) -> WebConfig {
        WebConfig {
            operator_key_hash: operator_key.map(auth::hash_of),
            public_url: public_url.trim_end_matches('/').to_owned(),
            body_bytes_max: 1 << 20,
            usage_body_bytes_max: 8 << 20,
            body_seconds_max: 15,
            rates: rate::RateLimits::NONE,
            stopping: stream::Stopping::never(),
        }
    }
}

/// The pages that are served beside the API.
#[derive(Clone, Debug, Default)]
pub enum Pages {
    #[default]
    None,
    /// Routes of pages, none of which lies under `/v1`.
    Routes(Router),
}

/// What every handler shares.
pub struct Web {
    pub app: App,
    pub config: WebConfig,
    pub directory: auth::Directory,
    pub metrics: metrics::Metrics,
    pub forwarder: forward::Forwarder,
    pub body_room: extract::BodyRoom,
    pub rates: rate::Rates,
}

impl Web {
    pub fn new(app: App, config: WebConfig) -> Web {
        Web {
            app,
            config,
            directory: auth::Directory::default(),
            metrics: metrics::Metrics::new(routes::ROUTES),
            forwarder: forward::Forwarder::default(),
            body_room: extract::BodyRoom::default(),
            rates: rate::Rates::default(),
        }
    }

    /// The wall clock, or the clock of a test platform.
    pub fn now_at(&self, clock: Option<Timestamp>) -> Timestamp {
        clock.unwrap_or_else(|| self.app.now())
    }
}

/// Everything that is served.
pub fn router(app: App, config: WebConfig, pages: Pages) -> Router {
    let web = Arc::new(Web::new(app, config));
    let api = router::routes(Arc::clone(&web)).merge(open_pages::routes());
    match pages {
        Pages::None => api.fallback_service(router::nowhere(web)),
        Pages::Routes(pages) => api.merge(pages),
    }
}

/// Serves until `stop`, then finishes what was accepted.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let listener = listener.tap_io(|stream| {
        // Without it the last packet of an answer waits for an acknowledgement.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).with_graceful_shutdown(stop).await
}

const TOKEN_LETTERS: usize = 20;

/// The secret part of the address of a deposit's payment page: whoever has the address may pay, and
/// nobody can guess it from the id. It follows from the secret of the store, so every process of it
/// makes the same one.
pub fn checkout_token(app: &App, deposit: Id) -> String {
    let text = deposit.to_string();
    let mut hash = Sha256::new();
    for part in ["checkout", "checkout again"] {
        let keyed = app.hasher.hash(deposit.org.get(), part, &text);
        hash.update(keyed.bits().to_le_bytes());
    }
    let mut token = auth::base32(&hash.finalize());
    token.truncate(TOKEN_LETTERS);
    token
}

/// Where a deposit is paid.
pub fn checkout_url(app: &App, config: &WebConfig, deposit: Id) -> String {
    let token = checkout_token(app, deposit);
    format!("{}{}?token={token}", config.public_url, pages::paths::checkout(deposit))
}

/// Where an organization adds credits.
pub fn add_credits_url(config: &WebConfig, org: OrgId) -> String {
    let wallet = Id::new(Kind::Wallet, org, Wallet::NUMBER);
    format!("{}{}#add-credits", config.public_url, pages::paths::wallet(wallet))
}
