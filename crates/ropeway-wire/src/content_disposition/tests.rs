//! The cases are those of the test suites of browsers and of other download programs; `source` names where each is
//! from. `expected` is one answer, `also_ok` are others that are as good; `check` says whether the name as given or
//! the name as saved is meant.

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Case {
    header: String,
    expected: Option<String>,
    #[serde(default)]
    also_ok: Vec<Option<String>>,
    source: String,
    check: Check,
    /// Present where each character stands for one octet.
    header_bytes: Option<String>,
}

#[derive(PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Check {
    Parse,
    Save,
}

/// Names that are saved otherwise than the suite they come from wants, and as safely.
const OUR_OWN: [(&str, &str); 3] = [
    // That suite replaces separators within a name; RFC 6266 §4.3 says to take the last part of a path.
    ("attachment; filename*=UTF-8''Directory%20Listing%3A%20%2Fa%2Fb%2F", "b"),
    // The name stays readable as a whole where that suite replaces its extension.
    ("filename=Setup.exe.local", "Setup.exe.local.download"),
    // The spaces around a dot go.
    ("attachment; filename*=UTF-8''.%20.%20Website%20.%20Page%20.%20.", "Website. Page"),
];

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../../tests/cases/content-disposition.json")).unwrap()
}

#[test]
fn every_known_header_gives_an_accepted_name_or_none() {
    let cases = cases();
    assert_eq!(cases.len(), 187);
    let mut wrong = Vec::new();
    for case in cases {
        let octets = match case.header_bytes {
            Some(_) => case.header.chars().map(|octet| u8::try_from(octet).unwrap()).collect(),
            None => case.header.clone().into_bytes(),
        };
        let name = match case.check {
            Check::Parse => given_name(&octets),
            Check::Save => file_name(&octets).map(String::from),
        };
        let own = OUR_OWN.iter().any(|(header, ours)| *header == case.header && name.as_deref() == Some(ours));
        // An empty name is none: the address gives one then.
        let empty = name.is_none() && case.expected.as_deref() == Some("");
        if name != case.expected && !case.also_ok.contains(&name) && !own && !empty {
            wrong.push(format!("{}: {:?} gave {name:?}, expected {:?}", case.source, case.header, case.expected));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_known_header_gives_an_unsafe_name() {
    for case in cases() {
        if let Some(name) = file_name(case.header.as_bytes()) {
            assert!(is_safe(&name), "{:?} gave {name}", case.header);
        }
    }
}

#[test]
fn encoded_words_are_read_wherever_and_in_whatever_charset_they_are() {
    for (value, expected) in [
        ("\"=?UTF-8?B?w6TDtg==?= =?UTF-8?B?w7wudHh0?=\"", "äöü.txt"),
        ("\"=?UTF-8?B?w6TDtg==?=\t =?UTF-8?Q?=C3=BC.txt?=\"", "äöü.txt"),
        ("\"a =?UTF-8?Q?=C3=A4_b?= c.txt\"", "a ä b c.txt"),
        ("=?utf-8?q?=C3=A4.txt?=", "ä.txt"),
        ("\"=?utf-8*en?Q?=C3=A4.txt?=\"", "ä.txt"),
        ("\"=?UTF-8?B?w6Q?=.txt\"", "ä.txt"),
        ("\"=?utf-8?B?44E=?= =?utf-8?B?gi50eHQ=?=\"", "あ.txt"),
        ("\"=?ISO-8859-15?Q?a=A4.txt?=\"", "a€.txt"),
        ("\"=?windows-1252?Q?=93a=94.txt?=\"", "“a”.txt"),
        ("\"=?Shift_JIS?B?g2WDWINnLnR4dA==?=\"", "テスト.txt"),
        ("\"=?KOI8-R?Q?=C6.txt?=\"", "ф.txt"),
        ("\"=?GB2312?B?1tAudHh0?=\"", "中.txt"),
        ("\"=?unknown?Q?a.txt?=\"", "=?unknown?Q?a.txt?="),
        ("\"=?UTF-8?Q?a.txt\"", "=?UTF-8?Q?a.txt"),
        ("\"what=?.txt\"", "what=?.txt"),
    ] {
        let header = format!("attachment; filename={value}");
        assert_eq!(given_name(header.as_bytes()).as_deref(), Some(expected), "{value}");
    }
}

fn is_safe(name: &FileName) -> bool {
    let text = name.as_str();
    let plain = |character: char| !character.is_control() && !"/\\:*?\"<>|".contains(character);
    !text.is_empty()
        && !text.starts_with(['.', '-', '~', ' '])
        && !text.ends_with(['.', ' '])
        && text.chars().all(plain)
}

proptest! {
    #[test]
    fn no_value_panics_or_gives_an_unsafe_name(value in proptest::collection::vec(any::<u8>(), 0..120)) {
        prop_assert!(file_name(&value).is_none_or(|name| is_safe(&name)));
    }

    #[test]
    fn no_value_of_the_right_shape_gives_an_unsafe_name(
        value in "(attachment|inline|)( ?; ?(filename|filename\\*|x)( ?= ?)(\"?[-a.%25C/\\\\\"'?=_ \u{e4}\u{202e}]{0,20}\"?|UTF-8''[-a%20./]{0,20}|=\\?utf-8\\?[QB]\\?[=0-9A-Fa_]{0,12}\\?=)){0,3}"
    ) {
        prop_assert!(file_name(value.as_bytes()).is_none_or(|name| is_safe(&name)));
    }

    #[test]
    fn a_name_that_was_encoded_comes_back(name in "[a-z\u{e4}-\u{fc}\u{3042}-\u{3050}%'\"; ]{1,30}x") {
        let name = name.trim();
        let coded: String = name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let header = format!("attachment; filename=\"other\"; filename*=UTF-8''{coded}");
        prop_assert_eq!(given_name(header.as_bytes()), Some(name.to_owned()));
    }
}

#[test]
fn a_semicolon_within_quotes_ends_nothing() {
    for (header, name) in [
        (r#"attachment; filename="a;b.txt""#, "a;b.txt"),
        (r#"attachment; filename="a\";b.txt"; size=1"#, "a\";b.txt"),
        (r#"attachment; filename="a\\"; x=";b.txt""#, "a\\"),
    ] {
        assert_eq!(given_name(header.as_bytes()).as_deref(), Some(name), "{header}");
    }
}

#[test]
fn a_file_is_offered_under_its_own_name() {
    for (name, value) in [
        ("a b.iso", "attachment; filename=\"a b.iso\""),
        ("a\"b.iso", "attachment; filename=\"a_b.iso\"; filename*=UTF-8''a%22b.iso"),
        ("é.txt", "attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%A9.txt"),
        ("=?utf-8?Q?a?=", "attachment; filename=\"=_utf-8_Q_a_=\"; filename*=UTF-8''%3D%3Futf-8%3FQ%3Fa%3F%3D"),
        ("100%.txt", "attachment; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt"),
    ] {
        assert_eq!(attachment(name), value);
    }
}

proptest! {
    #[test]
    fn a_client_saves_a_file_under_the_name_that_a_server_offers(
        name in "[-A-Za-z0-9 ._%'\";=?\\\\\u{e4}-\u{fc}\u{3042}-\u{3050}]{1,40}"
    ) {
        let offered = attachment(&name);
        prop_assert!(offered.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
        prop_assert_eq!(given_name(offered.as_bytes()).unwrap_or_default(), name.trim());
    }
}
