//! The console: what fills the pages, and what their forms do.
//!
//! *Invariant:* it is there in the demo only, on loopback (rulings A18): nobody signs in, so a
//! request has to name this machine and a form has to come from one of our own pages. Every form is
//! one operation under the attempt key that was minted with its page, so sending it again changes
//! nothing; what came of it is said above the page that follows.

mod actions;
mod clock;
mod demo_home;
mod fault;
mod feedback;
mod form;
mod live;
mod sandbox_checkout;
mod wallet;

use std::sync::Arc;

use app::App;
use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Path, Query, Request, State};
use axum::http::header::{HOST, LOCATION, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use axum::middleware::{self, Next};
use axum::routing::{get, post};
use domain::OrgId;

use crate::error::Fault;
use crate::open_pages::{protect, shown};
use crate::pages::paths;
use crate::{Web, WebConfig, router};

pub use demo_home::{Snippet, Target, snippets};

const FORM_BYTES_MAX: usize = 16 * 1_024;

/// What the pages know that the store does not.
pub struct Demo {
    pub platforms: Vec<DemoPlatform>,
}

/// A platform whose test clock is moved along with the real time.
#[derive(Clone, Debug)]
pub struct DemoPlatform {
    pub platform: OrgId,
    /// A key that may do everything there, for lines to copy.
    pub key: String,
}

/// What the handlers share.
struct Console {
    web: Arc<Web>,
    demo: Demo,
    feedback: feedback::Feedback,
}

type Shared = State<Arc<Console>>;
type Parameters = Query<std::collections::BTreeMap<String, String>>;

/// The routes of all pages.
pub fn routes(app: App, config: WebConfig, demo: Demo) -> Router {
    let web = Arc::new(Web::new(app, config));
    let console = Arc::new(Console { web, demo, feedback: feedback::Feedback::default() });
    let form = "/w/{wallet}/{form}";
    Router::new()
        .route(paths::HOME, get(home))
        .route(paths::WALLET, get(show_wallet))
        .route("/w/{wallet}/live", get(follow_wallet))
        .route(form, post(send_form).get(leave_form))
        .route(paths::CHECKOUT, get(show_checkout).post(pay))
        .route(paths::CHECKOUT_RETURN, get(come_back))
        .route(paths::CLOCK, post(move_clock))
        .fallback(nowhere)
        .layer(middleware::from_fn_with_state(Arc::clone(&console), guard))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .with_state(console)
}

async fn home(State(console): Shared) -> Response<Body> {
    let page = demo_home::show(&console).await;
    console.answered(page.map(|markup| shown(StatusCode::OK, markup)))
}

async fn show_wallet(
    State(console): Shared,
    Path(wallet): Path<String>,
    Query(query): Parameters,
) -> Response<Body> {
    let page = wallet::show(&console, &wallet, &query).await;
    console.answered(page.map(|markup| shown(StatusCode::OK, markup)))
}

async fn follow_wallet(State(console): Shared, Path(wallet): Path<String>) -> Response<Body> {
    let stream = live::follow(&console, &wallet).await;
    console.answered(stream)
}

async fn send_form(
    State(console): Shared,
    Path((wallet, form)): Path<(String, String)>,
    sent: form::Sent,
) -> Response<Body> {
    let done = actions::run(&console, &wallet, &form, sent).await;
    console.answered(done.map(|address| see(&address)))
}

/// Somebody reloads the address of a form: there is only the page it came from.
async fn leave_form(Path((wallet, _)): Path<(String, String)>) -> Response<Body> {
    match wallet.parse() {
        Ok(id) => see(&paths::wallet(id)),
        Err(_) => see(paths::HOME),
    }
}

async fn show_checkout(
    State(console): Shared,
    Path(deposit): Path<String>,
    Query(query): Parameters,
) -> Response<Body> {
    let page = sandbox_checkout::show(&console, &deposit, &query).await;
    console.answered(page.map(|markup| shown(StatusCode::OK, markup)))
}

async fn pay(
    State(console): Shared,
    Path(deposit): Path<String>,
    Query(query): Parameters,
    sent: form::Sent,
) -> Response<Body> {
    let done = sandbox_checkout::play(&console, &deposit, &query, sent).await;
    console.answered(done.map(|address| see(&address)))
}

async fn come_back(
    State(console): Shared,
    Path(deposit): Path<String>,
    Query(query): Parameters,
) -> Response<Body> {
    let page = sandbox_checkout::returned(&console, &deposit, &query).await;
    console.answered(page.map(|markup| shown(StatusCode::OK, markup)))
}

async fn move_clock(State(console): Shared, sent: form::Sent) -> Response<Body> {
    let done = clock::advance(&console, sent).await;
    console.answered(done.map(|address| see(&address)))
}

async fn nowhere(State(console): Shared) -> Response<Body> {
    console.answered(Err(Fault::NotFound { kind: None }))
}

impl Console {
    /// A fault becomes a page that says what happened and whether money moved.
    fn answered(&self, answer: Result<Response<Body>, Fault>) -> Response<Body> {
        answer.unwrap_or_else(|fault| {
            let request_id = router::request_id(&self.web);
            let status = StatusCode::from_u16(fault.status()).unwrap_or_default();
            if status.is_server_error() {
                tracing::warn!(request_id, %fault, "a page was not answered");
            }
            shown(status, fault::page(&fault, request_id))
        })
    }

    /// Text that nobody guesses and no two pages share.
    fn mint(&self) -> String {
        format!("{:016x}", self.web.app.ports.random.next())
    }

    /// Whether the time of a platform goes by while a page is looked at.
    fn flows(&self, platform: OrgId, has_test_clock: bool) -> bool {
        !has_test_clock || self.demo.platforms.iter().any(|known| known.platform == platform)
    }
}

/// Goes on to another page, which a reload then shows again without sending anything twice.
fn see(address: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let address = HeaderValue::from_str(address).unwrap_or(HeaderValue::from_static(paths::HOME));
    response.headers_mut().insert(LOCATION, address);
    response
}

/// Refuses what another site or name sent here, and protects what is answered.
async fn guard(State(console): Shared, request: Request, next: Next) -> Response<Body> {
    let is_ours = is_local(request.headers())
        && (request.method() != Method::POST || is_same_origin(request.headers()));
    let mut response = if is_ours {
        next.run(request).await
    } else {
        shown(StatusCode::FORBIDDEN, fault::foreign(router::request_id(&console.web)))
    };
    protect(response.headers_mut());
    response
}

fn text(headers: &HeaderMap, name: axum::http::HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap_or(""))
}

