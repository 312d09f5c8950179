//! Dormant balances: who has paid credit and has been silent for long (requirements N26).

use domain::dormancy::DAYS_MAX;
use domain::wallet::Wallet;
use domain::{Id, Kind, OrgId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::read::operator::{DormantRow, dormant_page};

use crate::csv::{Cell, line};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::{List, Page, ROWS_MAX, encode};
use crate::wire::{IdText, MoneyText, TimeText};

/// A year.
const DAYS: i64 = 365;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DormantQuery {
    /// Whose customers; only the operator has to say.
    pub platform: Option<IdText>,
    /// Silence of at least so many days of 24 hours, 0 to 36525; 365 when none is given.
    pub days: Option<i64>,
    /// Rows of the page, 1 to 100; 20 when none is given. A page may have fewer although there are
    /// more.
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// `json`, or `csv` for all pages in one table; `Accept: text/csv` asks for the same.
    pub format: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct DormantOut {
    pub organization: IdText,
    pub wallet: IdText,
    /// When the customer last paid or used something, or when the organization was made.
    pub active_at: TimeText,
    /// What is left of purchases.
    pub paid: MoneyText,
    /// What is left of what was given.
    pub promotional: MoneyText,
    /// When the organization was closed; value may have come back to it since.
    pub closed_at: Option<TimeText>,
}

impl DormantOut {
    fn of(row: &DormantRow) -> DormantOut {
        DormantOut {
            organization: IdText::organization(row.org),
            wallet: IdText::new(Kind::Wallet, row.org, Wallet::NUMBER),
            active_at: row.dormant.active_at.into(),
            paid: row.dormant.paid.into(),
            promotional: row.dormant.promotional.into(),
            closed_at: row.closed_at.map(TimeText::from),
        }
    }
}

/// Lists dormant balances, by id of the organization.
///
/// Errors, in order: `malformed`, `parameter_invalid`, `not_found`.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: DormantQuery = call.query()?;
    let is_csv = call.wants_csv(query.format.as_deref())?;
    let platform = call.platform(query.platform.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let days = query.days.unwrap_or(DAYS);
    if !(0..=DAYS_MAX).contains(&days) {
        return Err(Fault::param("days", format!("must be between 0 and {DAYS_MAX}")));
    }
    let mut snapshot = call.snapshot().await?;
    let row = store::read::access::platform(&mut snapshot, platform).await?;
    let now = call.web.now_at(row.and_then(|row| row.clock));
    let mut above = OrgId::from_stored(page.above());
    if !is_csv {
        let rows_max = usize::try_from(page.rows).unwrap_or(1);
        let (rows, next) =
            dormant_page(&mut snapshot, platform, (days, now), above, rows_max).await?;
        let data = rows.iter().map(DormantOut::of).collect();
        let next_cursor = next.map(|org| encode(org.get(), 0));
        return Reply::json(200, &List { data, has_more: next.is_some(), next_cursor });
    }
    let mut table = String::new();
    let names = ["organization", "active_at", "paid", "promotional", "closed_at"];
    line(&mut table, &names.map(Cell::Text));
    let rows_max = usize::try_from(ROWS_MAX).unwrap_or(1);
    loop {
        let (rows, next) =
            dormant_page(&mut snapshot, platform, (days, now), above, rows_max).await?;
        rows.iter().for_each(|row| write(&mut table, row));
        match next {
            Some(last) => above = last,
            None => return Ok(Reply::csv(table)),
        }
    }
}

fn write(table: &mut String, row: &DormantRow) {
    let cells = [
        Cell::Plain(Id::new(Kind::Organization, row.org, 0).to_string()),
        Cell::Plain(row.dormant.active_at.to_string()),
        Cell::Plain(row.dormant.paid.to_string()),
        Cell::Plain(row.dormant.promotional.to_string()),
        Cell::Plain(row.closed_at.map(|at| at.to_string()).unwrap_or_default()),
    ];
    line(table, &cells);
}
