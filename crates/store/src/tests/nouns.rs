//! What is saved is read back as it was, on both engines.

use std::sync::Arc;

use domain::arrival::{Arrival, ArrivalReason, ArrivalState};
use domain::conversion::Conversion;
use domain::deposit::{Behaviour, Deposit, DepositLabel, DepositState, PaymentMethod};
use domain::dispute::{Dispute, DisputeState};
use domain::document::Documented;
use domain::event::Request;
use domain::hold::{Hold, HoldState};
use domain::label::{LabelSet, Labels};
use domain::limit::{Limit, LimitScope, LimitWindow};
use domain::member::{Member, MemberName, MemberRole};
use domain::meter::{Meter, Meters};
use domain::price::{AppliesTo, CommitmentTerms, Price, PriceBook, Sku};
use domain::profile::{Profile, Version, Versions};
use domain::rate::Rate;
use domain::refund::{Refund, RefundState};
use domain::run::{Heartbeat, Paid, Resource, ResourceClass, Rest, Run, StopReason};
use domain::scope::Cover;
use domain::workset::{ApiKey, Key, Organization, Platform, Role};
use domain::{OrgId, Timestamp};

use super::Stand;
use super::lane::{self, EPOCH, OWNER};
use super::random::Random;
use crate::{
    Batch, Keyed, NewAnswer, Saved, Writer, answers, api_keys, arrivals, deposits, disputes,
    grants, holds, journal, label_sets, limits, members, noun, organizations, outbox,
    payment_methods, platforms, refunds, resources, runs, save, wallets,
};

promises! {
    conform_what_is_saved_is_read_back
    conform_saving_again_replaces_what_may_change
    conform_a_book_is_read_whole
    conform_open_runs_and_holds_are_found
    conform_refunds_and_disputes_are_found_by_the_ids_of_rails
    conform_arrivals_are_found_by_the_deposits_they_were_paid_for
    conform_a_wallet_with_many_grants_spills
    conform_answers_are_found_by_key
    conform_expired_answers_are_forgotten_a_part_at_a_time
    conform_the_outbox_is_emptied_by_results
}

fn api_key(random: &mut Random, number: i64) -> ApiKey {
    ApiKey {
        number,
        name: random.text(),
        hash: random.bits().to_le_bytes().to_vec(),
        role: random.one(&Role::ALL),
        created_at: random.time(),
        revoked_at: random.maybe(Random::time),
    }
}

fn conversion(random: &mut Random) -> Conversion {
    let amount = format!("{}.{:06}", random.below(99), random.below(999_999) + 1);
    Conversion::parse(&format!("{amount} USDC at 0.99960")).unwrap()
}

fn arrival(random: &mut Random, number: i64) -> Arrival {
    Arrival {
        number,
        deposit: random.below(9),
        amount: random.amount(),
        rail: random.text(),
        external: format!("{number} {}", random.text()),
        reason: random.one(&ArrivalReason::ALL),
        state: random.one(&ArrivalState::ALL),
        became: random.maybe(|random| random.below(99)),
        fee: random.maybe(Random::amount),
        conversion: random.maybe(conversion),
        note: random.text(),
        paid_at: random.time(),
        created_at: random.time(),
        decided_at: random.maybe(Random::time),
    }
}

fn deposit(random: &mut Random, number: i64) -> Deposit {
    Deposit {
        number,
        amount: random.amount(),
        asked: random.maybe(Random::amount),
        tax: random.tax(),
        rail: random.text(),
        state: random.one(&DepositState::ALL),
        label: random.one(&[DepositLabel::Manual, DepositLabel::AutoTopUp]),
        method: random.maybe(|random| random.below(99)),
        member: random.maybe(|random| random.below(99)),
        external: random.maybe(|random| format!("{number} {}", random.text())),
        created_at: random.time(),
        quote_until: random.maybe(Random::time),
        seen_at: random.maybe(Random::time),
        decided_at: random.maybe(Random::time),
        paid_at: random.maybe(Random::time),
        grant: random.maybe(|random| random.below(99)),
        refunded: random.amount(),
        refunded_tax: random.amount(),
        withdrawn: random.amount(),
        withdrawn_tax: random.amount(),
        fee: random.maybe(Random::amount),
        conversion: random.maybe(conversion),
        documented: random.one(&Documented::ALL),
        reason: random.text(),
    }
}

