//! Pages that anyone may see, on every server: the reference of the API, and what pages are made
//! of.
//!
//! *Invariant:* nothing here is about anybody's money, and every page is protected as the others
//! are: no inline style or script, nothing from elsewhere.

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use axum::middleware::{self, Next};
use axum::routing::get;
use maud::Markup;

use crate::openapi;
use crate::pages::assets::Asset;
use crate::pages::paths;
use crate::pages::reference::{self, Shown};

/// As in `pages/mod.rs`: no inline style or script, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";
/// Kept for ever: the address that pages use carries the fingerprint of the content.
const KEPT: &str = "public, max-age=31536000, immutable";

/// The routes of these pages.
pub fn routes() -> Router {
    Router::new()
        .route(paths::DOCS, get(overview))
        .route("/docs/{noun}", get(of_noun))
        .route("/assets/{name}", get(asset))
        .layer(middleware::from_fn(guard))
}

async fn overview() -> Response<Body> {
    shown(StatusCode::OK, reference::page(&openapi::DOCUMENT, Shown::All))
}

async fn of_noun(Path(noun): Path<String>) -> Response<Body> {
    let page = Shown::of(&openapi::DOCUMENT, &noun);
    let status = match page {
        Shown::Nothing => StatusCode::NOT_FOUND,
        Shown::All | Shown::Noun(_) => StatusCode::OK,
    };
    shown(status, reference::page(&openapi::DOCUMENT, page))
}

async fn asset(Path(name): Path<String>) -> Response<Body> {
    let Some(asset) = Asset::find(&name) else {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_FOUND;
        return response;
    };
    let mut response = Response::new(Body::from(asset.body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(KEPT));
    response
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
