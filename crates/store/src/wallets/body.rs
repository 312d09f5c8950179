//! The text of a wallet: `name=value` joined by `;`, lists joined by `,`, parts by `:`.
//!
//! *Invariant:* what is as in a new wallet is left out, and an instant that never comes is written
//! as nothing, so that the text of an ordinary wallet stays short. A name that is not known fails
//! the reading: it was written by a newer program.

use std::fmt::{Display, Write};
use std::str::{FromStr, Split};
use std::sync::Arc;

use domain::block::{BlockGroup, Blocks, NextBlock};
use domain::calendar::Zone;
use domain::digest::{Spent, Tally, Waiting};
use domain::discount::{Discount, Volume};
use domain::grant::{GrantKind, OpenGrant, OpenGrants, PRIORITY_DEFAULT, Upcoming};
use domain::meter::Meter;
use domain::notice::Notices;
use domain::price::AppliesTo;
use domain::retention::Retention;
use domain::scope::{Cover, Scope, Scopes};
use domain::tax::{TaxDue, TaxRate};
use domain::top_up::{Asked, AutoTopUp, Caps};
use domain::validity::Validity;
use domain::wallet::{Covered, Freeze, Launch, MemberLimit, StopOrder, UserLimit, Wallet};
use domain::{Amount, Timestamp};

use super::GRANTS_PER_ROW;

/// Everything of a wallet that is not in columns.
pub(super) fn write(wallet: &Wallet) -> String {
    // Every field is named, so that a new one cannot be forgotten here.
    let Wallet {
        org: _,
        platform: _,
        tip: _,
        next_number: _,
        debt: _,
        settled_until,
        now,
        grants,
        meters,
        running_count,
        stoppable_count,
        blocks,
        next_beat,
        next_reprice,
        retention,
        launches,
        next_hold_expiry,
        user_limit: _,
        member_limits: _,
        limit_count: _,
        next_limit: _,
        forecast_fired,
        tally,
        notices,
        per_use,
        auto_top_up,
        stop_order: _,
        stop_sequence: _,
        freeze: _,
        is_closed: _,
        discounts: _,
        volume: _,
        tax: _,
        zone: _,
        validity: _,
        upcoming: _,
        bonus_coupons: _,
        reminded_until: _,
        scopes: _,
        covered: _,
        review_due,
    } = wallet;
    let mut text = Text::with_capacity(256);
    // Both are near the instant up to which time is settled, most often the same second.
    text.number("now", now.micros().wrapping_sub(settled_until.micros()));
    text.number("accrued", meters.accrued_until.micros().wrapping_sub(settled_until.micros()));
    text.list("meters", &meters.meters, push_meter);
    text.number("running", *running_count);
    text.number("stoppable", *stoppable_count);
    push_blocks(&mut text, blocks);
    push_retention(&mut text, *retention);
    text.instant("beat", *next_beat);
    text.instant("reprice", *next_reprice);
    text.list("launches", launches, push_launch);
    text.instant("hold_expiry", *next_hold_expiry);
    text.mark("forecast", *forecast_fired);
    push_digests(&mut text, tally.as_deref(), *notices);
    text.list("hours", per_use, push_hour);
    if let Some(rule) = auto_top_up {
        push_auto_top_up(text.field("top_up"), rule);
    }
    push_terms(&mut text, wallet);
    text.mark("review", *review_due);
    push_grants(&mut text, grants);
    text.text
}

fn push_hour(text: &mut Text, (hour, spent): &(i64, Amount)) {
    text.part(hour).part(spent.nanos());
}

fn push_meter(text: &mut Text, meter: &Meter) {
    text.part(meter.per_units).part(meter.rate).part(meter.sum).part(meter.posted);
    push_cover(text, meter.cover);
}

fn push_launch(text: &mut Text, launch: &Launch) {
    text.time(launch.until).part(launch.per_units).part(launch.rate);
    push_cover(text, launch.cover);
}

