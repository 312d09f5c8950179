//! Decides a deposit by what its rail confirmed: money becomes a purchased grant, debt first.
//!
//! The only way in which money from outside becomes credit, whoever asked for it and however often
//! the rail says so.

use domain::arrival::{self, Arrival, known, reason_of};
use domain::coupon::{CouponGift, RedemptionState};
use domain::deposit::{
    Deposit, DepositState, Payment, PaymentOutcome, decide, decline, fail, told,
};
use domain::document::{due, of_deposit};
use domain::event::EventKind;
use domain::grant::{Grant, GrantKind, PRIORITY_DEFAULT, Posting};
use domain::ledger::TransactionKind;
use domain::profile::Profile;
use domain::settle::{Draft, post, tell};
use domain::top_up::{self, Waiting};
use domain::validity::renew;
use domain::wake::{catch_up_any, expire_grants};
use domain::{Amount, Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation, require_positive, require_whole_cents};

#[derive(Debug)]
pub struct SettleDeposit {
    pub org: OrgId,
    pub deposit: i64,
    pub outcome: PaymentOutcome,
}

impl Operation for SettleDeposit {
    fn name(&self) -> &'static str {
        "settle_deposit"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.deposits.push((self.org, self.deposit));
        keys.arrivals_of.push((self.org, self.deposit));
    }

    /// Refusals, in order: `not_found`, `deposit_decided` (anything but money after a decision, and
    /// doubt about what is known: what a rail says arrives in any order), those of
    /// [`Deposit::require_as_asked`], `amount_not_positive` and `amount_too_precise` of money that
    /// is to be reviewed.
    ///
    /// A payment that is another than was asked for, at a quote, or that comes a second time, is
    /// credited to nobody: it stands in suspense for an operator ([`domain::arrival`]).
    ///
    /// Idempotency: the same outcome again answers with the deposit as it stands and moves nothing,
    /// but that the provider's fee and what it settled may be told later than the money.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        ws.deposits.find(Kind::Deposit, self.org, self.deposit)?;
        let now = catch_up_any(ws, self.org, now)?;
        // Its payer may not have been waited for until now.
        let deposit = ws.deposits.find(Kind::Deposit, self.org, self.deposit)?.clone();
        let decided = match (&self.outcome, deposit.state) {
            (PaymentOutcome::Succeeded(payment), _) => {
                receive(ws, self.org, deposit, payment, now)?
            }
            // What was seen is here already.
            (PaymentOutcome::Seen, DepositState::Succeeded | DepositState::InReview) => deposit,
            (PaymentOutcome::Declined { .. } | PaymentOutcome::NotMade, DepositState::Failed)
            | (PaymentOutcome::NeedsAuthentication, DepositState::NeedsAuthentication)
            | (PaymentOutcome::Unknown, DepositState::Unknown) => deposit,
            (_, DepositState::Succeeded | DepositState::InReview)
            | (PaymentOutcome::NeedsAuthentication | PaymentOutcome::Seen, DepositState::Failed)
            | (PaymentOutcome::Unknown, DepositState::Failed | DepositState::NeedsAuthentication) =>
            {
                return Err(Refusal::DepositDecided { state: deposit.state.name() });
            }
            (PaymentOutcome::Seen, _) => see(ws, self.org, deposit, now)?,
            (PaymentOutcome::Declined { reason }, _) => {
                decline(ws, self.org, deposit, reason.clone(), now)?
            }
            (PaymentOutcome::NeedsAuthentication, _) => ask(ws, self.org, deposit, now)?,
            (PaymentOutcome::Unknown, _) => doubt(ws, self.org, deposit, now)?,
            // Nobody declined anything: the rule stays on and asks anew after its cooldown.
            (PaymentOutcome::NotMade, _) => {
                fail(ws, self.org, deposit, "the rail knows of no payment".into(), now)?
            }
        };
        Ok(Answer::Deposit(self.org, decided))
    }
}

