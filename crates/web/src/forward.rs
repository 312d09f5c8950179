//! Sending a request on to the process that owns the organization's lane (rulings A1).
//!
//! Laws: what is sent on is the very same request, so the owner authenticates and authorizes it
//! again; nothing is sent on twice; an owner that cannot be reached is 503, never a second attempt
//! whose outcome nobody would know.

use std::time::Duration;

use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, Method, Request, Response, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use crate::error::Fault;
use crate::extract::KEY_HEADER;

/// Marks a request that came from another process of ours.
pub const FORWARDED: &str = "drawdown-forwarded";
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: usize = 32 << 20;
pub const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// The headers that a request and its answer are made of; all others are the connection's.
const REQUEST_HEADERS: [HeaderName; 3] =
    [AUTHORIZATION, CONTENT_TYPE, HeaderName::from_static(KEY_HEADER)];
const ANSWER_HEADERS: [HeaderName; 5] =
    [CONTENT_TYPE, CACHE_CONTROL, RETRY_AFTER, REQUEST_ID, REPLAYED];

/// Speaks to other processes of ours.
pub struct Forwarder {
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Default for Forwarder {
    fn default() -> Forwarder {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_secs(2)));
        Forwarder { client: Client::builder(TokioExecutor::new()).build(connector) }
    }
}

/// What is sent on.
pub struct Onward<'a> {
    pub address: &'a str,
    pub method: Method,
    pub uri: &'a Uri,
    pub headers: &'a HeaderMap,
    pub body: Bytes,
}

impl Forwarder {
    /// Sends a request on and answers with the owner's whole answer.
    ///
    /// Errors: `not_owner` when there was none within 10 s. The command may have been kept then;
    /// its key decides.
    pub async fn send(&self, onward: Onward<'_>) -> Result<Response<Bytes>, Fault> {
        let request = onward.request().ok_or(Fault::OwnerUnreachable)?;
        let exchange = async {
            let response = self.client.request(request).await.ok()?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.ok()?;
            let mut answer = Response::new(body.to_bytes());
            *answer.status_mut() = parts.status;
            copy(&ANSWER_HEADERS, &parts.headers, answer.headers_mut());
            Some(answer)
        };
        let answer = tokio::time::timeout(ANSWER_TIME_MAX, exchange).await.ok().flatten();
        if answer.is_none() {
            tracing::warn!(address = onward.address, "the owner of a lane did not answer");
        }
        answer.ok_or(Fault::OwnerUnreachable)
    }
}

impl Onward<'_> {
    fn request(&self) -> Option<Request<Full<Bytes>>> {
        let request = Request::builder()
            .method(self.method.clone())
            .uri(target(self.address, self.uri))
            .header(FORWARDED, "1");
        let mut request = request.body(Full::new(self.body.clone())).ok()?;
        copy(&REQUEST_HEADERS, self.headers, request.headers_mut());
        Some(request)
    }
}

fn copy(names: &[HeaderName], from: &HeaderMap, to: &mut HeaderMap) {
    for name in names {
        if let Some(value) = from.get(name) {
            to.insert(name, value.clone());
        }
    }
}

fn target(address: &str, uri: &Uri) -> String {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let scheme = if address.contains("://") { "" } else { "http://" };
    format!("{scheme}{}{path}", address.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_goes_on_to_the_same_path_and_query() {
        let uri: Uri = "/v1/holds?organization=org_1".parse().unwrap();
        let expected = "http://10.0.0.2:8080/v1/holds?organization=org_1";
        for address in ["10.0.0.2:8080", "http://10.0.0.2:8080", "http://10.0.0.2:8080/"] {
            assert_eq!(target(address, &uri), expected);
        }
    }

    #[test]
    fn only_the_headers_of_the_request_go_on() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "Bearer x".parse().unwrap());
        headers.insert(KEY_HEADER, "k".parse().unwrap());
        headers.insert("host", "outside".parse().unwrap());
        headers.insert("x-forwarded-for", "1.2.3.4".parse().unwrap());
        let uri = Uri::from_static("/v1/holds");
        let onward = Onward {
            address: "a:1",
            method: Method::POST,
            uri: &uri,
            headers: &headers,
            body: Bytes::new(),
        };
        let request = onward.request().unwrap();
        let mut names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["authorization", "drawdown-forwarded", "idempotency-key"]);
    }
}
