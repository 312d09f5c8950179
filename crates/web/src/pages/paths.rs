//! Where every page and form of the console lives, so that links and routes cannot disagree.

use domain::Id;

pub const HOME: &str = "/";
/// The reference of the API.
pub const DOCS: &str = "/docs";
/// The routes as the router writes them.
pub const WALLET: &str = "/w/{wallet}";
pub const CHECKOUT: &str = "/sandbox/checkout/{deposit}";
pub const CHECKOUT_RETURN: &str = "/sandbox/checkout/{deposit}/return";
pub const CLOCK: &str = "/clock";

/// What the reference says of one noun.
pub fn docs(noun: &str) -> String {
    format!("{DOCS}/{noun}")
}

pub fn wallet(wallet: Id) -> String {
    format!("/w/{wallet}")
}

/// Server-sent events with the figures of one wallet.
pub fn live(wallet: Id) -> String {
    format!("/w/{wallet}/live")
}

/// A form of the wallet page: `add-credits`, `start`, `stop`, `query`, `auto-top-up`, `alerts`.
pub fn wallet_form(wallet: Id, form: &str) -> String {
    format!("/w/{wallet}/{form}")
}

pub fn checkout(deposit: Id) -> String {
    format!("/sandbox/checkout/{deposit}")
}

pub fn checkout_return(deposit: Id) -> String {
    format!("/sandbox/checkout/{deposit}/return")
}
