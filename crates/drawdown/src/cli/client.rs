//! Asking a running server over its API: where it is, with which key, and how its errors are told.
//!
//! *Invariant:* the key comes by the environment only and is printed nowhere; a redirect is not
//! followed, because it would carry the key elsewhere; nothing waits without a time-out.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use domain::wallet::Wallet;
use domain::{Id, Kind};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Builder;
use hyper::{HeaderMap, Method, Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{self, Error as HttpError};
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

use super::Failure;

const KEY_VARIABLE: &str = "DRAWDOWN_KEY";
const CONNECT_TIME_MAX: Duration = Duration::from_secs(5);
/// A table of ten thousand rows takes the longest.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);
const ANSWER_BYTES_MAX: usize = 256 << 20;
/// A stream gives a sign of life every 15 seconds.
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// Names a file of certificates in the place of the system's.
const CERTIFICATES_VARIABLE: &str = "SSL_CERT_FILE";
/// Where systems keep those of the authorities that they trust.
const CERTIFICATES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Which server is asked.
#[derive(Debug, clap::Args)]
pub struct Address {
    /// Where the server is; its key is read from DRAWDOWN_KEY.
    #[arg(
        long,
        env = "DRAWDOWN_URL",
        default_value = "http://127.0.0.1:8080",
        value_name = "URL",
        hide_env_values = true
    )]
    url: String,
}

/// How a command that changes something is asked and told.
#[derive(Debug, clap::Args)]
pub struct Common {
    /// Print the API's answer.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub repeatable: Repeatable,
    #[command(flatten)]
    pub address: Address,
}

/// A command that may be repeated safely.
#[derive(Debug, clap::Args)]
pub struct Repeatable {
    /// Sends this Idempotency-Key: the same key with the same command is done once.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

impl Repeatable {
    /// The key that was given, or one of its own.
    pub fn key(self) -> String {
        let random = || crate::wire::ports().random.next();
        self.idempotency_key.unwrap_or_else(|| format!("cli-{:016x}{:016x}", random(), random()))
    }
}

/// A server and the key it is asked with.
pub struct Client {
    http: legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
    key: String,
}

/// An answer with success.
pub struct Answer {
    pub text: String,
    /// Whether it is the stored answer of an earlier request with the same key.
    pub is_repeated: bool,
    /// Where a table goes on that did not fit.
    pub next_cursor: Option<String>,
}

/// An answer that goes on.
pub struct Stream {
    body: Incoming,
    base: String,
}

/// Why there is no answer with success.
#[derive(Debug)]
pub enum Unanswered {
    /// Nothing was sent.
    Unreachable(String),
    /// It was sent, and the answer did not come or was cut off.
    Lost(String),
    /// The server said no.
    Refused(String),
}

impl From<Unanswered> for Failure {
    fn from(unanswered: Unanswered) -> Failure {
        let (Unanswered::Unreachable(said) | Unanswered::Lost(said) | Unanswered::Refused(said)) =
            unanswered;
        Failure::Said(said)
    }
}

impl Answer {
    /// Reads the answer as JSON.
    pub fn json(&self) -> Result<Value, Failure> {
        serde_json::from_str(&self.text)
            .map_err(|_| Failure::from("the server's answer is not JSON".to_owned()))
    }
}

impl Client {
    /// Looks at the address and the key; nothing is sent yet.
    ///
    /// Errors, in order: an address that is none, no key.
    pub fn new(address: &Address) -> Result<Client, String> {
        let base = base(&address.url)?;
        let key = std::env::var(KEY_VARIABLE).unwrap_or_default().trim().to_owned();
        if key.is_empty() {
            return Err(format!("{KEY_VARIABLE} is not set: it takes an API key"));
        }
        if !key.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(format!("{KEY_VARIABLE} holds what no key holds"));
        }
        let http = legacy::Client::builder(TokioExecutor::new()).build(connector(&base)?);
        Ok(Client { http, base, key })
    }

    /// The address that is asked, without a slash at the end.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The wallet of `organization`, or of the organization that the key belongs to.
    pub fn wallet(&self, organization: Option<&str>) -> Result<Id, String> {
        let id = match organization {
            Some(text) => text.parse::<Id>().ok().filter(|id| id.kind == Kind::Organization),
            None => self.key.get(3..33).and_then(|id| id.parse().ok()),
        };
        let id = id.ok_or_else(|| match organization {
            Some(text) => format!("`{text}` is no id of an organization"),
            None => "say which organization: this key belongs to none".to_owned(),
        })?;
        Ok(Id::new(Kind::Wallet, id.org, Wallet::NUMBER))
    }

