//! Pages with rich data, for the structural tests and for looking at.

use domain::{Amount, Id, Kind as IdKind, OrgId, Timestamp};

use super::clock::TestClock;
use super::demo_home::{DemoHome, DemoPlatform, Snippet, WalletCard};
use super::error::{ErrorPage, MoneyMoved};
use super::layout::{Shell, WalletButton};
use super::parts::Icon;
use super::sandbox_checkout::{CheckoutReturn, ReturnOutcome, SandboxCheckout, Stage};
use super::show::{Unit, Zone};
use super::wallet::activity::{Activity, Kind, Movement, Working};
use super::wallet::add_credits::{AddCredits, Preset};
use super::wallet::auto_top_up::{self, AutoTopUp};
use super::wallet::deposits::{self, Deposit};
use super::wallet::grants::{Grant, Hold};
use super::wallet::hero::{Hero, RunsOut};
use super::wallet::notices::{AlertRule, AlertState, Alerts, FeedEvent, Mail};
use super::wallet::running::{Offer, QueryOffer, Running, RunningNow};
use super::wallet::{Notice, WalletPage, ZeroNotice};
use super::{Labels, Presentation};
use crate::charts::{BurnDown, Day, Point, StackedBars};

pub fn usd(text: &str) -> Amount {
    Amount::parse(text).unwrap()
}

pub fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn now() -> Timestamp {
    at("2026-01-05T12:04:31Z")
}

fn id(kind: IdKind, number: i64) -> Id {
    Id::new(kind, OrgId::new(417, 0x9f2_4a71_c3d8_0b65), number)
}

fn presentation(unit: Unit, stopped: &str, history: &str) -> Presentation {
    Presentation {
        labels: Labels {
            unit,
            add_credits: "Add credits".into(),
            history: history.into(),
            auto_top_up: "Auto Top-Up".into(),
            stopped: stopped.into(),
        },
        zone: Zone::utc(),
    }
}

fn dollars() -> Presentation {
    presentation(Unit::Dollars, "terminated", "Deposit History")
}

fn shell(title: &str, presentation: Presentation, hero: &Hero) -> Shell {
    Shell {
        presentation,
        title: title.into(),
        platform: Some("Halide Cloud".into()),
        test: true,
        wallet: Some(WalletButton {
            frozen: false,
            wallet: id(IdKind::Wallet, 1),
            name: "Acme Labs".into(),
            available: hero.available,
            held: hero.held,
            promotional: hero.promotional,
            promotional_expires_at: hero.promotional_expires_at,
            runway_seconds: hero.runs_out.as_ref().map(|end| end.at.seconds_since(hero.as_of)),
            auto_top_up_on: Some(false),
        }),
        version: "0.1.0".into(),
        help: vec![
            ("Documentation".into(), "/docs".into()),
            ("API".into(), "/openapi.json".into()),
        ],
    }
}

fn bare_shell(title: &str) -> Shell {
    Shell { platform: None, wallet: None, ..shell(title, dollars(), &hero("93.8275", "1.80")) }
}

/// A straight burn from `available` to zero, with a deposit in its past.
fn curve(id: &str, available: Amount, per_hour: Amount, as_of: Timestamp) -> BurnDown {
    let seconds = i128::from(available.nanos()) * 3_600 / i128::from(per_hour.nanos().max(1));
    let seconds = i64::try_from(seconds).unwrap();
    let before = |part: i64| as_of.plus_seconds(-seconds / 36 * part);
    let burned = |part: i64| Amount::from_nanos(available.nanos() / 36 * part);
    let past = vec![
        Point { at: before(14), balance: burned(3) },
        Point { at: before(8), balance: burned(1) },
        Point { at: before(8), balance: available.plus(burned(8)) },
        Point { at: before(3), balance: available.plus(burned(3)) },
    ];
    let zero = Point { at: as_of.plus_seconds(seconds), balance: Amount::ZERO };
    let burning = per_hour.is_positive() && available.is_positive();
    BurnDown {
        id: id.into(),
        now: as_of,
        available,
        past: if burning { past } else { vec![] },
        projection: if burning { vec![zero] } else { vec![] },
    }
}

