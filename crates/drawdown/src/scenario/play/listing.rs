//! What is shown: balances, lists and reports.

use domain::dormancy::Dormant;
use domain::operator_report::{Line, totals};
use std::collections::BTreeMap;

use domain::roll_forward::Month;
use domain::{Amount, OrgId};

use super::offered::lint;
use super::{Lines, Named, Player, broken, line};
use crate::scenario::layer::{ArrivalRow, Failure, LedgerRow};
use crate::scenario::parse::{List, Part, Says};
use crate::scenario::show;

impl Player<'_> {
    pub(super) fn listing(&mut self, says: &Says) -> Lines {
        let now = self.present()?;
        self.advance_all(now)?;
        self.layer.issue_documents()?;
        match says {
            Says::Balance { wallet, parts } => self.balance(wallet, parts),
            Says::List { wallet, list } => {
                let lines = self.list(wallet, *list)?;
                if lines.is_empty() { line("none") } else { Ok(lines) }
            }
            Says::Preview { wallet, rule } => {
                let preview = self.layer.preview(self.org(wallet), *rule)?;
                line(show::preview(&preview, now, &self.names))
            }
            Says::Report { wallet, by, days } => {
                let org = self.org(wallet);
                let report = self.layer.costs(org, by, *days)?;
                Ok(show::report(org, &report, by, &self.names))
            }
            Says::RollForward { month } => {
                let month = month.or_else(|| Month::of(now));
                let Some(month) = month else { return broken("the clock is in no month") };
                let report = self.layer.roll_forward(self.current_platform(), month)?;
                let lines = show::roll_forward(&report);
                if lines.is_empty() { line("none") } else { Ok(lines) }
            }
            Says::Dormant { .. } | Says::OperatorReport { .. } => self.operator(says),
            Says::Statement { wallet, month } => {
                let Some(month) = month.or_else(|| Month::of(now)) else {
                    return broken("the clock is in no month");
                };
                let row = self.layer.statement(self.org(wallet), month)?;
                Ok(show::statement(&row))
            }
            Says::Dearest { wallet, days, idle } => {
                let requests = self.layer.dearest(self.org(wallet), *days, *idle)?;
                let lines = requests.iter().map(|row| show::request(row, &self.names));
                let lines: Vec<String> = lines.collect();
                if lines.is_empty() { line("none") } else { Ok(lines) }
            }
            Says::History { wallet, filter } => self.history(wallet, *filter),
            Says::Lint { profile, settings } => lint(profile, settings),
            Says::PricePage => self.price_page(),
            Says::TestClock => self.test_clock(),
            Says::Uses { wallet, days, idle } => {
                let org = self.org(wallet);
                let rows = self.layer.uses(org, *days, *idle)?;
                let lines = rows.iter().map(|row| show::use_of(org, row, &self.names));
                let lines: Vec<String> = lines.collect();
                if lines.is_empty() { line("none") } else { Ok(lines) }
            }
            Says::Suggestions { wallet, days } => {
                let org = self.org(wallet);
                let rows = self.layer.suggestions(org, *days)?;
                let lines = rows.iter().map(|row| show::suggestion(org, row, &self.names));
                let lines: Vec<String> = lines.collect();
                if lines.is_empty() { line("none") } else { Ok(lines) }
            }
            Says::Week { resource, days } => {
                let named = self.named(resource);
                let lines = show::week(&self.layer.week(named.org, named.number, *days)?);
                if lines.is_empty() { line("none") } else { Ok(lines) }
            }
            Says::Coupons => {
                let rows = self.layer.coupons(self.current_platform())?;
                Ok(rows.iter().map(show::coupon).collect())
            }
            _ => self.books(),
        }
    }

    /// What operators read of all organizations, by the names of their wallets.
    fn operator(&mut self, says: &Says) -> Lines {
        let (platform, now) = (self.current_platform(), self.present()?);
        let wallets = self.wallets.iter().map(|(name, wallet)| (wallet.org, name.clone()));
        let wallets: BTreeMap<OrgId, String> = wallets.collect();
        let name = |org: OrgId| wallets.get(&org).cloned().unwrap_or_default();
        let mut lines = match says {
            Says::Dormant { days } => {
                let rows = self.layer.dormant(platform, *days)?;
                let row = |(org, row): &(OrgId, Dormant)| {
                    let since = self.names.time(row.active_at);
                    format!(
                        "{} since {since}: paid {}, promotional {}",
                        name(*org),
                        row.paid,
                        row.promotional
                    )
                };
                let mut lines: Vec<String> = rows.iter().map(row).collect();
                lines.sort();
                lines
            }
            Says::OperatorReport { report, since } => {
                let Some(since) = since.or_else(|| Month::of(now)) else {
                    return broken("the clock is in no month");
                };
                let mut rows = self.layer.operator_report(platform, *report, since)?;
                rows.sort_by_key(|row| name(row.org));
                let Some(sums) = totals(*report, &rows) else {
                    return broken("a sum is beyond the range");
                };
                let row = |row: &Line| {
                    let amounts = show::columns(*report, &row.amounts);
                    format!("{}, {}: {amounts}", name(row.org), row.group)
                };
                let mut lines: Vec<String> = rows.iter().map(row).collect();
                if !lines.is_empty() {
                    lines.push(format!("in all: {}", show::columns(*report, &sums)));
                }
                lines
            }
            _ => return broken("this is no report of an operator"),
        };
        if lines.is_empty() {
            lines.push("none".to_owned());
        }
        Ok(lines)
    }

    pub(super) fn balance(&mut self, wallet: &str, parts: &[Part]) -> Lines {
        let row = self.layer.balance(self.org(wallet))?;
        line(show::balance(&row, parts))
    }

    pub(super) fn list(&mut self, wallet: &str, list: List) -> Lines {
        let org = self.org(wallet);
        self.name_what_came_by_itself(wallet)?;
        let names = &self.names;
        match list {
            List::Ledger => {
                let rows = self.layer.ledger(org)?;
                let rows = unseen(&mut self.seen, org, "ledger", &rows);
                Ok(rows.iter().flat_map(|row| show::ledger(org, row, names)).collect())
            }
            List::Spans => {
                let rows = self.layer.ledger(org)?;
                let rows = unseen(&mut self.seen, org, "ledger", &rows);
                Ok(rows.iter().map(|row| show::span(org, row, names)).collect())
            }
            List::Prices => {
                let rows = self.layer.prices(org)?;
                Ok(rows.iter().map(show::price).collect())
            }
            List::Limits => self.limits(org),
            List::Members => Ok(self.layer.members(org)?.iter().map(show::member).collect()),
            List::Deposits => {
                let rows = self.layer.deposits(org)?;
                Ok(rows.iter().map(|row| show::deposit(org, row, names)).collect())
            }
            List::Payments => {
                let words = self.wallets.get(wallet).map(|wallet| wallet.profile.as_ref());
                let Some(words) = words else { return Ok(Vec::new()) };
                let rows = self.layer.deposits(org)?;
                let mut lines = vec![words.label_history.clone()];
                lines.extend(rows.iter().map(|row| show::payment(org, row, words, names)));
                Ok(lines)
            }
            List::Arrivals => self.arrivals(org),
            List::Refunds => self.refunds_of(org),
            List::Disputes => {
                let rows = self.layer.disputes(org)?;
                Ok(rows.iter().map(|row| show::dispute(org, row, names)).collect())
            }
            List::Documents => self.documents(org),
            List::Grants => {
                let rows = self.layer.grants(org)?;
                Ok(rows.iter().map(|row| show::grant(org, row, names)).collect())
            }
            List::Holds => {
                let rows = self.layer.holds(org)?;
                Ok(rows.iter().map(|row| show::hold(org, row, names)).collect())
            }
            List::Runs => self.runs(wallet),
            List::Resources => {
                let rows = self.layer.resources(org)?;
                Ok(rows.iter().map(|row| show::resource(org, row, names)).collect())
            }
            List::Runway => line(show::runway(&self.layer.balance(org)?, names)),
            List::Projection => Ok(show::projection(&self.layer.projection(org)?, names)),
            List::Mails => {
                let rows = self.layer.events(org)?;
                let rows = unseen(&mut self.seen, org, "mails", &rows);
                let mails = rows.iter().filter(|row| row.is_mailed);
                Ok(mails.map(|row| show::event(org, row, names)).collect())
            }
            List::Events => {
                let rows = self.layer.events(org)?;
                let rows = unseen(&mut self.seen, org, "events", &rows);
                Ok(rows.iter().map(|row| show::event(org, row, names)).collect())
            }
        }
    }

    fn documents(&mut self, org: OrgId) -> Lines {
        let rows = self.layer.documents(org)?;
        Ok(rows.iter().map(|row| show::document(org, row, &self.names)).collect())
    }

    fn limits(&mut self, org: OrgId) -> Lines {
        let rows = self.layer.limits(org)?;
        Ok(rows.iter().map(|row| show::limit(org, row, &self.names)).collect())
    }

    /// Usage analytics: what each run costs by itself, and what rounding makes of the sum.
    pub(super) fn runs(&mut self, wallet: &str) -> Lines {
        let org = self.org(wallet);
        let now = self.present()?;
        let rows = self.layer.runs(org)?;
        let profile = self.wallets.get(wallet).map(|wallet| wallet.profile.as_ref());
        let ended = profile.map_or("", |profile| profile.label_stopped.as_str());
        let names = &self.names;
        let mut lines: Vec<String> =
            rows.iter().map(|row| show::run(org, row, now, ended, names)).collect();
        if !lines.is_empty() {
            let sum: Amount = rows.iter().map(|row| row.cost).sum();
            let ledger = self.layer.ledger(org)?;
            const OF_TIME: [&str; 4] = ["settlement", "correction", "block", "block_reversal"];
            let is_time = |row: &&LedgerRow| OF_TIME.contains(&row.kind.as_str());
            let posted: Amount = ledger.iter().filter(is_time).map(|row| row.amount).sum();
            let total = posted.plus(self.layer.balance(org)?.accrued);
            lines.push(format!("rounding {}, total {total}", total.minus(sum)));
        }
        Ok(lines)
    }

    fn refunds_of(&mut self, org: OrgId) -> Lines {
        let rows = self.layer.refunds(org)?;
        Ok(rows.iter().map(|row| show::refund(org, row, &self.names)).collect())
    }

    /// Arrivals come from rails: they have the name of the deposit that they were paid for, and
    /// `-arrival`, `-arrival-2`, ….
    fn arrivals(&mut self, org: OrgId) -> Lines {
        let rows = self.layer.arrivals(org)?;
        for (place, row) in rows.iter().enumerate() {
            if !self.names.has(org, row.number) {
                let of_deposit = |it: &&ArrivalRow| it.deposit == row.deposit;
                let name = self.names.of(org, row.deposit);
                let name = match rows[..=place].iter().filter(of_deposit).count() {
                    1 => format!("{name}-arrival"),
                    count => format!("{name}-arrival-{count}"),
                };
                self.remember(&name, org, row.number);
            }
        }
        Ok(rows.iter().map(|row| show::arrival(org, row, &self.names)).collect())
    }

    /// Auto top-ups come from the engine: they and their grants are named `auto-1`, `auto-2`, ….
    /// So do grants of money that had paid a debt which was none: `returned-1`, ….
    pub(super) fn name_what_came_by_itself(&mut self, wallet: &str) -> Result<(), Failure> {
        let Some(wallet) = self.wallets.get_mut(wallet) else { return Ok(()) };
        let org = wallet.org;
        for row in self.layer.deposits(org)? {
            if row.is_auto_top_up && !self.names.has(org, row.number) {
                wallet.auto_top_ups += 1;
                let name = format!("auto-{}", wallet.auto_top_ups);
                self.names.give(org, row.number, &name);
                self.rows.insert(name, Named { org, number: row.number });
            }
            if let Some(grant) = row.grant {
                let name = self.names.of(org, row.number);
                self.names.give(org, grant, &name);
            }
        }
        for run in self.layer.runs(org)? {
            let name = self.names.of(org, run.resource);
            self.names.give(org, run.number, &name);
        }
        for row in self.layer.grants(org)? {
            if !self.names.has(org, row.number) {
                let deposit = row.deposit.filter(|_| row.kind == "bonus");
                let of_deposit = deposit.map(|deposit| self.names.of(org, deposit));
                let name = match (of_deposit, row.note.as_str()) {
                    (Some(deposit), "") => format!("{deposit}-bonus"),
                    (Some(deposit), code) => format!("{deposit}-{code}"),
                    (None, "") => {
                        wallet.returned += 1;
                        format!("returned-{}", wallet.returned)
                    }
                    (None, code) => code.to_string(),
                };
                self.names.give(org, row.number, &name);
                if deposit.is_some() {
                    self.rows.insert(name, Named { org, number: row.number });
                }
            }
        }
        Ok(())
    }

    pub(super) fn books(&mut self) -> Lines {
        let accounts = self.layer.books()?;
        let sum: Amount = accounts.iter().map(|&(_, credit)| credit).sum();
        let accounts = accounts.iter().filter(|(_, credit)| !credit.is_zero());
        let mut lines: Vec<String> = accounts
            .map(|(name, credit)| {
                let side = if credit.is_negative() { "dr" } else { "cr" };
                format!("{name} {} {side}", (*credit).max(credit.negated()))
            })
            .collect();
        lines.push(format!("sum {sum}"));
        Ok(lines)
    }
}

/// The rows that have not been shown under `list` before.
fn unseen<'r, T>(
    seen: &mut BTreeMap<(OrgId, &'static str), usize>,
    org: OrgId,
    list: &'static str,
    rows: &'r [T],
) -> &'r [T] {
    let before = seen.insert((org, list), rows.len()).unwrap_or(0);
    rows.get(before..).unwrap_or_default()
}
