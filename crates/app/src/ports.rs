//! The complete list of what is not deterministic. Only the binary and the simulator fill it in.

use domain::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;

    /// Microseconds since some fixed moment, never going back: for leases, which must not depend
    /// on anybody setting the time (rulings A17).
    fn monotonic_micros(&self) -> i64;
}

/// Draws random bits.
pub trait Random: Send + Sync {
    fn next(&self) -> u64;
}

pub struct Ports {
    pub clock: Box<dyn Clock>,
    pub random: Box<dyn Random>,
}
