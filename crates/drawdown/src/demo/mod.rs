//! The demo: five clouds, one in each profile, with 45 days of history that were really run under
//! their test clocks, in a folder that is thrown away.
//!
//! Nothing here has a way of its own into the books: every line of history is an operation through
//! the door, and time moves by advancing the clock.

mod cloud;
mod deployments;
mod greennode;
mod qubrid;
mod sippulse;
mod spheron;

use std::sync::atomic::{AtomicI64, Ordering};

use app::App;
use domain::time::SECONDS_PER_DAY;
use domain::{OrgId, Timestamp};

use cloud::Cloud;

/// Days of history.
const DAYS: i64 = 45;
const CLOUDS: i64 = 5;

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

/// What every cloud charges per use, and what is counted of it.
pub const MODEL: &str = "chat-70b";
pub const DIMENSIONS: [&str; 2] = ["input_tokens", "output_tokens"];

type Failure = String;

/// When the stories begin and end, and who hears of each day that is told.
struct Telling<'a> {
    begin: Timestamp,
    now: Timestamp,
    told: &'a (dyn Fn() + Sync),
}

/// Tells all stories at once, up to `now`. `progress` hears how far they are, in days done and in
/// all.
pub async fn tell(
    app: &App,
    now: Timestamp,
    progress: impl Fn(i64, i64) + Sync,
) -> Result<Demo, Failure> {
    let now = now.floor_to_multiple(60);
    let begin = now.plus_seconds(-DAYS * SECONDS_PER_DAY).floor_to_multiple(SECONDS_PER_DAY);
    let days = AtomicI64::new(0);
    let told = || {
        let done = days.fetch_add(1, Ordering::Relaxed) + 1;
        progress(done, CLOUDS * DAYS);
    };
    let telling = Telling { begin, now, told: &told };
    let (spheron, greennode, deployments, qubrid, sippulse) = tokio::try_join!(
        spheron::tell(app, &telling),
        greennode::tell(app, &telling),
        deployments::tell(app, &telling),
        qubrid::tell(app, &telling),
        sippulse::tell(app, &telling),
    )?;
    Ok(Demo { platforms: vec![spheron, greennode, deployments, qubrid, sippulse] })
}
