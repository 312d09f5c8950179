//! Documents: receipts, invoices and credit notes, as they were issued. They are kept by the
//! platform and shown to whom they are about.

use app::jobs::issue_documents::invoice_of;
use domain::conversion::Conversion;
use domain::document::{About, Document, month_text};
use domain::roll_forward::Month;
use domain::{Kind, OrgId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::read::documents;
use store::read::statement::rows;

use super::created;
use super::deposits::ConversionBody;
use crate::csv::{Cell, line};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, MoneyText, TimeText, id_of};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentsQuery {
    /// Whose documents; of a platform, all that it has issued. A key of an organization may leave
    /// it out.
    pub organization: Option<IdText>,
    /// Rows of the page, 1 to 100; 20 when none is given.
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// `json` or `csv`; `Accept: text/csv` asks for the same.
    pub format: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentQuery {
    /// `json` or `csv`; `Accept: text/csv` asks for the same.
    pub format: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct DocumentOut {
    pub id: IdText,
    /// `receipt`, `invoice` or `credit_note`.
    pub kind: String,
    /// The number that people read, without gaps within its legal entity, kind and year.
    pub reference: String,
    pub organization: IdText,
    /// The deposit or refund that it is about; none of an invoice for a month.
    pub subject: Option<IdText>,
    /// Of an invoice for what was used in a month, such as `2026-01`.
    pub month: Option<String>,
    /// Of a credit note: the document that it lowers.
    pub corrects: Option<IdText>,
    pub issued_at: TimeText,
    /// As they were named on the day of issue.
    pub seller: PartyOut,
    pub buyer: PartyOut,
    /// Who paid, where it is known.
    pub paid_by: Option<String>,
    /// What the provider settled the payment in, where that is another currency.
    pub conversion: Option<ConversionBody>,
    pub net: MoneyText,
    pub tax: MoneyText,
    /// Parts of ten thousand.
    pub tax_bps: i64,
    pub gross: MoneyText,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct PartyOut {
    pub name: String,
    pub address: String,
    pub tax_id: String,
}

impl DocumentOut {
    pub fn of(platform: OrgId, document: &Document) -> DocumentOut {
        let party = |party: &domain::document::Party| PartyOut {
            name: party.name.clone(),
            address: party.address.clone(),
            tax_id: party.tax_id.clone(),
        };
        let of_customer = |kind, number| Some(IdText::new(kind, document.customer, number));
        DocumentOut {
            id: IdText::new(Kind::Document, platform, document.number),
            kind: document.kind.name().to_owned(),
            reference: document.reference(),
            organization: IdText::organization(document.customer),
            subject: match document.about {
                About::Deposit(number) => of_customer(Kind::Deposit, number),
                About::Refund(number) => of_customer(Kind::Refund, number),
                About::Month(_) => None,
            },
            month: match document.about {
                About::Month(month) => Some(month_text(month)),
                About::Deposit(_) | About::Refund(_) => None,
            },
            corrects: document.corrects.map(|it| IdText::new(Kind::Document, platform, it)),
            issued_at: document.issued_at.into(),
            seller: party(&document.seller),
            buyer: party(&document.buyer),
            paid_by: Some(document.paid.by.clone()).filter(|name| !name.is_empty()),
            conversion: document.paid.conversion.as_ref().map(ConversionBody::of),
            net: document.net.into(),
            tax: document.tax.amount.into(),
            tax_bps: document.tax.bps,
            gross: document.gross().into(),
        }
    }
}

fn csv(documents: &[Document]) -> String {
    let mut table = String::new();
    let head = [
        "reference",
        "kind",
        "issued_at",
        "seller",
        "seller_tax_id",
        "buyer",
        "buyer_tax_id",
        "paid_by",
        "conversion",
        "net",
        "tax",
        "gross",
    ];
    line(&mut table, &head.map(Cell::Text));
    for document in documents {
        line(
            &mut table,
            &[
                Cell::Plain(document.reference()),
                Cell::Text(document.kind.name()),
                Cell::Plain(document.issued_at.to_string()),
                Cell::Text(&document.seller.name),
                Cell::Text(&document.seller.tax_id),
                Cell::Text(&document.buyer.name),
                Cell::Text(&document.buyer.tax_id),
                Cell::Text(&document.paid.by),
                Cell::Plain(
                    document
                        .paid
                        .conversion
                        .as_ref()
                        .map_or_else(String::new, Conversion::to_string),
                ),
                Cell::Plain(document.net.to_string()),
                Cell::Plain(document.tax.amount.to_string()),
                Cell::Plain(document.gross().to_string()),
            ],
        );
    }
    table
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InvoiceIn {
    pub organization: Option<IdText>,
    /// A month that is over, such as `2026-01`.
    pub month: String,
}

/// Issues the invoice for what an organization used in a month; again it answers with it.
///
/// Errors, in order: `malformed`, `parameter_invalid` (organization, month, or too much for one
/// answer), `not_found`, `not_in_profile`, `period_open`.
pub async fn invoice(call: Call) -> Result<Reply, Fault> {
    let body: InvoiceIn = call.json()?;
    let home = call.organization(body.organization.as_ref()).await?;
    let month = Month::parse(&body.month);
    let month = month.ok_or_else(|| Fault::param("month", "not a month such as 2026-01"))?;
    let mut snapshot = call.snapshot().await?;
    let rows = rows(&mut snapshot, home.org, call.web.app.now(), |_| Some(month)).await?;
    let rows = rows.ok_or(Fault::missing(Kind::Organization))?;
    if rows.is_cut {
        return Err(Fault::param("month", "too much has happened since: ask a later one"));
    }
    let buyer = documents::buyer(&mut snapshot, home.org).await?;
    let buyer = buyer.ok_or(Fault::missing(Kind::Organization))?;
    drop(snapshot);
    let issue = invoice_of(&rows, buyer).map_err(Fault::Refused)?;
    call.run(issue, created).await
}

/// Shows a document to whom it is about, and to who issued it.
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let missing = || Fault::missing(Kind::Document);
    let id = id_of(&call.path_text, &[Kind::Document]).ok_or_else(missing)?;
    let query: DocumentQuery = call.query()?;
    let is_csv = call.wants_csv(query.format.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let document = documents::one(&mut snapshot, id.org, id.number).await?;
    let document = document.ok_or_else(missing)?;
    call.home_of(document.customer).await.map_err(|fault| match fault {
        Fault::NotFound { .. } => missing(),
        fault => fault,
    })?;
    if is_csv {
        return Ok(Reply::csv(csv(std::slice::from_ref(&document))));
    }
    Reply::json(200, &DocumentOut::of(id.org, &document))
}

/// Lists documents, newest first.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: DocumentsQuery = call.query()?;
    let is_csv = call.wants_csv(query.format.as_deref())?;
    let home = call.organization(query.organization.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let (below, rows) = (page.below(), page.rows_to_read());
    let customer = (!home.is_platform()).then_some(home.org);
    let rows = documents::list(&mut snapshot, home.platform, customer, below, rows).await?;
    if is_csv {
        let shown = usize::try_from(page.rows).unwrap_or(rows.len()).min(rows.len());
        return Ok(Reply::csv(csv(&rows[..shown])));
    }
    let view = |document: Document| DocumentOut::of(home.platform, &document);
    Reply::json(200, &page.list(rows, |document| document.number, view))
}
