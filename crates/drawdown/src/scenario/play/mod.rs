//! Plays the steps of a scenario on a layer: names become numbers, rows become text.
//!
//! A command line runs steps 1–3 of rulings R5 at its instant and then itself; a listing, and every
//! move of the clock, applies everything that is due.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use app::operations::create_sku::SkuFacts;
use domain::calendar::Zone;
use domain::price::{Alternative, AppliesTo};
use domain::profile::Profile;
use domain::run::ResourceClass;
use domain::{OrgId, Timestamp};

use crate::scenario::layer::{Command, Done, Failure, Layer, NewPrice, RailAnswer, TopUpRule};
use crate::scenario::parse::{NewHold, PriceOf, Says};
use crate::scenario::show::{self, Names};
use crate::scenario::when::When;

mod listing;
mod members;
mod money;
mod offered;
mod work;

/// What a step printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    pub lines: Vec<String>,
    pub is_refusal: bool,
}

/// A row that has a name.
#[derive(Clone, Copy, Debug)]
struct Named {
    org: OrgId,
    number: i64,
}

/// Numbers start at 1: what has no row is asked for as 0, so that the layer says so.
const NOBODY: Named = Named { org: OrgId::from_stored(0), number: 0 };

#[derive(Debug)]
struct Wallet {
    org: OrgId,
    /// The words of its platform.
    profile: Arc<Profile>,
    auto_top_ups: usize,
    returned: usize,
}

/// The state of one scenario.
pub struct Player<'a> {
    layer: &'a mut dyn Layer,
    now: Option<Timestamp>,
    platforms: Vec<(OrgId, Arc<Profile>)>,
    wallets: BTreeMap<String, Wallet>,
    skus: BTreeMap<(OrgId, String), i64>,
    rows: BTreeMap<String, Named>,
    /// The grants that deposits became, by the name of the deposit.
    bought: BTreeMap<String, Named>,
    /// The names of refunds.
    refunds: BTreeSet<String>,
    /// The last run of each resource.
    runs: BTreeMap<(OrgId, i64), i64>,
    methods: BTreeMap<OrgId, i64>,
    rules: BTreeMap<OrgId, TopUpRule>,
    /// How much of a list has been shown before.
    seen: BTreeMap<(OrgId, &'static str), usize>,
    /// The member who asks.
    acting: Option<i64>,
    events: usize,
    names: Names,
}

type Lines = Result<Vec<String>, Failure>;

fn line(text: impl Into<String>) -> Lines {
    Ok(vec![text.into()])
}

fn broken<T>(message: impl Into<String>) -> Result<T, Failure> {
    Err(Failure::Broken(message.into()))
}