fn dispute(random: &mut Random, number: i64) -> Dispute {
    Dispute {
        number,
        deposit: random.below(99),
        rail: random.text(),
        external: format!("{number} {}", random.text()),
        state: random.one(&DisputeState::ALL),
        withdrawn: random.amount(),
        withdrawn_tax: random.amount(),
        taken: random.postings(4),
        voided: random.postings(2),
        freezes: random.below(2) == 1,
        created_at: random.time(),
        decided_at: random.maybe(Random::time),
    }
}

fn refund(random: &mut Random, number: i64) -> Refund {
    Refund {
        number,
        deposit: random.below(99),
        amount: random.amount(),
        tax: random.tax(),
        rail: random.text(),
        external: random.maybe(|random| format!("{number} {}", random.text())),
        state: random.one(&RefundState::ALL),
        taken: random.postings(4),
        voided: random.postings(2),
        documented: random.one(&Documented::ALL),
        reason: random.text(),
        created_at: random.time(),
        decided_at: random.maybe(Random::time),
    }
}

fn limit(random: &mut Random, number: i64) -> Limit {
    let value = random.text();
    let scope = match random.below(4) {
        0 => LimitScope::Organization,
        1 => LimitScope::Project(value),
        2 => LimitScope::Member(value),
        _ => LimitScope::ApiKey(value),
    };
    let meter = |per_units, random: &mut Random| Meter {
        per_units,
        rate: random.wide(),
        sum: random.wide(),
        posted: 0,
        cover: Cover::NONE,
    };
    Limit {
        number,
        scope,
        window: random.one(&LimitWindow::ALL),
        cap: random.amount(),
        set_at: random.time(),
        set_after: random.below(99),
        removed_at: random.maybe(Random::time),
        since: random.time(),
        resets_at: random.time(),
        charged: random.signed(),
        held: random.amount(),
        time: Meters {
            meters: (1..=random.below(3)).map(|per| meter(per, random)).collect(),
            accrued_until: random.time(),
        },
        stoppable_count: random.below(9),
        is_reached: random.chance(),
    }
}

fn member(random: &mut Random, number: i64) -> Member {
    Member {
        number,
        role: random.one(&MemberRole::ALL),
        created_at: random.time(),
        removed_at: random.maybe(Random::time),
    }
}

fn member_name(random: &mut Random, _: i64) -> MemberName {
    MemberName(random.text())
}

fn method(random: &mut Random, number: i64) -> PaymentMethod {
    PaymentMethod {
        number,
        rail: random.text(),
        behaviour: random.one(&Behaviour::ALL),
        label: random.text(),
        created_at: random.time(),
    }
}

fn labels(random: &mut Random) -> Labels {
    Labels::new((0..random.below(4)).map(|at| (format!("name-{at}"), random.text()))).unwrap()
}

fn label_set(random: &mut Random, number: i64) -> LabelSet {
    LabelSet { number, labels: labels(random) }
}

fn resource(random: &mut Random, number: i64) -> Resource {
    Resource {
        number,
        name: random.text(),
        sku: random.below(99),
        labels: labels(random),
        created_at: random.time(),
        run: random.maybe(|random| random.below(99)),
        rest: random.one(&Rest::ALL),
        paid_until: random.maybe(Random::time),
        redeployed_from: random.maybe(|random| random.below(99)),
    }
}

fn run(random: &mut Random, number: i64) -> Run {
    let (list, per_units) = (random.amount(), 1 + random.below(9_999));
    Run {
        number,
        resource: random.below(99),
        sku: random.below(99),
        price: random.below(99),
        rate: Rate { list, per_units, discount_bps: random.below(10_001) },
        class: random.one(&ResourceClass::ALL),
        started_at: random.time(),
        admitted_at: random.maybe(Random::time),
        stopped_at: random.maybe(Random::time),
        stop_reason: random.maybe(|random| random.one(&StopReason::ALL)),
        is_waiting: random.chance(),
        paid: random.maybe(|random| Paid {
            block_seconds: 1 + random.below(9_999),
            until: random.expiry(),
            blocks: random.below(99),
        }),
        heartbeat: random.maybe(|random| Heartbeat {
            timeout_seconds: random.below(9_999),
            beat_at: random.time(),
        }),
        previous: random.maybe(|random| random.below(99)),
        next_sku: random.maybe(|random| random.below(99)),
        origin: random.maybe(|random| random.below(99)),
        reprices_at: random.expiry(),
    }
}

