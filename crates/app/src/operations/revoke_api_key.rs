//! Revokes an API key from now on.

use domain::{Kind, OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Keys, Operation};

#[derive(Debug)]
pub struct RevokeApiKey {
    pub org: OrgId,
    pub key: i64,
}

impl Operation for RevokeApiKey {
    fn name(&self) -> &'static str {
        "revoke_api_key"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    fn needs(&self, keys: &mut Keys) {
        keys.api_keys.push((self.org, self.key));
    }

    /// Refusals: `not_found`. Revoking again changes nothing.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        let mut key = ws.api_keys.find(Kind::ApiKey, self.org, self.key)?.clone();
        if key.revoked_at.is_none() {
            key.revoked_at = Some(now);
            ws.api_keys.put(self.org, self.key, key.clone());
        }
        Ok(Answer::ApiKey(self.org, key))
    }
}
