//! What the product does: the door, the lanes, the operations and the jobs.

mod batch;
pub mod door;
pub mod gauges;
pub mod jobs;
mod keeper;
pub mod lane;
pub mod lanes;
pub mod operation;
pub mod operations;
pub mod ports;
pub mod profiles;
pub mod sealing;
pub mod verify;

pub use door::{App, AppError, Command, IdempotencyKey, Outcome};
pub use lanes::LaneOptions;
pub use operation::{Answer, OnPlatform, Operation};