fn hold(random: &mut Random, number: i64) -> Hold {
    Hold {
        number,
        amount: random.amount(),
        captured: random.maybe(Random::amount),
        state: random.one(&HoldState::ALL),
        parts: random.postings(4),
        note: random.text(),
        labels: random.maybe(|random| 1 + random.below(99)).unwrap_or(0),
        created_at: random.time(),
        expires_at: random.time(),
        resolved_at: random.maybe(Random::time),
        sku: random.maybe(|random| random.below(99)),
    }
}

fn platform(random: &mut Random) -> Platform {
    let settings = random.one(&[
        "",
        "overdraft=cap(5);stop_lead_seconds=30;packs=5:500:Testing,9*;credit_value=0.01",
        "label_history=In = Zahlungen €;purchased_expiry=rolling(3mo);compute_terms=block(1h)",
    ]);
    let mut profile =
        Profile { name: random.text(), version: random.below(99), ..Profile::default() };
    profile.apply(settings).unwrap();
    let mut profiles = Versions::new(profile.clone());
    for lead in 0..random.below(3) {
        profile.version += 1;
        profile.apply(&format!("stop_lead_seconds={};coupons=off", 31 + lead)).unwrap();
        profiles.push(Version {
            effective_from: Timestamp::from_seconds(1_000 + lead),
            created_at: random.time(),
            told_at: random.maybe(Random::time),
            profile: Arc::new(profile.clone()),
        });
    }
    Platform {
        name: random.text(),
        profiles,
        clock: random.maybe(Random::time),
        clock_target: random.maybe(Random::time),
        book_version: random.below(99),
        created_at: random.time(),
    }
}

fn rows<T>(random: &mut Random, make: fn(&mut Random, i64) -> T) -> Vec<Keyed<T>> {
    let orgs = [random.org(), random.org(), random.org()];
    (1..=30).map(|number| (random.one(&orgs), number, make(random, number))).collect()
}

fn keys<T>(rows: &[Keyed<T>]) -> Vec<Key> {
    rows.iter().map(|row| (row.0, row.1)).collect()
}

fn in_order<T>(mut rows: Vec<Keyed<T>>) -> Vec<Keyed<T>> {
    rows.sort_by_key(|row| row.1);
    rows
}

/// One batch with rows of every kind.
fn batch(random: &mut Random) -> Batch {
    let mut batch = Batch::default();
    let changes = &mut batch.changes;
    let orgs: Vec<OrgId> = (0..20).map(|_| random.org()).collect();
    changes.wallets = orgs
        .iter()
        .map(|org| {
            let grants = random.below(20);
            random.wallet(*org, grants)
        })
        .collect();
    changes.platforms = orgs[..5].iter().map(|org| (*org, 0, platform(random))).collect();
    let organization = |random: &mut Random| Organization {
        platform: orgs[0],
        name: random.text(),
        zone: random.zone(),
        created_at: random.time(),
        closed_at: random.maybe(Random::time),
        erased_at: random.maybe(Random::time),
    };
    changes.organizations = orgs[5..].iter().map(|org| (*org, 0, organization(random))).collect();
    changes.api_keys = rows(random, api_key);
    changes.grants = rows(random, Random::grant);
    changes.deposits = rows(random, deposit);
    changes.arrivals = rows(random, arrival);
    changes.refunds = rows(random, refund);
    changes.disputes = rows(random, dispute);
    changes.discounts = rows(random, Random::discount);
    changes.methods = rows(random, method);
    changes.limits = rows(random, limit);
    changes.members = rows(random, member);
    changes.member_names = rows(random, member_name);
    changes.resources = rows(random, resource);
    changes.runs = rows(random, run);
    changes.holds = rows(random, hold);
    changes.label_sets = rows(random, label_set);
    changes.journal = (1..=200)
        .map(|position| {
            let org = random.one(&orgs);
            random.transaction(org, position).into()
        })
        .collect();
    changes.events = (1..=20).map(|number| random.event(orgs[0], number)).collect();
    batch
}

fn conform_what_is_saved_is_read_back(stand: &Stand) {
    let mut w = lane::owned(stand);
    for seed in 0..6 {
        let mut batch = batch(&mut Random(seed));
        if seed > 0 {
            // The positions of the journal are taken by the first.
            batch.changes.journal.clear();
        }
        check(&mut w, &batch);
    }
}

