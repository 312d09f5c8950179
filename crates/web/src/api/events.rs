//! Events: what happened, in the order in which it happened.

use std::collections::BTreeMap;

use axum::http::header::ACCEPT;
use domain::event::EventKind;
use domain::{Kind, OrgId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::read::lists::ToldEvent;

use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::stream::{self, EVENT_STREAM, Look, Source};
use crate::wire::{IdText, TimeText};
use crate::{Web, checkout_url};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EventsQuery {
    /// Whose events; a key of an organization may leave it out.
    pub organization: Option<IdText>,
    /// Events of this type only, such as `run.stopped`.
    pub r#type: Option<String>,
    /// Events after the one with this number.
    pub since: Option<i64>,
    /// Waits so many seconds, at most 30, until there is an event to show.
    pub wait_seconds: Option<u64>,
    /// Rows of the page, 1 to 100; 20 when none is given.
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct EventOut {
    pub id: IdText,
    pub organization: IdText,
    /// Goes up with time; send the last one as `since` to go on later.
    pub number: i64,
    pub r#type: String,
    pub at: TimeText,
    /// What it says, by name: ids, amounts and times as everywhere.
    pub data: BTreeMap<String, String>,
}

/// The kind of row that a field of an event names by number.
fn kind_of(field: &str) -> Option<Kind> {
    Some(match field {
        "arrival" => Kind::Arrival,
        "deposit" => Kind::Deposit,
        "grant" => Kind::Grant,
        "hold" => Kind::Hold,
        "member" => Kind::Member,
        "spend_limit" => Kind::Limit,
        "method" => Kind::PaymentMethod,
        "dispute" => Kind::Dispute,
        "refund" => Kind::Refund,
        "resource" => Kind::Resource,
        "run" => Kind::Run,
        _ => return None,
    })
}

impl EventOut {
    /// With the address at which a payment is confirmed, which follows from its id and is kept
    /// nowhere.
    fn payable(web: &Web, org: OrgId, event: ToldEvent) -> EventOut {
        let asks = event.kind == EventKind::DepositNeedsAuthentication;
        let mut shown = EventOut::of(org, event);
        let deposit = shown.data.get("deposit").and_then(|id| id.parse().ok());
        if let Some(id) = deposit.filter(|_| asks) {
            let url = checkout_url(&web.app, &web.config, id);
            shown.data.insert("checkout_url".to_owned(), url);
        }
        shown
    }

    fn of(org: OrgId, event: ToldEvent) -> EventOut {
        let fields: BTreeMap<String, String> =
            serde_json::from_str(&event.body).unwrap_or_default();
        let shown = |(name, value): (String, String)| {
            let number = value.parse::<i64>().ok();
            let id = kind_of(&name)
                .zip(number)
                .map(|(kind, number)| domain::Id::new(kind, org, number).to_string());
            (name, id.unwrap_or(value))
        };
        EventOut {
            id: IdText::new(Kind::Event, org, event.number),
            organization: IdText::organization(org),
            number: event.number,
            r#type: event.kind.name().to_owned(),
            at: event.at.into(),
            data: fields.into_iter().map(shown).collect(),
        }
    }
}

fn kind_named(name: &str) -> Result<EventKind, Fault> {
    let kind = EventKind::ALL.into_iter().find(|kind| kind.name() == name);
    kind.ok_or_else(|| Fault::param("type", "not a type of event"))
}

/// Lists events, oldest first: a page, at once or when there is something to show, or with
/// `Accept: text/event-stream` all of them as they happen.
///
/// Errors: `parameter_invalid`.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: EventsQuery = call.query()?;
    let home = call.organization(query.organization.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let kind = query.r#type.as_deref().map(kind_named).transpose()?;
    let wait_seconds = query.wait_seconds.unwrap_or(0);
    if wait_seconds > WAIT_SECONDS_MAX {
        let message = format!("must be between 0 and {WAIT_SECONDS_MAX}");
        return Err(Fault::param("wait_seconds", message));
    }
    let above = page.above().max(query.since.unwrap_or(-1));
    let mut log = Log { call, org: home.org, kind, above };
    if log.is_stream() {
        log.above = log.last_seen().unwrap_or(above);
        let stopping = log.call.web.config.stopping.clone();
        return Ok(Reply::stream(stream::follow(log, stopping)));
    }
    let mut looks = wait_seconds * stream::LOOKS_PER_SECOND;
    let stopping = log.call.web.config.stopping.clone();
    let rows = loop {
        let rows = log.read(page.rows_to_read()).await?;
        if !rows.is_empty() || looks == 0 || !stopping.pause().await {
            break rows;
        }
        looks -= 1;
    };
    let view = |event: ToldEvent| EventOut::payable(&log.call.web, home.org, event);
    Reply::json(200, &page.list(rows, |event| event.number, view))
}

const WAIT_SECONDS_MAX: u64 = 30;
const ROWS_AT_ONCE: i64 = 100;
/// How a reader of a stream says which event it saw last, when it comes back.
const LAST_EVENT_ID: &str = "last-event-id";

/// The events of an organization, from one on.
struct Log {
    call: Call,
    org: OrgId,
    kind: Option<EventKind>,
    above: i64,
}

impl Log {
    fn is_stream(&self) -> bool {
        let accept = self.call.sent.headers.get(ACCEPT).and_then(|value| value.to_str().ok());
        accept.is_some_and(|accept| accept.starts_with(EVENT_STREAM))
    }

    fn last_seen(&self) -> Option<i64> {
        self.call.sent.headers.get(LAST_EVENT_ID)?.to_str().ok()?.parse().ok()
    }

    async fn read(&self, rows: i64) -> Result<Vec<ToldEvent>, Fault> {
        let mut snapshot = self.call.snapshot().await?;
        let (org, above) = (self.org, self.above);
        Ok(store::read::lists::events(&mut snapshot, org, above, self.kind, rows).await?)
    }
}

impl Source for Log {
    async fn look(&mut self) -> Look {
        // A key that was revoked sees nothing more.
        if !self.call.is_still_let_in().await {
            return Look::End;
        }
        let Ok(rows) = self.read(ROWS_AT_ONCE).await else { return Look::Nothing };
        let Some(last) = rows.last() else { return Look::Nothing };
        self.above = last.number;
        let is_all = i64::try_from(rows.len()).unwrap_or(0) < ROWS_AT_ONCE;
        let mut text = String::new();
        for row in rows {
            let event = EventOut::payable(&self.call.web, self.org, row);
            let data = serde_json::to_string(&event).unwrap_or_default();
            text += &format!("id: {}\nevent: {}\ndata: {data}\n\n", event.number, event.r#type);
        }
        if is_all { Look::Tell(text) } else { Look::TellMore(text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;

    #[test]
    fn numbers_of_rows_become_ids() {
        let org = OrgId::new(9, 1 << 60);
        let body = "{\"run\":\"7\",\"reason\":\"requested\",\"amount\":\"7\"}".to_owned();
        let at = Timestamp::from_seconds(1);
        let event = ToldEvent { number: 12, kind: EventKind::RunStopped, at, body };
        let shown = EventOut::of(org, event);
        assert_eq!(shown.r#type, "run.stopped");
        assert_eq!(shown.data["run"], domain::Id::new(Kind::Run, org, 7).to_string());
        assert_eq!(shown.data["reason"], "requested");
        assert_eq!(shown.data["amount"], "7");
    }
}
