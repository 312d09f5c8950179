//! Pages that anyone may see, on every server: the reference of the API, and what pages are made
//! of.
//!
//! *Invariant:* nothing here is about anybody's money, and every page is protected as the others
//! are: no inline style or script, nothing from elsewhere.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::middleware::{self, Next};
use axum::routing::get;
use maud::Markup;

use crate::console::fault;
use crate::error::Fault;
use crate::pages::assets::Asset;
use crate::pages::{paths, reference};
use crate::{Web, openapi, router};

/// As in `pages/mod.rs`: no inline style or script, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";
/// Kept for ever: the address that pages use carries the fingerprint of the content.
const KEPT: &str = "public, max-age=31536000, immutable";

/// The routes of these pages.
pub fn routes(web: Arc<Web>) -> Router {
    Router::new()
        .route(paths::DOCS, get(overview))
        .route("/docs/{noun}", get(of_noun))
        .route("/assets/{name}", get(asset))
        .layer(middleware::from_fn(guard))
        .with_state(web)
}

async fn overview(State(web): State<Arc<Web>>) -> Response<Body> {
    shown_or_nowhere(&web, reference::page(&openapi::DOCUMENT, None))
}

async fn of_noun(State(web): State<Arc<Web>>, Path(noun): Path<String>) -> Response<Body> {
    shown_or_nowhere(&web, reference::page(&openapi::DOCUMENT, Some(&noun)))
}

async fn asset(State(web): State<Arc<Web>>, Path(name): Path<String>) -> Response<Body> {
    let Some(asset) = Asset::find(&name) else { return shown_or_nowhere(&web, None) };
    let mut response = Response::new(Body::from(asset.body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(KEPT));
    response
}

fn shown_or_nowhere(web: &Web, page: Option<Markup>) -> Response<Body> {
    let missing = || fault::page(&Fault::NotFound { kind: None }, router::request_id(web));
    match page {
        Some(page) => shown(StatusCode::OK, page),
        None => shown(StatusCode::NOT_FOUND, missing()),
    }
}

/// A page as an answer.
pub(crate) fn shown(status: StatusCode, markup: Markup) -> Response<Body> {
    let mut response = Response::new(Body::from(markup.into_string()));
    *response.status_mut() = status;
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, html);
    response
}

async fn guard(request: Request, next: Next) -> Response<Body> {
    let mut response = next.run(request).await;
    protect(response.headers_mut());
    response
}

/// What every page tells the browser to refuse.
pub(crate) fn protect(headers: &mut HeaderMap) {
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // The address of a payment page is a secret; other sites must not hear it.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
