//! The demo: two platforms that pull in opposite directions, with three weeks of history that were
//! really run under their test clocks, in a folder that is thrown away.
//!
//! Nothing here has a way of its own into the books: every line of history is an operation through
//! the door, and time moves by advancing the clock.

use app::jobs::advance_clock::{AdvanceError, advance};
use app::operation::Answer;
use app::operations::create_api_key::CreateApiKey;
use app::operations::create_organization::CreateOrganization;
use app::operations::create_platform::CreatePlatform;
use app::operations::create_price::CreatePrice;
use app::operations::create_resource::CreateResource;
use app::operations::create_sku::{CreateSku, SkuFacts};
use app::operations::give_grant::GiveGrant;
use app::operations::place_hold::PlaceHold;
use app::operations::record_usage::RecordUsage;
use app::operations::save_payment_method::SavePaymentMethod;
use app::operations::set_auto_top_up::SetAutoTopUp;
use app::operations::set_user_limit::SetUserLimit;
use app::operations::settle_deposit::SettleDeposit;
use app::operations::start_deposit::StartDeposit;
use app::operations::start_run::StartRun;
use app::operations::stop_run::StopRun;
use app::{App, Command, Operation, Outcome};
use domain::calendar::Zone;
use domain::deposit::Behaviour;
use domain::label::Labels;
use domain::ledger::EventKey;
use domain::price::AppliesTo;
use domain::run::ResourceClass;
use domain::time::{SECONDS_PER_DAY, SECONDS_PER_HOUR};
use domain::top_up::Caps;
use domain::workset::Role;
use domain::{Amount, Id, Kind, OrgId, Timestamp};

/// Days of history.
const DAYS: i64 = 21;

/// What the demo shows a newcomer.
#[derive(Clone, Debug)]
pub struct Demo {
    pub platforms: Vec<DemoPlatform>,
}

#[derive(Clone, Debug)]
pub struct DemoPlatform {
    pub org: OrgId,
    pub name: String,
    /// A key that may do everything on this platform.
    pub key: String,
    pub wallets: Vec<OrgId>,
}

type Failure = String;

