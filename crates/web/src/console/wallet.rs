//! `/w/{wallet}`: the page of one wallet, filled from one snapshot.

pub mod activity;
pub mod aside;
pub mod figures;
pub mod offers;
pub mod spend;
pub mod told;

use std::collections::BTreeMap;

use domain::run::Run;
use domain::wallet::Wallet;
use domain::{Amount, Id, Kind, OrgId};
use maud::Markup;
use store::read::wallet_page::{Reach, WalletRows, rows};

use super::feedback::Said;
use super::{Console, fault};
use crate::error::Fault;
use crate::pages::clock::TestClock;
use crate::pages::layout::Shell;
use crate::pages::wallet::{WalletPage, ZeroNotice, view};
use crate::pages::{Presentation, paths, show};
use crate::wire::id_of;
use figures::Figures;

/// Days of the chart, the present one included.
pub const DAYS: i64 = 30;
const JOURNAL_ROWS_MAX: usize = 4_096;
const MOVEMENT_ROWS: usize = 160;
const EVENTS_MAX: i64 = 300;
const DEPOSITS_MAX: i64 = 20;

/// A wallet as it stands, with what is computed from it once.
pub struct Read {
    pub rows: WalletRows,
    pub figures: Figures,
    pub presentation: Presentation,
}

impl Read {
    pub fn org(&self) -> OrgId {
        self.rows.wallet.org
    }

    pub fn id(&self, kind: Kind, number: i64) -> Id {
        Id::new(kind, self.org(), number)
    }

    pub fn wallet_id(&self) -> Id {
        self.id(Kind::Wallet, Wallet::NUMBER)
    }

    pub fn resource_name(&self, number: i64) -> String {
        let resource = self.rows.resources.get(&number);
        resource.map_or_else(|| format!("resource {number}"), |row| row.name.clone())
    }

    pub fn sku_name(&self, number: i64) -> String {
        let sku = self.rows.book.sku(number);
        sku.map_or_else(|| "Other".to_owned(), |sku| sku.name.clone())
    }

    /// What runs, oldest first.
    pub fn open_runs(&self) -> Vec<&Run> {
        let open = self.rows.runs.iter().filter(|run| run.stopped_at.is_none());
        let mut open: Vec<&Run> = open.collect();
        open.sort_by_key(|run| run.number);
        open
    }

    /// The frame of a page of this wallet.
    pub fn shell(&self, title: &str) -> Shell {
        Shell {
            platform: Some(self.rows.platform.name.clone()),
            wallet: Some(self.figures.button(self)),
            presentation: self.presentation.clone(),
            ..fault::bare_shell(title)
        }
    }
}

/// The organization of the wallet that an address names.
///
/// Errors: `not_found`.
pub fn org_of(text: &str) -> Result<OrgId, Fault> {
    let id = id_of(text, &[Kind::Wallet]).filter(|id| id.number == Wallet::NUMBER);
    id.map(|id| id.org).ok_or(Fault::missing(Kind::Wallet))
}

/// Reads a wallet; `before` is the place in the journal from which movements are listed.
///
/// Errors: `not_found`.
pub async fn read(console: &Console, org: OrgId, before: Option<i64>) -> Result<Read, Fault> {
    let reach = Reach {
        wall_clock: console.web.app.now(),
        seconds: DAYS * domain::time::SECONDS_PER_DAY,
        journal_rows_max: JOURNAL_ROWS_MAX,
        journal_rows_min: MOVEMENT_ROWS,
        events_max: EVENTS_MAX,
        deposits_max: DEPOSITS_MAX,
        before,
    };
    let mut snapshot = console.web.app.store.snapshot().await?;
    let rows = rows(&mut snapshot, org, reach).await?.ok_or(Fault::missing(Kind::Wallet))?;
    let flows = console.flows(rows.wallet.platform, rows.platform.clock.is_some());
    let presentation = figures::presentation_of(Some(rows.profile()));
    let figures = Figures::of(&rows, flows);
    Ok(Read { rows, figures, presentation })
}

/// Shows the page. `notice` in the query names what a form has just done.
pub async fn show(
    console: &Console,
    wallet: &str,
    query: &BTreeMap<String, String>,
) -> Result<Markup, Fault> {
    let org = org_of(wallet)?;
    let before = query.get("before").and_then(|text| text.parse().ok());
    let read = read(console, org, before).await?;
    let said = query.get("notice").map(|name| console.feedback.find(name, org));
    Ok(view(&page(console, &read, said.unwrap_or_default())))
}

fn page(console: &Console, read: &Read, said: Said) -> WalletPage {
    let rows = &read.rows;
    let attempt_key = console.mint();
    WalletPage {
        shell: read.shell(&rows.organization.name),
        wallet: read.wallet_id(),
        name: rows.organization.name.clone(),
        terms: figures::terms(rows.profile()),
        clock: rows.platform.clock.map(|now| TestClock {
            action: paths::CLOCK.into(),
            now,
            flows: console.flows(rows.wallet.platform, true),
            advancing: rows.platform.clock_target.is_some_and(|to| to.seconds_since(now) > 60),
            return_to: paths::wallet(read.wallet_id()),
            attempt_key: attempt_key.clone(),
        }),
        zero: zero(read),
        hero: read.figures.hero(read),
        add_credits: offers::add_credits(read, said.amount),
        running: offers::running(read),
        query: offers::query(read),
        holds: aside::holds(read),
        spend: spend::bars(read),
        activity: activity::list(read),
        deposits: aside::deposits(console, read),
        grants: aside::grants(read),
        auto_top_up: aside::auto_top_up(console, read, said.auto_top_up),
        alerts: told::alerts(read, said.alert),
        mailbox: told::mailbox(read),
        feed: told::feed(read),
        notice: said.notice,
        attempt_key,
    }
}

/// Whether something runs that zero will stop.
fn stops_at_zero(wallet: &Wallet) -> bool {
    wallet.stoppable_count > 0 || !wallet.blocks.is_empty()
}

/// What is said once nothing is left: when it was, what stopped, what goes on.
fn zero(read: &Read) -> Option<ZeroNotice> {
    let wallet = &read.rows.wallet;
    if !figures::is_empty(read.figures.available) || stops_at_zero(wallet) {
        return None;
    }
    let depleted = told::last_depletion(read)?;
    let stopped_then = |run: &&Run| run.stopped_at == Some(depleted);
    let mut stopped: Vec<&Run> = read.rows.runs.iter().filter(stopped_then).collect();
    stopped.sort_by_key(|run| run.number);
    let going: Vec<&Run> = read.open_runs();
    let rate: Amount = going.iter().map(|run| figures::per_hour(run.rate)).sum();
    let names: Vec<String> = going.iter().map(|run| read.resource_name(run.resource)).collect();
    let unit = read.presentation.labels.unit;
    Some(ZeroNotice {
        at: depleted,
        stopped: stopped.iter().map(|run| read.resource_name(run.resource)).collect(),
        still_costs: (!going.is_empty())
            .then(|| format!("{}, {} of what you add", show::names(&names), unit.rate(rate))),
        debt: wallet.debt,
        resume: "then start what you need again".into(),
    })
}
