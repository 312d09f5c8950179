//! The product as people and programs meet it: over HTTP, in one process, on a store of its own.

mod cli;
mod demo;
mod pages;
