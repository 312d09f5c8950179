//! Deposits: money from outside, and the states it goes through.
//!
//! Laws: a deposit is decided once; only confirmed money becomes credit, and delivering the same
//! confirmation again changes nothing; a payment that nobody knows the outcome of is neither made
//! nor failed; the customer is credited with what they bought, whatever a provider keeps of it
//! (requirements C18).

use crate::conversion::Conversion;
use crate::document::Documented;
use crate::event::EventKind;
use crate::settle::tell;
use crate::tax::{Tax, going_back};
use crate::top_up::end_attempt;
use crate::wallet::CURRENCY;
use crate::workset::Workset;
use crate::{Amount, OrgId, Refusal, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DepositState {
    /// Waiting for the rail.
    Pending,
    Succeeded,
    Failed,
    /// The rail wants the payer to confirm with their bank.
    NeedsAuthentication,
    /// The rail was asked to charge and did not answer: it is read back, never charged again.
    Unknown,
    /// Money came that is not what was asked for: an operator decides about it.
    InReview,
}

impl DepositState {
    pub const ALL: [DepositState; 6] = [
        DepositState::Pending,
        DepositState::Succeeded,
        DepositState::Failed,
        DepositState::NeedsAuthentication,
        DepositState::Unknown,
        DepositState::InReview,
    ];

    pub const fn code(self) -> i64 {
        match self {
            DepositState::Pending => 1,
            DepositState::Succeeded => 2,
            DepositState::Failed => 3,
            DepositState::NeedsAuthentication => 4,
            DepositState::Unknown => 5,
            DepositState::InReview => 6,
        }
    }

    pub fn from_code(code: i64) -> Option<DepositState> {
        DepositState::ALL.into_iter().find(|state| state.code() == code)
    }

    pub const fn name(self) -> &'static str {
        match self {
            DepositState::Pending => "pending",
            DepositState::Succeeded => "succeeded",
            DepositState::Failed => "failed",
            DepositState::NeedsAuthentication => "needs_authentication",
            DepositState::Unknown => "unknown",
            DepositState::InReview => "in_review",
        }
    }
}

/// How a deposit is to be paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PaidWith {
    #[default]
    Card,
    /// At the provider's quote, which is good for a while.
    Crypto,
}

/// Who asked for a deposit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DepositLabel {
    Manual,
    AutoTopUp,
}

impl DepositLabel {
    pub const fn code(self) -> i64 {
        match self {
            DepositLabel::Manual => 1,
            DepositLabel::AutoTopUp => 2,
        }
    }

