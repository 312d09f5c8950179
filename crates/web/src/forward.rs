//! Sending a request on to the process that owns the organization's lane (rulings A1).
//!
//! Laws: what is sent on is the very same request, so the owner authenticates and authorizes it
//! again; nothing is sent on twice; an owner that cannot be reached is 503, never a second attempt
//! whose outcome nobody would know. Only a process that knows the secret of the store can say that
//! a request was sent on: its proof covers the whole request and holds for a short time.

use std::time::Duration;

use app::App;
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use bytes::Bytes;
use domain::Timestamp;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sha2::{Digest, Sha256};
use store::keys::KeyHasher;
use subtle::ConstantTimeEq;

use crate::auth::base32;
use crate::error::Fault;
use crate::extract::{KEY_HEADER, MEMBER_HEADER};

/// Marks a request that came from another process of ours: when, and the proof of it.
pub const FORWARDED: HeaderName = HeaderName::from_static("drawdown-forwarded");
/// How long a proof holds, and how far the clocks of two processes may be apart.
const PROOF_MICROS_MAX: u64 = 30_000_000;
/// No organization has this number, so that nothing else is ever hashed alike.
const NO_ORGANIZATION: i64 = -1;
const ANSWER_TIME_MAX: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: usize = 32 << 20;
pub const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// The headers that a request and its answer are made of; all others are the connection's.
const REQUEST_HEADERS: [HeaderName; 4] = [
    AUTHORIZATION,
    CONTENT_TYPE,
    HeaderName::from_static(KEY_HEADER),
    HeaderName::from_static(MEMBER_HEADER),
];
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
    pub async fn send(&self, app: &App, onward: Onward<'_>) -> Result<Response<Bytes>, Fault> {
        let proof = onward.proof(&app.hasher, app.now());
        let request = onward.request(&proof).ok_or(Fault::OwnerUnreachable)?;
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
    /// What only a process of the same store can say at `at` about this request.
    fn proof(&self, hasher: &KeyHasher, at: Timestamp) -> String {
        let mut hash = Sha256::new();
        let mut add = |bytes: &[u8]| {
            hash.update(bytes.len().to_le_bytes());
            hash.update(bytes);
        };
        add(self.method.as_str().as_bytes());
        add(path_of(self.uri).as_bytes());
        for name in &REQUEST_HEADERS {
            add(self.headers.get(name).map_or(&[], HeaderValue::as_bytes));
        }
        add(&self.body);
        let micros = at.micros();
        let text = format!("{micros} {}", base32(&hash.finalize()));
        let parts = ["forwarded", "forwarded again"];
        let parts = parts.map(|part| hasher.hash(NO_ORGANIZATION, part, &text).bits());
        format!("{micros}.{:016x}{:016x}", parts[0], parts[1])
    }

    /// Whether `value` is a proof of this request that still holds at `now`.
    pub fn is_proven(&self, value: &HeaderValue, hasher: &KeyHasher, now: Timestamp) -> bool {
        let text = value.to_str().unwrap_or("");
        let at = text.split('.').next().and_then(|at| at.parse::<i64>().ok());
        let Some(at) = at else { return false };
        let is_fresh = at.abs_diff(now.micros()) <= PROOF_MICROS_MAX;
        let expected = self.proof(hasher, Timestamp::from_micros(at));
        is_fresh && bool::from(expected.as_bytes().ct_eq(text.as_bytes()))
    }

    fn request(&self, proof: &str) -> Option<Request<Full<Bytes>>> {
        let request = Request::builder()
            .method(self.method.clone())
            .uri(target(self.address, self.uri))
            .header(FORWARDED, proof);
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

fn path_of(uri: &Uri) -> &str {
    uri.path_and_query().map_or("/", |path| path.as_str())
}

fn target(address: &str, uri: &Uri) -> String {
    let path = path_of(uri);
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
        let request = onward.request("1").unwrap();
        let mut names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["authorization", "drawdown-forwarded", "idempotency-key"]);
    }

    #[test]
    fn only_a_process_of_the_same_store_proves_what_it_sends_on() {
        let (ours, other) = (KeyHasher::new([5; 16]), KeyHasher::new([6; 16]));
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "Bearer x".parse().unwrap());
        let uri = Uri::from_static("/v1/holds?a=1");
        let at = Timestamp::from_seconds(1_000);
        let onward = |body: &'static str, uri| Onward {
            address: "a:1",
            method: Method::POST,
            uri,
            headers: &headers,
            body: Bytes::from_static(body.as_bytes()),
        };
        let sent = onward("{}", &uri);
        let proof = |hasher| HeaderValue::from_str(&sent.proof(hasher, at)).unwrap();
        let holds = |seconds| sent.is_proven(&proof(&ours), &ours, at.plus_seconds(seconds));
        assert!(holds(0) && holds(30) && holds(-30));
        assert!(!holds(31) && !holds(-31), "a proof holds for a short time");
        assert!(!sent.is_proven(&proof(&other), &ours, at), "another store");
        let elsewhere = Uri::from_static("/v1/holds?a=2");
        assert!(!onward("{}", &elsewhere).is_proven(&proof(&ours), &ours, at), "another address");
        assert!(!onward("[]", &uri).is_proven(&proof(&ours), &ours, at), "another body");
        for forged in ["1", "", ".", "1000000000.", "99999999999999999999.0"] {
            let forged = HeaderValue::from_str(forged).unwrap();
            assert!(!sent.is_proven(&forged, &ours, at), "{forged:?}");
        }
    }
}
