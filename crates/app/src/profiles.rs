//! Profile files: TOML read into pairs of setting and value, and the built-in ones.
//!
//! What a setting means, takes and defaults to is [`domain::profile`]'s business; here a file is
//! only text. A platform keeps all settings it was created with, so these files can change.

use domain::profile::Profile;

/// The built-in profiles: name and file.
const FILES: [(&str, &str); 6] = [
    ("deployments", include_str!("../../../profiles/deployments.toml")),
    ("deployments_1usd", include_str!("../../../profiles/deployments_1usd.toml")),
    ("greennode", include_str!("../../../profiles/greennode.toml")),
    ("qubrid", include_str!("../../../profiles/qubrid.toml")),
    ("sippulse", include_str!("../../../profiles/sippulse.toml")),
    ("spheron", include_str!("../../../profiles/spheron.toml")),
];

/// The names of the built-in profiles, in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    FILES.iter().map(|(name, _)| *name)
}

/// The built-in profile of that name.
///
/// Errors: a name that none has.
pub fn built_in(name: &str) -> Result<Profile, String> {
    match FILES.iter().find(|(known, _)| *known == name) {
        Some((_, text)) => {
            let profile = parse(text)?;
            profile.check()?;
            Ok(profile)
        }
        None => Err(format!("profile {name} is not one of {}", Vec::from_iter(names()).join(", "))),
    }
}

/// The built-in profile of that name with `settings` applied: `name=value` joined by `;`.
///
/// Errors: a name that no profile or setting has, a value that a setting does not take, settings
/// that do not fit together.
pub fn with_settings(name: &str, settings: &str) -> Result<Profile, String> {
    let mut profile = built_in(name)?;
    profile.apply(settings)?;
    profile.check()?;
    Ok(profile)
}

/// Reads a profile file: `name`, `version`, and settings that differ from the default.
///
/// Errors: what is no TOML, a missing name or version, what no setting has or takes. Whether the
/// settings fit together is asked of [`Profile::lint`].
pub fn parse(text: &str) -> Result<Profile, String> {
    let table: toml::Table = text.parse().map_err(|error| format!("not TOML: {error}"))?;
    let name = table.get("name").and_then(toml::Value::as_str);
    let version = table.get("version").and_then(toml::Value::as_integer);
    let mut profile = Profile {
        name: name.ok_or("name is missing: a text")?.to_owned(),
        version: version.ok_or("version is missing: a whole number")?,
        ..Profile::default()
    };
    let settings = table.iter().filter(|(name, _)| !matches!(name.as_str(), "name" | "version"));
    for (name, value) in settings {
        profile.set(name, &plain(name, value)?)?;
    }
    Ok(profile)
}

/// A value as a setting reads it. Fractions stand in quotes, because a TOML number with a point is
/// not exact.
fn plain(name: &str, value: &toml::Value) -> Result<String, String> {
    match value {
        toml::Value::String(text) => Ok(text.clone()),
        toml::Value::Integer(number) => Ok(number.to_string()),
        toml::Value::Array(items) if items.is_empty() => Ok("none".into()),
        toml::Value::Array(items) => {
            let items: Result<Vec<String>, String> =
                items.iter().map(|item| plain(name, item)).collect();
            Ok(items?.join(","))
        }
        _ => Err(format!("{name} is a text in quotes, a whole number or a list of them")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_profile_is_read_and_named_like_its_file() {
        for name in names() {
            let profile = built_in(name).unwrap();
            assert_eq!((profile.name.as_str(), profile.version), (name, 1));
            let allowed = ["deposit_min"]; // requirements C09: a warning
            let mut warned = profile.lint().into_iter().map(|finding| finding.setting);
            assert_eq!(warned.find(|it| !allowed.contains(it)), None, "{name}");
        }
    }

    #[test]
    fn a_file_with_an_error_says_which_setting() {
        for (text, why) in [
            ("name = 'x'", "version is missing"),
            ("version = 1", "name is missing"),
            ("name = ", "not TOML"),
            ("name = 'x'\nversion = 1\ncolour = 'red'", "colour is not a setting"),
            ("name = 'x'\nversion = 1\ndeposit_min = 0.5", "deposit_min is a text in quotes"),
            ("name = 'x'\nversion = 1\ncoupons = true", "coupons is a text in quotes"),
            ("name = 'x'\nversion = 1\ncoupons = 'maybe'", "coupons is on or off, not maybe"),
            ("name = 'x'\nversion = 1\ndeposit_min = -1", "deposit_min is an amount"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(why), "{error}");
        }
    }
}
