//! Runs: unbroken intervals of a resource at one price.

use app::operations::start_run::StartRun;
use app::operations::stop_run::StopRun;
use domain::run::Run;
use domain::{Kind, OrgId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{OrganizationQuery, body_id, created, done};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, MoneyText, TimeText};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunIn {
    pub resource: IdText,
    /// When it was ready; now, when none is given.
    pub started_at: Option<TimeText>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StopIn {
    /// When it stopped; now, when none is given.
    pub stopped_at: Option<TimeText>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct RunOut {
    pub id: IdText,
    pub organization: IdText,
    pub resource: IdText,
    /// The list price that it started at and keeps, for `per_units` seconds.
    pub amount: MoneyText,
    pub per_units: i64,
    pub discount_bps: i64,
    pub class: String,
    pub started_at: TimeText,
    pub stopped_at: Option<TimeText>,
    /// `requested` or `out_of_credit`.
    pub stop_reason: Option<String>,
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
            amount: run.rate.list.into(),
            per_units: run.rate.per_units,
            discount_bps: run.rate.discount_bps,
            class: run.class.name().to_owned(),
            started_at: run.started_at.into(),
            stopped_at: run.stopped_at.map(TimeText::from),
            stop_reason: run.stop_reason.map(|reason| reason.name().to_owned()),
            cost: run.stopped_at.map(|at| run.cost_round_half_even(at).into()),
            as_of: run.stopped_at.map(TimeText::from),
        }
    }

    fn at(org: OrgId, run: &Run, now: Timestamp) -> RunOut {
        let as_of = run.stopped_at.unwrap_or(now);
        RunOut {
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
    let operation = StartRun { org: resource.org, resource: resource.number, started_at };
    call.run(operation, created).await
}

/// Ends a run and settles its time.
pub async fn stop(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Run).await?;
    let body: StopIn = call.json()?;
    let stopped_at = time_of("stopped_at", body.stopped_at.as_ref())?;
    call.run(StopRun { org: id.org, run: id.number, stopped_at }, done).await
}

/// Shows a run with its cost so far.
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Run).await?;
    let home = call.home_of(id.org).await?;
    let mut snapshot = call.snapshot().await?;
    let run = store::read::lists::run(&mut snapshot, id.org, id.number).await?;
    let run = run.ok_or(Fault::missing(Kind::Run))?;
    let now = super::wallets::now_of(&call, &mut snapshot, home).await?;
    Reply::json(200, &RunOut::at(id.org, &run, now))
}

/// Lists runs with their costs so far, newest first.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: OrganizationQuery = call.query()?;
    let home = call.organization(query.organization.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let (below, rows) = (page.below(), page.rows_to_read());
    let rows = store::read::lists::runs(&mut snapshot, home.org, below, rows).await?;
    let now = super::wallets::now_of(&call, &mut snapshot, home).await?;
    Reply::json(200, &page.list(rows, |run| run.number, |run| RunOut::at(home.org, &run, now)))
}
