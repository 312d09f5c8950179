//! Lets a wallet note when its platform's profile changes next: it wakes then (requirements C23).

use domain::turn::next_turn;
use domain::wake::{catch_up_any, next_wake_on};
use domain::{OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation};

#[derive(Debug)]
pub struct NoteProfile {
    pub org: OrgId,
}

impl Operation for NoteProfile {
    fn name(&self) -> &'static str {
        "note_profile"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    /// Refusals: `not_found`. Idempotency: noting again changes nothing.
    ///
    /// A wallet that hears of it late turns now, as of the effect; otherwise nothing is settled,
    /// and what is written is its next wake.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let wallet = ws.wallet(self.org)?;
        let platform = wallet.platform;
        if next_turn(ws.platform(platform)?, wallet) <= now {
            catch_up_any(ws, self.org, now)?;
        }
        ws.wallet_mut(self.org)?;
        Ok(Answer::Woken(next_wake_on(ws.platform(platform)?, ws.wallet(self.org)?)))
    }
}
