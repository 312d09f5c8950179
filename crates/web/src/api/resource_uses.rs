//! How resources were used: what each cost in some days, what of that its requests are attributed,
//! and what was idle.
//!
//! Law: what is attributed to requests, what was idle, what is still to come and the rounding add
//! up to the cost of the resource, and that is its row in the report of costs (requirements C06).

use domain::attribution::ResourceUse;
use domain::hours::{WEEKDAYS, Week};
use domain::{Id, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::read::reports::UsedRows;

use super::body_id;
use super::reports::{idle_cost, rows, uses_of, week_of};
use crate::csv::{Cell, line};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::wire::{IdText, MoneyText, TimeText};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UsesQuery {
    /// Whose resources; a key of an organization may leave it out.
    pub organization: Option<IdText>,
    /// The first day, such as `2026-01-05`; without it the days end with today. Days are of UTC.
    pub from: Option<String>,
    /// How many days, 1 to 366; 30 when none is given.
    pub days: Option<i64>,
    /// Whether requests bear what was idle of the time that they are attributed: `apart`, the
    /// default, or `included`.
    pub idle: Option<String>,
    /// `json` or `csv`; `Accept: text/csv` asks for the same.
    pub format: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct UsesOut {
    pub from: TimeText,
    pub until: TimeText,
    pub as_of: TimeText,
    /// Dearest first.
    pub rows: Vec<UseOut>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct UseOut {
    pub resource: IdText,
    pub name: String,
    /// The code of what it was sold as last.
    pub sku: String,
    pub running_seconds: i64,
    /// Requests that were reported as served by it. Where there is none, idle means no more than
    /// that nobody said otherwise.
    pub requests: usize,
    /// Paid time that is over, and the part of it in which at least one request was served.
    pub paid_milliseconds: i64,
    pub busy_milliseconds: i64,
    pub cost: MoneyText,
    /// The part of the cost that is attributed to requests.
    pub requests_cost: MoneyText,
    pub idle_cost: MoneyText,
    /// Of a block that is paid and not over.
    pub to_come: MoneyText,
    pub rounding: MoneyText,
}

impl UseOut {
    fn of(rows: &UsedRows, row: &ResourceUse) -> UseOut {
        let sum = row.attribution;
        let sku = rows.book.sku(row.sku);
        UseOut {
            resource: IdText::new(Kind::Resource, rows.wallet.org, row.resource),
            name: name_of(rows, row.resource),
            sku: sku.map(|sku| sku.code.clone()).unwrap_or_default(),
            running_seconds: row.running_seconds,
            requests: row.requests,
            paid_milliseconds: sum.paid_milliseconds,
            busy_milliseconds: sum.busy_milliseconds,
            cost: sum.cost.into(),
            requests_cost: sum.requests.into(),
            idle_cost: sum.idle.into(),
            to_come: sum.to_come.into(),
            rounding: sum.rounding.into(),
        }
    }
}

fn name_of(rows: &UsedRows, resource: i64) -> String {
    rows.resources.get(&resource).map(|row| row.name.clone()).unwrap_or_default()
}

fn csv(rows: &UsedRows, uses: &[ResourceUse]) -> String {
    let mut table = String::new();
    let head = [
        "resource",
        "name",
        "sku",
        "running_seconds",
        "requests",
        "paid_milliseconds",
        "busy_milliseconds",
        "cost",
        "requests_cost",
        "idle_cost",
        "to_come",
        "rounding",
    ];
    line(&mut table, &head.map(Cell::Text));
    for row in uses {
        let (sum, name) = (row.attribution, name_of(rows, row.resource));
        let sku = rows.book.sku(row.sku).map_or("", |sku| &sku.code);
        let cells = [
            Cell::Plain(Id::new(Kind::Resource, rows.wallet.org, row.resource).to_string()),
            Cell::Text(&name),
            Cell::Text(sku),
            Cell::Plain(row.running_seconds.to_string()),
            Cell::Plain(row.requests.to_string()),
            Cell::Plain(sum.paid_milliseconds.to_string()),
            Cell::Plain(sum.busy_milliseconds.to_string()),
            Cell::Plain(sum.cost.to_string()),
            Cell::Plain(sum.requests.to_string()),
            Cell::Plain(sum.idle.to_string()),
            Cell::Plain(sum.to_come.to_string()),
            Cell::Plain(sum.rounding.to_string()),
        ];
        line(&mut table, &cells);
    }
    table
}

/// Reports how each resource was used.
///
/// Errors, in order: `malformed`, `parameter_invalid`, `not_found`.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: UsesQuery = call.query()?;
    let is_csv = call.wants_csv(query.format.as_deref())?;
    let idle = idle_cost(query.idle.as_deref())?;
    let home = call.organization(query.organization.as_ref()).await?;
    let rows = rows(&call, home.org, query.from.as_deref(), query.days).await?;
    let uses = uses_of(&rows, idle);
    if is_csv {
        return Ok(Reply::csv(csv(&rows, &uses)));
    }
    let out = UsesOut {
        from: rows.days.start().into(),
        until: rows.days.end().into(),
        as_of: rows.now.into(),
        rows: uses.iter().map(|row| UseOut::of(&rows, row)).collect(),
    };
    Reply::json(200, &out)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoursQuery {
    pub resource: IdText,
    /// The first day, such as `2026-01-05`; without it the days end with today. Days are of UTC.
    pub from: Option<String>,
    /// How many days, 1 to 366; 30 when none is given.
    pub days: Option<i64>,
    /// `json` or `csv`; `Accept: text/csv` asks for the same.
    pub format: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct HoursOut {
    pub resource: IdText,
    pub from: TimeText,
    pub until: TimeText,
    pub as_of: TimeText,
    /// Where the hours are counted: the organization's.
    pub timezone: String,
    /// Hours of the week in which it ran or was busy, Monday first.
    pub rows: Vec<HourOut>,
}

/// One hour of the week, over all weeks of the days.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HourOut {
    /// `monday` to `sunday`.
    pub weekday: &'static str,
    /// 0 to 23.
    pub hour: usize,
    pub running_seconds: i64,
    /// Time in which at least one request was served.
    pub busy_milliseconds: i64,
}

fn hours_of(week: &Week) -> Vec<HourOut> {
    let mut rows = Vec::new();
    for (weekday, hours) in WEEKDAYS.into_iter().zip(week) {
        for (hour, cell) in hours.iter().enumerate() {
            let (running_seconds, busy_milliseconds) =
                (cell.running_seconds, cell.busy_milliseconds);
            if running_seconds > 0 || busy_milliseconds > 0 {
                rows.push(HourOut { weekday, hour, running_seconds, busy_milliseconds });
            }
        }
    }
    rows
}

/// Reports in which hours of the week a resource ran and was busy.
///
/// Errors, in order: `malformed`, `parameter_invalid`, `not_found`.
pub async fn hours(call: Call) -> Result<Reply, Fault> {
    let query: HoursQuery = call.query()?;
    let is_csv = call.wants_csv(query.format.as_deref())?;
    let resource = body_id(&call, "resource", &query.resource, Kind::Resource).await?;
    let rows = rows(&call, resource.org, query.from.as_deref(), query.days).await?;
    let hours = hours_of(&week_of(&rows, resource.number));
    if is_csv {
        let mut table = String::new();
        let head = ["weekday", "hour", "running_seconds", "busy_milliseconds"];
        line(&mut table, &head.map(Cell::Text));
        for row in &hours {
            let cells = [
                Cell::Text(row.weekday),
                Cell::Plain(row.hour.to_string()),
                Cell::Plain(row.running_seconds.to_string()),
                Cell::Plain(row.busy_milliseconds.to_string()),
            ];
            line(&mut table, &cells);
        }
        return Ok(Reply::csv(table));
    }
    let out = HoursOut {
        resource: IdText::new(Kind::Resource, resource.org, resource.number),
        from: rows.days.start().into(),
        until: rows.days.end().into(),
        as_of: rows.now.into(),
        timezone: rows.wallet.zone.name().to_owned(),
        rows: hours,
    };
    Reply::json(200, &out)
}
