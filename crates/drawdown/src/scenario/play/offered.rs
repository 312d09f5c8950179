//! What a platform offers and says: its profile checked, its price page, its clock, and the billing
//! history as one view of the ledger.

use domain::history::Filter;
use domain::profile::Severity;

use super::{Lines, Player, line};
use crate::scenario::parse::Says;
use crate::scenario::show;

/// What a check of a profile says; the same on every layer, because it asks none.
pub(super) fn lint(profile: &str, settings: &str) -> Lines {
    let mut checked = match app::profiles::built_in(profile) {
        Ok(profile) => profile,
        Err(message) => return line(format!("error: {message}")),
    };
    if let Err(message) = checked.apply(settings) {
        return line(format!("error: {message}"));
    }
    let lines: Vec<String> = checked
        .lint()
        .iter()
        .map(|finding| match finding.severity {
            Severity::Error => format!("error: {finding}"),
            Severity::Warning => format!("warning: {finding}"),
        })
        .collect();
    if lines.is_empty() { line("nothing to say") } else { Ok(lines) }
}

impl Player<'_> {
    /// Plays a command whose first request is sent under a key of the client's.
    pub(super) fn keyed(&mut self, key: &str, command: &Says) -> Lines {
        self.layer.set_key(Some(key));
        let obeyed = self.obey(command);
        self.layer.set_key(None);
        obeyed
    }

    /// The prices that anyone may read, and whom to ask for a discount.
    pub(super) fn price_page(&mut self) -> Lines {
        let platform = self.current_platform();
        let page = self.layer.price_page(platform)?;
        let mut lines = vec![page.name];
        lines.extend(page.prices.iter().map(show::price));
        lines.extend(page.discount_contact.map(|contact| format!("discounts: {contact}")));
        Ok(lines)
    }

    pub(super) fn test_clock(&mut self) -> Lines {
        let platform = self.current_platform();
        let (state, now) = self.layer.test_clock(platform)?;
        line(format!("{state} at {}", self.names.time(now)))
    }

    /// One part of the billing history, whole, one line for each ledger transaction.
    pub(super) fn history(&mut self, wallet: &str, filter: Filter) -> Lines {
        let org = self.org(wallet);
        self.name_what_came_by_itself(wallet)?;
        let rows = self.layer.history(org, filter)?;
        let lines: Vec<String> = rows.iter().map(|row| show::span(org, row, &self.names)).collect();
        if lines.is_empty() { line("none") } else { Ok(lines) }
    }
}
