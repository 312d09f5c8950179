//! Issues the documents that deposits and refunds are due, in the lanes of their platforms, and
//! concludes each in the lane of its organization.
//!
//! Law: the row that is due is the message between the two lanes, and what a document is about is
//! its key: a process that dies between the steps, or does not own both lanes, leaves the rest to
//! the next round, wherever it runs, and there is one document in the end (rulings A12).

use domain::Refusal;
use domain::document::{
    About, Document, DocumentKind, Paid, Party, month_number, of_deposit, of_refund,
};
use domain::profile::Documents;
use domain::tax::Tax;
use store::StoreError;
use store::read::documents::{self, Due};
use store::read::statement::StatementRows;

use crate::door::{App, Command};
use crate::operations::conclude_documents::ConcludeDocuments;
use crate::operations::issue_document::IssueDocument;

const ROUND_MAX: i64 = 1_000;

/// Does what is due: deposits before the refunds that correct their documents. Safe to run at any
/// time, any number of times.
pub async fn run(app: &App) -> Result<usize, StoreError> {
    let mut done = 0;
    for due in documents::due_deposits(&app.store, ROUND_MAX).await? {
        done += one(app, due).await?;
    }
    for due in documents::due_refunds(&app.store, ROUND_MAX).await? {
        done += one(app, due).await?;
    }
    Ok(done)
}

/// The documents that are to be issued, in order.
pub fn documents_of(due: &Due) -> Vec<IssueDocument> {
    let kinds = match due.about {
        About::Refund(_) => of_refund(due.setting),
        About::Deposit(_) | About::Month(_) => of_deposit(due.setting),
    };
    let issue = |&kind| IssueDocument {
        platform: due.platform,
        kind,
        customer: due.org,
        about: due.about,
        corrects: due.corrects,
        at: due.at,
        buyer: due.buyer.clone(),
        paid: due.paid.clone(),
        net: due.net,
        tax: due.tax,
    };
    kinds.iter().map(issue).collect()
}

/// The invoice for what was used in a month: what grants and debt paid for, with the tax in it.
///
/// Refusals, in order: `not_in_profile`, `period_open` (the month is not over, or not settled).
pub fn invoice_of(rows: &StatementRows, buyer: Party) -> Result<IssueDocument, Refusal> {
    if rows.profile().documents != Documents::ReceiptAndInvoice {
        return Err(Refusal::NotInProfile { feature: "invoices for months" });
    }
    if !rows.is_final() {
        return Err(Refusal::PeriodOpen { until: rows.month.end });
    }
    let statement = rows.statement();
    let text = rows.month.start.to_string();
    let month = text.get(..7).and_then(month_number).unwrap_or(0);
    Ok(IssueDocument {
        platform: rows.wallet.platform,
        kind: DocumentKind::Invoice,
        customer: rows.wallet.org,
        about: About::Month(month),
        corrects: None,
        at: rows.now,
        buyer,
        paid: Paid::default(),
        net: statement.billed().minus(statement.tax),
        tax: Tax { amount: statement.tax, bps: statement.tax_bps },
    })
}

async fn one(app: &App, due: Due) -> Result<usize, StoreError> {
    let wanted = documents_of(&due);
    if app.foreign_owner(due.platform).is_none() {
        for issue in wanted.clone() {
            if let Err(error) = app.run(Command::new(issue)).await {
                tracing::warn!(%error, "a document is issued by the next round");
            }
        }
    }
    if app.foreign_owner(due.org).is_some() {
        return Ok(0);
    }
    let mut snapshot = app.store.snapshot().await?;
    let about = (due.platform, due.org, due.about);
    let issued: Vec<Document> = documents::about(&mut snapshot, about).await?;
    drop(snapshot);
    if issued.len() < wanted.len() {
        return Ok(0);
    }
    let conclude = ConcludeDocuments { org: due.org, about: due.about, documents: issued };
    match app.run(Command::new(conclude)).await {
        Ok(_) => Ok(1),
        Err(error) => {
            tracing::warn!(%error, "documents are concluded by the next round");
            Ok(0)
        }
    }
}