fn check(w: &mut Writer, saved: &Batch) {
    let kept = w.transaction(|w| save(w, saved, 0, OWNER, EPOCH)).unwrap();
    assert_eq!(kept, Saved::Kept);
    let changes = &saved.changes;
    let orgs: Vec<OrgId> = changes.wallets.iter().map(|wallet| wallet.org).collect();
    let mut wallets = wallets::load(w, &orgs).unwrap();
    wallets.sort_by_key(|wallet| orgs.iter().position(|org| *org == wallet.org));
    assert_eq!(wallets, changes.wallets);
    let mut read = platforms::load(w, &orgs).unwrap();
    read.sort_by_key(|row| orgs.iter().position(|org| *org == row.0));
    let expected: Vec<_> = changes.platforms.iter().map(|row| (row.0, row.2.clone())).collect();
    assert_eq!(read, expected);
    let mut read = organizations::load(w, &orgs).unwrap();
    read.sort_by_key(|row| orgs.iter().position(|org| *org == row.0));
    let expected: Vec<_> = changes.organizations.iter().map(|row| (row.0, row.2.clone())).collect();
    assert_eq!(read, expected);
    macro_rules! same {
        ($($rows:ident in $file:ident),*) => {
            $(
                let read = $file::load(w, &keys(&changes.$rows)).unwrap();
                assert_eq!(in_order(read), changes.$rows);
            )*
        };
    }
    same!(
        api_keys in api_keys, grants in grants, deposits in deposits, arrivals in arrivals,
        refunds in refunds,
        methods in payment_methods, resources in resources, runs in runs, holds in holds,
        label_sets in label_sets, members in members, limits in limits
    );
    let read = noun::load(w, &keys(&changes.member_names)).unwrap();
    assert_eq!(in_order(read), changes.member_names);
    let read = noun::load(w, &keys(&changes.discounts)).unwrap();
    assert_eq!(in_order(read), changes.discounts);
    let places: Vec<(i64, i64)> =
        changes.journal.iter().map(|row| (row.org.bucket(), row.position)).collect();
    let mut read = journal::load(w, &places).unwrap();
    read.sort_by_key(|row| row.position);
    let read: Vec<_> = read.into_iter().map(Arc::new).collect();
    assert_eq!(read, changes.journal);
}

fn conform_saving_again_replaces_what_may_change(stand: &Stand) {
    let mut w = lane::owned(stand);
    let mut random = Random(9);
    let org = random.org();
    for _ in 0..10 {
        let mut batch = Batch::default();
        let changes = &mut batch.changes;
        let grants = random.below(40);
        changes.wallets = vec![random.wallet(org, grants)];
        changes.deposits = vec![(org, 2, deposit(&mut random, 2))];
        changes.refunds = vec![(org, 6, refund(&mut random, 6))];
        changes.resources = vec![(org, 3, resource(&mut random, 3))];
        changes.runs = vec![(org, 4, run(&mut random, 4))];
        changes.holds = vec![(org, 5, hold(&mut random, 5))];
        changes.platforms = vec![(org, 0, platform(&mut random))];
        check(&mut w, &batch);
    }
}

fn conform_a_book_is_read_whole(stand: &Stand) {
    let mut w = lane::owned(stand);
    let mut random = Random(10);
    let (org, other) = (random.org(), random.org());
    let (mut batch, mut book) = (Batch::default(), PriceBook::default());
    for number in 1..=40 {
        let of = random.one(&[org, other]);
        let sku = Sku {
            number,
            code: format!("{number}"),
            name: random.text(),
            class: random.one(&ResourceClass::ALL),
            gpu_count: random.maybe(|random| random.below(99)),
            commitment: random.maybe(|random| CommitmentTerms {
                bps: random.below(10_001),
                days: random.below(1_096),
            }),
            variant_of: random.maybe(|random| random.below(99)),
            smaller: random.one(&[None, Some(number + 1)]),
            quantized: random.one(&[None, Some(number + 2)]),
            created_at: random.time(),
        };
        let price = Price {
            number: 100 + number,
            sku: random.below(10),
            dimension: random.one(&["seconds", "tokens"]).to_owned(),
            amount: random.amount(),
            per_units: 1 + random.below(9_999),
            effective_from: random.time(),
            applies_to: random.one(&AppliesTo::ALL),
            told_at: random.maybe(Random::time),
            created_at: random.time(),
        };
        if of == org {
            book.add_sku(sku.clone());
            book.add_price(price.clone());
        }
        batch.changes.skus.push((of, number, sku));
        batch.changes.prices.push((of, 100 + number, price));
    }
    w.transaction(|w| save(w, &batch, 0, OWNER, EPOCH)).unwrap();
    assert_eq!(platforms::load_book(&mut w, org).unwrap(), book);
    assert_eq!(platforms::load_book(&mut w, random.org()).unwrap(), PriceBook::default());
}

