//! Settings: a file in which everything is optional, overridden by the environment.
//!
//! *Invariant:* `config.default.toml` names every setting with its default (a test compares), and
//! an unknown name is refused. Secrets come by the environment only.

use std::net::SocketAddr;
use std::path::Path;

use serde::{Deserialize, Serialize};
use web::rate::{RateLimit, RateLimits};

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub server: Server,
    pub database: Database,
    pub lanes: Lanes,
    pub limits: Limits,
    pub log: Log,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    pub listen_address: SocketAddr,
    pub public_url: String,
    pub advertised_address: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    pub url: String,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lanes {
    pub postgres_lanes: i64,
    pub wallet_cache_max: usize,
    pub dedupe_tail_keys_max: u64,
    pub dedupe_memory_bytes_max: u64,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub customer_requests_per_second: u32,
    pub customer_requests_burst: u32,
    pub platform_requests_per_second: u32,
    pub platform_requests_burst: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    pub format: LogFormat,
    pub level: String,
}

impl Default for Server {
    fn default() -> Server {
        Server {
            listen_address: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: String::new(),
            advertised_address: String::new(),
        }
    }
}

impl Default for Database {
    fn default() -> Database {
        Database { url: "sqlite:drawdown.db".into() }
    }
}

impl Default for Lanes {
    fn default() -> Lanes {
        Lanes {
            postgres_lanes: 4,
            wallet_cache_max: 200_000,
            dedupe_tail_keys_max: 1_000_000,
            dedupe_memory_bytes_max: 201_326_592,
        }
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            customer_requests_per_second: 200,
            customer_requests_burst: 2_000,
            platform_requests_per_second: 2_000,
            platform_requests_burst: 20_000,
        }
    }
}

impl From<&Limits> for RateLimits {
    fn from(limits: &Limits) -> RateLimits {
        let customer = RateLimit {
            per_second: limits.customer_requests_per_second,
            burst: limits.customer_requests_burst,
        };
        let platform = RateLimit {
            per_second: limits.platform_requests_per_second,
            burst: limits.platform_requests_burst,
        };
        RateLimits { customer, platform }
    }
}

impl Default for Log {
    fn default() -> Log {
        Log { format: LogFormat::Text, level: "info".into() }
    }
}

const PREFIX: &str = "DRAWDOWN_";
/// Read where they are used, and never part of the settings: secrets, and where the command line
/// finds a server.
const OTHERS: [&str; 3] = ["DRAWDOWN_OPERATOR_KEY", "DRAWDOWN_KEY", "DRAWDOWN_URL"];

impl Config {
    /// Reads `file`, if one is named, and then `environment`. The error names the setting.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Config, String> {
        let mut table = match file {
            None => toml::Table::new(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| format!("{}: {error}", path.display()))?;
                text.parse().map_err(|error| format!("{}: {error}", path.display()))?
            }
        };
        for (name, value) in environment {
            if let Some(setting) = name.strip_prefix(PREFIX)
                && !OTHERS.contains(&name.as_str())
                && !setting.starts_with("REQUIRE_")
                && !setting.starts_with("TEST_")
            {
                override_setting(&mut table, &name, &setting.to_lowercase(), &value)?;
            }
        }
        Config::deserialize(table).map_err(|error| error.to_string())
    }

    /// Where browsers and programs reach this server.
    pub fn public_url(&self) -> String {
        match self.server.public_url.as_str() {
            "" => format!("http://{}", self.server.listen_address),
            url => url.trim_end_matches('/').to_owned(),
        }
    }
}

fn override_setting(
    table: &mut toml::Table,
    name: &str,
    setting: &str,
    value: &str,
) -> Result<(), String> {
    let known = toml::Table::try_from(Config::default()).map_err(|error| error.to_string())?;
    let (section, key) = setting.split_once('_').ok_or_else(|| format!("{name} is no setting"))?;
    let default = known.get(section).and_then(|section| section.get(key));
    let parsed = match default {
        None => return Err(format!("{name} is no setting")),
        Some(toml::Value::Integer(_)) => {
            let number = value.parse().map_err(|_| format!("{name} is not a whole number"))?;
            toml::Value::Integer(number)
        }
        Some(_) => toml::Value::String(value.to_owned()),
    };
    let section = table.entry(section).or_insert_with(|| toml::Table::new().into());
    let section = section.as_table_mut().ok_or_else(|| format!("{name} is no setting"))?;
    section.insert(key.to_owned(), parsed);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(environment: &[(&str, &str)]) -> Result<Config, String> {
        let pairs = environment.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        Config::load(None, pairs)
    }

    #[test]
    fn the_commented_file_names_every_setting_with_its_default() {
        let text = include_str!("../../../config.default.toml");
        let is_setting = |line: &&str| line.starts_with("# ") && line.contains(" = ");
        let uncommented: Vec<String> = text
            .lines()
            .map(|line| if is_setting(&line) { line[2..].to_owned() } else { line.to_owned() })
            .collect();
        let table: toml::Table = uncommented.join("\n").parse().unwrap();
        assert_eq!(table, toml::Table::try_from(Config::default()).unwrap());
    }

    #[test]
    fn the_environment_overrides_and_unknown_names_are_refused() {
        let config = load(&[("DRAWDOWN_LANES_POSTGRES_LANES", "8"), ("HOME", "x")]).unwrap();
        assert_eq!(config.lanes.postgres_lanes, 8);
        let asking = load(&[("DRAWDOWN_KEY", "secret"), ("DRAWDOWN_URL", "http://x")]);
        assert_eq!(asking, Ok(Config::default()));
        for (name, value, words) in [
            ("DRAWDOWN_LANES_POSTGRES_LANES", "many", "not a whole number"),
            ("DRAWDOWN_LANES_NUMBER", "8", "no setting"),
            ("DRAWDOWN_LISTEN", "8", "no setting"),
            ("DRAWDOWN_LOG_FORMAT", "xml", "xml"),
        ] {
            let error = load(&[(name, value)]).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
