//! Wakes a wallet whose time has come. On a test clock, rails and agents answer before time moves.

use domain::deposit::Behaviour;
use domain::event::Request;
use domain::wake::{Woken, next_wake_on, wake};
use domain::{Id, Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation};
use crate::operations::settle_deposit::SettleDeposit;
use crate::operations::stop_run::StopRun;

#[derive(Debug)]
pub struct WakeWallet {
    pub org: OrgId,
    /// Where a test clock is going; the present, when there is none.
    pub until: Option<Timestamp>,
}

/// One wake may ask the outside world so often; more is a rule that cannot come to rest.
const ASKED_MAX: usize = 1_000_000;

impl Operation for WakeWallet {
    fn name(&self) -> &'static str {
        "wake_wallet"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn until(&self) -> Option<Timestamp> {
        self.until
    }

    /// Refusals: `not_found`. Idempotency: waking again changes nothing.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let platform = ws.wallet(self.org)?.platform;
        let is_test = ws.platform(platform)?.clock.is_some();
        let until = self.until.unwrap_or(now);
        for _ in 0..ASKED_MAX {
            if !is_test {
                if wake(ws, self.org, until)? == Woken::Done {
                    break;
                }
                continue;
            }
            let target = until.min(ordered_stop(ws, self.org)?);
            let woken = wake(ws, self.org, target)?;
            answer(ws, self.org)?;
            if woken == Woken::Asked {
                continue;
            }
            let stop_at = ordered_stop(ws, self.org)?;
            let is_at_rest = stop_at > target || obey(ws, self.org, stop_at)? == 0;
            if is_at_rest && target == until {
                break;
            }
        }
        Ok(Answer::Woken(next_wake_on(ws.platform(platform)?, ws.wallet(self.org)?)))
    }
}

/// When the agent of a test clock will have to stop what runs.
fn ordered_stop(ws: &Workset, org: OrgId) -> Result<Timestamp, Refusal> {
    Ok(ws.wallet(org)?.next_stop_at())
}

/// Stops what zero stops, to the second for which it was ordered: what happened between the order
/// and that second came first, and may have taken the order back. Returns how many runs ended.
fn obey(ws: &mut Workset, org: OrgId, stop_at: Timestamp) -> Result<usize, Refusal> {
    let wallet = ws.wallet(org)?;
    let now = wallet.now.max(stop_at);
    let open: Vec<(i64, Timestamp)> = ws
        .runs
        .of(org)
        .filter(|(_, run)| run.is_stopped_by_order())
        .filter(|(_, run)| wallet.order_for(run).is_some_and(|order| order.stop_at <= stop_at))
        .map(|(number, run)| (number, run.started_at))
        .collect();
    for &(run, started_at) in &open {
        // A run that is reported some seconds ahead of the clock never runs at all.
        let stopped_at = Some(stop_at.max(started_at));
        StopRun { org, run, stopped_at, rest: None }.decide(ws, now)?;
    }
    Ok(open.len())
}

/// Answers payments that were asked for at the wallet's present instant, as the sandbox rail does.
/// Stops are obeyed when their second has come (rulings R7).
fn answer(ws: &mut Workset, org: OrgId) -> Result<(), Refusal> {
    let at = ws.wallet(org)?.now;
    for request in ws.take_requests_of_command() {
        match request {
            Request::ChargeMethod { org, deposit } => {
                let (behaviour, id) = (behaviour_of(ws, org, deposit)?, name_of(org, deposit));
                let outcome = payments::sandbox::charge(behaviour, &id);
                SettleDeposit { org, deposit, outcome }.decide(ws, at)?;
            }
            Request::ReadPayment { org, deposit } => {
                let (behaviour, id) = (behaviour_of(ws, org, deposit)?, name_of(org, deposit));
                let outcome = payments::sandbox::read_back(behaviour, &id);
                SettleDeposit { org, deposit, outcome }.decide(ws, at)?;
            }
            Request::StopRuns { .. } | Request::PayRefund { .. } => {}
        }
    }
    Ok(())
}

/// How the payment method that a deposit is charged to answers.
fn behaviour_of(ws: &Workset, org: OrgId, deposit: i64) -> Result<Behaviour, Refusal> {
    let row = ws.deposits.find(Kind::Deposit, org, deposit)?;
    let method = row.method.and_then(|method| ws.methods.get(org, method));
    Ok(method.map_or(Behaviour::Declines, |method| method.behaviour))
}

fn name_of(org: OrgId, deposit: i64) -> String {
    Id::new(Kind::Deposit, org, deposit).to_string()
}
