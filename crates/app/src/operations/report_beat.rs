//! Reports a beat: the run still runs. Without one for as long as was agreed at its start, it is
//! taken to have ended at the last (rulings R14).

use domain::lifecycle::current_run;
use domain::wake::catch_up;
use domain::{OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation, require_reported};

#[derive(Debug)]
pub struct ReportBeat {
    pub org: OrgId,
    pub run: i64,
    /// When it was seen to run; now, when none is given.
    pub at: Option<Timestamp>,
}

impl Operation for ReportBeat {
    fn name(&self) -> &'static str {
        "report_beat"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.runs.push((self.org, self.run));
    }

    /// Refusals, in order: `not_found`, `run_ended`, `no_heartbeat`, `too_far_ahead`,
    /// `too_long_ago`.
    ///
    /// Idempotency: a beat that is not later than the last one changes nothing.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let now = catch_up(ws, self.org, now)?;
        let profile = ws.profile_of(self.org)?;
        let mut run = current_run(ws, self.org, self.run)?;
        if let Some(stopped_at) = run.stopped_at {
            return Err(Refusal::RunEnded { stopped_at });
        }
        let heartbeat = run.heartbeat.as_mut().ok_or(Refusal::NoHeartbeat)?;
        let at = self.at.unwrap_or(now);
        require_reported(at, now, profile.late_window_seconds)?;
        // After this line the operation must succeed.
        if at > heartbeat.beat_at {
            heartbeat.beat_at = at;
            ws.runs.put(self.org, run.number, run.clone());
            // The wallet is written with what changes in its organization.
            ws.wallet_mut(self.org)?;
        }
        Ok(Answer::Run(self.org, run))
    }
}