/// The limits below which somebody is told.
fn push_told(text: &mut Text, own: Option<&UserLimit>, of_members: &[MemberLimit]) {
    if let Some(limit) = own {
        text.field("limit").part(limit.limit.nanos()).flag(limit.fired);
    }
    text.list("limits", of_members, |text, it| {
        text.int(it.member).part(it.limit.limit.nanos()).flag(it.limit.fired);
    });
}

/// The first of them, and in how many further rows the others are.
fn push_grants(text: &mut Text, grants: &OpenGrants) {
    let inline: Vec<&OpenGrant> = grants.iter().take(GRANTS_PER_ROW).collect();
    text.list("grants", &inline, |text, grant| push_grant(text, grant));
    let further = grants.len().saturating_sub(GRANTS_PER_ROW);
    if further > 0 {
        text.field("parts").part(further.div_ceil(GRANTS_PER_ROW));
    }
}

/// Which mails are not sent, what is counted for digests, and the digests that wait for their hour.
fn push_digests(text: &mut Text, tally: Option<&Tally>, notices: Notices) {
    text.number("muted", notices.stored());
    text.mark("bounced", notices.has_bounced);
    let Some(tally) = tally else { return };
    text.field("day").time(tally.day_from).time(tally.day_end);
    text.part(tally.day_after).part(tally.day.total.nanos());
    push_skus(text, "day_skus", &tally.day);
    text.field("week").time(tally.week_from);
    text.part(tally.week_after).part(tally.week.total.nanos());
    push_skus(text, "week_skus", &tally.week);
    for (name, skus, waiting) in
        [("daily", "daily_skus", &tally.daily), ("weekly", "weekly_skus", &tally.weekly)]
    {
        let Some(waiting) = waiting else { continue };
        text.field(name).time(waiting.from).time(waiting.until).time(waiting.tell_at);
        text.part(waiting.after).part(waiting.through).part(waiting.spent.total.nanos());
        push_skus(text, skus, &waiting.spent);
    }
}

fn push_skus(text: &mut Text, name: &str, spent: &Spent) {
    text.list(name, &spent.skus, |text, (sku, amount)| {
        text.part(sku).part(amount.nanos());
    });
}

fn push_stops(text: &mut Text, wallet: &Wallet) {
    if let Some(order) = &wallet.stop_order {
        text.field("stop").time(order.stop_at).part(order.sequence);
    }
    text.number("stops", wallet.stop_sequence);
}

fn push_discount(text: &mut Text, discount: &Discount) {
    text.part(discount.number).option(discount.sku).part(discount.bps);
    text.time(discount.effective_from).time(discount.effective_until).time(discount.created_at);
    text.int(discount.applies_to.code()).option(discount.commitment);
}

fn push_volume(text: &mut Text, volume: Option<&Volume>) {
    let Some(volume) = volume else { return };
    text.field("volume").part(volume.days_kept).part(volume.left.nanos());
    text.list("drawn", &volume.days, |text, (day, drawn)| {
        text.part(day).part(drawn.nanos());
    });
}

fn push_tax(text: &mut Text, tax: Option<TaxRate>) {
    if let Some(tax) = tax {
        text.field("tax").part(tax.bps);
        if let TaxDue::OnUse { left } = tax.due {
            text.part(left.nanos());
        }
    }
}