fn hero(available: &str, per_hour: &str) -> Hero {
    let (available, burn) = (usd(available), usd(per_hour));
    let curve = curve("hero-curve", available, burn, now());
    Hero {
        as_of: now(),
        available,
        burn_per_hour: burn,
        runs_out: curve.projection.last().map(|end| RunsOut {
            at: end.at,
            stops: vec!["train-h100".into(), "scratch-volume".into()],
            before: None,
        }),
        purchased: available.minus(usd("4.97").min(available)),
        promotional: usd("5").min(available),
        promotional_expires_at: Some(at("2026-02-01T00:00:00Z")),
        held: usd("0.03").min(available),
        debt: Amount::ZERO,
        accruing: None,
        alert_limit: None,
        curve,
        fresh: false,
        frozen: false,
        ticks: true,
    }
}

fn clock() -> TestClock {
    TestClock {
        action: super::paths::CLOCK.into(),
        now: now(),
        flows: true,
        advancing: false,
        return_to: "/w/wal".into(),
        attempt_key: "5f0c2b".into(),
    }
}

fn add_credits() -> AddCredits {
    let preset = |amount: &str, tagline: Option<&str>| Preset {
        amount: usd(amount),
        tagline: tagline.map(str::to_owned),
        chosen: amount == "100",
    };
    AddCredits {
        presets: vec![
            preset("50", None),
            preset("100", Some("Recommended")),
            preset("200", None),
            preset("500", None),
            preset("1000", None),
            preset("5000", None),
        ],
        min: usd("15"),
        max: usd("5000"),
        custom: None,
        refusal: None,
        expiry: "Never expires".into(),
        refund: "Unused credit can be refunded: contact us".into(),
        burn_per_hour: usd("1.80"),
    }
}

fn running() -> RunningNow {
    let resource = |number, name: &str, sku: &str, rate, since, cost, stopping| Running {
        resource: id(IdKind::Resource, number),
        name: name.into(),
        sku: sku.into(),
        per_hour: usd(rate),
        since: at(since),
        cost: usd(cost),
        stopping,
    };
    let offer = |number, name: &str, detail: &str, rate, list: Option<&str>, refused| Offer {
        sku: id(IdKind::Sku, number),
        name: name.into(),
        detail: detail.into(),
        per_hour: usd(rate),
        list: list.map(|list| (usd(list), "−10%".to_owned())),
        refused,
    };
    RunningNow {
        resources: vec![
            resource(
                21,
                "train-h100",
                "H100 80 GB · eu-north",
                "1.796",
                "2026-01-05T08:38:46Z",
                "6.158783",
                false,
            ),
            resource(
                22,
                "scratch-volume",
                "Volume 40 GB · eu-north",
                "0.004",
                "2026-01-03T12:00:00Z",
                "0.192299",
                false,
            ),
            resource(
                23,
                "render-a100",
                "A100 80 GB · us-east",
                "1.521",
                "2026-01-05T11:50:00Z",
                "0.367998",
                true,
            ),
        ],
        offers: vec![
            offer(31, "H100", "80 GB · per second", "1.796", Some("1.9956"), None),
            offer(32, "A100", "80 GB · per second", "1.521", Some("1.69"), None),
            offer(
                33,
                "8 × H200",
                "1,128 GB · per second",
                "23.40",
                Some("26"),
                Some("needs $100.00 available, you have $93.82: add $6.18 or more".to_owned()),
            ),
            offer(34, "T4", "16 GB · per second", "0.612", Some("0.68"), None),
        ],
        admission: "A start needs at least $3.00 available. You pay for the seconds it runs."
            .into(),
    }
}

