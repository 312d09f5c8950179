//! Green Cloud, in GreenNode's profile: five-minute windows, settled balance, warned twelve hours
//! ahead, and a promotion that soon expires.

use app::App;
use app::operations::give_grant::GiveGrant;
use app::operations::place_hold::PlaceHold;
use domain::Amount;
use domain::label::Labels;
use domain::run::ResourceClass::{Compute, Storage};
use domain::time::SECONDS_PER_HOUR;

use super::{Cloud, DAYS, DemoPlatform, Failure, MODEL, Telling};

pub async fn tell(app: &App, telling: &Telling<'_>) -> Result<DemoPlatform, Failure> {
    let mut cloud = Cloud::open(app, telling, "Green Cloud", "greennode").await?;
    cloud.sells("gpu-l", "GPU L", Compute, "2.40").await?;
    cloud.sells("gpu-s", "GPU S", Compute, "0.60").await?;
    cloud.sells("volume", "Volume 100 GB", Storage, "0.01").await?;
    cloud.sells_tokens(MODEL, "Chat 70B", ("0.50", "1.50")).await?;
    let lumen = cloud.wallet("Lumen Research", "Asia/Ho_Chi_Minh").await?;
    let seed = cloud.wallet("Seedling", "UTC").await?;
    cloud.deposit(lumen, 400, None).await?;
    for (org, units, days) in [(lumen, 25, 9), (seed, 10, 3)] {
        let promotion = GiveGrant {
            expires_at: Some(cloud.in_days(days)),
            note: "welcome".into(),
            ..GiveGrant::promotion(org, Amount::from_units(units))
        };
        cloud.does(promotion).await?;
    }
    let volume = cloud.resource(lumen, "data-volume", "volume", "corpus").await?;
    let gpu = cloud.resource(lumen, "finetune-l", "gpu-l", "corpus").await?;
    let small = cloud.resource(seed, "first-steps", "gpu-s", "course").await?;
    cloud.start(lumen, volume).await?;
    for day in 0..DAYS {
        let morning = 8 * SECONDS_PER_HOUR + 150;
        cloud.at(day, morning).await?;
        if day % 2 == 0 {
            let tuning = cloud.start(lumen, gpu).await?;
            cloud.query(lumen, 60_000, ("corpus", "linh")).await?;
            cloud.at(day, morning + (5 + day % 5) * SECONDS_PER_HOUR + 40 * day).await?;
            cloud.stop(lumen, tuning).await?;
        }
        if day % 20 == 10 {
            cloud.deposit(lumen, 100, None).await?;
        }
        cloud.day_is_told();
    }
    cloud.at_present().await?;
    cloud.start(lumen, gpu).await?;
    cloud.start(seed, small).await?;
    let hold = PlaceHold {
        org: lumen,
        amount: Amount::from_units(2),
        sku: None,
        expires_in_seconds: Some(6 * SECONDS_PER_HOUR),
        note: "batch inference".into(),
        labels: Labels::NONE,
    };
    cloud.does(hold).await?;
    Ok(cloud.platform)
}
