//! Sets or removes the balance below which the organization, or one of its members, wants to be
//! told.

use domain::member::Permission;
use domain::wake::catch_up;
use domain::wallet::{MEMBER_LIMITS_MAX, MemberLimit, UserLimit};
use domain::{Amount, Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation, require_positive};

#[derive(Debug)]
pub struct SetUserLimit {
    pub org: OrgId,
    /// Whose limit it is; the organization's, when none is given (rulings R22).
    pub member: Option<i64>,
    /// No alert, when none is given.
    pub limit: Option<Amount>,
}

impl Operation for SetUserLimit {
    fn name(&self) -> &'static str {
        "set_user_limit"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.members.extend(self.member.map(|member| (self.org, member)));
    }

    /// Who sees balances may be told about them.
    fn permission(&self, _: &Workset, member: i64) -> Option<Permission> {
        let is_own = self.member == Some(member);
        Some(if is_own { Permission::SeeAmounts } else { Permission::SetLimits })
    }

    /// Refusals, in order: `not_found` (organization, member), `amount_not_positive`,
    /// `setting_invalid` (too many).
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        if let Some(member) = self.member {
            ws.wallet(self.org)?;
            let member = ws.members.find(Kind::Member, self.org, member)?;
            if !member.is_present() {
                return Err(Refusal::NotFound { kind: Kind::Member });
            }
        }
        catch_up(ws, self.org, now)?;
        if let Some(limit) = self.limit {
            require_positive(limit)?;
        }
        let wallet = ws.wallet_mut(self.org)?;
        let limit = self.limit.map(|limit| UserLimit { limit, fired: false });
        match self.member {
            None => wallet.user_limit = limit.clone(),
            Some(member) => {
                wallet.member_limits.retain(|it| it.member != member);
                wallet
                    .member_limits
                    .extend(limit.clone().map(|limit| MemberLimit { member, limit }));
                wallet.member_limits.sort_by_key(|it| it.member);
            }
        }
        if wallet.member_limits.len() > MEMBER_LIMITS_MAX {
            let message = format!("at most {MEMBER_LIMITS_MAX} members have a limit of their own");
            return Err(Refusal::SettingInvalid { message });
        }
        wallet.review_due = true;
        Ok(Answer::UserLimit(self.org, self.member, limit))
    }
}
