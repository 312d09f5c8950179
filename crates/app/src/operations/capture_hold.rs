//! Captures a hold: turns all or part of it into a charge and gives the rest back.

use domain::hold::HoldState;
use domain::ledger::TransactionKind;
use domain::limit::{count_charge, count_hold, labels_numbered};
use domain::member::Permission;
use domain::profile::Overcapture;
use domain::settle::{Draft, draw_with_overdraft, offset_debt, post};
use domain::wake::{catch_up, expire_grants};
use domain::{Amount, Kind, OrgId, Refusal, Timestamp, Workset};

use super::place_hold::purpose_of;
use crate::operation::{Answer, Keys, Operation, require_positive};

#[derive(Debug)]
pub struct CaptureHold {
    pub org: OrgId,
    pub hold: i64,
    /// All of it, when none is given.
    pub amount: Option<Amount>,
}

impl Operation for CaptureHold {
    fn name(&self) -> &'static str {
        "capture_hold"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.holds.push((self.org, self.hold));
    }

    fn permission(&self, _: &Workset, _: i64) -> Option<Permission> {
        Some(Permission::StartAndStop)
    }

    /// Refusals, in order: `not_found`, `hold_resolved`, `amount_not_positive`,
    /// `capture_above_hold`.
    ///
    /// Draws exactly the grants that were reserved; what is released of an expired grant expires in
    /// the same command (rulings R9).
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let now = catch_up(ws, self.org, now)?;
        let profile = ws.profile_of(self.org)?;
        let mut hold = ws.holds.find(Kind::Hold, self.org, self.hold)?.clone();
        if hold.state != HoldState::Open {
            return Err(Refusal::HoldResolved { state: hold.state.name() });
        }
        let mut amount = self.amount.unwrap_or(hold.amount);
        require_positive(amount)?;
        if amount > hold.amount {
            match profile.overcapture {
                Overcapture::Reject => {
                    return Err(Refusal::CaptureAboveHold { held: hold.amount });
                }
                Overcapture::Cap => amount = hold.amount,
                Overcapture::Overflow => {}
            }
        }
        // After this line the operation must succeed.
        let labels = labels_numbered(ws, self.org, hold.labels)?;
        count_hold(ws, self.org, &labels, hold.amount.negated())?;
        let limit = count_charge(ws, self.org, &labels, now, amount)?;
        let (mut postings, missing) = hold.drawn_by(amount);
        let purpose = hold.sku.map(|sku| purpose_of(ws, self.org, sku)).transpose()?;
        let wallet = ws.wallet_mut(self.org)?;
        wallet.grants.release_and_draw(&hold.parts, &postings);
        let (more, absorbed, debt) = draw_with_overdraft(wallet, &profile, missing, purpose);
        for posting in more {
            match postings.iter_mut().find(|drawn| drawn.grant == posting.grant) {
                Some(drawn) => drawn.change = drawn.change.plus(posting.change),
                None => postings.push(posting),
            }
        }
        let draft = Draft {
            subject: self.hold,
            labels: hold.labels,
            limit,
            postings,
            absorbed,
            debt,
            ..Draft::new(TransactionKind::Capture, now, amount)
        };
        post(ws, self.org, draft)?;
        offset_debt(ws, self.org, now)?;
        expire_grants(ws, self.org, &profile, now)?;
        hold.state = HoldState::Captured;
        hold.captured = Some(amount);
        hold.resolved_at = Some(now);
        ws.holds.put(self.org, self.hold, hold.clone());
        Ok(Answer::Hold(self.org, hold))
    }
}
