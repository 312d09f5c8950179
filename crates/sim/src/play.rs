//! One run of the simulation: the engine and the auditor live through the same steps, crashes
//! included, and are held against each other after each of them.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use domain::{OrgId, Timestamp};
use store::{Fault, FaultPlan};

use crate::auditor::Auditor;
use crate::command::{Action, Sent, Step};
use crate::workload::{Sight, Workload};
use crate::world::on_domain::DomainWorld;
use crate::world::on_store::StoreWorld;
use crate::world::{Died, Look, World};

/// Everything is compared so often; wallets after every step.
const WHOLE_EVERY: usize = 16;
/// Platforms of a world.
const CLOUDS: usize = 3;

/// Where a seed is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// On rows in memory: nothing is written, so nothing can fail.
    Domain,
    /// On SQLite, with a fault at the n-th store statement (0: none).
    Store { at: u64, fault: Fault },
}

impl Stage {
    /// Platforms of its world. With a fault every run is played once for each statement: a smaller
    /// world.
    fn clouds(self) -> usize {
        match self {
            Stage::Store { at: 1.., .. } => 1,
            _ => CLOUDS,
        }
    }
}

/// Where a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The ends of all chains.
    pub tips: Vec<[u8; 16]>,
    pub commands: u64,
    /// Store statements that were asked for.
    pub statements: u64,
    /// Whether the planned fault came to pass.
    pub struck: bool,
}

/// The first disagreement of a run, and the steps that led there.
#[derive(Clone, Debug)]
pub struct Disagreement {
    pub what: String,
    pub steps: Vec<Step>,
}

/// Plays a seed of so many steps.
pub fn seed(seed: u64, count: usize, stage: Stage) -> Result<Ended, Disagreement> {
    on_stage(stage, |mut play| {
        play.live(&mut Workload::new(seed), count, stage.clouds())?;
        play.end()
    })
}

/// Plays a seed on a store and leaves the world as it is then, for what a test wants to do with it.
pub fn world(seed: u64, count: usize) -> Result<StoreWorld, Disagreement> {
    let plan = FaultPlan::new(0, Fault::Die);
    let mut world = StoreWorld::new(Arc::clone(&plan), start());
    let mut play = Play::on(&mut world, plan);
    play.live(&mut Workload::new(seed), count, CLOUDS)?;
    play.until_it_lives(|world| world.behind());
    drop(play);
    Ok(world)
}

/// Plays recorded steps again.
pub fn again(steps: &[Step], stage: Stage) -> Result<Ended, Disagreement> {
    on_stage(stage, |mut play| {
        steps.iter().try_for_each(|step| play.step(step.clone(), None))?;
        play.end()
    })
}

fn on_stage<T>(stage: Stage, act: impl FnOnce(Play<'_>) -> T) -> T {
    match stage {
        Stage::Domain => {
            let plan = FaultPlan::new(0, Fault::Die);
            act(Play::on(&mut DomainWorld::new(start()), plan))
        }
        Stage::Store { at, fault } => {
            let plan = FaultPlan::new(at, fault);
            act(Play::on(&mut StoreWorld::new(Arc::clone(&plan), start()), plan))
        }
    }
}

fn start() -> Timestamp {
    Timestamp::parse("2026-01-05T09:00:00Z").expect("a time")
}

/// Takes steps out as long as the rest still disagrees.
pub fn shrink(found: Disagreement, stage: Stage) -> Disagreement {
    let mut best = found;
    let founding = best.steps.iter().take_while(|step| is_founding(step)).count();
    let mut size = best.steps.len().saturating_sub(founding) / 2;
    while size > 0 {
        let mut from = founding;
        while from < best.steps.len() {
            let mut fewer = best.steps.clone();
            fewer.drain(from..(from + size).min(fewer.len()));
            match again(&fewer, stage) {
                Err(smaller) if word(&smaller) == word(&best) => best = smaller,
                _ => from += size,
            }
        }
        size /= 2;
    }
    best
}

/// What kind of disagreement it is: another kind is another story.
fn word(found: &Disagreement) -> Option<&str> {
    found.what.split_whitespace().next()
}

fn is_founding(step: &Step) -> bool {
    let Step::Batch(batch) = step else { return false };
    batch.iter().all(|action| {
        matches!(
            action,
            Action::CreatePlatform { .. }
                | Action::CreateOrganization { .. }
                | Action::CreateSku { .. }
                | Action::CreatePrice { .. }
        )
    })
}

struct Play<'w> {
    world: &'w mut dyn World,
    auditor: Auditor,
    plan: Arc<FaultPlan>,
    steps: Vec<Step>,
    key: u64,
}