/// What decides how long credit lasts and whether it can be used, and what is still to come.
fn push_terms(text: &mut Text, wallet: &Wallet) {
    push_stops(text, wallet);
    push_scopes(text, wallet);
    if wallet.zone != Zone::UTC {
        text.field("zone").part(wallet.zone.name());
    }
    if let Some(validity) = &wallet.validity {
        let lapsed_at = validity.lapsed_at.map(Timestamp::micros);
        text.field("valid").time(validity.until).option(lapsed_at);
        text.list("lapsed", &validity.lapsed, push_grant);
    }
    if let Some(freeze) = &wallet.freeze {
        text.field("freeze").part(freeze.open).flag(freeze.is_lost);
    }
    text.mark("closed", wallet.is_closed);
    text.list("discounts", &wallet.discounts, push_discount);
    push_volume(text, wallet.volume.as_ref());
    push_tax(text, wallet.tax);
    push_told(text, wallet.user_limit.as_ref(), &wallet.member_limits);
    if wallet.limit_count > 0 {
        text.field("caps").part(wallet.limit_count).time(wallet.next_limit);
    }
    text.list("upcoming", &wallet.upcoming, push_upcoming);
    text.list("bonuses", &wallet.bonus_coupons, |text, coupon| {
        text.int(*coupon);
    });
    text.number("reminded", wallet.reminded_until.micros());
}

/// What an ordinary wallet does not know.
fn push_scopes(text: &mut Text, wallet: &Wallet) {
    let scopes: Vec<&Arc<Scope>> = wallet.scopes.iter().collect();
    text.list("scopes", &scopes, |text, scope| {
        text.part(scope.to_text());
    });
    text.list("covered", &wallet.covered, |text, covered| {
        text.int(covered.cover.code()).int(covered.kept).int(covered.stoppable);
        if let Some(order) = &covered.stop_order {
            text.time(order.stop_at).int(order.sequence);
        }
    });
}

fn push_cover(text: &mut Text, cover: Cover) {
    if cover != Cover::NONE {
        text.int(cover.code());
    }
}

fn push_upcoming(text: &mut Text, upcoming: &Upcoming) {
    push_grant(text.time(upcoming.effective_at), &upcoming.grant);
}

fn push_blocks(text: &mut Text, blocks: &Blocks) {
    text.list("blocks", &blocks.groups, |text, group| {
        text.int(group.block_seconds).option(group.phase);
        text.int(group.amount.nanos()).int(group.runs);
        push_cover(text, group.cover);
    });
    if let Some(next) = &blocks.next {
        text.field("block").time(next.at).part(next.amount.nanos());
    }
}

fn push_retention(text: &mut Text, retention: Option<Retention>) {
    if let Some(retention) = retention {
        text.field("retention").time(retention.deletes_at).flag(retention.is_ending);
    }
}

fn push_auto_top_up(text: &mut Text, rule: &AutoTopUp) {
    text.part(rule.threshold.nanos()).part(rule.amount.nanos()).part(rule.method);
    text.flag(rule.enabled).option(rule.in_flight);
    text.option(rule.attempted_at.map(Timestamp::micros));
    text.option(rule.in_flight_due.map(Timestamp::micros));
    text.option(rule.caps.daily_attempts_max);
    text.option(rule.caps.monthly_amount_max.map(Amount::nanos));
    let asked = |value: i64| Some(value).filter(|&value| value != 0);
    text.option(asked(rule.asked.day_end.micros())).option(asked(rule.asked.day_attempts));
    text.option(asked(rule.asked.month_end.micros()));
    text.option(asked(rule.asked.month_amount.nanos()));
    text.option(rule.paused_until.map(Timestamp::micros));
    text.end_early();
}

/// The texts of the grants that the wallet's own row has no room for.
pub(super) fn parts(wallet: &Wallet) -> Vec<String> {
    let further: Vec<&OpenGrant> = wallet.grants.iter().skip(GRANTS_PER_ROW).collect();
    let part = |grants: &[&OpenGrant]| {
        let mut text = Text::with_capacity(1_024);
        text.items(grants, |text, grant| push_grant(text, grant));
        text.text
    };
    further.chunks(GRANTS_PER_ROW).map(part).collect()
}

fn push_grant(text: &mut Text, grant: &OpenGrant) {
    text.int(grant.number).int(grant.kind.code()).int(grant.remaining.nanos());
    text.option(Some(grant.reserved.nanos()).filter(|&reserved| reserved != 0));
    text.option(Some(grant.priority).filter(|&priority| priority != PRIORITY_DEFAULT));
    text.time(grant.expires_at).option(grant.purchase);
    if let Some(scope) = &grant.scope {
        text.part(scope.to_text());
    }
    text.end_early();
}

