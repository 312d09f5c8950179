//! Tax rates: what an organization pays on top of deposits, or inside prices (rulings R19).

use app::operations::set_tax_rate::SetTaxRate;
use domain::tax::{TaxDue, TaxRate};
use domain::{Kind, OrgId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::done;
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::wire::IdText;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaxRateIn {
    /// Parts of ten thousand: 1900 is 19 %; 0 is no tax.
    pub tax_bps: i64,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct TaxRateOut {
    pub organization: IdText,
    pub tax_bps: i64,
    /// `deposit`: paid on top of each deposit; `consumption`: contained in each charge; absent
    /// without a tax.
    pub due: Option<String>,
}

impl TaxRateOut {
    pub fn of(org: OrgId, rate: Option<&TaxRate>) -> TaxRateOut {
        let due = rate.map(|rate| match rate.due {
            TaxDue::OnDeposit => "deposit".to_owned(),
            TaxDue::OnUse { .. } => "consumption".to_owned(),
        });
        let tax_bps = rate.map_or(0, |rate| rate.bps);
        TaxRateOut { organization: IdText::organization(org), tax_bps, due }
    }
}

/// Sets the tax rate of an organization from now on.
pub async fn set(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Organization).await?;
    let body: TaxRateIn = call.json()?;
    call.run(SetTaxRate { org: id.org, bps: body.tax_bps }, done).await
}

/// Shows the tax rate of an organization.
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Organization).await?;
    let mut snapshot = call.snapshot().await?;
    let wallet = store::read::access::wallet(&mut snapshot, id.org).await?;
    let wallet = wallet.ok_or(Fault::missing(Kind::Organization))?;
    Reply::json(200, &TaxRateOut::of(id.org, wallet.tax.as_ref()))
}
