//! Ids route themselves: a public id carries its organization, and an organization its bucket.
//!
//! *Invariant:* an organization id is `bucket << 53 | 53 random bits` and never changes; everything
//! below an organization is numbered inside it, by one counter for all kinds of row, so a number
//! names one thing. The text is three letters, `_` and 26 characters of lowercase base32
//! (Crockford's alphabet) over organization and number.

use std::fmt;
use std::str::FromStr;

/// Buckets that organizations are spread over, fixed for ever.
pub const BUCKET_COUNT: i64 = 1024;
const RANDOM_BITS: u32 = 53;
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// What each letter of the alphabet stands for, by its byte.
const VALUES: [u8; 256] = values();
const NO_LETTER: u8 = u8::MAX;
const PREFIX_LENGTH: usize = 3;
const TEXT_LENGTH: usize = 30;

const fn values() -> [u8; 256] {
    let mut values = [NO_LETTER; 256];
    let (mut place, mut value) = (0, 0);
    while place < ALPHABET.len() {
        // A byte always finds its place among 256.
        let letter = ALPHABET[place];
        let mut at = 0;
        let mut byte = 0;
        while byte != letter {
            at += 1;
            byte += 1;
        }
        values[at] = value;
        place += 1;
        value += 1;
    }
    values
}

/// One tenant: the distribution key of every row it owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrgId(i64);

impl OrgId {
    /// Makes an id in `bucket` from 53 of the `random` bits.
    pub fn new(bucket: i64, random: u64) -> OrgId {
        let low = i64::try_from(random >> (64 - RANDOM_BITS)).unwrap_or(0);
        OrgId((bucket.rem_euclid(BUCKET_COUNT) << RANDOM_BITS) | low)
    }

    /// Takes an id as it was stored.
    pub const fn from_stored(id: i64) -> OrgId {
        OrgId(id)
    }

    pub const fn get(self) -> i64 {
        self.0
    }

    /// The bucket of this organization, 0..1023: its place in every key, and its lane.
    pub const fn bucket(self) -> i64 {
        (self.0 >> RANDOM_BITS) & (BUCKET_COUNT - 1)
    }
}

/// The kind of thing an id names. The registry only grows: a prefix is never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Platform,
    Organization,
    ApiKey,
    Member,
    Wallet,
    Grant,
    Deposit,
    Arrival,
    Refund,
    Dispute,
    Document,
    PaymentMethod,
    Sku,
    Price,
    Discount,
    Resource,
    Run,
    Hold,
    Limit,
    UsageEvent,
    LedgerTransaction,
    Event,
    TestClock,
    Request,
    Coupon,
}

impl Kind {
    pub const ALL: [Kind; 25] = [
        Kind::Platform,
        Kind::Organization,
        Kind::ApiKey,
        Kind::Member,
        Kind::Wallet,
        Kind::Grant,
        Kind::Deposit,
        Kind::Arrival,
        Kind::Refund,
        Kind::Dispute,
        Kind::Document,
        Kind::PaymentMethod,
        Kind::Sku,
        Kind::Price,
        Kind::Discount,
        Kind::Resource,
        Kind::Run,
        Kind::Hold,
        Kind::Limit,
        Kind::UsageEvent,
        Kind::LedgerTransaction,
        Kind::Event,
        Kind::TestClock,
        Kind::Request,
        Kind::Coupon,
    ];

    pub const fn prefix(self) -> &'static str {
        match self {
            Kind::Platform => "plt",
            Kind::Organization => "org",
            Kind::ApiKey => "key",
            Kind::Member => "mem",
            Kind::Wallet => "wal",
            Kind::Grant => "grt",
            Kind::Deposit => "dep",
            Kind::Arrival => "arv",
            Kind::Refund => "rfd",
            Kind::Dispute => "dsp",
            Kind::Document => "doc",
            Kind::PaymentMethod => "pmt",
            Kind::Sku => "sku",
            Kind::Price => "prc",
            Kind::Discount => "dsc",
            Kind::Resource => "res",
            Kind::Run => "run",
            Kind::Hold => "hld",
            Kind::Limit => "lmt",
            Kind::UsageEvent => "uev",
            Kind::LedgerTransaction => "ltx",
            Kind::Event => "evn",
            Kind::TestClock => "clk",
            Kind::Request => "rqt",
            Kind::Coupon => "cpn",
        }
    }
}