    pub const fn from_code(code: i64) -> Option<DepositLabel> {
        match code {
            1 => Some(DepositLabel::Manual),
            2 => Some(DepositLabel::AutoTopUp),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deposit {
    pub number: i64,
    /// The credit that it buys.
    pub amount: Amount,
    /// The money that was asked for, where something else came and was credited.
    pub asked: Option<Amount>,
    /// What is paid on top of it, by the rate that was in force when it was started.
    pub tax: Tax,
    pub rail: String,
    pub state: DepositState,
    pub label: DepositLabel,
    pub method: Option<i64>,
    /// The member who pays; nobody where a rule does, or it was not said.
    pub member: Option<i64>,
    /// The rail's own id of the money, unique per rail.
    pub external: Option<String>,
    pub created_at: Timestamp,
    /// Of a payment in crypto: until when it has to be paid to buy what was asked for.
    pub quote_until: Option<Timestamp>,
    /// When the rail saw a payment that it could not confirm yet (requirements C19).
    pub seen_at: Option<Timestamp>,
    pub decided_at: Option<Timestamp>,
    /// When the money was paid, as its rail says; validity counts from here (rulings R12).
    pub paid_at: Option<Timestamp>,
    pub grant: Option<i64>,
    /// What of its credit went back, or is on its way.
    pub refunded: Amount,
    /// The tax that went back with it.
    pub refunded_tax: Amount,
    /// What its rail has withdrawn for disputes and not reinstated, tax included.
    pub withdrawn: Amount,
    /// The tax in it.
    pub withdrawn_tax: Amount,
    /// What its provider kept of the money: the operator's expense. Nothing until the rail says so.
    pub fee: Option<Amount>,
    /// What its provider settled it in, where that is another currency (requirements N25).
    pub conversion: Option<Conversion>,
    pub documented: Documented,
    /// Why it failed, in words.
    pub reason: String,
}

impl Deposit {
    /// How it is to be paid.
    pub const fn paid_with(&self) -> PaidWith {
        if self.quote_until.is_some() { PaidWith::Crypto } else { PaidWith::Card }
    }

    /// What the payer pays: credit and tax.
    pub fn charged(&self) -> Amount {
        self.amount.plus(self.tax.amount)
    }

    /// What of the money has not gone back, is not on its way and was not withdrawn.
    pub fn money_left(&self) -> Amount {
        let refunded = self.refunded.plus(self.refunded_tax);
        self.charged().minus(refunded).minus(self.withdrawn)
    }

    /// The tax that goes back with the next `credit` of a refund.
    pub fn tax_of_credit(&self, credit: Amount) -> Amount {
        let before = self.amount.minus(self.credit_left());
        going_back((self.tax.amount, self.amount), (before, self.returned_tax()), credit)
    }

    /// The tax in the next `money` that goes back.
    pub fn tax_of_money(&self, money: Amount) -> Amount {
        let before = self.charged().minus(self.money_left());
        let of = (self.tax.amount, self.charged());
        let tax = going_back(of, (before, self.returned_tax()), money).min(money);
        // Credit and tax are rounded apart, so a last cent of either may be all that is left.
        tax.max(money.minus(self.credit_left()))
    }

    /// Refuses a confirmation that is not of this deposit as it was asked for.
    ///
    /// Errors, in order: `currency_differs`, `amount_differs`, those of [`Payment::require_of`].
    pub fn require_as_asked(&self, payment: &Payment) -> Result<(), Refusal> {
        payment.require_currency()?;
        let asked = self.charged();
        if let Some(paid) = payment.amount.filter(|paid| *paid != asked) {
            return Err(Refusal::AmountDiffers { asked, paid });
        }
        payment.require_of(asked, self.fee, self.conversion.as_ref())
    }

    fn credit_left(&self) -> Amount {
        let withdrawn = self.withdrawn.minus(self.withdrawn_tax);
        self.amount.minus(self.refunded).minus(withdrawn)
    }

    fn returned_tax(&self) -> Amount {
        self.refunded_tax.plus(self.withdrawn_tax)
    }
}

/// How a saved payment method of the sandbox rail answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    Succeeds,
    Declines,
    NeedsAuthentication,
    /// It charges, and its answer is lost.
    TimesOutCharged,
    /// Nothing reaches it, and no answer comes.
    TimesOutUncharged,
}

impl Behaviour {
    pub const ALL: [Behaviour; 5] = [
        Behaviour::Succeeds,
        Behaviour::Declines,
        Behaviour::NeedsAuthentication,
        Behaviour::TimesOutCharged,
        Behaviour::TimesOutUncharged,
    ];

    pub const fn code(self) -> i64 {
        match self {
            Behaviour::Succeeds => 1,
            Behaviour::Declines => 2,
            Behaviour::NeedsAuthentication => 3,
            Behaviour::TimesOutCharged => 4,
            Behaviour::TimesOutUncharged => 5,
        }
    }

    pub fn from_code(code: i64) -> Option<Behaviour> {
        Behaviour::ALL.into_iter().find(|behaviour| behaviour.code() == code)
    }

    pub const fn name(self) -> &'static str {
        match self {
            Behaviour::Succeeds => "succeeds",
            Behaviour::Declines => "declines",
            Behaviour::NeedsAuthentication => "needs_authentication",
            Behaviour::TimesOutCharged => "times_out_charged",
            Behaviour::TimesOutUncharged => "times_out_uncharged",
        }
    }

    pub fn from_name(name: &str) -> Option<Behaviour> {
        Behaviour::ALL.into_iter().find(|behaviour| behaviour.name() == name)
    }
}

/// A saved way to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentMethod {
    pub number: i64,
    pub rail: String,
    pub behaviour: Behaviour,
    /// What a person recognises it by, such as `•••• 4242`.
    pub label: String,
    pub created_at: Timestamp,
}

