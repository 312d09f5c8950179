//! Documents: receipts, invoices and credit notes, numbered without gaps (requirements N17).
//!
//! Laws: a document is issued once for what it is about and never changes, a correction is a credit
//! note; the numbers of a series have no gap and no number twice, because a number is given in the
//! transaction that writes its document, in the platform's own bucket (rulings A12); net and tax
//! add up to gross; within a series dates never go back.
//!
//! A series belongs to one legal entity, one kind and one year of UTC. A platform whose legal
//! entity changes begins new series, and the names on a document are those of the day.

use crate::conversion::Conversion;
use crate::profile::Documents;
use crate::tax::Tax;
use crate::{Amount, OrgId, Timestamp};

/// Letters of a name, an address or a tax id on a document.
pub const NAME_CHARS_MAX: usize = 200;
pub const ADDRESS_CHARS_MAX: usize = 500;
pub const TAX_ID_CHARS_MAX: usize = 40;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DocumentKind {
    /// Proof of a deposit.
    Receipt,
    Invoice,
    /// Lowers an invoice, or what a receipt proves.
    CreditNote,
}

impl DocumentKind {
    pub const ALL: [DocumentKind; 3] =
        [DocumentKind::Receipt, DocumentKind::Invoice, DocumentKind::CreditNote];

    pub const fn code(self) -> i64 {
        match self {
            DocumentKind::Receipt => 1,
            DocumentKind::Invoice => 2,
            DocumentKind::CreditNote => 3,
        }
    }

    pub fn from_code(code: i64) -> Option<DocumentKind> {
        DocumentKind::ALL.into_iter().find(|kind| kind.code() == code)
    }

    pub const fn name(self) -> &'static str {
        match self {
            DocumentKind::Receipt => "receipt",
            DocumentKind::Invoice => "invoice",
            DocumentKind::CreditNote => "credit_note",
        }
    }

    /// What its numbers begin with.
    pub const fn prefix(self) -> &'static str {
        match self {
            DocumentKind::Receipt => "R",
            DocumentKind::Invoice => "I",
            DocumentKind::CreditNote => "C",
        }
    }
}

/// What a document is about, by its number in the customer's organization: the stable key by which
/// it is issued once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    Deposit(i64),
    Refund(i64),
    /// What was used in a month, `2026 × 100 + 1`.
    Month(i64),
}

impl About {
    pub const fn code(self) -> i64 {
        match self {
            About::Deposit(_) => 1,
            About::Refund(_) => 2,
            About::Month(_) => 3,
        }
    }

    pub const fn number(self) -> i64 {
        match self {
            About::Deposit(number) | About::Refund(number) | About::Month(number) => number,
        }
    }

    pub const fn from_parts(code: i64, number: i64) -> Option<About> {
        match code {
            1 => Some(About::Deposit(number)),
            2 => Some(About::Refund(number)),
            3 => Some(About::Month(number)),
            _ => None,
        }
    }
}

/// How far the documents about a deposit or a refund have come. The row itself is the message from
/// the organization's lane to the platform's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Documented {
    /// None are issued, or it is not final yet.
    #[default]
    No,
    /// It is final, and they are to be issued.
    Due,
    Done,
}

impl Documented {
    pub const ALL: [Documented; 3] = [Documented::No, Documented::Due, Documented::Done];

    pub const fn code(self) -> i64 {
        match self {
            Documented::No => 0,
            Documented::Due => 1,
            Documented::Done => 2,
        }
    }

    pub fn from_code(code: i64) -> Option<Documented> {
        Documented::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// The kinds of document that a confirmed deposit makes under a setting.
pub const fn of_deposit(documents: Documents) -> &'static [DocumentKind] {
    match documents {
        Documents::ReceiptAndInvoice | Documents::EmailReceipt => &[DocumentKind::Receipt],
        Documents::InvoicePerPayment => &[DocumentKind::Invoice],
        Documents::ProviderInvoice => &[],
    }
}

/// The kinds of document that a refund makes that was paid.
pub const fn of_refund(documents: Documents) -> &'static [DocumentKind] {
    match documents {
        Documents::ReceiptAndInvoice | Documents::EmailReceipt | Documents::InvoicePerPayment => {
            &[DocumentKind::CreditNote]
        }
        Documents::ProviderInvoice => &[],
    }
}

