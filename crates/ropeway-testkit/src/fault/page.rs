//! The table as `docs/faults.md` shows it.

use std::fmt::Write as _;

use super::{Case, Client, Proof, Report, Verdict};

/// The marks between which the table stands.
pub const BEGIN: &str = "<!-- verdicts: begin -->";
/// The second mark.
pub const END: &str = "<!-- verdicts: end -->";

/// The groups, in the words of their headings.
const GROUPS: [(char, &str); 13] = [
    ('N', "Network"),
    ('S', "Odd and lying servers"),
    ('V', "Validators and changed content"),
    ('C', "Content codings"),
    ('A', "Redirects, logins, proxies, TLS"),
    ('D', "Disk"),
    ('K', "Crash points"),
    ('T', "Clocks"),
    ('R', "Concurrency"),
    ('F', "Names and links"),
    ('X', "Exhaustion"),
    ('U', "Uploads"),
    ('L', "Lists, command lines and the daemon"),
];

/// A client of the table: who, in which version.
pub type Column = (Client, String);

/// One case with the report of each column.
pub type Row<'a> = (&'a Case, Vec<Report>);

/// The start of a case's row, up to and with Ropeway's verdict: what a suite can hold against the page.
pub fn start_of_row(case: &Case, ours: Verdict) -> String {
    let shown = match &case.proof {
        Proof::Play(_) => ours.word().to_owned(),
        Proof::Test(name) => format!("tested: `{name}`"),
        Proof::Nothing(why) => format!("not shown: {why}"),
    };
    format!("| {} | {} | {} | {shown} |", case.id, case.title, case.must)
}

/// The counts, and then the groups.
pub fn table(columns: &[Column], rows: &[Row<'_>]) -> String {
    let mut text = summary(columns, rows);
    for (letter, heading) in GROUPS {
        let of_group: Vec<_> = rows.iter().filter(|(case, _)| case.id.starts_with(letter)).collect();
        if of_group.is_empty() {
            continue;
        }
        let names: String = columns.iter().map(|(client, _)| format!(" {} |", client.program())).collect();
        let lines = " --- |".repeat(columns.len());
        writeln!(text, "\n### {letter}. {heading}\n").unwrap();
        writeln!(text, "| Case | What goes wrong | What must be true |{names}\n| --- | --- | --- |{lines}").unwrap();
        for (case, reports) in of_group {
            writeln!(text, "{}", line(case, reports, columns.len())).unwrap();
        }
    }
    text
}

fn line(case: &Case, reports: &[Report], columns: usize) -> String {
    let Some((ours, others)) = reports.split_first() else {
        return start_of_row(case, Verdict::NotApplicable) + &" – |".repeat(columns.saturating_sub(1));
    };
    let cells: String = others.iter().map(|report| format!(" {} |", cell(report))).collect();
    start_of_row(case, ours.verdict) + &cells
}

fn cell(report: &Report) -> String {
    let word = match report.verdict {
        Verdict::Right | Verdict::GaveUp | Verdict::NotApplicable => report.verdict.word().to_owned(),
        wrong => format!("**{wrong}**"),
    };
    if report.note.is_empty() { word } else { format!("{word}: {}", report.note) }
}

fn summary(columns: &[Column], rows: &[Row<'_>]) -> String {
    let names: String = columns.iter().map(|(client, version)| format!(" {} {version} |", client.program())).collect();
    let mut text = format!("\n| Verdict |{names}\n| --- |{}\n", " ---: |".repeat(columns.len()));
    for verdict in Verdict::ALL {
        let count = |column: usize| {
            rows.iter().filter(|(_, reports)| reports.get(column).is_some_and(|it| it.verdict == verdict)).count()
        };
        let counts: String = (0..columns.len()).map(|column| format!(" {} |", count(column))).collect();
        writeln!(text, "| {verdict} |{counts}").unwrap();
    }
    text
}

/// `page` with `table` between its marks; `None` where it has lost them.
pub fn insert(page: &str, table: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, behind) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{table}{END}{behind}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_stands_between_the_marks_and_counts_what_it_shows() {
        let case = Case { id: "N1", title: "a", must: "b", proof: Proof::Test("c::d") };
        let report = |verdict| Report { verdict, note: "why".to_owned(), trace: String::new() };
        let columns = [(Client::Ropeway, "1".to_owned()), (Client::Curl, "2".to_owned())];
        let text = table(&columns, &[(&case, vec![report(Verdict::Right), report(Verdict::Corrupt)])]);
        assert!(
            text.contains("| corrupt | 0 | 1 |") && text.contains("| ropeway 1 |") || text.contains(" ropeway 1 |")
        );
        assert!(text.contains("| N1 | a | b | tested: `c::d` | **corrupt**: why |"), "{text}");
        let page = format!("before{BEGIN}old{END}behind");
        assert_eq!(insert(&page, "new").unwrap(), format!("before{BEGIN}\nnew{END}behind"));
        assert!(insert("no marks", "new").is_none());
    }
}
