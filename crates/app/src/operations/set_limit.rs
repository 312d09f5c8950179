//! Sets what may be spent in a day or a month, by all of an organization or by what carries a
//! label.

use domain::hold::HoldState;
use domain::limit::{LIMITS_MAX, Limit, LimitScope, LimitWindow, labels_numbered, put_limits};
use domain::member::Permission;
use domain::meter::Meters;
use domain::wake::catch_up;
use domain::{Amount, Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct SetLimit {
    pub org: OrgId,
    pub scope: LimitScope,
    pub window: LimitWindow,
    pub cap: Amount,
}

impl Operation for SetLimit {
    fn name(&self) -> &'static str {
        "set_limit"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.open_runs.push(self.org);
        keys.open_holds.push(self.org);
    }

    fn permission(&self, _: &Workset, _: i64) -> Option<Permission> {
        Some(Permission::SetLimits)
    }

    /// Refusals, in order: `not_found`, `amount_not_positive` (a cap may be zero, not below),
    /// `setting_invalid` (too many).
    ///
    /// What was set for the same scope and window before has a new cap from now on, and its count
    /// goes on (rulings R22). A new limit counts from this second, with what runs and is held.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let now = catch_up(ws, self.org, now)?;
        if self.cap.is_negative() {
            return Err(Refusal::AmountNotPositive);
        }
        let present: Vec<Limit> = ws
            .limits
            .of(self.org)
            .map(|(_, limit)| limit.clone())
            .filter(|limit| limit.removed_at.is_none())
            .collect();
        let is_same = |it: &&Limit| it.scope == self.scope && it.window == self.window;
        let limit = match present.iter().find(is_same) {
            Some(before) => {
                // A cap that was reached and is lifted can be reached again.
                let is_reached = before.is_reached && self.cap <= before.cap;
                Limit { cap: self.cap, is_reached, ..before.clone() }
            }
            None if present.len() >= LIMITS_MAX => {
                let message = format!("an organization has at most {LIMITS_MAX} limits");
                return Err(Refusal::SettingInvalid { message });
            }
            None => self.made(ws, now)?,
        };
        // After this line the operation must succeed.
        put_limits(ws, self.org, vec![limit.clone()])?;
        Ok(Answer::Limit(self.org, limit, now))
    }
}

impl SetLimit {
    fn made(&self, ws: &mut Workset, now: Timestamp) -> Result<Limit, Refusal> {
        let wallet = ws.wallet_mut(self.org)?;
        // From here on sets of labels are looked up.
        wallet.limit_count += 1;
        let since = now.floor_to_second();
        let mut limit = Limit {
            number: wallet.take_number(),
            scope: self.scope.clone(),
            window: self.window,
            cap: self.cap,
            set_at: now,
            set_after: wallet.tip.number,
            removed_at: None,
            since,
            resets_at: self.window.end(&wallet.zone, now),
            charged: Amount::ZERO,
            held: Amount::ZERO,
            time: Meters { meters: Vec::new(), accrued_until: since },
            stoppable_count: 0,
            is_reached: false,
        };
        for (_, run) in ws.runs.of(self.org) {
            let resource = ws.resources.find(Kind::Resource, self.org, run.resource)?;
            let accrues = run.is_billed() && run.paid.is_none();
            if accrues && self.scope.covers(&resource.labels) {
                limit.count_open(run);
            }
        }
        for (_, hold) in ws.holds.of(self.org) {
            let labels = labels_numbered(ws, self.org, hold.labels)?;
            if hold.state == HoldState::Open && self.scope.covers(&labels) {
                limit.held = limit.held.plus(hold.amount);
            }
        }
        Ok(limit)
    }
}
