//! Rules about words: a docstring begins with a short sentence that says what the thing is or does.

use std::{collections::BTreeMap, fs, path::Path};

use crate::architecture::{root, source_lines, sources};

/// The longest first sentence of a docstring, in words.
const LONGEST: usize = 12;

/// Beginnings that put off what the thing is.
const OPENERS: &[&[&str]] = &[&["What"], &["Whether"], &["How"], &["The", "same"], &["It"]];

/// Docstrings of each package that break the rule. A number may only fall: whoever mends one lowers it.
const EXCEPTIONS: &[(&str, usize)] = &[
    ("crates/ropeway-api", 176),
    ("crates/ropeway-cli", 111),
    ("crates/ropeway-control", 26),
    ("crates/ropeway-engine", 267),
    ("crates/ropeway-files", 11),
    ("crates/ropeway-model", 118),
    ("crates/ropeway-net", 28),
    ("crates/ropeway-serve", 44),
    ("crates/ropeway-sim", 112),
    ("crates/ropeway-store", 104),
    ("crates/ropeway-testkit", 139),
    ("src-tauri", 58),
    ("xtask", 72),
];

/// A docstring's first paragraph, and the line that it begins at.
type Docstring = (usize, String);

/// The first paragraphs of the docstrings of modules and of all that is visible outside of its own module.
fn docstrings(source: &str) -> Vec<Docstring> {
    let lines: Vec<&str> = source.lines().take(source_lines(source)).map(str::trim).collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let Some(mark) = ["//!", "///"].into_iter().find(|mark| lines[at].starts_with(mark)) else {
            at += 1;
            continue;
        };
        let text = lines[at..].iter().map_while(|line| line.strip_prefix(mark));
        let (begin, length) = (at, text.clone().count());
        let paragraph: Vec<&str> = text.map(str::trim).take_while(|line| !line.is_empty()).collect();
        at += length;
        if mark == "//!" || is_visible(&lines[at..]) {
            found.push((begin + 1, paragraph.join(" ")));
        }
    }
    found
}

/// Visibility, outside of its module, of the item that `lines` begin with behind its attributes.
fn is_visible(lines: &[&str]) -> bool {
    let mut open = 0;
    let item = lines.iter().find(|line| {
        let is_attribute = open > 0 || line.starts_with("#[");
        if is_attribute {
            open += line.matches('[').count();
            open = open.saturating_sub(line.matches(']').count());
        }
        !is_attribute
    });
    item.is_some_and(|line| line.starts_with("pub ") || line.starts_with("pub("))
}

/// Flaw of a docstring's first sentence, if it has one.
fn flaw(text: &str) -> Option<String> {
    let end = text.match_indices(['.', '!', '?']).map(|(end, _)| end).find(|end| {
        let behind = text[end + 1..].chars().next();
        behind.is_none_or(char::is_whitespace)
    });
    let sentence = &text[..end.unwrap_or(text.len())];
    let words: Vec<&str> = sentence.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).collect();
    if words.len() > LONGEST {
        return Some(format!("{} words", words.len()));
    }
    let opens = |opener: &&&[&str]| {
        opener.len() <= words.len()
            && opener.iter().zip(&words).all(|(one, word)| *one == word.trim_end_matches([',', ':', ';']))
    };
    OPENERS.iter().find(opens).map(|opener| format!("begins with {}", opener.join(" ")))
}

/// The folders of the packages whose docstrings are looked at.
fn packages(root: &Path) -> Vec<String> {
    let crates = fs::read_dir(root.join("crates")).expect("a readable folder").flatten();
    let crates = crates.map(|entry| format!("crates/{}", entry.file_name().to_string_lossy()));
    let mut packages: Vec<String> = crates.chain(["src-tauri".to_owned(), "xtask".to_owned()]).collect();
    packages.sort_unstable();
    packages
}

/// The flaws of all docstrings of a package, one a line, and how many docstrings there are.
fn flaws(root: &Path, package: &str) -> (Vec<String>, usize) {
    let (mut files, mut flaws, mut count) = (Vec::new(), Vec::new(), 0);
    sources(&root.join(package).join("src"), &mut files);
    for file in files.iter().filter(|file| file.extension().is_some_and(|it| it == "rs")) {
        let docstrings = docstrings(&fs::read_to_string(file).expect("a source is text"));
        count += docstrings.len();
        let shown = file.strip_prefix(root).unwrap_or(file).display();
        let flawed = docstrings.iter().filter_map(|(line, text)| Some((line, flaw(text)?, text)));
        flaws.extend(flawed.map(|(line, flaw, text)| format!("{shown}:{line}: {flaw}: {text}")));
    }
    flaws.sort_unstable();
    (flaws, count)
}

#[test]
fn no_package_has_more_docstrings_than_before_that_break_the_rule() {
    let (root, mut wrong, mut count) = (root(), Vec::new(), 0);
    let allowed: BTreeMap<&str, usize> = EXCEPTIONS.iter().copied().collect();
    for package in packages(&root) {
        let (flaws, docstrings) = flaws(&root, &package);
        count += docstrings;
        let allowed = allowed.get(package.as_str()).copied().unwrap_or(0);
        if flaws.len() < allowed {
            wrong.push(format!("{package}: lower its number to {}", flaws.len()));
        } else if flaws.len() > allowed {
            wrong.push(format!("{package}: {} instead of {allowed}:\n{}", flaws.len(), flaws.join("\n")));
        }
    }
    assert!(count > 1_000, "the tree was read: {count} docstrings");
    assert!(wrong.is_empty(), "begin with a noun or a verb, and take {LONGEST} words:\n{}", wrong.join("\n"));
}

#[test]
fn a_first_sentence_is_short_and_begins_with_a_noun_or_a_verb() {
    for (text, expected) in [
        ("Bytes of one answer.", None),
        ("One two three four five six seven eight nine ten eleven twelve. And more.", None),
        ("One two three four five six seven eight nine ten eleven twelve thirteen.", Some("13 words")),
        ("Tags as in RFC 9110 §8.8.3 and `a.b`. What follows may be as long as it likes, and longer than that.", None),
        ("What it is.", Some("begins with What")),
        ("Whether it is.", Some("begins with Whether")),
        ("How, and why.", Some("begins with How")),
        ("It is.", Some("begins with It")),
        ("The same for uploads.", Some("begins with The same")),
        ("The server.", None),
        ("Items.", None),
    ] {
        assert_eq!(flaw(text).as_deref(), expected, "{text}");
    }
}

#[test]
fn what_is_seen_outside_of_its_module_has_its_docstring_read() {
    let source = "//! A module.\n\n/// A\n/// type.\n///\n/// More.\n#[derive(\n    Debug,\n)]\npub(crate) struct A {\n    /// Private.\n    a: u8,\n    \
                  /// A field.\n    pub b: u8,\n}\n\n/// A private function.\nfn c() {}\n\n#[cfg(test)]\nmod tests {\n    //! Tests.\n}\n";
    let expected = [(1, "A module.".to_owned()), (3, "A type.".to_owned()), (13, "A field.".to_owned())];
    assert_eq!(docstrings(source), expected);
}
