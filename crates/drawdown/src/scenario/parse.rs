//! The grammar: one command per line, in the words of the glossary.
//!
//! A line is `command [-> expected]`, followed by any number of indented lines that state more of
//! what is expected. `#` begins a comment. `scenarios/README.md` says the same to people.

use std::collections::BTreeMap;

use app::operations::give_grant::Given;
use domain::calendar::Zone;
use domain::coupon::{BonusSlabs, CouponCode, CouponGift};
use domain::deposit::Behaviour;
use domain::discount::bps_of_percent;
use domain::dispute::DisputeState;
use domain::price::TIME_DIMENSION;
use domain::report::{DAYS_MAX, Dimension};
use domain::roll_forward::Month;
use domain::run::{ResourceClass, Rest};
use domain::{Amount, Timestamp};

use crate::scenario::layer::RailAnswer;
use crate::scenario::when::{When, duration, unit_seconds, when};
use crate::scenario::words::{ParseError, Words};

/// One command and what it is expected to print.
#[derive(Clone, Debug)]
pub struct Step {
    /// The line of the command, counted from 1.
    pub line: usize,
    /// The command as it was written.
    pub text: String,
    pub says: Says,
    /// What it must print, with runs of spaces made one; nothing, when the text does not say.
    pub expected: Option<Vec<String>>,
}

/// What one dimension costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceOf {
    pub dimension: String,
    pub amount: Amount,
    pub per_units: i64,
}

/// A part of a balance that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Posted,
    Accrued,
    Held,
    Available,
    Shown,
}

impl Part {
    pub const ALL: [Part; 5] =
        [Part::Posted, Part::Accrued, Part::Held, Part::Available, Part::Shown];

    pub const fn name(self) -> &'static str {
        match self {
            Part::Posted => "posted",
            Part::Accrued => "accrued",
            Part::Held => "held",
            Part::Available => "available",
            Part::Shown => "shown",
        }
    }
}

/// Lists that are asked for by wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Journal lines since last asked, settlements period by period.
    Ledger,
    /// Journal lines since last asked, one per ledger transaction.
    Spans,
    Prices,
    Deposits,
    Refunds,
    Disputes,
    Grants,
    Holds,
    Runs,
    Resources,
    Runway,
    Projection,
    Mails,
    Events,
}

/// How a deposit goes when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing is heard of it yet.
    Pending,
    Answered(RailAnswer),
    /// The rail confirms it twice.
    Twice,
}

/// How a refund comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundBy {
    /// It is asked for here, and the rail answers at once.
    Us,
    /// It is asked for here, and settled later.
    UsPending,
    /// A customer asks for it, and the rail answers at once.
    Customer,
    /// It was made at the provider.
    Provider,
}

/// What a line says.
#[derive(Clone, Debug)]
pub enum Says {
    Clock(Timestamp),
    Platform { profile: String, settings: String },
    Sku { code: String, class: ResourceClass, prices: Vec<PriceOf> },
    Price { code: String, price: PriceOf, from: Option<When> },
    Wallet { name: String, zone: Zone },
    Discount(Assign),
    Deposit { name: String, wallet: String, amount: Amount, fate: Fate },
    Dispute { name: String, deposit: String, state: DisputeState, withdrawn: Amount },
    Reverse { wallet: String, id: String },
    ReleaseFreeze { wallet: String },
    Refund { name: String, deposit: String, amount: Option<Amount>, by: RefundBy },
    Settle { name: String, answer: RailAnswer, paid_at: Option<When> },
    Grant(NewGrant),
    Coupon(NewCoupon),
    Redeem { wallet: String, code: CouponCode },
    Coupons,
    Void { name: String },
    Start(Start),
    Stop { resource: String, at: Option<When>, rest: Option<Rest> },
    Ready { resource: String, at: Option<When> },
    Beat { resource: String, at: Option<When> },
    Resize { resource: String, sku: String },
    Resume { resource: String },
    Redeploy { resource: String, again: String },
    Hold { name: String, wallet: String, amount: Amount, seconds: Option<i64> },
    Capture { name: String, amount: Option<Amount> },
    Release { name: String },
    Use(Use),
    Card { wallet: String, behaviour: Behaviour },
    AutoTopUp { wallet: String, rule: Option<(Amount, Amount)> },
    Alert { wallet: String, below: Option<Amount> },
    Move(When),
    Balance { wallet: String, parts: Vec<Part> },
    List { wallet: String, list: List },
    Report { wallet: String, by: Vec<Dimension>, days: i64 },
    Dearest { wallet: String, days: i64 },
    RollForward { month: Option<Month> },
    Books,
    Repeat { each: Vec<Says> },
}

