//! Profiles on the command line: checked, shown, compared; and the page of all settings,
//! `docs/profiles.md`.
//!
//! A profile is named, or given as a file: what ends in `.toml` is a file.

use std::fmt::Write;
use std::path::Path;

use app::profiles;
use domain::profile::{
    Admission, BalanceBasis, Expiry, ModelCharge, Overdraft, Profile, RefundPolicy, Setting,
    Severity, Terms, ZeroAction,
};
use serde_json::json;

/// What stands above the table of settings.
const PAGE_HEAD: &str = "# Profiles

A profile is the versioned settings that make the engine behave like one platform. A file in
`profiles/` says where a platform differs from the defaults below; a platform that is created keeps
all its settings, whatever becomes of the file.

    drawdown profile lint profiles/spheron.toml
    drawdown profile show spheron
    drawdown profile diff spheron greennode

This page is made from the table of settings, and a test compares them.

## Settings

| setting | default | what it decides | takes |
|---|---|---|---|
";

/// What a check found: its lines, and whether an error is among them.
pub struct Checked {
    pub text: String,
    pub is_clean: bool,
}

/// The profile of that name or in that file; it may hold errors between its settings.
///
/// Errors: a file that cannot be read, and as [`profiles::parse`], behind the file's name.
pub fn find(name: &str) -> Result<Profile, String> {
    if !name.ends_with(".toml") {
        return profiles::built_in(name);
    }
    let text = std::fs::read_to_string(Path::new(name));
    let text = text.map_err(|error| format!("{name}: {error}"))?;
    profiles::parse(&text).map_err(|error| format!("{name}: {error}"))
}

/// Checks profiles: a line for each finding, and one that says so where there is none.
pub fn lint(names: &[String]) -> Checked {
    let (mut text, mut is_clean) = (String::new(), true);
    for name in names {
        let profile = match find(name) {
            Ok(profile) => profile,
            Err(error) => {
                is_clean = false;
                text.push_str(&format!("error: {error}\n"));
                continue;
            }
        };
        let findings = profile.lint();
        if findings.is_empty() {
            text.push_str(&format!("{name}: nothing to say\n"));
        }
        for finding in findings {
            let severity = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            is_clean &= finding.severity == Severity::Warning;
            text.push_str(&format!("{severity}: {name}: {finding}\n"));
        }
    }
    Checked { text, is_clean }
}

/// A profile in words, then every setting with its value; `*` marks what differs from the default.
pub fn show(profile: &Profile) -> String {
    let mut text = format!("{} version {}\n\n", profile.name, profile.version);
    for sentence in summary(profile) {
        text.push_str(&format!("  {sentence}\n"));
    }
    text.push('\n');
    let default = Profile::default();
    for setting in Setting::ALL {
        let value = (setting.show)(profile);
        let mark = if value == (setting.show)(&default) { ' ' } else { '*' };
        text.push_str(&format!("{mark} {} = {value}\n      {}\n", setting.name, setting.about));
    }
    text
}

/// The same for programs.
pub fn show_json(profile: &Profile) -> String {
    let default = Profile::default();
    let settings = Setting::ALL.iter().map(|setting| {
        let (value, default) = ((setting.show)(profile), (setting.show)(&default));
        json!({
            "name": setting.name,
            "is_default": value == default,
            "value": value,
            "default": default,
            "allowed": (setting.allowed)(),
            "about": setting.about,
        })
    });
    let settings: Vec<serde_json::Value> = settings.collect();
    json!({
        "name": profile.name,
        "version": profile.version,
        "summary": summary(profile),
        "settings": settings,
    })
    .to_string()
}

/// The settings in which two profiles differ, one a line.
pub fn diff(one: &Profile, other: &Profile) -> String {
    let values = Setting::ALL.iter().map(|it| (it.name, (it.show)(one), (it.show)(other)));
    let differ = values.filter(|(_, one, other)| one != other);
    differ.map(|(name, one, other)| format!("{name}: {one} -> {other}\n")).collect()
}

/// How a platform of this profile behaves, in plain sentences.
pub fn summary(profile: &Profile) -> Vec<String> {
    let mut said = vec![format!("Running compute is charged {}.", terms(profile.compute_terms))];
    said.push(match profile.model_charge {
        ModelCharge::PerUse => "Models are charged per use.".into(),
        ModelCharge::Attributed => "A request is shown its part of what its machine costs.".into(),
    });
    said.push(match profile.admission {
        Admission::MinAvailable(amount) => format!("A start needs {amount} available."),
        Admission::HoldSeconds(seconds) => {
            format!("A start sets aside the cost of its first {seconds} seconds.")
        }
    });
    said.push(match profile.balance_basis {
        BalanceBasis::Live => "The balance shown is exact at every second.".into(),
        BalanceBasis::Settled => {
            format!("The balance shown moves every {} seconds.", profile.settle_every_seconds)
        }
    });
    let action = match profile.compute_zero_action {
        ZeroAction::Pause => "is paused",
        ZeroAction::Stop => "is stopped",
        ZeroAction::Terminate => "is terminated for good",
    };
    let past = match profile.overdraft {
        Overdraft::Absorb => "use past zero is the operator's expense".into(),
        Overdraft::Carry => "use past zero becomes debt".into(),
        Overdraft::Cap(most) => format!("use past zero becomes debt up to {most}"),
    };
    said.push(format!("At zero compute {action}; {past}."));
    let (min, max) = (profile.deposit_min, profile.deposit_max);
    said.push(format!("A deposit is from {min} to {max}. {}", expiry(profile.purchased_expiry)));
    said.push(match profile.auto_top_up_bounds() {
        Some(bounds) => format!(
            "{} charges {} to {} when the balance falls below a threshold of {} to {}, at most \
             once in {} seconds.",
            profile.label_auto_top_up,
            bounds.amount_min,
            bounds.amount_max,
            bounds.threshold_min,
            bounds.threshold_max,
            profile.auto_top_up_cooldown_seconds
        ),
        None => "There is no auto top-up.".into(),
    });
    said.push(match profile.forecast_horizon_seconds {
        Some(seconds) => format!("People are warned {seconds} seconds before credit runs out."),
        None => "People are warned at the limit they set.".into(),
    });
    said.push(match profile.refund_policy {
        RefundPolicy::None => "Unspent credit is not refunded.".into(),
        RefundPolicy::Unspent => "Unspent purchased credit can be refunded.".into(),
        RefundPolicy::Within(seconds) => {
            format!("Unspent purchased credit can be refunded for {seconds} seconds.")
        }
    });
    said
}

