//! Forgets answers whose time is over (rulings R20, A13).
//!
//! The owner of a lane does it, a bounded step at a time, because nobody else may write the lane's
//! rows. That a row is still there means nothing: an expired answer is not found. So a step may be
//! repeated, left out, or begin anew after a restart.

use store::answers::Place;
use store::{StoreError, answers, lanes};

use super::Lane;

/// Rows that one step looks at.
const ROWS_AT_ONCE: i64 = 1_000;
/// From one step to the next: a million answers are walked in three hours.
const EVERY_MICROS: i64 = 10_000_000;

/// Where the walk stands, and when its next step is due.
#[derive(Debug, Default)]
pub(crate) struct Forgetting {
    place: Place,
    due_micros: i64,
}

impl Lane {
    /// Does the next step, if it is due.
    pub(crate) fn forget_expired(&mut self, state: &mut Forgetting) {
        let mono = self.ports.clock.monotonic_micros();
        if mono < state.due_micros {
            return;
        }
        state.due_micros = mono.saturating_add(EVERY_MICROS);
        let from = state.place.clone();
        match self.forget_step(from) {
            Ok(next) => state.place = next,
            Err(error) => {
                let _ = self.writer.rollback();
                tracing::warn!(%error, "expired answers stay for a while");
            }
        }
    }

    fn forget_step(&mut self, from: Place) -> Result<Place, StoreError> {
        let (now, me) = (self.ports.clock.now(), &self.identity);
        self.writer.begin()?;
        // Holds the lane's row, so that no other owner writes before this is committed.
        if !lanes::beat(&mut self.writer, me.lane, &me.owner, me.epoch, now)? {
            self.writer.rollback()?;
            return Ok(Place::default());
        }
        let (lane, count) = (me.lane, me.lane_count);
        let (forgotten, next) =
            answers::forget_expired(&mut self.writer, lane, count, from, now, ROWS_AT_ONCE)?;
        match forgotten {
            0 => self.writer.rollback()?,
            _ => self.writer.commit()?,
        }
        Ok(next)
    }
}
