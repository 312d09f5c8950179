//! Creates an API key; only the hash of its secret is kept.

use domain::workset::{ApiKey, Role};
use domain::{OrgId, Refusal, Timestamp, Workset};

use crate::operation::{Answer, Operation};

#[derive(Debug)]
pub struct CreateApiKey {
    pub org: OrgId,
    pub label: String,
    pub role: Role,
    /// SHA-256 of the secret.
    pub hash: Vec<u8>,
}

impl Operation for CreateApiKey {
    fn name(&self) -> &'static str {
        "create_api_key"
    }

    fn org(&self) -> OrgId {
        self.org
    }

    /// Refusals, in order: `not_found` (organization), `organization_closed`.
    fn decide(&self, ws: &mut Workset, now: Timestamp) -> Result<Answer, Refusal> {
        ws.require_open(self.org)?;
        let number = ws.wallet_mut(self.org)?.take_number();
        let key = ApiKey {
            number,
            name: self.label.clone(),
            hash: self.hash.clone(),
            role: self.role,
            created_at: now,
            revoked_at: None,
        };
        ws.api_keys.put(self.org, number, key.clone());
        Ok(Answer::ApiKey(self.org, key))
    }
}