/// Takes in confirmed money: what was asked for is credited, gross, and anything else is reviewed.
fn receive(
    ws: &mut Workset,
    org: OrgId,
    mut deposit: Deposit,
    payment: &Payment,
    now: Timestamp,
) -> Result<Deposit, Refusal> {
    payment.require_currency()?;
    if let Some(arrival) = known(ws, org, &deposit.rail, &payment.external) {
        learn_of_arrival(ws, org, arrival, payment, now)?;
        return Ok(deposit);
    }
    // A rail's clock cannot be ahead of ours, nor behind the wish to pay.
    let paid_at = payment.paid_at.unwrap_or(now).max(deposit.created_at).min(now);
    let paid_at = paid_at.floor_to_second();
    if let Some(reason) = reason_of(&deposit, payment, paid_at) {
        let money = payment.amount.unwrap_or(deposit.charged());
        require_positive(money)?;
        require_whole_cents(money)?;
        payment.require_of(money, None, None)?;
        let arrival = arrival::receive(ws, org, &deposit, payment, (reason, paid_at, now))?;
        book_fee(ws, org, (deposit.number, arrival.fee), now)?;
        return review(ws, org, deposit, &arrival, now);
    }
    deposit.require_as_asked(payment)?;
    if deposit.state == DepositState::Succeeded {
        return learn_more(ws, org, deposit, payment, now);
    }
    deposit.external = Some(payment.external.clone());
    deposit.paid_at = Some(paid_at);
    deposit.fee = payment.fee;
    deposit.conversion.clone_from(&payment.conversion);
    let deposit = credit(ws, org, deposit, (TransactionKind::Deposit, paid_at), now)?;
    book_fee(ws, org, (deposit.number, deposit.fee), now)?;
    Ok(deposit)
}

/// Leaves a deposit to an operator, if nothing had been paid for it before.
fn review(
    ws: &mut Workset,
    org: OrgId,
    mut deposit: Deposit,
    arrival: &Arrival,
    now: Timestamp,
) -> Result<Deposit, Refusal> {
    if deposit.external.is_none() {
        deposit.external = Some(arrival.external.clone());
        deposit.reason.clear();
        decide(ws, org, &mut deposit, DepositState::InReview, now)?;
    }
    Ok(deposit)
}

/// Takes in what was not known yet of a deposit that has succeeded: its fee, and what its provider
/// settled.
fn learn_more(
    ws: &mut Workset,
    org: OrgId,
    mut deposit: Deposit,
    payment: &Payment,
    now: Timestamp,
) -> Result<Deposit, Refusal> {
    let is_new_fee = deposit.fee.is_none() && payment.fee.is_some();
    let is_new_conversion = deposit.conversion.is_none() && payment.conversion.is_some();
    if is_new_conversion {
        deposit.conversion.clone_from(&payment.conversion);
    }
    if is_new_fee {
        deposit.fee = payment.fee;
        book_fee(ws, org, (deposit.number, deposit.fee), now)?;
    }
    if is_new_fee || is_new_conversion {
        ws.deposits.put(org, deposit.number, deposit.clone());
    }
    Ok(deposit)
}

/// Takes in what was not known yet of an arrival.
fn learn_of_arrival(
    ws: &mut Workset,
    org: OrgId,
    mut arrival: Arrival,
    payment: &Payment,
    now: Timestamp,
) -> Result<(), Refusal> {
    let asked = arrival.amount;
    if let Some(paid) = payment.amount.filter(|paid| *paid != asked) {
        return Err(Refusal::AmountDiffers { asked, paid });
    }
    payment.require_of(asked, arrival.fee, arrival.conversion.as_ref())?;
    let is_new_fee = arrival.fee.is_none() && payment.fee.is_some();
    arrival.fee = arrival.fee.or(payment.fee);
    if arrival.conversion.is_none() {
        arrival.conversion.clone_from(&payment.conversion);
    }
    if is_new_fee {
        book_fee(ws, org, (arrival.deposit, arrival.fee), now)?;
    }
    ws.arrivals.put(org, arrival.number, arrival);
    Ok(())
}

