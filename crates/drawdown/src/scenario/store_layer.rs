//! The layers with a store: the same operations through the door of the product, over SQLite or
//! PostgreSQL, read back from what was kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use app::jobs::advance_clock::{AdvanceError, advance};
use app::jobs::announce_prices;
use app::jobs::issue_documents::{self, invoice_of};
use app::jobs::join_coupons::{self, Redeemed};
use app::lane::LaneLimits;
use app::operation::AsMember;
use app::operations::move_clock::MoveClock;
use app::ports::Ports;
use app::{App, AppError, IdempotencyKey, LaneOptions, Operation, Outcome};
use domain::attribution::IdleCost;
use domain::coupon::CouponCode;
use domain::deposit::Deposit;
use domain::dormancy::Dormant;
use domain::grant::GrantKind;
use domain::history::{Filter, Reader};
use domain::hours::Week;
use domain::ledger::LedgerTransaction;
use domain::operator_report::{Line, Report};
use domain::projection::Projection;
use domain::report::{CostReport, Days, Dimension, Request};
use domain::reprice::Pricing;
use domain::roll_forward::{Month, RollForward};
use domain::top_up::Preview;
use domain::wallet::Wallet;
use domain::workset::Platform;
use domain::{Amount, Kind, OrgId, Refusal, Timestamp, chart};
use store::read::reports::UsedRows;
use store::read::{access, documents, ledger, lists, month, operator, reports, statement};
use store::testkit::TempFolder;
use store::testkit::pg::Database;
use store::{Snapshot, Store, StoreError, StoreUrl};
use tokio::runtime::Runtime;
use web::api::reports::{dearest_of, grouped, suggestions_of, uses_of, week_of};

use crate::scenario::domain_layer::operations::operation_of;
use crate::scenario::domain_layer::rows::{
    arrival_row, deposit_row, dispute_row, done, hold_row, ledger_row, member_row, preview_of,
    price_page_row, price_rows, refund_row, resource_row, run_row,
};
use crate::scenario::domain_layer::{DEAREST_ROWS, fnv_64};
use crate::scenario::fields;
use crate::scenario::layer::{
    ArrivalRow, BalanceRow, Command, CouponRow, DepositRow, DisputeRow, DocumentRow, Done,
    EventRow, Failure, GrantRow, HoldRow, Keyed, Layer, LedgerRow, LimitRow, MemberRow,
    PricePageRow, PriceRow, ProjectionRow, RefundRow, ResourceRow, RunRow, StatementRow,
    SuggestionRow, TopUpRule, UseRow, reused, says_not_mailed,
};
use crate::wire;

/// More rows than any scenario has.
const ALL: i64 = 1_000_000;
/// A command was answered from what is stored under its key.
const REPLAYED: &str = "replayed";

/// What has to outlive the product: a folder or a database that is thrown away.
pub enum Place {
    Folder(TempFolder),
    Database(Database),
}

impl Place {
    pub fn url(&self) -> StoreUrl {
        match self {
            Place::Folder(folder) => StoreUrl::Sqlite(folder.path().join("books.db")),
            Place::Database(database) => database.url(),
        }
    }
}

pub struct StoreLayer {
    runtime: Runtime,
    app: App,
    orgs: Vec<OrgId>,
    keyed: Keyed,
    place: Place,
    /// The member who asks.
    acting: Option<i64>,
}

fn broken(error: impl std::fmt::Display) -> Failure {
    Failure::Broken(error.to_string())
}

/// Opens the product over an empty store, with lanes that are ready.
pub fn open_app(runtime: &Runtime, url: &StoreUrl) -> Result<App, String> {
    let _inside = runtime.enter();
    let ports = Arc::new(wire::ports());
    let store = Store::open(url, runtime.handle()).map_err(|error| error.to_string())?;
    store::migrate::run(&store, "scenario", ports.clock.now())
        .map_err(|error| error.to_string())?;
    open_lanes(runtime, store, ports)
}

fn open_lanes(runtime: &Runtime, store: Store, ports: Arc<Ports>) -> Result<App, String> {
    let _inside = runtime.enter();
    let options = LaneOptions {
        owner: wire::process_name(&ports),
        address: String::new(),
        lane_count: 2,
        limits: LaneLimits::default(),
    };
    let app = App::open(store, ports, options).map_err(|error| error.to_string())?;
    while !app.is_ready() {
        std::thread::yield_now();
    }
    Ok(app)
}

