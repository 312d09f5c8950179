//! Reports that a run is ready: it was admitted before, and costs money from here on.

use domain::block::end_unpaid;
use domain::event::EventKind;
use domain::lifecycle::begin_billing;
use domain::limit::{end_beyond, require_left_for};
use domain::reprice::{change_of, go_on, next_change};
use domain::scope::Purpose;
use domain::settle::tell;
use domain::wake::catch_up;
use domain::{Kind, OrgId, Refusal, Timestamp, Workset};

use super::start_run::blocks_charge;
use crate::operation::{Answer, Keys, Operation, require_reported};

#[derive(Debug)]
pub struct ReportReady {
    pub org: OrgId,
    pub run: i64,
    /// When it was ready, never before it was admitted; now, when none is given.
    pub at: Option<Timestamp>,
}

impl Operation for ReportReady {
    fn name(&self) -> &'static str {
        "report_ready"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.runs.push((self.org, self.run));
    }

    /// Refusals, in order: `not_found`, `run_ended`, `run_ready`, `too_far_ahead`, `too_long_ago`.
    ///
    /// Under block terms a run whose blocks cannot be paid any more, or go beyond a limit, gets its
    /// zero action at once and costs nothing.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let now = catch_up(ws, self.org, now)?;
        let profile = ws.profile_of(self.org)?;
        let mut run = ws.runs.find(Kind::Run, self.org, self.run)?.clone();
        if let Some(stopped_at) = run.stopped_at {
            return Err(Refusal::RunEnded { stopped_at });
        }
        if !run.is_waiting {
            return Err(Refusal::RunReady);
        }
        let ready_at = self.at.unwrap_or(now).floor_to_second();
        require_reported(ready_at, now, profile.late_window_seconds)?;
        // After this line the operation must succeed.
        let start = ready_at.max(run.started_at);
        let change = match run.is_repriced_by(start) {
            true => change_of(ws, self.org, &run, start)?,
            false => None,
        };
        if let Some((price, rate)) = change {
            // It has cost nothing so far, so that no other run has to take its place.
            (run.price, run.rate) = (price.number, rate);
        } else if start > run.started_at {
            run.admitted_at = Some(run.started_at);
        }
        run.started_at = start;
        run.reprices_at = next_change(ws, self.org, run.sku, start)?;
        if let Some(paid) = run.paid {
            let required = blocks_charge(run.rate, paid.block_seconds, start, now);
            let (wallet, purpose) = (ws.wallet(self.org)?, Some(Purpose::of(&run)));
            if wallet.is_frozen() || wallet.available_for(&profile, now, purpose) < required {
                ws.runs.put(self.org, self.run, run);
                end_unpaid(ws, self.org, &profile, self.run, start, now)?;
                let run = ws.runs.find(Kind::Run, self.org, self.run)?.clone();
                return Ok(Answer::Run(self.org, run));
            }
        }
        if let Some(paid) = run.paid {
            let required = blocks_charge(run.rate, paid.block_seconds, start, now);
            let within = require_left_for(ws, self.org, run.resource, required, now);
            if let Err(refusal) = within {
                ws.runs.put(self.org, self.run, run);
                end_beyond(ws, self.org, &profile, (self.run, start), &refusal, now)?;
                let run = ws.runs.find(Kind::Run, self.org, self.run)?.clone();
                return Ok(Answer::Run(self.org, run));
            }
        }
        run.is_waiting = false;
        if let Some(heartbeat) = &mut run.heartbeat {
            heartbeat.beat_at = start.max(heartbeat.beat_at);
        }
        begin_billing(ws, self.org, &mut run, (None, now), now)?;
        ws.runs.put(self.org, self.run, run.clone());
        ws.wallet_mut(self.org)?.review_due = true;
        let fields = vec![("run", self.run.to_string()), ("resource", run.resource.to_string())];
        tell(ws, self.org, EventKind::RunStarted, now, fields)?;
        let run = go_on(ws, self.org, &profile, self.run, now)?;
        Ok(Answer::Run(self.org, run))
    }
}