/// A discount that is assigned.
#[derive(Clone, Debug)]
pub struct Assign {
    pub wallet: String,
    pub bps: i64,
    pub sku: Option<String>,
    pub from: Option<When>,
    pub until: Option<When>,
}

/// A resource that begins to run.
#[derive(Clone, Debug)]
pub struct Start {
    pub resource: String,
    pub wallet: String,
    pub sku: String,
    pub labels: BTreeMap<String, String>,
    pub at: Option<When>,
    pub waits: bool,
    pub heartbeat_seconds: Option<i64>,
}

/// Promotional credit.
#[derive(Clone, Debug)]
pub struct NewGrant {
    pub name: String,
    pub wallet: String,
    pub amount: Amount,
    pub given: Given,
    pub from: Option<When>,
    pub expires: Option<When>,
    pub priority: i64,
}

/// A campaign.
#[derive(Clone, Debug)]
pub struct NewCoupon {
    pub code: CouponCode,
    pub gift: CouponGift,
    pub from: Option<When>,
    pub until: Option<When>,
    pub most: i64,
    pub first: bool,
}

/// A usage event.
#[derive(Clone, Debug)]
pub struct Use {
    pub wallet: String,
    pub sku: String,
    pub quantities: Vec<(String, i64)>,
    pub id: Option<String>,
    pub at: Option<When>,
}

impl Says {
    /// True for what only shows: its output has to be stated.
    pub fn is_listing(&self) -> bool {
        matches!(
            self,
            Says::Balance { .. }
                | Says::List { .. }
                | Says::Report { .. }
                | Says::Dearest { .. }
                | Says::RollForward { .. }
                | Says::Books
                | Says::Coupons
        )
    }
}

/// Reads a whole file.
pub fn parse(file: &str, text: &str) -> Result<Vec<Step>, ParseError> {
    let header = text.lines().next().unwrap_or("");
    let named = header.strip_prefix("# ").and_then(|rest| rest.split_once(": "));
    if !named.is_some_and(|(id, title)| !id.contains(' ') && !title.is_empty()) {
        return Err(Words::of(file, 1, header).wrong("a header such as `# G-1: alert and run-out`"));
    }
    let mut steps: Vec<Step> = Vec::new();
    for (index, raw) in text.lines().enumerate() {
        let line = index + 1;
        let said = without_comment(raw);
        if said.trim().is_empty() {
            continue;
        }
        if said.starts_with(char::is_whitespace) {
            let words = Words::of(file, line, said);
            let step = steps
                .last_mut()
                .ok_or_else(|| words.wrong("a command before lines that state its output"))?;
            step.expected.get_or_insert_default().push(one_spaced(said));
            continue;
        }
        let (command, expected) = match said.split_once("->") {
            Some((command, expected)) => (command, Some(vec![one_spaced(expected)])),
            None => (said, None),
        };
        let mut words = Words::of(file, line, command);
        let says = says(&mut words)?;
        words.end()?;
        steps.push(Step { line, text: command.trim().to_string(), says, expected });
    }
    Ok(steps)
}

/// Runs of spaces made one, so that columns may be aligned.
pub fn one_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The part of a line before its comment.
pub fn without_comment(line: &str) -> &str {
    if line.starts_with('#') {
        return "";
    }
    line.find(" #").map_or(line, |start| &line[..start])
}

const COMMANDS: &str = "a command: clock, platform, sku, price, wallet, discount, deposit, settle, \
    refund, dispute, release_freeze, grant, coupon, redeem, coupons, void, start, stop, pause, \
    terminate, ready, beat, resize, resume, redeploy, hold, capture, release, use, reverse, card, \
    auto_top_up, alert, advance, at, balance, prices, ledger, spans, deposits, refunds, disputes, \
    grants, holds, runs, resources, runway, projection, mails, events, report, dearest, \
    rollforward, books, repeat";

