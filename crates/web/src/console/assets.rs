//! `/assets/{name}`: the stylesheet, the script and the mark.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, Response};
use domain::Kind;

use super::Shared;
use crate::error::Fault;
use crate::pages::assets::Asset;

/// Kept for ever: the address that pages use carries the fingerprint of the content.
const KEPT: &str = "public, max-age=31536000, immutable";

pub async fn show(State(console): Shared, Path(name): Path<String>) -> Response<Body> {
    let Some(asset) = Asset::find(&name) else {
        return console.answered(Err(Fault::NotFound { kind: None::<Kind> }));
    };
    let mut response = Response::new(Body::from(asset.body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(KEPT));
    response
}
