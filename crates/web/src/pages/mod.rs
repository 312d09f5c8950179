//! The console: every page is a pure function from a plain struct to markup.
//!
//! *Invariant:* nothing here reads a clock, a store or a socket, decides about money, or needs
//! JavaScript to be true. Pages carry no inline style or script, so they stand under a
//! content security policy of `default-src 'none'; style-src 'self'; script-src 'self';
//! img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none';
//! frame-ancestors 'none'`.

pub mod assets;
pub mod clock;
pub mod demo_home;
pub mod error;
pub mod layout;
pub mod parts;
pub mod paths;
pub mod reference;
pub mod sandbox_checkout;
pub mod show;
pub mod wallet;

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

use show::{Unit, Zone};

/// The words of a profile, where platforms differ.
#[derive(Clone, Debug)]
pub struct Labels {
    pub unit: Unit,
    /// What adding money is called on the button: "Add credits".
    pub add_credits: String,
    /// The list of deposits: "Deposit History", "Payment History", "Billings".
    pub history: String,
    /// The rule that deposits by itself: "Auto Top-Up", "Auto-Refill".
    pub auto_top_up: String,
    /// What becomes of a resource at zero: "stopped", "paused", "terminated".
    pub stopped: String,
}

/// How this reader is spoken to: the profile's words and the organization's zone.
#[derive(Clone, Debug)]
pub struct Presentation {
    pub labels: Labels,
    pub zone: Zone,
}