fn says(words: &mut Words) -> Result<Says, ParseError> {
    let first = words.clone();
    let command = words.take().unwrap_or_default();
    match command.as_str() {
        "clock" => clock(words),
        "platform" => platform(words),
        "sku" => sku(words),
        "price" => price(words),
        "wallet" => wallet(words),
        "discount" => discount(words),
        "deposit" => deposit(words),
        "settle" => settle(words),
        "refund" => refund(words),
        "dispute" => dispute(words),
        "reverse" => {
            let wallet = words.name("a wallet's name")?;
            Ok(Says::Reverse { wallet, id: words.name("an event's id")? })
        }
        "release_freeze" => Ok(Says::ReleaseFreeze { wallet: words.name("a wallet's name")? }),
        "grant" => grant(words),
        "coupon" => coupon(words),
        "redeem" => {
            let wallet = words.name("a wallet's name")?;
            Ok(Says::Redeem { wallet, code: coupon_code(words)? })
        }
        "coupons" => Ok(Says::Coupons),
        "void" => Ok(Says::Void { name: words.name("a grant's name")? }),
        "start" => start(words),
        "stop" => stop(words, None),
        "pause" => stop(words, Some(Rest::Paused)),
        "terminate" => stop(words, Some(Rest::Terminated)),
        "ready" => Ok(Says::Ready { resource: resource(words)?, at: at(words)? }),
        "beat" => Ok(Says::Beat { resource: resource(words)?, at: at(words)? }),
        "resize" => {
            Ok(Says::Resize { resource: resource(words)?, sku: words.name("a SKU's code")? })
        }
        "resume" => Ok(Says::Resume { resource: resource(words)? }),
        "redeploy" => Ok(Says::Redeploy {
            resource: resource(words)?,
            again: words.name("a name for the new resource")?,
        }),
        "hold" => hold(words),
        "capture" => capture(words),
        "release" => Ok(Says::Release { name: words.name("a hold's name")? }),
        "use" => usage(words),
        "card" => card(words),
        "auto_top_up" => auto_top_up(words),
        "alert" => alert(words),
        "advance" => Ok(Says::Move(When::FromNow(duration(words)?))),
        "at" => Ok(Says::Move(when(words)?)),
        "balance" => balance(words),
        "report" => report(words),
        "rollforward" => rollforward(words),
        "dearest" => {
            let wallet = words.name("a wallet's name")?;
            Ok(Says::Dearest { wallet, days: over(words)? })
        }
        "books" => Ok(Says::Books),
        "repeat" => repeat(words),
        other => match list_named(other) {
            Some(list) => Ok(Says::List { wallet: words.name("a wallet's name")?, list }),
            None => Err(first.wrong(COMMANDS)),
        },
    }
}

fn list_named(command: &str) -> Option<List> {
    match command {
        "ledger" => Some(List::Ledger),
        "spans" => Some(List::Spans),
        "prices" => Some(List::Prices),
        "deposits" => Some(List::Deposits),
        "refunds" => Some(List::Refunds),
        "disputes" => Some(List::Disputes),
        "grants" => Some(List::Grants),
        "holds" => Some(List::Holds),
        "runs" => Some(List::Runs),
        "resources" => Some(List::Resources),
        "runway" => Some(List::Runway),
        "projection" => Some(List::Projection),
        "mails" => Some(List::Mails),
        "events" => Some(List::Events),
        _ => None,
    }
}

fn clock(words: &mut Words) -> Result<Says, ParseError> {
    let at =
        words.read("the start of the clock, such as 2026-01-05T00:00:00Z", Timestamp::parse)?;
    Ok(Says::Clock(at))
}

fn platform(words: &mut Words) -> Result<Says, ParseError> {
    let profile = words.name("a profile's name")?;
    let mut settings = Vec::new();
    while words.peek().is_some() {
        let is_setting = |word: &str| word.contains('=').then(|| word.to_string());
        settings.push(words.read("a setting, name=value", is_setting)?);
    }
    Ok(Says::Platform { profile, settings: settings.join(";") })
}

