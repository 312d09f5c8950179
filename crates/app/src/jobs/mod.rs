//! What the product does by itself. Every job takes no input, compares what is with what should be,
//! can be repeated without harm, and runs by timer and by poke.

pub mod advance_clock;
pub mod announce_prices;
pub mod change_profiles;
pub mod charge_methods;
pub mod erase_organizations;
pub mod issue_documents;
pub mod join_coupons;
pub mod pay_refunds;