/// Reads what [`write`] wrote into `wallet`, and says how many parts there are; nothing when the
/// text is anything else.
pub(super) fn read(text: &str, wallet: &mut Wallet) -> Option<i64> {
    let mut parts = 0;
    wallet.now = wallet.settled_until;
    wallet.meters.accrued_until = wallet.settled_until;
    for field in text.split(';').filter(|field| !field.is_empty()) {
        let (name, value) = field.split_once('=')?;
        let mut one = Parts::of(value);
        match name {
            "now" => wallet.now = after(wallet.settled_until, one.get()?),
            "accrued" => wallet.meters.accrued_until = after(wallet.settled_until, one.get()?),
            "meters" => wallet.meters.meters = list(value, meter)?,
            "running" => wallet.running_count = one.get()?,
            "stoppable" => wallet.stoppable_count = one.get()?,
            "blocks" => wallet.blocks.groups = list(value, block_group)?,
            "block" => {
                wallet.blocks.next = Some(NextBlock { at: one.time()?, amount: one.amount()? });
            }
            "beat" => wallet.next_beat = one.time()?,
            "reprice" => wallet.next_reprice = one.time()?,
            "retention" => wallet.retention = Some(retention(&mut one)?),
            "launches" => wallet.launches = list(value, launch)?,
            "hold_expiry" => wallet.next_hold_expiry = one.time()?,
            "limit" => wallet.user_limit = Some(user_limit(&mut one)?),
            "limits" => wallet.member_limits = list(value, member_limit)?,
            "caps" => (wallet.limit_count, wallet.next_limit) = (one.get()?, one.time()?),
            "forecast" => wallet.forecast_fired = one.flag()?,
            "muted" => wallet.notices = Notices::from_stored(one.get()?, false)?,
            "bounced" => wallet.notices.has_bounced = one.flag()?,
            "hours" => {
                wallet.per_use = list(value, |parts| Some((parts.get()?, parts.amount()?)))?;
            }
            "top_up" => wallet.auto_top_up = Some(auto_top_up(&mut one)?),
            "stop" => {
                wallet.stop_order = Some(StopOrder { stop_at: one.time()?, sequence: one.get()? });
            }
            "stops" => wallet.stop_sequence = one.get()?,
            "closed" => wallet.is_closed = one.flag()?,
            "review" => wallet.review_due = one.flag()?,
            "grants" => wallet.grants = OpenGrants::from_stored(grants_of(value)?),
            "parts" => parts = one.get()?,
            _ => read_terms(wallet, name, value)?,
        }
    }
    Some(parts)
}

/// Reads a field that [`push_terms`] wrote.
fn read_terms(wallet: &mut Wallet, name: &str, value: &str) -> Option<()> {
    let mut one = Parts::of(value);
    match name {
        "freeze" => {
            wallet.freeze = Some(Freeze { open: one.get()?, is_lost: one.flag()? });
        }
        "discounts" => wallet.discounts = list(value, discount)?,
        "volume" => {
            let (days_kept, left) = (one.get()?, one.amount()?);
            wallet.volume = Some(Volume { days_kept, left, days: Vec::new() });
        }
        "drawn" => {
            let day = |parts: &mut Parts<'_>| Some((parts.get()?, parts.amount()?));
            wallet.volume.as_mut()?.days = list(value, day)?;
        }
        "tax" => {
            let (bps, left) = (one.get()?, one.rest()?.map(Amount::from_nanos));
            let due = left.map_or(TaxDue::OnDeposit, |left| TaxDue::OnUse { left });
            wallet.tax = Some(TaxRate { bps, due });
        }
        "zone" => wallet.zone = Zone::named(value)?,
        "valid" => {
            let (until, lapsed_at) = (one.time()?, one.option()?);
            let lapsed_at = lapsed_at.map(Timestamp::from_micros);
            wallet.validity = Some(Validity { until, lapsed_at, lapsed: Vec::new() });
        }
        "lapsed" => wallet.validity.as_mut()?.lapsed = grants_of(value)?,
        "upcoming" => {
            wallet.upcoming = list(value, |parts| {
                Some(Upcoming { effective_at: parts.time()?, grant: open_grant(parts)? })
            })?;
        }
        "bonuses" => wallet.bonus_coupons = list(value, |parts| parts.get())?,
        "reminded" => wallet.reminded_until = one.time()?,
        _ => return read_scopes(name, value, wallet),
    }
    Some(())
}