/// Whether the request names this machine: a foreign name that points here is somebody's trick.
fn is_local(headers: &HeaderMap) -> bool {
    let Some(host) = text(headers, HOST) else { return true };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    matches!(name, "localhost" | "[::1]")
        || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a form comes from our own pages; programs send no origin.
fn is_same_origin(headers: &HeaderMap) -> bool {
    match (text(headers, ORIGIN), text(headers, HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin.strip_prefix("http://") == Some(host),
        (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(axum::http::HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_this_machine_is_named() {
        for (host, local) in [
            ("127.0.0.1:8080", true),
            ("127.0.0.2", true),
            ("localhost:1", true),
            ("[::1]:8080", true),
            ("evil.example:8080", false),
            ("127.0.0.1.evil.example", false),
            ("", false),
        ] {
            assert_eq!(is_local(&headers(&[(HOST, host)])), local, "{host}");
        }
    }

    #[test]
    fn cross_site_post_is_refused_on_each_form() {
        for (origin, ours) in [
            ("http://127.0.0.1:8080", true),
            ("http://127.0.0.1:9090", false),
            ("https://evil.example", false),
            ("null", false),
        ] {
            let headers = headers(&[(HOST, "127.0.0.1:8080"), (ORIGIN, origin)]);
            assert_eq!(is_same_origin(&headers), ours, "{origin}");
        }
        assert!(is_same_origin(&headers(&[(HOST, "127.0.0.1:8080")])));
    }
}
