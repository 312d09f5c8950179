//! See Cargo.toml.

pub mod charts;
pub mod pages;