/// Reads what an ordinary wallet does not know; nothing when it is not that either.
fn read_scopes(name: &str, value: &str, wallet: &mut Wallet) -> Option<()> {
    match name {
        "scopes" => {
            let scope = |parts: &mut Parts<'_>| Scope::from_text(parts.0.next()?).map(Arc::new);
            wallet.scopes = Scopes::from_stored(list(value, scope)?)?;
        }
        "covered" => wallet.covered = list(value, covered)?,
        _ => read_tally(name, value, &mut wallet.tally)?,
    }
    Some(())
}

/// Reads one field of what is counted for digests, of which the day comes first; nothing when it is
/// none of them.
fn read_tally(name: &str, value: &str, tally: &mut Option<Box<Tally>>) -> Option<()> {
    let mut one = Parts::of(value);
    if name == "day" {
        *tally = Some(Box::new(Tally {
            day_from: one.time()?,
            day_end: one.time()?,
            day_after: one.get()?,
            day: total(&mut one)?,
            week_from: Timestamp::ZERO,
            week_after: 0,
            week: Spent::default(),
            daily: None,
            weekly: None,
        }));
        return Some(());
    }
    let tally = tally.as_mut()?;
    let skus = || list(value, |parts| Some((parts.get()?, parts.amount()?)));
    match name {
        "day_skus" => tally.day.skus = skus()?,
        "week" => {
            (tally.week_from, tally.week_after) = (one.time()?, one.get()?);
            tally.week = total(&mut one)?;
        }
        "week_skus" => tally.week.skus = skus()?,
        "daily" => tally.daily = Some(waiting(&mut one)?),
        "daily_skus" => tally.daily.as_mut()?.spent.skus = skus()?,
        "weekly" => tally.weekly = Some(waiting(&mut one)?),
        "weekly_skus" => tally.weekly.as_mut()?.spent.skus = skus()?,
        _ => return None,
    }
    Some(())
}

fn total(parts: &mut Parts<'_>) -> Option<Spent> {
    Some(Spent { total: parts.amount()?, skus: Vec::new() })
}

fn waiting(parts: &mut Parts<'_>) -> Option<Waiting> {
    Some(Waiting {
        from: parts.time()?,
        until: parts.time()?,
        tell_at: parts.time()?,
        after: parts.get()?,
        through: parts.get()?,
        spent: total(parts)?,
    })
}

/// Grants as [`write`] and [`parts`] wrote them.
pub(super) fn grants_of(text: &str) -> Option<Vec<OpenGrant>> {
    list(text, open_grant)
}

fn open_grant(parts: &mut Parts<'_>) -> Option<OpenGrant> {
    Some(OpenGrant {
        number: parts.get()?,
        kind: GrantKind::from_code(parts.get()?)?,
        remaining: parts.amount()?,
        reserved: Amount::from_nanos(parts.rest()?.unwrap_or(0)),
        priority: parts.rest()?.unwrap_or(PRIORITY_DEFAULT),
        expires_at: parts.rest()?.map_or(Timestamp::NEVER, Timestamp::from_micros),
        purchase: parts.rest()?,
        scope: match parts.0.next() {
            None | Some("") => None,
            Some(text) => Some(Arc::new(Scope::from_text(text)?)),
        },
    })
}