fn query() -> QueryOffer {
    QueryOffer {
        sku: id(IdKind::Sku, 35),
        model: "glm-mini".into(),
        prices: vec![
            "$0.50 per 1,000,000 input tokens".into(),
            "$1.50 per 1,000,000 output tokens".into(),
        ],
        quantities: vec![
            ("input_tokens".into(), "Input tokens".into(), 1_200),
            ("output_tokens".into(), "Output tokens".into(), 800),
        ],
        cost: usd("0.0018"),
    }
}

/// Number, time, kind, label, amount, balance after, and the grants touched.
type Line<'a> = (i64, &'a str, Kind, &'a str, &'a str, &'a str, &'a [(&'a str, &'a str)]);

const LEDGER: [Line; 8] = [
    (
        1_049,
        "2026-01-05T12:04:31Z",
        Kind::Usage,
        "train-h100",
        "-6.1725",
        "93.8275",
        &[("Welcome credit", "1.6182"), ("Auto Top-Up 5 Jan", "4.5543")],
    ),
    (
        1_048,
        "2026-01-05T11:42:10Z",
        Kind::Usage,
        "glm-mini query",
        "-0.0018",
        "100.00",
        &[("Welcome credit", "0.0018")],
    ),
    (
        1_047,
        "2026-01-05T09:00:30Z",
        Kind::AutoTopUp,
        "Visa •••• 4242",
        "100",
        "100.0018",
        &[("Auto Top-Up 5 Jan", "100")],
    ),
    (
        1_046,
        "2026-01-05T08:30:00Z",
        Kind::Usage,
        "render-a100",
        "-9.38",
        "0.0018",
        &[("Welcome credit", "3.38"), ("Deposit 2 Jan", "6")],
    ),
    (
        1_045,
        "2026-01-04T16:20:00Z",
        Kind::Grant,
        "Welcome credit",
        "5",
        "9.3818",
        &[("Welcome credit", "5")],
    ),
    (
        1_044,
        "2026-01-04T12:00:00Z",
        Kind::Expired,
        "Beta credit",
        "-1.6182",
        "4.3818",
        &[("Beta credit", "1.6182")],
    ),
    (
        1_043,
        "2026-01-03T08:12:00Z",
        Kind::Refund,
        "Deposit 2 Jan",
        "-24",
        "6.00",
        &[("Deposit 2 Jan", "24")],
    ),
    (
        1_042,
        "2026-01-02T08:12:00Z",
        Kind::Deposit,
        "USDC",
        "30",
        "30.00",
        &[("Deposit 2 Jan", "30")],
    ),
];

fn working(number: i64) -> Vec<Working> {
    let time = |seconds, cost| Working::Time { seconds, per_hour: usd("1.80"), cost: usd(cost) };
    let tokens = |quantity, what: &str, price, cost| Working::Quantity {
        quantity,
        what: what.into(),
        price: usd(price),
        per: 1_000_000,
        cost: usd(cost),
    };
    match number {
        1_049 => vec![time(12_345, "6.1725")],
        1_048 => vec![
            tokens(1_200, "input tokens", "0.50", "0.0006"),
            tokens(800, "output tokens", "1.50", "0.0012"),
            Working::Rounding(Amount::ZERO),
        ],
        1_047 => vec![Working::Words("charged when available dropped below $20.00".into())],
        1_046 => vec![time(18_760, "9.38")],
        _ => vec![],
    }
}

fn activity() -> Activity {
    let movement = |&(number, time, kind, label, amount, after, grants): &Line| Movement {
        number,
        at: at(time),
        kind,
        label: label.into(),
        by: matches!(kind, Kind::Deposit).then(|| "paid by Ana Costa".to_owned()),
        amount: usd(amount),
        balance_after: usd(after),
        working: working(number),
        grants: grants.iter().map(|&(name, part)| (name.to_owned(), usd(part))).collect(),
    };
    Activity {
        movements: LEDGER.iter().map(movement).collect(),
        older: Some("?before=1042#activity".into()),
    }
}

