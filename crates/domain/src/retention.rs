//! What is stored at zero: it goes on, for so many days, and then it is deleted (requirements N15).
//!
//! Laws: storage is never stopped by an order to stop; from the second it cannot be paid any more
//! its use goes into the overdraft, people are warned at once and a day before the end, and money
//! that comes in before ends the countdown (rulings R6, R14).

use crate::event::EventKind;
use crate::lifecycle::{Ending, close_run};
use crate::profile::Profile;
use crate::run::{Rest, Run, StopReason};
use crate::scope::Purpose;
use crate::settle::tell;
use crate::time::SECONDS_PER_DAY;
use crate::wake::patience;
use crate::wallet::{Usable, Wallet};
use crate::workset::Workset;
use crate::{Amount, OrgId, Refusal, Timestamp};

/// A wallet at zero in which something is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    pub deletes_at: Timestamp,
    /// True when the last warning has gone out.
    pub is_ending: bool,
}

impl Retention {
    fn last_warning(self) -> Timestamp {
        if self.is_ending {
            return Timestamp::NEVER;
        }
        self.deletes_at.plus_seconds(-SECONDS_PER_DAY)
    }
}

/// Whether `run` is kept at zero.
pub fn is_kept(run: &Run) -> bool {
    run.is_billed() && !run.class.is_stopped_at_zero()
}

fn kept_count(wallet: &Wallet) -> i64 {
    wallet.running_count - wallet.stoppable_count - wallet.blocks.run_count()
}

/// The last second that all that is stored can be paid for.
fn paid_until(wallet: &Wallet) -> Timestamp {
    if wallet.is_scoped() {
        return wallet.kept_outs().iter().map(|&(_, at)| at).min().unwrap_or(Timestamp::NEVER);
    }
    wallet.last_second_at_or_above(Amount::ZERO, Usable::Unreserved, 0)
}

/// Whether something has to stop first that may be what uses the credit up.
fn is_stopping(wallet: &Wallet) -> bool {
    if wallet.is_scoped() {
        return wallet.first_stop() <= paid_until(wallet).max(wallet.now);
    }
    wallet.stoppable_count > 0
}

/// When what is stored is next to be looked at; [`Timestamp::NEVER`] when it need not be.
pub fn retention_due(wallet: &Wallet, profile: &Profile) -> Timestamp {
    if profile.retention_days.is_none() || kept_count(wallet) == 0 {
        return Timestamp::NEVER;
    }
    match wallet.retention {
        None if is_stopping(wallet) => Timestamp::NEVER,
        None => {
            let since = paid_until(wallet).max(wallet.now);
            patience(wallet, profile).map_or(since, |until| since.max(until))
        }
        Some(retention) => retention.last_warning().min(retention.deletes_at).max(wallet.now),
    }
}

/// Whether what is stored can be deleted by `until`, whatever happens before.
pub fn may_delete(wallet: &Wallet, profile: &Profile, until: Timestamp) -> bool {
    let Some(days) = profile.retention_days.filter(|_| kept_count(wallet) > 0) else {
        return false;
    };
    let earliest = wallet.now.floor_to_second().plus_seconds(days * SECONDS_PER_DAY);
    wallet.retention.map_or(earliest, |retention| retention.deletes_at) <= until
}

/// Starts, warns of, ends or carries out a deletion at `at`.
pub(crate) fn review_retention(
    ws: &mut Workset,
    org: OrgId,
    profile: &Profile,
    at: Timestamp,
) -> Result<(), Refusal> {
    let Some(days) = profile.retention_days else { return Ok(()) };
    let wallet = ws.wallet(org)?;
    let before = wallet.retention;
    if kept_count(wallet) == 0 {
        if before.is_some() {
            ws.wallet_mut(org)?.retention = None;
        }
        return Ok(());
    }
    let is_waited_for = patience(wallet, profile).is_some_and(|until| at < until);
    let is_at_zero = paid_until(wallet) <= at;
    match before {
        None if is_at_zero && !is_waited_for && !is_stopping(wallet) => {
            let deletes_at = at.floor_to_second().plus_seconds(days * SECONDS_PER_DAY);
            let is_ending = days <= 1;
            ws.wallet_mut(org)?.retention = Some(Retention { deletes_at, is_ending });
            warn(ws, org, EventKind::RetentionStarted, deletes_at, at)
        }
        Some(_) if !is_at_zero => {
            ws.wallet_mut(org)?.retention = None;
            tell(ws, org, EventKind::RetentionEnded, at, Vec::new())
        }
        Some(retention) if retention.deletes_at <= at => delete(ws, org, profile, at),
        Some(retention) if retention.last_warning() <= at => {
            let retention = Retention { is_ending: true, ..retention };
            ws.wallet_mut(org)?.retention = Some(retention);
            warn(ws, org, EventKind::RetentionEnding, retention.deletes_at, at)
        }
        _ => Ok(()),
    }
}

fn warn(
    ws: &mut Workset,
    org: OrgId,
    kind: EventKind,
    deletes_at: Timestamp,
    at: Timestamp,
) -> Result<(), Refusal> {
    tell(ws, org, kind, at, vec![("deletes_at", deletes_at.to_string())])
}

/// Orders the deletion of everything that is stored and cannot be paid, and ends its runs.
fn delete(ws: &mut Workset, org: OrgId, profile: &Profile, at: Timestamp) -> Result<(), Refusal> {
    let wallet = ws.wallet_mut(org)?;
    wallet.retention = None;
    let unpaid = wallet.is_scoped().then(|| (wallet.scopes.clone(), wallet.kept_outs()));
    let is_unpaid = |run: &Run| {
        unpaid.as_ref().is_none_or(|(scopes, outs)| {
            let cover = scopes.cover(Some(Purpose::of(run)));
            outs.iter().any(|&(other, out)| other == cover && out <= at)
        })
    };
    let kept: Vec<(i64, i64)> = ws
        .runs
        .of(org)
        .filter(|(_, run)| is_kept(run) && is_unpaid(run))
        .map(|(number, run)| (number, run.resource))
        .collect();
    for (number, resource) in kept {
        let fields = vec![("run", number.to_string()), ("resource", resource.to_string())];
        tell(ws, org, EventKind::DeletionOrdered, at, fields)?;
        let (reason, rest) = (StopReason::RetentionOver, Rest::Terminated);
        let ending = Ending { stopped_at: at.floor_to_second(), reason, rest };
        close_run(ws, org, profile, number, ending, at)?;
    }
    Ok(())
}
