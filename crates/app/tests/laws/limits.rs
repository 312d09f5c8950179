//! The law of limits: no new spending goes beyond a cap, whatever comes in which order.

use std::cell::Cell;
use std::collections::BTreeMap;

use app::operation::Answer;
use app::operations::capture_hold::CaptureHold;
use app::operations::create_resource::CreateResource;
use app::operations::place_hold::PlaceHold;
use app::operations::record_usage::RecordUsage;
use app::operations::release_hold::ReleaseHold;
use app::operations::remove_limit::RemoveLimit;
use app::operations::resume_resource::ResumeResource;
use app::operations::set_limit::SetLimit;
use app::operations::start_run::StartRun;
use app::operations::stop_run::StopRun;
use domain::hold::HoldState;
use domain::label::Labels;
use domain::ledger::{EventKey, TransactionKind};
use domain::limit::{Limit, LimitScope, LimitWindow};
use domain::run::{Rest, StopReason};
use domain::{Amount, Timestamp};

use super::chance::Chance;
use super::for_each_seed;
use super::world::{Step, World};

const STEPS: usize = 60;
const PROJECTS: [&str; 2] = ["a", "b"];

fn labels(chance: &mut Chance) -> Labels {
    match chance.below(3) {
        2 => Labels::NONE,
        at => Labels::new([("project", PROJECTS[usize::try_from(at).unwrap()])]).unwrap(),
    }
}

fn cents(chance: &mut Chance, most: i64) -> Amount {
    Amount::from_nanos(chance.below(most) * 10_000_000 + 10_000_000)
}

/// Things with and without a label, in a world with money.
fn furnished(seed: u64, chance: &mut Chance) -> (World, Vec<i64>) {
    let mut world = World::new(seed);
    let deposit = Step::Deposit {
        amount: Amount::from_units(1_000),
        outcomes: vec![payments::sandbox::paid("in_1")],
    };
    world.play(&deposit);
    let mut resources = Vec::new();
    for sku in ["gpu", "odd", "day", "gpu"] {
        let (org, labels) = (world.org, labels(chance));
        let create = CreateResource { org, label: sku.into(), sku: sku.into(), labels };
        let Ok(Answer::Resource(_, made)) = world.decide(&create) else { panic!() };
        resources.push(made.number);
    }
    (world, resources)
}

fn step(world: &mut World, resources: &[i64], chance: &mut Chance, id: i64) {
    let org = world.org;
    let pick = |chance: &mut Chance| usize::try_from(chance.below(4)).unwrap();
    let open = |world: &World| {
        let mut holds = world.ws.holds.of(org);
        holds.find(|(_, hold)| hold.state == HoldState::Open).map_or(0, |(number, _)| number)
    };
    let _ = match chance.below(11) {
        0 => {
            let scope = match chance.below(3) {
                2 => LimitScope::Organization,
                at => LimitScope::Project(PROJECTS[usize::try_from(at).unwrap()].into()),
            };
            let window = LimitWindow::ALL[pick(chance) % 2];
            // A cap that is lowered below what was spent would be no law.
            let cap = cents(chance, 3_000);
            let is_set = |limit: &Limit| limit.scope == scope && limit.window == window;
            let mut limits = world.ws.limits.of(org).map(|(_, limit)| limit);
            if limits.any(|it| it.removed_at.is_none() && is_set(it)) {
                return;
            }
            drop(limits);
            world.decide(&SetLimit { org, scope, window, cap })
        }
        1 => {
            let first = world.ws.limits.of(org).next().map_or(0, |(number, _)| number);
            if !chance.one_in(4) {
                return;
            }
            world.decide(&RemoveLimit { org, limit: first })
        }
        2..=4 => {
            let resource = resources[pick(chance)];
            let row = world.ws.resources.get(org, resource).unwrap().clone();
            match (row.run, row.rest) {
                (Some(run), _) if chance.one_in(3) => world.decide(&StopRun::now(org, run)),
                (None, Rest::Paused) => world.decide(&ResumeResource { org, resource }),
                _ => world.decide(&StartRun::now(org, resource)),
            }
        }
        5 | 6 => {
            let (amount, labels) = (cents(chance, 500), labels(chance));
            let (expires_in_seconds, note) = (Some(chance.below(9_000) + 1), String::new());
            world.decide(&PlaceHold { org, amount, expires_in_seconds, note, labels, sku: None })
        }
        7 => {
            let (hold, amount) = (open(world), None);
            world.decide(&CaptureHold { org, hold, amount })
        }
        8 => {
            let hold = open(world);
            world.decide(&ReleaseHold { org, hold })
        }
        9 => {
            let key = EventKey { source: "law".into(), id: id.to_string() };
            let late = chance.one_in(3).then(|| world.clock.plus_seconds(-chance.below(90_000)));
            world.decide(&RecordUsage {
                org,
                hash: u64::try_from(id).unwrap(),
                key,
                fingerprint: id,
                sku: "llm".into(),
                occurred_at: late,
                quantities: vec![("tokens".into(), chance.below(900) + 1)],
                labels: labels(chance),
            })
        }
        _ => {
            let scale = [60, 3_600, 30_000, 100_000][pick(chance)];
            world.play(&Step::Advance { micros: (chance.below(scale) + 1) * 1_000_000 });
            return;
        }
    };
}

