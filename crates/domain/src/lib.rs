//! The rules. Pure and deterministic: no IO, no clock, no randomness.

pub mod amount;
pub mod id;
pub mod time;

pub use amount::Amount;
pub use id::{Id, Kind, OrgId};
pub use time::Timestamp;
