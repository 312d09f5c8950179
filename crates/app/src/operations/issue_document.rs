//! Issues a document in the lane of the platform: here its number is given, in the transaction that
//! writes it (rulings A12, requirements N17).

use domain::document::{About, Document, DocumentKind, Paid, Party, Series, year_of};
use domain::tax::Tax;
use domain::{Amount, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};

#[derive(Clone, Debug)]
pub struct IssueDocument {
    pub platform: OrgId,
    pub kind: DocumentKind,
    pub customer: OrgId,
    pub about: About,
    /// What a credit note lowers: the invoice of this, or else its receipt.
    pub corrects: Option<About>,
    /// When what it is about became final.
    pub at: Timestamp,
    pub buyer: Party,
    pub paid: Paid,
    pub net: Amount,
    pub tax: Tax,
}

impl Operation for IssueDocument {
    fn name(&self) -> &'static str {
        "issue_document"
    }

    fn org(&self) -> OrgId {
        self.platform
    }

    fn needs(&self, keys: &mut Keys) {
        let about = |about| (self.platform, self.customer, about);
        keys.documents_about.push(about(self.about));
        keys.documents_about.extend(self.corrects.map(about));
        keys.series.push(self.platform);
        keys.parties.push(self.platform);
    }

    /// Refusals: `not_found` (platform).
    ///
    /// Idempotency: there is one document of a kind about one thing; issuing it again answers with
    /// it and gives no number.
    fn decide(&self, ws: &mut Workset, _now: Timestamp) -> Result<Answer, Refusal> {
        if let Some(known) = self.find(ws, self.about, self.kind) {
            return Ok(Answer::Document(self.platform, known.clone()));
        }
        let name = ws.platform(self.platform)?.name.clone();
        let seller = ws.parties.get(self.platform, 0).cloned().unwrap_or_default();
        let seller = seller.or_named(&name);
        let corrects = self.corrects.and_then(|about| {
            let kinds = [DocumentKind::Invoice, DocumentKind::Receipt];
            kinds.into_iter().find_map(|kind| self.find(ws, about, kind)).map(|it| it.number)
        });
        // After this line the operation must succeed.
        let mut series = self.series(ws, seller.entity())?;
        series.last += 1;
        series.last_issued_at = series.last_issued_at.max(self.at);
        let document = Document {
            number: ws.wallet_mut(self.platform)?.take_number(),
            kind: self.kind,
            entity: series.entity.clone(),
            year: series.year,
            place: series.last,
            customer: self.customer,
            about: self.about,
            issued_at: series.last_issued_at,
            seller,
            buyer: self.buyer.clone(),
            paid: self.paid.clone(),
            net: self.net,
            tax: self.tax,
            corrects,
        };
        ws.series.put(self.platform, series.number, series);
        ws.documents.put(self.platform, document.number, document.clone());
        Ok(Answer::Document(self.platform, document))
    }
}

impl IssueDocument {
    fn find<'a>(&self, ws: &'a Workset, about: About, kind: DocumentKind) -> Option<&'a Document> {
        let is_it =
            |it: &&Document| it.customer == self.customer && it.about == about && it.kind == kind;
        ws.documents.of(self.platform).map(|(_, document)| document).find(is_it)
    }

    /// The series that the next number comes from; a year is that of the day it became final.
    fn series(&self, ws: &mut Workset, entity: &str) -> Result<Series, Refusal> {
        let year = year_of(self.at);
        let is_it = |it: &&Series| it.entity == entity && it.kind == self.kind && it.year == year;
        let known = ws.series.of(self.platform).map(|(_, series)| series).find(is_it).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        Ok(Series {
            number: ws.wallet_mut(self.platform)?.take_number(),
            entity: entity.to_owned(),
            kind: self.kind,
            year,
            last: 0,
            last_issued_at: self.at,
        })
    }
}