fn deposits() -> Vec<Deposit> {
    let deposit = |number, time, amount, method: &str, automatic, state| Deposit {
        deposit: id(IdKind::Deposit, number),
        at: at(time),
        amount: usd(amount),
        method: method.into(),
        automatic,
        paid_by: (!automatic).then(|| "Ana Costa".to_owned()),
        state,
        explanation: None,
        next: None,
    };
    use deposits::State::*;
    let mut failed = deposit(14, "2026-01-05T10:36:41Z", "100", "Visa •••• 4242", true, Failed);
    failed.explanation = Some("The bank declined the card; no money moved".into());
    failed.next = Some(("Try again".into(), "#add-credits".into()));
    vec![
        deposit(15, "2026-01-05T12:03:00Z", "50", "USDC", false, Pending),
        failed,
        deposit(13, "2026-01-05T09:00:30Z", "100", "Visa •••• 4242", true, Succeeded),
        deposit(12, "2026-01-02T08:12:00Z", "30", "USDC", false, Refunded),
    ]
}

fn grants() -> Vec<Grant> {
    let grant = |number, name: &str, promotional, amount, remaining, expires: Option<&str>| Grant {
        grant: id(IdKind::Grant, number),
        name: name.into(),
        promotional,
        amount: usd(amount),
        remaining: usd(remaining),
        expires_at: expires.map(at),
        scope: promotional.then(|| "H100".to_owned()),
    };
    vec![
        grant(41, "Welcome credit", true, "5", "5", Some("2026-02-01T00:00:00Z")),
        grant(42, "Auto Top-Up 5 Jan", false, "100", "88.8575", None),
    ]
}

fn spend() -> StackedBars {
    let first = at("2025-12-07T00:00:00Z");
    let days: Vec<Day> = (0..30_i64)
        .map(|day| {
            let wave = (day * 37 + day * day * 11) % 17;
            let gpu = if day % 7 > 4 { wave / 3 } else { 9 + wave };
            let amounts = [gpu, if day > 8 { wave % 5 + 2 } else { 0 }, wave % 3];
            Day {
                at: first.plus_seconds(day * 86_400),
                amounts: amounts.map(|part| Amount::from_nanos(part * 1_013_000_000)).to_vec(),
                partial: day == 29,
            }
        })
        .collect();
    let total: Amount = days.iter().flat_map(|day| day.amounts.iter().copied()).sum();
    StackedBars {
        id: "spend".into(),
        sentence: format!(
            "{} in the last 30 days, most of it for H100.",
            Unit::Dollars.balance(total)
        ),
        series: vec!["H100".into(), "A100".into(), "Queries".into()],
        days,
    }
}

fn alerts() -> Alerts {
    let rule = |sentence: &str, state| AlertRule { sentence: sentence.into(), state };
    Alerts {
        rules: vec![
            rule("E-mail when less than 12 h of runtime is left", AlertState::Armed),
            rule(
                "E-mail when available is below $20.00",
                AlertState::Fired(at("2026-01-04T08:55:00Z")),
            ),
            rule("E-mail 14, 7 and 1 days before credit expires", AlertState::Armed),
        ],
        limit: Some(usd("20")),
        refusal: None,
    }
}

fn mailbox() -> Vec<Mail> {
    let mail = |number, time, subject: &str| Mail {
        number,
        at: at(time),
        to: "billing@acme.example".into(),
        subject: subject.into(),
        body: "Balance $28.60 covers about 11 h at $2.40/h.\n\
               It runs out Mon 5 Jan 2026, 20:50:00 UTC; train-h100 is terminated then.\n\n\
               Add credits: /w/acme#add-credits"
            .into(),
    };
    vec![
        mail(3, "2026-01-05T10:36:42Z", "Auto Top-Up of $100.00 was declined and is off"),
        mail(2, "2026-01-05T08:55:00Z", "Balance $28.60, about 11 h left at $2.40/h"),
        mail(1, "2026-01-02T08:12:05Z", "Receipt: $30.00 added"),
    ]
}