fn conform_open_runs_and_holds_are_found(stand: &Stand) {
    let mut w = lane::owned(stand);
    let mut random = Random(11);
    let batch = batch(&mut random);
    w.transaction(|w| save(w, &batch, 0, OWNER, EPOCH)).unwrap();
    let org = batch.changes.runs[0].0;
    let open: Vec<_> = batch.changes.runs.iter().filter(|row| row.0 == org).cloned().collect();
    let open: Vec<_> = open.into_iter().filter(|row| row.2.stopped_at.is_none()).collect();
    assert_eq!(in_order(runs::load_open(&mut w, &[org]).unwrap()), open);
    let org = batch.changes.holds[0].0;
    let open: Vec<_> = batch.changes.holds.iter().filter(|row| row.0 == org).cloned().collect();
    let open: Vec<_> = open.into_iter().filter(|row| row.2.state == HoldState::Open).collect();
    assert_eq!(in_order(holds::load_open(&mut w, &[org]).unwrap()), open);
}

fn conform_arrivals_are_found_by_the_deposits_they_were_paid_for(stand: &Stand) {
    let (mut random, mut w) = (Random(29), lane::owned(stand));
    let batch = batch(&mut random);
    w.transaction(|w| save(w, &batch, 0, OWNER, EPOCH)).unwrap();
    let wanted = &batch.changes.arrivals[0];
    let of_deposit = |row: &&Keyed<Arrival>| (row.0, row.2.deposit) == (wanted.0, wanted.2.deposit);
    let expected: Vec<_> = batch.changes.arrivals.iter().filter(of_deposit).cloned().collect();
    let found = arrivals::load_of_deposits(&mut w, &[(wanted.0, wanted.2.deposit)]).unwrap();
    assert_eq!(in_order(found), in_order(expected));
}

fn conform_refunds_and_disputes_are_found_by_the_ids_of_rails(stand: &Stand) {
    let mut w = lane::owned(stand);
    let mut random = Random(14);
    let batch = batch(&mut random);
    w.transaction(|w| save(w, &batch, 0, OWNER, EPOCH)).unwrap();
    let reported = batch.changes.refunds.iter().filter(|row| row.2.external.is_some());
    let reported: Vec<_> = reported.cloned().collect();
    let key = |row: &Keyed<Refund>| {
        (row.0, row.2.rail.clone(), row.2.external.clone().unwrap_or_default())
    };
    let mut keys: Vec<_> = reported.iter().map(key).collect();
    keys.push((random.org(), "rail".to_owned(), "of nobody".to_owned()));
    assert!(reported.len() > 2);
    assert_eq!(in_order(refunds::load_reported(&mut w, &keys).unwrap()), in_order(reported));
    let disputes = &batch.changes.disputes;
    let key = |row: &Keyed<Dispute>| (row.0, row.2.rail.clone(), row.2.external.clone());
    let keys: Vec<_> = disputes.iter().map(key).collect();
    assert_eq!(
        in_order(disputes::load_reported(&mut w, &keys).unwrap()),
        in_order(disputes.clone())
    );
}

fn conform_a_wallet_with_many_grants_spills(stand: &Stand) {
    let mut w = lane::owned(stand);
    let mut random = Random(12);
    let org = random.org();
    // Parts of richer days are left over, and are not believed.
    for grants in [40, 16, 17, 0, 33, 1] {
        let wallet = random.wallet(org, grants);
        let mut batch = Batch::default();
        batch.changes.wallets = vec![wallet.clone()];
        w.transaction(|w| save(w, &batch, 0, OWNER, EPOCH)).unwrap();
        assert_eq!(wallets::load(&mut w, &[org]).unwrap(), [wallet]);
    }
}