fn wallet(words: &mut Words) -> Result<Says, ParseError> {
    let name = words.name("a wallet's name")?;
    let zone = if words.take_keyword("in") {
        words.read("a time zone, such as Europe/Berlin", Zone::named)?
    } else {
        Zone::UTC
    };
    Ok(Says::Wallet { name, zone })
}

fn sku(words: &mut Words) -> Result<Says, ParseError> {
    let code = words.name("a SKU's code")?;
    let class = words.read("`compute`, `storage` or `model`", ResourceClass::from_name)?;
    let mut prices = Vec::new();
    while words.peek().is_some() {
        prices.push(price_of(words)?);
    }
    Ok(Says::Sku { code, class, prices })
}

fn price(words: &mut Words) -> Result<Says, ParseError> {
    let code = words.name("a SKU's code")?;
    let price = price_of(words)?;
    let from = if words.take_keyword("from") { Some(when(words)?) } else { None };
    Ok(Says::Price { code, price, from })
}

/// `2.40 per hour` prices time; `input_tokens 0.50 per 1000000` prices a dimension.
fn price_of(words: &mut Words) -> Result<PriceOf, ParseError> {
    let is_amount = words.peek().is_some_and(|word| Amount::parse(word).is_ok());
    let dimension = if is_amount {
        TIME_DIMENSION.to_string()
    } else {
        words.name("an amount such as 2.40, or a dimension such as input_tokens")?
    };
    let amount = words.amount()?;
    words.keyword("per")?;
    let per_units = words
        .read("`second`, `minute`, `hour`, `day` or a number of units", |word| {
            unit_seconds(word).or_else(|| word.parse().ok())
        })?;
    Ok(PriceOf { dimension, amount, per_units })
}

/// `discount acme 10% on h100 from +01:00:00 until +02:00:00`; what is left out is everything, now
/// and for good.
fn discount(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    let percent = |word: &str| bps_of_percent(word.strip_suffix('%')?);
    let bps = words.read("a percentage, such as 10% or 12.5%", percent)?;
    let sku = if words.take_keyword("on") { Some(words.name("a SKU's code")?) } else { None };
    let from = if words.take_keyword("from") { Some(when(words)?) } else { None };
    let until = if words.take_keyword("until") { Some(when(words)?) } else { None };
    Ok(Says::Discount(Assign { wallet, bps, sku, from, until }))
}

fn deposit(words: &mut Words) -> Result<Says, ParseError> {
    let name = words.name("a name for the deposit")?;
    let wallet = words.name("a wallet's name")?;
    let amount = words.amount()?;
    let fate = if words.peek().is_none() {
        Fate::Answered(RailAnswer::Succeeded)
    } else {
        words.read(
            "`declined`, `needs_authentication`, `pending` or `twice`",
            |word| match word {
                "pending" => Some(Fate::Pending),
                "twice" => Some(Fate::Twice),
                "succeeded" => None,
                other => RailAnswer::from_name(other).map(Fate::Answered),
            },
        )?
    };
    Ok(Says::Deposit { name, wallet, amount, fate })
}

fn settle(words: &mut Words) -> Result<Says, ParseError> {
    let name = words.name("a deposit's name")?;
    let expected = "`succeeded`, `declined` or `needs_authentication`";
    let answer = words.read(expected, RailAnswer::from_name)?;
    let paid_at = if words.take_keyword("paid") { Some(when(words)?) } else { None };
    Ok(Says::Settle { name, answer, paid_at })
}

fn refund(words: &mut Words) -> Result<Says, ParseError> {
    let name = words.name("a name for the refund")?;
    let deposit = words.name("a deposit's name")?;
    let is_amount = words.peek().is_some_and(|word| Amount::parse(word).is_ok());
    let amount = if is_amount { Some(words.amount()?) } else { None };
    let by = if words.peek().is_none() {
        RefundBy::Us
    } else {
        words.read("an amount, `pending`, `by_customer` or `at_provider`", |word| match word {
            "pending" => Some(RefundBy::UsPending),
            "by_customer" => Some(RefundBy::Customer),
            "at_provider" if is_amount => Some(RefundBy::Provider),
            _ => None,
        })?
    };
    Ok(Says::Refund { name, deposit, amount, by })
}