/// Closes the lanes, lets the clocks of `platforms` go on without them, and opens them again over
/// what was stored: nothing that was in memory is left.
pub fn restart(
    runtime: &Runtime,
    app: &App,
    platforms: &[OrgId],
    to: Timestamp,
) -> Result<App, Failure> {
    for &platform in platforms {
        let moved = app.run(app::Command::new(MoveClock { platform, to, is_arrival: true }));
        let Outcome::Decided(decided) = runtime.block_on(moved).map_err(broken)? else {
            return Err(broken("replayed"));
        };
        decided?;
    }
    app.close();
    open_lanes(runtime, app.store.clone(), Arc::clone(&app.ports)).map_err(broken)
}

impl StoreLayer {
    pub fn open(place: Place) -> Result<StoreLayer, String> {
        let runtime = Runtime::new().map_err(|error| error.to_string())?;
        let app = open_app(&runtime, &place.url())?;
        let (orgs, keyed, acting) = (Vec::new(), Keyed::default(), None);
        Ok(StoreLayer { runtime, app, orgs, keyed, place, acting })
    }

    /// Organizations in the order in which they were made.
    pub fn orgs(&self) -> &[OrgId] {
        &self.orgs
    }

    /// Reads from one snapshot of the store.
    pub fn read<T>(
        &self,
        work: impl AsyncFnOnce(&mut Snapshot) -> Result<T, StoreError>,
    ) -> Result<T, Failure> {
        let read = async {
            let mut snapshot = self.app.store.snapshot().await?;
            work(&mut snapshot).await
        };
        self.runtime.block_on(read).map_err(broken)
    }

    fn wallet(&self, org: OrgId) -> Result<(Wallet, Platform), Failure> {
        let found = self.read(async |snapshot| {
            let Some(wallet) = access::wallet(snapshot, org).await? else { return Ok(None) };
            let platform = access::platform(snapshot, wallet.platform).await?;
            Ok(platform.map(|platform| (wallet, platform)))
        })?;
        found.ok_or_else(|| broken("the wallet is not there"))
    }

    fn now(&self, org: OrgId) -> Result<Timestamp, Failure> {
        let (wallet, platform) = self.wallet(org)?;
        Ok(platform.clock.unwrap_or(wallet.now))
    }

    fn journal(&self, org: OrgId) -> Result<Vec<LedgerTransaction>, Failure> {
        let mut rows = self.read(async |snapshot| {
            let Some(wallet) = access::wallet(snapshot, org).await? else { return Ok(Vec::new()) };
            ledger::walk(snapshot, org, wallet.tip.position, ALL).await
        })?;
        rows.reverse();
        Ok(rows)
    }

    fn used(&self, org: OrgId, days: i64) -> Result<UsedRows, Failure> {
        let up_to = |now: Timestamp| Days::up_to(now, days);
        let rows =
            self.read(async |snapshot| reports::used(snapshot, org, Timestamp::ZERO, up_to).await)?;
        rows.ok_or_else(|| broken("the wallet is not there"))
    }

    fn redeem(&mut self, platform: OrgId, org: OrgId, code: CouponCode) -> Result<Done, Failure> {
        let redeem = join_coupons::redeem(&self.app, platform, org, code, (self.acting, None));
        let redeemed = self.runtime.block_on(redeem).map_err(broken)?;
        let outcome = match redeemed {
            Redeemed::Decided(outcome) => *outcome,
            Redeemed::Refused(refusal) => return Err(Failure::from(refusal)),
            other => return Err(broken(format!("{other:?}"))),
        };
        let Outcome::Decided(decided) = outcome else { return Err(broken("it was repeated")) };
        let app::Answer::Redemption(_, row) = decided? else { return Err(broken("no redemption")) };
        match row.state.refusal() {
            Some(refusal) => Err(Failure::from(refusal)),
            None => Ok(Done::Redeemed(row.state.name().to_owned())),
        }
    }

    fn platform(&self, platform: OrgId) -> Result<Platform, Failure> {
        let row = self.read(async |snapshot| access::platform(snapshot, platform).await)?;
        row.ok_or(Failure::from(Refusal::NotFound { kind: Kind::Platform }))
    }

