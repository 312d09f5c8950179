//! Runs that wait to be ready, and the signs of life of those that have to show some (rulings R14).

use super::commands::{Told, refused};
use super::purse::{NEVER, Purse, Running, SECOND, second_of};
use super::terms::Terms;

/// How many seconds a run may be silent for.
const SILENCE: std::ops::RangeInclusive<i64> = 10..=86_400;

/// What was agreed about signs of life: the longest silence, and the last sign, as an instant.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    pub silence: i64,
    pub sign: i64,
}

/// The refusal of a silence that nobody can agree to.
pub fn silence_refused(seconds: Option<i64>) -> Option<Told> {
    seconds.filter(|seconds| !SILENCE.contains(seconds)).map(|_| refused("setting_invalid"))
}

impl Running {
    /// When it is given up, unless it shows a sign before.
    fn given_up(&self) -> i64 {
        let life = self.life.filter(|_| self.stop.is_none());
        life.map_or(NEVER, |life| life.sign + life.silence * SECOND)
    }
}

impl Purse {
    /// Whether something of a resource runs, or waits to.
    pub fn is_taken(&self, resource: i64) -> bool {
        let mut all = self.runs.iter().chain(&self.waits);
        all.any(|run| run.resource == resource && run.stop.is_none())
    }

    /// Ends a run that never was ready.
    pub fn stop_waiting(&mut self, number: i64, stop: i64, now: i64) -> Told {
        let run = self.waits.iter_mut().find(|run| run.number == number).expect("one that waits");
        if stop < run.start {
            return refused("stop_before_start");
        }
        run.stop = Some(stop);
        let start = run.start;
        self.told.push(("run.stopped", now));
        self.changed = true;
        format!("run {start} {stop} requested")
    }

    /// A run that waited costs money from here on, if it can: its blocks have to be paid, and to
    /// fit into limits.
    pub fn ready(&mut self, terms: &Terms, number: i64, at: i64, now: i64) -> Told {
        if let Some(run) = self.runs.iter().find(|run| run.number == number) {
            return refused(if run.stop.is_some() { "run_ended" } else { "run_ready" });
        }
        let Some(place) = self.waits.iter().position(|run| run.number == number) else {
            return refused("not_found");
        };
        if self.waits[place].stop.is_some() {
            return refused("run_ended");
        }
        if let Some(refusal) = Purse::reported(second_of(at) * SECOND, now) {
            return refusal;
        }
        let mut run = self.waits.remove(place);
        let start = run.start.max(second_of(at));
        run.start = start;
        if let Some(life) = &mut run.life {
            life.sign = life.sign.max(start * SECOND);
        }
        // Blocks start in the order in which runs were made.
        let place = self.runs.partition_point(|other| other.age < run.age);
        self.runs.insert(place, run);
        self.changed = true;
        if let Some(end) = self.begin_ready(terms, place, start, now) {
            return end;
        }
        self.told.push(("run.started", now));
        format!("run {start} open")
    }

    /// Lets a run that is ready cost money; the answer, when it ends at once instead.
    fn begin_ready(&mut self, terms: &Terms, place: usize, start: i64, now: i64) -> Option<Told> {
        let t = second_of(now);
        let Some(paid) = &self.runs[place].paid else {
            self.count_run(place);
            return None;
        };
        let (length, charge) = (paid.length, paid.charge);
        let required = charge * i128::from((t - start).max(0) / length + 1);
        let label = self.runs[place].label;
        if self.frozen.is_some() || self.available(terms, t) < required {
            let reason = if self.frozen.is_some() { "frozen" } else { "out_of_credit" };
            self.end_unpaid(terms, place, start, now);
            return Some(format!("run {start} {start} {reason}"));
        }
        if self.beyond(label, required, 0, t).is_some() {
            self.end_in_cap(terms, place, start, now);
            return Some(format!("run {start} {start} limit_reached"));
        }
        self.pay_blocks(terms, place, t.max(start));
        None
    }

    /// A run shows that it runs. One that is not later than another one before changes nothing.
    pub fn beat(&mut self, number: i64, at: i64, now: i64) -> Told {
        let mut all = self.runs.iter_mut().chain(&mut self.waits);
        let Some(run) = all.find(|run| run.number == number) else { return refused("not_found") };
        if run.stop.is_some() {
            return refused("run_ended");
        }
        let Some(life) = &mut run.life else { return refused("no_heartbeat") };
        if let Some(refusal) = Purse::reported(at, now) {
            return refusal;
        }
        life.sign = life.sign.max(at);
        format!("run {} open", run.start)
    }

    /// When runs are given up.
    pub fn silences(&self) -> impl Iterator<Item = i64> {
        self.runs.iter().map(Running::given_up).filter(|&at| at != NEVER)
    }

    /// What was silent for too long is taken to have ended at its last sign.
    pub fn give_up(&mut self, terms: &Terms, at: i64) {
        for place in 0..self.runs.len() {
            let run = &self.runs[place];
            if run.given_up() > at {
                continue;
            }
            let sign = run.life.map_or(at, |life| life.sign);
            let stop = second_of(sign.max(run.start * SECOND));
            if run.paid.is_some() {
                self.end_blocks(terms, place, stop, at);
            } else {
                self.close(terms, place, stop, at);
                self.told.push(("run.stopped", at));
            }
        }
    }
}
