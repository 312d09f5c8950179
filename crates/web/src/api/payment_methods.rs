//! Saved payment methods of the sandbox rail, which answer as they were told to.

use app::operations::change_payment_method::ChangePaymentMethod;
use app::operations::save_payment_method::SavePaymentMethod;
use domain::deposit::{Behaviour, PaymentMethod};
use domain::{Kind, OrgId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NAME_CHARS_MAX, OrganizationQuery, created, done};
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::page::Page;
use crate::wire::{IdText, TimeText, text};

/// How a sandbox payment method answers when it is charged.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum BehaviourText {
    Succeeds,
    Declines,
    NeedsAuthentication,
    /// It charges, and no answer comes.
    TimesOutCharged,
    /// Nothing is charged, and no answer comes.
    TimesOutUncharged,
}

impl From<BehaviourText> for Behaviour {
    fn from(text: BehaviourText) -> Behaviour {
        match text {
            BehaviourText::Succeeds => Behaviour::Succeeds,
            BehaviourText::Declines => Behaviour::Declines,
            BehaviourText::NeedsAuthentication => Behaviour::NeedsAuthentication,
            BehaviourText::TimesOutCharged => Behaviour::TimesOutCharged,
            BehaviourText::TimesOutUncharged => Behaviour::TimesOutUncharged,
        }
    }
}

impl From<Behaviour> for BehaviourText {
    fn from(behaviour: Behaviour) -> BehaviourText {
        match behaviour {
            Behaviour::Succeeds => BehaviourText::Succeeds,
            Behaviour::Declines => BehaviourText::Declines,
            Behaviour::NeedsAuthentication => BehaviourText::NeedsAuthentication,
            Behaviour::TimesOutCharged => BehaviourText::TimesOutCharged,
            Behaviour::TimesOutUncharged => BehaviourText::TimesOutUncharged,
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentMethodIn {
    pub organization: Option<IdText>,
    pub behaviour: BehaviourText,
    /// What a person recognises it by.
    pub label: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BehaviourIn {
    pub behaviour: BehaviourText,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct PaymentMethodOut {
    pub id: IdText,
    pub organization: IdText,
    pub rail: String,
    pub behaviour: BehaviourText,
    pub label: String,
    pub created_at: TimeText,
}

impl PaymentMethodOut {
    pub fn of(org: OrgId, method: &PaymentMethod) -> PaymentMethodOut {
        PaymentMethodOut {
            id: IdText::new(Kind::PaymentMethod, org, method.number),
            organization: IdText::organization(org),
            rail: method.rail.clone(),
            behaviour: method.behaviour.into(),
            label: method.label.clone(),
            created_at: method.created_at.into(),
        }
    }
}

/// Saves a payment method.
pub async fn create(call: Call) -> Result<Reply, Fault> {
    let body: PaymentMethodIn = call.json()?;
    let home = call.organization(body.organization.as_ref()).await?;
    let operation = SavePaymentMethod {
        org: home.org,
        rail: payments::sandbox::RAIL.to_owned(),
        behaviour: body.behaviour.into(),
        label: text("label", &body.label, NAME_CHARS_MAX)?,
    };
    call.run(operation, created).await
}

/// Changes how a sandbox payment method answers from now on.
pub async fn change_behaviour(call: Call) -> Result<Reply, Fault> {
    let id = call.path_id(Kind::PaymentMethod).await?;
    let body: BehaviourIn = call.json()?;
    let behaviour = body.behaviour.into();
    call.run(ChangePaymentMethod { org: id.org, method: id.number, behaviour }, done).await
}

/// Lists payment methods, newest first.
pub async fn list(call: Call) -> Result<Reply, Fault> {
    let query: OrganizationQuery = call.query()?;
    let home = call.organization(query.organization.as_ref()).await?;
    let page = Page::read(query.limit, query.cursor.as_deref())?;
    let mut snapshot = call.snapshot().await?;
    let (below, rows) = (page.below(), page.rows_to_read());
    let rows = store::read::lists::payment_methods(&mut snapshot, home.org, below, rows).await?;
    let view = |method: PaymentMethod| PaymentMethodOut::of(home.org, &method);
    Reply::json(200, &page.list(rows, |method| method.number, view))
}
