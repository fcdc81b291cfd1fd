//! The page about the cases is the table of the cases.

use std::{fs, path::Path};

use ropeway_testkit::fault::{self, Proof, Verdict, page};

#[test]
fn the_page_has_a_row_for_every_case_with_the_verdict_that_is_tested() {
    let file = root().join("docs/faults.md");
    let text = fs::read_to_string(&file).unwrap();
    let cases = fault::all();
    let missing: Vec<_> = cases
        .iter()
        .map(|case| page::start_of_row(case, Verdict::Right))
        .filter(|row| !text.lines().any(|line| line.starts_with(row.as_str())))
        .collect();
    assert!(missing.is_empty(), "run `cargo xtask faults`; docs/faults.md lacks:\n{}", missing.join("\n"));
    let rows = text.lines().filter(|line| line.starts_with("| ")).filter_map(|line| line.split('|').nth(1));
    let known = |id: &&str| cases.iter().any(|case| case.id == id.trim());
    let letters = "NSVCADKTRFXUL";
    let is_case = |id: &&str| {
        let mut signs = id.trim().chars();
        signs.next().is_some_and(|first| letters.contains(first)) && signs.next().is_some_and(|it| it.is_ascii_digit())
    };
    let left_over: Vec<_> = rows.filter(is_case).filter(|id| !known(id)).collect();
    assert!(left_over.is_empty(), "run `cargo xtask faults`; docs/faults.md still has {left_over:?}");
}

#[test]
fn the_tests_that_the_page_names_exist() {
    let mut missing = Vec::new();
    for case in fault::all() {
        let Proof::Test(name) = case.proof else { continue };
        let (source, test) = name.split_once("::").unwrap_or_else(|| panic!("{name} is no source::test"));
        let code = fs::read_to_string(root().join(source)).unwrap_or_default();
        if !code.contains(&format!("fn {test}(")) {
            missing.push(format!("{}: {name}", case.id));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}
