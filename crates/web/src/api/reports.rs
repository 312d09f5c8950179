//! Reports: what was used in some days, by what it is grouped, and the dearest single requests.
//!
//! Laws: the rows of a report, its rounding and what was reported late add up to its total, and the
//! total is what the ledger charged for these days and what has accrued since; a report is one
//! snapshot (requirements D10, D11, S08, S09; rulings A11).

use std::collections::BTreeMap;

use domain::attribution::{IdleCost, ResourceUse, uses};
use domain::hours::{Week, week};
use domain::label::Labels;
use domain::profile::ModelCharge;
use domain::report::{
    Basis, CostReport, CostRow, DAYS_MAX, Days, Dimension, Used, costs as group, dearest,
};
use domain::suggestion::{Suggestion, suggestions};
use domain::{Id, Kind, OrgId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::read::reports::{MOVEMENTS_MAX, UsedRows, used};

use crate::csv::{Cell, line};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::wire::{IdText, MoneyText, TimeText};

const DAYS_DEFAULT: i64 = 30;
const DIMENSIONS_MAX: usize = 2;
const REQUESTS_DEFAULT: i64 = 20;
const REQUESTS_MAX: i64 = 100;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CostsQuery {
    /// Whose costs; a key of an organization may leave it out.
    pub organization: Option<IdText>,
    /// One or two of `model`, `gpu_type`, `location`, `sku`, `class`, `resource`, `project` and
    /// `member`, joined by a comma; `model` when none is given.
    pub by: Option<String>,
    /// The first day, such as `2026-01-05`; without it the days end with today. Days are of UTC.
    pub from: Option<String>,
    /// How many days, 1 to 366; 30 when none is given.
    pub days: Option<i64>,
    /// `json` or `csv`; `Accept: text/csv` asks for the same.
    pub format: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestsQuery {
    /// Whose requests; a key of an organization may leave it out.
    pub organization: Option<IdText>,
    /// The first day, such as `2026-01-05`; without it the days end with today. Days are of UTC.
    pub from: Option<String>,
    /// How many days, 1 to 366; 30 when none is given.
    pub days: Option<i64>,
    /// Rows at most, 1 to 100; 20 when none is given.
    pub limit: Option<i64>,
    /// Whether requests bear what was idle of the time that they are attributed: `apart`, the
    /// default, or `included`.
    pub idle: Option<String>,
    /// `json` or `csv`; `Accept: text/csv` asks for the same.
    pub format: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct CostsOut {
    pub from: TimeText,
    pub until: TimeText,
    pub as_of: TimeText,
    pub by: Vec<String>,
    /// Dearest first.
    pub rows: Vec<CostRowOut>,
    /// What the ledger charged for running time beyond the sum of the runs: fractions of a nano.
    pub rounding: MoneyText,
    /// Starts and stops of these days that were corrected on others, and of others on these.
    pub reported_late: MoneyText,
    /// Rows, rounding and what was reported late.
    pub total: MoneyText,
    /// The part of the total that is not in the ledger yet.
    pub accrued: MoneyText,
    /// The total day by day.
    pub days: Vec<MoneyText>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct CostRowOut {
    /// By the names in `by`; null where there is none. A resource is told by its id.
    pub values: BTreeMap<String, Option<String>>,
    pub total: MoneyText,
    pub days: Vec<MoneyText>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct RequestsOut {
    pub from: TimeText,
    pub until: TimeText,
    /// Dearest first.
    pub rows: Vec<RequestOut>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct RequestOut {
    pub transaction: IdText,
    pub at: TimeText,
    /// The id of the usage event; null for a captured hold.
    pub event: Option<String>,
    /// The code of its SKU.
    pub sku: Option<String>,
    pub amount: MoneyText,
    /// True when nothing was charged for it: it is shown its part of time that is paid for.
    pub is_attributed: bool,
    /// The resource that served it, where it is attributed.
    pub resource: Option<IdText>,
    pub busy_milliseconds: Option<i64>,
}

/// The start of a day such as `2026-01-05`.
fn day(text: &str) -> Result<Timestamp, Fault> {
    let at = if text.len() == 10 { Timestamp::parse(&format!("{text}T00:00:00Z")) } else { None };
    at.filter(|at| at.seconds() >= 0)
        .ok_or_else(|| Fault::param("from", "not a day such as 2026-01-05"))
}

fn dimensions(by: Option<&str>) -> Result<Vec<Dimension>, Fault> {
    let Some(by) = by else { return Ok(vec![Dimension::Model]) };
    let wrong = || {
        let names: Vec<&str> = Dimension::ALL.iter().map(|dimension| dimension.name()).collect();
        let message = format!("takes one or two different ones of {}", names.join(", "));
        Fault::param("by", message)
    };
    let named = by.split(',').map(|name| Dimension::from_name(name).ok_or_else(wrong));
    let named = named.collect::<Result<Vec<Dimension>, Fault>>()?;
    let is_doubled = named.len() == 2 && named[0] == named[1];
    if named.len() > DIMENSIONS_MAX || is_doubled { Err(wrong()) } else { Ok(named) }
}

/// What was used in the days that a query names.
///
/// Errors, in order: `parameter_invalid` (from, days), `not_found`, `parameter_invalid` (too much).
pub(super) async fn rows(
    call: &Call,
    org: OrgId,
    from: Option<&str>,
    days: Option<i64>,
) -> Result<UsedRows, Fault> {
    let from = from.map(day).transpose()?;
    let count = days.unwrap_or(DAYS_DEFAULT);
    if !(1..=DAYS_MAX).contains(&count) {
        return Err(Fault::param("days", format!("must be between 1 and {DAYS_MAX}")));
    }
    let days = |now: Timestamp| match from {
        Some(from) => Days::from(from, count),
        None => Days::up_to(now, count),
    };
    let mut snapshot = call.snapshot().await?;
    let rows = used(&mut snapshot, org, call.web.now_at(None), days).await?;
    let rows = rows.ok_or(Fault::missing(Kind::Organization))?;
    if rows.is_cut {
        let message = format!(
            "more than {MOVEMENTS_MAX} movements or too many runs since {}: ask for later days",
            rows.days.start()
        );
        return Err(Fault::param("days", message));
    }
    Ok(rows)
}

/// Labels of the resources of `rows`.
fn labels(rows: &UsedRows) -> BTreeMap<i64, Labels> {
    let resources = rows.resources.iter();
    resources.map(|(&number, resource)| (number, resource.labels.clone())).collect()
}

/// The rows as a report takes them.
fn view<'a>(rows: &'a UsedRows, labels: &'a BTreeMap<i64, Labels>) -> Used<'a> {
    Used {
        journal: &rows.journal,
        runs: &rows.runs,
        labels,
        label_sets: &rows.label_sets,
        book: &rows.book,
        meters: &rows.wallet.meters,
        settled_until: rows.wallet.settled_until,
        now: rows.now,
    }
}

/// Groups the rows of a snapshot, for whoever has one.
pub fn grouped(rows: &UsedRows, by: &[Dimension]) -> CostReport {
    let labels = labels(rows);
    group(&view(rows, &labels), rows.days, by)
}

/// The dearest requests among the rows of a snapshot; those of resources with their part of paid
/// time, where the profile has it so (requirements C06).
pub fn dearest_of(
    rows: &UsedRows,
    idle: IdleCost,
    rows_max: usize,
) -> Vec<domain::report::Request> {
    let labels = labels(rows);
    let is_attributed = rows.profile.model_charge == ModelCharge::Attributed;
    dearest(&view(rows, &labels), rows.days, is_attributed.then_some(idle), rows_max)
}

/// How each resource was used, among the rows of a snapshot.
pub fn uses_of(rows: &UsedRows, idle: IdleCost) -> Vec<ResourceUse> {
    let labels = labels(rows);
    uses(&view(rows, &labels), rows.days, idle)
}

/// What could be cheaper, among the rows of a snapshot.
pub fn suggestions_of(rows: &UsedRows) -> Vec<Suggestion> {
    let labels = labels(rows);
    let (wallet, now) = (&rows.wallet, rows.now);
    let discount_bps = |sku| wallet.discount_bps(&rows.profile, sku, now, now);
    suggestions(&view(rows, &labels), rows.days, &wallet.zone, discount_bps)
}

/// The hours of the week in which a resource ran, among the rows of a snapshot.
pub fn week_of(rows: &UsedRows, resource: i64) -> Week {
    let labels = labels(rows);
    week(&view(rows, &labels), rows.days, resource, &rows.wallet.zone)
}

/// What `idle` names in a query.
pub fn idle_cost(text: Option<&str>) -> Result<IdleCost, Fault> {
    match text {
        None | Some("apart") => Ok(IdleCost::Apart),
        Some("included") => Ok(IdleCost::Included),
        Some(_) => Err(Fault::param("idle", "must be apart or included")),
    }
}

/// A value as clients see it: a resource by its id.
fn shown(org: OrgId, by: Dimension, value: Option<&String>) -> Option<String> {
    let value = value?;
    match value.parse::<i64>() {
        Ok(number) if by == Dimension::Resource => {
            Some(Id::new(Kind::Resource, org, number).to_string())
        }
        _ => Some(value.clone()),
    }
}

impl CostsOut {
    fn of(rows: &UsedRows, by: &[Dimension], report: &CostReport) -> CostsOut {
        let org = rows.wallet.org;
        let row = |row: &CostRow| {
            let values = by
                .iter()
                .zip(&row.values)
                .map(|(&by, value)| (by.name().to_owned(), shown(org, by, value.as_ref())));
            CostRowOut {
                values: values.collect(),
                total: row.total.into(),
                days: row.days.iter().map(|&day| day.into()).collect(),
            }
        };
        CostsOut {
            from: rows.days.start().into(),
            until: rows.days.end().into(),
            as_of: rows.now.into(),
            by: by.iter().map(|by| by.name().to_owned()).collect(),
            rows: report.rows.iter().map(row).collect(),
            rounding: report.rounding.into(),
            reported_late: report.reported_late.into(),
            total: report.total.into(),
            accrued: report.accrued.into(),
            days: report.days.iter().map(|&day| day.into()).collect(),
        }
    }
}

/// One line for each row and for what else the total is made of, a column for each day.
fn costs_csv(rows: &UsedRows, by: &[Dimension], report: &CostReport) -> String {
    let mut table = String::new();
    let mut head: Vec<Cell<'_>> = by.iter().map(|by| Cell::Text(by.name())).collect();
    head.push(Cell::Text("total"));
    let date = |start: Timestamp| start.to_string().split('T').next().unwrap_or("").to_owned();
    head.extend(rows.days.starts().map(|start| Cell::Plain(date(start))));
    line(&mut table, &head);
    for row in &report.rows {
        let values: Vec<String> = by
            .iter()
            .zip(&row.values)
            .map(|(&by, value)| shown(rows.wallet.org, by, value.as_ref()).unwrap_or_default())
            .collect();
        let mut cells: Vec<Cell<'_>> = values.iter().map(|value| Cell::Text(value)).collect();
        cells.push(Cell::Plain(row.total.to_string()));
        cells.extend(row.days.iter().map(|day| Cell::Plain(day.to_string())));
        line(&mut table, &cells);
    }
    for (name, amount) in [("rounding", report.rounding), ("reported_late", report.reported_late)] {
        let mut cells = vec![Cell::Text(name)];
        cells.extend(by.iter().skip(1).map(|_| Cell::Text("")));
        cells.push(Cell::Plain(amount.to_string()));
        cells.extend(report.days.iter().map(|_| Cell::Text("")));
        line(&mut table, &cells);
    }
    let mut cells = vec![Cell::Text("total")];
    cells.extend(by.iter().skip(1).map(|_| Cell::Text("")));
    cells.push(Cell::Plain(report.total.to_string()));
    cells.extend(report.days.iter().map(|day| Cell::Plain(day.to_string())));
    line(&mut table, &cells);
    table
}

/// Reports costs, grouped.
///
/// Errors, in order: `malformed`, `parameter_invalid`, `not_found`.
pub async fn costs(call: Call) -> Result<Reply, Fault> {
    let query: CostsQuery = call.query()?;
    let is_csv = call.wants_csv(query.format.as_deref())?;
    let by = dimensions(query.by.as_deref())?;
    let home = call.organization(query.organization.as_ref()).await?;
    let rows = rows(&call, home.org, query.from.as_deref(), query.days).await?;
    let report = grouped(&rows, &by);
    if is_csv {
        return Ok(Reply::csv(costs_csv(&rows, &by, &report)));
    }
    Reply::json(200, &CostsOut::of(&rows, &by, &report))
}

/// The resource that served a request, and for how long it was busy.
fn served_by(org: OrgId, request: &domain::report::Request) -> Option<(Id, i64)> {
    match request.basis {
        Basis::Charged => None,
        Basis::Attributed { resource, busy_milliseconds } => {
            Some((Id::new(Kind::Resource, org, resource), busy_milliseconds))
        }
    }
}

/// Reports the dearest single requests.
///
/// Errors, in order: `malformed`, `parameter_invalid`, `not_found`.
pub async fn requests(call: Call) -> Result<Reply, Fault> {
    let query: RequestsQuery = call.query()?;
    let is_csv = call.wants_csv(query.format.as_deref())?;
    let limit = query.limit.unwrap_or(REQUESTS_DEFAULT);
    if !(1..=REQUESTS_MAX).contains(&limit) {
        return Err(Fault::param("limit", format!("must be between 1 and {REQUESTS_MAX}")));
    }
    let idle = idle_cost(query.idle.as_deref())?;
    let home = call.organization(query.organization.as_ref()).await?;
    let rows = rows(&call, home.org, query.from.as_deref(), query.days).await?;
    let found = dearest_of(&rows, idle, usize::try_from(limit).unwrap_or(0));
    let transaction = |number| IdText::new(Kind::LedgerTransaction, home.org, number);
    if is_csv {
        let mut table = String::new();
        let head = ["transaction", "at", "event", "sku", "amount", "resource", "busy_milliseconds"];
        line(&mut table, &head.map(Cell::Text));
        for request in &found {
            let id = Id::new(Kind::LedgerTransaction, home.org, request.transaction);
            let served = served_by(home.org, request);
            let (resource, busy) =
                served.map(|(id, busy)| (id.to_string(), busy.to_string())).unwrap_or_default();
            let cells = [
                Cell::Plain(id.to_string()),
                Cell::Plain(request.at.to_string()),
                Cell::Text(request.event.as_deref().unwrap_or("")),
                Cell::Text(request.sku.as_deref().unwrap_or("")),
                Cell::Plain(request.amount.to_string()),
                Cell::Plain(resource),
                Cell::Plain(busy),
            ];
            line(&mut table, &cells);
        }
        return Ok(Reply::csv(table));
    }
    let row = |request: domain::report::Request| {
        let served = served_by(home.org, &request);
        RequestOut {
            transaction: transaction(request.transaction),
            at: request.at.into(),
            is_attributed: request.basis != Basis::Charged,
            resource: served.map(|(id, _)| IdText::new(Kind::Resource, id.org, id.number)),
            busy_milliseconds: served.map(|(_, busy)| busy),
            event: request.event,
            sku: request.sku,
            amount: request.amount.into(),
        }
    };
    let out = RequestsOut {
        from: rows.days.start().into(),
        until: rows.days.end().into(),
        rows: found.into_iter().map(row).collect(),
    };
    Reply::json(200, &out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::time::SECONDS_PER_DAY;

    #[test]
    fn days_and_dimensions_are_read_or_refused() {
        assert_eq!(day("2026-01-05").unwrap().seconds() % SECONDS_PER_DAY, 0);
        for bad in ["", "2026-1-5", "2026-01-32", "2026-01-05T00:00:00Z", "1969-12-31"] {
            assert!(day(bad).is_err(), "{bad}");
        }
        assert_eq!(dimensions(None).unwrap(), [Dimension::Model]);
        let both = dimensions(Some("model,resource")).unwrap();
        assert_eq!(both, [Dimension::Model, Dimension::Resource]);
        for bad in ["", "model,", "model,model", "colour", "model,sku,class"] {
            assert!(dimensions(Some(bad)).is_err(), "{bad}");
        }
    }
}
