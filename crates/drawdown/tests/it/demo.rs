//! What the demo tells is true, and has everything in it that a newcomer should see.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::event::EventKind;
use drawdown::{config::Config, demo_server, verify};
use store::testkit::TempFolder;

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_is_true_and_has_everything_in_it() {
    let folder = TempFolder::new();
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    let (last, days) = (AtomicI64::new(0), AtomicI64::new(0));
    let progress = |done: i64, all: i64| {
        last.fetch_max(done, Ordering::Relaxed);
        days.store(all, Ordering::Relaxed);
    };
    let (app, demo) = demo_server::prepare(folder.path(), address, progress).await.unwrap();
    assert_eq!(last.load(Ordering::Relaxed), days.load(Ordering::Relaxed));
    let mut snapshot = app.store.snapshot().await.unwrap();
    let (mut profiles, mut kinds, mut frozen, mut members) = (Vec::new(), Vec::new(), 0, 0);
    for platform in &demo.platforms {
        let row = store::read::access::platform(&mut snapshot, platform.org).await.unwrap();
        profiles.push(row.unwrap().profiles.at(domain::Timestamp::ZERO).label_platform.clone());
        for &org in &platform.wallets {
            let wallet = store::read::access::wallet(&mut snapshot, org).await.unwrap().unwrap();
            frozen += usize::from(wallet.is_frozen());
            let present = store::read::lists::members(&mut snapshot, org, i64::MAX, 9).await;
            members += usize::from(present.unwrap().len() > 1);
            for kind in [
                EventKind::AutoTopUpDisabled,
                EventKind::CreditExpiring,
                EventKind::DisputeOpened,
                EventKind::CouponRedeemed,
                EventKind::DigestDaily,
            ] {
                let told = store::read::lists::events(&mut snapshot, org, -1, Some(kind), 1).await;
                kinds.extend(told.unwrap().into_iter().map(|event| event.kind.name()));
            }
        }
    }
    drop(snapshot);
    assert_eq!(profiles, ["Spheron", "GreenNode", "Deployments", "Qubrid", "SipPulse"]);
    assert!(frozen > 0 && members > 0, "{frozen} frozen, {members} shared");
    kinds.sort_unstable();
    kinds.dedup();
    let wanted = [
        "auto_top_up.disabled",
        "coupon.redeemed",
        "credit.expiring",
        "digest.daily",
        "dispute.opened",
    ];
    assert_eq!(kinds, wanted);
    tokio::task::spawn_blocking(move || app.close()).await.unwrap();
    let mut config = Config::default();
    config.database.url = format!("sqlite:{}", folder.path().join("demo.db").display());
    verify::run(&config, false).await.unwrap();
}
