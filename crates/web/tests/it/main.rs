//! The API over a real store: every route asked by everyone, and the way of a customer through it.

mod cases;
mod customer;
mod dialects;
mod events;
mod examples;
mod forward;
mod history;
mod hostile;
mod ids;
mod matrix;
mod rates;
mod security;
mod tables;
mod world;
