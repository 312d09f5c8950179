//! Money that goes back: refunds, disputes, charges that are taken back (rulings R11, R17, R18).

use super::commands::{Told, refused};
use super::purse::{NEVER, Purse, SECOND, Sort, half_even, second_of};
use super::tax::going_back;
use super::terms::{Returns, Terms};

/// Terms that ended while the money was away go on for so long.
const RETURNED: i64 = 30 * 86_400 * SECOND;
const CENT: i128 = 10_000_000;

#[derive(Clone, Debug)]
pub struct Refund {
    pub deposit: i64,
    pub amount: i128,
    /// What goes back on top of it.
    pub tax: i128,
    pub state: &'static str,
    /// The rail's own name of it, where it was made there.
    pub external: Option<String>,
    pub taken: Vec<(i64, i128)>,
    pub voided: Vec<(i64, i128)>,
}

#[derive(Clone, Debug)]
pub struct Dispute {
    pub external: String,
    pub deposit: i64,
    pub state: &'static str,
    /// Money, with the tax in it.
    pub withdrawn: i128,
    pub withdrawn_tax: i128,
    pub taken: Vec<(i64, i128)>,
    pub voided: Vec<(i64, i128)>,
    pub freezes: bool,
    pub decided: bool,
}

/// Disputes that are open, and whether one was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frozen {
    pub open: i64,
    pub lost: bool,
}

/// A deposit as far as its money can go back.
#[derive(Clone, Debug)]
pub struct Payment {
    pub amount: i128,
    pub state: &'static str,
    pub auto: bool,
    pub made: i64,
    pub decided: i64,
    pub grant: Option<i64>,
    /// What the payer pays on top of it.
    pub tax: i128,
    pub refunded: i128,
    pub refunded_tax: i128,
    /// Money, with the tax in it.
    pub withdrawn: i128,
    pub withdrawn_tax: i128,
    /// What the provider kept of it, once it is known.
    pub fee: Option<i128>,
}

impl Payment {
    pub fn pending(amount: i128, auto: bool, made: i64) -> Payment {
        let (refunded, withdrawn) = (0, 0);
        Payment {
            amount,
            state: "pending",
            auto,
            made,
            decided: made,
            grant: None,
            tax: 0,
            refunded,
            refunded_tax: 0,
            withdrawn,
            withdrawn_tax: 0,
            fee: None,
        }
    }
}

impl Payment {
    /// The refusal of a fee that cannot be, or is another than was told before.
    pub fn fee_refused(&self, fee: i128) -> Option<Told> {
        if !(0..=self.charged()).contains(&fee) {
            return Some(refused("fee_out_of_range"));
        }
        self.fee.filter(|known| *known != fee).map(|_| refused("fee_reported"))
    }
}

impl Purse {
    /// Books what a provider kept: the platform's expense, and nothing of the wallet's.
    pub fn keep_fee(&mut self, fee: i128) {
        if fee > 0 {
            self.book("fees", -fee);
            self.book("cash", fee);
            *self.posted_by_kind.entry("fee").or_default() += fee;
            self.changed = true;
        }
    }

    /// The number that a grant has by now.
    pub fn real(&self, number: i64) -> i64 {
        self.renamed.get(&number).copied().unwrap_or(number)
    }

    fn free_of(&self, grant: i64) -> i128 {
        self.credits.iter().find(|it| it.number == grant).map_or(0, |credit| credit.free())
    }

    fn lower(&mut self, grant: i64, part: i128) {
        self.credit(grant).left -= part;
        self.credits.retain(|credit| credit.left != 0);
        self.book("grants", -part);
    }

