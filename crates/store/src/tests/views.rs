//! The views that people read say what the program says (docs/sql.md).

use std::sync::Arc;

use domain::calendar::Zone;
use domain::chart::{LedgerAccount, entries};
use domain::grant::{Grant, GrantKind, Posting};
use domain::label::Labels;
use domain::ledger::{LedgerTransaction, TransactionKind};
use domain::price::Sku;
use domain::rate::Rate;
use domain::run::{Resource, ResourceClass, Rest, Run, StopReason};
use domain::workset::Organization;
use domain::{Amount, OrgId, Timestamp};

use super::Stand;
use super::lane::{self, EPOCH, OWNER};
use super::random::Random;
use crate::statement::{Statement, catalogue};
use crate::{Batch, Row, Saved, Value, save};

catalogue! {
    ENTRIES: Statement = Statement::new(
        "SELECT kind, account, coalesce(grant_number, 0), credit_nanos FROM read_entries \
         WHERE bucket = $1 AND org_id = $2 AND number = $3"
    );
    LEDGER: Statement = Statement::new(
        "SELECT kind, at, amount_nanos, absorbed_nanos, debt_nanos, tax_nanos, balance_nanos, \
         occurred_at, event_id, hash FROM read_ledger \
         WHERE bucket = $1 AND org_id = $2 ORDER BY number"
    );
    GRANTS: Statement = Statement::new(
        "SELECT number, kind, amount_nanos, remaining_nanos, reserved_nanos, expires_at \
         FROM read_grants WHERE bucket = $1 AND org_id = $2 ORDER BY number"
    );
    BALANCES: Statement = Statement::new(
        "SELECT organization, posted_nanos, debt_nanos, held_nanos, settled_until \
         FROM read_balances WHERE bucket = $1 AND org_id = $2"
    );
    RUNS: Statement = Statement::new(
        "SELECT number, resource_name, sku, class, list_nanos, per_units, started_at, stopped_at, \
         ran_seconds, stop_reason FROM read_runs WHERE bucket = $1 AND org_id = $2 ORDER BY number"
    );
}

promises! {
    conform_entries_and_ledger_say_what_the_domain_says
    conform_grants_and_balances_say_what_the_wallet_says
    conform_runs_say_what_ran
}

/// Grants of every kind, with numbers from 1.
const GRANTS_MADE: i64 = 12;

fn saved(stand: &Stand, batch: &Batch) {
    let mut writer = lane::owned(stand);
    let kept = writer.transaction(|w| save(w, batch, 0, OWNER, EPOCH)).unwrap();
    assert_eq!(kept, Saved::Kept);
}

fn read(stand: &Stand, view: &'static Statement, org: OrgId, and: &[Value]) -> Vec<Row> {
    let mut parameters = vec![org.bucket().into(), org.into()];
    parameters.extend_from_slice(and);
    stand.runtime.block_on(async {
        stand.store.snapshot().await.unwrap().query(view, &parameters).await.unwrap()
    })
}

/// A time as the views write it, which is to the second.
fn text(at: Timestamp) -> Value {
    Value::Text(at.floor_to_second().to_string())
}

fn text_unless_never(at: Timestamp) -> Value {
    if at == Timestamp::NEVER { Value::Null } else { text(at) }
}

fn grants_of_every_kind(random: &mut Random) -> Vec<Grant> {
    let kinds = [GrantKind::Promotional, GrantKind::Purchased, GrantKind::Bonus];
    let kind = |number: i64| kinds[usize::try_from(number % 3).unwrap()];
    (1..=GRANTS_MADE).map(|number| Grant { kind: kind(number), ..random.grant(number) }).collect()
}

