//! Series of documents: the last number that each has given.

use domain::OrgId;
use domain::document::{DocumentKind, Series};

use crate::error::StoreError;
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, NUMBER, Noun, ORG};
use crate::statement::{Action, Bulk, Kind, Load, catalogue};
use crate::writer::Writer;

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    NUMBER,
    ("entity", Kind::Text),
    ("kind", Kind::Small),
    ("year", Kind::Int),
    ("last", Kind::Int),
    ("last_issued_at", Kind::Int),
];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "document_series", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("document_series", 3, COLUMNS, "");
    /// Finds the rows of a platform: a few for each year.
    FIND_OF: Load = Load::rows("document_series", 2, COLUMNS, "");
}

impl Noun for Series {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, Series>) -> Columns<'_, Series> {
        columns
            .text(|series| &series.entity)
            .int(|series| series.kind.code())
            .int(|series| series.year)
            .int(|series| series.last)
            .time(|series| series.last_issued_at)
    }

    fn read(number: i64, fields: &mut Fields<'_>) -> Result<Series, StoreError> {
        Ok(Series {
            number,
            entity: fields.text()?,
            kind: fields.code(DocumentKind::from_code)?,
            year: fields.int()?,
            last: fields.int()?,
            last_issued_at: fields.time()?,
        })
    }
}

/// All series of these platforms.
pub fn load_of(w: &mut Writer, platforms: &[OrgId]) -> Result<Vec<Keyed<Series>>, StoreError> {
    noun::load_of(w, &FIND_OF, platforms)
}
