//! The rules. Pure and deterministic: no IO, no clock, no randomness.

pub mod amount;
pub mod chart;
pub mod correct;
pub mod deposit;
pub mod discount;
pub mod dispute;
pub mod event;
pub mod explain;
pub mod grant;
pub mod hold;
pub mod id;
pub mod ledger;
pub mod meter;
pub mod price;
pub mod profile;
pub mod projection;
pub mod rate;
pub mod refund;
pub mod refusal;
pub mod report;
pub mod roll_forward;
pub mod run;
pub mod settle;
pub mod span;
pub mod time;
pub mod wake;
pub mod wallet;
pub mod workset;

pub use amount::Amount;
pub use id::{Id, Kind, OrgId};
pub use refusal::Refusal;
pub use time::Timestamp;
pub use workset::Workset;
