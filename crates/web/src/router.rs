//! How a request passes through a row of the table in `routes.rs`.
//!
//! *Invariant:* every request of the API goes through [`answer`]: it gets a request id, is
//! authenticated and held against the role of its row before its body is read, and its answer is
//! counted. Nothing is served that has no row here.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use app::AppError;
use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::http::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use axum::routing::{MethodFilter, MethodRouter, any, on};
use domain::workset::Role::{Platform, Read};
use domain::{Id, Kind, OrgId};
use serde_json::Value;

use crate::auth::{Caller, bearer};
use crate::error::{Fault, RETRY_AFTER_SECONDS};
use crate::extract::{Call, KEY_HEADER, Reply, Sent, read_body};
use crate::forward::{FORWARDED, Onward, REPLAYED, REQUEST_ID};
use crate::rate::Left;
use crate::route::{BodySize, JSON, KeyPolicy, Route};
use crate::routes::ROUTES;
use crate::wire::with_member;
use crate::{Web, add_credits_url, table};

/// The version of the API, a date: what changes its meaning gets a new one.
pub const VERSION: &str = "2026-11-25";
/// The header by which a client says which one it was written for, and is told which one answers.
pub const VERSION_HEADER: &str = "drawdown-version";

const PROBLEM: &str = "application/problem+json";
const TEXT: &str = "text/plain; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The API as an axum router, over what the pages may share with it.
pub fn routes(web: Arc<Web>) -> Router {
    let mut paths: Vec<(&'static str, MethodRouter)> = Vec::new();
    for (place, route) in ROUTES.iter().enumerate() {
        let filter = match route.method {
            Method::GET => MethodFilter::GET,
            _ => MethodFilter::POST,
        };
        let shared = Arc::clone(&web);
        let handler = move |request: Request| answer(Arc::clone(&shared), place, route, request);
        match paths.iter_mut().find(|(path, _)| *path == route.path) {
            Some((_, methods)) => *methods = std::mem::take(methods).on(filter, handler),
            None => paths.push((route.path, on(filter, handler))),
        }
    }
    let mut router = Router::new();
    for (path, methods) in paths {
        let shared = Arc::clone(&web);
        router =
            router.route(path, methods.fallback(move || refuse(shared, Fault::MethodNotAllowed)));
    }
    let nowhere = nowhere(web);
    router
        .route("/v1", nowhere.clone())
        .route("/v1/", nowhere.clone())
        .route("/v1/{*rest}", nowhere)
}

/// Answers that there is nothing at an address.
pub fn nowhere(web: Arc<Web>) -> MethodRouter {
    any(move || refuse(Arc::clone(&web), Fault::NotFound { kind: None }))
}

async fn refuse(web: Arc<Web>, fault: Fault) -> Response<Body> {
    respond(&web, JSON, Reply::problem(&fault), &request_id(&web))
}

pub(crate) fn request_id(web: &Web) -> String {
    let random = &web.app.ports.random;
    let half = || i64::try_from(random.next() >> 1).unwrap_or(0);
    Id::new(Kind::Request, OrgId::from_stored(half()), half()).to_string()
}

/// What became of a request, and of the limit of its key.
struct Answered {
    left: Option<Left>,
    passed: Result<Passed, Fault>,
}

/// How a request ended: with an answer of ours, or with the one of the owner it was sent on to.
enum Passed {
    Here(Reply),
    Elsewhere(Response<Body>),
}

/// Answers one request of a route.
async fn answer(
    web: Arc<Web>,
    place: usize,
    route: &'static Route,
    request: Request,
) -> Response<Body> {
    let request_id = request_id(&web);
    let (parts, body) = request.into_parts();
    let passed = Box::pin(pass(Arc::clone(&web), route, parts, body));
    let answered = caught(passed).await.unwrap_or_else(|| {
        tracing::error!(request_id, operation = route.operation, "a handler panicked");
        Answered { left: None, passed: Err(Fault::Internal) }
    });
    let mut response = match answered.passed {
        Ok(Passed::Elsewhere(response)) => response,
        Ok(Passed::Here(reply)) => respond(&web, media_of(route), reply, &request_id),
        Err(fault) => respond(&web, media_of(route), Reply::problem(&fault), &request_id),
    };
    if route.role.is_some() {
        response.headers_mut().insert(VERSION_HEADER, HeaderValue::from_static(VERSION));
    }
    if let Some(left) = answered.left {
        tell_left(response.headers_mut(), left);
    }
    let status = response.status();
    web.metrics.count(place, status.as_u16());
    if status.is_server_error() {
        let status = status.as_u16();
        tracing::warn!(request_id, operation = route.operation, status, "not answered");
    }
    response
}

/// Nothing when the future panicked, so that a broken law ends one request and not the connection.
async fn caught<T>(mut future: Pin<Box<dyn Future<Output = T> + Send>>) -> Option<T> {
    std::future::poll_fn(move |context| {
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Ready(value)) => Poll::Ready(Some(value)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(_) => Poll::Ready(None),
        }
    })
    .await
}

