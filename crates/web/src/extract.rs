//! A call: one authenticated request and everything a handler may take from it.
//!
//! *Invariant:* whatever the client sent is untrusted text with a size limit and a deadline; what a
//! handler gets from here is parsed, bounded, and of an organization that the caller may see.

use std::sync::Arc;
use std::time::Duration;

use app::door::Render;
use app::operation::AsMember;
use app::{Answer, AppError, Command, IdempotencyKey, Operation, Outcome};
use axum::body::Body;
use axum::extract::Query;
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, Method, Uri};
use bytes::Bytes;
use domain::history::Reader;
use domain::member::Permission;
use domain::workset::Role;
use domain::{Id, Kind, OrgId, Refusal};
use http_body_util::{BodyExt, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use store::Snapshot;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::Web;
use crate::auth::{Caller, Home};
use crate::error::Fault;
use crate::route::{CSV, KeyPolicy, Route};
use crate::stream::EVENT_STREAM;
use crate::wire::{IdText, id_of};

/// The header under which a client repeats a command safely.
pub const KEY_HEADER: &str = "idempotency-key";
/// The header by which a key says which member asks (requirements N19).
pub const MEMBER_HEADER: &str = "drawdown-member";
const KEY_LENGTH_MAX: usize = 255;

/// One authenticated request.
#[derive(Clone)]
pub struct Call {
    pub web: Arc<Web>,
    pub route: &'static Route,
    pub caller: Caller,
    /// Shared with what sends it on when another process turns out to decide about it.
    pub sent: Arc<Sent>,
    /// What stands in the place of the braces of the path.
    pub path_text: String,
    /// True when another process of ours sent it here, so that it is not sent on again.
    pub is_forwarded: bool,
}

/// What the client sent, as it was.
pub struct Sent {
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// What a handler answers. Error documents of decided refusals are answers too.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub body: String,
    pub is_replayed: bool,
    /// What the body is, where it is not what its route answers with.
    pub media: Option<&'static str>,
    /// The organization it is about, for the links of a refusal.
    pub org: Option<OrgId>,
    /// Where a table goes on that was cut.
    pub next: Option<String>,
    /// What is sent instead of the body, as long as it goes on.
    pub stream: Option<Body>,
}

impl Reply {
    pub fn new(status: u16, body: String) -> Reply {
        Reply { status, body, is_replayed: false, media: None, org: None, next: None, stream: None }
    }

    /// A value as JSON.
    pub fn json(status: u16, value: &impl Serialize) -> Result<Reply, Fault> {
        let body = serde_json::to_string(value).map_err(|_| Fault::Internal)?;
        Ok(Reply::new(status, body))
    }

    /// A table.
    pub fn csv(body: String) -> Reply {
        Reply { media: Some(CSV), ..Reply::new(200, body) }
    }

    /// An answer that goes on.
    pub fn stream(body: Body) -> Reply {
        let media = Some(EVENT_STREAM);
        Reply { media, stream: Some(body), ..Reply::new(200, String::new()) }
    }

    /// The problem document of a fault.
    pub fn problem(fault: &Fault) -> Reply {
        let body = fault.to_body().to_string();
        Reply::new(fault.status(), body)
    }

    pub fn is_success(&self) -> bool {
        self.status < 400
    }
}

impl Sent {
    /// Refuses a request in the name of a member where there are none, and says why.
    ///
    /// Errors: `parameter_invalid`.
    pub fn refuse_members(&self, why: &str) -> Result<(), Fault> {
        let is_named = self.headers.contains_key(MEMBER_HEADER);
        if is_named { Err(Fault::param("Drawdown-Member", why)) } else { Ok(()) }
    }
}

impl Call {
    /// The body as JSON; an empty one is `{}`.
    ///
    /// Errors: `malformed`, naming the field where one is unknown, missing or doubled.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let body = &self.sent.body;
        let body = if body.is_empty() { b"{}" } else { body.as_ref() };
        parse(body)
    }

    /// The query of the address.
    pub fn query<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        let query = Query::<T>::try_from_uri(&self.sent.uri);
        query.map(|Query(query)| query).map_err(|error| {
            let message = plain(
                &std::error::Error::source(&error)
                    .map_or_else(|| error.to_string(), ToString::to_string),
            );
            Fault::Malformed { param: named(&message), message }
        })
    }

    /// Whether the answer is wanted as a table: `format` of the query, or else `Accept`.
    ///
    /// Errors: `parameter_invalid`.
    pub fn wants_csv(&self, format: Option<&str>) -> Result<bool, Fault> {
        let accept = self.sent.headers.get(ACCEPT).and_then(|value| value.to_str().ok());
        match format {
            Some("csv") => Ok(true),
            Some("json") => Ok(false),
            Some(_) => Err(Fault::param("format", "takes json or csv")),
            None => Ok(accept.is_some_and(|accept| accept.starts_with("text/csv"))),
        }
    }

    /// The id in the path, of something the caller may see.
    ///
    /// Errors: `not_found`, whether it is no id, of another kind, or somebody else's.
    pub async fn path_id(&self, kind: Kind) -> Result<Id, Fault> {
        self.path_id_of(&[kind]).await
    }

    /// As [`Call::path_id`], of one of several kinds.
    pub async fn path_id_of(&self, kinds: &[Kind]) -> Result<Id, Fault> {
        let missing = Fault::missing(kinds[0]);
        let id = id_of(&self.path_text, kinds).ok_or(missing.clone())?;
        self.home_of(id.org).await.map_err(|fault| match fault {
            Fault::NotFound { .. } => missing,
            fault => fault,
        })?;
        Ok(id)
    }

    /// Where an organization lives, if the caller may see it.
    ///
    /// Errors: `not_found`.
    pub async fn home_of(&self, org: OrgId) -> Result<Home, Fault> {
        let home = match self.caller.home {
            Some(own) if own.org == org => Some(own),
            _ => self.web.directory.home(&self.web.app, org).await?,
        };
        let seen = home.filter(|&home| self.caller.sees(home));
        let home = seen.ok_or(Fault::missing(Kind::Organization))?;
        self.require_sight(org).await?;
        Ok(home)
    }

    /// The organization that a request names, or the caller's own.
    ///
    /// Errors, in order: `parameter_invalid`, `not_found`.
    pub async fn organization(&self, named: Option<&IdText>) -> Result<Home, Fault> {
        if let Some(text) = named {
            let id = text.parse("organization", &[Kind::Organization, Kind::Platform])?;
            return self.home_of(id.org).await;
        }
        match self.caller.home {
            Some(home) if self.caller.role < Role::Platform => {
                self.require_sight(home.org).await?;
                Ok(home)
            }
            _ => Err(Fault::param("organization", "say which organization this is about")),
        }
    }

    /// Whether the key is still in force, while an answer goes on.
    pub async fn is_still_let_in(&self) -> bool {
        let caller = crate::router::caller_of(&self.web, &self.sent.headers).await;
        !matches!(caller, Err(Fault::Unauthenticated))
    }

    /// Whose eyes the answer is for.
    pub fn reader(&self) -> Reader {
        if self.caller.role < Role::Platform { Reader::Customer } else { Reader::Operator }
    }

    /// As [`Call::organization`], without a look at the store where it can be left to the lane: the
    /// organization, and the platform on which it has to turn out to live, if any.
    ///
    /// Errors, in order: `parameter_invalid`, `not_found`.
    pub fn organization_to_check(
        &self,
        named: Option<&IdText>,
    ) -> Result<(OrgId, Option<OrgId>), Fault> {
        let org = match (named, self.caller.home) {
            (Some(text), _) => {
                text.parse("organization", &[Kind::Organization, Kind::Platform])?.org
            }
            (None, Some(home)) if self.caller.role < Role::Platform => home.org,
            (None, _) => {
                return Err(Fault::param("organization", "say which organization this is about"));
            }
        };
        match self.caller.home {
            Some(own) if own.org == org => Ok((org, None)),
            Some(own) if self.caller.role == Role::Platform => Ok((org, Some(own.platform))),
            None if self.caller.role == Role::Operator => Ok((org, None)),
            _ => Err(Fault::missing(Kind::Organization)),
        }
    }

    /// The platform that a request names, or the caller's own.
    ///
    /// Errors, in order: `parameter_invalid`, `not_found`.
    pub async fn platform(&self, named: Option<&IdText>) -> Result<OrgId, Fault> {
        let own = self.caller.home.map(|home| home.platform);
        if let Some(text) = named {
            let id = text.parse("platform", &[Kind::Platform])?;
            if own == Some(id.org) {
                return Ok(id.org);
            }
            let missing = Fault::missing(Kind::Platform);
            let home = self.home_of(id.org).await;
            let home = home.map_err(|fault| match fault {
                Fault::NotFound { .. } => missing.clone(),
                fault => fault,
            })?;
            return if home.is_platform() { Ok(id.org) } else { Err(missing) };
        }
        own.ok_or_else(|| Fault::param("platform", "say which platform this is about"))
    }

    /// One consistent view of the store.
    pub async fn snapshot(&self) -> Result<Snapshot, Fault> {
        Ok(self.web.app.store.snapshot().await?)
    }

    /// Refuses with the owner's address when another process decides about `org`.
    pub fn own(&self, org: OrgId) -> Result<(), Fault> {
        match self.web.app.foreign_owner(org) {
            Some(address) => Err(Fault::App(AppError::NotOwner { address })),
            None => Ok(()),
        }
    }

    /// The member of `org` who asks, where the request names one.
    ///
    /// Errors, in order: `parameter_invalid`, `not_found`.
    pub fn member(&self, org: OrgId) -> Result<Option<i64>, Fault> {
        let Some(value) = self.sent.headers.get(MEMBER_HEADER) else { return Ok(None) };
        let id = value.to_str().ok().and_then(|text| id_of(text, &[Kind::Member]));
        let id = id.ok_or_else(|| Fault::param("Drawdown-Member", "is not the id of a member"))?;
        if id.org == org { Ok(Some(id.number)) } else { Err(Fault::missing(Kind::Member)) }
    }

    /// Refuses a read in the name of a member who does not see amounts.
    ///
    /// Errors, in order: those of [`Call::member`], `not_found`, `role_forbids`.
    async fn require_sight(&self, org: OrgId) -> Result<(), Fault> {
        if self.route.method != Method::GET {
            return Ok(());
        }
        let Some(number) = self.member(org)? else { return Ok(()) };
        let mut snapshot = self.snapshot().await?;
        let member = store::read::lists::member(&mut snapshot, org, number).await?;
        let member = member.filter(|member| member.is_present());
        let role = member.ok_or(Fault::missing(Kind::Member))?.role;
        let permission = Permission::SeeAmounts;
        if role.may(permission) {
            return Ok(());
        }
        let (role, permission) = (role.name(), permission.name());
        Err(Fault::Refused(Refusal::RoleForbids { role, permission }))
    }

    /// Runs one command under the client's key and renders what was decided.
    pub async fn run(
        &self,
        operation: impl Operation + 'static,
        render: Render,
    ) -> Result<Reply, Fault> {
        Ok(self.run_and_tell(operation, render).await?.0)
    }

    /// As [`Call::run`], with what was decided, unless it is a repetition.
    pub async fn run_and_tell(
        &self,
        operation: impl Operation + 'static,
        render: Render,
    ) -> Result<(Reply, Option<Result<Answer, Refusal>>), Fault> {
        let org = operation.org();
        self.own(org)?;
        let key = self.idempotency_key(render)?;
        let command = match self.member(org)? {
            Some(member) => Command::new(AsMember { member, operation: Box::new(operation) }),
            None => Command::new(operation),
        };
        let outcome = self.web.app.run(command.with_key(key)).await?;
        Ok(match outcome {
            Outcome::Decided(decided) => {
                let (status, body) = render(&decided);
                let reply = Reply { org: Some(org), ..Reply::new(status, body) };
                (reply, Some(decided))
            }
            Outcome::Replayed { status, body } => {
                (Reply { is_replayed: true, org: Some(org), ..Reply::new(status, body) }, None)
            }
        })
    }

    /// The client's key of this command.
    ///
    /// Errors, in order: `idempotency_key_malformed`, `idempotency_key_required`.
    pub fn idempotency_key(&self, render: Render) -> Result<Option<IdempotencyKey>, Fault> {
        let Some(text) = self.key_text()? else { return Ok(None) };
        let mut hash = Sha256::new();
        hash.update(self.path_text.as_bytes());
        hash.update([0]);
        hash.update(&self.sent.body);
        if let Some(member) = self.sent.headers.get(MEMBER_HEADER) {
            hash.update([0]);
            hash.update(member.as_bytes());
        }
        let key = format!("{} {text}", self.route.operation);
        Ok(Some(IdempotencyKey { key, fingerprint: first_eight(&hash.finalize()), render }))
    }

    /// The text of the client's key, where the route takes one.
    pub fn key_text(&self) -> Result<Option<&str>, Fault> {
        let Some(value) = self.sent.headers.get(KEY_HEADER) else {
            let is_required = self.route.key == KeyPolicy::Required;
            return if is_required { Err(Fault::KeyRequired) } else { Ok(None) };
        };
        let bytes = value.as_bytes();
        let is_plain = !bytes.is_empty()
            && bytes.len() <= KEY_LENGTH_MAX
            && bytes.iter().all(u8::is_ascii_graphic);
        if !is_plain {
            return Err(Fault::KeyMalformed);
        }
        value.to_str().map(Some).map_err(|_| Fault::KeyMalformed)
    }
}

