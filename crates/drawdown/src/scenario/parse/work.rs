//! Resources, their runs, holds and use.

use domain::label::Labels;
use domain::run::Rest;

use super::says::{NewHold, Says, Served, Start, Use};
use crate::scenario::when::{When, duration, when};
use crate::scenario::words::{ParseError, Words};

pub(super) fn at(words: &mut Words) -> Result<Option<When>, ParseError> {
    if words.take_keyword("at") { when(words).map(Some) } else { Ok(None) }
}

/// Labels, as many as there are.
fn pairs(words: &mut Words) -> Result<Labels, ParseError> {
    let before = words.clone();
    let mut pairs = Vec::new();
    while words.peek().is_some_and(|word| word.contains('=')) {
        let pair = |word: &str| {
            let (name, value) = word.split_once('=')?;
            Some((name.to_string(), value.to_string()))
        };
        pairs.push(words.read("a label, such as project=alpha", pair)?);
    }
    Labels::new(pairs).map_err(|fault| before.wrong(format!("labels: it {}", fault.wish())))
}

/// Labels behind their keyword.
fn labels(words: &mut Words) -> Result<Labels, ParseError> {
    if words.take_keyword("labels") { pairs(words) } else { Ok(Labels::NONE) }
}

pub(super) fn start(words: &mut Words) -> Result<Says, ParseError> {
    let resource = resource(words)?;
    let wallet = words.name("a wallet's name")?;
    let sku = words.name("a SKU's code")?;
    let labels = pairs(words)?;
    let at = at(words)?;
    let heartbeat_seconds =
        if words.take_keyword("heartbeat") { Some(duration(words)?) } else { None };
    let waits = words.take_keyword("waits");
    Ok(Says::Start(Start { resource, wallet, sku, labels, at, waits, heartbeat_seconds }))
}

pub(super) fn resource(words: &mut Words) -> Result<String, ParseError> {
    words.name("a resource's name")
}

pub(super) fn stop(words: &mut Words, rest: Option<Rest>) -> Result<Says, ParseError> {
    Ok(Says::Stop { resource: resource(words)?, at: at(words)?, rest })
}

pub(super) fn hold(words: &mut Words) -> Result<Says, ParseError> {
    let name = words.name("a name for the hold")?;
    let wallet = words.name("a wallet's name")?;
    let amount = words.amount()?;
    let labels = labels(words)?;
    let seconds = if words.take_keyword("for") { Some(duration(words)?) } else { None };
    let sku = if words.take_keyword("on") { Some(words.name("a SKU's code")?) } else { None };
    Ok(Says::Hold(NewHold { name, wallet, amount, labels, seconds, sku }))
}

pub(super) fn capture(words: &mut Words) -> Result<Says, ParseError> {
    let name = words.name("a hold's name")?;
    let amount = if words.peek().is_some() { Some(words.amount()?) } else { None };
    Ok(Says::Capture { name, amount })
}

pub(super) fn request(words: &mut Words) -> Result<Says, ParseError> {
    let resource = resource(words)?;
    let busy_milliseconds = words.read("how long it was busy, such as 1500ms", |word| {
        word.strip_suffix("ms").and_then(|count| count.parse().ok())
    })?;
    let id = if words.take_keyword("id") { Some(words.name("an event's id")?) } else { None };
    Ok(Says::Request(Served { resource, busy_milliseconds, id, at: at(words)? }))
}

pub(super) fn usage(words: &mut Words) -> Result<Says, ParseError> {
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
    let labels = labels(words)?;
    let id = if words.take_keyword("id") { Some(words.name("an event's id")?) } else { None };
    Ok(Says::Use(Use { wallet, sku, quantities, labels, id, at: at(words)? }))
}

pub(super) fn reverse(words: &mut Words) -> Result<Says, ParseError> {
    let wallet = words.name("a wallet's name")?;
    Ok(Says::Reverse { wallet, id: words.name("an event's id")? })
}