/// Says what is left of the limit of a key.
fn tell_left(headers: &mut HeaderMap, left: Left) {
    headers.insert("ratelimit-limit", HeaderValue::from(left.burst));
    headers.insert("ratelimit-remaining", HeaderValue::from(left.remaining));
    headers.insert("ratelimit-reset", HeaderValue::from(left.reset_seconds));
    if left.retry_seconds > 0 {
        headers.insert(RETRY_AFTER, HeaderValue::from(left.retry_seconds));
    }
}

/// The way of one request: who asks, whether that is too much, and all that follows.
async fn pass(web: Arc<Web>, route: &'static Route, parts: Parts, body: Body) -> Answered {
    let caller = match authenticated(&web, route, &parts).await {
        Ok(caller) => caller,
        Err(fault) => return Answered { left: None, passed: Err(fault) },
    };
    match web.rates.take(&web.config.rates, caller, web.app.now()) {
        Ok(left) => Answered { left, passed: pass_on(web, route, caller, parts, body).await },
        Err(left) => {
            let fault = Fault::RateLimited { retry_seconds: left.retry_seconds };
            Answered { left: Some(left), passed: Err(fault) }
        }
    }
}

/// Whether the caller may, what they sent, what comes of it.
async fn pass_on(
    web: Arc<Web>,
    route: &'static Route,
    caller: Caller,
    mut parts: Parts,
    body: Body,
) -> Result<Passed, Fault> {
    if let Some(needed) = route.role.filter(|&needed| caller.role < needed) {
        return Err(Fault::Forbidden { needed });
    }
    expect_version(&parts)?;
    let path_text = match route.path.contains('{') {
        true => path_text(&mut parts).await?,
        false => String::new(),
    };
    if parts.method == Method::POST {
        expect_media(route, &parts)?;
    }
    let bytes_max = match route.body {
        BodySize::Ordinary => web.config.body_bytes_max,
        BodySize::Usage => web.config.usage_body_bytes_max,
    };
    let seconds_max = web.config.body_seconds_max;
    let _room = web.body_room.take(announced_bytes(&parts, bytes_max), seconds_max).await?;
    let body = read_body(body, bytes_max, seconds_max).await?;
    let mut sent = Sent { uri: parts.uri, headers: parts.headers, body };
    if route.method == Method::GET && route.role >= Some(Platform) {
        sent.refuse_members("this is the platform's: no member of a customer reads it")?;
    }
    let table = if route.is_list { table::asked(&mut sent)? } else { None };
    let sent = Arc::new(sent);
    let is_forwarded = is_forwarded(&web, route, &sent)?;
    if route.key == KeyPolicy::Required && !sent.headers.contains_key(KEY_HEADER) {
        return Err(Fault::KeyRequired);
    }
    let call = Call {
        web: Arc::clone(&web),
        route,
        caller,
        sent: Arc::clone(&sent),
        path_text,
        is_forwarded,
    };
    let answered = match table {
        Some(asked) => table::whole(call, asked).await,
        None => (route.handler)(call).await,
    };
    match answered {
        Ok(reply) => Ok(Passed::Here(reply)),
        Err(Fault::App(AppError::NotOwner { address })) if !address.is_empty() && !is_forwarded => {
            web.metrics.count_forwarded();
            let onward = sent.onward(route, &address);
            Ok(Passed::Elsewhere(web.forwarder.send(&web.app, onward).await?.map(Body::from)))
        }
        Err(fault) => Err(fault),
    }
}

/// Whether another process of ours sent the request here.
///
/// Errors: `unauthenticated` when it only says so.
fn is_forwarded(web: &Web, route: &Route, sent: &Sent) -> Result<bool, Fault> {
    let Some(proof) = sent.headers.get(FORWARDED) else { return Ok(false) };
    let is_proven = sent.onward(route, "").is_proven(proof, &web.app.hasher, web.app.now());
    if is_proven { Ok(true) } else { Err(Fault::Unauthenticated) }
}

