//! The pages of the demo, walked as a browser without JavaScript walks them.

use std::net::SocketAddr;
use std::sync::Arc;

use domain::profile::{Expiry, Profile};
use domain::run::{Run, StopReason};
use domain::wallet::Wallet;
use domain::{Amount, Id, Kind, OrgId, Timestamp};
use drawdown::demo::Demo;
use drawdown::demo_server;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use store::testkit::TempFolder;
use tokio::net::TcpListener;
use tokio::sync::watch;
use web::WebConfig;
use web::pages::show::{Unit, Zone};
use web::stream::Stopping;

/// A demo whose clock only moves when a form moves it.
struct World {
    app: app::App,
    demo: Demo,
    address: SocketAddr,
    client: Client<HttpConnector, Full<Bytes>>,
    stopping: watch::Sender<bool>,
    _folder: TempFolder,
}

struct Page {
    status: u16,
    location: String,
    policy: String,
    body: String,
}

impl World {
    async fn open() -> World {
        let folder = TempFolder::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (app, demo) = demo_server::prepare(folder.path(), address, |_, _| {}).await.unwrap();
        let mut config = WebConfig::new(format!("http://{address}"), None);
        let (stopping, stopped) = watch::channel(false);
        config.stopping = Stopping::when(stopped.clone());
        let pages = demo_server::pages(&app, &config, &demo);
        let router = web::router(app.clone(), config, pages);
        let mut stop = stopped;
        tokio::spawn(web::serve(listener, router, async move {
            let _ = stop.wait_for(|&stopping| stopping).await;
        }));
        let client = Client::builder(TokioExecutor::new()).build_http();
        World { app, demo, address, client, stopping, _folder: folder }
    }

    async fn close(self) {
        self.stopping.send_replace(true);
        let app = self.app.clone();
        tokio::task::spawn_blocking(move || app.close()).await.unwrap();
    }