    fn act(
        &mut self,
        operation: Box<dyn Operation>,
        key: Option<IdempotencyKey>,
    ) -> Result<Done, Failure> {
        let (org, makes) = (operation.org(), operation.makes_organization());
        let command = app::Command { operation, key };
        let outcome = match self.runtime.block_on(self.app.run(command)) {
            Err(AppError::KeyReused) => return Err(Failure::Refused(reused())),
            outcome => outcome.map_err(broken)?,
        };
        let Outcome::Decided(decided) = outcome else { return Err(broken(REPLAYED)) };
        let answer = decided?;
        if let app::Answer::Price(..) = &answer {
            self.runtime.block_on(announce_prices::run(&self.app)).map_err(broken)?;
        }
        if makes {
            self.orgs.push(org);
        }
        let (now, codes) = match &answer {
            app::Answer::Run(..) => (self.now(org)?, self.sku_codes(org)?),
            _ => (Timestamp::ZERO, BTreeMap::new()),
        };
        Ok(done(answer, now, &codes))
    }

    fn invoice(&mut self, org: OrgId, month: Month) -> Result<Done, Failure> {
        let (rows, buyer) = self.read(async |snapshot| {
            let rows = statement::rows(snapshot, org, Timestamp::ZERO, |_| Some(month)).await?;
            Ok((rows, documents::buyer(snapshot, org).await?))
        })?;
        let rows = rows.ok_or_else(|| broken("the wallet is not there"))?;
        let issue = invoice_of(&rows, buyer.unwrap_or_default())?;
        let outcome = self.runtime.block_on(self.app.run(app::Command::new(issue)));
        let Outcome::Decided(decided) = outcome.map_err(broken)? else {
            return Err(broken("replayed"));
        };
        Ok(done(decided?, Timestamp::ZERO, &BTreeMap::new()))
    }

    fn sku_codes(&self, org: OrgId) -> Result<BTreeMap<i64, String>, Failure> {
        let (wallet, _) = self.wallet(org)?;
        self.read(async |snapshot| access::sku_codes(snapshot, wallet.platform).await)
    }
}

impl StoreLayer {
    /// Recomputes the books of this layer.
    ///
    /// Errors: the first lie, as a sentence.
    pub fn verify(&self) -> Result<app::verify::Report, String> {
        let verified = app::verify::run(&self.app.store, |_, _| {});
        self.runtime.block_on(verified).map_err(|lie| lie.to_string())
    }

    /// Where the store lives.
    pub fn url(&self) -> StoreUrl {
        self.place.url()
    }
}

impl Drop for StoreLayer {
    fn drop(&mut self) {
        self.app.close();
    }
}

impl Layer for StoreLayer {
    fn run(&mut self, command: &Command) -> Result<Done, Failure> {
        if let Command::Redeem { platform, org, code } = command {
            return self.redeem(*platform, *org, code.clone());
        }
        if let Command::IssueInvoice { org, month } = command {
            return self.invoice(*org, *month);
        }
        let drawn = self.app.draw_org();
        let hasher = self.app.hasher.clone();
        let operation = operation_of(command, drawn, &|org, source, id| {
            hasher.hash(org.get(), source, id).bits()
        });
        let operation: Box<dyn Operation> = match self.acting {
            Some(member) => Box::new(AsMember { member, operation }),
            None => operation,
        };
        let Some(key) = self.keyed.take() else { return self.act(operation, None) };
        let (org, name, said) = (operation.org(), operation.name(), format!("{command:?}"));
        let before = self.keyed.find(org, name, &key, &said);
        let stored = IdempotencyKey {
            key: format!("{name} {key}"),
            fingerprint: fnv_64(&[said.as_bytes()]).cast_signed(),
            render: web::api::done,
        };
        match (self.act(operation, Some(stored)), before) {
            // What is replayed is a text for the client: it says what was answered before.
            (Err(Failure::Broken(why)), Some(before)) if why == REPLAYED => before,
            (outcome, _) => {
                self.keyed.keep(org, name, key, said, &outcome);
                outcome
            }
        }
    }

    fn set_key(&mut self, key: Option<&str>) {
        self.keyed.set(key);
    }

    fn test_clock(&mut self, platform: OrgId) -> Result<(&'static str, Timestamp), Failure> {
        let row = self.platform(platform)?;
        Ok((row.clock_state(), row.clock.ok_or_else(|| broken("there is no test clock"))?))
    }

