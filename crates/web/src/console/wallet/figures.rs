//! The figures that every page of a wallet agrees on, computed once.
//!
//! Laws: available = purchased + promotional − held − debt, to the nano, unless the profile absorbs
//! what is below zero; what runs out, and when, is what the domain says and not what the curve
//! shows.

use domain::grant::{GrantKind, OpenGrant};
use domain::ledger::LedgerTransaction;
use domain::profile::{BalanceBasis, Profile, Terms};
use domain::rate::Rate;
use domain::time::SECONDS_PER_HOUR;
use domain::wallet::{Balance, Usable, Wallet};
use domain::{Amount, Timestamp};
use store::read::wallet_page::WalletRows;

use super::Read;
use crate::charts::{BurnDown, Point};
use crate::pages::layout::WalletButton;
use crate::pages::show::{Unit, Zone};
use crate::pages::wallet::hero::{Hero, RunsOut};
use crate::pages::{Labels, Presentation};

/// Points of the past that a curve is drawn from.
const PAST_ROWS_MAX: usize = 400;
const CENT: Amount = Amount::from_nanos(10_000_000);

/// What a wallet holds at the instant of the page.
#[derive(Clone, Debug)]
pub struct Figures {
    pub balance: Balance,
    /// On the profile's basis (rulings R4).
    pub available: Amount,
    pub purchased: Amount,
    pub promotional: Amount,
    pub promotional_expires_at: Option<Timestamp>,
    /// What has run since the last settlement, and when that settles, where the basis is settled.
    pub accruing: Option<(Amount, Timestamp)>,
    /// Open grants in burn order, each with what is left once accrued time is paid.
    pub grants: Vec<(OpenGrant, Amount)>,
    pub runs_out_at: Option<Timestamp>,
    pub ticks: bool,
}

/// The words of a profile; the built-in ones where a page has none.
pub fn presentation_of(profile: Option<&Profile>) -> Presentation {
    let label = |of: fn(&Profile) -> &str, other: &str| profile.map_or(other, of).to_owned();
    Presentation {
        labels: Labels {
            unit: profile.map_or(Unit::Dollars, unit_of),
            add_credits: "Add credits".into(),
            history: label(|profile| &profile.label_history, "Transactions"),
            auto_top_up: label(|profile| &profile.label_auto_top_up, "Auto top-up"),
            stopped: label(|profile| &profile.label_stopped, "stopped"),
        },
        zone: Zone::utc(),
    }
}

/// Dollars, or credits where one is worth something else (requirements C01). A credit that is worth
/// a dollar is shown as the dollar it is.
fn unit_of(profile: &Profile) -> Unit {
    match profile.credit_value {
        value if value == Amount::from_units(1) => Unit::Dollars,
        value => Unit::Credits { value },
    }
}

/// How a profile bills what computes.
pub fn every(profile: &Profile) -> String {
    match profile.compute_terms {
        Terms::PerSecond => "per second".to_owned(),
        Terms::Window(seconds) => format!("in {}-minute windows", seconds / 60),
        Terms::Block(seconds) => format!("in {}-minute blocks, ahead", seconds / 60),
    }
}

/// How a profile bills, one sentence.
pub fn terms(profile: &Profile) -> String {
    let every = every(profile);
    format!("Billed {every}. At zero, instances are {}.", profile.label_stopped)
}

pub fn per_hour(rate: Rate) -> Amount {
    rate.charge_round_half_even(SECONDS_PER_HOUR).unwrap_or(Amount::MAX)
}

/// Less than a cent buys nothing: what is left when a run is stopped at its last whole second.
pub fn is_empty(available: Amount) -> bool {
    available < CENT
}

/// What a movement did to the posted balance.
pub fn change_of(row: &LedgerTransaction) -> Amount {
    let moved: Amount = row.postings.iter().map(|posting| posting.change).sum();
    moved.minus(row.debt)
}

