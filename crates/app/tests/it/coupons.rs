//! What coupons promise across two lanes: counted exactly, given once, finished by whoever comes.

use app::jobs::join_coupons::{self, Redeemed};
use app::operations::claim_coupon::ClaimCoupon;
use app::operations::create_coupon::CreateCoupon;
use app::{Answer, Outcome};
use domain::coupon::{Coupon, CouponCode, CouponGift};
use domain::{Amount, OrgId, Refusal};
use store::StoreUrl;
use store::read::{access, lists};
use store::testkit::TempFolder;

use crate::world::World;

fn code() -> CouponCode {
    CouponCode::parse("welcome").unwrap()
}

async fn coupon(world: &World, platform: OrgId, redemptions_max: i64) -> Coupon {
    let amount = Amount::from_units(5);
    let create = CreateCoupon {
        platform,
        code: code(),
        gift: CouponGift::Credit { amount, expires_in_seconds: None },
        starts_at: None,
        ends_at: None,
        redemptions_max,
        first_purchase_only: false,
    };
    let Ok(Answer::Coupon(_, coupon)) = world.decide(create).await else { panic!("no coupon") };
    coupon
}

async fn posted(world: &World, org: OrgId) -> Amount {
    let mut snapshot = world.app.store.snapshot().await.unwrap();
    access::wallet(&mut snapshot, org).await.unwrap().unwrap().posted()
}

async fn claimed(world: &World, platform: OrgId, coupon: i64) -> i64 {
    let mut snapshot = world.app.store.snapshot().await.unwrap();
    lists::coupon(&mut snapshot, platform, coupon).await.unwrap().unwrap().claimed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_at_once_redeem_a_coupon_for_ten_exactly_ten_times() {
    let folder = TempFolder::new();
    let world = World::open(&StoreUrl::Sqlite(folder.path().join("books.db"))).await;
    let platform = world.platform("qubrid").await;
    let coupon = coupon(&world, platform, 10).await.number;
    let mut orgs = Vec::new();
    for _ in 0..100 {
        orgs.push(world.wallet(platform).await);
    }
    let tasks: Vec<_> = orgs
        .iter()
        .map(|&org| {
            let app = world.app.clone();
            // Each one tries twice at once.
            tokio::spawn(async move {
                let twice = [
                    join_coupons::redeem(&app, platform, org, code(), (None, None)),
                    join_coupons::redeem(&app, platform, org, code(), (None, None)),
                ];
                let [first, second] = twice;
                let (first, second) = tokio::join!(first, second);
                [first.unwrap(), second.unwrap()]
            })
        })
        .collect();
    let (mut given, mut before, mut used_up) = (0, 0, 0);
    for task in tasks {
        for redeemed in task.await.unwrap() {
            match redeemed {
                Redeemed::Decided(outcome) => match *outcome {
                    Outcome::Decided(Ok(Answer::Redemption(..))) => given += 1,
                    Outcome::Decided(Err(Refusal::CouponRedeemed)) => before += 1,
                    other => panic!("{other:?}"),
                },
                Redeemed::Refused(Refusal::CouponUsedUp { most: 10 }) => used_up += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!((given, before, used_up), (10, 10, 180));
    assert_eq!(claimed(&world, platform, coupon).await, 10);
    let mut sum = Amount::ZERO;
    for &org in &orgs {
        sum = sum.plus(posted(&world, org).await);
    }
    assert_eq!(sum, Amount::from_units(50));
    app::verify::run(&world.app.store, |_, _| {}).await.unwrap();
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_nobody_finished_is_finished_by_the_job_once() {
    let folder = TempFolder::new();
    let world = World::open(&StoreUrl::Sqlite(folder.path().join("books.db"))).await;
    let platform = world.platform("qubrid").await;
    coupon(&world, platform, 10).await;
    let org = world.wallet(platform).await;
    // The process that claimed it went away before the organization was asked.
    let claim = ClaimCoupon { platform, code: code(), claimant: org };
    world.decide(claim).await.unwrap();
    assert_eq!(posted(&world, org).await, Amount::ZERO);
    assert_eq!(join_coupons::run(&world.app).await.unwrap(), 1);
    assert_eq!(join_coupons::run(&world.app).await.unwrap(), 0);
    assert_eq!(posted(&world, org).await, Amount::from_units(5));
    let again =
        join_coupons::redeem(&world.app, platform, org, code(), (None, None)).await.unwrap();
    let Redeemed::Decided(outcome) = again else { panic!("{again:?}") };
    let is_told = matches!(*outcome, Outcome::Decided(Err(Refusal::CouponRedeemed)));
    assert!(is_told, "{outcome:?}");
    app::verify::run(&world.app.store, |_, _| {}).await.unwrap();
    world.close().await;
}
