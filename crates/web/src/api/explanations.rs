//! Explanations: what a number is made of, for people and for programs that check it.
//!
//! Laws: the terms of each figure add up to its total; every id that is named can be asked about in
//! turn by whoever may see it (rulings A11, A18).

use domain::explain::{Explanation, Figure, Term, Working};
use domain::{Id, Kind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::read::explain::{Asked, explain};

use super::NAME_CHARS_MAX;
use super::usage_events::SOURCE_DEFAULT;
use crate::error::Fault;
use crate::extract::{Call, Reply};
use crate::wire::{IdText, MoneyText, text};

/// Kinds of id that have something to explain; the first is what a foreign one is said not to be.
pub const KINDS: [Kind; 10] = [
    Kind::Wallet,
    Kind::Organization,
    Kind::LedgerTransaction,
    Kind::Grant,
    Kind::Deposit,
    Kind::Hold,
    Kind::Run,
    Kind::Resource,
    Kind::Price,
    Kind::Sku,
];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplanationQuery {
    /// Only this figure, such as `available`.
    pub figure: Option<String>,
    /// With the id of an organization: its usage event of this id.
    pub event: Option<String>,
    /// Of the usage event; `api` when none is given.
    pub source: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct ExplanationOut {
    pub id: IdText,
    pub title: String,
    pub facts: Vec<FactOut>,
    pub figures: Vec<FigureOut>,
    /// The rows it came from, and those that came of it.
    pub leads_to: Vec<LinkOut>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct FactOut {
    pub name: String,
    pub value: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct FigureOut {
    pub name: String,
    /// They add up to `total`.
    pub terms: Vec<TermOut>,
    pub total: MoneyText,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct TermOut {
    pub amount: MoneyText,
    pub label: String,
    /// What the amount was rounded from, half to even.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub working: Option<WorkingOut>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<IdText>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum WorkingOut {
    /// quantity × price ÷ per_units × (10000 − discount_bps) ÷ 10000.
    Rated { quantity: i64, price: MoneyText, per_units: i64, discount_bps: i64 },
    /// Nanos before rounding: numerator ÷ denominator. Texts, because they are longer than 64 bits.
    Metered { numerator: String, denominator: String },
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct LinkOut {
    pub name: String,
    pub id: IdText,
}

fn id_text(id: Id) -> IdText {
    IdText::new(id.kind, id.org, id.number)
}

impl ExplanationOut {
    pub fn of(told: &Explanation) -> ExplanationOut {
        let facts = told.facts.iter();
        let links = told.leads_to.iter();
        ExplanationOut {
            id: id_text(told.of),
            title: told.title.clone(),
            facts: facts
                .map(|fact| FactOut { name: fact.name.to_owned(), value: fact.value.clone() })
                .collect(),
            figures: told.figures.iter().map(FigureOut::of).collect(),
            leads_to: links
                .map(|link| LinkOut { name: link.name.to_owned(), id: id_text(link.id) })
                .collect(),
        }
    }
}

impl FigureOut {
    fn of(figure: &Figure) -> FigureOut {
        FigureOut {
            name: figure.name.to_owned(),
            terms: figure.terms.iter().map(TermOut::of).collect(),
            total: figure.total.into(),
        }
    }
}

impl TermOut {
    fn of(term: &Term) -> TermOut {
        TermOut {
            amount: term.amount.into(),
            label: term.label.clone(),
            working: term.working.map(WorkingOut::of),
            id: term.id.map(id_text),
        }
    }
}

impl WorkingOut {
    fn of(working: Working) -> WorkingOut {
        match working {
            Working::Rated { quantity, rate } => WorkingOut::Rated {
                quantity,
                price: rate.list.into(),
                per_units: rate.per_units,
                discount_bps: rate.discount_bps,
            },
            Working::Metered { numerator, per_units } => WorkingOut::Metered {
                numerator: numerator.to_string(),
                denominator: domain::rate::denominator(per_units).to_string(),
            },
        }
    }
}

/// Explains the thing with an id, or one figure of it.
///
/// Errors, in order: `malformed`, `not_found`, `parameter_invalid` (event, source, figure).
pub async fn get(call: Call) -> Result<Reply, Fault> {
    let query: ExplanationQuery = call.query()?;
    let id = call.path_id_of(&KINDS).await?;
    let asked = match &query.event {
        None => Asked::Id(id),
        Some(_) if id.kind != Kind::Organization => {
            return Err(Fault::param("event", "an event is asked for by its organization"));
        }
        Some(event) => {
            let source = query.source.as_deref().unwrap_or(SOURCE_DEFAULT);
            Asked::Event {
                org: id.org,
                source: text("source", source, NAME_CHARS_MAX)?,
                id: text("event", event, NAME_CHARS_MAX)?,
            }
        }
    };
    let mut snapshot = call.snapshot().await?;
    let told = explain(&mut snapshot, &asked, call.reader(), call.web.now_at(None)).await?;
    let mut told = told.ok_or(Fault::missing(id.kind))?;
    if let Some(figure) = &query.figure
        && !told.narrow_to(figure)
    {
        return Err(Fault::param("figure", "it has no figure of this name"));
    }
    Reply::json(200, &ExplanationOut::of(&told))
}