fn dispute(words: &mut Words) -> Result<Says, ParseError> {
    let name = words.name("a name for the dispute")?;
    let deposit = words.name("a deposit's name")?;
    let state = words.read("`inquiry`, `open`, `won` or `lost`", DisputeState::from_name)?;
    words.keyword("withdrawn")?;
    Ok(Says::Dispute { name, deposit, state, withdrawn: words.amount()? })
}

fn grant(words: &mut Words) -> Result<Says, ParseError> {
    let name = words.name("a name for the grant")?;
    let wallet = words.name("a wallet's name")?;
    let amount = words.amount()?;
    let given = if words.take_keyword("trial") { Given::Trial } else { Given::Promotional };
    let from = if words.take_keyword("from") { Some(when(words)?) } else { None };
    let expires = if words.take_keyword("expires") { Some(when(words)?) } else { None };
    let priority = if words.take_keyword("priority") {
        words.count("a priority")?
    } else {
        domain::grant::PRIORITY_DEFAULT
    };
    Ok(Says::Grant(NewGrant { name, wallet, amount, given, from, expires, priority }))
}

fn coupon_code(words: &mut Words) -> Result<CouponCode, ParseError> {
    words.read("a coupon's code, such as WELCOME-10", CouponCode::parse)
}

/// `coupon WELCOME credit 5.00 expires 30 days until TIME max 10`, `coupon PLUS bonus 0:10%`.
fn coupon(words: &mut Words) -> Result<Says, ParseError> {
    let code = coupon_code(words)?;
    let gift = if words.take_keyword("credit") {
        let amount = words.amount()?;
        let expires = words.take_keyword("expires");
        let expires_in_seconds = if expires { Some(duration(words)?) } else { None };
        CouponGift::Credit { amount, expires_in_seconds }
    } else {
        words.read("`credit AMOUNT` or `bonus SLABS`", |word| (word == "bonus").then_some(()))?;
        let slabs = words.read("bonuses by size, such as 0:10% or 100:5.00", BonusSlabs::parse)?;
        CouponGift::Bonus(slabs)
    };
    let from = if words.take_keyword("from") { Some(when(words)?) } else { None };
    let until = if words.take_keyword("until") { Some(when(words)?) } else { None };
    let most = if words.take_keyword("max") { words.count("a number")? } else { 1_000 };
    let first = words.take_keyword("first");
    Ok(Says::Coupon(NewCoupon { code, gift, from, until, most, first }))
}

fn at(words: &mut Words) -> Result<Option<When>, ParseError> {
    if words.take_keyword("at") { when(words).map(Some) } else { Ok(None) }
}

fn start(words: &mut Words) -> Result<Says, ParseError> {
    let resource = resource(words)?;
    let wallet = words.name("a wallet's name")?;
    let sku = words.name("a SKU's code")?;
    let mut labels = BTreeMap::new();
    while words.peek().is_some_and(|word| word.contains('=')) {
        let label = |word: &str| {
            let (name, value) = word.split_once('=')?;
            Some((name.to_string(), value.to_string()))
        };
        let (name, value) = words.read("a label, such as project=alpha", label)?;
        labels.insert(name, value);
    }
    let at = at(words)?;
    let heartbeat_seconds =
        if words.take_keyword("heartbeat") { Some(duration(words)?) } else { None };
    let waits = words.take_keyword("waits");
    Ok(Says::Start(Start { resource, wallet, sku, labels, at, waits, heartbeat_seconds }))
}

/// Days that a report looks back over when it does not say.
const REPORT_DAYS: i64 = 7;

fn report(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    words.keyword("by")?;
    let expected = "what to group by, such as model or model,resource";
    let by = words.read(expected, |word| {
        word.split(',').map(Dimension::from_name).collect::<Option<Vec<Dimension>>>()
    })?;
    Ok(Says::Report { wallet, by, days: over(words)? })
}

fn rollforward(words: &mut Words) -> Result<Says, ParseError> {
    let month = match words.peek() {
        None => None,
        Some(_) => Some(words.read("a month, such as 2026-01", Month::parse)?),
    };
    Ok(Says::RollForward { month })
}

