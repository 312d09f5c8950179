//! Notices: which mails an organization gets.

use app::operations::report_bounce::ReportBounce;
use app::operations::set_notices::SetNotices;
use domain::notice::{Notices, Topic};
use domain::{Kind, OrgId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::wallets::wallet_id;
use super::{NOTE_CHARS_MAX, done};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::wire::{IdText, text};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticesIn {
    /// What is not mailed: any of `low_balance`, `digest` and `expiry`. What concerns security, or
    /// money that failed, is always mailed.
    pub muted: Vec<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BounceIn {
    /// What the mail server said.
    pub reason: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct NoticesOut {
    pub wallet: IdText,
    pub muted: Vec<String>,
    /// A mail came back: none is sent until the notices are set anew.
    pub bounced: bool,
}

impl NoticesOut {
    pub fn of(org: OrgId, notices: Notices) -> NoticesOut {
        NoticesOut {
            wallet: IdText::new(Kind::Wallet, org, domain::wallet::Wallet::NUMBER),
            muted: notices.muted().map(|topic| topic.name().to_owned()).collect(),
            bounced: notices.has_bounced,
        }
    }
}

/// Sets which mails an organization gets.
pub async fn set(call: Call) -> Result<Reply, Fault> {
    let org = wallet_id(&call).await?;
    let body: NoticesIn = call.json()?;
    let topics = body.muted.iter().map(|name| Topic::from_name(name));
    let muted = topics.collect::<Option<Vec<Topic>>>();
    let muted =
        muted.ok_or_else(|| Fault::param("muted", "takes low_balance, digest and expiry"))?;
    call.run(SetNotices { org, muted }, done).await
}

/// Takes the report that a mail came back.
pub async fn report_bounce(call: Call) -> Result<Reply, Fault> {
    let org = wallet_id(&call).await?;
    let body: BounceIn = call.json()?;
    let reason = text("reason", &body.reason, NOTE_CHARS_MAX)?;
    call.run(ReportBounce { org, reason }, done).await
}
