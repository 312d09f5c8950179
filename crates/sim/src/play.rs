//! One run of the simulation: the engine and the auditor live through the same steps, crashes
//! included, and are held against each other after each of them.

use std::sync::Arc;

use domain::{OrgId, Timestamp};
use store::{Fault, FaultPlan};

use crate::auditor::Auditor;
use crate::command::{Action, Sent, Step};
use crate::workload::{Sight, Workload};
use crate::world::{Died, World};

/// Everything is compared so often; wallets after every step.
const WHOLE_EVERY: usize = 16;
/// Platforms of a world.
const CLOUDS: usize = 3;

/// Where a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The ends of all chains.
    pub tips: Vec<[u8; 16]>,
    pub commands: usize,
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

/// Plays a seed of so many steps, with a fault at the n-th store statement (0: none).
pub fn seed(seed: u64, count: usize, at: u64, fault: Fault) -> Result<Ended, Disagreement> {
    let mut play = Play::new(at, fault);
    let mut workload = Workload::new(seed);
    // With a fault every run is played once for each statement: a smaller world.
    let clouds = if at == 0 { CLOUDS } else { 1 };
    let founding = workload.setup(play.world.now(), clouds);
    let total = founding.len() + count;
    let mut founding = founding.into_iter();
    for _ in 0..total {
        let step = match founding.next() {
            Some(step) => step,
            None => workload.next(&play.sight()),
        };
        play.step(step, Some(&mut workload))?;
    }
    play.end()
}

/// Plays a seed and leaves the world as it is then, for what a test wants to do with it.
pub fn world(seed: u64, count: usize) -> Result<World, Disagreement> {
    let mut play = Play::new(0, Fault::Die);
    let mut workload = Workload::new(seed);
    for step in workload.setup(play.world.now(), CLOUDS) {
        play.step(step, Some(&mut workload))?;
    }
    for _ in 0..count {
        let step = workload.next(&play.sight());
        play.step(step, Some(&mut workload))?;
    }
    play.until_it_lives(World::behind);
    Ok(play.world)
}

/// Plays recorded steps again.
pub fn again(steps: &[Step], at: u64, fault: Fault) -> Result<Ended, Disagreement> {
    let mut play = Play::new(at, fault);
    for step in steps {
        play.step(step.clone(), None)?;
    }
    play.end()
}

/// Takes steps out as long as the rest still disagrees.
pub fn shrink(found: Disagreement, at: u64, fault: Fault) -> Disagreement {
    let mut best = found;
    let founding = best.steps.iter().take_while(|step| is_founding(step)).count();
    let mut size = best.steps.len().saturating_sub(founding) / 2;
    while size > 0 {
        let mut from = founding;
        while from < best.steps.len() {
            let mut fewer = best.steps.clone();
            fewer.drain(from..(from + size).min(fewer.len()));
            let steps = std::panic::AssertUnwindSafe(&fewer);
            let played = std::panic::catch_unwind(|| again(*steps, at, fault));
            match played {
                Ok(Err(smaller)) if word(&smaller) == word(&best) => best = smaller,
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

struct Play {
    world: World,
    auditor: Auditor,
    plan: Arc<FaultPlan>,
    steps: Vec<Step>,
    key: u64,
}

impl Play {
    fn new(at: u64, fault: Fault) -> Play {
        let plan = FaultPlan::new(at, fault);
        let start = Timestamp::parse("2026-01-05T09:00:00Z").unwrap();
        let mut world = World::new(Arc::clone(&plan), start);
        world.start();
        Play { world, auditor: Auditor::default(), plan, steps: Vec::new(), key: 0 }
    }

    fn sight(&self) -> Sight {
        let orders = self.auditor.orgs().into_iter().filter_map(|org| {
            let (stop_at, runs) = self.world.stop_order(org)?;
            Some((org, stop_at, runs))
        });
        Sight { now: self.world.now(), waiting: self.world.waiting(), orders: orders.collect() }
    }

    fn step(&mut self, step: Step, workload: Option<&mut Workload>) -> Result<(), Disagreement> {
        self.steps.push(step.clone());
        let played = self.play(step, workload).and_then(|()| self.compare());
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
                self.until_it_lives(World::wake);
                self.auditor.woken(self.world.now());
                Ok(())
            }
            Step::Advance { platform, to } => self.advance(platform, to, workload),
            Step::Restart => {
                self.world.stop();
                self.world.start();
                Ok(())
            }
            Step::Behind => {
                self.until_it_lives(World::behind);
                Ok(())
            }
        }
    }

    /// Does something, and after a crash does it again.
    fn until_it_lives(&mut self, mut work: impl FnMut(&mut World) -> Result<(), Died>) {
        while let Err(Died) = work(&mut self.world) {
            self.revive();
        }
    }

    /// The process died by plan: another one starts on what it left.
    fn revive(&mut self) {
        self.world.stop();
        self.world.faults = FaultPlan::new(0, Fault::Die);
        self.world.start();
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
                    self.revive();
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
        let is_whole = self.steps.len().is_multiple_of(WHOLE_EVERY);
        self.compare_all(is_whole)
    }

    fn compare_all(&mut self, is_whole: bool) -> Result<(), String> {
        for org in self.auditor.orgs() {
            let platform = self.auditor.home(org);
            let at = self.auditor.instant(org).max(self.auditor.clock(org, self.world.now()));
            let seen = self.world.see(org, platform, at, is_whole);
            self.auditor.compare(org, &seen)?;
        }
        Ok(())
    }

    fn end(mut self) -> Result<Ended, Disagreement> {
        let checked = self.compare_all(true).and_then(|()| {
            self.until_it_lives(World::behind);
            self.world.verify()
        });
        if let Err(what) = checked {
            return Err(Disagreement { what, steps: self.steps });
        }
        Ok(Ended {
            tips: self.world.tips(&self.auditor.orgs()),
            commands: usize::try_from(self.key).unwrap(),
            statements: self.plan.statement_count(),
            struck: self.plan.struck(),
        })
    }
}
