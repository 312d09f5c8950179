//! Rows of every kind with random values, the same for the same seed.

use std::sync::Arc;

use domain::block::{BlockGroup, Blocks, NextBlock};
use domain::calendar::Zone;
use domain::digest::{Spent, Tally, Waiting};
use domain::discount::{Discount, Volume};
use domain::event::{Event, EventKind};
use domain::grant::{Grant, GrantKind, OpenGrant, OpenGrants, Posting, Upcoming};
use domain::ledger::{
    ChainTip, EventKey, LedgerTransaction, Line, Span, SpanMeter, TransactionKind,
};
use domain::meter::{Meter, Meters};
use domain::notice::{Notices, Topic};
use domain::price::AppliesTo;
use domain::retention::Retention;
use domain::run::ResourceClass;
use domain::scope::{Cover, Scope, Scopes};
use domain::tax::{Tax, TaxDue, TaxRate};
use domain::top_up::{Asked, AutoTopUp, Caps};
use domain::validity::Validity;
use domain::wallet::{Covered, Freeze, Launch, MemberLimit, StopOrder, UserLimit, Wallet};
use domain::{Amount, OrgId, Timestamp};

/// SplitMix64: enough for tests, the same everywhere.
pub(super) struct Random(pub u64);

impl Random {
    pub(super) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, limit: i64) -> i64 {
        i64::try_from(self.bits() % u64::try_from(limit).unwrap()).unwrap()
    }

    pub(super) fn chance(&mut self) -> bool {
        self.below(2) == 0
    }

    pub(super) fn maybe<T>(&mut self, make: impl FnOnce(&mut Random) -> T) -> Option<T> {
        if self.chance() { Some(make(self)) } else { None }
    }

    pub(super) fn some<T>(&mut self, most: i64, make: impl Fn(&mut Random) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| make(self)).collect()
    }

    pub(super) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(i64::try_from(of.len()).unwrap())).unwrap()]
    }

    pub(super) fn org(&mut self) -> OrgId {
        OrgId::new(self.below(1024), self.bits())
    }

    pub(super) fn amount(&mut self) -> Amount {
        Amount::from_nanos(self.below(1 << 60) >> self.below(60))
    }

    pub(super) fn signed(&mut self) -> Amount {
        let amount = self.amount();
        if self.chance() { amount } else { amount.negated() }
    }

    pub(super) fn time(&mut self) -> Timestamp {
        Timestamp::from_micros(self.below(1 << 53))
    }

    pub(super) fn expiry(&mut self) -> Timestamp {
        self.maybe(Random::time).unwrap_or(Timestamp::NEVER)
    }

    pub(super) fn wide(&mut self) -> i128 {
        (i128::from(self.bits()) * i128::from(self.bits().cast_signed())) >> self.below(100)
    }

    /// A text with what texts are made to trip over.
    pub(super) fn text(&mut self) -> String {
        let letters = ["a", "Z", "9", " ", "'", "\"", "\\", ";", "=", ",", ":", "$1", "é", "✓"];
        self.some(12, |random| random.one(&letters)).concat()
    }

    pub(super) fn postings(&mut self, most: i64) -> Vec<Posting> {
        self.some(most, |random| Posting { grant: random.below(1 << 40), change: random.signed() })
    }

    pub(super) fn grant(&mut self, number: i64) -> Grant {
        let kinds =
            [GrantKind::Promotional, GrantKind::Purchased, GrantKind::Bonus, GrantKind::Trial];
        Grant {
            number,
            kind: self.one(&kinds),
            amount: self.amount(),
            priority: self.below(101),
            expires_at: self.expiry(),
            purchase: self.maybe(|random| random.below(99)),
            deposit: self.maybe(|random| random.below(99)),
            note: self.text(),
            effective_at: self.time(),
            created_at: self.time(),
            voided_at: self.maybe(Random::time),
            scope: self.maybe(Random::scope),
        }
    }

    fn scope(&mut self) -> Arc<Scope> {
        let skus = self.some(3, |random| random.below(99));
        let classes = self.some(2, |random| random.one(&ResourceClass::ALL));
        Arc::new(Scope::new(skus, classes).unwrap_or_else(|| Scope::from_text("c1.7").unwrap()))
    }

    fn cover(&mut self) -> Cover {
        Cover::from_code(self.below(9)).unwrap()
    }

    pub(super) fn discount(&mut self, number: i64) -> Discount {
        Discount {
            number,
            sku: self.maybe(|random| random.below(99)),
            bps: self.below(10_001),
            effective_from: self.time(),
            effective_until: self.expiry(),
            applies_to: self.one(&AppliesTo::ALL),
            commitment: self.maybe(|random| random.below(99)),
            created_at: self.time(),
        }
    }

    pub(super) fn zone(&mut self) -> Zone {
        Zone::named(self.one(&["UTC", "America/Sao_Paulo", "Asia/Ho_Chi_Minh"])).unwrap()
    }

    fn tally(&mut self) -> Tally {
        Tally {
            day_from: self.time(),
            day_end: self.time(),
            day_after: self.below(99),
            day: self.spent(),
            week_from: self.time(),
            week_after: self.below(99),
            week: self.spent(),
            daily: self.maybe(Random::waiting),
            weekly: self.maybe(Random::waiting),
        }
    }

    fn waiting(&mut self) -> Waiting {
        let (from, until, tell_at) = (self.time(), self.time(), self.time());
        let (after, through) = (self.below(99), self.below(99));
        Waiting { from, until, tell_at, after, through, spent: self.spent() }
    }

    fn spent(&mut self) -> Spent {
        let skus = self.some(3, |random| (random.below(99), random.signed()));
        Spent { total: self.signed(), skus }
    }

    fn open_grant(&mut self, number: i64) -> OpenGrant {
        let remaining = Amount::from_nanos(1 + self.below(1 << 50));
        let reserved = Amount::from_nanos(self.below(remaining.nanos() + 1));
        OpenGrant { remaining, reserved, ..self.grant(number).opened() }
    }

    pub(super) fn wallet(&mut self, org: OrgId, grants: i64) -> Wallet {
        let mut wallet = Wallet::new(org, self.org(), self.time());
        wallet.tip = ChainTip {
            number: self.below(1 << 40),
            position: self.below(1 << 40),
            hash: u128::from(self.bits()).to_le_bytes(),
        };
        wallet.next_number = 2 + self.below(1 << 40);
        wallet.grants =
            OpenGrants::from_stored((0..grants).map(|number| self.open_grant(number)).collect());
        wallet.debt = self.amount().min(Amount::from_nanos(1 << 50));
        let meter = |random: &mut Random| Meter {
            per_units: 1 + random.below(1 << 40),
            rate: random.wide(),
            sum: random.wide(),
            posted: random.wide(),
            cover: random.cover(),
        };
        wallet.meters = Meters { meters: self.some(3, meter), accrued_until: self.time() };
        wallet.settled_until = self.time();
        wallet.running_count = self.below(3);
        wallet.stoppable_count = self.below(3);
        wallet.blocks = Blocks {
            groups: self.some(3, |random| BlockGroup {
                block_seconds: 1 + random.below(9_999),
                phase: random.maybe(|random| random.below(9_999)),
                amount: random.amount(),
                runs: random.below(99),
                cover: random.cover(),
            }),
            next: self.maybe(|random| NextBlock { at: random.expiry(), amount: random.amount() }),
        };
        wallet.next_beat = self.expiry();
        wallet.next_reprice = self.expiry();
        wallet.retention = self
            .maybe(|random| Retention { deletes_at: random.expiry(), is_ending: random.chance() });
        wallet.launches = self.some(3, |random| Launch {
            until: random.expiry(),
            per_units: 1 + random.below(9_999),
            rate: random.wide(),
            cover: random.cover(),
        });
        wallet.next_hold_expiry = self.expiry();
        wallet.limit_count = self.below(9);
        if wallet.limit_count > 0 {
            wallet.next_limit = self.expiry();
        }
        wallet.member_limits = self.some(3, |random| MemberLimit {
            member: 1 + random.below(99),
            limit: UserLimit { limit: random.amount(), fired: random.chance() },
        });
        wallet.user_limit =
            self.maybe(|random| UserLimit { limit: random.amount(), fired: random.chance() });
        wallet.forecast_fired = self.chance();
        wallet.notices = Notices::new(if self.chance() { &Topic::ALL } else { &[] }, self.chance());
        wallet.tally = self.maybe(Random::tally).map(Box::new);
        wallet.per_use = self.some(5, |random| (random.below(1 << 20), random.signed()));
        wallet.auto_top_up = self.maybe(|random| AutoTopUp {
            threshold: random.amount(),
            amount: random.amount(),
            method: random.below(99),
            enabled: random.chance(),
            in_flight: random.maybe(|random| random.below(99)),
            attempted_at: random.maybe(Random::time),
            in_flight_due: random.maybe(Random::time),
            caps: Caps {
                daily_attempts_max: random.maybe(|random| random.below(99)),
                monthly_amount_max: random.maybe(Random::amount),
            },
            asked: Asked {
                day_end: random.time(),
                day_attempts: random.below(99),
                month_end: random.time(),
                month_amount: random.amount(),
            },
            paused_until: random.maybe(Random::time),
        });
        wallet.stop_order =
            self.maybe(|random| StopOrder { stop_at: random.expiry(), sequence: random.below(99) });
        wallet.stop_sequence = self.below(3);
        wallet.freeze =
            self.maybe(|random| Freeze { open: random.below(3), is_lost: random.chance() });
        wallet.discounts = (0..self.below(3)).map(|number| self.discount(number)).collect();
        wallet.volume = self.maybe(|random| Volume {
            days_kept: random.below(99),
            left: random.amount(),
            days: random.some(3, |random| (random.below(1 << 20), random.signed())),
        });
        wallet.zone = self.zone();
        wallet.validity = self.maybe(|random| Validity {
            until: random.expiry(),
            lapsed_at: random.maybe(Random::time),
            lapsed: random.some(3, |random| random.open_grant(7)),
        });
        wallet.upcoming = self.some(3, |random| Upcoming {
            effective_at: random.time(),
            grant: random.open_grant(8),
        });
        wallet.tax = self.maybe(|random| TaxRate {
            bps: random.below(10_001),
            due: random
                .maybe(|random| TaxDue::OnUse { left: random.amount() })
                .unwrap_or(TaxDue::OnDeposit),
        });
        wallet.bonus_coupons = self.some(3, |random| 1 + random.below(99));
        wallet.reminded_until = self.maybe(Random::time).unwrap_or_default();
        wallet.scopes = Scopes::from_stored(self.some(3, Random::scope)).unwrap();
        wallet.covered = self.some(3, |random| Covered {
            cover: random.cover(),
            kept: random.below(3),
            stoppable: random.below(3),
            stop_order: random
                .maybe(|random| StopOrder { stop_at: random.time(), sequence: random.below(99) }),
        });
        wallet.is_closed = self.chance();
        wallet.review_due = self.chance();
        wallet
    }

    /// A transaction as it could have been posted: one priced line is its amount, and a span
    /// begins where the transaction says that it occurred.
    pub(super) fn transaction(&mut self, org: OrgId, position: i64) -> LedgerTransaction {
        let amount = self.signed();
        let span = self.maybe(|random| Span {
            from: random.time(),
            every_seconds: 60,
            meters: random.some(2, |random| SpanMeter {
                per_units: random.below(1 << 40),
                sum: random.wide(),
                rate: random.wide(),
            }),
        });
        let mut lines = self.some(3, |random| Line {
            price: random.below(99),
            quantity: random.below(1 << 50),
            amount: random.amount(),
        });
        if let [line] = lines.as_mut_slice() {
            line.amount = amount;
        }
        let kind = self.one(&TransactionKind::ALL);
        let is_charge = kind == TransactionKind::Charge;
        LedgerTransaction {
            org,
            number: position,
            position,
            prev: 0,
            kind,
            at: self.time(),
            occurred_at: span.as_ref().map(|span| span.from).or_else(|| self.maybe(Random::time)),
            subject: if is_charge { 0 } else { self.below(99) },
            labels: self.maybe(|random| random.below(99)).unwrap_or_default(),
            limit: self.maybe(|random| random.below(99)).unwrap_or_default(),
            amount,
            postings: self.postings(6),
            absorbed: self.maybe(Random::signed).unwrap_or_default(),
            debt: self.maybe(Random::signed).unwrap_or_default(),
            tax: self.maybe(Random::tax).unwrap_or_default(),
            balance: self.signed(),
            fingerprint: self.bits().cast_signed(),
            event: self.maybe(|random| EventKey { source: random.text(), id: random.text() }),
            lines,
            discount_bps: self.maybe(|random| random.below(10_001)).unwrap_or_default(),
            span,
            hash: u128::from(self.bits()).to_le_bytes(),
        }
    }

    pub(super) fn tax(&mut self) -> Tax {
        Tax { amount: Amount::from_nanos(1 + self.below(1 << 40)), bps: self.below(10_001) }
    }

    pub(super) fn event(&mut self, org: OrgId, number: i64) -> Event {
        let fields = self.some(3, |random| ("field", random.text()));
        Event { org, number, kind: self.one(&EventKind::ALL), at: self.time(), fields }
    }
}
