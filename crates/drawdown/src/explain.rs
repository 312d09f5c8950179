//! `drawdown explain`: the path from a number to the events it came from, on paper.
//!
//! It reads one snapshot and writes nothing; on SQLite, whose file belongs to one process, the
//! server answers the same at `/v1/explanations`.

use domain::history::Reader;
use domain::{Id, Kind};
use store::read::explain::{Asked, explain};
use store::{Store, StoreUrl};
use tokio::runtime::Handle;
use web::api::explanations::ExplanationOut;

use crate::config::Config;
use crate::wire;

/// Explains what `text` names in the store of `config`, and prints it, as JSON or in words.
///
/// Errors: that the text names nothing, or why the store cannot be read.
pub async fn run(config: &Config, text: &str, json: bool) -> Result<(), String> {
    let (asked, figure) = asked(text)?;
    let url: StoreUrl = config.database.url.parse()?;
    let runtime = Handle::current();
    let opened = tokio::task::spawn_blocking(move || Store::open(&url, &runtime)).await;
    let store = opened.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    let mut snapshot = store.snapshot().await.map_err(|error| error.to_string())?;
    let told = explain(&mut snapshot, &asked, Reader::Operator, wire::ports().clock.now()).await;
    let told = told.map_err(|error| error.to_string())?;
    let mut told = told.ok_or_else(|| format!("there is no {text}, or nothing to explain"))?;
    if let Some(figure) = figure
        && !told.narrow_to(&figure)
    {
        return Err(format!("{} has no figure `{figure}`", told.of));
    }
    if json {
        let out = ExplanationOut::of(&told);
        println!("{}", serde_json::to_string(&out).map_err(|error| error.to_string())?);
    } else {
        print!("{told}");
    }
    Ok(())
}