impl Kind {
    /// The glossary word for it.
    pub const fn noun(self) -> &'static str {
        match self {
            Kind::Platform => "platform",
            Kind::Organization => "organization",
            Kind::ApiKey => "API key",
            Kind::Member => "member",
            Kind::Wallet => "wallet",
            Kind::Grant => "grant",
            Kind::Deposit => "deposit",
            Kind::Arrival => "arrival",
            Kind::Refund => "refund",
            Kind::Dispute => "dispute",
            Kind::Document => "document",
            Kind::PaymentMethod => "payment method",
            Kind::Sku => "SKU",
            Kind::Price => "price",
            Kind::Discount => "discount",
            Kind::Resource => "resource",
            Kind::Run => "run",
            Kind::Hold => "hold",
            Kind::Limit => "limit",
            Kind::UsageEvent => "usage event",
            Kind::LedgerTransaction => "ledger transaction",
            Kind::Event => "event",
            Kind::TestClock => "test clock",
            Kind::Request => "request",
            Kind::Coupon => "coupon",
        }
    }
}

/// A public id: what it names, whose it is, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    pub kind: Kind,
    pub org: OrgId,
    pub number: i64,
}

/// The text is not an id of any kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnId;

impl Id {
    pub const fn new(kind: Kind, org: OrgId, number: i64) -> Id {
        Id { kind, org, number }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let high = u128::from(self.org.0.cast_unsigned());
        let mut bits = (high << 64) | u128::from(self.number.cast_unsigned());
        let mut text = [b'_'; TEXT_LENGTH];
        text[..PREFIX_LENGTH].copy_from_slice(self.kind.prefix().as_bytes());
        for place in text[PREFIX_LENGTH + 1..].iter_mut().rev() {
            *place = ALPHABET[usize::try_from(bits & 31).unwrap_or(0)];
            bits >>= 5;
        }
        // Letters and digits are text as they are.
        f.write_str(str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Id {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Id, NotAnId> {
        if text.len() != TEXT_LENGTH || !text.is_ascii() {
            return Err(NotAnId);
        }
        let (prefix, rest) = text.split_once('_').ok_or(NotAnId)?;
        let kind = *Kind::ALL.iter().find(|kind| kind.prefix() == prefix).ok_or(NotAnId)?;
        let mut bits: u128 = 0;
        for letter in rest.bytes() {
            let value = VALUES[usize::from(letter)];
            if value == NO_LETTER || bits >> 123 != 0 {
                return Err(NotAnId);
            }
            bits = (bits << 5) | u128::from(value);
        }
        let half = |bits: u128| u64::try_from(bits & u128::from(u64::MAX)).map_err(|_| NotAnId);
        let (org, number) = (half(bits >> 64)?.cast_signed(), half(bits)?.cast_signed());
        if org < 0 || number < 0 {
            return Err(NotAnId);
        }
        Ok(Id { kind, org: OrgId(org), number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_and_finds_its_bucket() {
        let org = OrgId::new(1023, u64::MAX);
        assert_eq!(org.bucket(), 1023);
        for kind in Kind::ALL {
            let id = Id::new(kind, org, 42);
            let text = id.to_string();
            assert_eq!(text.len(), TEXT_LENGTH);
            assert_eq!(text.parse(), Ok(id));
        }
    }

    #[test]
    fn text_that_is_no_id_is_refused() {
        let good = Id::new(Kind::Wallet, OrgId::new(3, 7 << 20), 1).to_string();
        let foreign = good.replace("wal_", "xyz_");
        let upper = good.to_uppercase();
        let long = format!("{good}0");
        let overflowing = format!("wal_{}", "z".repeat(26));
        for text in ["", "wal_", &foreign, &upper, &long, &overflowing, "wal_ø"] {
            assert_eq!(text.parse::<Id>(), Err(NotAnId), "{text}");
        }
    }

    #[test]
    fn prefixes_are_three_letters_and_never_shared() {
        let mut prefixes: Vec<_> = Kind::ALL.iter().map(|kind| kind.prefix()).collect();
        prefixes.sort_unstable();
        prefixes.dedup();
        assert_eq!(prefixes.len(), Kind::ALL.len());
        assert!(prefixes.iter().all(|prefix| prefix.len() == 3));
    }
}