    pub fn refund(
        &mut self,
        terms: &Terms,
        number: i64,
        deposit: (i64, &mut Payment),
        amount: Option<i64>,
        by_customer: bool,
        now: i64,
    ) -> Told {
        let (deposit, payment) = deposit;
        if payment.state != "succeeded" {
            return refused("deposit_not_paid");
        }
        if self.frozen.is_some() {
            return refused("wallet_frozen");
        }
        match terms.returns {
            Returns::Nothing if by_customer => return refused("not_in_profile"),
            Returns::Within(seconds)
                if by_customer && now >= payment.decided + seconds * SECOND =>
            {
                return refused("refund_too_late");
            }
            _ => {}
        }
        self.settle(terms, second_of(now));
        let grant = payment.grant.map(|grant| self.real(grant));
        let rest = grant.map_or(0, |grant| self.free_of(grant));
        let most = match self.debt {
            0 => rest.min(self.available(terms, second_of(now))).max(0),
            _ => 0,
        };
        let wanted = amount.map_or(most - most % CENT, i128::from);
        if amount.is_some() && wanted <= 0 {
            return refused("amount_not_positive");
        }
        if wanted % CENT != 0 {
            return refused("amount_too_precise");
        }
        let Some(grant) = grant.filter(|_| wanted > 0 && wanted <= most) else {
            return refused("above_refundable");
        };
        self.lower(grant, wanted);
        let tax = payment.tax_of_credit(wanted);
        self.book("refunds_pending", wanted + tax);
        self.book("tax", -tax);
        *self.posted_by_kind.entry("refund").or_default() += wanted;
        let voided = self.void_bonus(Some(grant), wanted, payment.amount);
        payment.refunded += wanted;
        payment.refunded_tax += tax;
        let (state, taken) = ("pending", vec![(grant, wanted)]);
        let refund = Refund { deposit, amount: wanted, tax, state, external: None, taken, voided };
        self.refunds.insert(number, refund);
        self.told.push(("refund.created", now));
        self.changed = true;
        if !terms.live {
            return self.refund_paid(number, now);
        }
        format!("refund {wanted} pending")
    }

    /// The bonus on a purchase goes with the part of its money that goes, as far as it is there.
    fn void_bonus(&mut self, bought: Option<i64>, part: i128, of: i128) -> Vec<(i64, i128)> {
        let Some(bought) = bought else { return Vec::new() };
        let mut voided = Vec::new();
        for number in self.order().into_iter().map(|at| self.credits[at].number).collect::<Vec<_>>()
        {
            let credit = self.credit(number).clone();
            if credit.sort != Sort::Bonus || credit.with != Some(bought) {
                continue;
            }
            let share = half_even(self.known[&number].issued * part, of).min(credit.free());
            if share > 0 {
                self.lower(number, share);
                self.book("promotions_unspent", share);
                *self.posted_by_kind.entry("bonus_void").or_default() += share;
                voided.push((number, share));
            }
        }
        voided
    }

    fn refund_paid(&mut self, number: i64, now: i64) -> Told {
        let refund = self.refunds.get_mut(&number).expect("a refund that was started");
        refund.state = "succeeded";
        let (amount, tax) = (refund.amount, refund.tax);
        self.book("refunds_pending", -amount - tax);
        self.book("cash", amount + tax);
        *self.posted_by_kind.entry("refund_paid").or_default() += amount;
        self.told.push(("refund.succeeded", now));
        self.changed = true;
        format!("refund {amount} succeeded")
    }

    /// What the rail says of a refund.
    pub fn refund_decided(
        &mut self,
        terms: &Terms,
        number: i64,
        paid: bool,
        payment: &mut Payment,
        now: i64,
    ) -> Told {
        let refund = self.refunds[&number].clone();
        match (refund.state, paid) {
            ("pending", true) => self.refund_paid(number, now),
            ("pending", false) => {
                self.settle(terms, second_of(now));
                self.come_back(&refund, now);
                payment.refunded -= refund.amount;
                payment.refunded_tax -= refund.tax;
                self.refunds.get_mut(&number).expect("it was found").state = "failed";
                self.told.push(("refund.failed", now));
                self.changed = true;
                self.expire_credits(terms, now);
                format!("refund {} failed", refund.amount)
            }
            ("succeeded", true) | ("failed", false) => {
                format!("refund {} {}", refund.amount, refund.state)
            }
            _ => refused("refund_decided"),
        }
    }