fn covered(parts: &mut Parts<'_>) -> Option<Covered> {
    let (cover, kept, stoppable) = (parts.cover()?, parts.get()?, parts.get()?);
    let stop_order = match parts.rest()? {
        None => None,
        Some(at) => Some(StopOrder { stop_at: Timestamp::from_micros(at), sequence: parts.get()? }),
    };
    Some(Covered { cover, kept, stoppable, stop_order })
}

fn after(at: Timestamp, micros: i64) -> Timestamp {
    Timestamp::from_micros(at.micros().wrapping_add(micros))
}

fn meter(parts: &mut Parts<'_>) -> Option<Meter> {
    Some(Meter {
        per_units: parts.get()?,
        rate: parts.get()?,
        sum: parts.get()?,
        posted: parts.get()?,
        cover: parts.cover()?,
    })
}

fn block_group(parts: &mut Parts<'_>) -> Option<BlockGroup> {
    Some(BlockGroup {
        block_seconds: parts.get()?,
        phase: parts.option()?,
        amount: parts.amount()?,
        runs: parts.get()?,
        cover: parts.cover()?,
    })
}

fn retention(parts: &mut Parts<'_>) -> Option<Retention> {
    Some(Retention { deletes_at: parts.time()?, is_ending: parts.flag()? })
}

fn launch(parts: &mut Parts<'_>) -> Option<Launch> {
    Some(Launch {
        until: parts.time()?,
        per_units: parts.get()?,
        rate: parts.get()?,
        cover: parts.cover()?,
    })
}

fn user_limit(parts: &mut Parts<'_>) -> Option<UserLimit> {
    Some(UserLimit { limit: parts.amount()?, fired: parts.flag()? })
}

fn member_limit(parts: &mut Parts<'_>) -> Option<MemberLimit> {
    let member = parts.get()?;
    Some(MemberLimit { member, limit: user_limit(parts)? })
}

fn discount(parts: &mut Parts<'_>) -> Option<Discount> {
    Some(Discount {
        number: parts.get()?,
        sku: parts.option()?,
        bps: parts.get()?,
        effective_from: parts.time()?,
        effective_until: parts.time()?,
        created_at: parts.time()?,
        applies_to: AppliesTo::from_code(parts.get()?)?,
        commitment: parts.rest()?,
    })
}

fn auto_top_up(parts: &mut Parts<'_>) -> Option<AutoTopUp> {
    Some(AutoTopUp {
        threshold: parts.amount()?,
        amount: parts.amount()?,
        method: parts.get()?,
        enabled: parts.flag()?,
        in_flight: parts.rest()?,
        attempted_at: parts.rest()?.map(Timestamp::from_micros),
        in_flight_due: parts.rest()?.map(Timestamp::from_micros),
        caps: Caps {
            daily_attempts_max: parts.rest()?,
            monthly_amount_max: parts.rest()?.map(Amount::from_nanos),
        },
        asked: Asked {
            day_end: Timestamp::from_micros(parts.rest()?.unwrap_or(0)),
            day_attempts: parts.rest()?.unwrap_or(0),
            month_end: Timestamp::from_micros(parts.rest()?.unwrap_or(0)),
            month_amount: Amount::from_nanos(parts.rest()?.unwrap_or(0)),
        },
        paused_until: parts.rest()?.map(Timestamp::from_micros),
    })
}

