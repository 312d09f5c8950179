//! The real ports: the only place where the product meets the clock and randomness.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use app::ports::{Clock, Ports, Random};
use domain::Timestamp;

/// The machine's clock.
struct WallClock {
    started: Instant,
}

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn monotonic_micros(&self) -> i64 {
        i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX)
    }
}

/// The operating system's randomness.
struct SystemRandom;

impl Random for SystemRandom {
    /// # Panics
    /// When the operating system has no randomness to give: ids and secrets could then be guessed.
    fn next(&self) -> u64 {
        getrandom::u64().expect("the operating system gives no randomness")
    }
}

pub fn ports() -> Ports {
    Ports { clock: Box::new(WallClock { started: Instant::now() }), random: Box::new(SystemRandom) }
}

/// Twelve random letters: the name of this process among its replicas.
pub fn process_name(ports: &Ports) -> String {
    format!("{:016x}", ports.random.next())
}
