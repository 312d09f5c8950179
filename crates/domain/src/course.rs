//! The course of time in a wallet with credit for some SKUs only: which grants what runs draws,
//! and until when it can (rulings R10).
//!
//! Laws: it is as if in every second each cover drew what ran under it in that second, one cover
//! after the other, from the grants that pay for it in burn order; so nothing depends on how often
//! one looks or settles. A stretch in which no grant runs dry is one step. What would be short in a
//! second if it came last is out with the second before, together with all it competes with, and
//! draws nothing from then on if zero stops it.

use crate::grant::{OpenGrant, Posting};
use crate::meter::last_second;
use crate::scope::Cover;
use crate::wallet::{Usable, Wallet};
use crate::{Amount, Timestamp};

/// What draws on the grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spending {
    Time,
    /// Blocks to come as well, each at its start.
    TimeAndBlocks,
}

/// What a look ahead is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watch {
    /// What was drawn until an instant.
    Draws,
    /// The last second that each cover can be paid for.
    Outs,
    /// The last second at which so much is left, less what could not be paid where that is owed.
    Floor { nanos: i128, is_owed: bool },
}

/// A grant looked at ahead of time.
#[derive(Clone, Debug)]
struct Ahead {
    number: i64,
    scope: Cover,
    /// Until then it pays for nothing; [`Timestamp::ZERO`] when it has begun.
    begins: Timestamp,
    lapses: Timestamp,
    left: i128,
    /// The part of `left` that may be drawn: not what holds have set aside.
    free: i128,
}

/// Everything that runs under one cover.
#[derive(Clone, Copy, Debug)]
struct Party {
    cover: Cover,
    /// What it has cost so far, and what of that nothing paid.
    spent: i128,
    missing: i128,
    out_at: Option<Timestamp>,
    /// Zero has stopped it.
    is_over: bool,
}

/// What time has drawn of the grants of a wallet.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    /// In burn order.
    pub postings: Vec<Posting>,
    /// By cover: what it cost.
    pub spent: Vec<(Cover, Amount)>,
    pub missing: Amount,
    /// What is left of each grant for anything but its holds.
    free: Vec<(Cover, Amount)>,
}

impl Drawn {
    /// What is left that pays for what has `cover`.
    pub fn left_for(&self, cover: Cover) -> Amount {
        let paying = self.free.iter().filter(|(scope, _)| scope.pays_for(cover));
        paying.map(|&(_, free)| free).sum()
    }

    /// Draws `amount` more for what has `cover`, as far as there is so much.
    pub fn draw(&mut self, cover: Cover, amount: Amount) {
        let mut unpaid = amount;
        for (_, free) in self.free.iter_mut().filter(|(scope, _)| scope.pays_for(cover)) {
            let part = (*free).min(unpaid).or_zero();
            *free = free.minus(part);
            unpaid = unpaid.minus(part);
        }
    }

    /// What was drawn of the grant numbered `number`.
    pub fn of(&self, number: i64) -> Amount {
        let drawn = self.postings.iter().filter(|posting| posting.grant == number);
        drawn.map(|posting| posting.change.negated()).sum()
    }
}

/// One look.
struct Course<'a> {
    wallet: &'a Wallet,
    spending: Spending,
    watch: Watch,
    debt: i128,
    /// In burn order.
    grants: Vec<Ahead>,
    parties: Vec<Party>,
    /// Everything is drawn up to here.
    at: Timestamp,
}

impl Wallet {
    /// What time draws of the open grants until `at`, as settling it would.
    pub(crate) fn drawn_until(&self, at: Timestamp) -> Drawn {
        let at = at.floor_to_second();
        let mut course = Course::new(self, Spending::Time, Watch::Draws, (Usable::All, 0));
        // What becomes of grants at an instant comes after what ran until then.
        course.grants.retain(|grant| grant.begins == Timestamp::ZERO);
        course.grants.iter_mut().for_each(|grant| grant.lapses = Timestamp::NEVER);
        course.at = course.at.min(at);
        let before: Vec<i128> = course.grants.iter().map(|grant| grant.free).collect();
        course.go(at);
        let drawn = course.grants.iter().zip(before).filter(|(grant, before)| grant.free < *before);
        let posting = |(grant, before): (&Ahead, i128)| Posting {
            grant: grant.number,
            change: amount_of(grant.free - before),
        };
        Drawn {
            postings: drawn.map(posting).collect(),
            spent: course.parties.iter().map(|it| (it.cover, amount_of(it.spent))).collect(),
            missing: amount_of(course.parties.iter().map(|party| party.missing).sum()),
            free: course.grants.iter().map(|it| (it.scope, amount_of(it.free))).collect(),
        }
    }