/// Reads JSON of which every byte has to be understood.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(bytes).map_err(|error| {
        let message = plain(&error.to_string());
        Fault::Malformed { param: named(&message), message }
    })
}

/// A library's message without what could carry markup or control characters of the client.
fn plain(message: &str) -> String {
    message.chars().filter(|letter| !letter.is_control()).take(300).collect()
}

/// The field that a message of serde is about.
fn named(message: &str) -> Option<String> {
    let is_about_a_field = ["unknown field `", "missing field `", "duplicate field `"]
        .iter()
        .any(|start| message.contains(start));
    let field = message.split('`').nth(1).filter(|_| is_about_a_field)?;
    Some(field.to_owned())
}

/// The first eight bytes of a hash, as a number.
pub fn first_eight(hash: &[u8]) -> i64 {
    let mut bytes = [0_u8; 8];
    for (to, from) in bytes.iter_mut().zip(hash) {
        *to = *from;
    }
    i64::from_le_bytes(bytes)
}

/// Bodies up to this size are not counted: there are at most as many as connections.
const UNCOUNTED_BYTES: usize = 64 << 10;
const ROOM_UNIT_BYTES: usize = 64 << 10;
const ROOM_UNITS: usize = 1_024;

/// Room in memory for large bodies: 64 MB, all requests together. What is made of a body while it
/// is read is at most about twice as large again.
pub struct BodyRoom {
    units: Semaphore,
}