    fn price_page(&mut self, platform: OrgId) -> Result<PricePageRow, Failure> {
        let row = self.platform(platform)?;
        let book = self.read(async |snapshot| access::book(snapshot, platform).await)?;
        price_page_row(&row, &book)
    }

    fn history(&mut self, org: OrgId, filter: Filter) -> Result<Vec<LedgerRow>, Failure> {
        let (wallet, _) = self.wallet(org)?;
        let (tip, shows) = (wallet.tip.position, (filter, Reader::Operator));
        let shown =
            self.read(async |snapshot| ledger::walk_shown(snapshot, org, tip, shows, ALL).await)?;
        Ok(shown.rows.iter().rev().map(ledger_row).collect())
    }

    fn act_as(&mut self, member: Option<(OrgId, i64)>) {
        self.acting = member.map(|(_, number)| number);
    }

    fn advance(&mut self, platform: OrgId, to: Timestamp) -> Result<(), Failure> {
        match self.runtime.block_on(advance(&self.app, platform, to)) {
            Ok(_) => Ok(()),
            Err(AdvanceError::Refused(refusal)) => Err(Failure::from(refusal)),
            Err(error) => Err(Failure::Broken(format!("{error:?}"))),
        }
    }

    fn outage(&mut self, platforms: &[OrgId], to: Timestamp) -> Result<(), Failure> {
        self.app = restart(&self.runtime, &self.app, platforms, to)?;
        platforms.iter().try_for_each(|&platform| self.advance(platform, to))
    }

    fn balance(&mut self, org: OrgId) -> Result<BalanceRow, Failure> {
        let (wallet, platform) = self.wallet(org)?;
        let now = platform.clock.unwrap_or(wallet.now);
        Ok(BalanceRow::from(wallet.balance(platform.profiles.at(now), now)))
    }

    fn ledger(&mut self, org: OrgId) -> Result<Vec<LedgerRow>, Failure> {
        Ok(self.journal(org)?.iter().map(ledger_row).collect())
    }

    fn projection(&mut self, org: OrgId) -> Result<ProjectionRow, Failure> {
        let ((wallet, platform), now) = (self.wallet(org)?, self.now(org)?);
        let rows = self.read(async |snapshot| month::rows(snapshot, &wallet, now).await)?;
        let book = self.read(async |snapshot| access::book(snapshot, wallet.platform).await)?;
        let pricing = Pricing { wallet: &wallet, profiles: &platform.profiles, book: &book };
        let projection = Projection::of(pricing, rows.runs.iter(), rows.journal.iter(), now);
        let resources = (rows.resources_this_month, rows.resources_in_all);
        Ok(ProjectionRow::of(&projection, resources, wallet.running_count))
    }

    fn preview(&mut self, org: OrgId, rule: TopUpRule) -> Result<Preview, Failure> {
        let (wallet, platform) = self.wallet(org)?;
        let now = platform.clock.unwrap_or(wallet.now);
        preview_of(&wallet, platform.profiles.at(now), rule, now)
    }

    fn prices(&mut self, org: OrgId) -> Result<Vec<PriceRow>, Failure> {
        let (wallet, platform) = self.wallet(org)?;
        let book = self.read(async |snapshot| access::book(snapshot, wallet.platform).await)?;
        let now = self.now(org)?;
        Ok(price_rows(&book, &wallet, platform.profiles.at(now), now))
    }

    fn deposits(&mut self, org: OrgId) -> Result<Vec<DepositRow>, Failure> {
        let mut rows =
            self.read(async |snapshot| lists::deposits(snapshot, org, i64::MAX, ALL).await)?;
        rows.reverse();
        let payers = rows.iter().filter_map(|row| row.member).collect();
        let names =
            self.read(async |snapshot| access::member_names(snapshot, org, payers).await)?;
        let row = |row: &Deposit| DepositRow {
            paid_by: row.member.and_then(|member| names.get(&member)).cloned(),
            ..deposit_row(row)
        };
        Ok(rows.iter().map(row).collect())
    }

