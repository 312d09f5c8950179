//! Erasing what a closed organization wrote (requirements N26): every column that can name a person
//! loses its text, in the transaction that says so.
//!
//! *Invariant:* the journal, documents and whatever money is decided by stay as they are. A row
//! whose text is gone stays where a number of the journal names it.

use std::borrow::Cow;

use domain::OrgId;

use crate::noun::{self, BUCKET, ORG};
use crate::statement::{Action, Bulk, Kind, catalogue};
use crate::value::Column;

const NAME: &[(&str, Kind)] = &[BUCKET, ORG, ("name", Kind::Text)];
const LABEL: &[(&str, Kind)] = &[BUCKET, ORG, ("label", Kind::Text)];
const LABELS: &[(&str, Kind)] = &[BUCKET, ORG, ("labels", Kind::Text)];
const NAME_LABELS: &[(&str, Kind)] = &[BUCKET, ORG, ("name", Kind::Text), ("labels", Kind::Text)];
const VALUE: &[(&str, Kind)] = &[BUCKET, ORG, ("value", Kind::Text)];
const NOTE: &[(&str, Kind)] = &[BUCKET, ORG, ("note", Kind::Text)];

catalogue! {
    /// Names and labels of resources.
    RESOURCES: Bulk = Bulk::new(Action::Update, "resources", 2, NAME_LABELS);
    /// Labels of use; the rows keep the numbers that the journal names.
    LABEL_SETS: Bulk = Bulk::new(Action::Update, "label_sets", 2, LABELS);
    /// Labels that were limited.
    LIMITS: Bulk = Bulk::new(Action::Update, "limits", 2, VALUE);
    /// What payment methods are called.
    PAYMENT_METHODS: Bulk = Bulk::new(Action::Update, "payment_methods", 2, LABEL);
    /// What API keys are called.
    API_KEYS: Bulk = Bulk::new(Action::Update, "api_keys", 2, NAME);
    /// Notes of grants.
    GRANTS: Bulk = Bulk::new(Action::Update, "grants", 2, NOTE);
    /// Why arrivals were ignored.
    ARRIVALS: Bulk = Bulk::new(Action::Update, "arrivals", 2, NOTE);
    /// Notes of holds.
    HOLDS: Bulk = Bulk::new(Action::Update, "holds", 2, NOTE);
    /// Answers that were kept for repetitions.
    ANSWERS: Bulk = Bulk::new(Action::Delete, "answers", 2, &[BUCKET, ORG]);
}

/// The statements that erase what `orgs` wrote, each with its columns.
pub(crate) fn writes(orgs: &[OrgId]) -> Vec<(&'static Bulk, Vec<Column<'static>>)> {
    let erased = [
        &RESOURCES,
        &LABEL_SETS,
        &LIMITS,
        &PAYMENT_METHODS,
        &API_KEYS,
        &GRANTS,
        &ARRIVALS,
        &HOLDS,
        &ANSWERS,
    ];
    let columns = |bulk: &Bulk| {
        let mut columns = noun::org_columns(orgs.iter().copied());
        let texts = bulk.width() - columns.len();
        columns.extend((0..texts).map(|_| Column::Text(vec![Cow::Borrowed(""); orgs.len()])));
        columns
    };
    erased.into_iter().map(|bulk| (bulk, columns(bulk))).collect()
}
