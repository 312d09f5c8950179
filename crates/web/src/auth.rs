//! Who is asking, and whose rows they may see (rulings A18).
//!
//! Laws: a secret is compared by its hash, in constant time, and is written nowhere; a key that was
//! revoked opens nothing once this process has answered that it is, and nothing one second later
//! where another process has; an organization that is not the caller's does not exist for them.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use app::App;
use domain::workset::{ApiKey, Role};
use domain::{Id, Kind, OrgId, Timestamp};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::Fault;
use crate::wire::id_of;

/// What keys begin with, so that a leaked one is recognised.
const PREFIX: &str = "dd_";
const ID_LENGTH: usize = 30;
const SECRET_BYTES: usize = 32;
const SECRET_LENGTH: usize = 52;
const BEARER_LENGTH_MAX: usize = 256;
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// A key that was looked up is believed so long, so a revocation takes effect within it.
const KEY_KEPT_MICROS: i64 = 500_000;
/// A key that is older than this is looked up again by one request, while others still believe it.
const KEY_FRESH_MICROS: i64 = 250_000;
const ENTRIES_MAX: usize = 20_000;

/// Who is asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    pub role: Role,
    /// Whose key it is; nobody's for the operator's.
    pub home: Option<Home>,
    /// The number of the key in its organization; none for the operator's.
    pub key: Option<i64>,
}

/// An organization and the platform it lives on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home {
    pub org: OrgId,
    pub platform: OrgId,
}

impl Home {
    pub fn is_platform(self) -> bool {
        self.org == self.platform
    }
}

impl Caller {
    /// Whether rows of an organization that lives at `home` are this caller's to see.
    pub fn sees(&self, home: Home) -> bool {
        match (self.role, self.home) {
            (Role::Operator, _) => true,
            (Role::Platform, Some(own)) => own.platform == home.platform,
            (_, Some(own)) => own.org == home.org,
            (_, None) => false,
        }
    }
}

/// A key as it was found at a moment, or that there was none.
struct Found {
    read_at: Timestamp,
    key: Option<Arc<ApiKey>>,
    /// Whether a request is looking it up again.
    is_asked: bool,
}

/// The keys that were looked up lately.
#[derive(Default)]
struct Keys {
    found: HashMap<(OrgId, i64), Found>,
    /// Grows with each revocation: what was read before one is not kept after it.
    generation: u64,
}

/// What was looked up lately.
#[derive(Default)]
pub struct Directory {
    keys: Mutex<Keys>,
    /// Where organizations live, which never changes.
    homes: Mutex<HashMap<OrgId, Home>>,
}

impl Directory {
    /// The caller that a bearer text belongs to.
    ///
    /// Errors: `unauthenticated`, whatever is wrong with it.
    pub async fn caller(
        &self,
        app: &App,
        operator_key_hash: Option<&[u8; 32]>,
        bearer: Option<&str>,
    ) -> Result<Caller, Fault> {
        let bearer = bearer.ok_or(Fault::Unauthenticated)?;
        if bearer.len() > BEARER_LENGTH_MAX {
            return Err(Fault::Unauthenticated);
        }
        let Some((id, secret)) = split(bearer) else {
            let hash: [u8; 32] = hash_of(bearer);
            let is_operator = operator_key_hash.is_some_and(|known| hash.ct_eq(known).into());
            let operator = Caller { role: Role::Operator, home: None, key: None };
            return if is_operator { Ok(operator) } else { Err(Fault::Unauthenticated) };
        };
        let key = self.key(app, id).await?.ok_or(Fault::Unauthenticated)?;
        let is_right: bool = hash_of(secret).ct_eq(key.hash.as_slice()).into();
        if !is_right || key.revoked_at.is_some() {
            return Err(Fault::Unauthenticated);
        }
        let home = self.home(app, id.org).await?.ok_or(Fault::Unauthenticated)?;
        Ok(Caller { role: key.role, home: Some(home), key: Some(id.number) })
    }

    async fn key(&self, app: &App, id: Id) -> Result<Option<Arc<ApiKey>>, Fault> {
        let place = (id.org, id.number);
        let now = app.now();
        let generation = {
            let mut keys = lock(&self.keys);
            if let Some(found) = keys.found.get_mut(&place)
                && found.is_believed(now)
            {
                return Ok(found.key.clone());
            }
            keys.generation
        };
        let mut snapshot = app.store.snapshot().await?;
        let key = store::read::lists::api_key(&mut snapshot, id.org, id.number).await?;
        let key = key.map(Arc::new);
        let mut keys = lock(&self.keys);
        if keys.generation == generation {
            let found = Found { read_at: now, key: key.clone(), is_asked: false };
            remember(&mut keys.found, place, found);
        }
        Ok(key)
    }

    /// Forgets a key that was just revoked here, also where it is being looked up.
    pub fn forget(&self, id: Id) {
        let mut keys = lock(&self.keys);
        keys.found.remove(&(id.org, id.number));
        keys.generation += 1;
    }

    /// Where `org` lives, if it exists.
    pub async fn home(&self, app: &App, org: OrgId) -> Result<Option<Home>, Fault> {
        if let Some(&home) = lock(&self.homes).get(&org) {
            return Ok(Some(home));
        }
        let mut snapshot = app.store.snapshot().await?;
        let platform = store::read::access::platform_of(&mut snapshot, org).await?;
        let home = platform.map(|platform| Home { org, platform });
        if let Some(home) = home {
            remember(&mut lock(&self.homes), org, home);
        }
        Ok(home)
    }
}

impl Found {
    /// Whether it needs no look at the store. Of those who come when it is no longer fresh, the
    /// first is told to look.
    fn is_believed(&mut self, now: Timestamp) -> bool {
        let age = now.micros().saturating_sub(self.read_at.micros());
        (0..KEY_FRESH_MICROS).contains(&age)
            || ((0..KEY_KEPT_MICROS).contains(&age) && std::mem::replace(&mut self.is_asked, true))
    }
}