fn list<T>(text: &str, item: impl Fn(&mut Parts<'_>) -> Option<T>) -> Option<Vec<T>> {
    let whole = |one: &str| {
        let mut parts = Parts::of(one);
        let item = item(&mut parts)?;
        parts.0.next().is_none().then_some(item)
    };
    text.split(',').map(whole).collect()
}

/// The parts of one item being read; nothing where a part is missing or is something else.
struct Parts<'a>(Split<'a, char>);

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Parts<'a> {
        Parts(text.split(':'))
    }

    fn get<T: FromStr>(&mut self) -> Option<T> {
        self.0.next()?.parse().ok()
    }

    fn option(&mut self) -> Option<Option<i64>> {
        match self.0.next()? {
            "" => Some(None),
            text => text.parse().ok().map(Some),
        }
    }

    /// As [`Parts::option`], where what was written may have ended before.
    fn rest(&mut self) -> Option<Option<i64>> {
        match self.0.next() {
            None | Some("") => Some(None),
            Some(text) => text.parse().ok().map(Some),
        }
    }

    /// What an ordinary wallet has none of.
    fn cover(&mut self) -> Option<Cover> {
        self.rest()?.map_or(Some(Cover::NONE), Cover::from_code)
    }

    fn time(&mut self) -> Option<Timestamp> {
        Some(self.option()?.map_or(Timestamp::NEVER, Timestamp::from_micros))
    }

    fn amount(&mut self) -> Option<Amount> {
        self.get().map(Amount::from_nanos)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.0.next()? {
            "0" => Some(false),
            "1" => Some(true),
            _ => None,
        }
    }
}

/// A text being written.
struct Text {
    text: String,
    /// Whether the next part begins a field or an item.
    begins: bool,
}

impl Text {
    fn with_capacity(bytes: usize) -> Text {
        Text { text: String::with_capacity(bytes), begins: true }
    }

    /// Begins a field; its first part follows.
    fn field(&mut self, name: &str) -> &mut Text {
        if !self.text.is_empty() {
            self.text.push(';');
        }
        self.text.push_str(name);
        self.text.push('=');
        self.begins = true;
        self
    }

    fn part(&mut self, value: impl Display) -> &mut Text {
        if !std::mem::take(&mut self.begins) {
            self.text.push(':');
        }
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{value}");
        self
    }

    /// The same for the integers of every wallet, without the detour of formatting.
    fn int(&mut self, value: i64) -> &mut Text {
        if !std::mem::take(&mut self.begins) {
            self.text.push(':');
        }
        if value < 0 {
            self.text.push('-');
        }
        let (mut digits, mut at, mut rest) = ([b'0'; 20], 20, value.unsigned_abs());
        while rest > 0 || at == 20 {
            at -= 1;
            digits[at] += u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        self.text.push_str(std::str::from_utf8(&digits[at..]).unwrap_or(""));
        self
    }

    fn option(&mut self, value: Option<i64>) -> &mut Text {
        match value {
            Some(value) => self.int(value),
            None => self.part(""),
        }
    }

    fn time(&mut self, at: Timestamp) -> &mut Text {
        self.option((at != Timestamp::NEVER).then_some(at.micros()))
    }

    fn flag(&mut self, is_set: bool) -> &mut Text {
        self.part(i64::from(is_set))
    }

    /// Leaves out the parts of an item that say nothing, from the last one on.
    fn end_early(&mut self) {
        let written = self.text.trim_end_matches(':').len();
        self.text.truncate(written);
    }

    /// A field that is left out when it is 0.
    fn number(&mut self, name: &str, value: i64) {
        if value != 0 {
            self.field(name).part(value);
        }
    }

    /// A field that is left out when it never comes.
    fn instant(&mut self, name: &str, at: Timestamp) {
        if at != Timestamp::NEVER {
            self.field(name).time(at);
        }
    }

    /// A field that is left out when it is not set.
    fn mark(&mut self, name: &str, is_set: bool) {
        self.number(name, i64::from(is_set));
    }

    /// A field that is left out when it is empty.
    fn list<T>(&mut self, name: &str, items: &[T], write: impl Fn(&mut Text, &T)) {
        if !items.is_empty() {
            self.field(name).items(items, write);
        }
    }

    fn items<T>(&mut self, items: &[T], write: impl Fn(&mut Text, &T)) {
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                self.text.push(',');
            }
            self.begins = true;
            write(self, item);
        }
    }
}
