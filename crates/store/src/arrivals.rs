//! Arrivals: money that came and is not what was asked for.

use domain::Amount;
use domain::arrival::{Arrival, ArrivalReason, ArrivalState};
use domain::workset::Key;

use crate::deposits::{conversion_of, conversion_text};
use crate::error::StoreError;
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, NUMBER, Noun, ORG};
use crate::statement::{Action, Bulk, Kind, Load, catalogue};
use crate::value::Column;
use crate::writer::Writer;

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    NUMBER,
    ("deposit", Kind::Int),
    ("amount", Kind::Int),
    ("rail", Kind::Text),
    ("external", Kind::Text),
    ("reason", Kind::Small),
    ("state", Kind::Small),
    ("became", Kind::Int),
    ("fee", Kind::Int),
    ("conversion", Kind::Text),
    ("note", Kind::Text),
    ("paid_at", Kind::Int),
    ("created_at", Kind::Int),
    ("decided_at", Kind::Int),
];
const OF_DEPOSIT: &[(&str, Kind)] = &[BUCKET, ORG, ("deposit", Kind::Int)];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "arrivals", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("arrivals", 3, COLUMNS, "");
    /// Finds rows by the deposits that they were paid for.
    FIND_OF_DEPOSIT: Load = Load::by("arrivals", OF_DEPOSIT, COLUMNS, "");
}

impl Noun for Arrival {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, Arrival>) -> Columns<'_, Arrival> {
        columns
            .int(|arrival| arrival.deposit)
            .amount(|arrival| arrival.amount)
            .text(|arrival| &arrival.rail)
            .text(|arrival| &arrival.external)
            .int(|arrival| arrival.reason.code())
            .int(|arrival| arrival.state.code())
            .opt_int(|arrival| arrival.became)
            .opt_int(|arrival| arrival.fee.map(Amount::nanos))
            .made_text(|arrival| conversion_text(arrival.conversion.as_ref()))
            .text(|arrival| &arrival.note)
            .time(|arrival| arrival.paid_at)
            .time(|arrival| arrival.created_at)
            .opt_time(|arrival| arrival.decided_at)
    }

    fn read(number: i64, fields: &mut Fields<'_>) -> Result<Arrival, StoreError> {
        Ok(Arrival {
            number,
            deposit: fields.int()?,
            amount: fields.amount()?,
            rail: fields.text()?,
            external: fields.text()?,
            reason: fields.code(ArrivalReason::from_code)?,
            state: fields.code(ArrivalState::from_code)?,
            became: fields.opt_int()?,
            fee: fields.opt_amount()?,
            conversion: fields.parsed(conversion_of)?,
            note: fields.text()?,
            paid_at: fields.time()?,
            created_at: fields.time()?,
            decided_at: fields.opt_time()?,
        })
    }
}

/// The rows at `keys`, in no promised order; those that are not there are left out.
pub fn load(w: &mut Writer, keys: &[Key]) -> Result<Vec<Keyed<Arrival>>, StoreError> {
    noun::load(w, keys)
}

/// The rows that were paid for these deposits.
pub fn load_of_deposits(w: &mut Writer, keys: &[Key]) -> Result<Vec<Keyed<Arrival>>, StoreError> {
    let mut columns = noun::org_columns(keys.iter().map(|key| key.0));
    columns.push(Column::Int(keys.iter().map(|key| key.1).collect()));
    noun::read_all(&w.load(&FIND_OF_DEPOSIT, &columns)?)
}
