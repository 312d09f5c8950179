//! What an operator asks of the books of a platform: how old what it owes is, what expired, what
//! its promotions cost, and what was earned with which SKU and whom (requirements N23).
//!
//! Laws: a line belongs to one organization, so that its entries can be listed; the lines of a
//! report add up to ledger accounts, to the nano ([`Report::account`]). Movements count when they
//! were posted.

use std::collections::BTreeMap;

use crate::grant::{Grant, GrantKind};
use crate::ledger::{LedgerTransaction, TransactionKind};
use crate::price::PriceBook;
use crate::roll_forward::{Month, Movement};
use crate::run::Run;
use crate::statement::{Posted, Statement};
use crate::time::SECONDS_PER_DAY;
use crate::wallet::Wallet;
use crate::{Amount, OrgId, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Report {
    /// What is unspent now, by kind of grant and how long ago it began.
    Ageing,
    /// Paid credit that nobody used, by month.
    Breakage,
    /// Given credit, by campaign: the code of a coupon, or the kind of the grant.
    Promotions,
    /// What was used, by SKU, without the tax in it.
    Revenue,
}

impl Report {
    pub const ALL: [Report; 4] =
        [Report::Ageing, Report::Breakage, Report::Promotions, Report::Revenue];

    pub const fn name(self) -> &'static str {
        match self {
            Report::Ageing => "ageing",
            Report::Breakage => "breakage",
            Report::Promotions => "promotions",
            Report::Revenue => "revenue",
        }
    }

    pub fn from_name(name: &str) -> Option<Report> {
        Report::ALL.into_iter().find(|report| report.name() == name)
    }

    /// What the amounts of a line are.
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Report::Ageing => &["unspent"],
            Report::Breakage => &["expired", "forfeited", "renewed"],
            Report::Promotions => &["given", "drawn", "ended", "unspent"],
            Report::Revenue => &["revenue"],
        }
    }

    /// The ledger account that a column adds up to, with the others of the same account: what
    /// changed in it since the first month, and of what is unspent all of it. No account tells what
    /// was given from what ended.
    pub const fn account(self, column: usize) -> Option<&'static str> {
        match (self, column) {
            (Report::Ageing, _) => Some("grants"),
            (Report::Breakage, _) => Some("breakage"),
            (Report::Promotions, 1) => Some("promotions"),
            (Report::Promotions, 3) => Some("promotions_unspent"),
            (Report::Promotions, _) => None,
            (Report::Revenue, _) => Some("revenue"),
        }
    }
}

/// One group of one organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub org: OrgId,
    pub group: String,
    /// As many as [`Report::columns`].
    pub amounts: Vec<Amount>,
}

/// What the lines of one organization are made of.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    pub wallet: &'a Wallet,
    /// All that was posted since the first month began, in any order.
    pub journal: &'a [LedgerTransaction],
    /// All that ran since the first of it was used; only for revenue.
    pub runs: &'a [Run],
    pub book: &'a PriceBook,
    /// Every grant that is open or that the journal names.
    pub grants: &'a BTreeMap<i64, Grant>,
    /// The coupons that grants came of, by number of the grant.
    pub coupons: &'a BTreeMap<i64, String>,
    pub since: Month,
    pub now: Timestamp,
}

/// The groups of one organization, in the order of their names but for ages, which come youngest
/// first.
type Groups = BTreeMap<(usize, String), Vec<Amount>>;

impl Rows<'_> {
    /// The lines of `report` about this organization. Groups in which nothing is are left out.
    pub fn lines(&self, report: Report) -> Vec<Line> {
        let groups = match report {
            Report::Ageing => self.ageing(),
            Report::Breakage => self.breakage(),
            Report::Promotions => self.promotions(),
            Report::Revenue => self.revenue(),
        };
        let lines = groups.into_iter().filter(|(_, sums)| sums.iter().any(|sum| !sum.is_zero()));
        let line = |((_, group), amounts)| Line { org: self.wallet.org, group, amounts };
        lines.map(line).collect()
    }

    fn ageing(&self) -> Groups {
        let mut groups = Groups::new();
        for open in self.wallet.grants.iter() {
            let began = self.grants.get(&open.number).map_or(self.now, |grant| grant.effective_at);
            let (band, days) = band(self.now.seconds_since(began) / SECONDS_PER_DAY);
            let group = (band, format!("{} {days}", open.kind.name()));
            add(&mut groups, group, (0, 1), open.remaining);
        }
        groups
    }

    fn breakage(&self) -> Groups {
        let mut groups = Groups::new();
        for row in self.posted() {
            if Movement::of(row.kind) != Movement::Expired {
                continue;
            }
            let column = match row.kind {
                TransactionKind::Forfeiture => 1,
                TransactionKind::Renewal => 2,
                _ => 0,
            };
            let month = row.counted_at().to_string().get(..7).unwrap_or_default().to_owned();
            let paid = row.postings.iter().filter(|part| !self.kind_of(part.grant).is_given());
            let lost: Amount = paid.map(|part| part.change.negated()).sum();
            add(&mut groups, (0, month), (column, 3), lost);
        }
        groups
    }

    fn promotions(&self) -> Groups {
        let mut groups = Groups::new();
        for row in self.posted() {
            for part in row.postings.iter().filter(|part| self.kind_of(part.grant).is_given()) {
                let (column, amount) = match Movement::of(row.kind) {
                    Movement::Given => (0, part.change),
                    Movement::Drawn | Movement::Taxed | Movement::Restored => {
                        (1, part.change.negated())
                    }
                    Movement::Expired | Movement::Voided => (2, part.change.negated()),
                    // Money moves no given credit.
                    Movement::Purchased
                    | Movement::Refunded
                    | Movement::Disputed
                    | Movement::Offset => continue,
                };
                add(&mut groups, (0, self.campaign(part.grant)), (column, 4), amount);
            }
        }
        for open in self.wallet.grants.iter().filter(|open| open.kind.is_given()) {
            add(&mut groups, (0, self.campaign(open.number)), (3, 4), open.remaining);
        }
        groups
    }

    fn revenue(&self) -> Groups {
        let mut groups = Groups::new();
        let (journal, runs, book) = (self.journal, self.runs, self.book);
        let posted = Posted { journal, runs, book, posted: self.wallet.posted() };
        let mut next = Some(self.since);
        while let Some(month) = next.filter(|month| month.start <= self.now) {
            let statement = Statement::of(month, posted);
            for (item, amount) in statement.lines.iter().filter(|(item, _)| item.is_use()) {
                let group = item.sku().unwrap_or_else(|| item.name()).to_owned();
                add(&mut groups, (0, group), (0, 1), amount.negated());
            }
            add(&mut groups, (1, "tax".to_owned()), (0, 1), statement.tax.negated());
            next = Month::of(month.end);
        }
        groups
    }

    /// What was posted since the first month began.
    fn posted(&self) -> impl Iterator<Item = &LedgerTransaction> {
        self.journal.iter().filter(|row| row.counted_at() >= self.since.start)
    }

    fn kind_of(&self, grant: i64) -> GrantKind {
        self.grants.get(&grant).map_or(GrantKind::Purchased, |grant| grant.kind)
    }

    /// What a given grant was given for.
    fn campaign(&self, grant: i64) -> String {
        match self.coupons.get(&grant) {
            Some(code) => format!("coupon {code}"),
            None => self.kind_of(grant).name().to_owned(),
        }
    }
}