    /// The last second that what runs under each cover can be paid for, where it cannot for ever.
    pub(crate) fn outs(&self, spending: Spending) -> Vec<(Cover, Timestamp)> {
        let mut course = Course::new(self, spending, Watch::Outs, (Usable::Unreserved, 0));
        course.go(Timestamp::NEVER);
        course.parties.iter().filter_map(|party| Some((party.cover, party.out_at?))).collect()
    }

    /// The last second at which so much is left, less what could not be paid where that `is_owed`;
    /// grants go `horizon_seconds` before they expire.
    pub(crate) fn last_second_above(
        &self,
        floor: Amount,
        is_owed: bool,
        horizon_seconds: i64,
    ) -> Timestamp {
        let watch = Watch::Floor { nanos: i128::from(floor.nanos()), is_owed };
        let usable = (Usable::All, horizon_seconds);
        let last = Course::new(self, Spending::Time, watch, usable).go(Timestamp::NEVER);
        last.unwrap_or(Timestamp::NEVER)
    }
}

fn amount_of(nanos: i128) -> Amount {
    Amount::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

impl<'a> Course<'a> {
    fn new(
        wallet: &'a Wallet,
        spending: Spending,
        watch: Watch,
        (usable, horizon_seconds): (Usable, i64),
    ) -> Course<'a> {
        let purchased_until = wallet.purchased_until();
        let ahead = |begins: Timestamp, grant: &OpenGrant| {
            let lapses = match grant.lapses_at(purchased_until) {
                Timestamp::NEVER => Timestamp::NEVER,
                at => at.plus_seconds(-horizon_seconds).max(wallet.now),
            };
            let free = i128::from(grant.unreserved().nanos());
            let left = match usable {
                Usable::Unreserved => free,
                Usable::All => i128::from(grant.remaining.nanos()),
            };
            let scope = wallet.scopes.of(grant.scope.as_ref());
            Ahead { number: grant.number, scope, begins, lapses, left, free }
        };
        let open = wallet.grants.iter().map(|grant| (Timestamp::ZERO, grant));
        let upcoming = wallet.upcoming.iter().map(|it| (it.effective_at, &it.grant));
        let mut all: Vec<(Timestamp, &OpenGrant)> = open.chain(upcoming).collect();
        all.sort_by_key(|(_, grant)| grant.burn_key());
        let mut covers: Vec<Cover> = wallet.meters.meters.iter().map(|it| it.cover).collect();
        if spending == Spending::TimeAndBlocks {
            covers.extend(wallet.blocks.groups.iter().map(|group| group.cover));
        }
        covers.sort_unstable();
        covers.dedup();
        let party = |cover| Party { cover, spent: 0, missing: 0, out_at: None, is_over: false };
        Course {
            wallet,
            spending,
            watch,
            debt: i128::from(wallet.debt.nanos()),
            grants: all.into_iter().map(|(begins, grant)| ahead(begins, grant)).collect(),
            parties: covers.into_iter().map(party).collect(),
            at: wallet.meters.accrued_until,
        }
    }

    /// Goes on until `until`; says the last second above the floor, where one is watched and it is
    /// crossed before.
    fn go(&mut self, until: Timestamp) -> Option<Timestamp> {
        while !self.step(self.at) {
            if self.is_crossing() {
                return Some(self.at);
            }
        }
        loop {
            while self.next_turn() <= self.at {
                let turn = self.turn();
                if let Some(last) = self.pass(turn) {
                    return Some(last);
                }
            }
            if self.at >= until || self.is_decided() {
                return None;
            }
            let stop = self.next_turn().min(until);
            let goes = |second| second <= stop && self.stretch(second).is_some();
            let last = last_second(self.at, goes);
            if last == Timestamp::NEVER {
                return None;
            }
            if let Some(draws) = self.stretch(last).filter(|_| last > self.at) {
                self.draw_stretch(last, &draws);
            }
            if self.at < stop && !self.step(self.at.plus_seconds(1)) && self.is_crossing() {
                return Some(self.at);
            }
        }
    }

    const fn is_crossing(&self) -> bool {
        matches!(self.watch, Watch::Floor { .. })
    }

    /// Whether nothing more can come out of looking on.
    fn is_decided(&self) -> bool {
        self.watch == Watch::Outs && self.parties.iter().all(|party| party.out_at.is_some())
    }

    /// What a party has cost in all until `second`.
    fn cost(&self, cover: Cover, second: Timestamp) -> i128 {
        let blocks = match self.spending {
            Spending::Time => 0,
            Spending::TimeAndBlocks => {
                self.wallet.blocks.nanos_until(second, |group| group.cover == cover)
            }
        };
        self.wallet.meters.unposted_nanos_of(cover, second).max(0) + blocks
    }

    /// What it will have to pay until `second`; nothing once it is over.
    fn due(&self, party: &Party, second: Timestamp) -> i128 {
        if party.is_over {
            return 0;
        }
        (self.cost(party.cover, second) - party.spent).max(0)
    }

    fn is_watched(&self, party: &Party) -> bool {
        self.watch == Watch::Outs && party.out_at.is_none()
    }

    /// The grants that pay for `cover` now, in burn order.
    fn paying(&self, cover: Cover) -> impl Iterator<Item = usize> {
        let pays =
            move |grant: &Ahead| grant.begins == Timestamp::ZERO && grant.scope.pays_for(cover);
        self.grants.iter().enumerate().filter(move |(_, grant)| pays(grant)).map(|(at, _)| at)
    }

    /// What each grant gives until `second`, when each party is paid by one alone; nothing when a
    /// grant runs dry before, or what is watched for comes.
    fn stretch(&self, second: Timestamp) -> Option<Vec<i128>> {
        let mut draws = vec![0; self.grants.len()];
        let mut missing = 0;
        for party in &self.parties {
            let due = self.due(party, second);
            let mut paying = self.paying(party.cover);
            match paying.find(|&at| self.grants[at].free > 0) {
                _ if due == 0 => {}
                Some(at) => {
                    draws[at] += due;
                    if draws[at] > self.grants[at].free {
                        return None;
                    }
                }
                None if self.is_watched(party) => return None,
                None => missing += due,
            }
        }
        let free = |at: usize| self.grants[at].free - draws[at];
        let owes = |party: &Party| {
            self.is_watched(party)
                && self.due(party, second) > 0
                && self.paying(party.cover).map(free).sum::<i128>() < self.debt
        };
        if self.debt > 0 && self.parties.iter().any(owes) {
            return None;
        }
        let drawn: i128 = draws.iter().sum();
        self.is_above(drawn, missing).then_some(draws)
    }

    /// Whether what is left is not below the floor once `drawn` and `missing` have come on top.
    fn is_above(&self, drawn: i128, missing: i128) -> bool {
        let Watch::Floor { nanos, is_owed } = self.watch else { return true };
        let begun = self.grants.iter().filter(|grant| grant.begins == Timestamp::ZERO);
        let left: i128 = begun.map(|grant| grant.left).sum();
        let unpaid: i128 = self.parties.iter().map(|party| party.missing).sum();
        let owed = if is_owed { unpaid + missing } else { 0 };
        left - drawn - self.debt - owed >= nanos
    }

    fn draw_stretch(&mut self, second: Timestamp, draws: &[i128]) {
        for place in 0..self.parties.len() {
            let party = self.parties[place];
            let due = self.due(&party, second);
            let is_paid = self.paying(party.cover).any(|at| self.grants[at].free > 0);
            self.parties[place].spent += due;
            self.parties[place].missing += if is_paid { 0 } else { due };
        }
        for (grant, draw) in self.grants.iter_mut().zip(draws) {
            grant.left -= draw;
            grant.free -= draw;
        }
        self.at = second;
    }

    /// Draws what the second that ends at `second` costs, party by party. Draws nothing and answers
    /// false when what is watched for comes in it: then who is short is out.
    fn step(&mut self, second: Timestamp) -> bool {
        let short = self.short_in(second);
        if !short.is_empty() {
            for place in short {
                let party = &mut self.parties[place];
                party.out_at = Some(self.at);
                let by_cover = self.wallet.covered.iter().find(|it| it.cover == party.cover);
                party.is_over = self.spending == Spending::TimeAndBlocks
                    || by_cover.is_some_and(|runs| runs.stoppable > 0);
            }
            return false;
        }
        let mut free: Vec<i128> = self.grants.iter().map(|grant| grant.free).collect();
        let mut unpaid = Vec::with_capacity(self.parties.len());
        for party in &self.parties {
            unpaid.push(self.draw(&mut free, party, second));
        }
        let drawn = self.grants.iter().zip(&free).map(|(grant, free)| grant.free - free).sum();
        if !self.is_above(drawn, unpaid.iter().sum()) {
            return false;
        }
        for (grant, free) in self.grants.iter_mut().zip(free) {
            grant.left -= grant.free - free;
            grant.free = free;
        }
        for (place, missing) in unpaid.into_iter().enumerate() {
            let due = self.due(&self.parties[place], second);
            self.parties[place].spent += due;
            self.parties[place].missing += missing;
        }
        self.at = second;
        true
    }

    /// Draws what `party` has to pay until `second` out of `free`; answers with what is missing.
    fn draw(&self, free: &mut [i128], party: &Party, second: Timestamp) -> i128 {
        let mut unpaid = self.due(party, second);
        for at in self.paying(party.cover) {
            let part = free[at].min(unpaid);
            free[at] -= part;
            unpaid -= part;
        }
        unpaid
    }

    /// The watched parties that what the others leave does not pay until `second`.
    fn short_in(&self, second: Timestamp) -> Vec<usize> {
        let is_short = |place: usize| {
            let party = &self.parties[place];
            if !self.is_watched(party) || self.due(party, second) == 0 {
                return false;
            }
            let mut free: Vec<i128> = self.grants.iter().map(|grant| grant.free).collect();
            for (_, other) in self.parties.iter().enumerate().filter(|(at, _)| *at != place) {
                self.draw(&mut free, other, second);
            }
            let missing = self.draw(&mut free, party, second);
            let left: i128 = self.paying(party.cover).map(|at| free[at]).sum();
            missing > 0 || left < self.debt
        };
        (0..self.parties.len()).filter(|&place| is_short(place)).collect()
    }

    fn turn(&self) -> Timestamp {
        let turn = |grant: &Ahead| match grant.begins {
            Timestamp::ZERO => grant.lapses,
            begins => begins,
        };
        self.grants.iter().map(turn).min().unwrap_or(Timestamp::NEVER)
    }

    /// The whole second up to which time is drawn before the next grant begins or lapses.
    fn next_turn(&self) -> Timestamp {
        match self.turn() {
            Timestamp::NEVER => Timestamp::NEVER,
            turn => turn.floor_to_second(),
        }
    }

    /// Lets go what lapses at `turn` and takes up what begins. Says the last second above the
    /// floor, where that crosses it.
    fn pass(&mut self, turn: Timestamp) -> Option<Timestamp> {
        self.grants.retain(|grant| grant.lapses > turn || grant.begins > turn);
        for grant in self.grants.iter_mut().filter(|grant| grant.begins <= turn) {
            grant.begins = Timestamp::ZERO;
        }
        // Crossings are whole seconds (rulings R1), also when a grant expires within one.
        let before = Timestamp::from_micros(turn.micros() - 1).floor_to_second();
        (!self.is_above(0, 0)).then_some(before)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::grant::{GrantKind, PRIORITY_DEFAULT, Upcoming};
    use crate::profile::Profile;
    use crate::rate::{denominator, divide_round_half_even};
    use crate::run::ResourceClass;
    use crate::scope::{Purpose, Scope};
    use crate::scoped::draw_time;
    use crate::wallet::Covered;
    use crate::{OrgId, scope};

    /// Wallets are looked at for so many seconds.
    const SECONDS: i64 = 160;

    /// SplitMix64.
    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: i64) -> i64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            i64::try_from((mixed ^ (mixed >> 31)) >> 2).unwrap() % bound
        }

        fn one_in(&mut self, bound: i64) -> bool {
            self.below(bound) == 0
        }

        /// A moment to come, not always on a second.
        fn moment(&mut self) -> Timestamp {
            let micros = if self.one_in(2) { 0 } else { self.below(1_000_000) };
            Timestamp::from_micros((1 + self.below(SECONDS - 20)) * 1_000_000 + micros)
        }
    }

    fn purpose(sku: i64) -> Purpose {
        let class = if sku == 4 { ResourceClass::Storage } else { ResourceClass::Compute };
        Purpose { sku, class }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_seconds(second)
    }

    fn grant(random: &mut Random, number: i64, scopes: &[Arc<Scope>]) -> OpenGrant {
        let place = usize::try_from(random.below(5)).unwrap();
        OpenGrant {
            number,
            kind: if random.one_in(2) { GrantKind::Promotional } else { GrantKind::Purchased },
            priority: if random.one_in(3) { random.below(100) } else { PRIORITY_DEFAULT },
            expires_at: if random.one_in(3) { random.moment() } else { Timestamp::NEVER },
            purchase: None,
            remaining: Amount::from_nanos(random.below(3_000)),
            reserved: Amount::ZERO,
            scope: scopes.get(place).cloned(),
        }
    }

    /// A wallet with a few grants, in which a few things run.
    fn wallet(random: &mut Random) -> Wallet {
        let org = OrgId::new(1, 1 << 60);
        let mut wallet = Wallet::new(org, org, Timestamp::ZERO);
        let some = |random: &mut Random| (1..=4).filter(|_| random.one_in(2)).collect();
        let class = |random: &mut Random| {
            let all = [ResourceClass::Compute, ResourceClass::Storage];
            all.into_iter().filter(|_| random.one_in(5)).collect()
        };
        for _ in 0..3 {
            let scope = Scope::new(some(random), class(random));
            if let Some(scope) = scope.filter(|scope| !wallet.scopes.has(scope)) {
                wallet.scopes.push(Arc::new(scope));
            }
        }
        let scopes: Vec<Arc<Scope>> = wallet.scopes.iter().cloned().collect();
        for number in 1..=random.below(6) {
            let grant = grant(random, number, &scopes);
            let effective_at = random.moment();
            if random.one_in(4) && grant.expires_at > effective_at {
                wallet.upcoming.push(Upcoming { effective_at, grant });
            } else if grant.remaining.is_positive() {
                wallet.grants.insert(grant);
            }
        }
        for _ in 0..=random.below(4) {
            let sku = 1 + random.below(4);
            let per_units = 1 + random.below(4);
            let cover = wallet.scopes.cover(Some(purpose(sku)));
            let rate = i128::from(random.below(40)) * denominator(per_units) / 3;
            wallet.meters.change_rate((cover, per_units), rate, Timestamp::ZERO);
            let is_kept = i64::from(sku == 4);
            match wallet.covered.iter_mut().find(|it| it.cover == cover) {
                Some(it) => {
                    it.kept += is_kept;
                    it.stoppable += 1 - is_kept;
                }
                None => wallet.covered.push(Covered {
                    cover,
                    kept: is_kept,
                    stoppable: 1 - is_kept,
                    stop_order: None,
                }),
            }
        }
        wallet.debt = Amount::from_nanos(if random.one_in(4) { random.below(500) } else { 0 });
        wallet
    }

    /// The same wallet, second by second.
    struct Naive<'a> {
        wallet: &'a Wallet,
        grants: Vec<(Timestamp, OpenGrant)>,
        outs: Vec<(Cover, Timestamp)>,
    }

    impl Naive<'_> {
        fn new(wallet: &Wallet) -> Naive<'_> {
            let open = wallet.grants.iter().map(|grant| (Timestamp::ZERO, grant.clone()));
            let upcoming = wallet.upcoming.iter().map(|it| (it.effective_at, it.grant.clone()));
            let mut grants: Vec<_> = open.chain(upcoming).collect();
            grants.sort_by_key(|(_, grant)| grant.burn_key());
            Naive { wallet, grants, outs: Vec::new() }
        }

        /// What a cover costs in the second that ends at `second`.
        fn cost(&self, cover: Cover, second: i64) -> Amount {
            let is_stopped = self.wallet.covered.iter().any(|it| {
                it.cover == cover && it.stoppable > 0 && self.outs.iter().any(|out| out.0 == cover)
            });
            let total = |second: i64| {
                let of_cover = self.wallet.meters.meters.iter().filter(|it| it.cover == cover);
                let one = |rate: i128, per_units| {
                    divide_round_half_even(rate * i128::from(second), denominator(per_units))
                };
                of_cover.map(|it| one(it.rate, it.per_units)).sum::<i128>()
            };
            let cost = if is_stopped { 0 } else { total(second) - total(second - 1) };
            Amount::from_nanos(i64::try_from(cost).unwrap())
        }

        fn draw(&self, left: &mut [Amount], cover: Cover, cost: Amount) -> Amount {
            let mut unpaid = cost;
            for ((_, grant), left) in self.grants.iter().zip(left) {
                if self.wallet.scopes.of(grant.scope.as_ref()).pays_for(cover) {
                    let part = (*left).min(unpaid);
                    *left = left.minus(part);
                    unpaid = unpaid.minus(part);
                }
            }
            unpaid
        }

        /// Lets a second go by; whoever cannot be paid when all others are is out before it.
        fn second(&mut self, second: i64) {
            let now = at(second - 1).plus_seconds(1).micros() - 1_000_000;
            self.grants.retain(|(_, grant)| grant.expires_at.micros() - now >= 1_000_000);
            let usable = |begins: Timestamp, grant: &OpenGrant| {
                if begins.micros() - now < 1_000_000 { grant.remaining } else { Amount::ZERO }
            };
            let mut left: Vec<Amount> = self.grants.iter().map(|(it, g)| usable(*it, g)).collect();
            let mut covers: Vec<Cover> =
                self.wallet.meters.meters.iter().map(|it| it.cover).collect();
            covers.sort_unstable();
            covers.dedup();
            loop {
                let costs: Vec<Amount> = covers.iter().map(|&it| self.cost(it, second)).collect();
                let is_short = |last: usize| {
                    let mut left = left.clone();
                    for (place, &cover) in covers.iter().enumerate().filter(|(it, _)| *it != last) {
                        self.draw(&mut left, cover, costs[place]);
                    }
                    let missing = self.draw(&mut left, covers[last], costs[last]);
                    let pays = |grant: &OpenGrant| {
                        self.wallet.scopes.of(grant.scope.as_ref()).pays_for(covers[last])
                    };
                    let paying = self.grants.iter().zip(&left).filter(|((_, it), _)| pays(it));
                    let rest: Amount = paying.map(|(_, left)| *left).sum();
                    missing.is_positive() || rest < self.wallet.debt
                };
                let is_out = |cover: Cover| self.outs.iter().any(|out| out.0 == cover);
                let short: Vec<Cover> = (0..covers.len())
                    .filter(|&it| costs[it].is_positive() && !is_out(covers[it]) && is_short(it))
                    .map(|it| covers[it])
                    .collect();
                if !short.is_empty() {
                    self.outs.extend(short.into_iter().map(|cover| (cover, at(second - 1))));
                    continue;
                }
                for (&cover, &cost) in covers.iter().zip(&costs) {
                    self.draw(&mut left, cover, cost);
                }
                break;
            }
            for ((begins, grant), left) in self.grants.iter_mut().zip(left) {
                if begins.micros() - now < 1_000_000 {
                    grant.remaining = left;
                }
            }
        }
    }

    #[test]
    fn law_run_out_by_cover_is_that_of_every_second() {
        let mut outs_seen = 0;
        for seed in 0..1_500 {
            let wallet = wallet(&mut Random(seed));
            let mut naive = Naive::new(&wallet);
            (1..=SECONDS).for_each(|second| naive.second(second));
            let mut found = wallet.outs(Spending::Time);
            found.retain(|&(_, out)| out < at(SECONDS));
            found.sort_unstable();
            naive.outs.sort_unstable();
            assert_eq!(found, naive.outs, "seed {seed}: {wallet:#?}");
            outs_seen += found.len();
        }
        assert!(outs_seen > 1_000, "{outs_seen} times something ran out");
    }

    #[test]
    fn law_scoped_credit_is_never_spent_outside_its_scope_however_often_time_is_settled() {
        let profile = Profile::default();
        for seed in 0..1_500 {
            let mut random = Random(seed);
            let mut whole = wallet(&mut random);
            (whole.debt, whole.upcoming) = (Amount::ZERO, Vec::new());
            let mut parts = whole.clone();
            let before = whole.clone();
            let drawn = before.drawn_until(at(SECONDS));
            draw_time(&mut whole, &profile, at(SECONDS));
            let mut second = 0;
            while second < SECONDS {
                second = (second + 1 + random.below(40)).min(SECONDS);
                draw_time(&mut parts, &profile, at(second));
            }
            assert_eq!(parts.grants, whole.grants, "seed {seed}: {before:#?}");
            assert_eq!(parts.meters.unposted(at(SECONDS)), whole.meters.unposted(at(SECONDS)));
            for grant in before.grants.iter().filter(|grant| grant.scope.is_some()) {
                let scope = before.scopes.of(grant.scope.as_ref());
                let spent = drawn.spent.iter().filter(|(cover, _)| scope.pays_for(*cover));
                let most: Amount = spent.map(|&(_, spent)| spent).sum();
                assert!(drawn.of(grant.number) <= most, "seed {seed}: {before:#?}");
            }
        }
    }

    #[test]
    fn law_a_scope_that_covers_everything_changes_nothing() {
        let all = Arc::new(Scope::new(Vec::new(), ResourceClass::ALL.to_vec()).unwrap());
        for seed in 0..1_500 {
            let mut random = Random(seed);
            let mut plain = wallet(&mut random);
            let open: Vec<OpenGrant> = plain.grants.iter().cloned().collect();
            let with = |scope: Option<&Arc<Scope>>| {
                let grants =
                    open.iter().map(|it| OpenGrant { scope: scope.cloned(), ..it.clone() });
                crate::grant::OpenGrants::from_stored(grants.collect())
            };
            (plain.upcoming, plain.debt) = (Vec::new(), Amount::ZERO);
            if !plain.meters.is_running() {
                continue;
            }
            (plain.scopes, plain.covered) = (scope::Scopes::default(), Vec::new());
            plain.meters.recover(|_| Cover::NONE);
            plain.stoppable_count = 1;
            plain.grants = with(None);
            let mut scoped = plain.clone();
            scoped.scopes.push(all.clone());
            let cover = scoped.scopes.cover(Some(purpose(1)));
            scoped.meters.recover(|_| cover);
            scoped.covered = vec![Covered { cover, kept: 0, stoppable: 1, stop_order: None }];
            scoped.grants = with(Some(&all));
            let profile = Profile::default();
            assert_eq!(scoped.run_out(), plain.run_out(), "seed {seed}: {plain:#?}");
            let found = scoped.available_for(&profile, at(30), Some(purpose(2)));
            assert_eq!(found, plain.available(&profile, at(30)), "seed {seed}: {plain:#?}");
            assert_eq!(scoped.shown(&profile, at(30)), plain.shown(&profile, at(30)));
            for (floor, horizon) in [(1, 0), (500, 0), (500, 7)] {
                let floor = Amount::from_nanos(floor);
                let found = scoped.last_second_shown(&profile, floor, horizon);
                let expected = plain.last_second_shown(&profile, floor, horizon);
                assert_eq!(found, expected, "seed {seed}, {floor}, {horizon}: {plain:#?}");
            }
        }
    }
}
