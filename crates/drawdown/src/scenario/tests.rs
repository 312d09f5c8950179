use std::path::{Path, PathBuf};

use store::StoreUrl;
use store::testkit::{TempFolder, pg, tamper};

use domain::attribution::IdleCost;
use domain::report::{DAYS_MAX, Dimension};
use domain::roll_forward::{KINDS, Month};
use domain::time::SECONDS_PER_DAY;
use domain::{Amount, OrgId, Timestamp};

use crate::scenario::LayerKind;
use crate::scenario::check::{Report, rewritten, run, summary};
use crate::scenario::domain_layer::DomainLayer;
use crate::scenario::layer::{Layer, LedgerRow};
use crate::scenario::store_layer::{Place, StoreLayer};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios")
}

/// Every scenario of the repository, by file name.
pub(crate) fn scenarios() -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            files.push((name, std::fs::read_to_string(path).unwrap()));
        }
    }
    files.sort();
    assert!(files.len() > 10, "the scenarios are not where they are looked for");
    files
}

fn played(text: &str) -> Report {
    run("given.txt", text, &mut DomainLayer::default())
}

const HEAD: &str = "# T-0: a test\nclock 2026-01-05T00:00:00Z\nplatform greennode\n\
    sku gpu compute 2.40 per hour\nwallet acme\n";

fn with_head(lines: &str) -> String {
    format!("{HEAD}{lines}")
}

#[test]
fn every_scenario_passes_on_the_domain() {
    for (name, text) in scenarios() {
        let report = run(&name, &text, &mut DomainLayer::default());
        assert!(report.has_passed(), "\n{report}");
        assert!(report.steps > 5, "{name} says next to nothing");
    }
}

/// The breakdowns of everything that `org` used add up to its ledger.
fn check_reports(layer: &mut DomainLayer, org: OrgId) {
    let is_use = |row: &&LedgerRow| {
        const OF_USE: [&str; 7] = [
            "charge",
            "capture",
            "settlement",
            "correction",
            "reversal",
            "block",
            "block_reversal",
        ];
        OF_USE.contains(&row.kind.as_str())
    };
    // The last days of the clock are what a report can look back at.
    let first = layer.now(org).plus_seconds(-(DAYS_MAX - 1) * SECONDS_PER_DAY);
    let first = first.floor_to_multiple(SECONDS_PER_DAY);
    let is_within = |row: &&LedgerRow| row.occurred_at.unwrap_or(row.at) >= first;
    let rows = layer.ledger(org).unwrap();
    let posted: Amount = rows.iter().filter(is_use).filter(is_within).map(|row| row.amount).sum();
    let accrued = layer.balance(org).unwrap().accrued;
    for dimension in Dimension::ALL {
        for by in [vec![dimension], vec![dimension, Dimension::Resource]] {
            let report = layer.costs(org, &by, DAYS_MAX).unwrap();
            let rows: Amount = report.rows.iter().map(|row| row.total).sum();
            let lines = rows.plus(report.rounding).plus(report.reported_late);
            assert_eq!(lines, report.total, "{by:?}");
            assert_eq!(report.days.iter().copied().sum::<Amount>(), report.total, "{by:?}");
            assert_eq!(report.total.minus(report.accrued), posted, "{by:?}");
            assert_eq!(report.accrued.or_zero(), accrued, "{by:?}");
            assert_eq!(report.reported_late, Amount::ZERO, "over all days nothing is late");
        }
    }
}

/// What is attributed adds up to what each resource cost, and that is its row in the breakdown.
fn check_uses(layer: &mut DomainLayer, org: OrgId) {
    let costs = layer.costs(org, &[Dimension::Resource], DAYS_MAX).unwrap();
    for idle in [IdleCost::Apart, IdleCost::Included] {
        for row in layer.uses(org, DAYS_MAX, idle).unwrap() {
            let sum = row.attribution;
            let parts = sum.requests.plus(sum.idle).plus(sum.to_come).plus(sum.rounding);
            assert_eq!(parts, sum.cost);
            let of_resource = Some(row.resource.to_string());
            let cost = costs.rows.iter().find(|cost| cost.values[0] == of_resource);
            assert_eq!(cost.map_or(Amount::ZERO, |cost| cost.total), sum.cost);
        }
    }
}

