//! Documents, in the bucket of the platform that issues them.
//!
//! *Invariant:* rows are inserted and read, and nothing else: a document never changes.

use domain::OrgId;
use domain::document::{About, Document, DocumentKind, Paid, Party};
use domain::tax::Tax;

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
    ("kind", Kind::Small),
    ("entity", Kind::Text),
    ("year", Kind::Int),
    ("place", Kind::Int),
    ("customer", Kind::Int),
    ("about_kind", Kind::Small),
    ("about", Kind::Int),
    ("issued_at", Kind::Int),
    ("seller_name", Kind::Text),
    ("seller_address", Kind::Text),
    ("seller_tax_id", Kind::Text),
    ("buyer_name", Kind::Text),
    ("buyer_address", Kind::Text),
    ("buyer_tax_id", Kind::Text),
    ("paid_by", Kind::Text),
    ("conversion", Kind::Text),
    ("net", Kind::Int),
    ("tax", Kind::Int),
    ("tax_bps", Kind::Int),
    ("corrects", Kind::Int),
];
const ABOUT: &[(&str, Kind)] =
    &[BUCKET, ORG, ("customer", Kind::Int), ("about_kind", Kind::Small), ("about", Kind::Int)];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Insert, "documents", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("documents", 3, COLUMNS, "");
    /// Finds rows by what they are about.
    FIND_ABOUT: Load = Load::by("documents", ABOUT, COLUMNS, "");
}

impl Noun for Document {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, Document>) -> Columns<'_, Document> {
        columns
            .int(|document| document.kind.code())
            .text(|document| &document.entity)
            .int(|document| document.year)
            .int(|document| document.place)
            .int(|document| document.customer.get())
            .int(|document| document.about.code())
            .int(|document| document.about.number())
            .time(|document| document.issued_at)
            .text(|document| &document.seller.name)
            .text(|document| &document.seller.address)
            .text(|document| &document.seller.tax_id)
            .text(|document| &document.buyer.name)
            .text(|document| &document.buyer.address)
            .text(|document| &document.buyer.tax_id)
            .text(|document| &document.paid.by)
            .made_text(|document| conversion_text(document.paid.conversion.as_ref()))
            .amount(|document| document.net)
            .amount(|document| document.tax.amount)
            .int(|document| document.tax.bps)
            .opt_int(|document| document.corrects)
    }

    fn read(number: i64, fields: &mut Fields<'_>) -> Result<Document, StoreError> {
        let kind = fields.code(DocumentKind::from_code)?;
        let (entity, year, place) = (fields.text()?, fields.int()?, fields.int()?);
        let customer = OrgId::from_stored(fields.int()?);
        let (about_kind, about) = (fields.int()?, fields.int()?);
        let unknown = || StoreError::Corrupt(format!("document {number} is about {about_kind}"));
        Ok(Document {
            number,
            kind,
            entity,
            year,
            place,
            customer,
            about: About::from_parts(about_kind, about).ok_or_else(unknown)?,
            issued_at: fields.time()?,
            seller: party(fields)?,
            buyer: party(fields)?,
            paid: Paid { by: fields.text()?, conversion: fields.parsed(conversion_of)? },
            net: fields.amount()?,
            tax: Tax { amount: fields.amount()?, bps: fields.int()? },
            corrects: fields.opt_int()?,
        })
    }
}

pub(crate) fn party(fields: &mut Fields<'_>) -> Result<Party, StoreError> {
    Ok(Party { name: fields.text()?, address: fields.text()?, tax_id: fields.text()? })
}

/// Documents by what they are about: platform, customer, subject.
pub fn load_about(
    w: &mut Writer,
    keys: &[(OrgId, OrgId, About)],
) -> Result<Vec<Keyed<Document>>, StoreError> {
    noun::read_all(&w.load(&FIND_ABOUT, &about_columns(keys))?)
}

pub(crate) fn about_columns(keys: &[(OrgId, OrgId, About)]) -> Vec<Column<'static>> {
    let mut columns = noun::org_columns(keys.iter().map(|key| key.0));
    columns.push(Column::Int(keys.iter().map(|key| key.1.get()).collect()));
    columns.push(Column::Int(keys.iter().map(|key| key.2.code()).collect()));
    columns.push(Column::Int(keys.iter().map(|key| key.2.number()).collect()));
    columns
}
