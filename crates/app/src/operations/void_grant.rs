//! Ends a promotional grant from now on; what holds have reserved of it stays theirs until they
//! give it back.

use domain::correct::void_rest;
use domain::settle::settle_to;
use domain::wake::{begin_grant, catch_up};
use domain::{Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct VoidGrant {
    pub org: OrgId,
    pub grant: i64,
}

impl Operation for VoidGrant {
    fn name(&self) -> &'static str {
        "void_grant"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.grants.push((self.org, self.grant));
    }

    /// Refusals, in order: `not_found`, `grant_not_voidable`. Voiding again changes
    /// nothing. One that is to come begins and ends at once, so that the ledger says both.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let now = catch_up(ws, self.org, now)?;
        let mut grant = ws.grants.find(Kind::Grant, self.org, self.grant)?.clone();
        if !grant.kind.is_given() {
            return Err(Refusal::GrantNotVoidable);
        }
        // What has run until now may have been running on this grant.
        let profile = ws.profile_of(self.org)?;
        settle_to(ws, self.org, &profile, now)?;
        begin_grant(ws, self.org, self.grant, now)?;
        void_rest(ws, self.org, self.grant, now)?;
        let wallet = ws.wallet_mut(self.org)?;
        wallet.grants.end(self.grant, now);
        if let Some(validity) = &mut wallet.validity {
            // No payment that is confirmed late gives it back.
            validity.lapsed.retain(|rest| rest.number != self.grant);
        }
        if grant.voided_at.is_none() {
            // What holds have set aside of it lapses when they give it back: less is left ahead.
            wallet.review_due = true;
            grant.voided_at = Some(now);
            ws.grants.put(self.org, self.grant, grant.clone());
        }
        Ok(Answer::Grant(self.org, ws.wallet(self.org)?.platform, grant))
    }
}
