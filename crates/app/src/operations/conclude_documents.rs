//! Concludes the documents about a deposit or a refund in the lane of its organization: they are
//! issued, and where receipts go by e-mail, people are told.

use domain::document::{About, Document, Documented};
use domain::event::EventKind;
use domain::profile::Documents;
use domain::settle::tell;
use domain::{Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct ConcludeDocuments {
    pub org: OrgId,
    pub about: About,
    /// What the platform issued about it.
    pub documents: Vec<Document>,
}

impl Operation for ConcludeDocuments {
    fn name(&self) -> &'static str {
        "conclude_documents"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        match self.about {
            About::Deposit(number) => keys.deposits.push((self.org, number)),
            About::Refund(number) => keys.refunds.push((self.org, number)),
            About::Month(_) => {}
        }
    }

    /// Refusals: `not_found`. Idempotency: what is concluded stays so, and is told once.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let (was_due, decided_at, answer) = match self.about {
            About::Deposit(number) => {
                let mut deposit = ws.deposits.find(Kind::Deposit, self.org, number)?.clone();
                let before = std::mem::replace(&mut deposit.documented, Documented::Done);
                ws.deposits.put(self.org, number, deposit.clone());
                (before == Documented::Due, deposit.decided_at, Answer::Deposit(self.org, deposit))
            }
            About::Refund(number) => {
                let mut refund = ws.refunds.find(Kind::Refund, self.org, number)?.clone();
                let before = std::mem::replace(&mut refund.documented, Documented::Done);
                ws.refunds.put(self.org, number, refund.clone());
                (before == Documented::Due, refund.decided_at, Answer::Refund(self.org, refund))
            }
            About::Month(_) => return Err(Refusal::NotFound { kind: Kind::Document }),
        };
        let now = now.max(ws.wallet(self.org)?.now);
        let profile = ws.profile_at(self.org, decided_at.unwrap_or(now))?;
        let is_mailed = profile.documents == Documents::EmailReceipt;
        for document in self.documents.iter().filter(|_| was_due && is_mailed) {
            let mut fields = vec![("document", document.reference())];
            match self.about {
                About::Deposit(number) => fields.push(("deposit", number.to_string())),
                About::Refund(number) => fields.push(("refund", number.to_string())),
                About::Month(_) => {}
            }
            fields.push(("amount", document.gross().to_string()));
            tell(ws, self.org, EventKind::DocumentIssued, now, fields)?;
        }
        Ok(answer)
    }
}
