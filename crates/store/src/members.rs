//! Members of organizations, and their names in rows of their own, so that a name can be erased and
//! everything that names a member by number stays (rulings A13).

use domain::OrgId;
use domain::member::{Member, MemberName, MemberRole};
use domain::workset::Key;

use crate::error::StoreError;
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, NUMBER, Noun, ORG};
use crate::statement::{Action, Bulk, Kind, Load, catalogue};
use crate::writer::Writer;

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    NUMBER,
    ("role", Kind::Small),
    ("created_at", Kind::Int),
    ("removed_at", Kind::Int),
];
const NAMES: &[(&str, Kind)] = &[BUCKET, ORG, NUMBER, ("name", Kind::Text)];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "members", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("members", 3, COLUMNS, "");
    /// Finds the rows of organizations.
    FIND_ALL: Load = Load::by("members", &[BUCKET, ORG], COLUMNS, "");
    /// Writes names.
    SAVE_NAMES: Bulk = Bulk::new(Action::Upsert, "member_names", 3, NAMES);
    /// Finds names.
    FIND_NAMES: Load = Load::rows("member_names", 3, NAMES, "");
    /// Finds the names of organizations.
    FIND_ALL_NAMES: Load = Load::by("member_names", &[BUCKET, ORG], NAMES, "");
}

impl Noun for Member {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, Member>) -> Columns<'_, Member> {
        columns
            .int(|member| member.role.code())
            .time(|member| member.created_at)
            .opt_time(|member| member.removed_at)
    }

    fn read(number: i64, fields: &mut Fields<'_>) -> Result<Member, StoreError> {
        Ok(Member {
            number,
            role: fields.code(MemberRole::from_code)?,
            created_at: fields.time()?,
            removed_at: fields.opt_time()?,
        })
    }
}

impl Noun for MemberName {
    fn find() -> &'static Load {
        &FIND_NAMES
    }

    fn write(columns: Columns<'_, MemberName>) -> Columns<'_, MemberName> {
        columns.text(|name| &name.0)
    }

    fn read(_: i64, fields: &mut Fields<'_>) -> Result<MemberName, StoreError> {
        Ok(MemberName(fields.text()?))
    }
}

/// The rows at `keys`, in no promised order; those that are not there are left out.
pub fn load(w: &mut Writer, keys: &[Key]) -> Result<Vec<Keyed<Member>>, StoreError> {
    noun::load(w, keys)
}

/// Every member of `orgs`, with those who were removed.
pub fn load_all(w: &mut Writer, orgs: &[OrgId]) -> Result<Vec<Keyed<Member>>, StoreError> {
    noun::load_of(w, &FIND_ALL, orgs)
}

/// What all members of `orgs` are called.
pub fn load_names(w: &mut Writer, orgs: &[OrgId]) -> Result<Vec<Keyed<MemberName>>, StoreError> {
    noun::load_of(w, &FIND_ALL_NAMES, orgs)
}
