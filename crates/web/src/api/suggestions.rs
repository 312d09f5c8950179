//! Suggestions: what could be cheaper, computed from what was really used, with the arithmetic.
//!
//! Law: `cost − instead = saves`, and percentages are rounded down (requirements D11d, D15, C07).

use domain::suggestion::{Advice, Suggestion};
use domain::{Id, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::read::reports::UsedRows;

use super::reports::{rows, suggestions_of};
use crate::csv::{Cell, line};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::wire::{IdText, MoneyText, TimeText};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuggestionsQuery {
    /// For whom; a key of an organization may leave it out.
    pub organization: Option<IdText>,
    /// The first day, such as `2026-01-05`; without it the days end with today. Days are of UTC.
    pub from: Option<String>,
    /// How many days, 1 to 366; 30 when none is given.
    pub days: Option<i64>,
    /// `json` or `csv`; `Accept: text/csv` asks for the same.
    pub format: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct SuggestionsOut {
    pub from: TimeText,
    pub until: TimeText,
    pub as_of: TimeText,
    /// The largest saving first.
    pub rows: Vec<SuggestionOut>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct SuggestionOut {
    /// `under_used`: less than 20 % of its paid time was busy; blocks in which it served no request
    /// at all, or its idle time where time accrues, need not be paid.
    /// `right_size`: it is under-used, and a smaller SKU costs less. `quantize`: a SKU for the same
    /// in a smaller format costs less. `pause_nights` (22 to 6 o'clock, Monday to Friday) and
    /// `pause_weekends`: it ran then and served no request. `commit`: paying its SKU ahead for all
    /// of these days at the reserved price costs less.
    pub advice: &'static str,
    pub resource: IdText,
    pub name: String,
    /// The code of what it is sold as.
    pub sku: String,
    /// The code of what would do instead.
    pub alternative: Option<String>,
    /// What it cost in these days.
    pub cost: MoneyText,
    /// What it would have cost.
    pub instead: MoneyText,
    pub saves: MoneyText,
    /// At least so many percent of the cost.
    pub saves_percent: i64,
    pub paid_milliseconds: i64,
    pub busy_milliseconds: i64,
    pub busy_percent: i64,
}

impl SuggestionOut {
    fn of(rows: &UsedRows, row: &Suggestion) -> SuggestionOut {
        SuggestionOut {
            advice: row.advice.name(),
            resource: IdText::new(Kind::Resource, rows.wallet.org, row.resource),
            name: name_of(rows, row),
            sku: code_of(rows, row.sku),
            alternative: alternative_of(rows, row),
            cost: row.cost.into(),
            instead: row.instead.into(),
            saves: row.saves.into(),
            saves_percent: row.saves_percent,
            paid_milliseconds: row.paid_milliseconds,
            busy_milliseconds: row.busy_milliseconds,
            busy_percent: row.busy_percent,
        }
    }
}

fn name_of(rows: &UsedRows, row: &Suggestion) -> String {
    rows.resources.get(&row.resource).map(|row| row.name.clone()).unwrap_or_default()
}

fn code_of(rows: &UsedRows, sku: i64) -> String {
    rows.book.sku(sku).map(|sku| sku.code.clone()).unwrap_or_default()
}

fn alternative_of(rows: &UsedRows, row: &Suggestion) -> Option<String> {
    match row.advice {
        Advice::Replace { sku, .. } => Some(code_of(rows, sku)),
        Advice::UnderUsed | Advice::Commit | Advice::Pause(_) => None,
    }
}

fn csv(rows: &UsedRows, found: &[Suggestion]) -> String {
    let mut table = String::new();
    let head = [
        "advice",
        "resource",
        "name",
        "sku",
        "alternative",
        "cost",
        "instead",
        "saves",
        "saves_percent",
        "paid_milliseconds",
        "busy_milliseconds",
        "busy_percent",
    ];
    line(&mut table, &head.map(Cell::Text));
    for row in found {
        let (name, sku) = (name_of(rows, row), code_of(rows, row.sku));
        let alternative = alternative_of(rows, row).unwrap_or_default();
        let cells = [
            Cell::Text(row.advice.name()),
            Cell::Plain(Id::new(Kind::Resource, rows.wallet.org, row.resource).to_string()),
            Cell::Text(&name),
            Cell::Text(&sku),
            Cell::Text(&alternative),
            Cell::Plain(row.cost.to_string()),
            Cell::Plain(row.instead.to_string()),
            Cell::Plain(row.saves.to_string()),
            Cell::Plain(row.saves_percent.to_string()),
            Cell::Plain(row.paid_milliseconds.to_string()),
            Cell::Plain(row.busy_milliseconds.to_string()),
            Cell::Plain(row.busy_percent.to_string()),
        ];
        line(&mut table, &cells);
    }
    table
}

/// Reports what could be cheaper.
///
/// Errors, in order: `malformed`, `parameter_invalid`, `not_found`.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: SuggestionsQuery = call.query()?;
    let is_csv = call.wants_csv(query.format.as_deref())?;
    let home = call.organization(query.organization.as_ref()).await?;
    let rows = rows(&call, home.org, query.from.as_deref(), query.days).await?;
    let found = suggestions_of(&rows);
    if is_csv {
        return Ok(Reply::csv(csv(&rows, &found)));
    }
    let out = SuggestionsOut {
        from: rows.days.start().into(),
        until: rows.days.end().into(),
        as_of: rows.now.into(),
        rows: found.iter().map(|row| SuggestionOut::of(&rows, row)).collect(),
    };
    Reply::json(200, &out)
}
