//! The app over real stores: one binary, one folder or database for each test.

mod announcements;
mod closing;
mod coupons;
mod documents;
mod door;
mod parity;
mod profiles;
mod world;
