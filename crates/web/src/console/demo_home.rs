//! `/`: the clouds of the demo with their wallets, and lines that charge them from a terminal.

use domain::price::TIME_DIMENSION;
use domain::profile::Profile;
use domain::run::ResourceClass;
use domain::{Id, Kind, OrgId};
use maud::Markup;

use super::wallet::{self, Read, figures};
use super::{Console, DemoPlatform, fault};
use crate::error::Fault;
use crate::pages::clock::TestClock;
use crate::pages::demo_home::{self, DemoHome, WalletCard};
use crate::pages::paths;

pub use crate::pages::demo_home::Snippet;

const WALLETS_MAX: i64 = 12;

/// Shows the front page.
pub async fn show(console: &Console) -> Result<Markup, Fault> {
    let mut platforms = Vec::new();
    let mut clock = None;
    for known in &console.demo.platforms {
        let wallets = wallets(console, known.platform).await?;
        let Some(first) = wallets.first() else { continue };
        clock = clock.or(first.rows.platform.clock.map(|now| TestClock {
            action: paths::CLOCK.into(),
            now,
            flows: true,
            advancing: first
                .rows
                .platform
                .clock_target
                .is_some_and(|to| to.seconds_since(now) > 60),
            return_to: paths::HOME.into(),
            attempt_key: console.mint(),
        }));
        platforms.push(platform(console, known, &wallets, platforms.len()));
    }
    let clock = clock.ok_or(Fault::NotFound { kind: None })?;
    Ok(demo_home::view(&DemoHome { shell: fault::bare_shell("Demo"), clock, platforms }))
}

async fn wallets(console: &Console, platform: OrgId) -> Result<Vec<Read>, Fault> {
    let before_all = OrgId::from_stored(-1);
    let mut snapshot = console.web.app.store.snapshot().await?;
    let rows = store::read::access::organizations(&mut snapshot, platform, before_all, WALLETS_MAX);
    let mut rows = rows.await?;
    drop(snapshot);
    rows.sort_by_key(|(org, row)| (row.created_at, row.name.clone(), *org));
    let mut wallets = Vec::new();
    for (org, _) in rows {
        wallets.push(wallet::read(console, org, None).await?);
    }
    Ok(wallets)
}

fn platform(
    console: &Console,
    known: &DemoPlatform,
    wallets: &[Read],
    place: usize,
) -> demo_home::DemoPlatform {
    let first = &wallets[0];
    let profile = first.rows.profile();
    demo_home::DemoPlatform {
        slug: format!("cloud-{}", place + 1),
        name: first.rows.platform.name.clone(),
        profile: described(profile),
        presentation: first.presentation.clone(),
        wallets: wallets.iter().map(card).collect(),
        snippets: snippets_of(&console.web.config.public_url, &known.key, first),
    }
}

fn described(profile: &Profile) -> String {
    let name = &profile.label_platform;
    format!("A GPU cloud in {name}'s profile. {}", figures::terms(profile))
}

fn card(read: &Read) -> WalletCard {
    let figures = &read.figures;
    let stopped = read.open_runs().into_iter().filter(|run| run.class.is_stopped_at_zero());
    WalletCard {
        wallet: read.wallet_id(),
        name: read.rows.organization.name.clone(),
        as_of: figures.balance.as_of,
        available: figures.available,
        burn_per_hour: figures.balance.burn_per_hour,
        frozen: read.rows.wallet.is_frozen(),
        runs_out_at: figures.runs_out_at,
        stops: stopped.map(|run| read.resource_name(run.resource)).collect(),
        curve: figures::curve(read, figures).0,
    }
}

/// What a line to copy is about.
pub struct Target<'a> {
    pub public_url: &'a str,
    pub key: &'a str,
    pub organization: OrgId,
    /// Code of something charged per use, with its dimensions.
    pub model: &'a str,
    pub dimensions: &'a [String],
}

fn snippets_of(public_url: &str, key: &str, read: &Read) -> Vec<Snippet> {
    let book = &read.rows.book;
    let model = book.skus().find(|sku| sku.class == ResourceClass::Model);
    let priced = book.prices().filter(|price| {
        Some(price.sku) == model.map(|sku| sku.number) && price.dimension != TIME_DIMENSION
    });
    let mut dimensions: Vec<String> = priced.map(|price| price.dimension.clone()).collect();
    dimensions.sort_unstable();
    dimensions.dedup();
    snippets(&Target {
        public_url,
        key,
        organization: read.org(),
        model: model.map_or("", |sku| &sku.code),
        dimensions: &dimensions,
    })
}

/// Command lines that work as they are, each as often as one likes.
pub fn snippets(target: &Target) -> Vec<Snippet> {
    let organization = Id::new(Kind::Organization, target.organization, 0);
    let wallet = Id::new(Kind::Wallet, target.organization, domain::wallet::Wallet::NUMBER);
    let quantities: Vec<String> = target
        .dimensions
        .iter()
        .zip([1_200, 800])
        .map(|(name, quantity)| format!("\"{name}\": {quantity}"))
        .collect();
    let usage = format!(
        "{{\"id\": \"'$RANDOM-$RANDOM'\", \"organization\": \"{organization}\", \
         \"sku\": \"{}\", \"quantities\": {{{}}}}}",
        target.model,
        quantities.join(", ")
    );
    let of = |amount: &str| {
        format!("{{\"organization\": \"{organization}\", \"amount\": \"{amount}\"}}")
    };
    let get = |path: String| {
        format!(
            "curl -sS '{}{path}' \\\n  -H 'Authorization: Bearer {}'",
            target.public_url, target.key
        )
    };
    let post = |path: &str, body: String| {
        format!(
            "{} \\\n  -H \"Idempotency-Key: $RANDOM-$RANDOM\" \\\n  \
             -H 'Content-Type: application/json' \\\n  -d '{body}'",
            get(path.to_owned())
        )
    };
    let line = |title: &str, command| Snippet { title: title.to_owned(), command };
    vec![
        line("Read the balance", get(format!("/v1/wallets/{wallet}"))),
        line("Charge a query of a model", post("/v1/usage_events", usage)),
        line("Set $2.00 aside", post("/v1/holds", of("2.00"))),
        line("Start a deposit, then open its checkout_url", post("/v1/deposits", of("50.00"))),
        line("Read the ledger", get(format!("/v1/ledger?organization={organization}&limit=5"))),
    ]
}
