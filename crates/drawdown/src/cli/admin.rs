//! `drawdown admin`: platforms, organizations and the keys that programs sign in with.

use std::collections::BTreeMap;

use clap::{Args, Subcommand, ValueEnum};
use domain::{Id, Kind};
use serde_json::{Value, json};

use super::client::{Address, Client, Common};
use super::{Done, EXAMPLES, out};

#[derive(Debug, Subcommand)]
pub enum Admin {
    /// Platforms, which only the operator makes.
    Platform {
        #[command(subcommand)]
        task: PlatformTask,
    },
    /// Organizations, each with its wallet.
    Organization {
        #[command(subcommand)]
        task: OrganizationTask,
    },
    /// API keys.
    Key {
        #[command(subcommand)]
        task: KeyTask,
    },
}

#[derive(Debug, Subcommand)]
pub enum PlatformTask {
    /// Create a platform in a profile.
    Create(CreatePlatform),
}

#[derive(Debug, Subcommand)]
pub enum OrganizationTask {
    /// Create an organization with its wallet.
    Create(CreateOrganization),
}

#[derive(Debug, Subcommand)]
pub enum KeyTask {
    /// Create an API key; its secret is printed once and kept nowhere.
    Create(CreateKey),
    /// Revoke an API key within a second.
    Revoke(RevokeKey),
}

#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXAMPLES}
  drawdown admin platform create Cloud --profile spheron
  drawdown admin platform create Test --profile spheron --set stop_lead_seconds=60 \\
    --test-clock 2026-01-01T00:00:00Z"))]
pub struct CreatePlatform {
    /// What it is called.
    name: String,
    /// A profile that is built in (docs/profiles.md).
    #[arg(long)]
    profile: String,
    /// A setting of the profile that differs here; may be repeated.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
    /// Makes it a test platform whose clock stands at this time until it is advanced.
    #[arg(long, value_name = "RFC3339")]
    test_clock: Option<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXAMPLES}
  drawdown admin organization create plt_01hzy3v7k2m4n6p8q0r2s4t6v8 Acme"))]
pub struct CreateOrganization {
    /// The platform it belongs to.
    platform: String,
    /// What it is called.
    name: String,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXAMPLES}
  drawdown admin key create plt_01hzy3v7k2m4n6p8q0r2s4t6v8 --role platform --name 'control plane'
  KEY=$(drawdown admin key create org_01hzy3v7k2m4n6p8q0r2s4t6v8 --role usage --name gateway)"))]
pub struct CreateKey {
    /// Whose key it becomes: an organization's, or a platform's.
    owner: String,
    /// What it may do; each role may do all that the ones before it may.
    #[arg(long)]
    role: Role,
    /// What it is for.
    #[arg(long)]
    name: String,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, Args)]
#[command(after_long_help = format!("{EXAMPLES}
  drawdown export api_keys --organization org_01hzy3v7k2m4n6p8q0r2s4t6v8    # which there are
  drawdown admin key revoke key_01hzy3v7k2m4n6p8q0r2s4t6v8"))]
pub struct RevokeKey {
    /// The id of the key, never its secret.
    key: String,
    /// Print the API's answer.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    address: Address,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Role {
    Read,
    Usage,
    Organization,
    Platform,
}

pub async fn run(asked: Admin) -> Done {
    match asked {
        Admin::Platform { task: PlatformTask::Create(asked) } => create_platform(asked).await,
        Admin::Organization { task: OrganizationTask::Create(asked) } => {
            let body = json!({"platform": asked.platform, "name": asked.name});
            create("/v1/organizations", &body, asked.common, "id").await
        }
        Admin::Key { task: KeyTask::Create(asked) } => create_key(asked).await,
        Admin::Key { task: KeyTask::Revoke(asked) } => revoke_key(asked).await,
    }
}

async fn create_platform(asked: CreatePlatform) -> Done {
    let mut settings = BTreeMap::new();
    for (name, value) in asked.settings {
        if settings.contains_key(&name) {
            return Err(format!("--set says {name} twice").into());
        }
        settings.insert(name, value);
    }
    let mut body = json!({"name": asked.name, "profile": asked.profile, "settings": settings});
    if let Some(at) = asked.test_clock {
        body["test_clock"] = Value::from(at);
    }
    create("/v1/platforms", &body, asked.common, "id").await
}

async fn create_key(asked: CreateKey) -> Done {
    let role = match asked.role {
        Role::Read => "read",
        Role::Usage => "usage",
        Role::Organization => "organization",
        Role::Platform => "platform",
    };
    let body = json!({"organization": asked.owner, "name": asked.name, "role": role});
    create("/v1/api_keys", &body, asked.common, "secret").await
}

/// Makes something, and prints the field of it that is needed next, so that scripts can take it.
async fn create(path: &str, body: &Value, common: Common, wanted: &str) -> Done {
    let client = Client::new(&common.address)?;
    let answer = client.post(path, body, &common.repeatable.key()).await?;
    if common.json {
        return out::line(&answer.text);
    }
    let made = answer.json()?;
    match (made[wanted].as_str(), made["id"].as_str()) {
        (Some(text), _) => out::line(text),
        (None, Some(id)) => Err(format!(
            "{id} was made before, and its {wanted} is shown once only: revoke it and make another"
        )
        .into()),
        (None, None) => Err(format!("the server's answer has no {wanted}").into()),
    }
}

async fn revoke_key(asked: RevokeKey) -> Done {
    let is_key = asked.key.parse::<Id>().is_ok_and(|id| id.kind == Kind::ApiKey);
    if !is_key {
        // It may be a secret, so it is not repeated.
        let wish = "a key is named by its id, which begins with `key_`, and never by its secret";
        return Err(wish.to_owned().into());
    }
    let client = Client::new(&asked.address)?;
    let path = format!("/v1/api_keys/{}/revoke", asked.key);
    let answer = client.act(&path, &json!({})).await?;
    if asked.json {
        return out::line(&answer.text);
    }
    let revoked = answer.json()?;
    let at = revoked["revoked_at"].as_str().unwrap_or("-");
    out::line(&format!("{} is revoked since {at}", asked.key))
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a setting is written NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