    async fn send(&self, method: Method, path: &str, body: String, origin: &str) -> Page {
        let mut request =
            Request::builder().method(method.clone()).uri(format!("http://{}{path}", self.address));
        if method == Method::POST {
            request = request.header("content-type", "application/x-www-form-urlencoded");
            request = request.header("origin", origin);
        }
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let answer = self.client.request(request).await.unwrap();
        let header = |name: &str| {
            let value = answer.headers().get(name);
            value.map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        let (location, policy) = (header("location"), header("content-security-policy"));
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        Page { status, location, policy, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    async fn get(&self, path: &str) -> Page {
        self.send(Method::GET, path, String::new(), "").await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let encoded = |text: &str| text.replace('%', "%25").replace('&', "%26").replace('+', "%2B");
        let pair = |(name, value): &(&str, &str)| format!("{name}={}", encoded(value));
        let body: Vec<String> = fields.iter().map(pair).collect();
        let origin = format!("http://{}", self.address);
        self.send(Method::POST, path, body.join("&"), &origin).await
    }

    async fn wallet(&self, org: OrgId) -> Wallet {
        let mut snapshot = self.app.store.snapshot().await.unwrap();
        store::read::access::wallet(&mut snapshot, org).await.unwrap().unwrap()
    }

    async fn now(&self, platform: OrgId) -> Timestamp {
        let mut snapshot = self.app.store.snapshot().await.unwrap();
        let row = store::read::access::platform(&mut snapshot, platform).await.unwrap();
        row.unwrap().clock.unwrap()
    }

    async fn profile(&self, platform: OrgId) -> Arc<Profile> {
        let mut snapshot = self.app.store.snapshot().await.unwrap();
        let row = store::read::access::platform(&mut snapshot, platform).await.unwrap().unwrap();
        Arc::clone(row.profiles.at(row.clock.unwrap()))
    }

    async fn deposits(&self, org: OrgId) -> usize {
        let mut snapshot = self.app.store.snapshot().await.unwrap();
        store::read::lists::deposits(&mut snapshot, org, i64::MAX, 50).await.unwrap().len()
    }

    async fn runs(&self, org: OrgId) -> Vec<Run> {
        let mut snapshot = self.app.store.snapshot().await.unwrap();
        store::read::lists::runs(&mut snapshot, org, i64::MAX, 50).await.unwrap()
    }
}

/// The text between two others, the first time they stand so.
fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("no {before}")).1;
    rest.split_once(after).unwrap_or_else(|| panic!("no {after}")).0
}

/// The attempt key that the page minted for one of its forms.
fn attempt(page: &Page, form: &str) -> String {
    let form = between(&page.body, &format!("action=\"{form}\""), "</form>");
    between(form, "name=\"attempt_key\" value=\"", "\"").to_owned()
}

fn wallet_path(org: OrgId) -> String {
    format!("/w/{}", Id::new(Kind::Wallet, org, Wallet::NUMBER))
}

fn usd(units: i64) -> Amount {
    Amount::from_units(units)
}

/// Buys $25.00 for a wallet, with every form sent twice and the webhook delivered twice.
async fn buy(world: &World, org: OrgId) {
    let (path, before) = (wallet_path(org), world.deposits(org).await);
    let posted = world.wallet(org).await.posted();
    let form = format!("{path}/add-credits");
    let key = attempt(&world.get(&path).await, &form);
    let fields = [("attempt_key", key.as_str()), ("custom_amount", "25.00"), ("preset", "100.00")];
    let first = world.post(&form, &fields).await;
    let again = world.post(&form, &fields).await;
    assert_eq!((first.status, &first.location), (303, &again.location));
    assert_eq!(world.deposits(org).await, before + 1);
    let checkout = world.get(&first.location).await;
    assert!(checkout.body.contains("$25.00"), "the hosted page names the amount");
    for _ in 0..2 {
        let paid = world.post(&first.location, &[("outcome", "webhook_twice")]).await;
        assert_eq!(paid.status, 303);
        let back = world.get(&paid.location).await;
        assert!(back.body.contains("+$25.00 added"), "{}", back.status);
    }
    let accrued_meanwhile = posted.plus(usd(25)).minus(world.wallet(org).await.posted());
    assert!(accrued_meanwhile < usd(1), "credit is added exactly once");
    let closed = world.get(&first.location).await;
    assert!(closed.body.contains("This payment of $25.00 was made on"));
}

/// Starts the first machine on offer, twice by the same form.
async fn start(world: &World, org: OrgId) {
    let path = wallet_path(org);
    let form = format!("{path}/start");
    let page = world.get(&path).await;
    let key = attempt(&page, &form);
    let sku = between(&page.body, "name=\"sku\" value=\"", "\"");
    let before = world.wallet(org).await.running_count;
    for _ in 0..2 {
        let started = world.post(&form, &[("attempt_key", &key), ("sku", sku)]).await;
        let page = world.get(&started.location).await;
        assert!(page.body.contains("is running. You pay for its seconds."), "{}", page.body);
    }
    assert_eq!(world.wallet(org).await.running_count, before + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_bought_runs_until_the_second_that_the_page_said() {
    let world = World::open().await;
    let (platform, org) = (world.demo.platforms[0].org, world.demo.platforms[0].wallets[1]);
    let path = wallet_path(org);
    buy(&world, org).await;
    start(&world, org).await;
    let runs_out = world.wallet(org).await.run_out();
    let said = Zone::utc().second(runs_out);
    let page = world.get(&path).await;
    assert!(page.body.contains(&said), "the page says {said}");
    let key = attempt(&page, "/clock");
    let before = world.now(platform).await;
    for _ in 0..2 {
        let fields = [("attempt_key", key.as_str()), ("advance", "1d"), ("return_to", &path)];
        let moved = world.post("/clock", &fields).await;
        assert_eq!((moved.status, moved.location.as_str()), (303, path.as_str()));
    }
    assert_eq!(world.now(platform).await, before.plus_seconds(86_400));
    let stopped = world.runs(org).await;
    assert_eq!(stopped.len(), 2);
    for run in stopped {
        assert_eq!(run.stopped_at, Some(runs_out));
        assert_eq!(run.stop_reason, Some(StopReason::OutOfCredit));
    }
    let page = world.get(&path).await;
    let left = world.wallet(org).await.posted();
    assert!(!left.is_negative() && left < Amount::from_nanos(10_000_000), "{left}");
    for text in [
        &format!("Balance reached $0.00 on <time datetime=\"{runs_out}\""),
        &format!("exactly {}", Unit::Dollars.exact(left)),
        "Nothing is left, so nothing can start.",
        "You owe nothing.",
        "out of credit",
    ] {
        assert!(page.body.contains(text), "{text}");
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_agree_with_the_books_and_with_each_other() {
    let world = World::open().await;
    for platform in &world.demo.platforms {
        let now = world.now(platform.org).await;
        for &org in &platform.wallets {
            let wallet = world.wallet(org).await;
            let page = world.get(&wallet_path(org)).await;
            assert_eq!(page.status, 200);
            assert!(page.policy.starts_with("default-src 'none'; style-src 'self'"));
            // Newest first: each balance less its movement is the balance of the line below.
            let amounts: Vec<Amount> = page
                .body
                .split("class=\"moved\"")
                .skip(1)
                .flat_map(|line| line.split("value=\"").skip(1).take(2))
                .map(|value| Amount::parse(value.split('"').next().unwrap()).unwrap())
                .collect();
            assert_eq!(amounts.get(1), Some(&wallet.posted()));
            for pair in amounts.chunks(2).collect::<Vec<_>>().windows(2) {
                assert_eq!(pair[0][1].minus(pair[0][0]), pair[1][1]);
            }
            let nanos = between(&page.body, "data-available-nanos=\"", "\"");
            let shown = Amount::from_nanos(nanos.parse().unwrap());
            let profile = world.profile(platform.org).await;
            let is_kept = profile.purchased_expiry == Expiry::Never;
            assert_eq!(page.body.contains("What you buy never expires"), is_kept);
            let is_frozen = page.body.contains("frozen until a disputed payment is decided");
            assert_eq!(is_frozen, wallet.is_frozen());
            let balance = wallet.balance(&profile, now.max(wallet.now));
            assert_eq!(shown, balance.shown.minus(balance.held));
            let home = world.get("/").await;
            let unit = match profile.credit_value {
                value if value == usd(1) => Unit::Dollars,
                value => Unit::Credits { value },
            };
            assert!(home.body.contains(&unit.balance(shown)), "{shown}");
        }
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_said_and_strangers_are_turned_away() {
    let world = World::open().await;
    let org = world.demo.platforms[0].wallets[1];
    let path = wallet_path(org);
    let form = format!("{path}/add-credits");
    for (typed, words) in [
        ("7", "The amount must be between $15.00 and $5,000.00"),
        ("ten", "ten is not a decimal number"),
        ("20.001", "Money moves in whole cents"),
    ] {
        let refused = world.post(&form, &[("custom_amount", typed)]).await;
        assert_eq!(refused.status, 303);
        let address = refused.location.split('#').next().unwrap();
        let page = world.get(address).await;
        assert!(page.body.contains(words) && page.body.contains("No money moved"), "{typed}");
    }
    let started = world.post(&form, &[("custom_amount", "25")]).await;
    let checkout = started.location.split('?').next().unwrap();
    let house = wallet_path(world.demo.platforms[0].org);
    for missing in [checkout, &format!("{checkout}?token=0"), "/w/nonsense", &house, "/nowhere"] {
        let page = world.get(missing).await;
        assert_eq!(page.status, 404, "{missing}");
        assert!(page.body.contains("No money moved.") && !page.policy.is_empty(), "{missing}");
    }
    // What is open to anyone is about nobody's money, and under the same policy.
    for missing in ["/docs/nothing", "/assets/x"] {
        let page = world.get(missing).await;
        assert!(page.status == 404 && !page.policy.is_empty(), "{missing}");
    }
    let body = "outcome=succeed".to_owned();
    let before = world.wallet(org).await.posted();
    let foreign = world.send(Method::POST, &started.location, body, "https://evil.example").await;
    assert_eq!(foreign.status, 403);
    assert_eq!(world.wallet(org).await.posted(), before);
    let declined = world.post(&started.location, &[("outcome", "decline")]).await;
    assert!(world.get(&declined.location).await.body.contains("The card was declined."));
    let nothing = world.post(&started.location, &[("outcome", "free")]).await;
    assert_eq!(nothing.status, 400);
    world.close().await;
}