/// Runs one operation and gives its answer; a refusal is a mistake in the story.
async fn run(app: &App, operation: impl Operation + 'static) -> Result<Answer, Failure> {
    let name = operation.name();
    match app.run(Command::new(operation)).await {
        Ok(Outcome::Decided(Ok(answer))) => Ok(answer),
        Ok(Outcome::Decided(Err(refusal))) => Err(format!("{name}: {refusal}")),
        Ok(Outcome::Replayed { .. }) => Err(format!("{name}: replayed")),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

async fn to(app: &App, platform: OrgId, at: Timestamp) -> Result<(), Failure> {
    let arrived = advance(app, platform, at).await;
    arrived.map(|_| ()).map_err(|error: AdvanceError| format!("advancing to {at}: {error:?}"))
}

/// Tells both stories, up to `now`. `progress` hears how far they are, in days done and in all.
pub async fn tell(app: &App, now: Timestamp, progress: impl Fn(i64, i64)) -> Result<Demo, Failure> {
    let now = now.floor_to_multiple(60);
    let begin = now.plus_seconds(-DAYS * SECONDS_PER_DAY).floor_to_multiple(SECONDS_PER_DAY);
    let spheron = per_second(app, begin, now, |day| progress(day, 2 * DAYS)).await?;
    let greennode = windows(app, begin, now, |day| progress(DAYS + day, 2 * DAYS)).await?;
    Ok(Demo { platforms: vec![spheron, greennode] })
}

async fn platform(
    app: &App,
    name: &str,
    profile: &str,
    begin: Timestamp,
) -> Result<DemoPlatform, Failure> {
    let create = CreatePlatform {
        org: app.draw_org(),
        name: name.into(),
        profile: profile.into(),
        settings: String::new(),
        test_clock: Some(begin),
    };
    let Answer::Platform(org, _) = run(app, create).await? else { return Err(name.into()) };
    let (secret, hash) = web::new_secret(app);
    let key = CreateApiKey { org, label: "demo".into(), role: Role::Platform, hash };
    let Answer::ApiKey(_, row) = run(app, key).await? else { return Err(name.into()) };
    let key = web::key_text(Id::new(Kind::ApiKey, org, row.number), &secret);
    Ok(DemoPlatform { org, name: name.into(), key, wallets: Vec::new() })
}

async fn sku(
    app: &App,
    platform: OrgId,
    code: &str,
    label: &str,
    class: ResourceClass,
    prices: &[(&str, &str, i64)],
) -> Result<(), Failure> {
    let create = CreateSku {
        platform,
        code: code.into(),
        label: label.into(),
        class,
        facts: SkuFacts::default(),
    };
    let Answer::Sku(_, row) = run(app, create).await? else { return Err(code.into()) };
    for (dimension, amount, per_units) in prices {
        let amount = Amount::parse(amount).map_err(|error| error.to_string())?;
        let price = CreatePrice {
            platform,
            sku: row.number,
            dimension: (*dimension).into(),
            amount,
            per_units: *per_units,
            effective_from: None,
            applies_to: AppliesTo::NewRuns,
        };
        run(app, price).await?;
    }
    Ok(())
}

async fn wallet(app: &App, platform: &mut DemoPlatform, name: &str) -> Result<OrgId, Failure> {
    let (org, zone) = (app.draw_org(), Zone::UTC);
    let create = CreateOrganization { org, platform: platform.org, name: name.into(), zone };
    let Answer::Organization(org, _) = run(app, create).await? else { return Err(name.into()) };
    platform.wallets.push(org);
    Ok(org)
}

async fn deposit(app: &App, org: OrgId, units: i64) -> Result<(), Failure> {
    let rail = payments::sandbox::RAIL.to_owned();
    let start = StartDeposit::by_card(org, Amount::from_units(units), &rail);
    let Answer::Deposit(_, row) = run(app, start).await? else { return Err("deposit".into()) };
    let id = Id::new(Kind::Deposit, org, row.number).to_string();
    let outcome = payments::sandbox::paid(&id);
    run(app, SettleDeposit { org, deposit: row.number, outcome }).await.map(|_| ())
}

async fn resource(app: &App, org: OrgId, label: &str, sku: &str) -> Result<i64, Failure> {
    let create = CreateResource { org, label: label.into(), sku: sku.into(), labels: Labels::NONE };
    let Answer::Resource(_, row) = run(app, create).await? else { return Err(label.into()) };
    Ok(row.number)
}

async fn start(app: &App, org: OrgId, resource: i64) -> Result<i64, Failure> {
    let Answer::Run(_, row) = run(app, StartRun::now(org, resource)).await? else {
        return Err("start".into());
    };
    Ok(row.number)
}

async fn stop(app: &App, org: OrgId, run_number: i64) -> Result<(), Failure> {
    run(app, StopRun::now(org, run_number)).await.map(|_| ())
}

async fn query(app: &App, org: OrgId, number: i64, tokens: i64) -> Result<(), Failure> {
    let key = EventKey { source: "demo".into(), id: format!("query-{number}") };
    let usage = RecordUsage {
        org,
        hash: app.hasher.hash(org.get(), &key.source, &key.id).bits(),
        key,
        fingerprint: tokens,
        sku: MODEL.into(),
        occurred_at: None,
        quantities: vec![("input_tokens".into(), tokens * 3), ("output_tokens".into(), tokens)],
        labels: Labels::NONE,
    };
    run(app, usage).await.map(|_| ())
}

/// What is charged per use on both platforms, and what is counted of it.
pub const MODEL: &str = "chat-70b";
pub const DIMENSIONS: [&str; 2] = ["input_tokens", "output_tokens"];
const CHAT: &[(&str, &str, i64)] =
    &[(DIMENSIONS[0], "0.50", 1_000_000), (DIMENSIONS[1], "1.50", 1_000_000)];

/// Spheron's profile: per second, live balance, auto top-up, terminated at zero.
async fn per_second(
    app: &App,
    begin: Timestamp,
    now: Timestamp,
    progress: impl Fn(i64),
) -> Result<DemoPlatform, Failure> {
    let mut cloud = platform(app, "Orbit GPU", "spheron", begin).await?;
    let gpu = |label, price| (label, [("seconds", price, SECONDS_PER_HOUR)]);
    for (code, (label, prices)) in [
        ("h100", gpu("H100 80 GB", "2.10")),
        ("a100", gpu("A100 40 GB", "1.20")),
        ("rtx4090", gpu("RTX 4090", "0.44")),
    ] {
        sku(app, cloud.org, code, label, ResourceClass::Compute, &prices).await?;
    }
    sku(app, cloud.org, MODEL, "Chat 70B", ResourceClass::Model, CHAT).await?;
    let acme = wallet(app, &mut cloud, "Acme Labs").await?;
    let solo = wallet(app, &mut cloud, "Night Owl").await?;
    deposit(app, acme, 100).await?;
    deposit(app, solo, 15).await?;
    let method = SavePaymentMethod {
        org: acme,
        rail: payments::sandbox::RAIL.into(),
        behaviour: Behaviour::Succeeds,
        label: "Visa •••• 4242".into(),
    };
    let Answer::PaymentMethod(_, card) = run(app, method).await? else {
        return Err("card".into());
    };
    let rule = SetAutoTopUp {
        org: acme,
        enabled: true,
        threshold: Amount::from_units(20),
        amount: Amount::from_units(100),
        method: card.number,
        caps: Caps::default(),
    };
    run(app, rule).await?;
    let limit = SetUserLimit { org: acme, member: None, limit: Some(Amount::from_units(30)) };
    run(app, limit).await?;
    let train = resource(app, acme, "train-h100", "h100").await?;
    let notebook = resource(app, acme, "notebook-a100", "a100").await?;
    let render = resource(app, solo, "render-4090", "rtx4090").await?;
    for day in 0..DAYS {
        let morning = begin.plus_seconds(day * SECONDS_PER_DAY + 9 * SECONDS_PER_HOUR);
        to(app, cloud.org, morning).await?;
        let training = start(app, acme, train).await?;
        query(app, acme, day * 2, 40_000 + 7_000 * (day % 5)).await?;
        to(app, cloud.org, morning.plus_seconds(2 * SECONDS_PER_HOUR + 1_111 * day % 3_600))
            .await?;
        let working = if day % 3 == 0 { Some(start(app, acme, notebook).await?) } else { None };
        query(app, acme, day * 2 + 1, 25_000).await?;
        to(app, cloud.org, morning.plus_seconds((5 + day % 4) * SECONDS_PER_HOUR + 77)).await?;
        stop(app, acme, training).await?;
        if let Some(working) = working {
            stop(app, acme, working).await?;
        }
        progress(day);
    }
    to(app, cloud.org, now).await?;
    start(app, acme, train).await?;
    start(app, acme, notebook).await?;
    start(app, solo, render).await?;
    Ok(cloud)
}

/// GreenNode's profile: five-minute windows, settled balance, warned twelve hours ahead.
async fn windows(
    app: &App,
    begin: Timestamp,
    now: Timestamp,
    progress: impl Fn(i64),
) -> Result<DemoPlatform, Failure> {
    let mut cloud = platform(app, "Green Cloud", "greennode", begin).await?;
    let hourly = |price| [("seconds", price, SECONDS_PER_HOUR)];
    sku(app, cloud.org, "gpu-l", "GPU L", ResourceClass::Compute, &hourly("2.40")).await?;
    sku(app, cloud.org, "gpu-s", "GPU S", ResourceClass::Compute, &hourly("0.60")).await?;
    sku(app, cloud.org, "volume", "Volume 100 GB", ResourceClass::Storage, &hourly("0.01")).await?;
    sku(app, cloud.org, MODEL, "Chat 70B", ResourceClass::Model, CHAT).await?;
    let lumen = wallet(app, &mut cloud, "Lumen Research").await?;
    let seed = wallet(app, &mut cloud, "Seedling").await?;
    deposit(app, lumen, 250).await?;
    let promotion = |org, units, days| GiveGrant {
        expires_at: Some(now.plus_seconds(days * SECONDS_PER_DAY)),
        note: "welcome".into(),
        ..GiveGrant::promotion(org, Amount::from_units(units))
    };
    run(app, promotion(lumen, 25, 9)).await?;
    run(app, promotion(seed, 10, 3)).await?;
    let volume = resource(app, lumen, "data-volume", "volume").await?;
    let gpu = resource(app, lumen, "finetune-l", "gpu-l").await?;
    let small = resource(app, seed, "first-steps", "gpu-s").await?;
    start(app, lumen, volume).await?;
    for day in 0..DAYS {
        let morning = begin.plus_seconds(day * SECONDS_PER_DAY + 8 * SECONDS_PER_HOUR + 150);
        to(app, cloud.org, morning).await?;
        if day % 2 == 0 {
            let tuning = start(app, lumen, gpu).await?;
            query(app, lumen, day, 60_000).await?;
            let evening = morning.plus_seconds((6 + day % 5) * SECONDS_PER_HOUR + 40 * day);
            to(app, cloud.org, evening).await?;
            stop(app, lumen, tuning).await?;
        }
        if day == 10 {
            deposit(app, lumen, 100).await?;
        }
        progress(day);
    }
    to(app, cloud.org, now).await?;
    start(app, lumen, gpu).await?;
    start(app, seed, small).await?;
    let hold = PlaceHold {
        org: lumen,
        amount: Amount::from_units(2),
        sku: None,
        expires_in_seconds: Some(6 * SECONDS_PER_HOUR),
        note: "batch inference".into(),
        labels: Labels::NONE,
    };
    run(app, hold).await?;
    Ok(cloud)
}
