//! What operators read of all organizations of a platform.

use std::str::FromStr;

use domain::dormancy::Dormant;
use domain::operator_report::{Line, Report};
use domain::roll_forward::Month;
use domain::{Amount, Id, Kind, OrgId};
use serde_json::Value;

use super::{HttpLayer, amount, broken, id, text, time};
use crate::scenario::layer::Failure;

fn org_of(row: &Value) -> Result<OrgId, Failure> {
    let id = text(row, "organization")?;
    Id::from_str(id).map(|id| id.org).map_err(|_| broken(format!("{id} is no id")))
}

/// Page by page, two rows at once, so that going on is tried as well.
pub(super) fn dormant(
    layer: &mut HttpLayer,
    platform: OrgId,
    days: i64,
) -> Result<Vec<(OrgId, Dormant)>, Failure> {
    let platform = id(Kind::Platform, platform, 0);
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let query = format!("platform={platform}&days={days}&limit=2{cursor}");
        let page = layer.get(&format!("/v1/reports/dormant_balances?{query}"))?;
        for row in page["data"].as_array().into_iter().flatten() {
            let dormant = Dormant {
                active_at: time(row, "active_at")?,
                paid: amount(row, "paid")?,
                promotional: amount(row, "promotional")?,
            };
            rows.push((org_of(row)?, dormant));
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(rows),
        }
    }
}

pub(super) fn report(
    layer: &mut HttpLayer,
    platform: OrgId,
    report: Report,
    since: Month,
) -> Result<Vec<Line>, Failure> {
    let platform = id(Kind::Platform, platform, 0);
    let start = since.start.to_string();
    let (name, since) = (report.name(), start.get(..7).unwrap_or_default());
    let out = layer.get(&format!("/v1/reports/{name}?platform={platform}&since={since}"))?;
    let columns = report.columns();
    let amounts = |of: &Value| columns.iter().map(|name| amount(of, name)).collect();
    let rows = out["rows"].as_array().into_iter().flatten();
    let lines = rows.map(|row| {
        let amounts: Result<Vec<Amount>, Failure> = amounts(&row["amounts"]);
        Ok(Line { org: org_of(row)?, group: text(row, "group")?.to_owned(), amounts: amounts? })
    });
    lines.collect()
}