/// Books what the provider kept: an expense of the operator beside the customer's balance, and a
/// ledger transaction of its own whenever it is told (rulings R16, requirements C18).
fn book_fee(
    ws: &mut Workset,
    org: OrgId,
    (deposit, fee): (i64, Option<Amount>),
    now: Timestamp,
) -> Result<(), Refusal> {
    let Some(fee) = fee.filter(|fee| fee.is_positive()) else { return Ok(()) };
    let draft = Draft { subject: deposit, ..Draft::new(TransactionKind::Fee, now, fee) };
    post(ws, org, draft).map(|_| ())
}

/// Books confirmed money: it pays debt first, and the rest becomes a grant. What was purchased
/// before is renewed where the profile says so (rulings R12), and what expires at once does. The
/// deposit buys what was offered when it was started (requirements C23).
pub(super) fn credit(
    ws: &mut Workset,
    org: OrgId,
    mut deposit: Deposit,
    (kind, paid_at): (TransactionKind, Timestamp),
    now: Timestamp,
) -> Result<Deposit, Refusal> {
    let profile = ws.profile_of(org)?;
    let offered = ws.profile_at(org, deposit.created_at)?;
    renew(ws, org, &profile, paid_at, now)?;
    let wallet = ws.wallet_mut(org)?;
    let pays_debt = wallet.debt.min(deposit.amount);
    let rest = deposit.amount.minus(pays_debt);
    let mut postings = Vec::new();
    if rest.is_positive() {
        let grant = Grant {
            number: wallet.take_number(),
            kind: GrantKind::Purchased,
            amount: rest,
            priority: PRIORITY_DEFAULT,
            expires_at: offered.purchase_expires_at(paid_at),
            purchase: None,
            deposit: Some(deposit.number),
            note: String::new(),
            effective_at: now,
            created_at: now,
            voided_at: None,
            scope: None,
        };
        wallet.grants.insert(grant.opened());
        if grant.expires_at != Timestamp::NEVER {
            wallet.arm_reminders(now);
        }
        postings.push(Posting { grant: grant.number, change: rest });
        deposit.grant = Some(grant.number);
        ws.grants.put(org, grant.number, grant);
    }
    let draft = Draft {
        subject: deposit.number,
        postings,
        debt: pays_debt.negated(),
        tax: deposit.tax,
        ..Draft::new(kind, now, deposit.amount)
    };
    post(ws, org, draft)?;
    let bonus = give_bonuses(ws, org, &offered, &deposit, now)?;
    let balance = ws.wallet(org)?.posted();
    deposit.reason.clear();
    deposit.documented = due(of_deposit(profile.documents));
    decide(ws, org, &mut deposit, DepositState::Succeeded, now)?;
    let mut fields = told(&deposit);
    fields.push(("balance", balance.to_string()));
    if bonus.is_positive() {
        fields.push(("bonus", bonus.to_string()));
    }
    if let Some(validity) = &ws.wallet(org)?.validity {
        fields.push(("valid_until", validity.until.to_string()));
    }
    tell(ws, org, EventKind::DepositSucceeded, now, fields)?;
    expire_grants(ws, org, &profile, now)?;
    Ok(deposit)
}

