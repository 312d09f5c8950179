//! Refunds: money back out, in the state it has reached.

use domain::OrgId;
use domain::document::Documented;
use domain::refund::{Refund, RefundState};
use domain::tax::Tax;
use domain::workset::Key;

use crate::error::StoreError;
use crate::holds::{parts, parts_of};
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, NUMBER, Noun, ORG};
use crate::statement::{Action, Bulk, Kind, Load, catalogue};
use crate::writer::Writer;

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    NUMBER,
    ("deposit", Kind::Int),
    ("amount", Kind::Int),
    ("tax", Kind::Int),
    ("tax_bps", Kind::Int),
    ("rail", Kind::Text),
    ("external", Kind::Text),
    ("state", Kind::Small),
    ("taken", Kind::Text),
    ("voided", Kind::Text),
    ("documented", Kind::Small),
    ("reason", Kind::Text),
    ("created_at", Kind::Int),
    ("decided_at", Kind::Int),
];
const REPORTED: &[(&str, Kind)] = &[BUCKET, ORG, ("rail", Kind::Text), ("external", Kind::Text)];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "refunds", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("refunds", 3, COLUMNS, "");
    /// Finds those of organizations whose payment or documents are awaited.
    FIND_UNSETTLED: Load = Load::by(
        "refunds",
        &[BUCKET, ORG],
        COLUMNS,
        "(state = 1 OR documented = 1)"
    );
    /// Finds rows by the rail's own ids.
    FIND_REPORTED: Load = Load::by("refunds", REPORTED, COLUMNS, "");
}

impl Noun for Refund {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, Refund>) -> Columns<'_, Refund> {
        columns
            .int(|refund| refund.deposit)
            .amount(|refund| refund.amount)
            .amount(|refund| refund.tax.amount)
            .int(|refund| refund.tax.bps)
            .text(|refund| &refund.rail)
            .opt_text(|refund| refund.external.as_deref())
            .int(|refund| refund.state.code())
            .made_text(|refund| parts(&refund.taken))
            .made_text(|refund| parts(&refund.voided))
            .int(|refund| refund.documented.code())
            .text(|refund| &refund.reason)
            .time(|refund| refund.created_at)
            .opt_time(|refund| refund.decided_at)
    }

    fn read(number: i64, fields: &mut Fields<'_>) -> Result<Refund, StoreError> {
        Ok(Refund {
            number,
            deposit: fields.int()?,
            amount: fields.amount()?,
            tax: Tax { amount: fields.amount()?, bps: fields.int()? },
            rail: fields.text()?,
            external: fields.opt_text()?,
            state: fields.code(RefundState::from_code)?,
            taken: fields.parsed(parts_of)?,
            voided: fields.parsed(parts_of)?,
            documented: fields.code(Documented::from_code)?,
            reason: fields.text()?,
            created_at: fields.time()?,
            decided_at: fields.opt_time()?,
        })
    }
}

/// The rows at `keys`, in no promised order; those that are not there are left out.
pub fn load(w: &mut Writer, keys: &[Key]) -> Result<Vec<Keyed<Refund>>, StoreError> {
    noun::load(w, keys)
}

/// The rows with these ids of a rail: organization, rail, the rail's own id.
pub fn load_reported(
    w: &mut Writer,
    keys: &[(OrgId, String, String)],
) -> Result<Vec<Keyed<Refund>>, StoreError> {
    noun::read_all(&w.load(&FIND_REPORTED, &noun::external_columns(keys))?)
}

/// Those of `orgs` whose payment or documents are awaited.
pub fn load_unsettled(w: &mut Writer, orgs: &[OrgId]) -> Result<Vec<Keyed<Refund>>, StoreError> {
    noun::load_of(w, &FIND_UNSETTLED, orgs)
}