impl Figures {
    pub fn of(rows: &WalletRows, flows: bool) -> Figures {
        let (wallet, profile) = (&rows.wallet, rows.profile());
        let balance = wallet.balance(profile, rows.now);
        let is_live = profile.balance_basis == BalanceBasis::Live;
        let available = if is_live {
            balance.available
        } else {
            balance.shown.minus(balance.held).max(balance.available.min(Amount::ZERO))
        };
        let unpaid = balance.posted.minus(balance.shown);
        let grants = after(wallet, unpaid);
        let sum = |is_given: bool| {
            let of_kind = grants.iter().filter(move |(grant, _)| grant.kind.is_given() == is_given);
            of_kind.map(|&(_, left)| left).sum::<Amount>()
        };
        let expiring = grants
            .iter()
            .filter(|(grant, left)| grant.kind != GrantKind::Purchased && left.is_positive());
        let expires_at = expiring.map(|(grant, _)| grant.expires_at).min();
        Figures {
            available,
            purchased: sum(false),
            promotional: sum(true),
            promotional_expires_at: expires_at.filter(|&at| at != Timestamp::NEVER),
            accruing: accruing(wallet, profile, &balance).filter(|_| !is_empty(available)),
            runs_out_at: runs_out_at(wallet, &balance),

            ticks: flows && is_live,
            balance,
            grants,
        }
    }

    fn seconds_left(&self) -> Option<i64> {
        self.runs_out_at.map(|at| at.seconds_since(self.balance.as_of).max(0))
    }

    pub fn button(&self, read: &Read) -> WalletButton {
        let wallet = &read.rows.wallet;
        let is_on = wallet.auto_top_up.as_ref().is_some_and(|rule| rule.enabled);
        WalletButton {
            frozen: read.rows.wallet.is_frozen(),
            wallet: read.wallet_id(),
            name: read.rows.organization.name.clone(),
            available: self.available,
            held: self.balance.held,
            promotional: self.promotional,
            promotional_expires_at: self.promotional_expires_at,
            runway_seconds: self.seconds_left(),
            auto_top_up_on: read.rows.profile().auto_top_up.then_some(is_on),
        }
    }

    pub fn hero(&self, read: &Read) -> Hero {
        let wallet = &read.rows.wallet;
        let (curve, lapsing) = curve(read, self);
        let stopped = read.open_runs().into_iter().filter(|run| run.class.is_stopped_at_zero());
        let stops: Vec<String> = stopped.map(|run| read.resource_name(run.resource)).collect();
        Hero {
            as_of: self.balance.as_of,
            available: self.available,
            burn_per_hour: self.balance.burn_per_hour,
            runs_out: self.runs_out_at.map(|at| RunsOut {
                at,
                stops,
                before: before(read, lapsing),
            }),
            purchased: self.purchased,
            promotional: self.promotional,
            promotional_expires_at: self.promotional_expires_at,
            held: self.balance.held,
            debt: wallet.debt,
            accruing: self.accruing,
            alert_limit: wallet.user_limit.as_ref().map(|rule| rule.limit),
            curve,
            fresh: wallet.tip.number == 0,
            frozen: wallet.is_frozen(),
            ticks: self.ticks,
        }
    }
}

/// What comes before the end: credit that expires unused, and the rule that adds more.
fn before(read: &Read, lapsing: Option<(Timestamp, Amount)>) -> Option<String> {
    let (labels, zone) = (&read.presentation.labels, &read.presentation.zone);
    let expiry = lapsing.map(|(at, amount)| {
        format!("{} of it expires before, on {}", labels.unit.balance(amount), zone.minute(at))
    });
    let rule = read.rows.wallet.auto_top_up.as_ref().filter(|rule| rule.enabled);
    let more = rule.map(|rule| {
        format!(
            "{} adds {} before that, when available drops below {}",
            labels.auto_top_up,
            Unit::Dollars.usage(rule.amount),
            Unit::Dollars.usage(rule.threshold)
        )
    });
    let said: Vec<String> = expiry.into_iter().chain(more).collect();
    (!said.is_empty()).then(|| said.join(". "))
}

/// Grants after `unpaid` was drawn from them in burn order.
fn after(wallet: &Wallet, mut unpaid: Amount) -> Vec<(OpenGrant, Amount)> {
    let draw = |grant: &OpenGrant| {
        let part = grant.unreserved().min(unpaid).or_zero();
        unpaid = unpaid.minus(part);
        (grant.clone(), grant.remaining.minus(part))
    };
    wallet.grants.iter().map(draw).collect()
}

