//! Holds, with the parts of grants that they have set aside.

use std::fmt::Write;

use domain::grant::Posting;
use domain::hold::{Hold, HoldState};
use domain::workset::Key;
use domain::{Amount, OrgId};

use crate::error::StoreError;
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, NUMBER, Noun, ORG};
use crate::statement::{Action, Bulk, Kind, Load, catalogue};
use crate::writer::Writer;

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    NUMBER,
    ("amount", Kind::Int),
    ("captured", Kind::Int),
    ("state", Kind::Small),
    ("parts", Kind::Text),
    ("note", Kind::Text),
    ("labels", Kind::Int),
    ("created_at", Kind::Int),
    ("expires_at", Kind::Int),
    ("resolved_at", Kind::Int),
    ("sku", Kind::Int),
];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "holds", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("holds", 3, COLUMNS, "");
    /// Finds the open holds of organizations; 1 is the code of an open hold.
    FIND_OPEN: Load = Load::by("holds", &[BUCKET, ORG], COLUMNS, "state = 1");
}

impl Noun for Hold {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, Hold>) -> Columns<'_, Hold> {
        columns
            .amount(|hold| hold.amount)
            .opt_int(|hold| hold.captured.map(Amount::nanos))
            .int(|hold| hold.state.code())
            .made_text(|hold| parts(&hold.parts))
            .text(|hold| &hold.note)
            .opt_int(|hold| Some(hold.labels).filter(|&labels| labels != 0))
            .time(|hold| hold.created_at)
            .time(|hold| hold.expires_at)
            .opt_time(|hold| hold.resolved_at)
            .opt_int(|hold| hold.sku)
    }

    fn read(number: i64, fields: &mut Fields<'_>) -> Result<Hold, StoreError> {
        Ok(Hold {
            number,
            amount: fields.amount()?,
            captured: fields.opt_amount()?,
            state: fields.code(HoldState::from_code)?,
            parts: fields.parsed(parts_of)?,
            note: fields.text()?,
            labels: fields.opt_int()?.unwrap_or(0),
            created_at: fields.time()?,
            expires_at: fields.time()?,
            resolved_at: fields.opt_time()?,
            sku: fields.opt_int()?,
        })
    }
}

/// The rows at `keys`, in no promised order; those that are not there are left out.
pub fn load(w: &mut Writer, keys: &[Key]) -> Result<Vec<Keyed<Hold>>, StoreError> {
    noun::load(w, keys)
}

/// The holds of `orgs` that are open, in no promised order.
pub fn load_open(w: &mut Writer, orgs: &[OrgId]) -> Result<Vec<Keyed<Hold>>, StoreError> {
    noun::load_of(w, &FIND_OPEN, orgs)
}

/// `grant:nanos` joined by `,`.
pub(crate) fn parts(parts: &[Posting]) -> String {
    let mut text = String::new();
    for (at, part) in parts.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        // Writing to a string cannot fail.
        let _ = write!(text, "{comma}{}:{}", part.grant, part.change.nanos());
    }
    text
}

pub(crate) fn parts_of(text: &str) -> Option<Vec<Posting>> {
    let posting = |part: &str| {
        let (grant, nanos) = part.split_once(':')?;
        let change = Amount::from_nanos(nanos.parse().ok()?);
        Some(Posting { grant: grant.parse().ok()?, change })
    };
    text.split(',').filter(|part| !part.is_empty()).map(posting).collect()
}
