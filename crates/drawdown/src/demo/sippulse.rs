//! Callwise, in SipPulse's profile: models by the token, hourly blocks, credit that lives three
//! months after each payment.

use app::App;
use domain::run::ResourceClass::Compute;
use domain::time::SECONDS_PER_HOUR;

use super::{Cloud, DAYS, DemoPlatform, Failure, MODEL, Telling};

pub async fn tell(app: &App, telling: &Telling<'_>) -> Result<DemoPlatform, Failure> {
    let mut cloud = Cloud::open(app, telling, "Callwise", "sippulse").await?;
    cloud.sells("asr", "Dedicated speech", Compute, "0.90").await?;
    cloud.sells_tokens(MODEL, "Chat 70B", ("0.50", "1.50")).await?;
    cloud.sells_tokens("voice-8b", "Voice 8B", ("0.10", "0.30")).await?;
    let desk = cloud.wallet("Help Desk One", "America/Sao_Paulo").await?;
    let tiny = cloud.wallet("Tiny Voice", "America/Bogota").await?;
    cloud.deposit(desk, 50, None).await?;
    cloud.deposit(tiny, 20, None).await?;
    let speech = cloud.resource(desk, "speech-1", "asr", "calls").await?;
    for day in 0..DAYS {
        cloud.at(day, 12 * SECONDS_PER_HOUR).await?;
        cloud.query(desk, 120_000 + 15_000 * (day % 5), ("calls", "bia")).await?;
        cloud.query(tiny, 140_000, ("bot", "leo")).await?;
        let busy = if day % 5 == 1 { Some(cloud.start(desk, speech).await?) } else { None };
        cloud.at(day, 15 * SECONDS_PER_HOUR).await?;
        cloud.query(desk, 80_000, ("notes", "caio")).await?;
        if let Some(busy) = busy {
            cloud.stop(desk, busy).await?;
        }
        if day % 15 == 9 {
            cloud.deposit(desk, 50, None).await?;
        }
        cloud.day_is_told();
    }
    cloud.at_present().await?;
    Ok(cloud.platform)
}
