//! Resources: named things that cost money while they run.

use std::collections::BTreeMap;

use app::operations::create_resource::CreateResource;
use app::operations::redeploy_resource::RedeployResource;
use app::operations::resume_resource::ResumeResource;
use domain::run::{Resource, Run};
use domain::{Amount, Kind, OrgId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Snapshot;

use super::{CODE_LENGTH_MAX, NAME_CHARS_MAX, Nothing, OrganizationQuery, created};
use crate::auth::Home;
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, MoneyText, TimeText, code_text, labels, text, with_member};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceIn {
    pub organization: Option<IdText>,
    pub name: String,
    /// The code of the SKU that it is an instance of.
    pub sku: String,
    /// Your own labels, such as project or location; at most 20.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct ResourceOut {
    pub id: IdText,
    pub organization: IdText,
    pub name: String,
    /// The code of its SKU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    pub labels: BTreeMap<String, String>,
    /// The run that is open.
    pub run: Option<IdText>,
    /// `running`, `stopped`, `paused`, or `terminated` for good.
    pub status: String,
    /// The terminated resource that this one was made from again.
    pub redeployed_from: Option<IdText>,
    /// What all its runs have cost up to `as_of`; only where it is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<MoneyText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<TimeText>,
    pub created_at: TimeText,
}

impl ResourceOut {
    pub fn of(org: OrgId, resource: &Resource) -> ResourceOut {
        ResourceOut {
            id: IdText::new(Kind::Resource, org, resource.number),
            organization: IdText::organization(org),
            name: resource.name.clone(),
            sku: None,
            labels: resource.labels.iter().map(owned).collect(),
            run: resource.run.map(|number| IdText::new(Kind::Run, org, number)),
            status: resource.status().to_owned(),
            redeployed_from: resource
                .redeployed_from
                .map(|number| IdText::new(Kind::Resource, org, number)),
            cost: None,
            as_of: None,
            created_at: resource.created_at.into(),
        }
    }
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// Creates a resource. It costs nothing until it runs.
pub async fn create(call: Call) -> Result<Reply, Fault> {
    let body: ResourceIn = call.json()?;
    let home = call.organization(body.organization.as_ref()).await?;
    let sku = code_text("sku", &body.sku, CODE_LENGTH_MAX)?;
    let operation = CreateResource {
        org: home.org,
        label: text("name", &body.name, NAME_CHARS_MAX)?,
        sku: sku.clone(),
        labels: labels(&body.labels)?,
    };
    let mut reply = call.run(operation, created).await?;
    if reply.is_success() {
        reply.body = with_member(reply.body, "sku", &Value::from(sku));
    }
    Ok(reply)
}

/// Resumes a paused resource: answers with its new run.
pub async fn resume(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Resource).await?;
    let _: Nothing = call.json()?;
    call.run(ResumeResource { org: id.org, resource: id.number }, created).await
}

/// Makes a terminated resource again: answers with the new one, which costs nothing until it runs.
pub async fn redeploy(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Resource).await?;
    let _: Nothing = call.json()?;
    call.run(RedeployResource { org: id.org, resource: id.number }, created).await
}

/// What one page shows: resources with the codes of their SKUs and the costs of their runs.
async fn shown(
    call: &Call,
    snapshot: &mut Snapshot,
    home: Home,
    resources: &[Resource],
) -> Result<Vec<ResourceOut>, Fault> {
    let codes = store::read::access::sku_codes(snapshot, home.platform).await?;
    let numbers: Vec<i64> = resources.iter().map(|resource| resource.number).collect();
    let runs = store::read::lists::runs_of_resources(snapshot, home.org, &numbers).await?;
    let now = super::wallets::now_of(call, snapshot, home).await?;
    let costs = costs(runs.as_deref().unwrap_or_default(), now);
    let view = |resource: &Resource| {
        let cost = costs.get(&resource.number).copied().unwrap_or(Amount::ZERO);
        ResourceOut {
            sku: codes.get(&resource.sku).cloned(),
            cost: runs.as_ref().map(|_| cost.into()),
            as_of: Some(now.into()),
            ..ResourceOut::of(home.org, resource)
        }
    };
    Ok(resources.iter().map(view).collect())
}

fn costs(runs: &[Run], now: Timestamp) -> BTreeMap<i64, Amount> {
    let mut costs: BTreeMap<i64, Amount> = BTreeMap::new();
    for run in runs {
        let cost = costs.entry(run.resource).or_default();
        *cost = cost.checked_add(run.cost_round_half_even(now)).unwrap_or(Amount::MAX);
    }
    costs
}

/// Shows a resource with its cost so far.
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Resource).await?;
    let home = call.home_of(id.org).await?;
    let mut snapshot = call.snapshot().await?;
    let resource = store::read::lists::resource(&mut snapshot, id.org, id.number).await?;
    let resource = resource.ok_or(Fault::missing(Kind::Resource))?;
    let shown = shown(&call, &mut snapshot, home, &[resource]).await?;
    Reply::json(200, shown.first().ok_or(Fault::Internal)?)
}

/// Lists resources with their costs so far, newest first.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: OrganizationQuery = call.query()?;
    let home = call.organization(query.organization.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let (below, rows) = (page.below(), page.rows_to_read());
    let rows = store::read::lists::resources(&mut snapshot, home.org, below, rows).await?;
    let list = page.list(rows, |resource| resource.number, |resource| resource);
    let data = shown(&call, &mut snapshot, home, &list.data).await?;
    let list = crate::page::List { data, has_more: list.has_more, next_cursor: list.next_cursor };
    Reply::json(200, &list)
}
