//! The simulator: the real product on a real SQLite store in a simulated world, checked by an
//! auditor that knows the rules and not the code.
//!
//! *Invariant:* a seed decides everything, so a seed that fails is a test. `README.md` says how to
//! run it and what it covers.

pub mod auditor;
pub mod broken;
pub mod chance;
pub mod command;
pub mod many;
pub mod platforms;
pub mod play;
pub mod translate;
pub mod workload;
pub mod world;
