//! A server to test with: the router over a store in a folder of its own, a clock that stands where
//! the test puts it, randomness from a seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use app::lane::LaneLimits;
use app::operations::settle_deposit::SettleDeposit;
use app::ports::{Clock, Ports, Random};
use app::{App, Command, LaneOptions};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use domain::{Id, Timestamp};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use store::testkit::TempFolder;
use store::{Store, StoreUrl};
use tokio::runtime::Handle;
use tower::ServiceExt;
use web::rate::RateLimits;
use web::{Pages, WebConfig};

pub const OPERATOR: &str = "the operator's key";

struct TestClock(Arc<AtomicI64>);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }

    fn monotonic_micros(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

struct Seeded(AtomicU64);

impl Random for Seeded {
    fn next(&self) -> u64 {
        let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

pub struct World {
    pub app: App,
    pub router: Router,
    clock: Arc<AtomicI64>,
    // After the app, which is in it.
    _folder: Option<TempFolder>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The answer's body, after checking its status.
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text);
        self.json()
    }

    pub fn refused(&self, status: u16, code: &str) -> Value {
        let body = self.expect(status);
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["status"], status);
        assert!(body["request_id"].as_str().is_some_and(|id| id.starts_with("rqt_")), "{body}");
        assert_eq!(self.headers["content-type"], "application/problem+json");
        body
    }
}

/// A platform, one of its organizations, and their keys.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub platform: String,
    pub platform_key: String,
    pub org: String,
    pub wallet: String,
    pub org_key: String,
}

impl World {
    pub async fn open() -> World {
        let folder = TempFolder::new();
        let url = StoreUrl::Sqlite(folder.path().join("store"));
        let start = Timestamp::parse("2026-01-05T00:00:00Z").unwrap();
        let clock = Arc::new(AtomicI64::new(start.micros()));
        let world = World::open_at(&url, "one", "", clock).await;
        World { _folder: Some(folder), ..world }
    }

    /// One process of a store; its name also seeds its randomness.
    pub async fn open_at(
        url: &StoreUrl,
        owner: &str,
        address: &str,
        clock: Arc<AtomicI64>,
    ) -> World {
        let (handle, own) = (Handle::current(), TestClock(Arc::clone(&clock)));
        let seed = owner.bytes().fold(7_u64, |seed, byte| seed * 31 + u64::from(byte));
        let options = LaneOptions {
            owner: owner.into(),
            address: address.into(),
            lane_count: 2,
            limits: LaneLimits::default(),
        };
        let url = url.clone();
        let open = move || {
            let store = Store::open(&url, &handle).unwrap();
            store::migrate::run(&store, &options.owner, own.now()).unwrap();
            let random = Box::new(Seeded(AtomicU64::new(seed)));
            let ports = Arc::new(Ports { clock: Box::new(own), random });
            App::open(store, ports, options).unwrap()
        };
        let app = tokio::task::spawn_blocking(open).await.unwrap();
        let config = WebConfig::new("https://credits.test/".into(), Some(OPERATOR));
        let router = web::router(app.clone(), config, Pages::None);
        World { app, router, clock, _folder: None }
    }

    /// The same, where keys may ask only so much.
    pub async fn open_limited(rates: RateLimits) -> World {
        let world = World::open().await;
        let config = WebConfig::new("https://credits.test/".into(), Some(OPERATOR));
        let config = WebConfig { rates, ..config };
        World { router: web::router(world.app.clone(), config, Pages::None), ..world }
    }

    pub async fn close(self) {
        let World { app, router, _folder, .. } = self;
        drop(router);
        tokio::task::spawn_blocking(move || app.close()).await.unwrap();
    }

    pub fn router(&self) -> Router {
        self.router.clone()
    }

    pub fn wait(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1_000_000, Ordering::SeqCst);
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Answer { status: parts.status.as_u16(), headers: parts.headers, text }
    }

    pub async fn get(&self, key: &str, path: &str) -> Answer {
        let request = Request::get(path).header("authorization", format!("Bearer {key}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Posts under a fresh idempotency key.
    pub async fn post(&self, key: &str, path: &str, body: &Value) -> Answer {
        let fresh = format!("fresh-{}", self.app.ports.random.next());
        self.post_under(key, path, &fresh, body).await
    }

    pub async fn post_under(&self, key: &str, path: &str, under: &str, body: &Value) -> Answer {
        let request = Request::post(path)
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json")
            .header("idempotency-key", under);
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    pub async fn key(&self, by: &str, owner: &str, role: &str) -> String {
        let body = json!({ "organization": owner, "name": role, "role": role });
        let key = self.post(by, "/v1/api_keys", &body).await.expect(201);
        text(&key["secret"])
    }

    pub async fn tenant(&self) -> Tenant {
        self.tenant_with("spheron", &json!({})).await
    }

    pub async fn tenant_with(&self, profile: &str, settings: &Value) -> Tenant {
        let body = json!({ "name": "cloud", "profile": profile, "settings": settings });
        self.tenant_of(&body).await
    }

    /// A customer of the platform that is made of `body`.
    pub async fn tenant_of(&self, body: &Value) -> Tenant {
        let platform = self.post(OPERATOR, "/v1/platforms", body).await.expect(201);
        let platform = text(&platform["id"]);
        let platform_key = self.key(OPERATOR, &platform, "platform").await;
        let body = json!({ "name": "acme" });
        let org = self.post(&platform_key, "/v1/organizations", &body).await.expect(201);
        let (org, wallet) = (text(&org["id"]), text(&org["wallet"]));
        let org_key = self.key(&platform_key, &org, "organization").await;
        Tenant { platform, platform_key, org, wallet, org_key }
    }

    /// Sells a GPU at 36 an hour and a model at 0.50 a million tokens.
    pub async fn sells(&self, tenant: &Tenant) -> String {
        let key = &tenant.platform_key;
        let gpu = json!({ "code": "gpu", "name": "GPU", "class": "compute" });
        let gpu = text(&self.post(key, "/v1/skus", &gpu).await.expect(201)["id"]);
        let price = json!({ "sku": gpu, "amount": "36", "per_units": 3600 });
        self.post(key, "/v1/prices", &price).await.expect(201);
        let llm = json!({ "code": "llm", "name": "LLM", "class": "model" });
        let llm = text(&self.post(key, "/v1/skus", &llm).await.expect(201)["id"]);
        let price = json!({
            "sku": llm, "dimension": "tokens", "amount": "0.50", "per_units": 1_000_000
        });
        self.post(key, "/v1/prices", &price).await.expect(201);
        gpu
    }

    /// Pays a deposit as the hosted page would.
    pub async fn pays(&self, tenant: &Tenant, amount: &str) -> String {
        let body = json!({ "amount": amount });
        let deposit = self.post(&tenant.org_key, "/v1/deposits", &body).await.expect(201);
        let text = text(&deposit["id"]);
        let id: Id = text.parse().unwrap();
        let outcome = payments::sandbox::paid(&text);
        let settle = SettleDeposit { org: id.org, deposit: id.number, outcome };
        self.app.run(Command::new(settle)).await.unwrap();
        text
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}