fn conform_answers_are_found_by_key(stand: &Stand) {
    let mut w = lane::owned(stand);
    let mut random = Random(13);
    let org = random.org();
    let mut answer = |key: &str| NewAnswer {
        org,
        key: key.to_owned(),
        fingerprint: random.bits().cast_signed(),
        status: 201,
        body: random.text(),
        at: random.time(),
        expires_at: random.time(),
    };
    let mut batch = Batch { answers: vec![answer("a"), answer("b")], ..Batch::default() };
    w.transaction(|w| save(w, &batch, 0, OWNER, EPOCH)).unwrap();
    batch.answers = vec![answer("a")];
    w.transaction(|w| save(w, &batch, 0, OWNER, EPOCH)).unwrap();
    let found = answers::load(&mut w, &[(org, "a".to_owned()), (org, "c".to_owned())]).unwrap();
    let [(_, key, found)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((key.as_str(), found.status), ("a", 201));
    assert_eq!(found.body, batch.answers[0].body);
    assert_eq!(found.fingerprint, batch.answers[0].fingerprint);
    assert_eq!(found.expires_at, batch.answers[0].expires_at);
}

fn conform_expired_answers_are_forgotten_a_part_at_a_time(stand: &Stand) {
    let (mut w, mut random) = (lane::owned(stand), Random(14));
    let now = Timestamp::from_seconds(1_000);
    // In every bucket of two lanes, and many in one of them.
    let orgs = (0..300).map(|nth| OrgId::new(if nth < 100 { 7 } else { nth * 3 }, random.bits()));
    let answer = |(nth, org): (i64, OrgId)| NewAnswer {
        org,
        key: format!("key {nth}"),
        fingerprint: nth,
        status: 200,
        body: String::new(),
        at: Timestamp::ZERO,
        expires_at: now.plus_seconds(if nth % 3 == 0 { 1 } else { -(nth % 2) }),
    };
    let all: Vec<NewAnswer> = (0..).zip(orgs).map(answer).collect();
    let batch = Batch { answers: all.clone(), ..Batch::default() };
    w.transaction(|w| save(w, &batch, 0, OWNER, EPOCH)).unwrap();
    let walk = |w: &mut Writer, lane: i64| {
        let (mut forgotten, mut place) = (0, answers::Place::default());
        loop {
            let step = |w: &mut Writer| answers::forget_expired(w, lane, 2, place, now, 16);
            let (count, next) = w.transaction(step).unwrap();
            assert!(count <= 16, "{count}");
            forgotten += count;
            place = next;
            if place == answers::Place::default() {
                return forgotten;
            }
        }
    };
    let of_lane = |lane: i64| {
        let gone = |it: &&NewAnswer| it.expires_at <= now && it.org.bucket() % 2 == lane;
        u64::try_from(all.iter().filter(gone).count()).unwrap()
    };
    assert_eq!(walk(&mut w, 1), of_lane(1));
    assert_eq!(walk(&mut w, 1), 0, "a second walk finds nothing");
    assert_eq!(walk(&mut w, 0), of_lane(0));
    let keys: Vec<_> = all.iter().map(|it| (it.org, it.key.clone())).collect();
    let left = answers::load(&mut w, &keys).unwrap();
    assert!(left.iter().all(|(.., answer)| answer.expires_at > now));
    assert_eq!(left.len(), all.iter().filter(|it| it.expires_at > now).count());
}

fn conform_the_outbox_is_emptied_by_results(stand: &Stand) {
    let mut w = lane::owned(stand);
    let org = OrgId::new(5, 0);
    let charge = |deposit| Request::ChargeMethod { org, deposit };
    let mut batch = Batch::default();
    let stop = Request::StopRuns { org, stop_at: Timestamp::ZERO };
    batch.changes.requests = vec![charge(3), stop, charge(4)];
    w.transaction(|w| save(w, &batch, 0, OWNER, EPOCH)).unwrap();
    batch.changes.requests = vec![charge(3), charge(3)];
    batch.outbox_done = vec![(org, 3), (org, 4)];
    w.transaction(|w| save(w, &batch, 0, OWNER, EPOCH)).unwrap();
    let pending = |lane, count| {
        stand.runtime.block_on(outbox::pending(&stand.store, lane, count, 10)).unwrap()
    };
    assert_eq!(pending(1, 4), [(org, 3, outbox::CHARGE_METHOD, String::new())]);
    assert_eq!(pending(0, 4), []);
}
