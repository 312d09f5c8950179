//! Organizations: the tenants of a platform, each with one wallet.

use app::operations::close_organization::CloseOrganization;
use app::operations::create_organization::CreateOrganization;
use domain::calendar::Zone;
use domain::wallet::Wallet;
use domain::workset::Organization;
use domain::{Kind, OrgId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NAME_CHARS_MAX, Nothing, PlatformQuery, created, done};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, TimeText, text};

/// Drawing an id in a lane of this process takes a few attempts at most; with 64 lanes in other
/// hands and one here, a thousand fail once in ten million.
const DRAWS_MAX: usize = 1_024;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationIn {
    /// Only the operator has to say.
    pub platform: Option<IdText>,
    pub name: String,
    /// Where its days and months are counted: a name of the IANA time zone database; UTC when none
    /// is given.
    pub timezone: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct OrganizationOut {
    pub id: IdText,
    pub platform: IdText,
    pub wallet: IdText,
    /// Empty once it was erased.
    pub name: String,
    pub timezone: String,
    pub created_at: TimeText,
    /// From when on it takes no more commands.
    pub closed_at: Option<TimeText>,
    /// When its names and everything that it wrote were erased.
    pub erased_at: Option<TimeText>,
}

impl OrganizationOut {
    pub fn of(org: OrgId, organization: &Organization) -> OrganizationOut {
        OrganizationOut {
            id: IdText::organization(org),
            platform: IdText::new(Kind::Platform, organization.platform, 0),
            wallet: IdText::new(Kind::Wallet, org, Wallet::NUMBER),
            name: organization.name.clone(),
            timezone: organization.zone.name().to_owned(),
            created_at: organization.created_at.into(),
            closed_at: organization.closed_at.map(TimeText::from),
            erased_at: organization.erased_at.map(TimeText::from),
        }
    }
}

/// The id of an organization about to be made. Under an idempotency key it follows from the key, so
/// that a repetition finds the lane and the answer of the first attempt; without one it is drawn in
/// a lane of this process.
pub fn fresh_org(call: &Call, scope: OrgId) -> Result<OrgId, Fault> {
    let app = &call.web.app;
    if let Some(key) = call.key_text()? {
        let bits = |part: &str| app.hasher.hash(scope.get(), part, key).bits();
        let bucket = i64::try_from(bits("bucket") % 1024).unwrap_or(0);
        return Ok(OrgId::new(bucket, bits("organization")));
    }
    let mut org = app.draw_org();
    for _ in 0..DRAWS_MAX {
        if app.foreign_owner(org).is_none() {
            break;
        }
        org = app.draw_org();
    }
    Ok(org)
}

/// Creates an organization with its wallet.
pub async fn create(call: Call) -> Result<Reply, Fault> {
    let body: OrganizationIn = call.json()?;
    let platform = call.platform(body.platform.as_ref()).await?;
    let name = text("name", &body.name, NAME_CHARS_MAX)?;
    let zone = zone(body.timezone.as_deref())?;
    let org = fresh_org(&call, platform)?;
    call.run(CreateOrganization { org, platform, name, zone }, created).await
}

/// Closes an organization for good.
pub async fn close(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Organization).await?;
    call.json::<Nothing>()?;
    call.run(CloseOrganization { org: id.org }, done).await
}

fn zone(name: Option<&str>) -> Result<Zone, Fault> {
    let Some(name) = name else { return Ok(Zone::UTC) };
    let unknown = "is not a time zone of the IANA database, such as Europe/Berlin";
    Zone::named(name).ok_or_else(|| Fault::param("timezone", format!("timezone {unknown}")))
}

/// Shows an organization.
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::Organization).await?;
    let mut snapshot = call.snapshot().await?;
    let organization = store::read::access::organization(&mut snapshot, id.org).await?;
    let organization = organization.ok_or(Fault::missing(Kind::Organization))?;
    Reply::json(200, &OrganizationOut::of(id.org, &organization))
}

/// Lists the organizations of a platform, in no meaningful order.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: PlatformQuery = call.query()?;
    let platform = call.platform(query.platform.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let above = OrgId::from_stored(page.above());
    let mut snapshot = call.snapshot().await?;
    let rows = page.rows_to_read();
    let rows = store::read::access::organizations(&mut snapshot, platform, above, rows).await?;
    let list = page.list(
        rows,
        |(org, _)| org.get(),
        |(org, organization)| OrganizationOut::of(org, &organization),
    );
    Reply::json(200, &list)
}