impl Play<'_> {
    fn on(world: &mut dyn World, plan: Arc<FaultPlan>) -> Play<'_> {
        Play { world, auditor: Auditor::default(), plan, steps: Vec::new(), key: 0 }
    }

    /// Founds a world and lets so many things happen in it.
    fn live(
        &mut self,
        workload: &mut Workload,
        count: usize,
        clouds: usize,
    ) -> Result<(), Disagreement> {
        for step in workload.setup(self.world.now(), clouds) {
            self.step(step, Some(workload))?;
        }
        for _ in 0..count {
            let sight = Sight { world: &*self.world, auditor: &self.auditor };
            let step = workload.next(&sight);
            self.step(step, Some(workload))?;
        }
        Ok(())
    }

    /// A panic is a disagreement too.
    fn step(&mut self, step: Step, workload: Option<&mut Workload>) -> Result<(), Disagreement> {
        self.steps.push(step.clone());
        let act = AssertUnwindSafe(|| self.play(step, workload).and_then(|()| self.compare()));
        let played = catch_unwind(act).unwrap_or_else(|thrown| Err(panicked(thrown.as_ref())));
        played.map_err(|what| Disagreement { what, steps: self.steps.clone() })
    }

    fn play(&mut self, step: Step, workload: Option<&mut Workload>) -> Result<(), String> {
        match step {
            Step::Batch(batch) => self.batch(batch, workload),
            Step::Tick { micros } => {
                self.world.tick(micros);
                Ok(())
            }
            Step::Wake => {
                self.until_it_lives(|world| world.wake());
                self.auditor.woken(self.world.now());
                Ok(())
            }
            Step::Advance { platform, to } => self.advance(platform, to, workload),
            Step::Restart => {
                self.world.restart();
                Ok(())
            }
            Step::Behind => {
                self.until_it_lives(|world| world.behind());
                Ok(())
            }
        }
    }

    /// Does something, and after a crash does it again.
    fn until_it_lives(&mut self, mut work: impl FnMut(&mut dyn World) -> Result<(), Died>) {
        while let Err(Died) = work(self.world) {
            self.world.restart();
        }
    }

    fn batch(&mut self, batch: Vec<Action>, workload: Option<&mut Workload>) -> Result<(), String> {
        let sent: Vec<Sent> = batch
            .into_iter()
            .map(|action| {
                self.key += 1;
                Sent { key: self.key, action }
            })
            .collect();
        let (mut resent, had_struck) = (false, self.plan.struck());
        let said = loop {
            match self.world.batch(&sent) {
                Ok(said) => break said,
                Err(Died) => {
                    resent = true;
                    self.world.restart();
                }
            }
        };
        resent |= self.plan.struck() && !had_struck;
        let pairs: Vec<_> = sent.into_iter().map(|sent| sent.action).zip(said).collect();
        if let Some(workload) = workload {
            pairs.iter().for_each(|(action, said)| workload.learn(action, said));
        }
        self.auditor.batch(self.world.now(), resent, &pairs)
    }

    fn advance(
        &mut self,
        platform: OrgId,
        to: Timestamp,
        mut workload: Option<&mut Workload>,
    ) -> Result<(), String> {
        let go = Action::Move { platform, to, arrival: false };
        self.batch(vec![go], workload.as_deref_mut())?;
        self.until_it_lives(|world| world.wake_on_test_clock(platform, to));
        self.auditor.advanced(platform, to);
        self.batch(vec![Action::Move { platform, to, arrival: true }], workload)
    }

    fn compare(&mut self) -> Result<(), String> {
        let count = self.steps.len();
        // How far a wake brought a wallet's time is the engine's to say.
        let is_wake = matches!(self.steps.last(), Some(Step::Wake));
        if !is_wake && !count.is_multiple_of(self.world.compared_every()) {
            return Ok(());
        }
        self.compare_all(count.is_multiple_of(WHOLE_EVERY))
    }

    fn compare_all(&mut self, is_whole: bool) -> Result<(), String> {
        let (orgs, wall) = (self.auditor.orgs(), self.world.now());
        let look = |&org: &OrgId| Look {
            org,
            platform: self.auditor.home(org),
            at: self.auditor.instant(org).max(self.auditor.clock(org, wall)),
        };
        let looks: Vec<Look> = orgs.iter().map(look).collect();
        for (org, seen) in orgs.into_iter().zip(self.world.see(&looks, is_whole)) {
            self.auditor.compare(org, &seen)?;
        }
        Ok(())
    }

    fn end(mut self) -> Result<Ended, Disagreement> {
        let checked = self.compare_all(true).and_then(|()| {
            self.until_it_lives(|world| world.behind());
            self.world.verify()
        });
        if let Err(what) = checked {
            return Err(Disagreement { what, steps: self.steps });
        }
        Ok(Ended {
            tips: self.world.tips(&self.auditor.orgs()),
            commands: self.key,
            statements: self.plan.statement_count(),
            struck: self.plan.struck(),
        })
    }
}

fn panicked(thrown: &(dyn Any + Send)) -> String {
    let text = thrown.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| thrown.downcast_ref::<&str>().copied());
    format!("panic: {}", text.unwrap_or("without words"))
}
