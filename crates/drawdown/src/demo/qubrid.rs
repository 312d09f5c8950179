//! Quantum Yard, in Qubrid's profile: per second, coupons, and a payer who went to the bank.

use app::App;
use app::operations::create_coupon::CreateCoupon;
use app::operations::report_dispute::ReportDispute;
use domain::Amount;
use domain::coupon::{CouponCode, CouponGift};
use domain::dispute::DisputeState;
use domain::run::ResourceClass::Compute;
use domain::time::{SECONDS_PER_DAY, SECONDS_PER_HOUR};

use super::{Cloud, DAYS, DemoPlatform, Failure, MODEL, Telling};

pub async fn tell(app: &App, telling: &Telling<'_>) -> Result<DemoPlatform, Failure> {
    let mut cloud = Cloud::open(app, telling, "Quantum Yard", "qubrid").await?;
    cloud.sells("h100x8", "8 × H100", Compute, "21.84").await?;
    cloud.sells("h200", "H200 141 GB", Compute, "3.25").await?;
    cloud.sells_tokens(MODEL, "Chat 70B", ("0.40", "1.20")).await?;
    let helix = cloud.wallet("Helix Bio", "Europe/Zurich").await?;
    let chargeback = cloud.wallet("Fog Harbor", "UTC").await?;
    let coupon = CreateCoupon {
        platform: cloud.platform.org,
        code: CouponCode::parse("WELCOME").ok_or("coupon")?,
        gift: CouponGift::Credit {
            amount: Amount::from_units(15),
            expires_in_seconds: Some(90 * SECONDS_PER_DAY),
        },
        starts_at: None,
        ends_at: Some(cloud.in_days(30)),
        redemptions_max: 100,
        first_purchase_only: false,
    };
    let code = coupon.code.clone();
    cloud.does(coupon).await?;
    cloud.deposit(helix, 250, None).await?;
    cloud.redeems(helix, code).await?;
    let disputed = cloud.deposit(chargeback, 50, None).await?;
    let fold = cloud.resource(helix, "fold-h200", "h200", "folding").await?;
    let screen = cloud.resource(helix, "screen-8xh100", "h100x8", "screening").await?;
    let miner = cloud.resource(chargeback, "batch-h200", "h200", "batch").await?;
    for day in 0..DAYS {
        cloud.at(day, 10 * SECONDS_PER_HOUR).await?;
        let folding = cloud.start(helix, fold).await?;
        cloud.query(helix, 15_000 + 2_000 * (day % 9), ("folding", "jonas")).await?;
        let batch = if day < 6 { Some(cloud.start(chargeback, miner).await?) } else { None };
        cloud.at(day, 11 * SECONDS_PER_HOUR + 333).await?;
        if let Some(batch) = batch {
            cloud.stop(chargeback, batch).await?;
        }
        if day % 9 == 4 {
            let screening = cloud.start(helix, screen).await?;
            cloud.at(day, 13 * SECONDS_PER_HOUR).await?;
            cloud.stop(helix, screening).await?;
        }
        cloud.at(day, (13 + day % 2) * SECONDS_PER_HOUR + 123).await?;
        cloud.stop(helix, folding).await?;
        if day % 12 == 6 {
            cloud.deposit(helix, 250, None).await?;
        }
        cloud.day_is_told();
    }
    cloud.at_present().await?;
    let dispute = ReportDispute {
        org: chargeback,
        deposit: disputed,
        rail: payments::sandbox::RAIL.into(),
        external: "du_fog_harbor".into(),
        state: DisputeState::Open,
        withdrawn: Amount::from_units(50),
    };
    cloud.does(dispute).await?;
    cloud.start(helix, fold).await?;
    Ok(cloud.platform)
}
