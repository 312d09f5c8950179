//! Values of settings as text: how each kind is read, how it is shown, and what is allowed.
//!
//! *Law:* what is shown is read back as the same value. No value contains `;`, which joins settings
//! where a platform keeps them.

use super::kind::{Admission, Expiry, Overdraft, Pack, RefundPolicy, Terms, VolumeTier};
use crate::Amount;
use crate::coupon::BonusSlabs;
use crate::discount::{bps_of_percent, percent};

/// The longest text that a setting takes, in characters.
const TEXT_CHARS_MAX: usize = 60;
/// The longest list that a setting takes.
const LIST_MAX: usize = 16;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
/// The longest time that a setting takes: ten years.
const SPAN_SECONDS_MAX: i64 = 3_660 * DAY;
const MONTHS_MAX: i64 = 120;

/// A kind of value that a setting can have.
pub trait Value: Sized {
    /// None when `text` is no such value.
    fn read(text: &str) -> Option<Self>;
    fn show(&self) -> String;
    /// What a text may be, to be said behind "is".
    fn allowed() -> String;
}

impl Value for i64 {
    fn read(text: &str) -> Option<i64> {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| is_number)
    }

    fn show(&self) -> String {
        self.to_string()
    }

    fn allowed() -> String {
        "a whole number".into()
    }
}

impl Value for bool {
    fn read(text: &str) -> Option<bool> {
        match text {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        }
    }

    fn show(&self) -> String {
        if *self { "on".into() } else { "off".into() }
    }

    fn allowed() -> String {
        "on or off".into()
    }
}

impl Value for Amount {
    fn read(text: &str) -> Option<Amount> {
        Amount::parse(text).ok().filter(|amount| !amount.is_negative())
    }

    fn show(&self) -> String {
        self.to_string()
    }

    fn allowed() -> String {
        "an amount with at most 9 decimals, not below zero".into()
    }
}

impl Value for String {
    fn read(text: &str) -> Option<String> {
        let is_plain = |letter: char| letter != ';' && !letter.is_control();
        let fits = (1..=TEXT_CHARS_MAX).contains(&text.chars().count());
        (fits && text.trim() == text && text.chars().all(is_plain)).then(|| text.to_owned())
    }

    fn show(&self) -> String {
        self.clone()
    }

    fn allowed() -> String {
        format!("a text of 1 to {TEXT_CHARS_MAX} characters without ;")
    }
}

impl<T: Value> Value for Option<T> {
    fn read(text: &str) -> Option<Option<T>> {
        if text == "off" { Some(None) } else { T::read(text).map(Some) }
    }

    fn show(&self) -> String {
        self.as_ref().map_or("off".into(), T::show)
    }

    fn allowed() -> String {
        format!("off or {}", T::allowed())
    }
}

impl<T: Value> Value for Vec<T> {
    fn read(text: &str) -> Option<Vec<T>> {
        if text == "none" {
            return Some(Vec::new());
        }
        let items: Option<Vec<T>> = text.split(',').map(|item| T::read(item.trim())).collect();
        items.filter(|items| items.len() <= LIST_MAX)
    }

    fn show(&self) -> String {
        if self.is_empty() {
            return "none".into();
        }
        self.iter().map(T::show).collect::<Vec<_>>().join(",")
    }

    fn allowed() -> String {
        format!("none, or up to {LIST_MAX} joined by commas, each {}", T::allowed())
    }
}

/// The inside of `word(inside)`.
fn inside<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.strip_prefix(word)?.strip_prefix('(')?.strip_suffix(')')
}

/// A time such as `90s`, `12h` or `30d`, in seconds; more than none.
fn span(text: &str) -> Option<i64> {
    let count = |unit| i64::read(text.strip_suffix(unit)?);
    let by_unit = [('s', 1), ('h', HOUR), ('d', DAY)];
    let seconds = by_unit.iter().find_map(|(unit, each)| count(*unit)?.checked_mul(*each))?;
    (1..=SPAN_SECONDS_MAX).contains(&seconds).then_some(seconds)
}

fn days_or_seconds(seconds: i64) -> String {
    if seconds % DAY == 0 { format!("{}d", seconds / DAY) } else { format!("{seconds}s") }
}

fn months(text: &str) -> Option<i64> {
    i64::read(text.strip_suffix("mo")?).filter(|months| (1..=MONTHS_MAX).contains(months))
}

impl Value for Terms {
    fn read(text: &str) -> Option<Terms> {
        if text == "per_second" {
            return Some(Terms::PerSecond);
        }
        let window = inside(text, "window").and_then(span).map(Terms::Window);
        window.or_else(|| inside(text, "block").and_then(span).map(Terms::Block))
    }

    fn show(&self) -> String {
        match self {
            Terms::PerSecond => "per_second".into(),
            Terms::Window(seconds) => format!("window({seconds}s)"),
            Terms::Block(seconds) => format!("block({seconds}s)"),
        }
    }

    fn allowed() -> String {
        "per_second, window(300s) or block(3600s), of any length".into()
    }
}

