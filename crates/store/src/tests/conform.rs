//! The promises that both engines keep alike.

use domain::time::Timestamp;

use super::Stand;
use crate::statement::{Action, Bulk, Kind, Load, Statement, catalogue};
use crate::{Column, Done, Row, Step, StoreError, Value, Writer, migrate};

const EVENT: &[(&str, Kind)] = &[
    ("bucket", Kind::Small),
    ("org_id", Kind::Int),
    ("number", Kind::Int),
    ("kind", Kind::Small),
    ("at", Kind::Int),
    ("body", Kind::Text),
];
const WAKE: &[(&str, Kind)] = &[("bucket", Kind::Small), ("org_id", Kind::Int), ("due", Kind::Int)];
const WALLET_KEY: &[(&str, Kind)] = &[("bucket", Kind::Small), ("org_id", Kind::Int)];
const API_KEY: &[(&str, Kind)] = &[
    ("bucket", Kind::Small),
    ("org_id", Kind::Int),
    ("number", Kind::Int),
    ("name", Kind::Text),
    ("hash", Kind::Blob),
    ("role", Kind::Text),
    ("created_at", Kind::Int),
    ("revoked_at", Kind::Int),
];

catalogue! {
    INSERT_EVENT: Statement = Statement::new(
        "INSERT INTO events (bucket, org_id, number, kind, at, body) \
         VALUES ($1, $2, $3, $4, $5, $6)"
    );
    EVENTS: Statement = Statement::new(
        "SELECT bucket, org_id, number, kind, at, body FROM events ORDER BY number"
    );
    INSERT_EVENTS: Bulk = Bulk::new(Action::Insert, "events", 3, EVENT);
    INSERT_MISSING_EVENTS: Bulk = Bulk::new(Action::InsertMissing, "events", 3, EVENT);
    INSERT_API_KEYS: Bulk = Bulk::new(Action::Insert, "api_keys", 3, API_KEY);
    API_KEYS: Statement = Statement::new(
        "SELECT number, name, hash, revoked_at FROM api_keys \
         WHERE org_id = $2 AND bucket = $1 ORDER BY number"
    );
    SET_WAKES: Bulk = Bulk::new(Action::Upsert, "wakes", 2, WAKE);
    MOVE_WAKES: Bulk = Bulk::new(Action::Update, "wakes", 2, WAKE);
    CLEAR_WAKES: Bulk = Bulk::new(Action::Delete, "wakes", 2, WALLET_KEY);
    FIND_WAKES: Load = Load::new("wakes", WALLET_KEY, &["org_id", "due"], "due < 1000");
    MOVE_WAKE: Statement = Statement::new(
        "UPDATE wakes SET due = $3 WHERE bucket = $1 AND org_id = $2 AND due > $3"
    );
    COUNT_BUCKETS: Statement = Statement::new("SELECT count(*), min(bucket) FROM buckets");
}

promises! {
    conform_values_round_trip
    conform_bulk_insert_equals_row_inserts
    conform_bulk_of_no_rows_does_nothing
    conform_columns_of_different_length_are_refused
    conform_upsert_update_and_delete_go_by_key
    conform_a_load_finds_the_rows_of_its_keys
    conform_steps_answer_in_order
    conform_the_first_failed_step_is_the_error
    conform_after_an_error_only_rollback_is_left
    conform_rollback_leaves_nothing
    conform_a_dropped_writer_leaves_nothing
    conform_a_snapshot_does_not_see_later_commits
    conform_a_snapshot_cannot_write
    conform_conditional_update_counts_rows
    conform_duplicate_key_is_told_apart
    conform_an_empty_transaction_commits
    conform_migrating_twice_changes_nothing
    conform_an_altered_step_is_refused
    conform_a_newer_schema_is_refused
    conform_the_buckets_are_there
}

pub(super) fn event(number: i64) -> Vec<Value> {
    vec![
        Value::Int(3),
        Value::Int(77),
        Value::Int(number),
        Value::Int(1),
        Value::Int(5),
        "x".into(),
    ]
}

fn event_columns(numbers: &[i64]) -> Vec<Column<'static>> {
    let same = |value: i64| Column::Int(vec![value; numbers.len()]);
    let body = Column::Text(vec!["x".into(); numbers.len()]);
    vec![same(3), same(77), Column::Int(numbers.to_vec()), same(1), same(5), body]
}

pub(super) fn in_transaction<T>(
    writer: &mut Writer,
    work: impl FnOnce(&mut Writer) -> Result<T, StoreError>,
) -> T {
    writer.begin().unwrap();
    let done = work(writer).unwrap();
    writer.commit().unwrap();
    done
}

