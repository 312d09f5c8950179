//! Launchpad, in the profile of Deployments: credits worth a cent, blocks of an hour that are paid
//! ahead, requests that bear their part of them, paused at zero.

use app::App;
use domain::deposit::Behaviour;
use domain::run::ResourceClass::{Compute, Storage};
use domain::time::SECONDS_PER_HOUR;

use super::{Cloud, DAYS, DemoPlatform, Failure, MODEL, Telling};

pub async fn tell(app: &App, telling: &Telling<'_>) -> Result<DemoPlatform, Failure> {
    let mut cloud = Cloud::open(app, telling, "Launchpad", "deployments").await?;
    cloud.sells("l40s", "L40S endpoint", Compute, "1.10").await?;
    cloud.sells("t4", "T4 endpoint", Compute, "0.35").await?;
    cloud.sells("weights", "Model weights", Storage, "0.004").await?;
    cloud.sells_tokens(MODEL, "Chat 70B", ("0.60", "1.80")).await?;
    let studio = cloud.wallet("Studio North", "Europe/Copenhagen").await?;
    let hobby = cloud.wallet("Weekend Models", "America/Sao_Paulo").await?;
    cloud.deposit(studio, 100, None).await?;
    cloud.deposit(hobby, 10, None).await?;
    let card = cloud.card(studio, "Mastercard •••• 5454", Behaviour::Succeeds).await?;
    cloud.tops_up(studio, (20, 50), card).await?;
    let images = cloud.resource(studio, "sdxl-endpoint", "l40s", "images").await?;
    let speech = cloud.resource(studio, "whisper-endpoint", "t4", "speech").await?;
    let weights = cloud.resource(studio, "weights", "weights", "images").await?;
    let toy = cloud.resource(hobby, "toy-endpoint", "t4", "toys").await?;
    cloud.start(studio, weights).await?;
    for day in 0..DAYS {
        cloud.at(day, 7 * SECONDS_PER_HOUR).await?;
        let serving = cloud.start(studio, images).await?;
        cloud.query(studio, 20_000 + 3_000 * (day % 7), ("images", "anna")).await?;
        let listening = if day % 2 == 0 { Some(cloud.start(studio, speech).await?) } else { None };
        if day % 7 == 5 {
            cloud.query(hobby, 30_000, ("toys", "rui")).await?;
        }
        cloud.at(day, 11 * SECONDS_PER_HOUR + 60 * (day % 50)).await?;
        cloud.stop(studio, serving).await?;
        if let Some(listening) = listening {
            cloud.stop(studio, listening).await?;
        }
        cloud.day_is_told();
    }
    cloud.at_present().await?;
    cloud.start(studio, images).await?;
    cloud.start(hobby, toy).await?;
    Ok(cloud.platform)
}