/// Keeps an entry in a map that never grows beyond its maximum.
fn remember<K: Eq + Hash, V>(map: &mut HashMap<K, V>, key: K, value: V) {
    if map.len() >= ENTRIES_MAX {
        map.clear();
    }
    map.insert(key, value);
}

fn lock<T>(map: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    map.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is kept of a secret.
pub fn hash_of(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Splits `dd_<id>_<secret>`; nothing when the text is no API key of ours.
fn split(bearer: &str) -> Option<(Id, &str)> {
    let rest = bearer.strip_prefix(PREFIX)?;
    let id = id_of(rest.get(..ID_LENGTH)?, &[Kind::ApiKey])?;
    let secret = rest.get(ID_LENGTH..)?.strip_prefix('_')?;
    (secret.len() == SECRET_LENGTH).then_some((id, secret))
}

/// The bearer text of an `Authorization` header.
pub fn bearer(header: &str) -> Option<&str> {
    let (scheme, rest) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| rest.trim())
}

/// Draws the secret of a new API key, 256 bits, and the hash that is stored of it.
pub fn new_secret(app: &App) -> (String, Vec<u8>) {
    let mut bytes = [0_u8; SECRET_BYTES];
    for part in bytes.chunks_mut(8) {
        part.copy_from_slice(&app.ports.random.next().to_le_bytes());
    }
    let secret = base32(&bytes);
    let hash = hash_of(&secret).to_vec();
    (secret, hash)
}

/// The whole text of an API key, as it is shown once.
pub fn key_text(id: Id, secret: &str) -> String {
    format!("{PREFIX}{id}_{secret}")
}

/// Lowercase base32 without padding, in the alphabet of ids.
pub fn base32(bytes: &[u8]) -> String {
    let (mut text, mut bits, mut count) = (String::new(), 0_u32, 0_u32);
    for &byte in bytes {
        bits = (bits << 8) | u32::from(byte);
        count += 8;
        while count >= 5 {
            count -= 5;
            push_letter(&mut text, bits >> count);
        }
        bits &= (1 << count) - 1;
    }
    if count > 0 {
        push_letter(&mut text, bits << (5 - count));
    }
    text
}

fn push_letter(text: &mut String, bits: u32) {
    let place = usize::try_from(bits & 31).unwrap_or(0);
    text.push(char::from(ALPHABET[place]));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(org: i64, platform: i64) -> Home {
        Home { org: OrgId::from_stored(org), platform: OrgId::from_stored(platform) }
    }

    #[test]
    fn a_caller_sees_what_is_theirs_and_nothing_else() {
        let (own, sibling, house, foreign) = (home(5, 1), home(6, 1), home(1, 1), home(7, 2));
        let caller = |role, home| Caller { role, home, key: Some(7) };
        for (who, sees) in [
            (caller(Role::Read, Some(own)), [true, false, false, false]),
            (caller(Role::Usage, Some(own)), [true, false, false, false]),
            (caller(Role::Organization, Some(own)), [true, false, false, false]),
            (caller(Role::Organization, Some(house)), [false, false, true, false]),
            (caller(Role::Platform, Some(house)), [true, true, true, false]),
            (caller(Role::Operator, None), [true, true, true, true]),
            (caller(Role::Platform, None), [false; 4]),
        ] {
            assert_eq!([own, sibling, house, foreign].map(|home| who.sees(home)), sees, "{who:?}");
        }
    }

    #[test]
    fn one_request_looks_a_key_up_again_and_none_believes_it_for_long() {
        let at = Timestamp::from_micros;
        let mut found = Found { read_at: at(1_000), key: None, is_asked: false };
        let mut believed = |micros| found.is_believed(at(1_000 + micros));
        assert!(believed(0) && believed(KEY_FRESH_MICROS - 1));
        assert!(!believed(KEY_FRESH_MICROS), "the first is told to look");
        assert!(believed(KEY_FRESH_MICROS) && believed(KEY_KEPT_MICROS - 1));
        assert!(!believed(KEY_KEPT_MICROS) && !believed(i64::MAX - 1_000));
        assert!(!believed(-1), "a clock that was set back");
    }

    #[test]
    fn only_whole_keys_are_split() {
        let id = Id::new(Kind::ApiKey, OrgId::new(3, 9 << 40), 4);
        let secret = base32(&[7; SECRET_BYTES]);
        assert_eq!(secret.len(), SECRET_LENGTH);
        let key = key_text(id, &secret);
        assert_eq!(split(&key), Some((id, secret.as_str())));
        let wallet = Id::new(Kind::Wallet, id.org, 1);
        for bad in [
            String::new(),
            "dd_".to_owned(),
            key.replace("dd_", "sk_"),
            format!("dd_{wallet}_{secret}"),
            format!("{key}0"),
            format!("dd_{id}"),
            format!("dd_{}", "ø".repeat(60)),
        ] {
            assert_eq!(split(&bad), None, "{bad}");
        }
    }

    #[test]
    fn bearers_are_read_from_their_header() {
        assert_eq!(bearer("Bearer abc"), Some("abc"));
        assert_eq!(bearer("bearer  abc "), Some("abc"));
        for bad in ["", "Bearer", "Basic abc", "abc"] {
            assert_eq!(bearer(bad), None, "{bad}");
        }
    }

    #[test]
    fn base32_spells_known_bytes() {
        assert_eq!(base32(&[0; 5]), "00000000");
        assert_eq!(base32(&[255]), "zw");
        assert_eq!(base32(b"hello"), "d1jprv3f");
    }
}