fn feed() -> Vec<FeedEvent> {
    let event = |time, icon, text: &str| FeedEvent { at: at(time), icon, text: text.into() };
    vec![
        event("2026-01-05T12:04:29Z", Icon::Stop, "Stop of render-a100 ordered"),
        event("2026-01-05T11:50:00Z", Icon::Play, "render-a100 is ready, billing starts"),
        event("2026-01-05T08:38:46Z", Icon::Play, "train-h100 is ready, billing starts"),
    ]
}

pub fn wallet() -> WalletPage {
    let hero = hero("93.8275", "1.80");
    WalletPage {
        shell: shell("Acme Labs", dollars(), &hero),
        wallet: id(IdKind::Wallet, 1),
        name: "Acme Labs".into(),
        terms: "Billed per second. At zero, instances are terminated.".into(),
        clock: Some(clock()),
        notice: None,
        zero: None,
        hero,
        add_credits: add_credits(),
        running: running(),
        query: Some(query()),
        holds: vec![Hold {
            hold: id(IdKind::Hold, 51),
            what: "Launch of render-a100".into(),
            amount: usd("0.03"),
            expires_at: at("2026-01-05T12:09:00Z"),
        }],
        spend: spend(),
        activity: activity(),
        deposits: deposits(),
        grants: grants(),
        auto_top_up: Some(top_up(auto_top_up::State::Off)),
        alerts: alerts(),
        mailbox: mailbox(),
        feed: feed(),
        attempt_key: "7c1e09a4b2".into(),
    }
}

fn top_up(state: auto_top_up::State) -> AutoTopUp {
    AutoTopUp {
        state,
        threshold: usd("20"),
        amount: usd("100"),
        monthly_cap: Some(usd("500")),
        used_this_month: usd("100"),
        method: "Visa •••• 4242".into(),
        threshold_range: (usd("5"), usd("500")),
        amount_range: (usd("15"), usd("5000")),
        charges_on_save: false,
        charges_max: 1,
        pace: Some("At $1.80/h this charges about every 55 h".into()),
        refusal: None,
    }
}

/// Nothing left: the zero banner, a refused form, every section that can be empty.
fn wallet_at_zero() -> WalletPage {
    let mut hero = Hero { runs_out: None, held: Amount::ZERO, ..hero("0", "0") };
    let spent = [("2026-01-05T00:00:00Z", "21.70"), ("2026-01-05T03:30:00Z", "15.40")];
    hero.curve.past =
        spent.iter().map(|(time, left)| Point { at: at(time), balance: usd(left) }).collect();
    let mut page = wallet();
    page.shell = shell("Acme Labs", dollars(), &hero);
    page.hero = hero;
    page.zero = Some(ZeroNotice {
        at: at("2026-01-05T12:04:31Z"),
        stopped: vec!["train-h100".into(), "render-a100".into()],
        still_costs: Some("1 volume, $0.004/h, kept until 8 Jan".into()),
        debt: Amount::ZERO,
        resume: "then start your machines again below".into(),
    });
    page.notice = Some(Notice {
        refused: true,
        text: "Balance $0.00, a start needs $3.00. Add $3.00 or more.".into(),
    });
    page.add_credits.custom = Some("7".into());
    page.add_credits.refusal = Some("$7.00 is below the minimum of $15.00".into());
    page.running.resources.clear();
    page.holds.clear();
    page.grants.clear();
    page.auto_top_up = Some(AutoTopUp {
        refusal: Some("threshold $700.00 is above the maximum of $500.00".into()),
        charges_on_save: true,
        ..top_up(auto_top_up::State::Declined(at("2026-01-05T10:36:41Z")))
    });
    page
}

