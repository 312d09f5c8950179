//! API keys: a revoked one is kept, because it still names who acted.

use domain::OrgId;
use domain::workset::{ApiKey, Key, Role};

use crate::error::StoreError;
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, NUMBER, Noun, ORG};
use crate::statement::{Action, Bulk, Kind, Load, catalogue};
use crate::writer::Writer;

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    NUMBER,
    ("name", Kind::Text),
    ("hash", Kind::Blob),
    ("role", Kind::Text),
    ("created_at", Kind::Int),
    ("revoked_at", Kind::Int),
];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "api_keys", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("api_keys", 3, COLUMNS, "");
    /// Finds those of organizations that are not revoked.
    FIND_UNREVOKED: Load = Load::by("api_keys", &[BUCKET, ORG], COLUMNS, "revoked_at IS NULL");
}

impl Noun for ApiKey {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, ApiKey>) -> Columns<'_, ApiKey> {
        columns
            .text(|key| &key.name)
            .blob(|key| &key.hash)
            .text(|key| key.role.name())
            .time(|key| key.created_at)
            .opt_time(|key| key.revoked_at)
    }

    fn read(number: i64, fields: &mut Fields<'_>) -> Result<ApiKey, StoreError> {
        Ok(ApiKey {
            number,
            name: fields.text()?,
            hash: fields.blob()?,
            role: fields.parsed(Role::from_name)?,
            created_at: fields.time()?,
            revoked_at: fields.opt_time()?,
        })
    }
}

/// The rows at `keys`, in no promised order; those that are not there are left out.
pub fn load(w: &mut Writer, keys: &[Key]) -> Result<Vec<Keyed<ApiKey>>, StoreError> {
    noun::load(w, keys)
}

/// Those of `orgs` that are not revoked.
pub fn load_unrevoked(w: &mut Writer, orgs: &[OrgId]) -> Result<Vec<Keyed<ApiKey>>, StoreError> {
    noun::load_of(w, &FIND_UNREVOKED, orgs)
}