impl Sent {
    fn onward<'a>(&'a self, route: &Route, address: &'a str) -> Onward<'a> {
        let (method, body) = (route.method.clone(), self.body.clone());
        Onward { address, method, uri: &self.uri, headers: &self.headers, body }
    }
}

/// Who asks; of what is open to anyone, nobody in particular.
///
/// Errors: `unauthenticated`.
async fn authenticated(web: &Web, route: &Route, parts: &Parts) -> Result<Caller, Fault> {
    if route.role.is_none() {
        return Ok(Caller { role: Read, home: None, key: None });
    }
    caller_of(web, &parts.headers).await
}

/// Whose key a request has.
///
/// Errors: `unauthenticated`.
pub(crate) async fn caller_of(web: &Web, headers: &HeaderMap) -> Result<Caller, Fault> {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let operator = web.config.operator_key_hash.as_ref();
    web.directory.caller(&web.app, operator, header.and_then(bearer)).await
}

/// Refuses a version of the API that is not this one, or none of ours.
///
/// Errors: `parameter_invalid`.
fn expect_version(parts: &Parts) -> Result<(), Fault> {
    match parts.headers.get(VERSION_HEADER) {
        Some(version) if version.as_bytes() != VERSION.as_bytes() => {
            Err(Fault::param("Drawdown-Version", format!("this server speaks {VERSION}")))
        }
        _ => Ok(()),
    }
}

/// How large a body says it is; one that does not say may be as large as the route takes.
fn announced_bytes(parts: &Parts, bytes_max: usize) -> usize {
    let announced = match (parts.headers.get(CONTENT_LENGTH), &parts.method) {
        (Some(length), _) => length.to_str().ok().and_then(|length| length.parse().ok()),
        (None, &Method::GET) => Some(0),
        (None, _) => None,
    };
    announced.map_or(bytes_max, |bytes: usize| bytes.min(bytes_max))
}

/// Refuses a body that says it is something else than the route takes.
fn expect_media(route: &Route, parts: &Parts) -> Result<(), Fault> {
    let Some(value) = parts.headers.get(CONTENT_TYPE) else { return Ok(()) };
    let media = value.to_str().unwrap_or("").split(';').next().unwrap_or("").trim();
    let is_taken = route.media.iter().any(|taken| media.eq_ignore_ascii_case(taken));
    let is_empty = parts.headers.get(CONTENT_LENGTH).is_some_and(|length| length == "0");
    if is_taken || is_empty {
        return Ok(());
    }
    Err(Fault::UnsupportedMediaType { expected: "content-type: application/json" })
}

/// What stands in the place of the braces.
async fn path_text(parts: &mut Parts) -> Result<String, Fault> {
    let params = RawPathParams::from_request_parts(parts, &()).await;
    let params = params.map_err(|_| Fault::NotFound { kind: None })?;
    Ok(params.iter().next().map(|(_, value)| value.to_owned()).unwrap_or_default())
}

fn media_of(route: &Route) -> &'static str {
    match route.path {
        "/metrics" => PROMETHEUS,
        "/livez" | "/readyz" => TEXT,
        _ => JSON,
    }
}

/// Makes the answer of a reply: the one place where bodies get their request id and their links.
fn respond(web: &Web, media: &'static str, reply: Reply, request_id: &str) -> Response<Body> {
    let is_success = reply.is_success();
    let mut body = reply.body;
    if !is_success {
        body = with_member(body, "request_id", &Value::from(request_id));
    }
    if let (402, Some(org)) = (reply.status, reply.org) {
        let url = Value::from(add_credits_url(&web.config, org));
        body = with_member(body, "add_credits_url", &url);
    }
    let mut response = Response::new(reply.stream.unwrap_or_else(|| Body::from(body)));
    let status = StatusCode::from_u16(reply.status);
    *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    let media = if is_success { reply.media.unwrap_or(media) } else { PROBLEM };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert(REQUEST_ID, value);
    }
    if let Some(value) = reply.next.and_then(|next| HeaderValue::from_str(&next).ok()) {
        headers.insert("next-cursor", value);
    }
    if reply.is_replayed {
        web.metrics.count_replayed();
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    match reply.status {
        401 => drop(headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))),
        503 => drop(headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS))),
        _ => {}
    }
    response
}
