//! The layer without a store: the product's own operations over one workset that is never flushed.

use std::collections::BTreeMap;

use app::jobs::issue_documents::{documents_of, invoice_of};
use app::operation::{Answer, AsMember, Operation};
use app::operations::announce_price::AnnouncePrice;
use app::operations::check_permission::CheckPermission;
use app::operations::conclude_claim::ConcludeClaim;
use app::operations::conclude_documents::ConcludeDocuments;
use app::operations::move_clock::MoveClock;
use app::operations::redeem_coupon::RedeemCoupon;
use app::operations::wake_wallet::WakeWallet;
use domain::attribution::IdleCost;
use domain::coupon::CouponCode;
use domain::deposit::Deposit;
use domain::document::{About, Document, Documented, Paid, Party};
use domain::dormancy::Dormant;
use domain::grant::GrantKind;
use domain::history::Filter;
use domain::hours::{Week, week};
use domain::label::Labels;
use domain::ledger::LedgerTransaction;
use domain::limit::Limit;
use domain::member::Permission;
use domain::operator_report::{Line, Report};
use domain::price::{AppliesTo, Price, PriceBook};
use domain::profile::ModelCharge;
use domain::projection::Projection;
use domain::report::{CostReport, Days, Dimension, Request, Used};
use domain::reprice::Pricing;
use domain::roll_forward::{Month, RollForward};
use domain::run::Run;
use domain::statement::{Posted, Statement, billed_at};
use domain::suggestion::suggestions;
use domain::tax::Tax;
use domain::top_up::Preview;
use domain::{Amount, Kind, OrgId, Refusal, Timestamp, Workset, attribution, chart, report};
use store::read::documents::Due;
use store::read::statement::StatementRows;

use crate::scenario::layer::{
    ArrivalRow, BalanceRow, Command, CouponRow, DepositRow, DisputeRow, DocumentRow, Done,
    EventRow, Failure, GrantRow, HoldRow, Keyed, Layer, LedgerRow, LimitRow, MemberRow,
    PricePageRow, PriceRow, ProjectionRow, RefundRow, ResourceRow, RunRow, StatementRow,
    SuggestionRow, TopUpRule, UseRow,
};
use operations::{claim, hash_of, operation_of};
use rows::{
    arrival_row, deposit_row, dispute_row, done, event_row, hold_row, ledger_row, member_row,
    preview_of, price_page_row, price_rows, refund_row, resource_row, run_row,
};

pub(super) mod operations;
mod operator;
pub(super) mod rows;

/// Rows of a list of the dearest requests.
pub(super) const DEAREST_ROWS: usize = 5;

/// One workset, and the organizations in the order in which they were made.
#[derive(Default)]
pub struct DomainLayer {
    ws: Workset,
    orgs: Vec<OrgId>,
    keyed: Keyed,
    /// The member who asks.
    acting: Option<i64>,
}

