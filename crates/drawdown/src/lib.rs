//! What the one binary is made of, so that tests can use it as the binary does.

pub mod cli;
pub mod config;
pub mod demo;
pub mod demo_server;
pub mod explain;
pub mod profiles;
pub mod scenario;
pub mod serve;
pub mod verify;
pub mod wire;