    /// A refund that could not be paid pays debt that has come up, and the rest returns.
    fn come_back(&mut self, refund: &Refund, now: i64) {
        let pays = self.debt.min(refund.amount);
        let mut unpaid = pays;
        for &(grant, part) in &refund.taken {
            let kept = (part - unpaid).max(0);
            unpaid = (unpaid - part).max(0);
            if kept > 0 {
                self.reopen(grant, kept);
            }
        }
        self.debt -= pays;
        self.book("debt", pays);
        self.book("refunds_pending", -refund.amount - refund.tax);
        self.book("tax", refund.tax);
        *self.posted_by_kind.entry("refund_failed").or_default() += refund.amount;
        for &(grant, part) in &refund.voided {
            self.reopen(grant, part);
            self.bonus_returned(part);
        }
        self.now = self.now.max(now);
    }

    fn bonus_returned(&mut self, part: i128) {
        self.book("promotions_unspent", -part);
        *self.posted_by_kind.entry("bonus_void").or_default() -= part;
    }

    /// Takes money that is gone out of its own grant, then out of others that were bought; the rest
    /// is debt.
    fn claw_back(&mut self, own: Option<i64>, amount: i128) -> Vec<(i64, i128)> {
        let (mut parts, mut missing) = (Vec::new(), amount);
        let bought: Vec<i64> = self
            .order()
            .into_iter()
            .map(|at| &self.credits[at])
            .filter(|credit| credit.sort == Sort::Bought && Some(credit.number) != own)
            .map(|credit| credit.number)
            .collect();
        for grant in own.into_iter().chain(bought) {
            let part = self.free_of(grant).min(missing);
            if part > 0 {
                self.lower(grant, part);
                missing -= part;
                parts.push((grant, part));
            }
        }
        self.debt += missing;
        self.book("debt", -missing);
        parts
    }

    /// A refund that was made at the provider.
    pub fn refund_reported(
        &mut self,
        terms: &Terms,
        number: i64,
        deposit: (i64, &mut Payment),
        (external, amount): (&str, i64),
        now: i64,
    ) -> Told {
        let (deposit, payment) = deposit;
        let money = i128::from(amount);
        let known = self.refunds.values().find(|it| it.external.as_deref() == Some(external));
        if let Some(known) = known {
            if known.deposit != deposit || known.amount + known.tax != money {
                return refused("external_id_taken");
            }
            return format!("refund {} {}", known.amount, known.state);
        }
        if money <= 0 {
            return refused("amount_not_positive");
        }
        if money % CENT != 0 {
            return refused("amount_too_precise");
        }
        if payment.state != "succeeded" {
            return refused("deposit_not_paid");
        }
        if money > payment.money_left() {
            return refused("amount_out_of_range");
        }
        self.settle(terms, second_of(now));
        let tax = payment.tax_of_money(money);
        let amount = money - tax;
        let grant = payment.grant.map(|grant| self.real(grant));
        let taken = self.claw_back(grant, amount);
        self.book("refunds_pending", money);
        self.book("tax", -tax);
        *self.posted_by_kind.entry("refund").or_default() += amount;
        let voided = self.void_bonus(grant, amount, payment.amount);
        payment.refunded += amount;
        payment.refunded_tax += tax;
        let (state, external) = ("pending", Some(external.to_owned()));
        let refund = Refund { deposit, amount, tax, state, external, taken, voided };
        self.refunds.insert(number, refund);
        self.told.push(("refund.created", now));
        self.refund_paid(number, now)
    }