#[test]
fn law_every_breakdown_adds_up_to_the_ledger() {
    let mut organizations = 0;
    for (name, text) in scenarios() {
        let mut layer = DomainLayer::default();
        let report = run(&name, &text, &mut layer);
        assert!(report.has_passed(), "\n{report}");
        for org in layer.orgs().to_vec() {
            check_reports(&mut layer, org);
            check_uses(&mut layer, org);
            organizations += 1;
        }
    }
    assert!(organizations > 20);
}

/// Month by month from the beginning: nothing is there first, each closing is the next opening, and
/// the last closing is what is open.
fn check_roll_forward(layer: &mut DomainLayer, platform: OrgId) {
    let mut month = Month::parse("2025-12").unwrap();
    let mut before = [Amount::ZERO; 4];
    while month.start < Timestamp::parse("2030-01-01T00:00:00Z").unwrap() {
        let rolled = layer.roll_forward(platform, month).unwrap();
        for (line, opening) in rolled.lines.iter().zip(&mut before) {
            assert_eq!(line.opening, *opening, "{month:?}");
            let changed: Amount = line.changes.iter().copied().sum();
            assert_eq!(line.opening.plus(changed), line.closing, "{month:?}");
            *opening = line.closing;
        }
        month = Month::of(month.end).unwrap();
    }
    let members = layer.organizations_of(platform);
    let now = layer.now(platform);
    let grants = members.iter().flat_map(|&org| layer.grants(org).unwrap());
    let grants: Vec<_> =
        grants.filter(|grant| grant.effective_at.is_none_or(|at| at <= now)).collect();
    for (kind, closing) in KINDS.iter().zip(before) {
        let of_kind = grants.iter().filter(|grant| grant.kind == kind.name());
        assert_eq!(of_kind.map(|grant| grant.remaining).sum::<Amount>(), closing, "{kind:?}");
    }
}

#[test]
fn law_the_roll_forward_closes_at_what_is_open() {
    for (name, text) in scenarios() {
        let mut layer = DomainLayer::default();
        let report = run(&name, &text, &mut layer);
        assert!(report.has_passed(), "\n{report}");
        for platform in layer.orgs().to_vec() {
            check_roll_forward(&mut layer, platform);
        }
    }
}

/// Opening and lines add up to closing, and months follow each other up to the present balance.
fn check_statements(layer: &mut DomainLayer, org: OrgId) {
    let first = layer.ledger(org).unwrap().first().map(|row| row.at);
    let (Some(mut at), now) = (first, layer.now(org)) else { return };
    let mut opening = Amount::ZERO;
    while at <= now {
        let Some(month) = Month::of(at) else { return };
        let row = layer.statement(org, month).unwrap();
        assert_eq!(row.opening.0, opening);
        let lines: Amount = row.lines.iter().map(|(.., amount, _)| *amount).sum();
        assert_eq!(opening.plus(lines), row.closing.0);
        (opening, at) = (row.closing.0, month.end);
    }
    assert_eq!(opening, layer.balance(org).unwrap().posted);
}

#[test]
fn law_statements_add_up_and_follow_each_other() {
    for (name, text) in scenarios() {
        let mut layer = DomainLayer::default();
        let report = run(&name, &text, &mut layer);
        assert!(report.has_passed(), "\n{report}");
        for org in layer.orgs().to_vec() {
            check_statements(&mut layer, org);
        }
    }
}

#[test]
fn every_scenario_is_written_as_it_would_be_printed() {
    for (name, text) in scenarios() {
        let printed = rewritten(&name, &text, &mut DomainLayer::default()).unwrap();
        assert_eq!(printed, text, "{name} would be printed differently");
    }
}

/// The files are what the domain prints, so printing a file is printing the same.
fn prints_the_same(layer: LayerKind) {
    for (name, text) in scenarios() {
        let mut opened = layer.open().unwrap();
        let printed = rewritten(&name, &text, opened.as_mut()).unwrap();
        assert_eq!(printed, text, "{name} prints something else on {}", layer.name());
    }
}

#[test]
fn every_scenario_prints_the_same_on_sqlite() {
    prints_the_same(LayerKind::Sqlite);
}

fn on_sqlite(name: &str, text: &str) -> StoreLayer {
    let mut layer = StoreLayer::open(Place::Folder(TempFolder::new())).unwrap();
    rewritten(name, text, &mut layer).unwrap();
    layer
}

#[test]
fn every_scenario_leaves_books_that_verify() {
    for (name, text) in scenarios() {
        on_sqlite(&name, &text).verify().unwrap_or_else(|lie| panic!("{name}: {lie}"));
    }
}

