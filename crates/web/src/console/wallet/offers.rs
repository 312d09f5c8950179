//! What can be bought, started and asked on the wallet page, and what runs.

use domain::discount::percent;
use domain::price::{Price, Sku, TIME_DIMENSION};
use domain::profile::{Admission, Expiry, Pack, RefundPolicy, Terms};
use domain::rate::Rate;
use domain::run::ResourceClass;
use domain::{Id, Kind};

use super::Read;
use super::figures::{every, per_hour};
use crate::console::fault::cents_up;
use crate::pages::show::{self, Unit};
use crate::pages::wallet::add_credits::{AddCredits, Preset};
use crate::pages::wallet::running::{Offer, QueryOffer, Running, RunningNow};

/// Proposed quantities of a query, dimension after dimension.
const PROPOSED: [i64; 2] = [1_200, 800];

/// The form that adds credits; `typed` is what stood in it, and why that was refused.
pub fn add_credits(read: &Read, typed: Option<(String, String)>) -> AddCredits {
    let profile = read.rows.profile();
    let (custom, refusal) = typed.unzip();
    let preset = |pack: &Pack| Preset {
        amount: pack.price,
        tagline: pack.tagline.clone().or(pack.recommended.then(|| "Recommended".to_owned())),
        chosen: pack.recommended && custom.is_none(),
    };
    AddCredits {
        presets: profile.packs.iter().map(preset).collect(),
        min: profile.deposit_min,
        max: profile.deposit_max,
        custom,
        refusal,
        expiry: expiry(profile.purchased_expiry),
        refund: refund(profile.refund_policy, &read.rows.platform.name),
        burn_per_hour: read.figures.balance.burn_per_hour,
    }
}

/// How long purchased credit is good for.
fn expiry(expiry: Expiry) -> String {
    match expiry {
        Expiry::Never => "What you buy never expires".to_owned(),
        Expiry::Fixed(seconds) => format!("What you buy is good for {}", show::left(seconds)),
        Expiry::Rolling(1) => "Your credit is good for a month after each payment".to_owned(),
        Expiry::Rolling(months) => {
            format!("Your credit is good for {months} months after each payment")
        }
    }
}

/// What of it can be had back.
fn refund(policy: RefundPolicy, platform: &str) -> String {
    let ask = format!("For a refund of unused credit, ask {platform}");
    match policy {
        RefundPolicy::None => "What you buy is not refunded".to_owned(),
        RefundPolicy::Unspent => ask,
        RefundPolicy::Within(seconds) => format!("{ask} within {}", show::left(seconds)),
    }
}

/// What runs, and what can be started.
pub fn running(read: &Read) -> RunningNow {
    let rows = &read.rows;
    let resources = read.open_runs().into_iter().map(|run| Running {
        resource: read.id(Kind::Resource, run.resource),
        name: read.resource_name(run.resource),
        sku: read.sku_name(run.sku),
        per_hour: per_hour(run.rate),
        since: run.started_at,
        cost: run.cost_round_half_even(rows.now),
        stopping: run.is_stopped_by_order() && rows.wallet.order_for(run).is_some(),
    });
    let sold = rows.book.skus().filter(|sku| sku.class != ResourceClass::Model);
    let offers = sold.filter_map(|sku| offer(read, sku));
    RunningNow {
        resources: resources.collect(),
        offers: offers.collect(),
        admission: admission(read),
    }
}

fn price<'a>(read: &'a Read, sku: &Sku, dimension: &str) -> Option<&'a Price> {
    read.rows.book.price_at(sku.number, dimension, read.rows.now)
}

fn discount_bps(read: &Read, sku: &Sku) -> i64 {
    let profile = read.rows.profile();
    read.rows.wallet.discount_bps(profile, sku.number, read.rows.now, read.rows.now)
}

