//! Deposits: money from outside, in the state it has reached.

use domain::conversion::Conversion;
use domain::deposit::{Deposit, DepositLabel, DepositState, PaymentMethod};
use domain::document::Documented;
use domain::tax::Tax;
use domain::workset::Key;
use domain::{Amount, OrgId};

use crate::Store;
use crate::error::StoreError;
use crate::noun::{self, BUCKET, Columns, Fields, Keyed, NUMBER, Noun, ORG};
use crate::payment_methods;
use crate::statement::{Action, Bulk, Kind, Load, Statement, catalogue};
use crate::value::Column;
use crate::writer::Writer;

const COLUMNS: &[(&str, Kind)] = &[
    BUCKET,
    ORG,
    NUMBER,
    ("amount", Kind::Int),
    ("asked", Kind::Int),
    ("tax", Kind::Int),
    ("tax_bps", Kind::Int),
    ("rail", Kind::Text),
    ("state", Kind::Small),
    ("label", Kind::Small),
    ("method", Kind::Int),
    ("member", Kind::Int),
    ("external", Kind::Text),
    ("created_at", Kind::Int),
    ("quote_until", Kind::Int),
    ("seen_at", Kind::Int),
    ("decided_at", Kind::Int),
    ("paid_at", Kind::Int),
    ("grant_number", Kind::Int),
    ("refunded", Kind::Int),
    ("refunded_tax", Kind::Int),
    ("withdrawn", Kind::Int),
    ("withdrawn_tax", Kind::Int),
    ("fee", Kind::Int),
    ("conversion", Kind::Text),
    ("documented", Kind::Small),
    ("reason", Kind::Text),
];

catalogue! {
    /// Writes rows.
    SAVE: Bulk = Bulk::new(Action::Upsert, "deposits", 3, COLUMNS);
    /// Finds rows.
    FIND: Load = Load::rows("deposits", 3, COLUMNS, "");
    /// Finds those of organizations whose money or documents are awaited.
    FIND_UNSETTLED: Load = Load::by(
        "deposits",
        &[BUCKET, ORG],
        COLUMNS,
        "(state IN (1, 4, 5) OR documented = 1)"
    );
    /// Finds a deposit that succeeded.
    FIRST_PAID: Statement = Statement::new(
        "SELECT bucket, org_id, number, amount, asked, tax, tax_bps, rail, state, label, method, \
         member, external, created_at, quote_until, seen_at, decided_at, paid_at, grant_number, \
         refunded, refunded_tax, \
         withdrawn, withdrawn_tax, fee, conversion, documented, reason FROM deposits \
         WHERE bucket = $1 AND org_id = $2 AND state = 2 ORDER BY number LIMIT 1"
    );
}

impl Noun for Deposit {
    fn find() -> &'static Load {
        &FIND
    }

    fn write(columns: Columns<'_, Deposit>) -> Columns<'_, Deposit> {
        columns
            .amount(|deposit| deposit.amount)
            .opt_int(|deposit| deposit.asked.map(Amount::nanos))
            .amount(|deposit| deposit.tax.amount)
            .int(|deposit| deposit.tax.bps)
            .text(|deposit| &deposit.rail)
            .int(|deposit| deposit.state.code())
            .int(|deposit| deposit.label.code())
            .opt_int(|deposit| deposit.method)
            .opt_int(|deposit| deposit.member)
            .opt_text(|deposit| deposit.external.as_deref())
            .time(|deposit| deposit.created_at)
            .opt_time(|deposit| deposit.quote_until)
            .opt_time(|deposit| deposit.seen_at)
            .opt_time(|deposit| deposit.decided_at)
            .opt_time(|deposit| deposit.paid_at)
            .opt_int(|deposit| deposit.grant)
            .amount(|deposit| deposit.refunded)
            .amount(|deposit| deposit.refunded_tax)
            .amount(|deposit| deposit.withdrawn)
            .amount(|deposit| deposit.withdrawn_tax)
            .opt_int(|deposit| deposit.fee.map(Amount::nanos))
            .made_text(|deposit| conversion_text(deposit.conversion.as_ref()))
            .int(|deposit| deposit.documented.code())
            .text(|deposit| &deposit.reason)
    }

    fn read(number: i64, fields: &mut Fields<'_>) -> Result<Deposit, StoreError> {
        Ok(Deposit {
            number,
            amount: fields.amount()?,
            asked: fields.opt_amount()?,
            tax: Tax { amount: fields.amount()?, bps: fields.int()? },
            rail: fields.text()?,
            state: fields.code(DepositState::from_code)?,
            label: fields.code(DepositLabel::from_code)?,
            method: fields.opt_int()?,
            member: fields.opt_int()?,
            external: fields.opt_text()?,
            created_at: fields.time()?,
            quote_until: fields.opt_time()?,
            seen_at: fields.opt_time()?,
            decided_at: fields.opt_time()?,
            paid_at: fields.opt_time()?,
            grant: fields.opt_int()?,
            refunded: fields.amount()?,
            refunded_tax: fields.amount()?,
            withdrawn: fields.amount()?,
            withdrawn_tax: fields.amount()?,
            fee: fields.opt_amount()?,
            conversion: fields.parsed(conversion_of)?,
            documented: fields.code(Documented::from_code)?,
            reason: fields.text()?,
        })
    }
}

/// What a provider settled, as its column says it; empty where it settled in the wallet's currency.
pub(crate) fn conversion_text(conversion: Option<&Conversion>) -> String {
    conversion.map(Conversion::to_string).unwrap_or_default()
}

pub(crate) fn conversion_of(text: &str) -> Option<Option<Conversion>> {
    if text.is_empty() { Some(None) } else { Conversion::parse(text).map(Some) }
}

/// A deposit, and the saved payment method that it is to be charged to.
pub async fn with_method(
    store: &Store,
    org: OrgId,
    number: i64,
) -> Result<Option<(Deposit, Option<PaymentMethod>)>, StoreError> {
    let mut snapshot = store.snapshot().await?;
    let keys = |number| {
        let mut keys = noun::org_columns(std::iter::once(org));
        keys.push(Column::Int(vec![number]));
        keys
    };
    let rows = snapshot.load(&FIND, keys(number)).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (_, _, deposit) = noun::read::<Deposit>(row)?;
    let Some(method) = deposit.method else { return Ok(Some((deposit, None))) };
    let rows = snapshot.load(&payment_methods::FIND, keys(method)).await?;
    let method = rows.first().map(noun::read::<PaymentMethod>).transpose()?;
    Ok(Some((deposit, method.map(|(_, _, method)| method))))
}

/// A deposit of an organization that succeeded, if there was any.
pub fn first_paid(w: &mut Writer, org: OrgId) -> Result<Vec<Keyed<Deposit>>, StoreError> {
    noun::read_all(&w.query(&FIRST_PAID, &[org.bucket().into(), org.get().into()])?)
}

/// The rows at `keys`, in no promised order; those that are not there are left out.
pub fn load(w: &mut Writer, keys: &[Key]) -> Result<Vec<Keyed<Deposit>>, StoreError> {
    noun::load(w, keys)
}

/// Those of `orgs` whose money or documents are awaited.
pub fn load_unsettled(w: &mut Writer, orgs: &[OrgId]) -> Result<Vec<Keyed<Deposit>>, StoreError> {
    noun::load_of(w, &FIND_UNSETTLED, orgs)
}
