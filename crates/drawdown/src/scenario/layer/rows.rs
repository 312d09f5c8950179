//! What lists show, as plain data.

use std::collections::BTreeMap;

use domain::attribution::{Attribution, ResourceUse};
use domain::conversion::Conversion;
use domain::coupon::Coupon;
use domain::document::{About, Document, Party, month_text};
use domain::grant::Grant;
use domain::limit::Limit;
use domain::profile::BillRounding;
use domain::projection::Projection;
use domain::scope::Scope;
use domain::settle::MAILED;
use domain::statement::{Item, Statement, shown};
use domain::suggestion::{Advice, Suggestion};
use domain::wallet::{Balance, Wallet};
use domain::{Amount, OrgId, Timestamp};

#[derive(Clone, Debug)]
pub struct BalanceRow {
    pub posted: Amount,
    pub accrued: Amount,
    pub held: Amount,
    pub available: Amount,
    pub shown: Amount,
    pub burn_per_hour: Amount,
    /// Nothing, when nothing that zero stops is running.
    pub runs_out_at: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct DepositRow {
    pub number: i64,
    pub amount: Amount,
    /// What was asked for, where something else was credited.
    pub asked: Option<Amount>,
    pub tax: Amount,
    /// What its provider kept, once it is known.
    pub fee: Option<Amount>,
    pub conversion: Option<Conversion>,
    pub rail: String,
    pub state: String,
    pub is_auto_top_up: bool,
    pub created_at: Timestamp,
    pub quote_until: Option<Timestamp>,
    pub seen_at: Option<Timestamp>,
    pub grant: Option<i64>,
    /// What the member who paid is called.
    pub paid_by: Option<String>,
    pub reason: String,
}

#[derive(Clone, Debug)]
pub struct LimitRow {
    pub number: i64,
    pub scope: String,
    pub window: String,
    pub cap: Amount,
    pub spent: Amount,
    pub held: Amount,
    pub left: Amount,
    pub resets_at: Timestamp,
    pub stops_at: Option<Timestamp>,
}

impl LimitRow {
    pub fn at(limit: &Limit, now: Timestamp) -> LimitRow {
        LimitRow {
            number: limit.number,
            scope: limit.scope.to_string(),
            window: limit.window.name().to_owned(),
            cap: limit.cap,
            spent: limit.spent(now),
            held: limit.held,
            left: limit.left(now),
            resets_at: limit.resets_at,
            stops_at: Some(limit.stops_at()).filter(|&at| at != Timestamp::NEVER),
        }
    }
}

#[derive(Clone, Debug)]
pub struct MemberRow {
    pub number: i64,
    pub name: String,
    pub role: String,
    pub is_present: bool,
}

/// Money that came and is not what was asked for.
#[derive(Clone, Debug)]
pub struct ArrivalRow {
    pub number: i64,
    pub deposit: i64,
    pub amount: Amount,
    pub reason: String,
    pub state: String,
    /// The deposit that has it.
    pub became: Option<i64>,
    pub fee: Option<Amount>,
    pub conversion: Option<Conversion>,
    pub note: String,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct RefundRow {
    pub number: i64,
    pub deposit: i64,
    pub amount: Amount,
    pub tax: Amount,
    pub rail: String,
    pub state: String,
    pub created_at: Timestamp,
    pub reason: String,
}

#[derive(Clone, Debug)]
pub struct DisputeRow {
    pub number: i64,
    pub deposit: i64,
    pub state: String,
    pub withdrawn: Amount,
    pub withdrawn_tax: Amount,
    pub created_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct GrantRow {
    pub number: i64,
    pub kind: String,
    pub amount: Amount,
    pub remaining: Amount,
    pub reserved: Amount,
    pub priority: i64,
    pub note: String,
    pub deposit: Option<i64>,
    /// When it could be drawn first, if that was later than it was given.
    pub effective_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    /// What it pays for, and the platform whose SKUs are named.
    pub scope: Option<(OrgId, Scope)>,
}

#[derive(Clone, Debug)]
pub struct CouponRow {
    pub code: String,
    pub gift: String,
    pub redeemed: i64,
    pub redemptions_max: i64,
}

impl From<&Coupon> for CouponRow {
    fn from(coupon: &Coupon) -> CouponRow {
        CouponRow {
            code: coupon.code.as_str().to_owned(),
            gift: coupon.gift.text(),
            redeemed: coupon.claimed,
            redemptions_max: coupon.redemptions_max,
        }
    }
}

#[derive(Clone, Debug)]
pub struct HoldRow {
    pub number: i64,
    pub amount: Amount,
    pub captured: Option<Amount>,
    pub state: String,
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct RunRow {
    pub number: i64,
    pub resource: i64,
    pub sku: String,
    pub started_at: Timestamp,
    pub stopped_at: Option<Timestamp>,
    pub stop_reason: Option<String>,
    pub waits: bool,
    /// Under block terms: until when it is paid.
    pub paid_until: Option<Timestamp>,
    /// R(price × time) up to now, of this run alone.
    pub cost: Amount,
}

impl From<Balance> for BalanceRow {
    fn from(balance: Balance) -> BalanceRow {
        BalanceRow {
            posted: balance.posted,
            accrued: balance.accrued,
            held: balance.held,
            available: balance.available,
            shown: balance.shown,
            burn_per_hour: balance.burn_per_hour,
            runs_out_at: Some(balance.runs_out_at).filter(|&at| at != Timestamp::NEVER),
        }
    }
}

impl GrantRow {
    pub fn of(grant: &Grant, wallet: &Wallet) -> GrantRow {
        let open = wallet.find_grant(grant.number);
        let expires_at =
            open.map_or(grant.expires_at, |open| open.lapses_at(wallet.purchased_until()));
        GrantRow {
            number: grant.number,
            kind: grant.kind.name().to_string(),
            amount: grant.amount,
            remaining: open.map_or(Amount::ZERO, |open| open.remaining),
            reserved: open.map_or(Amount::ZERO, |open| open.reserved),
            priority: grant.priority,
            note: grant.note.clone(),
            deposit: grant.deposit,
            effective_at: Some(grant.effective_at).filter(|&at| at > grant.created_at),
            expires_at: Some(expires_at).filter(|&at| at != Timestamp::NEVER),
            scope: grant.scope.as_ref().map(|scope| (wallet.platform, Scope::clone(scope))),
        }
    }
}

/// A month of a wallet, and its resources.
#[derive(Clone, Debug)]
pub struct ProjectionRow {
    pub until: Timestamp,
    pub spent: Amount,
    pub burn_per_hour: Amount,
    pub to_come: Amount,
    pub projected: Amount,
    pub resources_this_month: i64,
    pub resources_in_all: i64,
    pub running_count: i64,
}

impl ProjectionRow {
    /// `resources`: made this month, and in all.
    pub fn of(projection: &Projection, resources: (i64, i64), running_count: i64) -> ProjectionRow {
        ProjectionRow {
            until: projection.month.end,
            spent: projection.spent,
            burn_per_hour: projection.burn_per_hour,
            to_come: projection.to_come,
            projected: projection.projected,
            resources_this_month: resources.0,
            resources_in_all: resources.1,
            running_count,
        }
    }
}

/// A document, with the number that people read.
#[derive(Clone, Debug)]
pub struct DocumentRow {
    pub reference: String,
    pub kind: String,
    /// The deposit or refund, or the month.
    pub about: String,
    pub number: Option<i64>,
    pub corrects: Option<String>,
    pub issued_at: Timestamp,
    pub seller: String,
    pub buyer: String,
    pub paid_by: String,
    pub conversion: Option<Conversion>,
    pub net: Amount,
    pub tax: Amount,
    pub gross: Amount,
}

impl DocumentRow {
    /// `all`: where the document that it corrects is found.
    pub fn of(document: &Document, all: &[Document]) -> DocumentRow {
        let party = |party: &Party| match party.tax_id.as_str() {
            "" => party.name.clone(),
            tax_id => format!("{} {tax_id}", party.name),
        };
        let (about, number) = match document.about {
            About::Deposit(number) | About::Refund(number) => (String::new(), Some(number)),
            About::Month(month) => (month_text(month), None),
        };
        let corrected = |number| all.iter().find(|it| it.number == number);
        DocumentRow {
            reference: document.reference(),
            kind: document.kind.name().to_string(),
            about,
            number,
            corrects: document.corrects.and_then(corrected).map(Document::reference),
            issued_at: document.issued_at,
            seller: party(&document.seller),
            buyer: party(&document.buyer),
            paid_by: document.paid.by.clone(),
            conversion: document.paid.conversion.clone(),
            net: document.net,
            tax: document.tax.amount,
            gross: document.gross(),
        }
    }
}

/// A statement of a month, with what people are shown of each amount.
#[derive(Clone, Debug)]
pub struct StatementRow {
    pub opening: (Amount, String),
    /// What each line is about, and the SKU of what was used.
    pub lines: Vec<(String, Option<String>, Amount, String)>,
    pub used: (Amount, String),
    pub tax: (Amount, String),
    pub tax_on_top: (Amount, String),
    pub closing: (Amount, String),
}

impl StatementRow {
    pub fn of(statement: &Statement, rounding: BillRounding) -> StatementRow {
        let bill = |amount: Amount| (amount, shown(amount, rounding));
        let balance = |amount: Amount| (amount, amount.floor_to_cents());
        let line = |(item, amount): &(Item, Amount)| {
            let sku = item.sku().map(str::to_string);
            (item.name().to_string(), sku, *amount, shown(*amount, rounding))
        };
        StatementRow {
            opening: balance(statement.opening),
            lines: statement.lines.iter().map(line).collect(),
            used: bill(statement.used()),
            tax: bill(statement.tax),
            tax_on_top: bill(statement.tax_on_top),
            closing: balance(statement.closing),
        }
    }
}

/// What something costs one organization now.
#[derive(Clone, Debug)]
pub struct PriceRow {
    pub sku: String,
    pub dimension: String,
    /// Before and after the discount.
    pub list: Amount,
    pub price: Amount,
    pub discount_bps: i64,
    pub per_units: i64,
    /// What an hour of one GPU costs, after the discount.
    pub gpu_hour: Option<Amount>,
    /// The SKU that it is a load profile of.
    pub variant_of: Option<String>,
}

/// What anyone may read: the platform's name, whom to ask for a discount, and the prices in force.
#[derive(Clone, Debug)]
pub struct PricePageRow {
    pub name: String,
    pub discount_contact: Option<String>,
    pub prices: Vec<PriceRow>,
}

#[derive(Clone, Debug)]
pub struct ResourceRow {
    pub number: i64,
    pub sku: String,
    pub status: String,
    pub redeployed_from: Option<i64>,
}

/// How a resource was used.
#[derive(Clone, Debug)]
pub struct UseRow {
    pub resource: i64,
    pub sku: String,
    pub running_seconds: i64,
    pub requests: i64,
    pub attribution: Attribution,
}

impl UseRow {
    pub fn of(row: &ResourceUse, codes: &BTreeMap<i64, String>) -> UseRow {
        UseRow {
            resource: row.resource,
            sku: codes.get(&row.sku).cloned().unwrap_or_default(),
            running_seconds: row.running_seconds,
            requests: i64::try_from(row.requests).unwrap_or(i64::MAX),
            attribution: row.attribution,
        }
    }
}

/// What could be cheaper, with its arithmetic.
#[derive(Clone, Debug)]
pub struct SuggestionRow {
    pub resource: i64,
    pub advice: String,
    pub sku: String,
    pub alternative: Option<String>,
    pub cost: Amount,
    pub instead: Amount,
    pub saves: Amount,
    pub saves_percent: i64,
    pub paid_milliseconds: i64,
    pub busy_percent: i64,
}

impl SuggestionRow {
    pub fn of(row: &Suggestion, codes: &BTreeMap<i64, String>) -> SuggestionRow {
        let code = |sku: i64| codes.get(&sku).cloned().unwrap_or_default();
        SuggestionRow {
            resource: row.resource,
            advice: row.advice.name().to_string(),
            sku: code(row.sku),
            alternative: match row.advice {
                Advice::Replace { sku, .. } => Some(code(sku)),
                Advice::UnderUsed | Advice::Commit | Advice::Pause(_) => None,
            },
            cost: row.cost,
            instead: row.instead,
            saves: row.saves,
            saves_percent: row.saves_percent,
            paid_milliseconds: row.paid_milliseconds,
            busy_percent: row.busy_percent,
        }
    }
}

/// One ledger transaction.
#[derive(Clone, Debug)]
pub struct LedgerRow {
    pub number: i64,
    pub kind: String,
    pub at: Timestamp,
    pub occurred_at: Option<Timestamp>,
    pub amount: Amount,
    pub tax: Amount,
    /// Changes of grants, in the order in which they were drawn.
    pub postings: Vec<(i64, Amount)>,
    pub absorbed: Amount,
    pub debt: Amount,
    pub balance: Amount,
    /// The run whose block it is.
    pub run: Option<i64>,
    /// The client's id of a usage event.
    pub event: Option<String>,
    /// The periods of a settlement: when each ended and what it cost.
    pub periods: Vec<(Timestamp, Amount)>,
}

#[derive(Clone, Debug)]
pub struct EventRow {
    pub number: i64,
    pub kind: String,
    pub at: Timestamp,
    pub is_mailed: bool,
    /// `deposit`, `refund`, `dispute`, `grant`, `hold`, `run` and `resource` by number.
    pub fields: Vec<(String, String)>,
}

/// Whether an event says that its mail was not sent (requirements N20).
pub fn says_not_mailed(fields: &[(String, String)]) -> bool {
    fields.iter().any(|(name, value)| name == MAILED && value == "no")
}
