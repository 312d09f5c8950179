//! Ends a run: time is charged to the stop second and settled at once, a paid block is kept
//! (requirements N01).

use domain::event::EventKind;
use domain::lifecycle::{Ending, current_run, end_run};
use domain::member::Permission;
use domain::run::{Rest, Run, StopReason};
use domain::settle::tell;
use domain::wake::catch_up;
use domain::wallet::Wallet;
use domain::{Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation, require_reported};

#[derive(Debug)]
pub struct StopRun {
    pub org: OrgId,
    pub run: i64,
    /// When it really stopped; now, when none is given.
    pub stopped_at: Option<Timestamp>,
    /// What becomes of the resource; when nothing is said, what the profile does at zero to a run
    /// that was ordered to stop, and otherwise that it can be started again.
    pub rest: Option<Rest>,
}

impl StopRun {
    /// A stop at this second.
    pub fn now(org: OrgId, run: i64) -> StopRun {
        StopRun { org, run, stopped_at: None, rest: None }
    }
}

impl Operation for StopRun {
    fn name(&self) -> &'static str {
        "stop_run"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.runs.push((self.org, self.run));
        keys.history.push((self.org, self.stopped_at.unwrap_or(Timestamp::NEVER)));
    }

    fn permission(&self, _: &Workset, _: i64) -> Option<Permission> {
        Some(Permission::StartAndStop)
    }

    /// Refusals, in order: `not_found`, `run_ended`, `too_far_ahead`, `too_long_ago`,
    /// `stop_before_start`.
    ///
    /// A stop that is reported late gives back what was posted for time that did not run, and the
    /// blocks that started at its end or later (rulings R5).
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let now = catch_up(ws, self.org, now)?;
        let profile = ws.profile_of(self.org)?;
        let run = current_run(ws, self.org, self.run)?;
        if let Some(stopped_at) = run.stopped_at {
            return Err(Refusal::RunEnded { stopped_at });
        }
        let stopped_at = self.stopped_at.unwrap_or(now).floor_to_second();
        require_reported(stopped_at, now, profile.late_window_seconds)?;
        let started_at = began_at(ws, self.org, &run, stopped_at)?;
        if stopped_at < started_at {
            return Err(Refusal::StopBeforeStart { started_at });
        }
        // After this line the operation must succeed.
        let is_ordered = is_ordered(ws.wallet(self.org)?, &run, stopped_at);
        let reason = match (is_ordered, ws.wallet(self.org)?.is_frozen()) {
            (true, true) => StopReason::Frozen,
            (true, false) => StopReason::OutOfCredit,
            (false, _) => StopReason::Requested,
        };
        let of_zero = is_ordered && run.class.is_stopped_at_zero();
        let usual = if of_zero { profile.compute_zero_action.rest() } else { Rest::Stopped };
        let ending = Ending { stopped_at, reason, rest: self.rest.unwrap_or(usual) };
        let run = end_run(ws, self.org, &profile, run.number, ending, now)?;
        if reason == StopReason::OutOfCredit && ws.wallet(self.org)?.stoppable_count == 0 {
            let at = stopped_at.to_string();
            tell(ws, self.org, EventKind::BalanceDepleted, now, vec![("stopped_at", at)])?;
        }
        Ok(Answer::Run(self.org, run))
    }
}

/// When a run began, counting the runs that it goes on for at announced prices, as far back as
/// `until`.
fn began_at(ws: &Workset, org: OrgId, run: &Run, until: Timestamp) -> Result<Timestamp, Refusal> {
    let mut first = run;
    while until < first.started_at
        && let Some(before) = first.goes_on_for()
    {
        first = ws.runs.find(Kind::Run, org, before)?;
    }
    Ok(first.started_at)
}

/// Whether the run ended because it was ordered to.
fn is_ordered(wallet: &Wallet, run: &Run, stopped_at: Timestamp) -> bool {
    let order = wallet.order_for(run).filter(|_| run.is_billed() && run.paid.is_none());
    order.is_some_and(|order| stopped_at >= order.stop_at)
}