/// What counts in the window of `limit` and was no new spending: what usage events reported after
/// the fact, and holds that were placed before there was the limit.
fn reported(world: &World, limit: &Limit) -> Amount {
    let sets: BTreeMap<i64, Labels> = world
        .ws
        .label_sets
        .of(world.org)
        .map(|(_, set)| (set.number, set.labels.clone()))
        .collect();
    let none = Labels::NONE;
    let rows = world.ws.journal().iter().filter(|row| {
        let is_old = row.kind == TransactionKind::Capture && row.subject < limit.number;
        (row.kind == TransactionKind::Charge || is_old)
            && row.number > limit.set_after
            && row.occurred_at.unwrap_or(row.at) >= limit.since
            && limit.scope.covers(sets.get(&row.labels).unwrap_or(&none))
    });
    let charged: Amount = rows.map(|row| row.amount).sum();
    let open = world.ws.holds.of(world.org).filter(|(number, hold)| {
        *number < limit.number
            && hold.state == HoldState::Open
            && limit.scope.covers(sets.get(&hold.labels).unwrap_or(&none))
    });
    charged.plus(open.map(|(_, hold)| hold.amount).sum())
}

/// The time of a limit is that of the runs it covers.
fn check_time(world: &World, limit: &Limit) {
    let (mut should, until) = (BTreeMap::<i64, i128>::new(), limit.time.accrued_until);
    for (_, run) in world.ws.runs.of(world.org).filter(|(_, run)| run.paid.is_none()) {
        let labels = &world.ws.resources.get(world.org, run.resource).unwrap().labels;
        if limit.scope.covers(labels) {
            let from = run.started_at.max(limit.since);
            let stop = run.stopped_at.map_or(until, |stop| stop.max(limit.since));
            let sum = should.entry(run.rate.per_units).or_default();
            *sum += run.rate.numerator() * i128::from(stop.seconds_since(from));
        }
    }
    for meter in &limit.time.meters {
        let sum = should.get(&meter.per_units).copied().unwrap_or_default();
        assert_eq!(meter.sum, sum, "the time of {limit:?}");
    }
}

fn check(world: &World, now: Timestamp) {
    let wallet = world.wallet();
    let limits = world.ws.limits.of(world.org).map(|(_, limit)| limit);
    for limit in limits.filter(|limit| limit.removed_at.is_none()) {
        assert!(limit.due() >= wallet.next_limit, "{limit:?} is due before {}", wallet.next_limit);
        let mut limit = limit.clone();
        check_time(world, &limit);
        limit.begin_window(&wallet.zone, now);
        let new = limit.spent(now).plus(limit.held).minus(reported(world, &limit));
        assert!(new <= limit.cap, "new spending of {new} within {limit:?}");
    }
}

#[test]
fn law_new_spending_stays_within_every_limit() {
    let stopped = Cell::new(0);
    for_each_seed(|seed| {
        let mut chance = Chance::new(seed + 77);
        let (mut world, resources) = furnished(seed, &mut chance);
        for at in 0..STEPS {
            step(&mut world, &resources, &mut chance, i64::try_from(at).unwrap() + 1);
            check(&world, world.clock);
        }
        let now = world.clock;
        world.advance(now);
        check(&world, now);
        let runs = world.ws.runs.of(world.org).map(|(_, run)| run.stop_reason);
        let by_limit = runs.filter(|&reason| reason == Some(StopReason::LimitReached)).count();
        stopped.set(stopped.get() + by_limit);
    });
    assert!(stopped.get() > 0, "no limit has stopped anything");
}
