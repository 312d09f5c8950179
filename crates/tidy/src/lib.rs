//! The house rules as tests: the part of STYLE.md that a machine can see.
//!
//! *Invariant:* a rule is a pure function from text to findings. Each file holds one rule, a table
//! that shows it can fail, and its run over the repository, a test named `tidy_<rule>`. Exceptions
//! live in `allow.txt` and `ratchet.txt` beside their reasons; an entry that no longer excuses
//! anything is itself a failure, so both lists can only shrink.
//!
//! There are no dependencies, so that the rules are built and run within seconds of any edit.

pub mod finding;
pub mod repository;
pub mod source;

pub mod allow;
pub mod casts;
pub mod clock;
pub mod codes;
pub mod collections;
pub mod edges;
pub mod floats;
pub mod heads;
pub mod lengths;
pub mod lints;
pub mod lock;
pub mod machine_paths;
pub mod scenarios;
pub mod shown;
pub mod sql;
pub mod threats;
pub mod unfinished;
pub mod unwraps;
pub mod words;
