//! Sets of labels that organizations have used: rows that never change, found by fingerprint when
//! an event comes, and by number when a row of the journal names one.

use domain::label::{LabelSet, Labels};
use domain::workset::Key;

use crate::error::StoreError;
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, NUMBER, Noun, ORG};
use crate::statement::{Action, Bulk, Kind, Load, catalogue};
use crate::value::Column;
use crate::writer::Writer;

/// The fingerprint stands where other rows have their number: it is the key.
const COLUMNS: &[(&str, Kind)] =
    &[BUCKET, ORG, ("fingerprint", Kind::Int), NUMBER, ("labels", Kind::Text)];
const NUMBERED: &[(&str, Kind)] = &[BUCKET, ORG, NUMBER];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Insert, "label_sets", 3, COLUMNS);
    /// Finds rows by fingerprint.
    FIND: Load = Load::rows("label_sets", 3, COLUMNS, "");
    /// Finds rows by number.
    FIND_NUMBERED: Load = Load::by("label_sets", NUMBERED, COLUMNS, "");
}

impl Noun for LabelSet {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, LabelSet>) -> Columns<'_, LabelSet> {
        columns.int(|set| set.number).text(|set| set.labels.text())
    }

    fn read(_: i64, fields: &mut Fields<'_>) -> Result<LabelSet, StoreError> {
        Ok(LabelSet { number: fields.int()?, labels: fields.parsed(Labels::from_text)? })
    }
}

/// The rows with these numbers, in no promised order; those that are not there are left out.
pub fn load_numbered(w: &mut Writer, keys: &[Key]) -> Result<Vec<Keyed<LabelSet>>, StoreError> {
    let mut columns = noun::org_columns(keys.iter().map(|key| key.0));
    columns.push(Column::Int(keys.iter().map(|key| key.1).collect()));
    noun::read_all(&w.load(&FIND_NUMBERED, &columns)?)
}

/// The rows at `keys`, organization and fingerprint, in no promised order; those that are not there
/// are left out.
pub fn load(w: &mut Writer, keys: &[Key]) -> Result<Vec<Keyed<LabelSet>>, StoreError> {
    noun::load(w, keys)
}
