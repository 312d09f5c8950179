//! Runs: unbroken intervals of a resource at one price.

use std::collections::BTreeMap;

use app::operations::report_beat::ReportBeat;
use app::operations::report_ready::ReportReady;
use app::operations::resize_run::ResizeRun;
use app::operations::start_run::StartRun;
use app::operations::stop_run::StopRun;
use domain::run::{Rest, Run};
use domain::{Kind, OrgId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CODE_LENGTH_MAX, OrganizationQuery, body_id, created, done};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, MoneyText, TimeText, code_text};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunIn {
    pub resource: IdText,
    /// When it was ready; now, when none is given.
    pub started_at: Option<TimeText>,
    /// True when it is admitted now and costs nothing until it is reported to be ready.
    #[serde(default)]
    pub waits_for_ready: bool,
    /// Without a beat for so long it is taken to have ended at the last one; 10 seconds to one day.
    /// No beat is expected, when none is given.
    pub heartbeat_seconds: Option<i64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StopIn {
    /// When it stopped; now, when none is given.
    pub stopped_at: Option<TimeText>,
    /// What becomes of the resource: `stopped`, `paused` or `terminated`, which is final. When
    /// nothing is said, what the profile does at zero to a run that was ordered to stop, otherwise
    /// `stopped`.
    pub then: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeenIn {
    /// When it was seen; now, when none is given.
    pub at: Option<TimeText>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResizeIn {
    /// The code of the SKU that it goes on as.
    pub sku: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct RunOut {
    pub id: IdText,
    pub organization: IdText,
    pub resource: IdText,
    /// The code of its SKU; only where it is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// The list price that it started at and keeps, for `per_units` seconds.
    pub amount: MoneyText,
    pub per_units: i64,
    pub discount_bps: i64,
    pub class: String,
    pub started_at: TimeText,
    pub stopped_at: Option<TimeText>,
    /// `requested`, `out_of_credit`, `frozen`, `resized`, `heartbeat_lost`, `retention_over` or
    /// `repriced`: another run goes on for it at an announced price.
    pub stop_reason: Option<String>,
    /// Admitted, and costs nothing until it is reported to be ready.
    pub waits_for_ready: bool,
    /// Under block terms: how long a block is, and until when it is paid.
    pub block_seconds: Option<i64>,
    pub paid_until: Option<TimeText>,
    pub heartbeat_seconds: Option<i64>,
    /// When it was last seen to run, where it is expected to beat.
    pub beat_at: Option<TimeText>,
    /// The run of the same resource whose place it took.
    pub previous: Option<IdText>,
    /// The run that was started, where this one goes on for it at an announced price. What is said
    /// of that run is said of this one.
    pub origin: Option<IdText>,
    /// When it goes on at the next announced price or discount.
    pub reprices_at: Option<TimeText>,
    /// What it has cost up to `as_of`, or in all once it has stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<MoneyText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<TimeText>,
}

impl RunOut {
    pub fn of(org: OrgId, run: &Run) -> RunOut {
        RunOut {
            id: IdText::new(Kind::Run, org, run.number),
            organization: IdText::organization(org),
            resource: IdText::new(Kind::Resource, org, run.resource),
            sku: None,
            amount: run.rate.list.into(),
            per_units: run.rate.per_units,
            discount_bps: run.rate.discount_bps,
            class: run.class.name().to_owned(),
            started_at: run.started_at.into(),
            stopped_at: run.stopped_at.map(TimeText::from),
            stop_reason: run.stop_reason.map(|reason| reason.name().to_owned()),
            waits_for_ready: run.is_waiting,
            block_seconds: run.paid.map(|paid| paid.block_seconds),
            paid_until: run.paid.and_then(|paid| TimeText::unless_never(paid.until)),
            heartbeat_seconds: run.heartbeat.map(|heartbeat| heartbeat.timeout_seconds),
            beat_at: run.heartbeat.map(|heartbeat| heartbeat.beat_at.into()),
            previous: run.previous.map(|number| IdText::new(Kind::Run, org, number)),
            origin: run.origin.map(|number| IdText::new(Kind::Run, org, number)),
            reprices_at: TimeText::unless_never(run.reprices_at).filter(|_| run.is_open()),
            cost: run.stopped_at.map(|at| run.cost_round_half_even(at).into()),
            as_of: run.stopped_at.map(TimeText::from),
        }
    }

    fn at(org: OrgId, run: &Run, codes: &BTreeMap<i64, String>, now: Timestamp) -> RunOut {
        let as_of = run.stopped_at.unwrap_or(now);
        RunOut {
            sku: codes.get(&run.sku).cloned(),
            cost: Some(run.cost_round_half_even(as_of).into()),
            as_of: Some(as_of.into()),
            ..RunOut::of(org, run)
        }
    }
}

fn time_of(param: &str, text: Option<&TimeText>) -> Result<Option<Timestamp>, Fault> {
    text.map(|text| text.parse(param)).transpose()
}

/// Starts a run, if the wallet can afford to let it.
pub async fn create(call: Call) -> Result<Reply, Fault> {
    let body: RunIn = call.json()?;
    let resource = body_id(&call, "resource", &body.resource, Kind::Resource).await?;
    let started_at = time_of("started_at", body.started_at.as_ref())?;
    let (waits_for_ready, heartbeat_seconds) = (body.waits_for_ready, body.heartbeat_seconds);
    let (org, resource) = (resource.org, resource.number);
    let operation = StartRun { org, resource, started_at, waits_for_ready, heartbeat_seconds };
    call.run(operation, created).await
}

/// Ends a run and settles its time.
pub async fn stop(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Run).await?;
    let body: StopIn = call.json()?;
    let stopped_at = time_of("stopped_at", body.stopped_at.as_ref())?;
    let rest = body.then.as_deref().map(|then| {
        Rest::from_name(then).ok_or(Fault::param("then", "is stopped, paused or terminated"))
    });
    let rest = rest.transpose()?;
    call.run(StopRun { org: id.org, run: id.number, stopped_at, rest }, done).await
}

/// Says that a run is ready: it costs money from here on.
pub async fn ready(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Run).await?;
    let body: SeenIn = call.json()?;
    let at = time_of("at", body.at.as_ref())?;
    call.run(ReportReady { org: id.org, run: id.number, at }, done).await
}

/// Says that a run still runs.
pub async fn beat(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Run).await?;
    let body: SeenIn = call.json()?;
    let at = time_of("at", body.at.as_ref())?;
    call.run(ReportBeat { org: id.org, run: id.number, at }, done).await
}

/// Lets a run go on as another SKU of its class; answers with the run that costs money now.
pub async fn resize(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Run).await?;
    let body: ResizeIn = call.json()?;
    let sku = code_text("sku", &body.sku, CODE_LENGTH_MAX)?;
    call.run(ResizeRun { org: id.org, run: id.number, sku }, done).await
}

/// Shows a run with its cost so far.
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Run).await?;
    let home = call.home_of(id.org).await?;
    let mut snapshot = call.snapshot().await?;
    let run = store::read::lists::run(&mut snapshot, id.org, id.number).await?;
    let run = run.ok_or(Fault::missing(Kind::Run))?;
    let codes = store::read::access::sku_codes(&mut snapshot, home.platform).await?;
    let now = super::wallets::now_of(&call, &mut snapshot, home).await?;
    Reply::json(200, &RunOut::at(id.org, &run, &codes, now))
}

/// Lists runs with their costs so far, newest first.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: OrganizationQuery = call.query()?;
    let home = call.organization(query.organization.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let (below, rows) = (page.below(), page.rows_to_read());
    let rows = store::read::lists::runs(&mut snapshot, home.org, below, rows).await?;
    let codes = store::read::access::sku_codes(&mut snapshot, home.platform).await?;
    let now = super::wallets::now_of(&call, &mut snapshot, home).await?;
    let view = |run: Run| RunOut::at(home.org, &run, &codes, now);
    Reply::json(200, &page.list(rows, |run| run.number, view))
}