/// What `ID`, `ID.FIGURE` or `ORGANIZATION/SOURCE/EVENT` asks for.
fn asked(text: &str) -> Result<(Asked, Option<String>), String> {
    let id = |text: &str| text.parse::<Id>().map_err(|_| format!("`{text}` is no id"));
    if let Some((org, event)) = text.split_once('/') {
        let org = id(org)?;
        let parts = event.split_once('/').filter(|_| org.kind == Kind::Organization);
        let (source, event) =
            parts.ok_or("a usage event is written ORGANIZATION/SOURCE/EVENT".to_owned())?;
        let (source, id) = (source.to_owned(), event.to_owned());
        return Ok((Asked::Event { org: org.org, source, id }, None));
    }
    match text.split_once('.') {
        Some((row, figure)) => Ok((Asked::Id(id(row)?), Some(figure.to_owned()))),
        None => Ok((Asked::Id(id(text)?), None)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use domain::ledger::{LedgerTransaction, TransactionKind};
    use domain::rate::divide_round_half_even;
    use domain::{Amount, OrgId, Timestamp};
    use store::read::{access, ledger, lists};
    use store::testkit::TempFolder;

    use super::*;
    use crate::scenario::check;
    use crate::scenario::store_layer::{Place, StoreLayer};
    use crate::scenario::tests::scenarios;

    /// One figure as it was printed.
    #[derive(Debug, Default)]
    struct Printed {
        name: String,
        total: Amount,
        terms: Vec<Amount>,
    }

    fn amount(text: &str) -> Amount {
        Amount::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn whole(text: &str) -> i128 {
        text.parse().unwrap_or_else(|_| panic!("{text} is no whole number"))
    }

    /// Nanos of `1200 × 0.50 ÷ 1000000 × 9000 ÷ 10000` or `123 ÷ 456 nanos`, rounded half to even.
    fn worked_out(working: &str) -> i128 {
        if let Some((numerator, denominator)) =
            working.strip_suffix(" nanos").and_then(|exact| exact.split_once(" ÷ "))
        {
            return divide_round_half_even(whole(numerator), whole(denominator));
        }
        let (quantity, rest) = working.split_once(" × ").unwrap();
        let (price, rest) = rest.split_once(" ÷ ").unwrap();
        let exact = whole(quantity) * i128::from(amount(price).nanos());
        match rest.split_once(" × ") {
            None => divide_round_half_even(exact, whole(rest)),
            Some((per_units, kept)) => {
                let (kept, of) = kept.split_once(" ÷ ").unwrap();
                divide_round_half_even(exact * whole(kept), whole(per_units) * whole(of))
            }
        }
    }

    /// Reads the figures of an explanation back from its text, and works out what was rated.
    fn figures(text: &str) -> Vec<Printed> {
        let mut figures: Vec<Printed> = Vec::new();
        for line in text.lines() {
            if let Some(term) = line.strip_prefix("    ") {
                let (number, label) = term.trim_start().split_once("  ").unwrap();
                let number = amount(number);
                if let Some((_, working)) = label.split_once(" = ") {
                    let working = working.split(" (").next().unwrap();
                    let nanos = i128::from(number.nanos());
                    assert_eq!(worked_out(working).abs(), nanos.abs(), "{line}\n{text}");
                }
                figures.last_mut().unwrap().terms.push(number);
            } else if let Some(head) = line.strip_suffix(" is") {
                let (name, total) = head.trim().rsplit_once(' ').unwrap();
                let (name, total) = (name.to_owned(), amount(total));
                figures.push(Printed { name, total, terms: Vec::new() });
            }
        }
        figures
    }

    /// The printed figures of `asked`, each of which adds up; all that it leads to exists.
    fn check_explained(layer: &StoreLayer, asked: &Asked) -> (String, Vec<Printed>) {
        let explained = |asked: &Asked| {
            layer
                .read(async |snapshot| {
                    explain(snapshot, asked, Reader::Operator, Timestamp::ZERO).await
                })
                .unwrap()
        };
        let told = explained(asked).unwrap_or_else(|| panic!("{asked:?} is not explained"));
        let text = told.to_string();
        let figures = figures(&text);
        for figure in &figures {
            let sum: Amount = figure.terms.iter().copied().sum();
            assert_eq!(sum, figure.total, "{} of\n{text}", figure.name);
        }
        assert!(told.figures.iter().all(domain::explain::Figure::adds_up));
        (text, figures)
    }

    fn check_transaction(layer: &StoreLayer, row: &LedgerTransaction) {
        let id = Id::new(Kind::LedgerTransaction, row.org, row.number);
        let (text, figures) = check_explained(layer, &Asked::Id(id));
        let total = |name: &str| {
            let figure = figures.iter().find(|figure| figure.name == name);
            figure.unwrap_or_else(|| panic!("no {name} in\n{text}")).total
        };
        assert_eq!(total("amount"), row.amount, "{text}");
        assert_eq!(total("entries"), Amount::ZERO, "{text}");
        assert_eq!(total("balance"), row.balance, "{text}");
        assert!(text.contains("\n  hash check: right\n"), "{text}");
        assert!(text.contains(&format!("\n  kind: {}\n", row.kind.name())), "{text}");
        if let Some(event) = row.event.clone() {
            let asked = Asked::Event { org: row.org, source: event.source, id: event.id };
            assert_eq!(check_explained(layer, &asked).0, text);
        }
    }

    /// Everything of one organization that has an id.
    fn check_organization(layer: &StoreLayer, org: OrgId, seen: &mut BTreeSet<TransactionKind>) {
        let (wallet, journal) = layer
            .read(async |snapshot| {
                let wallet = access::wallet(snapshot, org).await?.unwrap();
                let tip = wallet.tip.position;
                Ok((wallet, ledger::since(snapshot, org, tip, Timestamp::ZERO, 100_000).await?.0))
            })
            .unwrap();
        assert_eq!(journal.len(), usize::try_from(wallet.tip.number).unwrap());
        for row in &journal {
            check_transaction(layer, row);
            seen.insert(row.kind);
        }
        let ids = layer
            .read(async |snapshot| {
                let mut ids = vec![(Kind::Wallet, 1), (Kind::Organization, 0)];
                let all = i64::MAX;
                let mut add = |kind, numbers: Vec<i64>| {
                    ids.extend(numbers.into_iter().map(|number| (kind, number)));
                };
                let rows = lists::grants(snapshot, org, all, all).await?;
                add(Kind::Grant, rows.iter().map(|row| row.number).collect());
                let rows = lists::deposits(snapshot, org, all, all).await?;
                add(Kind::Deposit, rows.iter().map(|row| row.number).collect());
                let rows = lists::holds(snapshot, org, all, all).await?;
                add(Kind::Hold, rows.iter().map(|row| row.number).collect());
                let rows = lists::runs(snapshot, org, all, all).await?;
                add(Kind::Run, rows.iter().map(|row| row.number).collect());
                let rows = lists::resources(snapshot, org, all, all).await?;
                add(Kind::Resource, rows.iter().map(|row| row.number).collect());
                let rows = lists::prices(snapshot, org, all, all).await?;
                add(Kind::Price, rows.iter().map(|row| row.number).collect());
                let rows = lists::skus(snapshot, org, all, all).await?;
                add(Kind::Sku, rows.iter().map(|row| row.number).collect());
                Ok(ids)
            })
            .unwrap();
        for (kind, number) in ids {
            check_explained(layer, &Asked::Id(Id::new(kind, org, number)));
        }
    }

    #[test]
    fn every_kind_of_transaction_is_explained_and_adds_up() {
        let mut seen = BTreeSet::new();
        for (name, text) in scenarios() {
            let mut layer = StoreLayer::open(Place::Folder(TempFolder::new())).unwrap();
            let report = check::run(&name, &text, &mut layer);
            assert!(report.has_passed(), "\n{report}");
            for org in layer.orgs().to_vec() {
                check_organization(&layer, org, &mut seen);
            }
        }
        let all: BTreeSet<_> = TransactionKind::ALL.into_iter().collect();
        assert_eq!(seen, all, "a kind that no scenario makes is not known to be explained");
    }

    #[test]
    fn a_row_a_figure_and_an_event_are_told_apart() {
        let org = OrgId::new(7, 1 << 40);
        let wallet = Id::new(Kind::Wallet, org, 1);
        assert_eq!(asked(&wallet.to_string()), Ok((Asked::Id(wallet), None)));
        let figure = Some("available".to_owned());
        assert_eq!(asked(&format!("{wallet}.available")), Ok((Asked::Id(wallet), figure)));
        let text = format!("{}/gw/req/1", Id::new(Kind::Organization, org, 0));
        let event = Asked::Event { org, source: "gw".into(), id: "req/1".into() };
        assert_eq!(asked(&text), Ok((event, None)));
        for bad in ["", "wal_x", &format!("{wallet}/gw/1"), &format!("{wallet}/gw")] {
            assert!(asked(bad).is_err(), "{bad}");
        }
    }
}