/// Whether what has become final has to be documented under a setting.
pub const fn due(kinds: &[DocumentKind]) -> Documented {
    if kinds.is_empty() { Documented::No } else { Documented::Due }
}

/// Who sells, or buys: what a document names of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    pub name: String,
    pub address: String,
    pub tax_id: String,
}

impl Party {
    /// What tells one legal entity from another.
    pub fn entity(&self) -> &str {
        if self.tax_id.is_empty() { &self.name } else { &self.tax_id }
    }

    /// These details, or a name where none were given.
    pub fn or_named(self, name: &str) -> Party {
        if self.name.is_empty() { Party { name: name.to_owned(), ..self } } else { self }
    }
}

/// The numbers that one legal entity has given to one kind of document in one year.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    pub number: i64,
    pub entity: String,
    pub kind: DocumentKind,
    pub year: i64,
    /// The last number given; the first is 1.
    pub last: i64,
    pub last_issued_at: Timestamp,
}

/// How it was paid, as far as it was known on the day of issue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paid {
    /// The member who paid; empty where nobody did.
    pub by: String,
    /// What the provider settled, where that is another currency (requirements N25).
    pub conversion: Option<Conversion>,
}

/// A document as it was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub number: i64,
    pub kind: DocumentKind,
    /// The legal entity whose series it belongs to.
    pub entity: String,
    pub year: i64,
    /// Its number in the series.
    pub place: i64,
    pub customer: OrgId,
    pub about: About,
    pub issued_at: Timestamp,
    pub seller: Party,
    pub buyer: Party,
    pub paid: Paid,
    pub net: Amount,
    pub tax: Tax,
    /// Number of the document that a credit note lowers.
    pub corrects: Option<i64>,
}

impl Document {
    pub fn gross(&self) -> Amount {
        self.net.plus(self.tax.amount)
    }

    /// The number that people read: `R-2026-000001`.
    pub fn reference(&self) -> String {
        reference(self.kind, self.year, self.place)
    }
}

pub fn reference(kind: DocumentKind, year: i64, place: i64) -> String {
    format!("{}-{year}-{place:06}", kind.prefix())
}

/// The number of a month: `2026-01` is 202601; nothing for any other text.
pub fn month_number(text: &str) -> Option<i64> {
    let (year, month) = text.split_once('-')?;
    Some(year.parse::<i64>().ok()? * 100 + month.parse::<i64>().ok()?)
}

/// Writes what [`month_number`] read.
pub fn month_text(number: i64) -> String {
    format!("{:04}-{:02}", number / 100, number % 100)
}

/// The year of UTC that `at` lies in.
pub fn year_of(at: Timestamp) -> i64 {
    at.to_string().get(..4).and_then(|year| year.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_have_their_year_and_six_digits() {
        assert_eq!(reference(DocumentKind::Receipt, 2026, 1), "R-2026-000001");
        assert_eq!(reference(DocumentKind::CreditNote, 2026, 1_234_567), "C-2026-1234567");
        assert_eq!(year_of(Timestamp::parse("2026-12-31T23:59:59Z").unwrap()), 2026);
        assert_eq!(year_of(Timestamp::parse("2027-01-01T00:00:00Z").unwrap()), 2027);
    }

    #[test]
    fn months_are_read_back() {
        assert_eq!(month_number("2026-01"), Some(202_601));
        assert_eq!(month_text(202_612), "2026-12");
        assert_eq!(month_number("2026"), None);
    }

    #[test]
    fn an_entity_is_told_by_its_tax_id_or_its_name() {
        let party = |name: &str, tax_id: &str| Party {
            name: name.into(),
            address: String::new(),
            tax_id: tax_id.into(),
        };
        assert_eq!(party("Halide Ltd", "GB1").entity(), "GB1");
        assert_eq!(party("Halide Ltd", "").entity(), "Halide Ltd");
        assert_eq!(Party::default().or_named("Cloud").name, "Cloud");
        assert_eq!(party("Halide Ltd", "").or_named("Cloud").name, "Halide Ltd");
    }

    #[test]
    fn codes_are_read_back() {
        for kind in DocumentKind::ALL {
            assert_eq!(DocumentKind::from_code(kind.code()), Some(kind));
        }
        for about in [About::Deposit(7), About::Refund(8), About::Month(202_601)] {
            assert_eq!(About::from_parts(about.code(), about.number()), Some(about));
        }
        assert_eq!(About::from_parts(4, 1), None);
    }
}