/// `over N days`, or a week.
fn over(words: &mut Words) -> Result<i64, ParseError> {
    if !words.take_keyword("over") {
        return Ok(REPORT_DAYS);
    }
    let days = words.read("how many days, 1 to 366", |word| {
        word.parse::<i64>().ok().filter(|days| (1..=DAYS_MAX).contains(days))
    })?;
    words.keyword("days")?;
    Ok(days)
}

fn resource(words: &mut Words) -> Result<String, ParseError> {
    words.name("a resource's name")
}

fn stop(words: &mut Words, rest: Option<Rest>) -> Result<Says, ParseError> {
    Ok(Says::Stop { resource: resource(words)?, at: at(words)?, rest })
}

fn hold(words: &mut Words) -> Result<Says, ParseError> {
    let name = words.name("a name for the hold")?;
    let wallet = words.name("a wallet's name")?;
    let amount = words.amount()?;
    let seconds = if words.take_keyword("for") { Some(duration(words)?) } else { None };
    Ok(Says::Hold { name, wallet, amount, seconds })
}

fn capture(words: &mut Words) -> Result<Says, ParseError> {
    let name = words.name("a hold's name")?;
    let amount = if words.peek().is_some() { Some(words.amount()?) } else { None };
    Ok(Says::Capture { name, amount })
}

fn usage(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    let sku = words.name("a SKU's code")?;
    let mut quantities = Vec::new();
    let quantity = |word: &str| {
        let (dimension, quantity) = word.split_once('=')?;
        Some((dimension.to_string(), quantity.parse().ok()?))
    };
    while quantities.is_empty() || words.peek().is_some_and(|word| word.contains('=')) {
        quantities.push(words.read("a quantity, such as input_tokens=1200", quantity)?);
    }
    let id = if words.take_keyword("id") { Some(words.name("an event's id")?) } else { None };
    Ok(Says::Use(Use { wallet, sku, quantities, id, at: at(words)? }))
}

fn card(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    let expected = "`succeeds`, `declines` or `needs_authentication`";
    let behaviour = words.read(expected, |word| match word {
        "succeeds" => Some(Behaviour::Succeeds),
        "declines" => Some(Behaviour::Declines),
        "needs_authentication" => Some(Behaviour::NeedsAuthentication),
        _ => None,
    })?;
    Ok(Says::Card { wallet, behaviour })
}

fn auto_top_up(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    if words.take_keyword("off") {
        return Ok(Says::AutoTopUp { wallet, rule: None });
    }
    words.read("`below AMOUNT charge AMOUNT` or `off`", |word| (word == "below").then_some(()))?;
    let threshold = words.amount()?;
    words.keyword("charge")?;
    Ok(Says::AutoTopUp { wallet, rule: Some((threshold, words.amount()?)) })
}

fn alert(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    if words.take_keyword("off") {
        return Ok(Says::Alert { wallet, below: None });
    }
    words.read("`below AMOUNT` or `off`", |word| (word == "below").then_some(()))?;
    Ok(Says::Alert { wallet, below: Some(words.amount()?) })
}

fn balance(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    let mut parts = Vec::new();
    while words.peek().is_some() {
        let part = |word: &str| Part::ALL.into_iter().find(|part| part.name() == word);
        parts.push(words.read("`posted`, `accrued`, `held`, `available` or `shown`", part)?);
    }
    if parts.is_empty() {
        parts.extend(Part::ALL);
    }
    Ok(Says::Balance { wallet, parts })
}

/// More repetitions than this are no scenario that anybody reads.
const REPEAT_MAX: i64 = 10_000;

fn repeat(words: &mut Words) -> Result<Says, ParseError> {
    let count = words.read("how often, 1 to 10000", |word| {
        word.parse::<i64>().ok().filter(|count| (1..=REPEAT_MAX).contains(count))
    })?;
    let mut each = Vec::new();
    let mut rest = words.clone();
    for index in 1..=count {
        rest = words.clone();
        rest.fill("{n}", &index.to_string());
        let command = rest.clone();
        let said = says(&mut rest)?;
        if matches!(said, Says::Repeat { .. } | Says::Move(_) | Says::Clock(_)) || said.is_listing()
        {
            return Err(command.wrong("a command that does something, such as hold or use"));
        }
        each.push(said);
    }
    *words = rest;
    Ok(Says::Repeat { each })
}
