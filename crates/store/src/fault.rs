//! Faults for the simulator: the n-th thing a writer does fails, in one of four ways.
//!
//! *Invariant:* a plan strikes once, and after a death everything the writer is asked fails, so
//! what is on disk is what a dead process would have left. The simulator runs the same work with
//! n = 1, 2, 3… until a run passes untouched, which visits every crash point without luck.
//!
//! A store opened without a plan pays one comparison with `None`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::error::StoreError;

/// How the planned statement fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process dies just before the statement.
    Die,
    /// The process dies just after the statement took effect; at a commit, all of it is kept.
    DieAfter,
    /// The statement is refused once, as by a conflict, and has no effect.
    Refuse,
    /// The statement takes effect, but the answer is lost once.
    LoseAnswer,
}

/// A fault at the n-th statement of all writers that share this plan, `begin` and `commit`
/// counted.
#[derive(Debug)]
pub struct FaultPlan {
    at: u64,
    fault: Fault,
    count: AtomicU64,
    dead: AtomicBool,
}

impl FaultPlan {
    /// Plans `fault` for statement number `at`, counted from 1; 0 never strikes and only counts.
    pub fn new(at: u64, fault: Fault) -> Arc<FaultPlan> {
        let (count, dead) = (AtomicU64::new(0), AtomicBool::new(false));
        Arc::new(FaultPlan { at, fault, count, dead })
    }

    /// Statements asked for so far.
    pub fn statement_count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// Whether the plan has struck.
    pub fn struck(&self) -> bool {
        self.at != 0 && self.statement_count() >= self.at
    }

    /// Does one statement under this plan.
    pub(crate) fn around<T>(
        &self,
        statement: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.refuse_if_dead()?;
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        if number != self.at {
            return statement();
        }
        let planned = format!("planned fault {:?} at statement {number}", self.fault);
        match self.fault {
            Fault::Refuse => Err(StoreError::Busy(planned)),
            Fault::LoseAnswer => {
                statement()?;
                Err(StoreError::Unavailable(planned))
            }
            Fault::Die => {
                self.dead.store(true, Ordering::SeqCst);
                Err(StoreError::Unavailable(planned))
            }
            Fault::DieAfter => {
                self.dead.store(true, Ordering::SeqCst);
                statement()?;
                Err(StoreError::Unavailable(planned))
            }
        }
    }

    pub(crate) fn refuse_if_dead(&self) -> Result<(), StoreError> {
        if self.dead.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("the process is dead by plan".to_owned()));
        }
        Ok(())
    }
}
