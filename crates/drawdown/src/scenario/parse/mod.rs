//! The grammar: one command per line, in the words of the glossary.
//!
//! A line is `command [-> expected]`, followed by any number of indented lines that state more of
//! what is expected. `#` begins a comment. `scenarios/README.md` says the same to people.

use app::operations::create_sku::SkuFacts;
use domain::calendar::Zone;
use domain::member::MemberRole;
use domain::notice::Topic;
use domain::price::{Alternative, TIME_DIMENSION};
use domain::run::{ResourceClass, Rest};
use domain::{Amount, Timestamp};

use crate::scenario::when::{When, duration, unit_seconds, when};
use crate::scenario::words::{ParseError, Words};
use listing::shown;
use money::{alert, coupon, coupon_code, discount, grant, limit, money_named};
use work::{at, capture, hold, request, resource, reverse, start, stop, usage};

pub use says::{
    Assign, Fate, List, NewCoupon, NewGrant, NewHold, Part, PriceOf, RefundBy, Says, Served, Start,
    Step, Use,
};

mod listing;
mod money;
mod says;
mod work;

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

const COMMANDS: &str = "a command: clock, platform, profile, sku, price, alternative, reserved, \
    commit, wallet, member, role, remove, limit, unlimit, as, discount, tax, party, invoice, \
    deposit, settle, arrival, refund, dispute, release_freeze, close, grant, coupon, redeem, \
    coupons, void, start, stop, pause, terminate, ready, beat, resize, resume, redeploy, hold, \
    capture, release, use, request, reverse, card, auto_top_up, preview, alert, advance, at, down, \
    balance, prices, price_page, ledger, spans, history, limits, members, deposits, payments, \
    arrivals, refunds, disputes, documents, lint, test_clock, grants, holds, runs, resources, \
    runway, projection, mails, events, report, dearest, uses, suggestions, week, rollforward, \
    dormant, ageing, breakage, promotions, revenue, statement, books, mute, bounce, key, repeat";

pub(super) fn says(words: &mut Words) -> Result<Says, ParseError> {
    let first = words.clone();
    let command = words.take().unwrap_or_default();
    match command.as_str() {
        "clock" => clock(words),
        "platform" => platform(words),
        "profile" => profile(words),
        "key" => keyed(words),
        "lint" => lint(words),
        "mute" => mute(words),
        "bounce" => Ok(Says::Bounce { wallet: words.name("a wallet's name")? }),
        "sku" => sku(words),
        "price" => price(words),
        "alternative" => alternative(words),
        "reserved" => money::reserved(words),
        "commit" => money::commit(words),
        "wallet" => wallet(words),
        "member" | "role" | "remove" | "as" => of_member(&command, words),
        "limit" => limit(words),
        "unlimit" => Ok(Says::Unlimit { name: words.name("a limit's name")? }),
        "discount" => discount(words),
        "reverse" => reverse(words),
        "release_freeze" => Ok(Says::ReleaseFreeze { wallet: words.name("a wallet's name")? }),
        "close" => Ok(Says::Close { wallet: words.name("a wallet's name")? }),
        "grant" => grant(words),
        "coupon" => coupon(words),
        "redeem" => {
            let wallet = words.name("a wallet's name")?;
            Ok(Says::Redeem { wallet, code: coupon_code(words)? })
        }
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
        "request" => request(words),
        "alert" => alert(words),
        "advance" => Ok(Says::Move(When::FromNow(duration(words)?))),
        "at" => Ok(Says::Move(when(words)?)),
        "down" => Ok(Says::Down(duration(words)?)),
        "repeat" => repeat(words),
        other => match money_named(other) {
            Some(read) => read(words),
            None => shown(other, words)?.ok_or_else(|| first.wrong(COMMANDS)),
        },
    }
}

fn clock(words: &mut Words) -> Result<Says, ParseError> {
    let at =
        words.read("the start of the clock, such as 2026-01-05T00:00:00Z", Timestamp::parse)?;
    Ok(Says::Clock(at))
}

fn platform(words: &mut Words) -> Result<Says, ParseError> {
    let (profile, settings) = (words.name("a profile's name")?, settings(words)?);
    Ok(Says::Platform { profile, settings })
}

/// `profile discounts=off from +01:00:00` changes the latest platform.
fn profile(words: &mut Words) -> Result<Says, ParseError> {
    let settings = settings(words)?;
    let from = if words.take_keyword("from") { Some(when(words)?) } else { None };
    Ok(Says::Profile { settings, from })
}

