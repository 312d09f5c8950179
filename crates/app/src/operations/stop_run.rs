//! Ends a run: time is charged to the stop second and settled at once (requirements N01).

use domain::correct::correct;
use domain::event::EventKind;
use domain::run::StopReason;
use domain::settle::{offset_debt, settle_to, tell};
use domain::wake::{catch_up, expire_grants};
use domain::{Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation, require_reported};

#[derive(Debug)]
pub struct StopRun {
    pub org: OrgId,
    pub run: i64,
    /// When it really stopped; now, when none is given.
    pub stopped_at: Option<Timestamp>,
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
        if let Some(stopped_at) = self.stopped_at {
            keys.history.push((self.org, stopped_at));
        }
    }

    /// Refusals, in order: `not_found`, `run_ended`, `too_far_ahead`, `too_long_ago`,
    /// `stop_before_start`.
    ///
    /// A stop that is reported late gives back what was posted for time that did not run.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let profile = ws.profile_of(self.org)?;
        let now = catch_up(ws, self.org, now)?;
        let mut run = ws.runs.find(Kind::Run, self.org, self.run)?.clone();
        if let Some(stopped_at) = run.stopped_at {
            return Err(Refusal::RunEnded { stopped_at });
        }
        let stopped_at = self.stopped_at.unwrap_or(now).floor_to_second();
        require_reported(stopped_at, now, profile.late_window_seconds)?;
        if stopped_at < run.started_at {
            return Err(Refusal::StopBeforeStart { started_at: run.started_at });
        }
        // After this line the operation must succeed.
        let wallet = ws.wallet_mut(self.org)?;
        wallet.meters.accrue_to(now);
        let before = wallet.meters.unposted(now);
        wallet.meters.change_rate(run.rate.per_units, -run.rate.numerator(), stopped_at);
        // Another run that was reported ahead of the clock may be why less than nothing is due.
        let surplus = wallet.meters.unposted(now).negated().or_zero();
        let surplus = surplus.minus(before.negated().or_zero());
        wallet.end_launch(&run, &profile);
        wallet.running_count -= 1;
        wallet.stoppable_count -= i64::from(run.class.is_stopped_at_zero());
        wallet.review_due = true;
        let order = wallet.stop_order.clone();
        let ordered = order.is_some_and(|order| stopped_at >= order.stop_at);
        let reason = match (ordered, wallet.is_frozen()) {
            (true, true) => StopReason::Frozen,
            (true, false) => StopReason::OutOfCredit,
            (false, _) => StopReason::Requested,
        };
        let is_last = wallet.stoppable_count == 0;
        if is_last {
            wallet.stop_order = None;
        }
        settle_to(ws, self.org, &profile, now)?;
        correct(ws, self.org, run.rate.per_units, surplus, now)?;
        offset_debt(ws, self.org, now)?;
        expire_grants(ws, self.org, &profile, now)?;
        run.stopped_at = Some(stopped_at);
        run.stop_reason = Some(reason);
        let mut resource = ws.resources.get(self.org, run.resource).cloned();
        if let Some(resource) = &mut resource {
            resource.run = None;
            ws.resources.put(self.org, run.resource, resource.clone());
        }
        ws.runs.put(self.org, self.run, run.clone());
        let fields = vec![
            ("run", self.run.to_string()),
            ("resource", run.resource.to_string()),
            ("stopped_at", stopped_at.to_string()),
            ("reason", reason.name().to_string()),
        ];
        tell(ws, self.org, EventKind::RunStopped, now, fields)?;
        if is_last && reason == StopReason::OutOfCredit {
            let at = stopped_at.to_string();
            tell(ws, self.org, EventKind::BalanceDepleted, now, vec![("stopped_at", at)])?;
        }
        Ok(Answer::Run(self.org, run))
    }
}