#[test]
fn verify_finds_edited_commitments() {
    finds_edits(
        "reserved.txt",
        &[
            ("discounts", "commitment", 0),
            ("discounts", "sku", 0),
            ("discounts", "effective_until", 0),
            ("runs", "discount_bps", 1),
        ],
    );
}

#[test]
fn verify_finds_edited_discounts() {
    let edits = [
        ("discounts", "number", 0),
        ("discounts", "sku", 1),
        ("discounts", "bps", 0),
        ("discounts", "bps", 1),
        ("discounts", "bps", 2),
        ("discounts", "effective_from", 0),
        ("discounts", "effective_from", 1),
        ("discounts", "effective_until", 1),
        ("runs", "discount_bps", 0),
        ("runs", "discount_bps", 2),
    ];
    finds_edits("discounts.txt", &edits);
}

/// `verify` notices each of `edits`, a value in a row of a table, after that scenario.
fn finds_edits(scenario: &str, edits: &[(&str, &str, i64)]) {
    let (name, text) = scenarios().into_iter().find(|it| it.0 == scenario).unwrap();
    for &(table, column, nth) in edits {
        let layer = on_sqlite(&name, &text);
        let StoreUrl::Sqlite(file) = layer.url() else { panic!("not on SQLite") };
        let said = tamper::change(&file, table, column, nth);
        assert!(layer.verify().is_err(), "not found: {said}");
    }
}

#[test]
fn every_scenario_prints_the_same_on_postgres() {
    if pg::find_or_start().is_some() {
        prints_the_same(LayerKind::Postgres);
    }
}

#[test]
fn every_scenario_prints_the_same_over_http() {
    prints_the_same(LayerKind::Http);
}

#[test]
fn an_altered_expectation_fails_in_every_scenario() {
    for (name, text) in scenarios() {
        let states_amount = |line: &&str| {
            let said = line.split(" #").next().unwrap_or("");
            let stated = said.split_once("->").map(|(_, stated)| stated);
            let stated = stated.or(said.starts_with("    ").then_some(said));
            stated.is_some_and(|stated| stated.contains(".00"))
        };
        let line = text.lines().rfind(states_amount).unwrap();
        let place = text.rfind(line).unwrap();
        let altered = line.replace(".00", ".01");
        let text = format!("{}{altered}{}", &text[..place], &text[place + line.len()..]);
        let report = run(&name, &text, &mut DomainLayer::default());
        assert_eq!(report.mismatches.len(), 1, "{name}: {line}\n{report}");
    }
}

#[test]
fn what_differs_is_shown_with_its_neighbours() {
    let report = played(&with_head(
        "deposit d1 acme 10.00\n\
         grant g1 acme 5.00\n\
         ledger acme\n\
         \u{20}   +00:00:00 deposit 10.00, d1 +10.00, balance 10.00\n\
         \u{20}   +00:00:00 grant 5.00, g1 +5.00, balance 16.00\n\
         hold h1 acme 20.00\n",
    ));
    assert_eq!(
        report.to_string(),
        "given.txt:8: ledger acme\n      \
         +00:00:00 deposit 10.00, d1 +10.00, balance 10.00\n    \
         - +00:00:00 grant 5.00, g1 +5.00, balance 16.00\n    \
         + +00:00:00 grant 5.00, g1 +5.00, balance 15.00\n\
         given.txt:11: hold h1 acme 20.00\n    \
         + refused insufficient_credit available=15.00 required=20.00\n"
    );
    assert_eq!(
        summary(&[report, Report::unreadable("x", "no".into())], "domain"),
        "2 scenarios on domain: 0 passed, 2 failed, 8 commands, 2 differ"
    );
}

#[test]
fn refusals_and_listings_have_to_be_stated() {
    for (line, differs) in [
        ("deposit d1 acme 10.00", false),
        ("deposit d1 acme 0.10", true),
        ("balance acme", true),
        ("mails acme", true),
        ("books", true),
        ("mails acme -> none", false),
        ("deposit d1 acme 10.00 -> succeeded", false),
        ("deposit d1 acme 10.00 -> failed", true),
        ("repeat 3 hold h{n} acme 1.00", true),
    ] {
        let report = played(&with_head(&format!("{line}\n")));
        assert_eq!(report.mismatches.len(), usize::from(differs), "{line}\n{report}");
    }
}