/// How old something is, by its place and in words.
fn band(days: i64) -> (usize, &'static str) {
    match days {
        ..=30 => (0, "up to 30 days"),
        31..=90 => (1, "31 to 90 days"),
        91..=180 => (2, "91 to 180 days"),
        181..=365 => (3, "181 to 365 days"),
        _ => (4, "over 365 days"),
    }
}

/// Adds `amount` to a column of a group, of so many columns.
fn add(
    groups: &mut Groups,
    group: (usize, String),
    (column, columns): (usize, usize),
    amount: Amount,
) {
    let sums = groups.entry(group).or_insert_with(|| vec![Amount::ZERO; columns]);
    sums[column] = sums[column].plus(amount);
}

/// The sums of the columns of `lines`; nothing when one is beyond the range of an amount.
pub fn totals(report: Report, lines: &[Line]) -> Option<Vec<Amount>> {
    let mut sums = vec![Amount::ZERO; report.columns().len()];
    for line in lines {
        for (sum, amount) in sums.iter_mut().zip(&line.amounts) {
            *sum = sum.checked_add(*amount)?;
        }
    }
    Some(sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::closing::{forfeit_paid, void_given};
    use crate::testkit::{at, founded_with, org, units};

    #[test]
    fn ages_are_told_in_bands() {
        let check = |days, words| assert_eq!(band(days).1, words, "{days}");
        check(0, "up to 30 days");
        check(30, "up to 30 days");
        check(31, "31 to 90 days");
        check(365, "181 to 365 days");
        check(366, "over 365 days");
    }

    #[test]
    fn reports_have_names_and_as_many_columns_as_amounts() {
        for report in Report::ALL {
            assert_eq!(Report::from_name(report.name()), Some(report));
        }
        let mut ws = founded_with("");
        let now = at(7);
        let grants: BTreeMap<i64, Grant> =
            ws.grants.of(org()).map(|(number, grant)| (number, grant.clone())).collect();
        let coupons = BTreeMap::from([(4, "HELLO".to_owned())]);
        let lines = |ws: &crate::Workset, report| {
            let journal: Vec<LedgerTransaction> =
                ws.journal().iter().map(|row| (**row).clone()).collect();
            let rows = Rows {
                wallet: ws.wallet(org()).unwrap(),
                journal: &journal,
                runs: &[],
                book: &PriceBook::default(),
                grants: &grants,
                coupons: &coupons,
                since: Month::parse("1970-01").unwrap(),
                now,
            };
            let lines = rows.lines(report);
            assert!(lines.iter().all(|line| line.amounts.len() == report.columns().len()));
            lines.into_iter().map(|line| (line.group, line.amounts)).collect::<Vec<_>>()
        };
        let group = |name: &str, amounts: &[i64]| {
            (name.to_owned(), amounts.iter().map(|&amount| units(amount)).collect::<Vec<_>>())
        };
        let ages = lines(&ws, Report::Ageing);
        let young = "up to 30 days";
        assert_eq!(
            ages,
            [
                group(&format!("bonus {young}"), &[4]),
                group(&format!("promotional {young}"), &[5]),
                group(&format!("purchased {young}"), &[30]),
            ]
        );
        void_given(&mut ws, org(), now).unwrap();
        forfeit_paid(&mut ws, org(), now).unwrap();
        assert_eq!(lines(&ws, Report::Ageing), []);
        assert_eq!(lines(&ws, Report::Breakage), [group("1970-01", &[0, 30, 0])]);
        let ended = [group("bonus", &[0, 0, 4, 0]), group("coupon HELLO", &[0, 0, 5, 0])];
        assert_eq!(lines(&ws, Report::Promotions), ended);
    }
}
