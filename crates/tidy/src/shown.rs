//! Every rule of money and time is shown by a scenario that names it.
//!
//! A scenario names what it shows in the comment on top of the file: `# Shows R4, C02, N03.`. The
//! rules are N01–N28, C01–C23 and R1–R25 of docs/rules.md. Those that no scenario shows yet stand
//! in `unshown.txt` with the reason, and a line there that a scenario has made untrue fails, so the
//! list only shrinks.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::repository::File;

pub const LIST: &str = "crates/tidy/unshown.txt";

/// The ids of all rules, as scenarios write them.
pub fn ids() -> Vec<String> {
    let two = |letter: char, last: u8| (1..=last).map(move |number| format!("{letter}{number:02}"));
    let one = (1..=25).map(|number| format!("R{number}"));
    two('N', 28).chain(two('C', 23)).chain(one).collect()
}

/// The rules that a scenario names on top.
pub fn named(text: &str) -> Vec<(usize, String)> {
    let head = text.lines().enumerate().take_while(|(_, line)| line.starts_with('#'));
    let lines = head.filter_map(|(index, line)| Some((index + 1, line.strip_prefix("# Shows ")?)));
    lines
        .flat_map(|(line, rules)| {
            let rules = rules.split([',', ' ', '.']).filter(|id| !id.is_empty());
            rules.map(move |id| (line, id.to_string()))
        })
        .collect()
}

pub fn rule(files: &[File]) -> Vec<Finding> {
    let ids: BTreeSet<String> = ids().into_iter().collect();
    let is_scenario =
        |file: &&File| file.path.starts_with("scenarios/") && file.has_extension("txt");
    let (mut findings, mut shown) = (Vec::new(), BTreeSet::new());
    for file in files.iter().filter(is_scenario) {
        for (line, id) in named(&file.text) {
            if !ids.contains(&id) {
                findings.push(Finding::at(file, line, format!("there is no rule `{id}`")));
            }
            shown.insert(id);
        }
    }
    let Some(list) = files.iter().find(|file| file.path == LIST) else { return findings };
    let mut excused = BTreeSet::new();
    for (index, line) in list.text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let say = |what: String| Finding::at(list, index + 1, what);
        match line.split_once(" | ") {
            Some((id, why)) if ids.contains(id) && !why.is_empty() => {
                if shown.contains(id) {
                    findings.push(say(format!("a scenario shows {id}: take the line out")));
                }
                excused.insert(id.to_string());
            }
            _ => findings.push(say("not rule | reason".into())),
        }
    }
    let missing = ids.iter().filter(|id| !shown.contains(*id) && !excused.contains(*id));
    findings.extend(missing.map(|id| Finding::about(list, format!("no scenario shows {id}"))));
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::enforce;
    use crate::repository;

    #[test]
    fn a_rule_is_shown_or_excused_and_not_both() {
        let all_but = |left: &[&str]| {
            let rest = ids().into_iter().filter(|id| !left.contains(&id.as_str()));
            rest.map(|id| format!("{id} | later\n")).collect::<String>()
        };
        let said = |scenario: &str, list: String| {
            let files = [File::new("scenarios/a.txt", scenario), File::new(LIST, list)];
            rule(&files).iter().map(|finding| finding.what.clone()).collect::<Vec<_>>()
        };
        let scenario = "# S-1: one\n# Shows R4, N03.\nclock\n# Shows C02.";
        assert_eq!(said(scenario, all_but(&["R4", "N03"])), [""; 0]);
        assert_eq!(said(scenario, all_but(&["R4", "N03", "C02"])), ["no scenario shows C02"]);
        let both = ["a scenario shows R4: take the line out"];
        assert_eq!(said(scenario, all_but(&["N03"])), both);
        let invented = said("# S-1: one\n# Shows R26.", all_but(&[]));
        assert_eq!(invented, ["there is no rule `R26`"]);
        let torn = said(scenario, all_but(&["R4", "N03"]) + "R1\n");
        assert_eq!(torn, ["not rule | reason"]);
    }

    #[test]
    fn tidy_shown() {
        enforce("shown", rule(&repository::files()));
    }
}