#[test]
fn what_is_out_of_order_stops_the_scenario() {
    for (text, message) in [
        ("# T-1: no clock\nplatform greennode\n", "t.txt:2: a scenario begins with `clock`"),
        (
            "# T-1: x\nclock 2026-01-05T00:00:00Z\nclock 2026-01-05T00:00:00Z\n",
            "t.txt:3: the clock is set once; `at` and `advance` move it",
        ),
    ] {
        let report = run("t.txt", text, &mut DomainLayer::default());
        assert_eq!(report.error.as_deref(), Some(message));
    }
}

fn check_refused(line: &str, message: &str) {
    let report = played(&with_head(&format!("{line}\n")));
    let expected = format!("given.txt:6:{message}");
    assert_eq!(report.error.as_deref(), Some(expected.as_str()), "{line}");
}

#[test]
fn a_line_that_cannot_be_read_says_where_and_what_was_expected() {
    for (line, message) in [
        ("grant g1 acme", "15: expected an amount such as 12.50, found the end of the line"),
        ("grant g1 acme 1,00", "15: expected an amount such as 12.50, found `1,00`"),
        (
            "grant g1 acme 1 priority",
            "26: expected a priority, a whole number, \
          found the end of the line",
        ),
        ("grant g1 acme 1.00 forever", "20: expected the end of the line, found `forever`"),
        (
            "hold h/1 acme 1",
            "6: expected a name for the hold: letters, digits, `-`, `_`, \
          found `h/1`",
        ),
        (
            "advance 5",
            "11: expected `seconds`, `minutes`, `hours` or `days`, \
          found the end of the line",
        ),
        ("advance soon", "9: expected a time span: 5 minutes, 3 days, or hh:mm:ss, found `soon`"),
        (
            "at 5:00",
            "4: expected a time: +hh:mm:ss, 2026-02-01T00:00:00Z, or `in 3 days`, \
          found `5:00`",
        ),
        (
            "at +00:60:00",
            "4: expected a time: +hh:mm:ss, 2026-02-01T00:00:00Z, or `in 3 days`, \
          found `+00:60:00`",
        ),
        (
            "clock today",
            "7: expected the start of the clock, such as 2026-01-05T00:00:00Z, \
          found `today`",
        ),
        ("platform spheron red", "18: expected a setting, name=value, found `red`"),
        ("sku x gpu", "7: expected `compute`, `storage` or `model`, found `gpu`"),
        ("sku x model a 1 for 2", "17: expected `per`, found `for`"),
        (
            "price gpu 1 per fortnight",
            "17: expected `second`, `minute`, `hour`, `day` or a \
          number of units, found `fortnight`",
        ),
        (
            "deposit d1 acme 5 thrice",
            "19: expected `seen`, `declined`, `needs_authentication`, \
          `pending` or `twice`, found `thrice`",
        ),
        (
            "settle d1 gone",
            "11: expected `succeeded`, `seen`, `declined` or `needs_authentication`, \
          found `gone`",
        ),
        (
            "card acme works",
            "11: expected `succeeds`, `declines`, `needs_authentication`, `times_out_charged` or \
          `times_out_uncharged`, found `works`",
        ),
        ("auto_top_up acme on", "18: expected `below AMOUNT charge AMOUNT` or `off`, found `on`"),
        ("alert acme 5.00", "12: expected `below AMOUNT` or `off`, found `5.00`"),
        (
            "use acme llm",
            "14: expected a quantity, such as input_tokens=1200, \
          found the end of the line",
        ),
        (
            "balance acme ledger",
            "14: expected `posted`, `accrued`, `held`, `available` or \
          `shown`, found `ledger`",
        ),
        ("repeat 0 release h", "8: expected how often, 1 to 10000, found `0`"),
        (
            "repeat 2 balance acme",
            "10: expected a command that does something, such as hold or \
          use, found `balance`",
        ),
    ] {
        check_refused(line, message);
    }
    let unknown = played(&with_head("wait 5\n")).error.unwrap();
    assert!(unknown.starts_with("given.txt:6:1: expected a command: clock, platform, "));
    let header = played("wallet acme\n").error.unwrap();
    assert!(header.starts_with("given.txt:1:1: expected a header such as `# G-1: "));
    let early = played("# T-1: x\n   early\n").error.unwrap();
    assert!(early.starts_with("given.txt:2:4: expected a command before lines"));
}