fn lint(words: &mut Words) -> Result<Says, ParseError> {
    let (profile, settings) = (words.name("a profile's name")?, settings(words)?);
    Ok(Says::Lint { profile, settings })
}

/// `mute acme digest,expiry`, or `mute acme nothing`.
fn mute(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    let muted = words.read("`nothing`, or some of low_balance,digest,expiry", |word| {
        let topics = word.split(',').filter(|topic| *topic != "nothing").map(Topic::from_name);
        topics.collect::<Option<Vec<Topic>>>()
    })?;
    Ok(Says::Mute { wallet, muted })
}

/// Settings up to `from` or the end of the line, as a platform keeps them.
fn settings(words: &mut Words) -> Result<String, ParseError> {
    let mut settings = Vec::new();
    while words.peek().is_some_and(|word| word != "from") {
        let is_setting = |word: &str| word.contains('=').then(|| word.to_string());
        settings.push(words.read("a setting, name=value", is_setting)?);
    }
    Ok(settings.join(";"))
}

/// `key k-1 hold h1 acme 5.00`.
fn keyed(words: &mut Words) -> Result<Says, ParseError> {
    let key = words.name("an idempotency key")?;
    let first = words.clone();
    let command = Box::new(says(words)?);
    let asks_nothing = matches!(
        *command,
        Says::Keyed { .. } | Says::Repeat { .. } | Says::Move(_) | Says::Clock(_)
    );
    if asks_nothing || command.is_listing() {
        return Err(first.wrong("a command that does something, such as hold or deposit"));
    }
    Ok(Says::Keyed { key, command })
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
    let mut facts = SkuFacts::default();
    if words.take_keyword("gpus") {
        facts.gpu_count = Some(words.count("how many GPUs")?);
    }
    if words.take_keyword("variant") {
        words.keyword("of")?;
        facts.variant_of = Some(words.name("a SKU's code")?);
    }
    let mut prices = Vec::new();
    while words.peek().is_some() {
        prices.push(price_of(words)?);
    }
    Ok(Says::Sku { code, class, facts, prices })
}

fn price(words: &mut Words) -> Result<Says, ParseError> {
    let code = words.name("a SKU's code")?;
    let price = price_of(words)?;
    let from = if words.take_keyword("from") { Some(when(words)?) } else { None };
    Ok(Says::Price { code, price, from, applies_to: money::applies_to(words) })
}

fn alternative(words: &mut Words) -> Result<Says, ParseError> {
    let code = words.name("a SKU's code")?;
    let alternative = words.read("`smaller` or `quantized`", Alternative::from_name)?;
    let other = words.name("a SKU's code, or `none`")?;
    Ok(Says::Alternative { code, alternative, other: Some(other).filter(|it| it != "none") })
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

fn of_member(command: &str, words: &mut Words) -> Result<Says, ParseError> {
    let member = words.name("a member's name")?;
    match command {
        "member" => {
            let (name, wallet) = (member, words.name("a wallet's name")?);
            Ok(Says::Member { name, wallet, role: member_role(words)? })
        }
        "role" => Ok(Says::Role { member, role: member_role(words)? }),
        "remove" => Ok(Says::Remove { member }),
        _ => asked_by(member, words),
    }
}

fn member_role(words: &mut Words) -> Result<MemberRole, ParseError> {
    words.read("`owner`, `admin`, `member` or `read_only`", MemberRole::from_name)
}

/// A command that a member asks for.
fn asked_by(member: String, words: &mut Words) -> Result<Says, ParseError> {
    let command = words.clone();
    let said = says(words)?;
    let is_asked_for =
        !matches!(said, Says::As { .. } | Says::Repeat { .. } | Says::Move(_) | Says::Clock(_));
    if said.is_listing() || !is_asked_for {
        return Err(command.wrong("a command that a member can ask for, such as deposit or start"));
    }
    Ok(Says::As { member, says: Box::new(said) })
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
        if matches!(said, Says::Repeat { .. } | Says::Move(_) | Says::Down(_) | Says::Clock(_))
            || said.is_listing()
        {
            return Err(command.wrong("a command that does something, such as hold or use"));
        }
        each.push(said);
    }
    *words = rest;
    Ok(Says::Repeat { each })
}
