//! API keys: what programs sign in with.

use app::Answer;
use app::operations::create_api_key::CreateApiKey;
use app::operations::revoke_api_key::RevokeApiKey;
use domain::workset::{ApiKey, Role};
use domain::{Id, Kind, OrgId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{NAME_CHARS_MAX, Nothing, OrganizationQuery, created, done};
use crate::auth::{key_text, new_secret};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, TimeText, text, with_member};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyIn {
    /// Whose key it becomes: an organization, or a platform for its own keys.
    pub organization: Option<IdText>,
    pub name: String,
    pub role: RoleText,
}

/// What a key may do; each role may do everything that the ones before it may.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum RoleText {
    Read,
    Usage,
    Organization,
    Platform,
}

impl RoleText {
    fn role(self) -> Role {
        match self {
            RoleText::Read => Role::Read,
            RoleText::Usage => Role::Usage,
            RoleText::Organization => Role::Organization,
            RoleText::Platform => Role::Platform,
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct ApiKeyOut {
    pub id: IdText,
    /// The organization it belongs to; a platform's own keys belong to its house organization.
    pub organization: IdText,
    pub name: String,
    pub role: String,
    pub created_at: TimeText,
    pub revoked_at: Option<TimeText>,
}

/// A key that was just made.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NewApiKeyOut {
    #[serde(flatten)]
    pub key: ApiKeyOut,
    /// The whole key, shown once; a repetition of the request does not show it again.
    pub secret: Option<String>,
}

impl ApiKeyOut {
    pub fn of(org: OrgId, key: &ApiKey) -> ApiKeyOut {
        ApiKeyOut {
            id: IdText::new(Kind::ApiKey, org, key.number),
            organization: IdText::organization(org),
            name: key.name.clone(),
            role: key.role.name().to_owned(),
            created_at: key.created_at.into(),
            revoked_at: key.revoked_at.map(TimeText::from),
        }
    }
}

/// Creates a key and shows its secret once.
pub async fn create(call: Call) -> Result<Reply, Fault> {
    let body: ApiKeyIn = call.json()?;
    let home = call.organization(body.organization.as_ref()).await?;
    let role = body.role.role();
    if role > call.caller.role {
        return Err(Fault::Forbidden { needed: role });
    }
    if role == Role::Platform && !home.is_platform() {
        return Err(Fault::param("role", "the role platform belongs to a platform's own keys"));
    }
    let label = text("name", &body.name, NAME_CHARS_MAX)?;
    let (secret, hash) = new_secret(&call.web.app);
    let operation = CreateApiKey { org: home.org, label, role, hash };
    let (mut reply, decided) = call.run_and_tell(operation, created).await?;
    if let Some(Ok(Answer::ApiKey(org, key))) = decided {
        let text = key_text(Id::new(Kind::ApiKey, org, key.number), &secret);
        reply.body = with_member(reply.body, "secret", &Value::from(text));
    }
    Ok(reply)
}

/// Revokes a key from now on.
pub async fn revoke(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::ApiKey).await?;
    call.json::<Nothing>()?;
    let mut snapshot = call.snapshot().await?;
    let key = store::read::lists::api_key(&mut snapshot, id.org, id.number).await?;
    drop(snapshot);
    let key = key.ok_or(Fault::missing(Kind::ApiKey))?;
    if key.role > call.caller.role {
        return Err(Fault::Forbidden { needed: key.role });
    }
    let reply = call.run(RevokeApiKey { org: id.org, key: id.number }, done).await?;
    call.web.directory.forget(id);
    Ok(reply)
}

/// Lists keys, newest first; secrets are not kept and not shown.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: OrganizationQuery = call.query()?;
    let home = call.organization(query.organization.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let (below, rows) = (page.below(), page.rows_to_read());
    let rows = store::read::lists::api_keys(&mut snapshot, home.org, below, rows).await?;
    Reply::json(200, &page.list(rows, |key| key.number, |key| ApiKeyOut::of(home.org, &key)))
}
