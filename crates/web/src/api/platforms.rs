//! Platforms: the operator's clouds. A platform is its house organization.

use std::collections::BTreeMap;

use app::operations::change_profile::ChangeProfile;
use app::operations::create_platform::CreatePlatform;
use domain::profile::Versions;
use domain::workset::Platform;
use domain::{Kind, OrgId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::organizations::fresh_org;
use super::{CODE_LENGTH_MAX, NAME_CHARS_MAX, created, done};
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

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileIn {
    /// Settings that change.
    pub settings: BTreeMap<String, String>,
    /// From when on: on the wall clock a minute ahead at least. As soon as can be, when none is
    /// given.
    pub effective_from: Option<TimeText>,
}

/// A version of a platform's profile after its first.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProfileVersionOut {
    pub version: i64,
    pub effective_from: TimeText,
    pub created_at: TimeText,
    /// The settings that it has otherwise than the version before.
    pub settings: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct PlatformOut {
    pub id: IdText,
    pub name: String,
    pub profile: String,
    pub profile_version: i64,
    /// The settings of its first version that differ from the engine's default.
    pub settings: BTreeMap<String, String>,
    /// The versions since, in the order in which they take effect.
    pub versions: Vec<ProfileVersionOut>,
    /// Where the test clock stands; absent on the wall clock.
    pub test_clock: Option<TimeText>,
    pub created_at: TimeText,
}

impl PlatformOut {
    pub fn of(org: OrgId, platform: &Platform) -> PlatformOut {
        let first = platform.profiles.first();
        let settings = first.differences().into_iter();
        PlatformOut {
            id: IdText::new(Kind::Platform, org, 0),
            name: platform.name.clone(),
            profile: first.name.clone(),
            profile_version: first.version,
            settings: settings.map(|(setting, value)| (setting.name.into(), value)).collect(),
            versions: versions_of(&platform.profiles),
            test_clock: platform.clock.map(TimeText::from),
            created_at: platform.created_at.into(),
        }
    }
}

fn versions_of(profiles: &Versions) -> Vec<ProfileVersionOut> {
    let mut before = profiles.first();
    let mut versions = Vec::with_capacity(profiles.later().len());
    for version in profiles.later() {
        let changes = version.profile.changes_since(before);
        let pairs = changes.split(';').filter_map(|pair| pair.split_once('='));
        versions.push(ProfileVersionOut {
            version: version.profile.version,
            effective_from: version.effective_from.into(),
            created_at: version.created_at.into(),
            settings: pairs.map(|(name, value)| (name.into(), value.into())).collect(),
        });
        before = &version.profile;
    }
    versions
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

/// Changes the profile of a platform from an instant on.
pub async fn change_profile(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Platform).await?;
    let body: ProfileIn = call.json()?;
    let operation = ChangeProfile {
        platform: id.org,
        settings: settings_text(&body.settings)?,
        effective_from: match &body.effective_from {
            Some(at) => Some(at.parse("effective_from")?),
            None => None,
        },
    };
    call.run(operation, done).await
}

/// Shows a platform.
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Platform).await?;
    let mut snapshot = call.snapshot().await?;
    let platform = store::read::access::platform(&mut snapshot, id.org).await?;
    let platform = platform.ok_or(Fault::missing(Kind::Platform))?;
    Reply::json(200, &PlatformOut::of(id.org, &platform))
}