/// Money that a rail has confirmed, with what else it says about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payment {
    /// The rail's own id of it.
    pub external: String,
    /// When it was paid; when it was confirmed, where the rail does not say.
    pub paid_at: Option<Timestamp>,
    /// What the payer paid, tax included; what was asked for, where the rail does not say.
    pub amount: Option<Amount>,
    /// What `amount` and `fee` are in; the currency of wallets, where the rail does not say.
    pub currency: Option<String>,
    /// What the provider kept of it; some rails say so later, in a confirmation that comes again.
    pub fee: Option<Amount>,
    /// What the provider settled it in; the quote is `amount`. It may be told later as well.
    pub conversion: Option<Conversion>,
}

impl Payment {
    /// Refuses money in another currency than that of wallets.
    ///
    /// Errors: `currency_differs`.
    pub fn require_currency(&self) -> Result<(), Refusal> {
        match self.currency.as_ref().filter(|it| *it != CURRENCY) {
            Some(currency) => Err(Refusal::CurrencyDiffers { currency: currency.clone() }),
            None => Ok(()),
        }
    }

    /// Refuses what cannot be said of `paid`, or what was said otherwise before.
    ///
    /// Errors, in order: `conversion_differs` (it does not make what was paid),
    /// `conversion_reported` (another was reported before), `fee_out_of_range` (negative, or more
    /// than was paid), `fee_reported`.
    pub fn require_of(
        &self,
        paid: Amount,
        fee: Option<Amount>,
        conversion: Option<&Conversion>,
    ) -> Result<(), Refusal> {
        if let Some(said) = &self.conversion {
            if !said.makes(paid) {
                return Err(Refusal::ConversionDiffers { conversion: said.to_string(), paid });
            }
            if let Some(known) = conversion.filter(|known| *known != said) {
                return Err(Refusal::ConversionReported { conversion: known.to_string() });
            }
        }
        let Some(said) = self.fee else { return Ok(()) };
        if said.is_negative() || said > paid {
            return Err(Refusal::FeeOutOfRange { max: paid });
        }
        match fee.filter(|known| *known != said) {
            Some(fee) => Err(Refusal::FeeReported { fee }),
            None => Ok(()),
        }
    }
}

/// What a rail said about a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PaymentOutcome {
    /// A payment is on its way, and cannot be confirmed yet.
    Seen,
    /// The money is there.
    Succeeded(Payment),
    Declined {
        reason: String,
    },
    NeedsAuthentication,
    /// No answer came: it may have been made, and it may not.
    Unknown,
    /// Read back: the rail has never heard of it.
    NotMade,
}

impl Deposit {
    /// A wish to pay `amount`, for its rail to answer.
    pub fn pending(number: i64, amount: Amount, rail: String, now: Timestamp) -> Deposit {
        Deposit {
            number,
            amount,
            asked: None,
            tax: Tax::default(),
            rail,
            state: DepositState::Pending,
            label: DepositLabel::Manual,
            method: None,
            member: None,
            external: None,
            created_at: now,
            quote_until: None,
            seen_at: None,
            decided_at: None,
            paid_at: None,
            grant: None,
            refunded: Amount::ZERO,
            refunded_tax: Amount::ZERO,
            withdrawn: Amount::ZERO,
            withdrawn_tax: Amount::ZERO,
            fee: None,
            conversion: None,
            documented: Documented::No,
            reason: String::new(),
        }
    }
}

/// Records how a deposit ended.
pub fn decide(
    ws: &mut Workset,
    org: OrgId,
    deposit: &mut Deposit,
    state: DepositState,
    now: Timestamp,
) -> Result<(), Refusal> {
    let before = deposit.state;
    deposit.state = state;
    deposit.decided_at = Some(now);
    ws.deposits.put(org, deposit.number, deposit.clone());
    let wallet = ws.wallet_mut(org)?;
    wallet.review_due = true;
    end_attempt(wallet, before, deposit);
    Ok(())
}

