//! What only a server can do to us: go away, and say yes with a warning.

use super::Stand;
use super::conform::{EVENTS, INSERT_EVENT, event, events, in_transaction};
use crate::statement::Statement;
use crate::{StoreError, Writer};

/// Ends every other connection to this database.
static END_THE_OTHERS: Statement = Statement::new(
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
     WHERE datname = current_database() AND pid <> pg_backend_pid()",
);

/// Makes the server warn while it commits, as it does when a wait for a standby is cancelled.
const WARN_AT_COMMIT: &str = "
    CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE WARNING 'it might not have been replicated'; RETURN NULL; END $$;
    CREATE CONSTRAINT TRIGGER warn AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION warn();";

fn end_the_others(stand: &Stand) {
    let mut other = stand.store.writer().unwrap();
    in_transaction(&mut other, |other| other.query(&END_THE_OTHERS, &[]));
}

fn begun(stand: &Stand) -> Writer {
    let mut writer = stand.store.writer().unwrap();
    writer.begin().unwrap();
    writer.execute(&INSERT_EVENT, &event(1)).unwrap();
    writer
}

#[test]
fn a_connection_lost_in_a_transaction_is_replaced_at_the_next() {
    let Some(stand) = Stand::postgres() else { return };
    let mut writer = begun(&stand);
    end_the_others(&stand);
    let error = writer.execute(&INSERT_EVENT, &event(2)).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    writer.rollback().unwrap();
    in_transaction(&mut writer, |writer| writer.execute(&INSERT_EVENT, &event(3)));
    assert_eq!(events(&stand).len(), 1);
}

#[test]
fn a_connection_lost_at_the_commit_leaves_the_outcome_unknown() {
    let Some(stand) = Stand::postgres() else { return };
    let mut writer = begun(&stand);
    end_the_others(&stand);
    let error = writer.commit().unwrap_err();
    assert!(matches!(error, StoreError::UnknownOutcome(_)), "{error}");
    writer.rollback().unwrap();
    writer.begin().unwrap();
    writer.commit().unwrap();
}

#[test]
fn a_warning_at_the_commit_leaves_the_outcome_unknown() {
    let Some(stand) = Stand::postgres() else { return };
    let mut writer = stand.store.writer().unwrap();
    writer.begin().unwrap();
    writer.batch(WARN_AT_COMMIT).unwrap();
    writer.commit().unwrap();
    let mut writer = begun(&stand);
    let error = writer.commit().unwrap_err();
    assert!(matches!(error, StoreError::UnknownOutcome(_)), "{error}");
    assert_eq!(events(&stand).len(), 1);
}

#[test]
fn lost_readers_are_replaced() {
    let Some(stand) = Stand::postgres() else { return };
    assert_eq!(events(&stand), []);
    end_the_others(&stand);
    // The news may still be on its way to this side; then one query fails, and the next does not.
    let read = async || stand.store.snapshot().await?.query(&EVENTS, &[]).await;
    let rows = match stand.runtime.block_on(read()) {
        Err(StoreError::Unavailable(_)) => stand.runtime.block_on(read()),
        other => other,
    };
    assert_eq!(rows.unwrap(), []);
}

#[test]
fn a_server_that_is_not_there_is_unavailable() {
    let runtime = super::runtime();
    let url = "postgres://nobody@127.0.0.1:1/nothing".parse().unwrap();
    let store = crate::Store::open(&url, runtime.handle()).unwrap();
    let error = store.writer().unwrap().begin().unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    let error = runtime.block_on(store.snapshot()).err().unwrap();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
}

#[test]
fn replicas_that_start_together_run_each_step_once() {
    let Some(server) = crate::testkit::pg::find_or_start() else { return };
    let (database, runtime) = (server.empty_database(), super::runtime());
    let url = database.url();
    let start = || {
        let store = crate::Store::open(&url, runtime.handle()).unwrap();
        crate::migrate::run(&store, "replica", domain::time::Timestamp::ZERO).unwrap()
    };
    let ran: usize = std::thread::scope(|scope| {
        let replicas: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
        replicas.into_iter().map(|replica| replica.join().unwrap()).sum()
    });
    assert_eq!(ran, 4);
}