fn accruing(wallet: &Wallet, profile: &Profile, balance: &Balance) -> Option<(Amount, Timestamp)> {
    if profile.balance_basis == BalanceBasis::Live || !wallet.meters.is_running() {
        return None;
    }
    let open = balance.shown.minus(balance.posted.minus(balance.accrued)).or_zero();
    let every = profile.settle_every_seconds;
    Some((open, balance.as_of.floor_to_multiple(every).plus_seconds(every)))
}

/// When credit runs out. Where only storage runs nothing is stopped, and it runs out all the same.
fn runs_out_at(wallet: &Wallet, balance: &Balance) -> Option<Timestamp> {
    let at = match wallet.stoppable_count + wallet.blocks.run_count() {
        0 if !wallet.meters.is_running() || is_empty(balance.shown) => Timestamp::NEVER,
        0 => wallet.last_second_at_or_above(Amount::ZERO, Usable::Unreserved, 0),
        _ => balance.runs_out_at,
    };
    Some(at).filter(|&at| at != Timestamp::NEVER)
}

/// The balance before now and from now on, with the first part of it that expires unused.
pub fn curve(read: &Read, figures: &Figures) -> (BurnDown, Option<(Timestamp, Amount)>) {
    let (projection, lapsing) = match figures.runs_out_at {
        Some(until) if figures.available.is_positive() => projection(read, until),
        _ => (Vec::new(), None),
    };
    let curve = BurnDown {
        id: format!("curve-{}", read.wallet_id()),
        now: figures.balance.as_of,
        available: figures.available.or_zero(),
        past: past(&read.rows.journal),
        projection,
    };
    (curve, lapsing)
}

/// Each movement as the balance before and after it; time that was settled slopes.
fn past(journal: &[LedgerTransaction]) -> Vec<Point> {
    let newest = journal.iter().take(PAST_ROWS_MAX);
    let mut points: Vec<Point> = newest
        .flat_map(|row| {
            let before = row.balance.minus(change_of(row));
            let from = row.span.as_ref().map_or(row.at, |span| span.from);
            [Point { at: row.at, balance: row.balance }, Point { at: from, balance: before }]
        })
        .collect();
    points.reverse();
    points
}

fn projection(read: &Read, until: Timestamp) -> (Vec<Point>, Option<(Timestamp, Amount)>) {
    let (wallet, now) = (&read.rows.wallet, read.rows.now);
    let mut left: Vec<(Timestamp, Amount)> =
        wallet.grants.iter().map(|grant| (grant.expires_at, grant.unreserved())).collect();
    let mut lapses: Vec<Timestamp> = left.iter().map(|&(at, _)| at).collect();
    lapses.sort_unstable();
    lapses.dedup();
    let (mut points, mut lapsing, mut drawn) = (Vec::new(), None, Amount::ZERO);
    for at in lapses.into_iter().filter(|&at| at > now && at < until) {
        let mut unpaid = wallet.meters.accrued(at.floor_to_second()).minus(drawn);
        for (_, rest) in &mut left {
            let part = (*rest).min(unpaid).or_zero();
            (*rest, unpaid, drawn) = (rest.minus(part), unpaid.minus(part), drawn.plus(part));
        }
        let total = |left: &[(Timestamp, Amount)]| -> Amount {
            left.iter().map(|&(_, rest)| rest).sum::<Amount>().minus(wallet.debt).or_zero()
        };
        let before = total(&left);
        left.retain(|&(lapse, _)| lapse > at);
        let after = total(&left);
        points.extend([before, after].map(|balance| Point { at, balance }));
        let lost = before.minus(after);
        lapsing = lapsing.or(lost.is_positive().then_some((at, lost)));
    }
    points.push(Point { at: until, balance: Amount::ZERO });
    (points, lapsing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_balance_is_counted_in_credits_where_one_is_not_a_dollar() {
        for (value, shown) in [("0.01", "820 credits"), ("1", "$8.20"), ("2.50", "3.28 credits")] {
            let mut profile = Profile::default();
            profile.set("credit_value", value).unwrap();
            let unit = presentation_of(Some(&profile)).labels.unit;
            assert_eq!(unit.balance(Amount::from_nanos(8_200_000_000)), shown);
        }
    }
}
