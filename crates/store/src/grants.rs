//! Grants as they were given: rows that never change, but for being voided.

use std::sync::Arc;

use domain::Timestamp;
use domain::grant::{Grant, GrantKind};
use domain::scope::Scope;
use domain::workset::Key;

use crate::error::StoreError;
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, NUMBER, Noun, ORG};
use crate::statement::{Action, Bulk, Kind, Load, catalogue};
use crate::writer::Writer;

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    NUMBER,
    ("kind", Kind::Small),
    ("amount", Kind::Int),
    ("priority", Kind::Small),
    ("expires_at", Kind::Int),
    ("purchase", Kind::Int),
    ("deposit", Kind::Int),
    ("note", Kind::Text),
    ("effective_at", Kind::Int),
    ("created_at", Kind::Int),
    ("voided_at", Kind::Int),
    ("scope", Kind::Text),
];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "grants", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("grants", 3, COLUMNS, "");
}

impl Noun for Grant {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, Grant>) -> Columns<'_, Grant> {
        columns
            .int(|grant| grant.kind.code())
            .amount(|grant| grant.amount)
            .int(|grant| grant.priority)
            .opt_time(|grant| noun::unless_never(grant.expires_at))
            .opt_int(|grant| grant.purchase)
            .opt_int(|grant| grant.deposit)
            .text(|grant| &grant.note)
            .time(|grant| grant.effective_at)
            .time(|grant| grant.created_at)
            .opt_time(|grant| grant.voided_at)
            .made_text(|grant| grant.scope.as_ref().map_or_else(String::new, |it| it.to_text()))
    }

    fn read(number: i64, fields: &mut Fields<'_>) -> Result<Grant, StoreError> {
        Ok(Grant {
            number,
            kind: fields.code(GrantKind::from_code)?,
            amount: fields.amount()?,
            priority: fields.int()?,
            expires_at: fields.opt_time()?.unwrap_or(Timestamp::NEVER),
            purchase: fields.opt_int()?,
            deposit: fields.opt_int()?,
            note: fields.text()?,
            effective_at: fields.time()?,
            created_at: fields.time()?,
            voided_at: fields.opt_time()?,
            scope: fields.parsed(scope_of)?,
        })
    }
}

/// The scope that a text says; an empty one says that there is none.
fn scope_of(text: &str) -> Option<Option<Arc<Scope>>> {
    match text {
        "" => Some(None),
        text => Scope::from_text(text).map(|scope| Some(Arc::new(scope))),
    }
}

/// The rows at `keys`, in no promised order; those that are not there are left out.
pub fn load(w: &mut Writer, keys: &[Key]) -> Result<Vec<Keyed<Grant>>, StoreError> {
    noun::load(w, keys)
}