    fn limits(&mut self, org: OrgId) -> Result<Vec<LimitRow>, Failure> {
        let (now, (wallet, _)) = (self.now(org)?, self.wallet(org)?);
        let mut rows =
            self.read(async |snapshot| lists::limits(snapshot, org, i64::MAX, ALL).await)?;
        rows.retain(|row| row.removed_at.is_none());
        rows.iter_mut().for_each(|row| row.begin_window(&wallet.zone, now));
        Ok(rows.iter().rev().map(|row| LimitRow::at(row, now)).collect())
    }

    fn members(&mut self, org: OrgId) -> Result<Vec<MemberRow>, Failure> {
        let mut rows =
            self.read(async |snapshot| lists::members(snapshot, org, i64::MAX, ALL).await)?;
        rows.reverse();
        let numbers = rows.iter().map(|row| row.number).collect();
        let names =
            self.read(async |snapshot| access::member_names(snapshot, org, numbers).await)?;
        Ok(rows.iter().map(|row| member_row(row, names.get(&row.number).cloned())).collect())
    }

    fn arrivals(&mut self, org: OrgId) -> Result<Vec<ArrivalRow>, Failure> {
        let rows =
            self.read(async |snapshot| lists::arrivals(snapshot, org, i64::MAX, ALL).await)?;
        Ok(rows.iter().rev().map(arrival_row).collect())
    }

    fn refunds(&mut self, org: OrgId) -> Result<Vec<RefundRow>, Failure> {
        let mut rows =
            self.read(async |snapshot| lists::refunds(snapshot, org, i64::MAX, ALL).await)?;
        rows.reverse();
        Ok(rows.iter().map(refund_row).collect())
    }

    fn disputes(&mut self, org: OrgId) -> Result<Vec<DisputeRow>, Failure> {
        let mut rows =
            self.read(async |snapshot| lists::disputes(snapshot, org, i64::MAX, ALL).await)?;
        rows.reverse();
        Ok(rows.iter().map(dispute_row).collect())
    }

    fn grants(&mut self, org: OrgId) -> Result<Vec<GrantRow>, Failure> {
        let (wallet, _) = self.wallet(org)?;
        let mut rows =
            self.read(async |snapshot| lists::grants(snapshot, org, i64::MAX, ALL).await)?;
        rows.reverse();
        Ok(rows.iter().map(|grant| GrantRow::of(grant, &wallet)).collect())
    }

    fn coupons(&mut self, platform: OrgId) -> Result<Vec<CouponRow>, Failure> {
        let mut rows =
            self.read(async |snapshot| lists::coupons(snapshot, platform, i64::MAX, ALL).await)?;
        rows.reverse();
        Ok(rows.iter().map(CouponRow::from).collect())
    }

    fn holds(&mut self, org: OrgId) -> Result<Vec<HoldRow>, Failure> {
        let mut rows =
            self.read(async |snapshot| lists::holds(snapshot, org, i64::MAX, ALL).await)?;
        rows.reverse();
        Ok(rows.iter().map(hold_row).collect())
    }

    fn runs(&mut self, org: OrgId) -> Result<Vec<RunRow>, Failure> {
        let (now, codes) = (self.now(org)?, self.sku_codes(org)?);
        let mut rows =
            self.read(async |snapshot| lists::runs(snapshot, org, i64::MAX, ALL).await)?;
        rows.reverse();
        Ok(rows.iter().map(|run| run_row(run, now, &codes)).collect())
    }

    fn resources(&mut self, org: OrgId) -> Result<Vec<ResourceRow>, Failure> {
        let codes = self.sku_codes(org)?;
        let mut rows =
            self.read(async |snapshot| lists::resources(snapshot, org, i64::MAX, ALL).await)?;
        rows.reverse();
        Ok(rows.iter().map(|row| resource_row(row, &codes)).collect())
    }

    fn events(&mut self, org: OrgId) -> Result<Vec<EventRow>, Failure> {
        let rows = self.read(async |snapshot| lists::events(snapshot, org, 0, None, ALL).await)?;
        let row = |event: &lists::ToldEvent| {
            let fields = fields::parse(&event.body).map_err(broken)?;
            Ok(EventRow {
                number: event.number,
                kind: event.kind.name().to_owned(),
                at: event.at,
                is_mailed: event.kind.is_mailed() && !says_not_mailed(&fields),
                fields,
            })
        };
        rows.iter().map(row).collect()
    }

    fn costs(&mut self, org: OrgId, by: &[Dimension], days: i64) -> Result<CostReport, Failure> {
        Ok(grouped(&self.used(org, days)?, by))
    }

