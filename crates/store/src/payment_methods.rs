//! Saved ways to pay.

use domain::deposit::{Behaviour, PaymentMethod};
use domain::workset::Key;

use crate::error::StoreError;
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, NUMBER, Noun, ORG};
use crate::statement::{Action, Bulk, Kind, Load, catalogue};
use crate::writer::Writer;

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    NUMBER,
    ("rail", Kind::Text),
    ("behaviour", Kind::Small),
    ("label", Kind::Text),
    ("created_at", Kind::Int),
];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "payment_methods", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("payment_methods", 3, COLUMNS, "");
}

impl Noun for PaymentMethod {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, PaymentMethod>) -> Columns<'_, PaymentMethod> {
        columns
            .text(|method| &method.rail)
            .int(|method| method.behaviour.code())
            .text(|method| &method.label)
            .time(|method| method.created_at)
    }

    fn read(number: i64, fields: &mut Fields<'_>) -> Result<PaymentMethod, StoreError> {
        Ok(PaymentMethod {
            number,
            rail: fields.text()?,
            behaviour: fields.code(Behaviour::from_code)?,
            label: fields.text()?,
            created_at: fields.time()?,
        })
    }
}

/// The rows at `keys`, in no promised order; those that are not there are left out.
pub fn load(w: &mut Writer, keys: &[Key]) -> Result<Vec<Keyed<PaymentMethod>>, StoreError> {
    noun::load(w, keys)
}
