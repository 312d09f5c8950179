//! Parties: what documents name of sellers and buyers.

use app::operations::set_party::SetParty;
use domain::OrgId;
use domain::document::{ADDRESS_CHARS_MAX, NAME_CHARS_MAX, Party, TAX_ID_CHARS_MAX};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::done;
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::wire::{IdText, text, text_or_empty};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartyIn {
    /// Whose: a customer as the buyer, or a platform as the seller.
    pub organization: Option<IdText>,
    /// The legal name.
    pub name: String,
    #[serde(default)]
    pub address: String,
    #[serde(default)]
    pub tax_id: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartyQuery {
    pub organization: Option<IdText>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct PartyOut {
    pub organization: IdText,
    pub name: String,
    pub address: String,
    pub tax_id: String,
}

impl PartyOut {
    pub fn of(org: OrgId, party: &Party) -> PartyOut {
        PartyOut {
            organization: IdText::organization(org),
            name: party.name.clone(),
            address: party.address.clone(),
            tax_id: party.tax_id.clone(),
        }
    }
}

/// Sets what documents name from now on.
pub async fn set(call: Call) -> Result<Reply, Fault> {
    let body: PartyIn = call.json()?;
    let home = call.organization(body.organization.as_ref()).await?;
    let party = Party {
        name: text("name", &body.name, NAME_CHARS_MAX)?,
        address: text_or_empty("address", &body.address, ADDRESS_CHARS_MAX)?,
        tax_id: text_or_empty("tax_id", &body.tax_id, TAX_ID_CHARS_MAX)?,
    };
    call.run(SetParty { org: home.org, party }, done).await
}

/// Shows what documents name; empty where nothing was set.
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let query: PartyQuery = call.query()?;
    let home = call.organization(query.organization.as_ref()).await?;
    let mut snapshot = call.snapshot().await?;
    let party = store::read::documents::party(&mut snapshot, home.org).await?;
    Reply::json(200, &PartyOut::of(home.org, &party.unwrap_or_default()))
}