pub(super) fn events(stand: &Stand) -> Vec<Row> {
    stand.runtime.block_on(async {
        stand.store.snapshot().await.unwrap().query(&EVENTS, &[]).await.unwrap()
    })
}

fn conform_values_round_trip(stand: &Stand) {
    let mut writer = stand.store.writer().unwrap();
    let blobs = [vec![0, 255, 1], Vec::new(), vec![7; 40]];
    let names = ["plain", "quote ' and $1 and ?1", "日本 ✓"].map(str::to_owned).to_vec();
    let columns = vec![
        Column::Int(vec![0, 0, 0]),
        Column::Int(vec![9, 9, 9]),
        Column::Int(vec![i64::MIN, -1, i64::MAX]),
        Column::Text(names.iter().map(|name| name.as_str().into()).collect()),
        Column::Blob(blobs.iter().map(|blob| blob.as_slice().into()).collect()),
        Column::Text(vec!["admin".into(); 3]),
        Column::Int(vec![0, 0, 0]),
        Column::OptInt(vec![None, Some(8), None]),
    ];
    let count = in_transaction(&mut writer, |writer| writer.bulk(&INSERT_API_KEYS, &columns));
    assert_eq!(count, 3);
    let rows = in_transaction(&mut writer, |w| w.query(&API_KEYS, &[0.into(), 9.into()]));
    let expected: Vec<Row> = (0..3)
        .map(|at| {
            Row(vec![
                columns[2].value(at),
                names[at].as_str().into(),
                blobs[at].as_slice().into(),
                columns[7].value(at),
            ])
        })
        .collect();
    assert_eq!(rows, expected);
}

fn conform_bulk_insert_equals_row_inserts(stand: &Stand) {
    let mut writer = stand.store.writer().unwrap();
    in_transaction(&mut writer, |writer| {
        (1..=50).try_for_each(|n| writer.execute(&INSERT_EVENT, &event(n)).map(drop))
    });
    let one_by_one = events(stand);
    assert_eq!(one_by_one.len(), 50);
    let stand = &stand.again();
    let mut writer = stand.store.writer().unwrap();
    let numbers: Vec<i64> = (1..=50).collect();
    let count = in_transaction(&mut writer, |w| w.bulk(&INSERT_EVENTS, &event_columns(&numbers)));
    assert_eq!(count, 50);
    assert_eq!(events(stand), one_by_one);
}

fn conform_bulk_of_no_rows_does_nothing(stand: &Stand) {
    let mut writer = stand.store.writer().unwrap();
    let count = in_transaction(&mut writer, |w| w.bulk(&INSERT_EVENTS, &event_columns(&[])));
    assert_eq!(count, 0);
    assert_eq!(events(stand), []);
}

fn conform_columns_of_different_length_are_refused(stand: &Stand) {
    let mut writer = stand.store.writer().unwrap();
    writer.begin().unwrap();
    let mut columns = event_columns(&[1, 2]);
    columns[4] = Column::Int(vec![5]);
    let error = writer.bulk(&INSERT_EVENTS, &columns).unwrap_err();
    assert!(matches!(error, StoreError::Bug { .. }), "{error}");
    assert!(error.to_string().contains("conform::INSERT_EVENTS"), "{error}");
    writer.rollback().unwrap();
}

fn conform_upsert_update_and_delete_go_by_key(stand: &Stand) {
    let mut writer = stand.store.writer().unwrap();
    let int = |values: &[i64]| Column::Int(values.to_vec());
    let wakes = |orgs: &[i64], due: &[i64]| vec![int(&vec![1; orgs.len()]), int(orgs), int(due)];
    let (first, counts) = in_transaction(&mut writer, |writer| {
        let first = writer.bulk(&SET_WAKES, &wakes(&[1, 2, 3], &[10, 20, 30]))?;
        let second = writer.bulk(&SET_WAKES, &wakes(&[3, 4], &[31, 41]))?;
        let moved = writer.bulk(&MOVE_WAKES, &wakes(&[2, 9], &[22, 99]))?;
        let cleared = writer.bulk(&CLEAR_WAKES, &[int(&[1, 1]), int(&[1, 8])])?;
        Ok((first, [second, moved, cleared]))
    });
    assert_eq!((first, counts), (3, [2, 1, 1]));
    assert_eq!(wakes_of(&mut writer, &[1, 2, 3, 4, 9]), [(2, 22), (3, 31), (4, 41)]);
}

