//! Limits, each with what counts against it in its present window.

use domain::limit::{Limit, LimitScope, LimitWindow};
use domain::meter::{Meter, Meters};
use domain::scope::Cover;
use domain::workset::Key;
use domain::{OrgId, Timestamp};

use crate::error::StoreError;
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, NUMBER, Noun, ORG};
use crate::statement::{Action, Bulk, Kind, Load, catalogue};
use crate::writer::Writer;

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    NUMBER,
    ("scope", Kind::Small),
    ("value", Kind::Text),
    ("period", Kind::Small),
    ("cap", Kind::Int),
    ("set_at", Kind::Int),
    ("set_after", Kind::Int),
    ("removed_at", Kind::Int),
    ("since", Kind::Int),
    ("resets_at", Kind::Int),
    ("charged", Kind::Int),
    ("held", Kind::Int),
    ("accrued_until", Kind::Int),
    ("meters", Kind::Text),
    ("stoppable", Kind::Int),
    ("is_reached", Kind::Small),
];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "limits", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("limits", 3, COLUMNS, "");
    /// Finds the rows of organizations that were not removed.
    FIND_PRESENT: Load = Load::by("limits", &[BUCKET, ORG], COLUMNS, "removed_at IS NULL");
}

impl Noun for Limit {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, Limit>) -> Columns<'_, Limit> {
        columns
            .int(|limit| limit.scope.code())
            .text(|limit| limit.scope.value())
            .int(|limit| limit.window.code())
            .amount(|limit| limit.cap)
            .time(|limit| limit.set_at)
            .int(|limit| limit.set_after)
            .opt_time(|limit| limit.removed_at)
            .time(|limit| limit.since)
            .time(|limit| limit.resets_at)
            .amount(|limit| limit.charged)
            .amount(|limit| limit.held)
            .time(|limit| limit.time.accrued_until)
            .made_text(|limit| meters(&limit.time.meters))
            .int(|limit| limit.stoppable_count)
            .int(|limit| i64::from(limit.is_reached))
    }

    fn read(number: i64, fields: &mut Fields<'_>) -> Result<Limit, StoreError> {
        let (code, value) = (fields.int()?, fields.text()?);
        let unknown = || StoreError::Corrupt(format!("limit {number} is of scope {code}"));
        let scope = LimitScope::from_code(code, value).ok_or_else(unknown)?;
        Ok(Limit {
            number,
            scope,
            window: fields.code(LimitWindow::from_code)?,
            cap: fields.amount()?,
            set_at: fields.time()?,
            set_after: fields.int()?,
            removed_at: fields.opt_time()?,
            since: fields.time()?,
            resets_at: fields.time()?,
            charged: fields.amount()?,
            held: fields.amount()?,
            time: meters_of(fields)?,
            stoppable_count: fields.int()?,
            is_reached: fields.int()? != 0,
        })
    }
}

/// `per_units:rate:sum` joined by `,`; nothing here is ever posted.
fn meters(meters: &[Meter]) -> String {
    let text = |meter: &Meter| format!("{}:{}:{}", meter.per_units, meter.rate, meter.sum);
    meters.iter().map(text).collect::<Vec<_>>().join(",")
}

fn meters_of(fields: &mut Fields<'_>) -> Result<Meters, StoreError> {
    let accrued_until: Timestamp = fields.time()?;
    let meter = |part: &str| {
        let mut parts = part.split(':');
        let meter = Meter {
            per_units: parts.next()?.parse().ok()?,
            rate: parts.next()?.parse().ok()?,
            sum: parts.next()?.parse().ok()?,
            posted: 0,
            cover: Cover::NONE,
        };
        parts.next().is_none().then_some(meter)
    };
    let all = |text: &str| {
        text.split(',').filter(|part| !part.is_empty()).map(meter).collect::<Option<Vec<Meter>>>()
    };
    Ok(Meters { meters: fields.parsed(all)?, accrued_until })
}

/// The rows at `keys`, in no promised order; those that are not there are left out.
pub fn load(w: &mut Writer, keys: &[Key]) -> Result<Vec<Keyed<Limit>>, StoreError> {
    noun::load(w, keys)
}

/// The limits that `orgs` have now.
pub fn load_present(w: &mut Writer, orgs: &[OrgId]) -> Result<Vec<Keyed<Limit>>, StoreError> {
    noun::load_of(w, &FIND_PRESENT, orgs)
}
