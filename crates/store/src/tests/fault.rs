//! A planned fault leaves behind what the real one would.

use std::sync::Arc;

use domain::time::Timestamp;

use super::conform;
use super::runtime;
use crate::testkit::TempFolder;
use crate::{Fault, FaultPlan, Store, StoreError, StoreUrl, migrate};

/// The work under test: begin, two inserts, commit. Four statements.
fn work(store: &Store) -> Result<(), StoreError> {
    let mut writer = store.writer()?;
    writer.begin()?;
    writer.execute(&conform::INSERT_EVENT, &conform::event(1))?;
    writer.execute(&conform::INSERT_EVENT, &conform::event(2))?;
    writer.commit()
}

/// Does the work with a fault at statement `at`, and answers with its outcome and the events that
/// a fresh process finds.
fn after(at: u64, fault: Fault) -> (Result<(), StoreError>, usize, Arc<FaultPlan>) {
    let (folder, runtime) = (TempFolder::new(), runtime());
    let url = StoreUrl::Sqlite(folder.path().join("store"));
    let plan = FaultPlan::new(at, fault);
    let store = Store::open(&url, runtime.handle()).unwrap();
    migrate::run(&store, "test", Timestamp::ZERO).unwrap();
    let outcome = work(&store.with_faults(Arc::clone(&plan)));
    let store = Store::open(&url, runtime.handle()).unwrap();
    let count = runtime.block_on(async {
        let mut snapshot = store.snapshot().await.unwrap();
        snapshot.query(&conform::EVENTS, &[]).await.unwrap().len()
    });
    (outcome, count, plan)
}

#[test]
fn a_death_before_the_commit_leaves_nothing_and_after_it_everything() {
    for at in 1..=4 {
        let (outcome, count, plan) = after(at, Fault::Die);
        assert!(outcome.unwrap_err().retryable());
        assert_eq!((count, plan.struck()), (0, true), "at {at}");
    }
    for (at, kept) in [(1, 0), (2, 0), (3, 0), (4, 2)] {
        assert_eq!(after(at, Fault::DieAfter).1, kept, "at {at}");
    }
    let (outcome, count, plan) = after(5, Fault::Die);
    assert_eq!((outcome, count, plan.struck(), plan.statement_count()), (Ok(()), 2, false, 4));
}

#[test]
fn only_a_commit_can_be_of_unknown_outcome() {
    for at in 1..=3 {
        let (outcome, count, _) = after(at, Fault::LoseAnswer);
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "at {at}");
        assert_eq!(count, 0);
    }
    let (outcome, count, _) = after(4, Fault::LoseAnswer);
    assert!(matches!(outcome, Err(StoreError::UnknownOutcome(_))));
    assert_eq!(count, 2);
    let (outcome, count, _) = after(4, Fault::Refuse);
    assert!(matches!(outcome, Err(StoreError::Busy(_))));
    assert_eq!(count, 0);
}