/// The first minute of a wallet: every list is empty.
fn wallet_new() -> WalletPage {
    let mut page = wallet_at_zero();
    page.zero = None;
    page.notice = None;
    page.hero.promotional = Amount::ZERO;
    page.hero.fresh = true;
    page.hero.curve.past.clear();
    page.add_credits = add_credits();
    page.add_credits.burn_per_hour = Amount::ZERO;
    page.activity = Activity { movements: vec![], older: None };
    page.deposits.clear();
    page.mailbox.clear();
    page.feed.clear();
    page.spend.days.iter_mut().for_each(|day| day.amounts.fill(Amount::ZERO));
    page.auto_top_up = None;
    page
}

/// Five-minute windows in a zone of its own, low, with the settled balance shown.
fn wallet_low_window() -> WalletPage {
    let mut page = wallet();
    let mut hero = hero("18.60", "2.40");
    hero.accruing = Some((usd("0.18"), at("2026-01-05T12:05:00Z")));
    hero.ticks = false;
    let words = Presentation {
        zone: Zone::named("Asia/Ho_Chi_Minh"),
        ..presentation(Unit::Dollars, "stopped", "Deposit History")
    };
    page.shell = shell("Meadow AI", words, &hero);
    page.hero = hero;
    page.terms = "Billed in 5-minute windows. At zero, instances are stopped.".into();
    page.add_credits.presets.clear();
    page.auto_top_up = None;
    page.notice = Some(Notice { refused: false, text: "$20.00 added. 8 h more.".into() });
    page
}

/// Credits worth a cent, hourly blocks: the profile whose numbers look different.
fn wallet_credits() -> WalletPage {
    let mut page = wallet();
    let unit = Unit::Credits { value: usd("0.01") };
    page.shell =
        shell("Acme Labs", presentation(unit, "paused", "Transaction history"), &page.hero);
    page.hero.ticks = false;
    page.terms = "Billed by the started hour. At zero, deployments are paused.".into();
    page.auto_top_up = Some(top_up(auto_top_up::State::On));
    page
}

fn card(number: i64, name: &str, available: &str, per_hour: &str, stops: &[&str]) -> WalletCard {
    let (available, burn) = (usd(available), usd(per_hour));
    let curve = curve(&format!("card-{number}"), available, burn, now());
    WalletCard {
        frozen: false,
        wallet: id(IdKind::Wallet, number),
        name: name.into(),
        as_of: now(),
        available,
        burn_per_hour: burn,
        runs_out_at: curve.projection.last().map(|end| end.at),
        stops: stops.iter().map(|&name| name.to_owned()).collect(),
        curve,
    }
}