    fn dearest(&mut self, org: OrgId, days: i64, idle: IdleCost) -> Result<Vec<Request>, Failure> {
        Ok(dearest_of(&self.used(org, days)?, idle, DEAREST_ROWS))
    }

    fn uses(&mut self, org: OrgId, days: i64, idle: IdleCost) -> Result<Vec<UseRow>, Failure> {
        let codes = self.sku_codes(org)?;
        let rows = uses_of(&self.used(org, days)?, idle);
        Ok(rows.iter().map(|row| UseRow::of(row, &codes)).collect())
    }

    fn suggestions(&mut self, org: OrgId, days: i64) -> Result<Vec<SuggestionRow>, Failure> {
        let codes = self.sku_codes(org)?;
        let rows = suggestions_of(&self.used(org, days)?);
        Ok(rows.iter().map(|row| SuggestionRow::of(row, &codes)).collect())
    }

    fn week(&mut self, org: OrgId, resource: i64, days: i64) -> Result<Week, Failure> {
        Ok(week_of(&self.used(org, days)?, resource))
    }

    fn statement(&mut self, org: OrgId, month: Month) -> Result<StatementRow, Failure> {
        let rows = self.read(async |snapshot| {
            statement::rows(snapshot, org, Timestamp::ZERO, |_| Some(month)).await
        })?;
        let rows = rows.ok_or_else(|| broken("the wallet is not there"))?;
        Ok(StatementRow::of(&rows.statement(), rows.profile().bill_rounding))
    }

    fn issue_documents(&mut self) -> Result<(), Failure> {
        self.runtime.block_on(issue_documents::run(&self.app)).map(|_| ()).map_err(broken)
    }

    fn documents(&mut self, org: OrgId) -> Result<Vec<DocumentRow>, Failure> {
        let (wallet, _) = self.wallet(org)?;
        let mut all = self.read(async |snapshot| {
            documents::list(snapshot, wallet.platform, None, i64::MAX, ALL).await
        })?;
        all.reverse();
        let of_customer = all.iter().filter(|document| document.customer == org);
        Ok(of_customer.map(|document| DocumentRow::of(document, &all)).collect())
    }

    fn roll_forward(&mut self, platform: OrgId, month: Month) -> Result<RollForward, Failure> {
        let rolled =
            self.read(async |snapshot| Ok(reports::roll_forward(snapshot, platform, month).await))?;
        rolled.map_err(|error| broken(format!("{error:?}")))
    }

    fn dormant(&mut self, platform: OrgId, days: i64) -> Result<Vec<(OrgId, Dormant)>, Failure> {
        let now = self.platform(platform)?.clock.unwrap_or(Timestamp::ZERO);
        let (rows, _) = self.read(async |snapshot| {
            let above = OrgId::from_stored(-1);
            operator::dormant_page(snapshot, platform, (days, now), above, usize::MAX).await
        })?;
        Ok(rows.into_iter().map(|row| (row.org, row.dormant)).collect())
    }

    fn operator_report(
        &mut self,
        platform: OrgId,
        report: Report,
        since: Month,
    ) -> Result<Vec<Line>, Failure> {
        let now = self.platform(platform)?.clock.unwrap_or(Timestamp::ZERO);
        let lines = self.read(async |snapshot| {
            Ok(operator::report(snapshot, platform, report, (since, now)).await)
        })?;
        lines.map_err(|error| broken(format!("{error:?}")))
    }

    fn books(&mut self) -> Result<Vec<(String, Amount)>, Failure> {
        let mut sums = BTreeMap::<String, Amount>::new();
        for org in self.orgs.clone() {
            let grants =
                self.read(async |snapshot| lists::grants(snapshot, org, i64::MAX, ALL).await)?;
            let kinds: BTreeMap<i64, GrantKind> =
                grants.iter().map(|grant| (grant.number, grant.kind)).collect();
            for row in self.journal(org)? {
                let kind_of = |grant| kinds.get(&grant).copied().unwrap_or(GrantKind::Purchased);
                for entry in chart::entries(&row, kind_of) {
                    let sum = sums.entry(entry.account.name().to_owned()).or_default();
                    *sum = sum.plus(entry.credit);
                }
            }
        }
        Ok(sums.into_iter().collect())
    }
}