fn conform_entries_and_ledger_say_what_the_domain_says(stand: &Stand) {
    let mut random = Random(31);
    let org = random.org();
    let grants = grants_of_every_kind(&mut random);
    let mut rows: Vec<LedgerTransaction> = Vec::new();
    for kind in TransactionKind::ALL {
        for _ in 0..8 {
            let mut row = random.transaction(org, i64::try_from(rows.len()).unwrap() + 1);
            row.kind = kind;
            // Each grant is named once, and more of them than have columns of their own.
            let first = random.below(GRANTS_MADE);
            let grant = |at: i64| (first + at) % GRANTS_MADE + 1;
            let count = random.below(GRANTS_MADE);
            row.postings = (0..count)
                .map(|at| Posting { grant: grant(at), change: random.signed() })
                .collect();
            rows.push(row);
        }
    }
    let mut batch = Batch::default();
    batch.changes.grants = grants.iter().map(|grant| (org, grant.number, grant.clone())).collect();
    batch.changes.journal = rows.iter().cloned().map(Arc::new).collect();
    saved(stand, &batch);
    let kind_of = |number: i64| grants[usize::try_from(number - 1).unwrap()].kind;
    for row in &rows {
        let expected = entries(row, kind_of).into_iter().map(|entry| {
            let grant = match entry.account {
                LedgerAccount::Grant(number) => number,
                _ => 0,
            };
            let words = [row.kind.name(), entry.account.name()].map(|it| Value::Text(it.into()));
            let [kind, account] = words;
            Row(vec![kind, account, grant.into(), entry.credit.nanos().into()])
        });
        let mut expected: Vec<Row> = expected.collect();
        let mut found = read(stand, &ENTRIES, org, &[row.number.into()]);
        expected.sort_by_key(|row| format!("{row:?}"));
        found.sort_by_key(|row| format!("{row:?}"));
        assert_eq!(found, expected, "{row:?}");
    }
    let hash = |row: &LedgerTransaction| -> String {
        row.hash.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let expected = rows.iter().map(|row| {
        Row(vec![
            Value::Text(row.kind.name().into()),
            text(row.at),
            row.amount.nanos().into(),
            row.absorbed.nanos().into(),
            row.debt.nanos().into(),
            row.tax.amount.nanos().into(),
            row.balance.nanos().into(),
            row.occurred_at.map_or(Value::Null, text),
            row.event.as_ref().map_or(Value::Null, |event| Value::Text(event.id.clone())),
            Value::Text(hash(row)),
        ])
    });
    assert_eq!(read(stand, &LEDGER, org, &[]), expected.collect::<Vec<_>>());
}

fn conform_grants_and_balances_say_what_the_wallet_says(stand: &Stand) {
    let (mut random, mut writer) = (Random(32), lane::owned(stand));
    // Parts of richer days are left over, and are not believed.
    for (turn, open) in [40, 17, 16, 1, 0].into_iter().enumerate() {
        let org = random.org();
        let given: Vec<Grant> = (0..44).map(|number| random.grant(number)).collect();
        let organization = Organization {
            platform: org,
            name: format!("Acme {turn}"),
            zone: Zone::UTC,
            created_at: Timestamp::ZERO,
            closed_at: None,
            erased_at: None,
        };
        let mut batch = Batch::default();
        batch.changes.grants =
            given.iter().map(|grant| (org, grant.number, grant.clone())).collect();
        batch.changes.organizations = vec![(org, 0, organization)];
        batch.changes.wallets = vec![random.wallet(org, 40)];
        writer.transaction(|w| save(w, &batch, 0, OWNER, EPOCH)).unwrap();
        let wallet = random.wallet(org, open);
        let mut batch = Batch::default();
        batch.changes.wallets = vec![wallet.clone()];
        writer.transaction(|w| save(w, &batch, 0, OWNER, EPOCH)).unwrap();
        let expected = given.iter().map(|grant| {
            let open = wallet.grants.iter().find(|open| open.number == grant.number);
            let (left, reserved) =
                open.map_or((Amount::ZERO, Amount::ZERO), |it| (it.remaining, it.reserved));
            Row(vec![
                grant.number.into(),
                Value::Text(grant.kind.name().into()),
                grant.amount.nanos().into(),
                left.nanos().into(),
                reserved.nanos().into(),
                text_unless_never(grant.expires_at),
            ])
        });
        assert_eq!(read(stand, &GRANTS, org, &[]), expected.collect::<Vec<_>>());
        let expected = Row(vec![
            Value::Text(format!("Acme {turn}")),
            wallet.posted().nanos().into(),
            wallet.debt.nanos().into(),
            wallet.grants.reserved().nanos().into(),
            text(wallet.settled_until),
        ]);
        assert_eq!(read(stand, &BALANCES, org, &[]), [expected]);
    }
}

fn conform_runs_say_what_ran(stand: &Stand) {
    let mut random = Random(33);
    let (org, platform) = (random.org(), random.org());
    let mut wallet = random.wallet(org, 1);
    wallet.platform = platform;
    let sku = Sku {
        number: 5,
        code: "gpu".into(),
        name: "GPU".into(),
        class: ResourceClass::Compute,
        gpu_count: None,
        variant_of: None,
        commitment: None,
        smaller: None,
        quantized: None,
        created_at: Timestamp::ZERO,
    };
    let resource = Resource {
        number: 7,
        name: "train".into(),
        sku: 5,
        labels: Labels::NONE,
        run: Some(9),
        created_at: Timestamp::ZERO,
        rest: Rest::Stopped,
        paid_until: None,
        redeployed_from: None,
    };
    let started_at = Timestamp::from_seconds(1_000);
    let open = Run {
        number: 9,
        resource: 7,
        sku: 5,
        price: 6,
        rate: Rate { list: Amount::from_units(2), per_units: 3_600, discount_bps: 0 },
        class: ResourceClass::Compute,
        started_at,
        admitted_at: None,
        stopped_at: None,
        stop_reason: None,
        is_waiting: false,
        paid: None,
        heartbeat: None,
        previous: None,
        next_sku: None,
        origin: None,
        reprices_at: Timestamp::NEVER,
    };
    let ended = Run {
        number: 8,
        stopped_at: Some(started_at.plus_seconds(90)),
        stop_reason: Some(StopReason::OutOfCredit),
        ..open.clone()
    };
    let mut batch = Batch::default();
    batch.changes.wallets = vec![wallet];
    batch.changes.skus = vec![(platform, 5, sku)];
    batch.changes.resources = vec![(org, 7, resource)];
    batch.changes.runs = vec![(org, 8, ended), (org, 9, open)];
    saved(stand, &batch);
    let row = |number: i64, stopped: [Value; 3]| {
        let [stopped_at, ran_seconds, stop_reason] = stopped;
        Row(vec![
            number.into(),
            Value::Text("train".into()),
            Value::Text("gpu".into()),
            Value::Text("compute".into()),
            Amount::from_units(2).nanos().into(),
            3_600.into(),
            text(started_at),
            stopped_at,
            ran_seconds,
            stop_reason,
        ])
    };
    let ended = [text(started_at.plus_seconds(90)), 90.into(), Value::Text("out_of_credit".into())];
    let expected = [row(8, ended), row(9, [Value::Null, Value::Null, Value::Null])];
    assert_eq!(read(stand, &RUNS, org, &[]), expected);
}
