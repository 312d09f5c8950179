//! The roll-forward of deferred revenue, for the operator's books.
//!
//! Law: for each kind of grant, opening and changes add up to closing (requirements N23).

use std::collections::BTreeMap;

use domain::roll_forward::{Line, Month, Movement, RollForward};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::read::reports::{NotRolled, roll_forward};

use crate::csv::{Cell, line};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::wire::{IdText, MoneyText, TimeText};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollForwardQuery {
    /// Whose books; only the operator has to say.
    pub platform: Option<IdText>,
    /// Such as `2026-01`; the present one when none is given. Months are of UTC.
    pub month: Option<String>,
    /// `json` or `csv`; `Accept: text/csv` asks for the same.
    pub format: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct RollForwardOut {
    pub from: TimeText,
    pub until: TimeText,
    /// One for each kind of grant.
    pub rows: Vec<RollForwardRow>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct RollForwardRow {
    /// `purchased`, `promotional` or `bonus`.
    pub kind: String,
    /// What was unspent when the month began.
    pub opening: MoneyText,
    /// `purchased`, `given`, `drawn` (without tax), `taxed`, `restored`, `expired`, `voided`,
    /// `refunded`, `disputed` and `offset` (paid debt); what is used or lost is negative.
    pub changes: BTreeMap<String, MoneyText>,
    /// What was unspent when it ended, or is now.
    pub closing: MoneyText,
}

impl RollForwardOut {
    fn of(report: &RollForward) -> RollForwardOut {
        RollForwardOut {
            from: report.month.start.into(),
            until: report.month.end.into(),
            rows: report.lines.iter().map(RollForwardRow::of).collect(),
        }
    }
}

impl RollForwardRow {
    fn of(line: &Line) -> RollForwardRow {
        let changes = Movement::ALL.into_iter().zip(line.changes);
        RollForwardRow {
            kind: line.kind.name().to_owned(),
            opening: line.opening.into(),
            changes: changes
                .map(|(movement, change)| (movement.name().to_owned(), change.into()))
                .collect(),
            closing: line.closing.into(),
        }
    }
}

fn csv(report: &RollForward) -> String {
    let mut table = String::new();
    let mut head = vec![Cell::Text("kind"), Cell::Text("opening")];
    head.extend(Movement::ALL.map(|movement| Cell::Text(movement.name())));
    head.push(Cell::Text("closing"));
    line(&mut table, &head);
    for row in &report.lines {
        let mut cells = vec![Cell::Text(row.kind.name()), Cell::Plain(row.opening.to_string())];
        cells.extend(row.changes.iter().map(|change| Cell::Plain(change.to_string())));
        cells.push(Cell::Plain(row.closing.to_string()));
        line(&mut table, &cells);
    }
    table
}

/// Reports one month of a platform.
///
/// Errors, in order: `malformed`, `parameter_invalid`, `not_found`, `parameter_invalid` (too much).
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let query: RollForwardQuery = call.query()?;
    let is_csv = call.wants_csv(query.format.as_deref())?;
    let platform = call.platform(query.platform.as_ref()).await?;
    let mut snapshot = call.snapshot().await?;
    let month = match &query.month {
        Some(text) => Month::parse(text),
        None => {
            let row = store::read::access::platform(&mut snapshot, platform).await?;
            Month::of(call.web.now_at(row.and_then(|row| row.clock)))
        }
    };
    let month = month.ok_or_else(|| Fault::param("month", "not a month such as 2026-01"))?;
    let report =
        roll_forward(&mut snapshot, platform, month).await.map_err(|error| match error {
            NotRolled::TooMuch => {
                Fault::param("month", "too much has happened since: ask later ones")
            }
            NotRolled::OutOfRange => {
                Fault::param("month", "a sum is beyond the range of an amount")
            }
            NotRolled::Store(error) => Fault::from(error),
        })?;
    if is_csv {
        return Ok(Reply::csv(csv(&report)));
    }
    Reply::json(200, &RollForwardOut::of(&report))
}