/// Records that no money came.
pub fn fail(
    ws: &mut Workset,
    org: OrgId,
    mut deposit: Deposit,
    reason: String,
    now: Timestamp,
) -> Result<Deposit, Refusal> {
    deposit.reason = reason;
    decide(ws, org, &mut deposit, DepositState::Failed, now)?;
    tell(ws, org, EventKind::DepositFailed, now, told(&deposit))?;
    Ok(deposit)
}

/// Records that the payment was declined, or that its payer did not confirm it in time. An auto
/// top-up switches itself off (requirements S12c, N13).
pub fn decline(
    ws: &mut Workset,
    org: OrgId,
    deposit: Deposit,
    reason: String,
    now: Timestamp,
) -> Result<Deposit, Refusal> {
    let deposit = fail(ws, org, deposit, reason, now)?;
    if deposit.label == DepositLabel::AutoTopUp {
        if let Some(rule) = &mut ws.wallet_mut(org)?.auto_top_up {
            rule.enabled = false;
        }
        tell(ws, org, EventKind::AutoTopUpDisabled, now, told(&deposit))?;
    }
    Ok(deposit)
}

/// What an event says about a deposit.
pub fn told(deposit: &Deposit) -> Vec<(&'static str, String)> {
    let amount: Amount = deposit.amount;
    let mut fields = vec![("deposit", deposit.number.to_string()), ("amount", amount.to_string())];
    if !deposit.tax.is_none() {
        fields.push(("tax", deposit.tax.amount.to_string()));
    }
    if !deposit.reason.is_empty() {
        fields.push(("reason", deposit.reason.clone()));
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confirmation_is_of_what_was_asked_for_or_refused_in_order() {
        let cents = |cents: i64| Amount::from_nanos(cents * crate::amount::NANOS_PER_CENT);
        let mut deposit = Deposit::pending(1, cents(2_000), "sandbox".into(), Timestamp::ZERO);
        deposit.tax = Tax { amount: cents(400), bps: 2_000 };
        deposit.conversion = Conversion::parse("22.20 EUR at 1.0811");
        let check = |known: Option<i64>, paid: Option<i64>, currency: &str, fee: Option<i64>| {
            let deposit = Deposit { fee: known.map(cents), ..deposit.clone() };
            let (amount, fee) = (paid.map(cents), fee.map(cents));
            let currency = Some(currency.to_owned()).filter(|it| !it.is_empty());
            let payment = Payment { amount, currency, fee, ..Payment::default() };
            deposit.require_as_asked(&payment).err().map(|refusal| refusal.code())
        };
        assert_eq!(check(None, None, "", None), None);
        assert_eq!(check(None, Some(2_400), "USD", Some(2_400)), None);
        assert_eq!(check(None, Some(2_399), "EUR", Some(-1)), Some("currency_differs"));
        assert_eq!(check(None, Some(2_399), "USD", Some(-1)), Some("amount_differs"));
        assert_eq!(check(Some(9), None, "", Some(-1)), Some("fee_out_of_range"));
        assert_eq!(check(Some(9), None, "", Some(2_401)), Some("fee_out_of_range"));
        assert_eq!(check(Some(9), None, "", Some(8)), Some("fee_reported"));
        assert_eq!(check(Some(9), None, "", Some(9)), None);
        assert_eq!(check(Some(9), None, "", None), None);
        let check = |text: &str| {
            let conversion = Conversion::parse(text);
            let payment = Payment { conversion, fee: Some(cents(-1)), ..Payment::default() };
            deposit.require_as_asked(&payment).err().map(|refusal| refusal.code())
        };
        assert_eq!(check("22.20 EUR at 0.9250"), Some("conversion_differs"));
        assert_eq!(check("22.201 EUR at 1.0811"), Some("conversion_reported"));
        assert_eq!(check("22.20 EUR at 1.0811"), Some("fee_out_of_range"));
    }
}
