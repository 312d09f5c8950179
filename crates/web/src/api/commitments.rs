//! Commitments: a SKU at its reserved price, for a term that is paid ahead.

use app::operations::make_commitment::MakeCommitment;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{created, sku_number};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::wire::IdText;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CommitmentIn {
    pub organization: Option<IdText>,
    /// A SKU that is offered at a reserved price.
    pub sku: IdText,
    /// Machines that are paid for over the whole term.
    pub quantity: i64,
}

/// Pays a SKU ahead from purchased credit. It answers with the grant that the credit became: it
/// pays for this SKU alone, and what is left of it when the term ends expires.
pub async fn create(call: Call) -> Result<Reply, Fault> {
    let body: CommitmentIn = call.json()?;
    let home = call.organization(body.organization.as_ref()).await?;
    let sku = sku_number(home, "sku", &body.sku)?;
    let operation = MakeCommitment { org: home.org, sku, quantity: body.quantity };
    call.run(operation, created).await
}