    /// Whether the key is one that the server keeps, and not the operator's.
    pub fn is_stored_key(&self) -> bool {
        self.key.get(3..33).is_some_and(|id| id.parse::<Id>().is_ok())
    }

    /// Reads something.
    pub async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Answer, Unanswered> {
        let request = self.request(Method::GET, &format!("{path}{}", query_text(query)));
        self.answer(request, None).await
    }

    /// Does something that is safe to repeat by itself.
    pub async fn act(&self, path: &str, body: &Value) -> Result<Answer, Unanswered> {
        self.answer(self.request(Method::POST, path), Some(body)).await
    }

    /// Does something once for `idempotency_key`, which an unknown outcome names.
    pub async fn post(
        &self,
        path: &str,
        body: &Value,
        idempotency_key: &str,
    ) -> Result<Answer, Unanswered> {
        let request = self.request(Method::POST, path).header("idempotency-key", idempotency_key);
        self.answer(request, Some(body)).await.map_err(|error| match error {
            Unanswered::Lost(said) => Unanswered::Lost(format!(
                "{said}; whether it was done is unknown: repeat it with --idempotency-key \
                 {idempotency_key}"
            )),
            other => other,
        })
    }

    /// Begins an answer that goes on.
    pub async fn stream(
        &self,
        path: &str,
        query: &[(&str, &str)],
        last_event: Option<&str>,
    ) -> Result<Stream, Unanswered> {
        let mut request = self.request(Method::GET, &format!("{path}{}", query_text(query)));
        request = request.header("accept", "text/event-stream");
        if let Some(id) = last_event {
            request = request.header("last-event-id", id);
        }
        let response = in_time(&self.base, ANSWER_TIME_MAX, self.send(request, None)).await?;
        Ok(Stream { body: response.into_body(), base: self.base.clone() })
    }

    fn request(&self, method: Method, path: &str) -> Builder {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("authorization", format!("Bearer {}", self.key))
            .header("user-agent", concat!("drawdown/", env!("CARGO_PKG_VERSION")))
    }

    async fn answer(&self, request: Builder, body: Option<&Value>) -> Result<Answer, Unanswered> {
        let answered = async {
            let response = self.send(request, body).await?;
            let header = |name| header(response.headers(), name).map(str::to_owned);
            let is_repeated = header("idempotent-replayed").is_some_and(|value| value == "true");
            let next_cursor = header("next-cursor");
            let text = self.text(response).await?;
            Ok(Answer { text, is_repeated, next_cursor })
        };
        in_time(&self.base, ANSWER_TIME_MAX, answered).await
    }