fn offer(read: &Read, sku: &Sku) -> Option<Offer> {
    let rate = price(read, sku, TIME_DIMENSION)?.rate(discount_bps(read, sku));
    let list = Rate { discount_bps: 0, ..rate };
    let class = match sku.class {
        ResourceClass::Storage => "storage, kept at zero".to_owned(),
        _ => every(read.rows.profile()),
    };
    Some(Offer {
        sku: Id::new(Kind::Sku, read.rows.wallet.platform, sku.number),
        name: sku.name.clone(),
        detail: class,
        per_hour: per_hour(rate),
        list: (rate != list).then(|| (per_hour(list), format!("−{}%", percent(rate.discount_bps)))),
        refused: refused(read, sku.class, rate),
    })
}

fn admission(read: &Read) -> String {
    let unit = read.presentation.labels.unit;
    let profile = read.rows.profile();
    if let Terms::Block(seconds) = profile.compute_terms {
        return format!("A start pays its first {} minutes.", seconds / 60);
    }
    match profile.admission {
        Admission::MinAvailable(amount) => format!(
            "A start needs at least {} available. You pay for the seconds it runs.",
            unit.usage(amount)
        ),
        Admission::HoldSeconds(seconds) => format!(
            "A start sets aside the price of its first {seconds} seconds, which they use up."
        ),
    }
}

/// Why a start would be refused now. The operation decides; this only says it beforehand.
fn refused(read: &Read, class: ResourceClass, rate: Rate) -> Option<String> {
    let (wallet, profile) = (&read.rows.wallet, read.rows.profile());
    if wallet.is_frozen() {
        return Some("frozen until a disputed payment is decided".to_owned());
    }
    let lead = wallet.meters.burn_round_half_even(profile.stop_lead_seconds);
    let available = read.figures.balance.available.minus(lead);
    let required = match (profile.compute_terms, profile.admission) {
        (Terms::Block(seconds), _) if class == ResourceClass::Compute => {
            rate.charge_round_half_even(seconds)?
        }
        (_, Admission::MinAvailable(amount)) => amount,
        (_, Admission::HoldSeconds(seconds)) => rate.charge_round_half_even(seconds)?,
    };
    let unit = read.presentation.labels.unit;
    (available < required || !available.is_positive()).then(|| {
        format!(
            "needs {} available, you have {}: add {} or more",
            unit.usage(required),
            unit.balance(available),
            cents_up(required.minus(available))
        )
    })
}

/// The model that a query can be sent to, with quantities to begin with.
pub fn query(read: &Read) -> Option<QueryOffer> {
    let sku = read.rows.book.skus().find(|sku| sku.class == ResourceClass::Model)?;
    let mut dimensions: Vec<&str> = read
        .rows
        .book
        .prices()
        .filter(|price| price.sku == sku.number)
        .map(|price| price.dimension.as_str())
        .collect();
    dimensions.sort_unstable();
    dimensions.dedup();
    let priced = dimensions.into_iter().filter_map(|name| price(read, sku, name));
    let priced: Vec<(&Price, i64)> = priced.zip(PROPOSED).collect();
    let discount_bps = discount_bps(read, sku);
    let cost = |&(price, quantity): &(&Price, i64)| {
        price.rate(discount_bps).charge_round_half_even(quantity)
    };
    Some(QueryOffer {
        sku: Id::new(Kind::Sku, read.rows.wallet.platform, sku.number),
        model: sku.name.clone(),
        prices: priced.iter().map(|(price, _)| price_words(price)).collect(),
        cost: priced.iter().filter_map(cost).sum(),
        quantities: priced
            .iter()
            .map(|(price, quantity)| {
                (price.dimension.clone(), sentence_case(&price.dimension), *quantity)
            })
            .collect(),
    })
}

fn price_words(price: &Price) -> String {
    format!(
        "{} per {} {}",
        Unit::Dollars.usage(price.amount),
        crate::pages::show::count(price.per_units),
        price.dimension.replace('_', " ")
    )
}

/// `input_tokens` as a label: `Input tokens`.
pub fn sentence_case(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