/// Gives what comes on top of a deposit: by the platform's setting as it was offered, and by the
/// first coupon that waited for one that is large enough. Answers with the sum.
fn give_bonuses(
    ws: &mut Workset,
    org: OrgId,
    offered: &Profile,
    deposit: &Deposit,
    now: Timestamp,
) -> Result<Amount, Refusal> {
    let by_setting = offered.deposit_bonus.bonus_round_half_even(deposit.amount);
    give_bonus(ws, org, deposit, by_setting, ("", now))?;
    for (place, coupon) in ws.wallet(org)?.bonus_coupons.clone().into_iter().enumerate() {
        let mut redemption = ws.redemptions.find(Kind::Coupon, org, coupon)?.clone();
        let by_coupon = match &redemption.gift {
            CouponGift::Bonus(slabs) => slabs.bonus_round_half_even(deposit.amount),
            CouponGift::Credit { .. } => Amount::ZERO,
        };
        if by_coupon.is_positive() {
            let note = redemption.code.as_str().to_owned();
            redemption.grant = give_bonus(ws, org, deposit, by_coupon, (&note, now))?;
            redemption.state = RedemptionState::Given;
            ws.redemptions.put(org, coupon, redemption);
            ws.wallet_mut(org)?.bonus_coupons.remove(place);
            return Ok(by_setting.plus(by_coupon));
        }
    }
    Ok(by_setting)
}

/// Gives one bonus, which shares the fate of its purchase: the same expiry, directly behind it in
/// the burn order.
fn give_bonus(
    ws: &mut Workset,
    org: OrgId,
    deposit: &Deposit,
    amount: Amount,
    (note, now): (&str, Timestamp),
) -> Result<Option<i64>, Refusal> {
    if !amount.is_positive() {
        return Ok(None);
    }
    let purchase = deposit.grant.and_then(|grant| ws.grants.get(org, grant)).cloned();
    let wallet = ws.wallet_mut(org)?;
    let grant = Grant {
        number: wallet.take_number(),
        kind: GrantKind::Bonus,
        amount,
        priority: PRIORITY_DEFAULT,
        expires_at: purchase.as_ref().map_or(Timestamp::NEVER, |it| it.expires_at),
        purchase: purchase.map(|it| it.number),
        deposit: Some(deposit.number),
        note: note.to_owned(),
        effective_at: now,
        created_at: now,
        voided_at: None,
        scope: None,
    };
    wallet.grants.insert(grant.opened());
    let draft = Draft {
        subject: grant.number,
        postings: vec![Posting { grant: grant.number, change: amount }],
        ..Draft::new(TransactionKind::Grant, now, amount)
    };
    post(ws, org, draft)?;
    let number = grant.number;
    ws.grants.put(org, number, grant);
    Ok(Some(number))
}

/// A payment is on its way: nothing is credited before it is confirmed (requirements C19).
fn see(
    ws: &mut Workset,
    org: OrgId,
    mut deposit: Deposit,
    now: Timestamp,
) -> Result<Deposit, Refusal> {
    if deposit.seen_at.is_none() {
        deposit.seen_at = Some(now);
        ws.deposits.put(org, deposit.number, deposit.clone());
        tell(ws, org, EventKind::DepositSeen, now, told(&deposit))?;
    }
    Ok(deposit)
}

/// Waits for the payer's bank; an auto top-up stays in flight, so that nothing is charged twice.
fn ask(
    ws: &mut Workset,
    org: OrgId,
    mut deposit: Deposit,
    now: Timestamp,
) -> Result<Deposit, Refusal> {
    deposit.state = DepositState::NeedsAuthentication;
    ws.deposits.put(org, deposit.number, deposit.clone());
    top_up::wait(ws, org, deposit.number, Waiting::ForAuthentication, now)?;
    tell(ws, org, EventKind::DepositNeedsAuthentication, now, told(&deposit))?;
    Ok(deposit)
}

/// Keeps a payment whose outcome nobody knows in flight until its rail is read back.
fn doubt(
    ws: &mut Workset,
    org: OrgId,
    mut deposit: Deposit,
    now: Timestamp,
) -> Result<Deposit, Refusal> {
    deposit.state = DepositState::Unknown;
    ws.deposits.put(org, deposit.number, deposit.clone());
    top_up::wait(ws, org, deposit.number, Waiting::ForOutcome, now)?;
    tell(ws, org, EventKind::DepositUnknown, now, told(&deposit))?;
    Ok(deposit)
}
