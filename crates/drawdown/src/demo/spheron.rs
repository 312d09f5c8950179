//! Orbit GPU, in Spheron's profile: per second, live balance, auto top-up, terminated at zero.

use app::App;
use app::operations::set_user_limit::SetUserLimit;
use domain::Amount;
use domain::deposit::Behaviour;
use domain::member::MemberRole;
use domain::run::ResourceClass;
use domain::time::SECONDS_PER_HOUR;

use super::{Cloud, DAYS, DemoPlatform, Failure, MODEL, Telling};

pub async fn tell(app: &App, telling: &Telling<'_>) -> Result<DemoPlatform, Failure> {
    let mut cloud = Cloud::open(app, telling, "Orbit GPU", "spheron").await?;
    for (code, label, hourly) in [
        ("h100", "H100 80 GB", "2.10"),
        ("a100", "A100 40 GB", "1.20"),
        ("rtx4090", "RTX 4090", "0.44"),
    ] {
        cloud.sells(code, label, ResourceClass::Compute, hourly).await?;
    }
    cloud.sells_tokens(MODEL, "Chat 70B", ("0.50", "1.50")).await?;
    let acme = cloud.wallet("Acme Labs", "America/New_York").await?;
    let solo = cloud.wallet("Night Owl", "UTC").await?;
    let stalled = cloud.wallet("Second Sun", "Europe/Berlin").await?;
    // Two people on one wallet: one pays, both work.
    let mia = cloud.member(acme, "Mia", MemberRole::Owner).await?;
    cloud.member(acme, "Tom", MemberRole::Member).await?;
    cloud.deposit(acme, 100, Some(mia)).await?;
    cloud.deposit(solo, 15, None).await?;
    cloud.deposit(stalled, 30, None).await?;
    let card = cloud.card(acme, "Visa •••• 4242", Behaviour::Succeeds).await?;
    cloud.tops_up(acme, (20, 100), card).await?;
    // Its bank will say no when the time comes.
    let empty = cloud.card(stalled, "Visa •••• 0002", Behaviour::Declines).await?;
    cloud.tops_up(stalled, (10, 50), empty).await?;
    let limit = Some(Amount::from_units(30));
    cloud.does(SetUserLimit { org: acme, member: None, limit }).await?;
    let train = cloud.resource(acme, "train-h100", "h100", "vision").await?;
    let notebook = cloud.resource(acme, "notebook-a100", "a100", "search").await?;
    let render = cloud.resource(solo, "render-4090", "rtx4090", "film").await?;
    let index = cloud.resource(stalled, "index-4090", "rtx4090", "search").await?;
    for day in 0..DAYS {
        let morning = 9 * SECONDS_PER_HOUR;
        cloud.at(day, morning).await?;
        let training = cloud.start(acme, train).await?;
        cloud.query(acme, 40_000 + 7_000 * (day % 5), ("vision", "mia")).await?;
        cloud.at(day, morning + 2 * SECONDS_PER_HOUR + 1_111 * day % 3_600).await?;
        let working = if day % 3 == 0 { Some(cloud.start(acme, notebook).await?) } else { None };
        let indexing = if day > DAYS - 13 { cloud.start(stalled, index).await.ok() } else { None };
        cloud.query(acme, 25_000, ("search", "tom")).await?;
        cloud.at(day, morning + (5 + day % 4) * SECONDS_PER_HOUR + 77).await?;
        cloud.stop(acme, training).await?;
        if let Some(working) = working {
            cloud.stop(acme, working).await?;
        }
        if let Some(indexing) = indexing {
            cloud.stop(stalled, indexing).await?;
        }
        cloud.day_is_told();
    }
    cloud.at_present().await?;
    cloud.start(acme, train).await?;
    cloud.start(acme, notebook).await?;
    cloud.start(solo, render).await?;
    cloud.start(stalled, index).await?;
    Ok(cloud.platform)
}
