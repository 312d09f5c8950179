//! Explanations: what a number is made of, as data that a person can read and a program can add up.
//!
//! Laws: the terms of every figure add up to its total, to the nano; a term that was rated shows
//! the whole numbers it was rated from; every row that had a part in it is named by its id, so a
//! balance can be followed down to its events and back (requirements D11, Q08, S09).

pub mod standing;
pub mod transaction;

use std::fmt;

use crate::rate::{BPS_PER_ONE, Rate, denominator};
use crate::{Amount, Id};

/// Why something is as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    pub of: Id,
    pub title: String,
    pub facts: Vec<Fact>,
    pub figures: Vec<Figure>,
    /// The rows it came from, and the rows that came of it.
    pub leads_to: Vec<Link>,
}

/// Something that is known and not added up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    pub name: &'static str,
    pub value: String,
}

/// A number and the terms that add up to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figure {
    pub name: &'static str,
    pub terms: Vec<Term>,
    pub total: Amount,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    pub amount: Amount,
    pub label: String,
    /// What `amount` was rounded from, half to even.
    pub working: Option<Working>,
    pub id: Option<Id>,
}

/// An exact quotient before it was rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Working {
    /// Quantity × price, in units of currency.
    Rated { quantity: i64, rate: Rate },
    /// Parts of a nano-unit, counted by a meter.
    Metered { numerator: i128, per_units: i64 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub name: &'static str,
    pub id: Id,
}

impl Explanation {
    pub fn new(of: Id, title: String) -> Explanation {
        Explanation { of, title, facts: Vec::new(), figures: Vec::new(), leads_to: Vec::new() }
    }

    fn fact(&mut self, name: &'static str, value: impl ToString) {
        self.facts.push(Fact { name, value: value.to_string() });
    }

    fn figure(&mut self, name: &'static str, terms: Vec<Term>, total: Amount) {
        self.figures.push(Figure { name, terms, total });
    }

    fn link(&mut self, name: &'static str, id: Id) {
        self.leads_to.push(Link { name, id });
    }

    /// Keeps only the figure of this name; false when there is none.
    pub fn narrow_to(&mut self, figure: &str) -> bool {
        self.figures.retain(|known| known.name == figure);
        !self.figures.is_empty()
    }
}

impl Figure {
    /// Whether the terms add up to the total.
    pub fn adds_up(&self) -> bool {
        let add = |sum: Amount, term: &Term| sum.checked_add(term.amount);
        self.terms.iter().try_fold(Amount::ZERO, add) == Some(self.total)
    }
}

impl Term {
    pub fn new(amount: Amount, label: impl Into<String>) -> Term {
        Term { amount, label: label.into(), working: None, id: None }
    }

    pub fn of(self, id: Id) -> Term {
        Term { id: Some(id), ..self }
    }

    pub fn from_working(self, working: Working) -> Term {
        Term { working: Some(working), ..self }
    }
}

impl fmt::Display for Working {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Working::Rated { quantity, rate } => {
                write!(f, "{quantity} × {} ÷ {}", rate.list, rate.per_units)?;
                match rate.discount_bps {
                    0 => Ok(()),
                    bps => write!(f, " × {} ÷ {BPS_PER_ONE}", BPS_PER_ONE - bps),
                }
            }
            Working::Metered { numerator, per_units } => {
                write!(f, "{numerator} ÷ {} nanos", denominator(*per_units))
            }
        }
    }
}

/// Text for people: facts, then each figure as a column of terms under which its total stands.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.of, self.title)?;
        for Fact { name, value } in &self.facts {
            writeln!(f, "  {name}: {value}")?;
        }
        for figure in &self.figures {
            writeln!(f, "  {} {} is", figure.name, figure.total)?;
            let amount = |term: &Term| term.amount.to_string();
            let width = figure.terms.iter().map(|term| amount(term).len()).max().unwrap_or(0);
            for term in &figure.terms {
                write!(f, "    {:>width$}  {}", amount(term), term.label)?;
                if let Some(working) = term.working {
                    write!(f, " = {working}")?;
                }
                if let Some(id) = term.id {
                    write!(f, " ({id})")?;
                }
                writeln!(f)?;
            }
        }
        for Link { name, id } in &self.leads_to {
            writeln!(f, "  -> {name} {id}")?;
        }
        Ok(())
    }
}