    /// How a dispute stands at its rail.
    pub fn disputed(
        &mut self,
        terms: &Terms,
        deposit: (i64, &mut Payment),
        external: &str,
        (state, withdrawn): (&'static str, i64),
        now: i64,
    ) -> Told {
        let (deposit, payment) = deposit;
        let withdrawn = i128::from(withdrawn);
        if payment.state != "succeeded" {
            return refused("deposit_not_paid");
        }
        let place = self.disputes.iter().position(|it| it.external == external);
        let known = place.map(|place| &self.disputes[place]);
        if known.is_some_and(|known| known.deposit != deposit) {
            return refused("external_id_taken");
        }
        let goes_on = |from: &str| match from {
            "inquiry" => true,
            "open" => state != "inquiry",
            decided => decided == state,
        };
        if known.is_some_and(|known| !goes_on(known.state)) {
            return refused("dispute_decided");
        }
        if withdrawn % CENT != 0 {
            return refused("amount_too_precise");
        }
        let before = known.map_or(0, |known| known.withdrawn);
        let most = match state {
            "inquiry" => 0,
            _ => payment.money_left() + before,
        };
        if withdrawn < 0 || withdrawn > most {
            return refused("amount_out_of_range");
        }
        self.settle(terms, second_of(now));
        let place = place.unwrap_or_else(|| self.open_dispute(external, deposit, now));
        let is_news = self.disputes[place].state != state;
        self.disputes[place].state = state;
        if withdrawn > before {
            self.withdraw(place, payment, withdrawn - before, now);
            let dispute = &self.disputes[place];
            if terms.freezes && !dispute.freezes && !dispute.decided {
                self.freeze(place, now);
            }
        } else if withdrawn < before {
            self.reinstate(place, payment, before - withdrawn, now);
            self.expire_credits(terms, now);
        }
        if is_news && matches!(state, "won" | "lost") {
            self.disputes[place].decided = true;
            self.told.push((if state == "won" { "dispute.won" } else { "dispute.lost" }, now));
            self.thaw(place, now);
        }
        payment.withdrawn += withdrawn - before;
        self.changed |= withdrawn != before;
        format!("dispute {withdrawn} {state}")
    }

    fn open_dispute(&mut self, external: &str, deposit: i64, now: i64) -> usize {
        self.told.push(("dispute.opened", now));
        self.disputes.push(Dispute {
            external: external.to_owned(),
            deposit,
            state: "inquiry",
            withdrawn: 0,
            withdrawn_tax: 0,
            taken: Vec::new(),
            voided: Vec::new(),
            freezes: false,
            decided: false,
        });
        self.disputes.len() - 1
    }

    fn withdraw(&mut self, place: usize, payment: &mut Payment, money: i128, now: i64) {
        let tax = payment.tax_of_money(money);
        let amount = money - tax;
        payment.withdrawn_tax += tax;
        let grant = payment.grant.map(|grant| self.real(grant));
        let taken = self.claw_back(grant, amount);
        self.book("cash", money);
        self.book("tax", -tax);
        *self.posted_by_kind.entry("withdrawal").or_default() += amount;
        let voided = self.void_bonus(grant, amount, payment.amount);
        let dispute = &mut self.disputes[place];
        merge(&mut dispute.taken, taken);
        merge(&mut dispute.voided, voided);
        dispute.withdrawn += money;
        dispute.withdrawn_tax += tax;
        self.told.push(("dispute.funds_withdrawn", now));
    }

    fn reinstate(&mut self, place: usize, payment: &mut Payment, money: i128, now: i64) {
        let mut dispute = self.disputes[place].clone();
        let whole = (dispute.withdrawn_tax, dispute.withdrawn);
        let tax = going_back(whole, (0, 0), money).min(money);
        let amount = money - tax;
        payment.withdrawn_tax -= tax;
        dispute.withdrawn_tax -= tax;
        let pays = self.debt.min(amount);
        let mut rest = amount - pays;
        self.debt -= pays;
        self.book("debt", pays);
        self.book("cash", -money);
        self.book("tax", tax);
        *self.posted_by_kind.entry("reinstatement").or_default() += amount;
        for (grant, part) in dispute.taken.iter_mut().rev() {
            let back = rest.min(*part);
            if back > 0 {
                *part -= back;
                rest -= back;
                self.reenter(*grant, back, now);
            }
        }
        if rest > 0 {
            let is_over = self.validity.as_ref().is_some_and(|validity| validity.until <= now);
            let expires = if is_over { now + RETURNED } else { NEVER };
            if is_over {
                self.reminded = self.reminded.max(now - 1);
            }
            self.open_bought(rest, expires, None);
        }
        for (grant, part) in &mut dispute.voided {
            let back = half_even(*part * money, dispute.withdrawn);
            if back > 0 {
                *part -= back;
                self.reenter(*grant, back, now);
                self.bonus_returned(back);
            }
        }
        dispute.withdrawn -= money;
        // What paid debt does not come back to the grants that were taken from first.
        let credit = dispute.withdrawn - dispute.withdrawn_tax;
        let mut gone = dispute.taken.iter().map(|part| part.1).sum::<i128>() - credit;
        for (_, part) in &mut dispute.taken {
            let less = gone.clamp(0, *part);
            *part -= less;
            gone -= less;
        }
        dispute.taken.retain(|part| part.1 > 0);
        dispute.voided.retain(|part| part.1 > 0);
        self.disputes[place] = dispute;
        self.told.push(("dispute.funds_reinstated", now));
    }

    /// Value returns to its grant; terms that ended meanwhile go on for 30 days.
    fn reenter(&mut self, grant: i64, part: i128, now: i64) {
        self.reopen(grant, part);
        let is_voided = self.known[&grant].voided.is_some();
        let lapse = self.credits.iter().find(|it| it.number == grant).map(|it| self.lapses(it));
        if !is_voided && lapse.is_some_and(|lapse| lapse <= now) {
            self.credit(grant).expires = now + RETURNED;
            self.reminded = self.reminded.max(now - 1);
        }
    }

    fn freeze(&mut self, place: usize, now: i64) {
        self.disputes[place].freezes = true;
        if self.frozen.is_none() {
            self.told.push(("wallet.frozen", now));
        }
        self.frozen.get_or_insert(Frozen { open: 0, lost: false }).open += 1;
        if let Some(rule) = &mut self.refill
            && rule.enabled
        {
            rule.enabled = false;
            self.told.push(("auto_top_up.disabled", now));
        }
    }

    fn thaw(&mut self, place: usize, now: i64) {
        if !self.disputes[place].freezes {
            return;
        }
        self.disputes[place].freezes = false;
        self.changed = true;
        let is_lost = self.disputes[place].state == "lost";
        if let Some(frozen) = &mut self.frozen {
            frozen.open -= 1;
            frozen.lost |= is_lost;
        }
        if self.frozen == Some(Frozen { open: 0, lost: false }) {
            self.frozen = None;
            self.told.push(("wallet.released", now));
        }
    }

    pub fn unfreeze(&mut self, now: i64) -> Told {
        match self.frozen {
            Some(frozen) if frozen.open > 0 => return refused("dispute_open"),
            Some(_) if self.debt > 0 => return refused("debt_unpaid"),
            Some(_) => {
                self.frozen = None;
                self.changed = true;
                self.told.push(("wallet.released", now));
            }
            None => {}
        }
        "released".into()
    }

    /// Takes back a charge of `amount`, drawn as `parts`, of which so much was absorbed and owed.
    pub fn reverse(
        &mut self,
        terms: &Terms,
        amount: i128,
        parts: &[(i64, i128)],
        (absorbed, debt): (i128, i128),
        now: i64,
    ) -> Told {
        self.settle(terms, second_of(now));
        let lowers = debt.min(self.debt);
        for &(grant, part) in parts.iter().rev() {
            let grant = self.real(grant);
            self.put_back(grant, part);
        }
        if debt > lowers {
            self.open_bought(debt - lowers, NEVER, None);
        }
        self.debt -= lowers;
        self.book("debt", lowers);
        self.book("absorbed", absorbed);
        self.book("revenue", -amount);
        *self.posted_by_kind.entry("reversal").or_default() -= amount;
        let words = format!("charge {} {} {} {}", -amount, -absorbed, -lowers, self.posted());
        self.changed = true;
        self.offset();
        self.expire_credits(terms, now);
        words
    }
}

/// Adds parts to those of the same grants.
fn merge(into: &mut Vec<(i64, i128)>, parts: Vec<(i64, i128)>) {
    for (grant, part) in parts {
        match into.iter_mut().find(|other| other.0 == grant) {
            Some(other) => other.1 += part,
            None => into.push((grant, part)),
        }
    }
}