impl<'a> Player<'a> {
    pub fn new(layer: &'a mut dyn Layer) -> Player<'a> {
        Player {
            layer,
            now: None,
            platforms: Vec::new(),
            wallets: BTreeMap::new(),
            skus: BTreeMap::new(),
            rows: BTreeMap::new(),
            bought: BTreeMap::new(),
            refunds: BTreeSet::new(),
            runs: BTreeMap::new(),
            methods: BTreeMap::new(),
            rules: BTreeMap::new(),
            seen: BTreeMap::new(),
            acting: None,
            events: 0,
            names: Names::default(),
        }
    }

    /// Plays one step. The text error is of a layer that cannot go on, or of a scenario that asks
    /// for something out of order.
    pub fn play(&mut self, says: &Says) -> Result<Output, String> {
        if let Says::Repeat { each } = says {
            return self.repeat(each);
        }
        match self.obey(says) {
            Ok(lines) => Ok(Output { lines, is_refusal: false }),
            Err(Failure::Refused(refused)) => {
                let lines = vec![show::refused(&refused, &self.names)];
                Ok(Output { lines, is_refusal: true })
            }
            Err(Failure::Broken(message)) => Err(message),
        }
    }

    /// Prints how often each output came, in the order of first appearance.
    fn repeat(&mut self, each: &[Says]) -> Result<Output, String> {
        let mut counts: Vec<(String, usize)> = Vec::new();
        let mut is_refusal = false;
        for says in each {
            let output = self.play(says)?;
            is_refusal |= output.is_refusal;
            let text = output.lines.join("; ");
            match counts.iter_mut().find(|(other, _)| *other == text) {
                Some((_, count)) => *count += 1,
                None => counts.push((text, 1)),
            }
        }
        let lines = counts.iter().map(|(text, count)| format!("{count} x {text}")).collect();
        Ok(Output { lines, is_refusal })
    }

    fn obey(&mut self, says: &Says) -> Lines {
        match says {
            Says::Clock(at) => self.clock(*at),
            Says::Platform { profile, settings } => self.platform(profile, settings),
            Says::Profile { settings, from } => self.profile(settings, *from),
            Says::Sku { code, class, facts, prices } => self.made_sku(code, *class, facts, prices),
            Says::Price { code, price, from, applies_to } => {
                self.price(code, price, *from, *applies_to)
            }
            Says::Alternative { code, alternative, other } => {
                self.relate(code, *alternative, other.as_deref())
            }
            Says::Wallet { name, zone } => self.wallet(name, zone),
            Says::Member { .. } | Says::Role { .. } | Says::Remove { .. } | Says::As { .. } => {
                self.of_member(says)
            }
            Says::OfferCommitment { .. } | Says::Commit { .. } => self.of_commitment(says),
            Says::Discount(assign) => self.discount(assign),
            Says::Tax { wallet, bps } => self.tax(wallet, *bps),
            Says::Deposit { name, wallet, amount, paid_with, fate, told } => {
                self.deposit(name, wallet, (*amount, *paid_with), (*fate, told))
            }
            Says::Dispute { name, deposit, state, withdrawn } => {
                self.dispute(name, deposit, *state, *withdrawn)
            }
            Says::Refund { name, deposit, amount, by } => {
                self.refund(name, deposit, *amount, *by).and_then(line)
            }
            Says::Settle { name, answer, paid_at, told } => {
                let (Named { org, number }, paid_at) = (self.named(name), self.instant(*paid_at)?);
                if self.refunds.contains(name) {
                    let is_paid = *answer == RailAnswer::Succeeded;
                    let settled = Command::SettleRefund { org, refund: number, is_paid };
                    return self.refunded(name, settled).and_then(line);
                }
                self.settle(name, org, number, (*answer, paid_at, told)).and_then(line)
            }
            Says::Grant(grant) => self.grant(grant),
            Says::Coupon(coupon) => self.coupon(coupon),
            Says::Redeem { wallet, code } => {
                let (platform, org) = (self.current_platform(), self.org(wallet));
                let command = Command::Redeem { platform, org, code: code.clone() };
                match self.layer.run(&command)? {
                    Done::Redeemed(state) => line(state),
                    other => broken(format!("expected a redemption, got {other:?}")),
                }
            }
            Says::Void { name } => {
                let bought = self.bought.get(name).copied();
                let Named { org, number: grant } = bought.unwrap_or_else(|| self.named(name));
                self.layer.run(&Command::VoidGrant { org, grant })?;
                line("voided")
            }
            Says::Start(start) => self.start(start),
            Says::Stop { resource, at, rest } => self.stop(resource, *at, *rest),
            Says::Ready { .. }
            | Says::Beat { .. }
            | Says::Resize { .. }
            | Says::Resume { .. }
            | Says::Redeploy { .. } => self.go_on(says),
            Says::Use(usage) => self.usage(usage),
            Says::Request(served) => self.request(served),
            Says::Move(when) => self.advance(*when),
            Says::Keyed { key, command } => self.keyed(key, command),
            Says::Down(seconds) => self.down(*seconds),
            Says::Repeat { .. } => broken("repeat inside repeat"),
            said if said.is_listing() => self.listing(said),
            other => self.obey_holds_and_rules(other),
        }
    }

    fn obey_papers(&mut self, says: &Says) -> Lines {
        match says {
            Says::Arrival { name, decision } => self.arrival(name, decision.clone()),
            Says::Close { wallet } => {
                let org = self.org(wallet);
                match self.layer.run(&Command::CloseOrganization { org })? {
                    Done::Closed { is_erased: true } => line("closed and erased"),
                    Done::Closed { is_erased: false } => line("closed"),
                    other => broken(format!("expected what was closed, got {other:?}")),
                }
            }
            Says::Party { wallet, party } => {
                let org = match wallet {
                    Some(wallet) => self.org(wallet),
                    None => self.current_platform(),
                };
                self.layer.run(&Command::SetParty { org, party: party.clone() })?;
                line("set")
            }
            Says::Invoice { wallet, month } => {
                let (org, month) = (self.org(wallet), *month);
                self.layer.run(&Command::IssueInvoice { org, month })?;
                line("issued")
            }
            _ => broken("this command cannot be played"),
        }
    }

    fn obey_holds_and_rules(&mut self, says: &Says) -> Lines {
        match says {
            Says::Hold(NewHold { name, wallet, amount, labels, seconds, sku }) => {
                let (org, amount, seconds) = (self.org(wallet), *amount, *seconds);
                let (labels, platform) = (labels.clone(), self.current_platform());
                let number = |code: &String| self.skus.get(&(platform, code.clone())).copied();
                let sku = sku.as_ref().map(|code| (platform, number(code).unwrap_or(0)));
                let place = Command::PlaceHold { org, sku, amount, seconds, labels };
                let Done::Hold(hold) = self.layer.run(&place)? else {
                    return broken("placing a hold made no hold");
                };
                self.remember(name, org, hold.number);
                line(format!("held until {}", self.names.time(hold.expires_at)))
            }
            Says::Capture { name, amount } => {
                let Named { org, number: hold } = self.named(name);
                let amount = *amount;
                let Done::Hold(row) =
                    self.layer.run(&Command::CaptureHold { org, hold, amount })?
                else {
                    return broken("capturing a hold made no hold");
                };
                let captured = row.captured.unwrap_or_default();
                let released = row.amount.minus(captured).or_zero();
                line(format!("captured {captured} released {released}"))
            }
            Says::Release { name } => {
                let Named { org, number: hold } = self.named(name);
                let Done::Hold(row) = self.layer.run(&Command::ReleaseHold { org, hold })? else {
                    return broken("releasing a hold made no hold");
                };
                line(format!("released {}", row.amount))
            }
            Says::Card { wallet, behaviour } => {
                let (org, behaviour) = (self.org(wallet), *behaviour);
                let command = match self.methods.get(&org) {
                    Some(&method) => Command::ChangePaymentMethod { org, method, behaviour },
                    None => Command::SavePaymentMethod { org, behaviour },
                };
                let method = self.row(command)?;
                self.methods.insert(org, method);
                line("saved")
            }
            Says::Reverse { wallet, id } => {
                let (org, id) = (self.org(wallet), id.clone());
                self.charge(&Command::ReverseUsage { org, id })
            }
            Says::ReleaseFreeze { wallet } => {
                let org = self.org(wallet);
                self.layer.run(&Command::ReleaseFreeze { org })?;
                line("released")
            }
            Says::Limit { .. } | Says::Unlimit { .. } => self.limit(says),
            Says::AutoTopUp { wallet, rule } => self.auto_top_up(wallet, *rule),
            Says::Alert { wallet, member, below } => {
                let (org, limit) = (self.org(wallet), *below);
                let member = member.as_ref().map(|name| self.named(name).number);
                self.layer.run(&Command::SetUserLimit { org, member, limit })?;
                line(if limit.is_some() { "on" } else { "off" })
            }
            Says::Mute { .. } | Says::Bounce { .. } => self.notice(says),
            _ => self.obey_papers(says),
        }
    }

    /// What is about mails that are not sent.
    fn notice(&mut self, says: &Says) -> Lines {
        match says {
            Says::Mute { wallet, muted } => {
                let (org, muted) = (self.org(wallet), muted.clone());
                self.layer.run(&Command::SetNotices { org, muted })?;
                line("set")
            }
            Says::Bounce { wallet } => {
                let (org, reason) = (self.org(wallet), "550 no such mailbox".to_owned());
                self.layer.run(&Command::ReportBounce { org, reason })?;
                line("taken")
            }
            _ => broken("this is not about mails"),
        }
    }

    fn clock(&mut self, at: Timestamp) -> Lines {
        if self.now.is_some() {
            return broken("the clock is set once; `at` and `advance` move it");
        }
        self.now = Some(at);
        self.names.start = at;
        line("set")
    }

    fn present(&self) -> Result<Timestamp, Failure> {
        self.now.map_or_else(|| broken("a scenario begins with `clock`"), Ok)
    }

    fn instant(&self, when: Option<When>) -> Result<Option<Timestamp>, Failure> {
        let now = self.present()?;
        Ok(when.map(|when| when.instant(self.names.start, now)))
    }

    fn platform(&mut self, profile: &str, settings: &str) -> Lines {
        let (name, clock) = (profile.to_string(), self.present()?);
        let (profile, settings) = (profile.to_string(), settings.to_string());
        let words = app::profiles::with_settings(&profile, &settings).unwrap_or_default();
        let made = Command::CreatePlatform { name, profile, settings, clock };
        let Done::Organization(org) = self.layer.run(&made)? else {
            return broken("making a platform made no organization");
        };
        self.platforms.push((org, Arc::new(words)));
        line("made")
    }

    fn profile(&mut self, settings: &str, from: Option<When>) -> Lines {
        let (platform, settings) = (self.current_platform(), settings.to_string());
        let effective_from = self.instant(from)?;
        self.layer.run(&Command::ChangeProfile { platform, settings, effective_from })?;
        line("changed")
    }

    fn current_platform(&self) -> OrgId {
        self.platforms.last().map_or(NOBODY.org, |&(org, _)| org)
    }

    fn wallet(&mut self, name: &str, zone: &Zone) -> Lines {
        let platform = self.current_platform();
        if self.wallets.contains_key(name) {
            return broken(format!("there is a wallet named {name} already"));
        }
        let zone = zone.clone();
        let made = Command::CreateOrganization { platform, name: name.to_string(), zone };
        let Done::Organization(org) = self.layer.run(&made)? else {
            return broken("making a wallet made no organization");
        };
        let profile = self.platforms.last().map(|(_, words)| Arc::clone(words)).unwrap_or_default();
        let wallet = Wallet { org, profile, auto_top_ups: 0, returned: 0 };
        self.wallets.insert(name.to_string(), wallet);
        line("made")
    }

    fn org(&self, wallet: &str) -> OrgId {
        self.wallets.get(wallet).map_or(NOBODY.org, |wallet| wallet.org)
    }

    fn named(&self, name: &str) -> Named {
        let somebody = self.wallets.values().next().map_or(NOBODY.org, |wallet| wallet.org);
        self.rows.get(name).copied().unwrap_or(Named { org: somebody, ..NOBODY })
    }

    fn remember(&mut self, name: &str, org: OrgId, number: i64) {
        self.rows.insert(name.to_string(), Named { org, number });
        self.names.give(org, number, name);
    }

    fn row(&mut self, command: Command) -> Result<i64, Failure> {
        match self.layer.run(&command)? {
            Done::Row(number) => Ok(number),
            other => broken(format!("expected a row, got {other:?}")),
        }
    }

    fn made_sku(
        &mut self,
        code: &str,
        class: ResourceClass,
        facts: &SkuFacts,
        prices: &[PriceOf],
    ) -> Lines {
        let (platform, code) = (self.current_platform(), code.to_string());
        let (key, facts) = ((platform, code.clone()), facts.clone());
        let number = self.row(Command::CreateSku { platform, code, class, facts })?;
        self.names.give(platform, number, &key.1);
        self.skus.insert(key.clone(), number);
        for price in prices {
            self.price(&key.1, price, None, AppliesTo::NewRuns)?;
        }
        line("made")
    }

    fn relate(&mut self, code: &str, alternative: Alternative, other: Option<&str>) -> Lines {
        let (platform, sku) = (self.current_platform(), self.sku(code));
        let other = other.map(|other| self.sku(other));
        self.row(Command::RelateSku { platform, sku, alternative, other })?;
        line("related")
    }

    fn price(
        &mut self,
        code: &str,
        price: &PriceOf,
        from: Option<When>,
        applies_to: AppliesTo,
    ) -> Lines {
        let (platform, sku) = (self.current_platform(), self.sku(code));
        let effective_from = self.instant(from)?;
        let PriceOf { dimension, amount, per_units } = price.clone();
        self.row(Command::CreatePrice(NewPrice {
            platform,
            sku,
            dimension,
            amount,
            per_units,
            effective_from,
            applies_to,
        }))?;
        line("set")
    }

    /// A SKU of the latest platform, by its code.
    fn sku(&self, code: &str) -> i64 {
        self.skus.get(&(self.current_platform(), code.to_string())).copied().unwrap_or(0)
    }

    fn advance(&mut self, when: When) -> Lines {
        let to = when.instant(self.names.start, self.present()?);
        self.advance_all(to)?;
        self.now = Some(to);
        line(self.names.time(to))
    }

    fn down(&mut self, seconds: i64) -> Lines {
        let to = self.present()?.plus_seconds(seconds);
        let platforms: Vec<OrgId> = self.platforms.iter().map(|(platform, _)| *platform).collect();
        self.layer.outage(&platforms, to)?;
        self.now = Some(to);
        line(self.names.time(to))
    }

    fn advance_all(&mut self, to: Timestamp) -> Result<(), Failure> {
        for (platform, _) in &self.platforms {
            self.layer.advance(*platform, to)?;
        }
        Ok(())
    }
}