fn terms(terms: Terms) -> String {
    match terms {
        Terms::PerSecond => "for the seconds it ran".into(),
        Terms::Window(seconds) => format!("in closed windows of {seconds} seconds"),
        Terms::Block(seconds) => format!("in blocks of {seconds} seconds, each when it begins"),
    }
}

fn expiry(expiry: Expiry) -> String {
    match expiry {
        Expiry::Never => "What is bought never expires.".into(),
        Expiry::Fixed(seconds) => format!("What is bought expires after {seconds} seconds."),
        Expiry::Rolling(months) => {
            format!("Credit expires after {months} months; each deposit renews all of it.")
        }
    }
}

/// The page of all settings, and of where the built-in profiles differ.
///
/// Errors: a built-in profile that is wrong.
pub fn reference() -> Result<String, String> {
    let mut page = PAGE_HEAD.to_owned();
    let default = Profile::default();
    for setting in Setting::ALL {
        let (value, allowed) = ((setting.show)(&default), (setting.allowed)());
        let name = setting.name;
        let _ = writeln!(page, "| `{name}` | `{value}` | {} | {allowed} |", setting.about);
    }
    for name in profiles::names() {
        let profile = profiles::built_in(name)?;
        let _ = write!(page, "\n## {name}\n\n");
        for sentence in summary(&profile) {
            let _ = writeln!(page, "- {sentence}");
        }
        let _ = write!(page, "\n| setting | default | here |\n|---|---|---|\n");
        for (setting, value) in profile.differences() {
            let _ = writeln!(
                page,
                "| `{}` | `{}` | `{value}` |",
                setting.name,
                (setting.show)(&default)
            );
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(path: &str) -> String {
        format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"))
    }

    /// `UPDATE_PROFILES=1 cargo test -p drawdown profiles` writes the page anew.
    #[test]
    fn the_page_is_what_the_table_says() {
        let (path, page) = (root("docs/profiles.md"), reference().unwrap());
        if std::env::var_os("UPDATE_PROFILES").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        let committed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(committed == page, "docs/profiles.md differs: see the comment of this test");
    }

    #[test]
    fn the_files_of_the_repository_are_clean_and_built_in() {
        let mut names: Vec<String> = std::fs::read_dir(root("profiles"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let built_in: Vec<String> = profiles::names().map(|name| format!("{name}.toml")).collect();
        assert_eq!(names, built_in);
        let files: Vec<String> =
            names.iter().map(|name| root(&format!("profiles/{name}"))).collect();
        let checked = lint(&files);
        assert!(checked.is_clean, "{}", checked.text);
        assert!(!lint(&["nobody".into()]).is_clean);
    }

    #[test]
    fn two_profiles_are_compared_line_by_line() {
        let of = |name| profiles::built_in(name).unwrap();
        let text = diff(&of("deployments"), &of("deployments_1usd"));
        let packs = |each: i64| {
            let rows = [
                (5, "Testing"),
                (10, "Small projects"),
                (20, "Regular use"),
                (50, "Production"),
                (100, "Heavy usage"),
            ];
            rows.map(|(price, tagline)| format!("{price}.00:{}.00:{tagline}", price * each))
                .join(",")
        };
        let expected =
            format!("credit_value: 0.01 -> 1.00\npacks: {} -> {}\n", packs(100), packs(1));
        assert_eq!(text, expected);
        assert_eq!(diff(&of("spheron"), &of("spheron")), "");
    }

    #[test]
    fn every_setting_is_shown_and_marked_where_it_differs() {
        let profile = profiles::built_in("spheron").unwrap();
        let text = show(&profile);
        assert!(text.contains("\n* deposit_min = 15.00\n"));
        assert!(text.contains("\n  overdraft = absorb\n"));
        assert!(text.contains("  At zero compute is terminated for good; use past zero is"));
        let json: serde_json::Value = serde_json::from_str(&show_json(&profile)).unwrap();
        let settings = json["settings"].as_array().unwrap();
        assert_eq!(settings.len(), Setting::ALL.len());
        let marked = settings.iter().filter(|it| it["is_default"] == false).count();
        assert_eq!(marked, profile.differences().len());
    }
}