fn demo_home() -> DemoHome {
    let snippet = |title: &str, path: &str, body: &str| Snippet {
        title: title.into(),
        command: format!(
            "curl -sS http://127.0.0.1:8080{path} \\\n  \
             -H 'Authorization: Bearer sk_test_9f24a71c3d80b65k7m2q' \\\n  \
             -H 'Idempotency-Key: first-try' \\\n  \
             -H 'Content-Type: application/json' \\\n  \
             -d '{body}'"
        ),
    };
    let snippets = vec![
        snippet(
            "Charge a query of 1,200 input tokens",
            "/v1/usage_events",
            r#"{"sku": "sku_35", "input_tokens": 1200}"#,
        ),
        snippet("Start an H100", "/v1/runs", r#"{"sku": "sku_31", "name": "from-the-terminal"}"#),
    ];
    DemoHome {
        shell: bare_shell("Demo"),
        clock: clock(),
        platforms: vec![
            DemoPlatform {
                slug: "halide".into(),
                name: "Halide Cloud".into(),
                profile: "A GPU cloud billed per second, in Spheron's profile. \
                          At zero, instances are terminated."
                    .into(),
                presentation: dollars(),
                wallets: vec![
                    card(1, "Acme Labs", "93.8275", "1.80", &["train-h100", "scratch-volume"]),
                    card(2, "Borealis Robotics", "8.4181", "1.60", &["sim-a100"]),
                    card(3, "Cedar Studio", "1250", "0", &[]),
                ],
                snippets: snippets.clone(),
            },
            DemoPlatform {
                slug: "meadow".into(),
                name: "Meadow AI".into(),
                profile: "A GPU cloud billed in 5-minute windows, in GreenNode's profile. \
                          At zero, instances are stopped."
                    .into(),
                presentation: presentation(Unit::Dollars, "stopped", "Deposit History"),
                wallets: vec![
                    card(4, "Delta Genomics", "1.15", "2.40", &["fold-1", "fold-2", "x", "y"]),
                    card(5, "Ember Games", "0", "0", &[]),
                ],
                snippets,
            },
        ],
    }
}

fn checkout(stage: Stage) -> SandboxCheckout {
    SandboxCheckout {
        presentation: dollars(),
        address: format!("{}?token=a1b2c3", super::paths::checkout(id(IdKind::Deposit, 16))),
        wallet: id(IdKind::Wallet, 1),
        merchant: "Halide Cloud".into(),
        organization: "Acme Labs".into(),
        amount: usd("100"),
        tax: Amount::ZERO,
        bonus: usd("10"),
        expiry: "Never expires".into(),
        burn_per_hour: usd("1.80"),
        stage,
        attempt_key: "c0ffee".into(),
    }
}

fn returned(outcome: ReturnOutcome) -> CheckoutReturn {
    CheckoutReturn {
        shell: shell("Payment", dollars(), &hero("93.8275", "1.80")),
        wallet: id(IdKind::Wallet, 1),
        address: super::paths::checkout_return(id(IdKind::Deposit, 16)),
        amount: usd("100"),
        outcome,
    }
}

fn error(status: u16, what: &str, money: MoneyMoved, advice: &str) -> ErrorPage {
    ErrorPage {
        shell: bare_shell("Error"),
        status,
        what: what.into(),
        money,
        advice: advice.into(),
        next: Some(("Back to the wallets".into(), "/".into())),
        request_id: id(IdKind::Request, 77).to_string(),
    }
}

/// Every page by file name.
pub fn all() -> Vec<(&'static str, String)> {
    let added = ReturnOutcome::Added { available: usd("193.8275"), runway_seconds: Some(387_655) };
    let closed = Stage::Closed("This payment of $100.00 was made on 5 Jan.".into());
    vec![
        ("demo-home", super::demo_home::view(&demo_home())),
        ("wallet", super::wallet::view(&wallet())),
        ("wallet-zero", super::wallet::view(&wallet_at_zero())),
        ("wallet-new", super::wallet::view(&wallet_new())),
        ("wallet-low-window", super::wallet::view(&wallet_low_window())),
        ("wallet-credits", super::wallet::view(&wallet_credits())),
        ("checkout", super::sandbox_checkout::view(&checkout(Stage::Pay))),
        ("checkout-declined", super::sandbox_checkout::view(&checkout(Stage::Declined))),
        ("checkout-bank", super::sandbox_checkout::view(&checkout(Stage::Authenticate))),
        ("checkout-closed", super::sandbox_checkout::view(&checkout(closed))),
        ("return-waiting", super::sandbox_checkout::returned(&returned(ReturnOutcome::Waiting))),
        ("return-added", super::sandbox_checkout::returned(&returned(added))),
        (
            "return-failed",
            super::sandbox_checkout::returned(&returned(ReturnOutcome::Failed(
                "The bank declined the card".into(),
            ))),
        ),
        (
            "return-cancelled",
            super::sandbox_checkout::returned(&returned(ReturnOutcome::Cancelled)),
        ),
        (
            "error-404",
            super::error::view(&error(
                404,
                "This wallet does not exist",
                MoneyMoved::No,
                "Check the address, or choose a wallet from the front page.",
            )),
        ),
        (
            "error-503",
            super::error::view(&error(
                503,
                "We could not finish this in time",
                MoneyMoved::Unknown,
                "Open the wallet in a minute: it shows whether the payment arrived.",
            )),
        ),
    ]
    .into_iter()
    .map(|(name, markup)| (name, markup.into_string()))
    .collect()
}
