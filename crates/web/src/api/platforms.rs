//! Platforms: the operator's clouds. A platform is its house organization.

use std::collections::BTreeMap;

use app::operations::create_platform::CreatePlatform;
use domain::workset::Platform;
use domain::{Kind, OrgId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::organizations::fresh_org;
use super::{CODE_LENGTH_MAX, NAME_CHARS_MAX, created};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::wire::{IdText, TimeText, code_text, text};

const SETTINGS_MAX: usize = 128;
const SETTING_CHARS_MAX: usize = 1_000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlatformIn {
    pub name: String,
    /// A built-in profile: `deployments`, `deployments_1usd`, `greennode`, `qubrid`, `sippulse` or
    /// `spheron`.
    pub profile: String,
    /// Settings of the profile that differ here.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// Makes it a test platform whose clock stands here until it is advanced.
    pub test_clock: Option<TimeText>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct PlatformOut {
    pub id: IdText,
    pub name: String,
    pub profile: String,
    pub profile_version: i64,
    /// The settings that differ from the engine's default.
    pub settings: BTreeMap<String, String>,
    /// Where the test clock stands; absent on the wall clock.
    pub test_clock: Option<TimeText>,
    pub created_at: TimeText,
}

impl PlatformOut {
    pub fn of(org: OrgId, platform: &Platform) -> PlatformOut {
        let settings = platform.profile.differences().into_iter();
        PlatformOut {
            id: IdText::new(Kind::Platform, org, 0),
            name: platform.name.clone(),
            profile: platform.profile.name.clone(),
            profile_version: platform.profile.version,
            settings: settings.map(|(setting, value)| (setting.name.into(), value)).collect(),
            test_clock: platform.clock.map(TimeText::from),
            created_at: platform.created_at.into(),
        }
    }
}

fn settings_text(settings: &BTreeMap<String, String>) -> Result<String, Fault> {
    if settings.len() > SETTINGS_MAX {
        return Err(Fault::param("settings", format!("takes at most {SETTINGS_MAX} settings")));
    }
    let mut parts = Vec::with_capacity(settings.len());
    for (name, value) in settings {
        let name = code_text("settings", name, CODE_LENGTH_MAX)?;
        let value = text("settings", value, SETTING_CHARS_MAX)?;
        if value.contains(';') {
            return Err(Fault::param("settings", "must not hold a ;"));
        }
        parts.push(format!("{name}={value}"));
    }
    Ok(parts.join(";"))
}

/// Creates a platform.
pub async fn create(call: Call) -> Result<Reply, Fault> {
    let body: PlatformIn = call.json()?;
    let operation = CreatePlatform {
        name: text("name", &body.name, NAME_CHARS_MAX)?,
        profile: code_text("profile", &body.profile, CODE_LENGTH_MAX)?,
        settings: settings_text(&body.settings)?,
        test_clock: match &body.test_clock {
            Some(at) => Some(at.parse("test_clock")?.floor_to_second()),
            None => None,
        },
        org: fresh_org(&call, OrgId::from_stored(0))?,
    };
    call.run(operation, created).await
}

/// Shows a platform.
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Platform).await?;
    let mut snapshot = call.snapshot().await?;
    let platform = store::read::access::platform(&mut snapshot, id.org).await?;
    let platform = platform.ok_or(Fault::missing(Kind::Platform))?;
    Reply::json(200, &PlatformOut::of(id.org, &platform))
}
