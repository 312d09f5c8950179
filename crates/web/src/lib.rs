//! HTTP: the API, the pages and their routes.
//!
//! *Invariant:* nothing here decides about money or knows SQL. A write becomes one operation that
//! goes through the door of `app`; a read is one snapshot of `store`.

pub mod api;
pub mod auth;
pub mod charts;
pub mod error;
pub mod extract;
pub mod forward;
pub mod metrics;
pub mod openapi;
pub mod page;
pub mod pages;
pub mod route;
pub mod router;
pub mod wire;

use app::App;
use domain::{Id, Kind, Timestamp};
use sha2::{Digest, Sha256};

pub use router::router;

/// What the binary tells this crate.
#[derive(Clone)]
pub struct WebConfig {
    /// SHA-256 of the operator's key; without one nobody is the operator.
    pub operator_key_hash: Option<[u8; 32]>,
    /// Under which browsers and programs reach this server, without a slash at the end.
    pub public_url: String,
    /// Secret of the store: makes the addresses of payment pages unguessable.
    pub secret: [u8; 16],
    pub body_bytes_max: usize,
    pub usage_body_bytes_max: usize,
    pub body_seconds_max: u64,
}

impl Default for WebConfig {
    fn default() -> WebConfig {
        WebConfig {
            operator_key_hash: None,
            public_url: "http://127.0.0.1:8080".to_owned(),
            secret: [0; 16],
            body_bytes_max: 1 << 20,
            usage_body_bytes_max: 8 << 20,
            body_seconds_max: 15,
        }
    }
}

/// What every handler shares.
pub struct Web {
    pub app: App,
    pub config: WebConfig,
    pub directory: auth::Directory,
    pub metrics: metrics::Metrics,
    pub forwarder: forward::Forwarder,
}

impl Web {
    pub fn new(app: App, config: WebConfig) -> Web {
        Web {
            app,
            config,
            directory: auth::Directory::default(),
            metrics: metrics::Metrics::new(router::ROUTES),
            forwarder: forward::Forwarder::default(),
        }
    }

    /// The wall clock, or the clock of a test platform.
    pub fn now_at(&self, clock: Option<Timestamp>) -> Timestamp {
        clock.unwrap_or_else(|| self.app.now())
    }
}

const TOKEN_LETTERS: usize = 20;

/// The secret part of the address of a deposit's payment page: whoever has the address may pay, and
/// nobody can guess it from the id.
pub fn checkout_token(config: &WebConfig, deposit: Id) -> String {
    let mut hash = Sha256::new();
    hash.update(b"checkout");
    hash.update(config.secret);
    hash.update(deposit.to_string().as_bytes());
    let mut text = auth::base32(&hash.finalize());
    text.truncate(TOKEN_LETTERS);
    text
}

/// Where a deposit is paid.
pub fn checkout_url(config: &WebConfig, deposit: Id) -> String {
    let token = checkout_token(config, deposit);
    format!("{}{}?token={token}", config.public_url, pages::paths::checkout(deposit))
}

/// Where an organization adds credits.
pub fn add_credits_url(config: &WebConfig, org: domain::OrgId) -> String {
    let wallet = Id::new(Kind::Wallet, org, domain::wallet::Wallet::NUMBER);
    format!("{}{}#add-credits", config.public_url, pages::paths::wallet(wallet))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::OrgId;

    #[test]
    fn payment_pages_cannot_be_guessed_from_their_deposit() {
        let deposit = Id::new(Kind::Deposit, OrgId::new(5, 1 << 40), 9);
        let other = Id { number: 10, ..deposit };
        let config = WebConfig { secret: [1; 16], ..WebConfig::default() };
        let secret = WebConfig { secret: [2; 16], ..WebConfig::default() };
        let token = checkout_token(&config, deposit);
        assert_eq!(token.len(), TOKEN_LETTERS);
        assert_eq!(token, checkout_token(&config, deposit));
        assert_ne!(token, checkout_token(&config, other));
        assert_ne!(token, checkout_token(&secret, deposit));
    }
}
