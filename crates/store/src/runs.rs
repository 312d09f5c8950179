//! Runs: written when they start and when they end, and never otherwise.

use domain::OrgId;
use domain::rate::Rate;
use domain::run::{ResourceClass, Run, StopReason};
use domain::workset::Key;

use crate::error::StoreError;
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, NUMBER, Noun, ORG};
use crate::statement::{Action, Bulk, Kind, Load, catalogue};
use crate::writer::Writer;

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    NUMBER,
    ("resource", Kind::Int),
    ("sku", Kind::Int),
    ("price", Kind::Int),
    ("amount", Kind::Int),
    ("per_units", Kind::Int),
    ("discount_bps", Kind::Small),
    ("class", Kind::Small),
    ("started_at", Kind::Int),
    ("stopped_at", Kind::Int),
    ("stop_reason", Kind::Small),
];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "runs", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("runs", 3, COLUMNS, "");
    /// Finds the open runs of organizations.
    FIND_OPEN: Load =
        Load::by("runs", &[BUCKET, ORG], COLUMNS, "stopped_at IS NULL");
}

impl Noun for Run {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, Run>) -> Columns<'_, Run> {
        columns
            .int(|run| run.resource)
            .int(|run| run.sku)
            .int(|run| run.price)
            .amount(|run| run.rate.list)
            .int(|run| run.rate.per_units)
            .int(|run| run.rate.discount_bps)
            .int(|run| run.class.code())
            .time(|run| run.started_at)
            .opt_time(|run| run.stopped_at)
            .opt_int(|run| run.stop_reason.map(StopReason::code))
    }

    fn read(number: i64, fields: &mut Fields<'_>) -> Result<Run, StoreError> {
        Ok(Run {
            number,
            resource: fields.int()?,
            sku: fields.int()?,
            price: fields.int()?,
            rate: Rate {
                list: fields.amount()?,
                per_units: fields.int()?,
                discount_bps: fields.int()?,
            },
            class: fields.code(ResourceClass::from_code)?,
            started_at: fields.time()?,
            stopped_at: fields.opt_time()?,
            stop_reason: fields.opt_code(StopReason::from_code)?,
        })
    }
}

/// The rows at `keys`, in no promised order; those that are not there are left out.
pub fn load(w: &mut Writer, keys: &[Key]) -> Result<Vec<Keyed<Run>>, StoreError> {
    noun::load(w, keys)
}

/// The runs of `orgs` that are open, in no promised order.
pub fn load_open(w: &mut Writer, orgs: &[OrgId]) -> Result<Vec<Keyed<Run>>, StoreError> {
    noun::load_of(w, &FIND_OPEN, orgs)
}
