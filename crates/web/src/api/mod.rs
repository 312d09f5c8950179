//! The API, one file per noun: what goes in, what comes out, and the handlers.
//!
//! *Invariant:* a command is rendered by one function, whether its answer is fresh or repeated for
//! an idempotency key; an answer shows a row as it stood when it was decided.

pub mod api_keys;
pub mod arrivals;
pub mod auto_top_up;
pub mod commitments;
pub mod coupons;
pub mod deposits;
pub mod discounts;
pub mod disputes;
pub mod documents;
pub mod dormant_balances;
pub mod events;
pub mod explanations;
pub mod grants;
pub mod holds;
pub mod ledger;
pub mod limits;
pub mod members;
pub mod notices;
pub mod operator_reports;
pub mod organizations;
pub mod parties;
pub mod payment_methods;
pub mod platforms;
pub mod price_list;
pub mod price_page;
pub mod prices;
pub mod projection;
pub mod redemptions;
pub mod refunds;
pub mod reports;
pub mod resource_uses;
pub mod resources;
pub mod roll_forward;
pub mod runs;
pub mod server;
pub mod skus;
pub mod statements;
pub mod suggestions;
pub mod tax_rates;
pub mod test_clocks;
pub mod usage_events;
pub mod wallets;

use app::Answer;
use domain::{Id, Kind, Refusal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::auth::Home;
use crate::error::Fault;
use crate::extract::Call;
use crate::wire::IdText;

/// Letters of a name or a note that people wrote.
pub const NAME_CHARS_MAX: usize = 200;
pub const NOTE_CHARS_MAX: usize = 500;
/// Bytes of a code that programs use.
pub const CODE_LENGTH_MAX: usize = 64;

/// A page of the rows of one organization.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationQuery {
    /// Whose rows; a key of an organization may leave it out.
    pub organization: Option<IdText>,
    /// Rows of the page, 1 to 100; 20 when none is given.
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A page of the rows of one platform.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlatformQuery {
    /// Whose rows; only the operator has to say.
    pub platform: Option<IdText>,
    /// Rows of the page, 1 to 100; 20 when none is given.
    pub limit: Option<i64>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A body that says nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Renders the answer of a command that makes something.
pub fn created(outcome: &Result<Answer, Refusal>) -> (u16, String) {
    rendered(outcome, 201)
}

/// Renders the answer of a command about something that exists.
pub fn done(outcome: &Result<Answer, Refusal>) -> (u16, String) {
    rendered(outcome, 200)
}

fn rendered(outcome: &Result<Answer, Refusal>, success: u16) -> (u16, String) {
    match outcome {
        Ok(answer) => (success, view(answer)),
        Err(refusal) => {
            let fault = Fault::Refused(refusal.clone());
            (fault.status(), fault.to_body().to_string())
        }
    }
}

fn view(answer: &Answer) -> String {
    match answer {
        Answer::Platform(org, row) => json(&platforms::PlatformOut::of(*org, row)),
        Answer::Organization(org, row) => json(&organizations::OrganizationOut::of(*org, row)),
        Answer::ApiKey(org, row) => json(&api_keys::ApiKeyOut::of(*org, row)),
        Answer::Limit(org, row, now) => json(&limits::SpendLimitOut::at(*org, row, *now)),
        Answer::Member(org, row, name) => json(&members::MemberOut::answered(*org, row, name)),
        Answer::Sku(org, row) => json(&skus::SkuOut::of(*org, row)),
        Answer::Price(org, row) => json(&prices::PriceOut::of(*org, row)),
        Answer::Discount(org, platform, row) => {
            json(&discounts::DiscountOut::of(*org, *platform, row))
        }
        Answer::Grant(org, platform, row) => json(&grants::GrantOut::of(*org, *platform, row)),
        Answer::Deposit(org, row) => json(&deposits::DepositOut::of(*org, row)),
        Answer::Arrival(org, row) => json(&arrivals::ArrivalOut::of(*org, row)),
        Answer::Refund(org, row) => json(&refunds::RefundOut::of(*org, row)),
        Answer::Dispute(org, row) => json(&disputes::DisputeOut::of(*org, row)),
        Answer::Document(org, row) => json(&documents::DocumentOut::of(*org, row)),
        Answer::Party(org, row) => json(&parties::PartyOut::of(*org, row)),
        Answer::PaymentMethod(org, row) => json(&payment_methods::PaymentMethodOut::of(*org, row)),
        Answer::AutoTopUp(org, rule) => json(&auto_top_up::AutoTopUpOut::of(*org, rule)),
        Answer::TaxRate(org, rate) => json(&tax_rates::TaxRateOut::of(*org, rate.as_ref())),
        Answer::Notices(org, row) => json(&notices::NoticesOut::of(*org, *row)),
        Answer::UserLimit(org, member, limit) => {
            json(&wallets::LimitOut::of(*org, *member, limit.as_ref()))
        }
        Answer::Released(org) => json(&wallets::FreezeOut::released(*org)),
        Answer::Resource(org, row) => json(&resources::ResourceOut::of(*org, row)),
        Answer::Run(org, row) => json(&runs::RunOut::of(*org, row)),
        Answer::Hold(org, row) => json(&holds::HoldOut::of(*org, row)),
        Answer::Charge { transaction, is_duplicate } => {
            json(&usage_events::ChargeOut::of(transaction, *is_duplicate))
        }
        Answer::Coupon(org, row) => json(&coupons::CouponOut::of(*org, row)),
        Answer::Claim(claim, row) => json(&coupons::CouponOut::of(claim.claimant, row)),
        Answer::Redemption(org, row) => json(&redemptions::RedemptionOut::of(*org, row)),
        Answer::Permitted | Answer::Woken(_) => "{}".to_owned(),
    }
}

/// Writes one of our own values; strings, numbers and lists of them can always be written.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned())
}

/// The number of a SKU of the platform that `home` lives on, which its organizations may name.
///
/// Errors, in order: `parameter_invalid`, `not_found`.
pub fn sku_number(home: Home, param: &str, text: &IdText) -> Result<i64, Fault> {
    let id = text.parse(param, &[Kind::Sku])?;
    if id.org == home.platform { Ok(id.number) } else { Err(Fault::missing(Kind::Sku)) }
}

/// The id of `kind` in a field of a body, of something the caller may see.
///
/// Errors, in order: `parameter_invalid`, `not_found`.
pub async fn body_id(call: &Call, param: &str, text: &IdText, kind: Kind) -> Result<Id, Fault> {
    let id = text.parse(param, &[kind])?;
    match call.home_of(id.org).await {
        Ok(_) => Ok(id),
        Err(Fault::NotFound { .. }) => Err(Fault::missing(kind)),
        Err(fault) => Err(fault),
    }
}