fn wakes_of(writer: &mut Writer, orgs: &[i64]) -> Vec<(i64, i64)> {
    let keys = [Column::Int(vec![1; orgs.len()]), Column::Int(orgs.to_vec())];
    let rows = in_transaction(writer, |writer| writer.load(&FIND_WAKES, &keys));
    let mut found: Vec<(i64, i64)> =
        rows.iter().map(|row| (row.int(0).unwrap(), row.int(1).unwrap())).collect();
    found.sort_unstable();
    found
}

fn conform_a_load_finds_the_rows_of_its_keys(stand: &Stand) {
    let mut writer = stand.store.writer().unwrap();
    let int = |values: &[i64]| Column::Int(values.to_vec());
    let wakes = [int(&[1, 1, 1, 2]), int(&[1, 2, 3, 4]), int(&[10, 999, 1000, 40])];
    in_transaction(&mut writer, |writer| writer.bulk(&SET_WAKES, &wakes));
    assert_eq!(wakes_of(&mut writer, &[2, 3, 4, 5]), [(2, 999)]);
    assert_eq!(wakes_of(&mut writer, &[]), []);
    let rows = stand.runtime.block_on(async {
        let mut snapshot = stand.store.snapshot().await.unwrap();
        snapshot.load(&FIND_WAKES, vec![int(&[2]), int(&[4])]).await.unwrap()
    });
    assert_eq!(rows, [Row(vec![Value::Int(4), Value::Int(40)])]);
}

fn conform_steps_answer_in_order(stand: &Stand) {
    let mut writer = stand.store.writer().unwrap();
    let (one, columns) = (event(1), event_columns(&[1, 2, 3]));
    let steps = [
        Step::Execute(&INSERT_EVENT, &one),
        Step::Bulk(&INSERT_MISSING_EVENTS, &columns),
        Step::Bulk(&CLEAR_WAKES, &[Column::Int(vec![]), Column::Int(vec![])]),
        Step::Query(&EVENTS, &[]),
    ];
    let mut done = in_transaction(&mut writer, |writer| writer.steps(&steps));
    let rows = done.pop().unwrap().rows().unwrap();
    assert_eq!(done, [Done::Count(1), Done::Count(2), Done::Count(0)]);
    assert_eq!(rows.len(), 3);
}

fn conform_the_first_failed_step_is_the_error(stand: &Stand) {
    let mut writer = stand.store.writer().unwrap();
    writer.begin().unwrap();
    let (one, two) = (event(1), event(2));
    let steps = [
        Step::Execute(&INSERT_EVENT, &one),
        Step::Execute(&INSERT_EVENT, &one),
        Step::Execute(&INSERT_EVENT, &two),
    ];
    let error = writer.steps(&steps).unwrap_err();
    assert!(matches!(error, StoreError::Duplicate(_)), "{error}");
    writer.rollback().unwrap();
    assert_eq!(events(stand), []);
    in_transaction(&mut writer, |writer| writer.execute(&INSERT_EVENT, &two));
    assert_eq!(events(stand).len(), 1);
}

fn conform_after_an_error_only_rollback_is_left(stand: &Stand) {
    let mut writer = stand.store.writer().unwrap();
    writer.begin().unwrap();
    writer.execute(&INSERT_EVENT, &event(1)).unwrap();
    writer.execute(&INSERT_EVENT, &event(1)).unwrap_err();
    writer.execute(&INSERT_EVENT, &event(2)).unwrap_err();
    writer.commit().unwrap_err();
    assert_eq!(events(stand), []);
    writer.rollback().unwrap();
    in_transaction(&mut writer, |writer| writer.execute(&INSERT_EVENT, &event(1)));
    assert_eq!(events(stand).len(), 1);
}

fn conform_rollback_leaves_nothing(stand: &Stand) {
    let mut writer = stand.store.writer().unwrap();
    writer.begin().unwrap();
    writer.execute(&INSERT_EVENT, &event(1)).unwrap();
    writer.rollback().unwrap();
    assert_eq!(events(stand), []);
    writer.rollback().unwrap();
}

fn conform_a_dropped_writer_leaves_nothing(stand: &Stand) {
    let mut writer = stand.store.writer().unwrap();
    writer.begin().unwrap();
    writer.execute(&INSERT_EVENT, &event(1)).unwrap();
    drop(writer);
    let mut writer = stand.store.writer().unwrap();
    in_transaction(&mut writer, |writer| writer.execute(&INSERT_EVENT, &event(1)));
    assert_eq!(events(stand).len(), 1);
}