/// Ids are as good as random and the same in every run.
fn spread(counter: u64) -> u64 {
    let mixed = counter.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// FNV-1a over 64 bits: stands in for the keyed hash that a store keeps, where nobody attacks.
pub(super) fn fnv_64(parts: &[&[u8]]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut take = |byte: u8| hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    for part in parts {
        part.iter().copied().for_each(&mut take);
        take(0xff);
    }
    hash
}

impl DomainLayer {
    /// Organizations in the order in which they were made.
    pub fn orgs(&self) -> &[OrgId] {
        &self.orgs
    }

    /// Those that live on a platform.
    pub fn organizations_of(&self, platform: OrgId) -> Vec<OrgId> {
        let lives = |org: &&OrgId| self.ws.wallet(**org).is_ok_and(|it| it.platform == platform);
        self.orgs.iter().filter(lives).copied().collect()
    }

    fn draw_org(&self) -> OrgId {
        let random = spread(u64::try_from(self.orgs.len()).unwrap_or(0));
        OrgId::new(i64::try_from(random & 1023).unwrap_or(0), random)
    }

    /// The present instant for `org`: its platform's test clock.
    pub fn now(&self, org: OrgId) -> Timestamp {
        let platform = self.ws.wallet(org).map_or(org, |wallet| wallet.platform);
        let clock = self.ws.platform(platform).ok().and_then(|platform| platform.clock);
        clock.unwrap_or(Timestamp::ZERO)
    }

    fn decide(&mut self, operation: &dyn Operation) -> Result<Answer, Failure> {
        let now = self.now(operation.org());
        let name = operation.name();
        match operation.decide(&mut self.ws, now) {
            Ok(answer) => {
                let asked = self.ws.take_requests_of_command();
                self.ws.keep_command();
                if let Some(request) = asked.first() {
                    let message = format!("{name} left {request:?} unanswered on a test clock");
                    return Err(Failure::Broken(message));
                }
                Ok(answer)
            }
            Err(refusal) => {
                self.ws.undo_command();
                Err(Failure::from(refusal))
            }
        }
    }

    fn act(&mut self, operation: &dyn Operation) -> Result<Done, Failure> {
        let org = operation.org();
        let answer = self.decide(operation)?;
        if operation.makes_organization() {
            self.orgs.push(org);
        }
        if let Answer::Price(platform, price) = &answer {
            self.announce(*platform, price)?;
        }
        Ok(done(answer, self.now(org), &self.sku_codes(org)))
    }

    /// The steps of `app::jobs::join_coupons`, one after the other.
    fn redeem(&mut self, platform: OrgId, org: OrgId, code: CouponCode) -> Result<Done, Failure> {
        if let Some(member) = self.acting {
            let operation =
                Box::new(CheckPermission { org, permission: Permission::RedeemCoupons });
            self.decide(&AsMember { member, operation })?;
        }
        let claim = self.decide(&claim(platform, org, code))?;
        let Answer::Claim(claim, coupon) = claim else { return Err(unexpected("a claim")) };
        let redeemed = self.decide(&RedeemCoupon { org, coupon })?;
        let Answer::Redemption(_, row) = redeemed else { return Err(unexpected("a redemption")) };
        let (claim, outcome) = (claim.number, row.state);
        self.decide(&ConcludeClaim { platform, claim, outcome })?;
        match row.state.refusal() {
            Some(refusal) => Err(Failure::from(refusal)),
            None => Ok(Done::Redeemed(row.state.name().to_owned())),
        }
    }

    /// What `app::jobs::announce_prices` does.
    fn announce(&mut self, platform: OrgId, price: &Price) -> Result<(), Failure> {
        if price.applies_to == AppliesTo::NewRuns {
            return Ok(());
        }
        for org in self.organizations_of(platform) {
            let (from, now) = (price.effective_from, self.now(org));
            let is_untold = |run: &Run| {
                let began = run.is_open() && run.sku == price.sku && run.started_at < from;
                began && run.reprices_at > from.max(now)
            };
            if self.ws.runs.of(org).any(|(_, run)| is_untold(run)) {
                self.decide(&AnnouncePrice { org, price: price.clone() })?;
            }
        }
        Ok(())
    }

    /// What documents name of an organization as the buyer.
    fn buyer(&self, org: OrgId) -> Result<Party, Failure> {
        let name = &self.ws.organizations.find(Kind::Organization, org, 0)?.name;
        Ok(self.ws.parties.get(org, 0).cloned().unwrap_or_default().or_named(name))
    }

    fn payer(&self, org: OrgId, deposit: &Deposit) -> String {
        let name = deposit.member.and_then(|member| self.ws.member_names.get(org, member));
        name.map(|name| name.0.clone()).unwrap_or_default()
    }

    fn invoice(&mut self, org: OrgId, month: Month) -> Result<Done, Failure> {
        let wallet = self.ws.wallet(org)?.clone();
        let rows = StatementRows {
            platform: self.ws.platform(wallet.platform)?.clone(),
            book: (*self.ws.book(wallet.platform).cloned().unwrap_or_default()).clone(),
            now: self.now(org),
            month,
            journal: self.journal(org),
            runs: self.ws.runs.of(org).map(|(_, run)| run.clone()).collect(),
            is_cut: false,
            wallet,
        };
        let answer = self.decide(&invoice_of(&rows, self.buyer(org)?)?)?;
        Ok(done(answer, self.now(org), &self.sku_codes(org)))
    }

    /// The steps of `app::jobs::issue_documents`, one after the other.
    fn document(&mut self, mut all: Vec<Due>) -> Result<(), Failure> {
        all.sort_by_key(|due| due.at);
        for due in all {
            let mut documents = Vec::new();
            for issue in documents_of(&due) {
                if let Answer::Document(_, document) = self.decide(&issue)? {
                    documents.push(document);
                }
            }
            self.decide(&ConcludeDocuments { org: due.org, about: due.about, documents })?;
        }
        Ok(())
    }

    fn due(
        &self,
        org: OrgId,
        (about, corrects): (About, Option<About>),
        (at, paid): (Timestamp, Paid),
        (net, tax): (Amount, Tax),
    ) -> Result<Due, Failure> {
        let platform = self.ws.wallet(org)?.platform;
        let (setting, buyer) = (self.ws.profile_at(org, at)?.documents, self.buyer(org)?);
        Ok(Due { org, platform, setting, about, corrects, at, buyer, paid, net, tax })
    }

    fn sku_codes(&self, org: OrgId) -> BTreeMap<i64, String> {
        let platform = self.ws.wallet(org).map_or(org, |wallet| wallet.platform);
        let skus = self.ws.book(platform).into_iter().flat_map(|book| book.skus());
        skus.map(|sku| (sku.number, sku.code.clone())).collect()
    }

    fn journal(&self, org: OrgId) -> Vec<LedgerTransaction> {
        let rows = self.ws.journal().iter().map(|row| &**row);
        rows.filter(|row: &&LedgerTransaction| row.org == org).cloned().collect()
    }

    /// Looks at what `org` used in the last `days` days.
    fn with_used<T>(
        &self,
        org: OrgId,
        days: i64,
        look: impl FnOnce(&Used<'_>, Days) -> T,
    ) -> Result<T, Failure> {
        let (wallet, now) = (self.ws.wallet(org)?, self.now(org));
        let days = Days::up_to(now, days);
        let days = days.ok_or_else(|| Failure::Broken("too many days".to_string()))?;
        let journal = self.journal(org);
        let runs: Vec<Run> = self.ws.runs.of(org).map(|(_, run)| run.clone()).collect();
        let labels = self.ws.resources.of(org).map(|(number, row)| (number, row.labels.clone()));
        let labels: BTreeMap<i64, Labels> = labels.collect();
        let sets = self.ws.label_sets.of(org).map(|(_, set)| (set.number, set.labels.clone()));
        let label_sets: BTreeMap<i64, Labels> = sets.collect();
        let none = PriceBook::default();
        let used = Used {
            journal: &journal,
            runs: &runs,
            labels: &labels,
            label_sets: &label_sets,
            book: self.ws.book(wallet.platform).map_or(&none, |book| &**book),
            meters: &wallet.meters,
            settled_until: wallet.settled_until,
            now,
        };
        Ok(look(&used, days))
    }

    fn kind_of(&self, org: OrgId, grant: i64) -> GrantKind {
        self.ws.grants.get(org, grant).map_or(GrantKind::Purchased, |grant| grant.kind)
    }
}

impl Layer for DomainLayer {
    fn run(&mut self, command: &Command) -> Result<Done, Failure> {
        if let Command::Redeem { platform, org, code } = command {
            return self.redeem(*platform, *org, code.clone());
        }
        if let Command::IssueInvoice { org, month } = command {
            return self.invoice(*org, *month);
        }
        let drawn = self.draw_org();
        let operation = operation_of(command, drawn, &hash_of);
        let operation: Box<dyn Operation> = match self.acting {
            Some(member) => Box::new(AsMember { member, operation }),
            None => operation,
        };
        let Some(key) = self.keyed.take() else { return self.act(operation.as_ref()) };
        let (org, name, said) = (operation.org(), operation.name(), format!("{command:?}"));
        if let Some(before) = self.keyed.find(org, name, &key, &said) {
            return before;
        }
        let outcome = self.act(operation.as_ref());
        self.keyed.keep(org, name, key, said, &outcome);
        outcome
    }

    fn set_key(&mut self, key: Option<&str>) {
        self.keyed.set(key);
    }

    fn test_clock(&mut self, platform: OrgId) -> Result<(&'static str, Timestamp), Failure> {
        let row = self.ws.platform(platform)?;
        Ok((row.clock_state(), row.clock.ok_or(Refusal::NoTestClock)?))
    }

    fn price_page(&mut self, platform: OrgId) -> Result<PricePageRow, Failure> {
        let book = self.ws.book(platform).cloned().unwrap_or_default();
        price_page_row(self.ws.platform(platform)?, &book)
    }

    fn history(&mut self, org: OrgId, filter: Filter) -> Result<Vec<LedgerRow>, Failure> {
        let journal = self.ws.journal().iter().filter(|row| row.org == org);
        Ok(journal.filter(|row| filter.shows(row.kind)).map(|row| ledger_row(row)).collect())
    }

    fn act_as(&mut self, member: Option<(OrgId, i64)>) {
        self.acting = member.map(|(_, number)| number);
    }

    fn advance(&mut self, platform: OrgId, to: Timestamp) -> Result<(), Failure> {
        self.decide(&MoveClock { platform, to, is_arrival: false })?;
        for org in self.orgs.clone() {
            if self.ws.wallet(org)?.platform == platform {
                self.decide(&WakeWallet { org, until: Some(to) })?;
            }
        }
        self.decide(&MoveClock { platform, to, is_arrival: true })?;
        Ok(())
    }

    fn outage(&mut self, platforms: &[OrgId], to: Timestamp) -> Result<(), Failure> {
        for &platform in platforms {
            self.decide(&MoveClock { platform, to, is_arrival: true })?;
            self.advance(platform, to)?;
        }
        Ok(())
    }

    fn balance(&mut self, org: OrgId) -> Result<BalanceRow, Failure> {
        let (wallet, now) = (self.ws.wallet(org)?, self.now(org));
        let profile = self.ws.platform(wallet.platform)?.profiles.at(now);
        let balance = wallet.balance(profile, now);
        Ok(BalanceRow::from(balance))
    }

    fn projection(&mut self, org: OrgId) -> Result<ProjectionRow, Failure> {
        let (wallet, now) = (self.ws.wallet(org)?, self.now(org));
        let runs = self.ws.runs.of(org).map(|(_, run)| run);
        let rows = self.ws.journal().iter().map(AsRef::as_ref).filter(|row| row.org == org);
        let none = PriceBook::default();
        let book = self.ws.book(wallet.platform).map_or(&none, |book| &**book);
        let profiles = &self.ws.platform(wallet.platform)?.profiles;
        let pricing = Pricing { wallet, profiles, book };
        let projection = Projection::of(pricing, runs, rows, now);
        let made = self.ws.resources.of(org).map(|(_, resource)| resource.created_at);
        let made: Vec<i64> = made.map(|at| i64::from(at >= projection.month.start)).collect();
        let in_all = i64::try_from(made.len()).unwrap_or(i64::MAX);
        Ok(ProjectionRow::of(&projection, (made.iter().sum(), in_all), wallet.running_count))
    }

    fn preview(&mut self, org: OrgId, rule: TopUpRule) -> Result<Preview, Failure> {
        let now = self.now(org);
        let profile = self.ws.profile_at(org, now)?;
        preview_of(self.ws.wallet(org)?, &profile, rule, now)
    }

    fn prices(&mut self, org: OrgId) -> Result<Vec<PriceRow>, Failure> {
        let (wallet, now) = (self.ws.wallet(org)?, self.now(org));
        let profile = self.ws.platform(wallet.platform)?.profiles.at(now);
        let book = self.ws.book(wallet.platform).cloned().unwrap_or_default();
        Ok(price_rows(&book, wallet, profile, now))
    }

    fn ledger(&mut self, org: OrgId) -> Result<Vec<LedgerRow>, Failure> {
        Ok(self
            .ws
            .journal()
            .iter()
            .filter(|row| row.org == org)
            .map(|row| ledger_row(row))
            .collect())
    }

    fn deposits(&mut self, org: OrgId) -> Result<Vec<DepositRow>, Failure> {
        let name = |member| self.ws.member_names.get(org, member).map(|name| name.0.clone());
        let row =
            |row: &Deposit| DepositRow { paid_by: row.member.and_then(name), ..deposit_row(row) };
        Ok(self.ws.deposits.of(org).map(|(_, deposit)| row(deposit)).collect())
    }

    fn limits(&mut self, org: OrgId) -> Result<Vec<LimitRow>, Failure> {
        let (now, zone) = (self.now(org), self.ws.wallet(org)?.zone.clone());
        let limits = self.ws.limits.of(org).map(|(_, limit)| limit);
        let row = |limit: &Limit| {
            let mut limit = limit.clone();
            limit.begin_window(&zone, now);
            LimitRow::at(&limit, now)
        };
        Ok(limits.filter(|limit| limit.removed_at.is_none()).map(row).collect())
    }

    fn members(&mut self, org: OrgId) -> Result<Vec<MemberRow>, Failure> {
        let name = |member| self.ws.member_names.get(org, member).map(|name| name.0.clone());
        let members = self.ws.members.of(org);
        Ok(members.map(|(number, row)| member_row(row, name(number))).collect())
    }

    fn arrivals(&mut self, org: OrgId) -> Result<Vec<ArrivalRow>, Failure> {
        Ok(self.ws.arrivals.of(org).map(|(_, row)| arrival_row(row)).collect())
    }

    fn refunds(&mut self, org: OrgId) -> Result<Vec<RefundRow>, Failure> {
        Ok(self.ws.refunds.of(org).map(|(_, row)| refund_row(row)).collect())
    }

    fn disputes(&mut self, org: OrgId) -> Result<Vec<DisputeRow>, Failure> {
        Ok(self.ws.disputes.of(org).map(|(_, row)| dispute_row(row)).collect())
    }

    fn grants(&mut self, org: OrgId) -> Result<Vec<GrantRow>, Failure> {
        let wallet = self.ws.wallet(org)?;
        Ok(self.ws.grants.of(org).map(|(_, grant)| GrantRow::of(grant, wallet)).collect())
    }

    fn coupons(&mut self, platform: OrgId) -> Result<Vec<CouponRow>, Failure> {
        Ok(self.ws.coupons.of(platform).map(|(_, row)| CouponRow::from(row)).collect())
    }

    fn holds(&mut self, org: OrgId) -> Result<Vec<HoldRow>, Failure> {
        Ok(self.ws.holds.of(org).map(|(_, row)| hold_row(row)).collect())
    }

    fn runs(&mut self, org: OrgId) -> Result<Vec<RunRow>, Failure> {
        let (now, codes) = (self.now(org), self.sku_codes(org));
        Ok(self.ws.runs.of(org).map(|(_, row)| run_row(row, now, &codes)).collect())
    }

    fn resources(&mut self, org: OrgId) -> Result<Vec<ResourceRow>, Failure> {
        let codes = self.sku_codes(org);
        Ok(self.ws.resources.of(org).map(|(_, row)| resource_row(row, &codes)).collect())
    }

    fn events(&mut self, org: OrgId) -> Result<Vec<EventRow>, Failure> {
        Ok(self.ws.events().iter().filter(|event| event.org == org).map(event_row).collect())
    }

    fn costs(&mut self, org: OrgId, by: &[Dimension], days: i64) -> Result<CostReport, Failure> {
        self.with_used(org, days, |used, days| report::costs(used, days, by))
    }

    fn dearest(&mut self, org: OrgId, days: i64, idle: IdleCost) -> Result<Vec<Request>, Failure> {
        let profile = self.ws.profile_at(org, self.now(org))?;
        let is_attributed = profile.model_charge == ModelCharge::Attributed;
        let attributed = is_attributed.then_some(idle);
        let look = |used: &Used<'_>, days| report::dearest(used, days, attributed, DEAREST_ROWS);
        self.with_used(org, days, look)
    }

    fn uses(&mut self, org: OrgId, days: i64, idle: IdleCost) -> Result<Vec<UseRow>, Failure> {
        let codes = self.sku_codes(org);
        let rows = self.with_used(org, days, |used, days| attribution::uses(used, days, idle))?;
        Ok(rows.iter().map(|row| UseRow::of(row, &codes)).collect())
    }

    fn suggestions(&mut self, org: OrgId, days: i64) -> Result<Vec<SuggestionRow>, Failure> {
        let (codes, now) = (self.sku_codes(org), self.now(org));
        let (wallet, profile) = (self.ws.wallet(org)?, self.ws.profile_at(org, now)?);
        let discount_bps = |sku| wallet.discount_bps(&profile, sku, now, now);
        let look = |used: &Used<'_>, days| suggestions(used, days, &wallet.zone, discount_bps);
        let rows = self.with_used(org, days, look)?;
        Ok(rows.iter().map(|row| SuggestionRow::of(row, &codes)).collect())
    }

    fn week(&mut self, org: OrgId, resource: i64, days: i64) -> Result<Week, Failure> {
        let zone = &self.ws.wallet(org)?.zone;
        self.with_used(org, days, |used, days| week(used, days, resource, zone))
    }

    fn statement(&mut self, org: OrgId, month: Month) -> Result<StatementRow, Failure> {
        let wallet = self.ws.wallet(org)?;
        let profile = self.ws.profile_at(org, billed_at(month, self.now(org)))?;
        let runs: Vec<Run> = self.ws.runs.of(org).map(|(_, run)| run.clone()).collect();
        let book = self.ws.book(wallet.platform).cloned().unwrap_or_default();
        let (journal, posted) = (self.journal(org), wallet.posted());
        let rows = Posted { journal: &journal, runs: &runs, book: &book, posted };
        Ok(StatementRow::of(&Statement::of(month, rows), profile.bill_rounding))
    }

    fn issue_documents(&mut self) -> Result<(), Failure> {
        let mut all = Vec::new();
        for (org, number, it) in self.ws.deposits.iter() {
            if it.documented == Documented::Due {
                let paid = Paid { by: self.payer(org, it), conversion: it.conversion.clone() };
                let said = (it.decided_at.unwrap_or(it.created_at), paid);
                let about = (About::Deposit(number), None);
                all.push(self.due(org, about, said, (it.amount, it.tax))?);
            }
        }
        self.document(all)?;
        let mut all = Vec::new();
        for (org, number, it) in self.ws.refunds.iter() {
            if it.documented == Documented::Due {
                let deposit = self.ws.deposits.find(Kind::Deposit, org, it.deposit)?;
                let paid = Paid { by: self.payer(org, deposit), conversion: None };
                let said = (it.decided_at.unwrap_or(it.created_at), paid);
                let about = (About::Refund(number), Some(About::Deposit(it.deposit)));
                all.push(self.due(org, about, said, (it.amount, it.tax))?);
            }
        }
        self.document(all)
    }

    fn documents(&mut self, org: OrgId) -> Result<Vec<DocumentRow>, Failure> {
        let platform = self.ws.wallet(org)?.platform;
        let all: Vec<Document> =
            self.ws.documents.of(platform).map(|(_, document)| document.clone()).collect();
        let of_customer = all.iter().filter(|document| document.customer == org);
        Ok(of_customer.map(|document| DocumentRow::of(document, &all)).collect())
    }

    fn roll_forward(&mut self, platform: OrgId, month: Month) -> Result<RollForward, Failure> {
        let mut rolled = RollForward::new(month);
        for &org in &self.orgs {
            let wallet = self.ws.wallet(org)?;
            if wallet.platform != platform {
                continue;
            }
            let journal = self.journal(org);
            let added = rolled.add(&wallet.grants, &journal, |grant| self.kind_of(org, grant));
            added.ok_or_else(|| Failure::Broken("a sum is beyond the range".to_string()))?;
        }
        Ok(rolled)
    }

    fn dormant(&mut self, platform: OrgId, days: i64) -> Result<Vec<(OrgId, Dormant)>, Failure> {
        self.silent(platform, days)
    }

    fn operator_report(
        &mut self,
        platform: OrgId,
        report: Report,
        since: Month,
    ) -> Result<Vec<Line>, Failure> {
        self.lines_of(platform, report, since)
    }

    fn books(&mut self) -> Result<Vec<(String, Amount)>, Failure> {
        let mut sums = BTreeMap::<String, Amount>::new();
        for row in self.ws.journal() {
            for entry in chart::entries(row, |grant| self.kind_of(row.org, grant)) {
                let sum = sums.entry(entry.account.name().to_string()).or_default();
                *sum = sum.plus(entry.credit);
            }
        }
        Ok(sums.into_iter().collect())
    }
}

fn unexpected(what: &str) -> Failure {
    Failure::Broken(format!("expected {what}"))
}