impl Value for Admission {
    fn read(text: &str) -> Option<Admission> {
        let amount = inside(text, "min_available").and_then(Amount::read);
        amount
            .map(Admission::MinAvailable)
            .or_else(|| inside(text, "hold").and_then(span).map(Admission::HoldSeconds))
    }

    fn show(&self) -> String {
        match self {
            Admission::MinAvailable(amount) => format!("min_available({amount})"),
            Admission::HoldSeconds(seconds) => format!("hold({seconds}s)"),
        }
    }

    fn allowed() -> String {
        "min_available(3.00) of any amount, or hold(60s) of any length".into()
    }
}

impl Value for Overdraft {
    fn read(text: &str) -> Option<Overdraft> {
        match text {
            "absorb" => Some(Overdraft::Absorb),
            "carry" => Some(Overdraft::Carry),
            _ => inside(text, "cap").and_then(Amount::read).map(Overdraft::Cap),
        }
    }

    fn show(&self) -> String {
        match self {
            Overdraft::Absorb => "absorb".into(),
            Overdraft::Carry => "carry".into(),
            Overdraft::Cap(most) => format!("cap({most})"),
        }
    }

    fn allowed() -> String {
        "absorb, carry, or cap(5.00) of any amount".into()
    }
}

impl Value for Expiry {
    fn read(text: &str) -> Option<Expiry> {
        if text == "never" {
            return Some(Expiry::Never);
        }
        let fixed = inside(text, "fixed").and_then(span).map(Expiry::Fixed);
        fixed.or_else(|| inside(text, "rolling").and_then(months).map(Expiry::Rolling))
    }

    fn show(&self) -> String {
        match self {
            Expiry::Never => "never".into(),
            Expiry::Fixed(seconds) => format!("fixed({})", days_or_seconds(*seconds)),
            Expiry::Rolling(months) => format!("rolling({months}mo)"),
        }
    }

    fn allowed() -> String {
        "never, fixed(90d) of any length, or rolling(3mo) of any number of months".into()
    }
}

impl Value for BonusSlabs {
    fn read(text: &str) -> Option<BonusSlabs> {
        if text == "none" { Some(BonusSlabs::default()) } else { BonusSlabs::parse(text) }
    }

    fn show(&self) -> String {
        if self.is_empty() { "none".into() } else { self.to_string() }
    }

    fn allowed() -> String {
        "none, or bonuses by size such as 100:5%,500:50.00".into()
    }
}

impl Value for RefundPolicy {
    fn read(text: &str) -> Option<RefundPolicy> {
        match text {
            "none" => Some(RefundPolicy::None),
            "unspent" => Some(RefundPolicy::Unspent),
            _ => inside(text, "within").and_then(span).map(RefundPolicy::Within),
        }
    }

    fn show(&self) -> String {
        match self {
            RefundPolicy::None => "none".into(),
            RefundPolicy::Unspent => "unspent".into(),
            RefundPolicy::Within(seconds) => format!("within({})", days_or_seconds(*seconds)),
        }
    }

    fn allowed() -> String {
        "none, unspent, or within(30d) of any length".into()
    }
}

impl Value for VolumeTier {
    fn read(text: &str) -> Option<VolumeTier> {
        let (drawn_min, discount) = text.split_once(':')?;
        let discount_bps = bps_of_percent(discount.strip_suffix('%')?)?;
        Some(VolumeTier { drawn_min: Amount::read(drawn_min)?, discount_bps })
    }

    fn show(&self) -> String {
        format!("{}:{}%", self.drawn_min, percent(self.discount_bps))
    }

    fn allowed() -> String {
        "an amount and what drawing it earns, such as 1000:5%".into()
    }
}

impl Value for Pack {
    /// `PRICE[*][:CREDITS[+BONUS][:TAGLINE]]`: `100*` is recommended, `20:2000+200:Regular use`
    /// gives 200 credits more than it costs and says so.
    fn read(text: &str) -> Option<Pack> {
        let mut parts = text.splitn(3, ':');
        let price = parts.next()?;
        let starred = price.strip_suffix('*');
        let (credits, bonus) = match parts.next() {
            Some(given) => match given.split_once('+') {
                Some((credits, bonus)) => (Some(Amount::read(credits)?), Amount::read(bonus)?),
                None => (Some(Amount::read(given)?), Amount::ZERO),
            },
            None => (None, Amount::ZERO),
        };
        let tagline = match parts.next() {
            Some(tagline) => Some(String::read(tagline)?),
            None => None,
        };
        let price = Amount::read(starred.unwrap_or(price))?;
        Some(Pack { price, recommended: starred.is_some(), credits, bonus, tagline })
    }

    fn show(&self) -> String {
        let mut text = self.price.to_string();
        if self.recommended {
            text.push('*');
        }
        if let Some(credits) = self.credits {
            text.push_str(&format!(":{credits}"));
        }
        if !self.bonus.is_zero() {
            text.push_str(&format!("+{}", self.bonus));
        }
        if let Some(tagline) = &self.tagline {
            text.push_str(&format!(":{tagline}"));
        }
        text
    }

    fn allowed() -> String {
        "a price with what it buys: 50, 100* (recommended), 20:2000+200:Regular use \
         (credits, bonus credits, tagline)"
            .into()
    }
}