impl Default for BodyRoom {
    fn default() -> BodyRoom {
        BodyRoom { units: Semaphore::new(ROOM_UNITS) }
    }
}

impl BodyRoom {
    /// Waits for room for a body of so many bytes; it is given back when the request is answered.
    ///
    /// Errors: `busy` when there was none in time.
    pub async fn take(
        &self,
        bytes: usize,
        seconds_max: u64,
    ) -> Result<Option<SemaphorePermit<'_>>, Fault> {
        if bytes <= UNCOUNTED_BYTES {
            return Ok(None);
        }
        let units = bytes.div_ceil(ROOM_UNIT_BYTES).min(ROOM_UNITS);
        let taken = self.units.acquire_many(u32::try_from(units).unwrap_or(u32::MAX));
        match tokio::time::timeout(Duration::from_secs(seconds_max), taken).await {
            Ok(Ok(permit)) => Ok(Some(permit)),
            _ => Err(Fault::App(AppError::Busy)),
        }
    }
}

/// Reads a body to its end, within its size and its time.
///
/// Errors: `body_too_large`, `body_too_slow`, `malformed`.
pub async fn read_body(body: Body, bytes_max: usize, seconds_max: u64) -> Result<Bytes, Fault> {
    let whole = Limited::new(body, bytes_max).collect();
    match tokio::time::timeout(Duration::from_secs(seconds_max), whole).await {
        Err(_) => Err(Fault::BodyTooSlow),
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Fault::BodyTooLarge { bytes_max })
        }
        Ok(Err(_)) => Err(Fault::Malformed { message: "the body ended early".into(), param: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct In {
        amount: String,
    }

    #[test]
    fn a_body_that_cannot_be_read_names_the_field() {
        let param = |body: &str| match parse::<In>(body.as_bytes()) {
            Err(Fault::Malformed { param, .. }) => param,
            other => panic!("{other:?}"),
        };
        assert_eq!(parse::<In>(b"{\"amount\":\"1\"}").map(|it| it.amount), Ok("1".into()));
        assert_eq!(param("{\"amount\":\"1\",\"x\":2}"), Some("x".into()));
        assert_eq!(param("{}"), Some("amount".into()));
        assert_eq!(param("{\"amount\":\"1\",\"amount\":\"2\"}"), Some("amount".into()));
        for body in ["", "[", "{\"amount\":1}", "null", "{\"amount\":\"1\"} x"] {
            assert_eq!(param(body), None, "{body}");
        }
        assert!(parse::<In>(b"{\"amount\":\"\xff\"}").is_err());
        let deep = "[".repeat(100_000);
        assert!(parse::<serde_json::Value>(deep.as_bytes()).is_err());
    }
}
