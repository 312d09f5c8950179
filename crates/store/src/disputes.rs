//! Disputes: payments that their payers contest, as their rails last told.

use domain::OrgId;
use domain::dispute::{Dispute, DisputeState};

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
    ("rail", Kind::Text),
    ("external", Kind::Text),
    ("state", Kind::Small),
    ("withdrawn", Kind::Int),
    ("withdrawn_tax", Kind::Int),
    ("taken", Kind::Text),
    ("voided", Kind::Text),
    ("freezes", Kind::Small),
    ("created_at", Kind::Int),
    ("decided_at", Kind::Int),
];
const REPORTED: &[(&str, Kind)] = &[BUCKET, ORG, ("rail", Kind::Text), ("external", Kind::Text)];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "disputes", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("disputes", 3, COLUMNS, "");
    /// Finds those of organizations that are not decided.
    FIND_UNDECIDED: Load = Load::by("disputes", &[BUCKET, ORG], COLUMNS, "decided_at IS NULL");
    /// Finds rows by the rail's own ids.
    FIND_REPORTED: Load = Load::by("disputes", REPORTED, COLUMNS, "");
}

impl Noun for Dispute {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, Dispute>) -> Columns<'_, Dispute> {
        columns
            .int(|dispute| dispute.deposit)
            .text(|dispute| &dispute.rail)
            .text(|dispute| &dispute.external)
            .int(|dispute| dispute.state.code())
            .amount(|dispute| dispute.withdrawn)
            .amount(|dispute| dispute.withdrawn_tax)
            .made_text(|dispute| parts(&dispute.taken))
            .made_text(|dispute| parts(&dispute.voided))
            .int(|dispute| i64::from(dispute.freezes))
            .time(|dispute| dispute.created_at)
            .opt_time(|dispute| dispute.decided_at)
    }

    fn read(number: i64, fields: &mut Fields<'_>) -> Result<Dispute, StoreError> {
        let flag = |code| (0..=1).contains(&code).then_some(code == 1);
        Ok(Dispute {
            number,
            deposit: fields.int()?,
            rail: fields.text()?,
            external: fields.text()?,
            state: fields.code(DisputeState::from_code)?,
            withdrawn: fields.amount()?,
            withdrawn_tax: fields.amount()?,
            taken: fields.parsed(parts_of)?,
            voided: fields.parsed(parts_of)?,
            freezes: fields.code(flag)?,
            created_at: fields.time()?,
            decided_at: fields.opt_time()?,
        })
    }
}

/// The rows with these ids of a rail: organization, rail, the rail's own id.
pub fn load_reported(
    w: &mut Writer,
    keys: &[(OrgId, String, String)],
) -> Result<Vec<Keyed<Dispute>>, StoreError> {
    noun::read_all(&w.load(&FIND_REPORTED, &noun::external_columns(keys))?)
}

/// Those of `orgs` that are not decided.
pub fn load_undecided(w: &mut Writer, orgs: &[OrgId]) -> Result<Vec<Keyed<Dispute>>, StoreError> {
    noun::load_of(w, &FIND_UNDECIDED, orgs)
}