    /// Sends a request, and takes an answer with success only.
    async fn send(
        &self,
        request: Builder,
        body: Option<&Value>,
    ) -> Result<Response<Incoming>, Unanswered> {
        let request = match body {
            Some(body) => request
                .header("content-type", "application/json")
                .body(Full::new(Bytes::from(body.to_string()))),
            None => request.body(Full::default()),
        };
        let unsent =
            |why: &str| Unanswered::Unreachable(format!("cannot reach {}: {why}", self.base));
        let request = request.map_err(|error| unsent(&error.to_string()))?;
        let response = self.http.request(request).await.map_err(|error: HttpError| {
            if error.is_connect() { unsent(&reason(&error)) } else { lost(&self.base, &error) }
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let location = header(response.headers(), "location")
            .map(|location| format!(" (a redirect to {location})"))
            .unwrap_or_default();
        let text = self.text(response).await?;
        Err(Unanswered::Refused(problem(&text).unwrap_or_else(|| {
            format!("{} answered {status}{location}, and is no server of drawdown", self.base)
        })))
    }

    async fn text(&self, response: Response<Incoming>) -> Result<String, Unanswered> {
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
        let bytes = body.map_err(|error| lost(&self.base, error.as_ref()))?.to_bytes();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Stream {
    /// What comes next; nothing when the server ended it.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Unanswered> {
        loop {
            let frame = async { Ok(self.body.frame().await) };
            match in_time(&self.base, SILENCE_MAX, frame).await? {
                None => return Ok(None),
                Some(Err(error)) => return Err(lost(&self.base, &error)),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }
}

async fn in_time<T>(
    base: &str,
    time_max: Duration,
    asked: impl Future<Output = Result<T, Unanswered>>,
) -> Result<T, Unanswered> {
    let late = || Unanswered::Lost(format!("no answer of {base} in {} s", time_max.as_secs()));
    tokio::time::timeout(time_max, asked).await.unwrap_or_else(|_| Err(late()))
}

fn lost(base: &str, error: &(dyn Error + 'static)) -> Unanswered {
    Unanswered::Lost(format!("no answer of {base}: {}", reason(error)))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// What follows the path of an address.
fn query_text(query: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in query {
        text.push(if text.is_empty() { '?' } else { '&' });
        text += name;
        text.push('=');
        for byte in value.bytes() {
            match byte {
                b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                    text.push(char::from(byte));
                }
                other => text += &format!("%{other:02X}"),
            }
        }
    }
    text
}

/// The address without a slash at the end.
fn base(url: &str) -> Result<String, String> {
    let parsed: Uri = url.parse().map_err(|error| format!("`{url}` is no address: {error}"))?;
    let host = match (parsed.scheme_str(), parsed.authority()) {
        (Some("http" | "https"), Some(host)) => host.as_str(),
        _ => return Err(format!("`{url}` is no address: it begins with http:// or https://")),
    };
    if host.contains('@') {
        return Err(format!("an address holds no key: set {KEY_VARIABLE} instead"));
    }
    if parsed.query().is_some() || url.contains('#') {
        return Err(format!("`{url}` goes on after its path"));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

/// Makes connections. Certificates are read only where there is something to be checked by them: a
/// machine may have none.
fn connector(base: &str) -> Result<HttpsConnector<HttpConnector>, String> {
    let roots = match base.starts_with("https:") {
        true => certificates()?,
        false => RootCertStore::empty(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let tls = tls.map_err(|error| error.to_string())?;
    let tls = tls.with_root_certificates(roots).with_no_client_auth();
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_connect_timeout(Some(CONNECT_TIME_MAX));
    let connector = HttpsConnectorBuilder::new().with_tls_config(tls);
    Ok(connector.https_or_http().enable_http1().wrap_connector(http))
}

/// The certificates of the authorities that this system trusts.
fn certificates() -> Result<RootCertStore, String> {
    let named = std::env::var_os(CERTIFICATES_VARIABLE).map(PathBuf::from);
    let paths = match named {
        Some(path) => vec![path],
        None => CERTIFICATES.map(PathBuf::from).to_vec(),
    };
    let mut roots = RootCertStore::empty();
    for path in paths {
        // What cannot be read is as if it was not there; that none was found is said below.
        let found = CertificateDer::pem_file_iter(&path).into_iter().flatten().flatten();
        roots.add_parsable_certificates(found);
        if !roots.is_empty() {
            return Ok(roots);
        }
    }
    Err(format!("no certificates of authorities are found: name a file in {CERTIFICATES_VARIABLE}"))
}

/// The innermost cause, which says what happened; the outer ones say that something did.
fn reason(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// What a problem document says, in one line.
fn problem(text: &str) -> Option<String> {
    let body: Value = serde_json::from_str(text).ok()?;
    let (message, code) = (body["message"].as_str()?, body["code"].as_str()?);
    let param = body["param"].as_str().map(|param| format!("{param}: ")).unwrap_or_default();
    let request = body["request_id"].as_str().unwrap_or("unknown");
    Some(format!("{param}{message} ({code}, request {request})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_http_without_a_key_in_it() {
        assert_eq!(base("http://127.0.0.1:8080/"), Ok("http://127.0.0.1:8080".to_owned()));
        assert_eq!(base("https://x.example/dd/"), Ok("https://x.example/dd".to_owned()));
        for (url, words) in [
            ("127.0.0.1:8080", "no address"),
            ("ftp://x", "http://"),
            ("http://key@x", "DRAWDOWN_KEY"),
            ("http://x/?a=b", "goes on"),
        ] {
            let error = base(url).unwrap_err();
            assert!(error.contains(words), "{url}: {error}");
        }
    }

    #[test]
    fn a_problem_is_one_line_and_anything_else_is_none() {
        let text = r#"{"message":"no","code":"not_found","param":null,"request_id":"req_1"}"#;
        assert_eq!(problem(text).unwrap(), "no (not_found, request req_1)");
        let text = r#"{"message":"bad","code":"malformed","param":"to","request_id":"req_1"}"#;
        assert_eq!(problem(text).unwrap(), "to: bad (malformed, request req_1)");
        assert_eq!(problem("<html>"), None);
        assert_eq!(problem("{}"), None);
    }

    #[test]
    fn values_of_a_query_are_escaped() {
        assert_eq!(query_text(&[]), "");
        assert_eq!(query_text(&[("a", "x y&z=ø"), ("b", "1")]), "?a=x%20y%26z%3D%C3%B8&b=1");
    }

    #[test]
    fn cryptography_is_there_for_every_address() {
        connector("http://x").unwrap();
        // Where the system has no certificates, it says so.
        if let Err(error) = connector("https://x") {
            assert!(error.contains(CERTIFICATES_VARIABLE), "{error}");
        }
    }
}