fn conform_a_snapshot_does_not_see_later_commits(stand: &Stand) {
    let mut writer = stand.store.writer().unwrap();
    in_transaction(&mut writer, |writer| writer.execute(&INSERT_EVENT, &event(1)));
    stand.runtime.block_on(async {
        let mut snapshot = stand.store.snapshot().await.unwrap();
        assert_eq!(snapshot.query(&EVENTS, &[]).await.unwrap().len(), 1);
        std::thread::scope(|scope| {
            let commit =
                || in_transaction(&mut writer, |writer| writer.execute(&INSERT_EVENT, &event(2)));
            scope.spawn(commit).join().unwrap()
        });
        assert_eq!(snapshot.query(&EVENTS, &[]).await.unwrap().len(), 1);
        drop(snapshot);
        let mut later = stand.store.snapshot().await.unwrap();
        assert_eq!(later.query(&EVENTS, &[]).await.unwrap().len(), 2);
    });
}

fn conform_a_snapshot_cannot_write(stand: &Stand) {
    stand.runtime.block_on(async {
        let mut snapshot = stand.store.snapshot().await.unwrap();
        snapshot.query(&INSERT_EVENT, &event(1)).await.unwrap_err();
    });
    assert_eq!(events(stand), []);
}

fn conform_conditional_update_counts_rows(stand: &Stand) {
    let mut writer = stand.store.writer().unwrap();
    let wake = [Column::Int(vec![1]), Column::Int(vec![2]), Column::Int(vec![100])];
    in_transaction(&mut writer, |writer| writer.bulk(&SET_WAKES, &wake));
    let mut to = |due: i64| {
        let parameters = [1.into(), 2.into(), due.into()];
        in_transaction(&mut writer, |writer| writer.execute(&MOVE_WAKE, &parameters))
    };
    assert_eq!([to(50), to(60), to(40)], [1, 0, 1]);
}

fn conform_duplicate_key_is_told_apart(stand: &Stand) {
    let mut writer = stand.store.writer().unwrap();
    in_transaction(&mut writer, |writer| writer.execute(&INSERT_EVENT, &event(1)));
    writer.begin().unwrap();
    let error = writer.bulk(&INSERT_EVENTS, &event_columns(&[2, 1])).unwrap_err();
    assert!(matches!(error, StoreError::Duplicate(_)), "{error}");
    assert!(!error.retryable());
    writer.rollback().unwrap();
    let count =
        in_transaction(&mut writer, |w| w.bulk(&INSERT_MISSING_EVENTS, &event_columns(&[2, 1])));
    assert_eq!(count, 1);
}

fn conform_an_empty_transaction_commits(stand: &Stand) {
    let mut writer = stand.store.writer().unwrap();
    writer.begin().unwrap();
    writer.commit().unwrap();
    in_transaction(&mut writer, |writer| writer.execute(&INSERT_EVENT, &event(1)));
}

fn conform_migrating_twice_changes_nothing(stand: &Stand) {
    assert_eq!(migrate::run(&stand.store, "again", Timestamp::ZERO), Ok(0));
}

fn conform_an_altered_step_is_refused(stand: &Stand) {
    let mut writer = stand.store.writer().unwrap();
    writer.begin().unwrap();
    writer.batch("UPDATE schema_migrations SET checksum = 'f00' WHERE number = 1").unwrap();
    writer.commit().unwrap();
    drop(writer);
    let error = migrate::run(&stand.store, "test", Timestamp::ZERO).unwrap_err();
    assert!(matches!(error, StoreError::Schema(_)), "{error}");
    assert!(error.to_string().contains("step 1 (founding) was run with another text"), "{error}");
}

fn conform_a_newer_schema_is_refused(stand: &Stand) {
    let mut writer = stand.store.writer().unwrap();
    writer.begin().unwrap();
    writer.batch("INSERT INTO schema_migrations VALUES (999, 'future', 'f00', 0)").unwrap();
    writer.commit().unwrap();
    drop(writer);
    let error = migrate::run(&stand.store, "test", Timestamp::ZERO).unwrap_err();
    assert!(error.to_string().contains("step 999 (future)"), "{error}");
    assert!(matches!(error, StoreError::Schema(_)), "{error}");
}

fn conform_the_buckets_are_there(stand: &Stand) {
    let rows = stand.runtime.block_on(async {
        stand.store.snapshot().await.unwrap().query(&COUNT_BUCKETS, &[]).await.unwrap()
    });
    assert_eq!(rows, [Row(vec![Value::Int(1024), Value::Int(0)])]);
}
