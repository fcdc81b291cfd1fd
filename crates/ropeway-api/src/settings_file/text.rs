//! The text of `settings.toml`: what of it is TOML, and how single values in it are changed without touching the rest.

use std::ops::Range;

use serde_json::{Map, Value as Json};
use toml_edit::{ArrayOfTables, Document, DocumentMut, InlineTable, Item, Table, TableLike, Value};

/// Stretches that are left out because they cannot stand where they stand; from the last of them on nothing is read. Each
/// costs a look at the whole text.
const MOST_MISPLACED: usize = 100;

/// A stretch of the text that is no TOML, or cannot stand where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unread {
    /// Its first line, counted from one.
    pub(super) line: usize,
    /// The key that it begins with, if it begins with one.
    pub(super) key: Option<String>,
    /// What it says.
    pub(super) text: String,
    /// What is wrong with it, without a word of it.
    pub(super) reason: String,
}

/// The document of what can be read, in which what cannot is a comment, and a list of the latter.
pub(super) fn read(text: &str) -> (DocumentMut, Vec<Unread>) {
    let mut unread = Vec::new();
    let mut pieces = pieces(text);
    let mut has_split = false;
    let mut misplaced = 0;
    loop {
        let whole: String = pieces.iter().map(Piece::shown).collect();
        let error = match whole.parse::<DocumentMut>() {
            Ok(document) => return (document, unread),
            Err(error) => error,
        };
        if has_split {
            // Each is TOML by itself, and this one cannot stand here, such as a key that was there already.
            let at = error.span().map_or(whole.len(), |span| span.start);
            let Some(place) = piece_at(&pieces, at) else { return (DocumentMut::new(), unread) };
            misplaced += 1;
            let count = if misplaced < MOST_MISPLACED { 1 } else { pieces.len() };
            let refused = pieces.iter_mut().skip(place).take(count).filter(|piece| !piece.is_out);
            unread.extend(refused.map(|piece| piece.leave_out(error.message())));
            continue;
        }
        has_split = true;
        pieces = pieces.into_iter().flat_map(Piece::split_at_error).collect();
        let mut is_below_unread = false;
        for piece in &mut pieces {
            let is_header = piece.text.trim_start().starts_with('[');
            is_below_unread &= !is_header;
            match piece.text.parse::<DocumentMut>() {
                Ok(_) if !is_below_unread => {}
                // Without its header it would be read as something else.
                Ok(_) => unread.push(piece.leave_out("what it belongs to cannot be read")),
                Err(error) => {
                    is_below_unread |= is_header;
                    unread.push(piece.leave_out(error.message()));
                }
            }
        }
    }
}

/// Whether a text has nothing but room in it. A file system that lost the contents in a crash gives back zero bytes.
pub(super) fn is_blank(text: &str) -> bool {
    text.chars().all(|letter| letter.is_whitespace() || letter == '\0' || letter == '\u{feff}')
}

/// A stretch of the text that can be TOML by itself: a key with its value, or the header of a table.
struct Piece {
    line: usize,
    text: String,
    is_out: bool,
}

impl Piece {
    /// What stands in the document.
    fn shown(&self) -> String {
        if self.is_out {
            self.text.split_inclusive('\n').map(|line| format!("# {line}")).collect()
        } else {
            self.text.clone()
        }
    }

    /// What stands before its first error and the rest, where the former is TOML: a line that says nothing takes no
    /// value away that stands above it.
    fn split_at_error(self) -> Vec<Self> {
        let Err(error) = self.text.parse::<DocumentMut>() else { return vec![self] };
        let before = self.text.get(..error.span().map_or(0, |span| span.start)).unwrap_or_default();
        let (good, rest) = self.text.split_at(before.rfind('\n').map_or(0, |end| end + 1));
        if good.is_empty() || good.parse::<DocumentMut>().is_err() {
            return vec![self];
        }
        let rest_line = self.line + good.matches('\n').count();
        vec![
            Self { line: self.line, text: good.to_owned(), is_out: false },
            Self { line: rest_line, text: rest.to_owned(), is_out: false },
        ]
    }

    fn leave_out(&mut self, reason: &str) -> Unread {
        self.is_out = true;
        let reason = reason.lines().next().unwrap_or_default().to_owned();
        Unread { line: self.line, key: key_of(&self.text), text: self.text.clone(), reason }
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let begins = line.starts_with('[') || key_of(line).is_some() || line.trim_start().starts_with('#');
        match pieces.last_mut() {
            Some(piece) if !begins => piece.text.push_str(line),
            _ => pieces.push(Piece { line: number + 1, text: line.to_owned(), is_out: false }),
        }
    }
    pieces
}

/// The place of the piece that stands at an offset of the document and is not left out yet.
fn piece_at(pieces: &[Piece], at: usize) -> Option<usize> {
    let mut end = 0;
    let found = pieces.iter().position(|piece| {
        end += piece.shown().len();
        at < end
    });
    let found = found.filter(|found| !pieces[*found].is_out);
    let last = || pieces.iter().rposition(|piece| !piece.is_out);
    found.or_else(last)
}

/// The bare key that a line begins with, if it begins with one and an equals sign.
fn key_of(line: &str) -> Option<String> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim();
    let is_bare = !key.is_empty() && key.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter));
    is_bare.then(|| key.to_owned())
}

/// The keys of the document with their values and, where they are known, their lines.
pub(super) fn fields(document: &DocumentMut) -> Vec<(String, usize, Json)> {
    let text = document.to_string();
    let spans = Document::parse(text.as_str()).ok();
    let line_of = |span: Range<usize>| text.get(..span.start).unwrap_or_default().matches('\n').count() + 1;
    let table = spans.as_ref().map(Document::as_table);
    let line = |key: &str| {
        let (key, item) = table?.get_key_value(key)?;
        key.span().or_else(|| item.span()).map(line_of)
    };
    document.iter().map(|(key, item)| (key.to_owned(), line(key).unwrap_or(1), to_json(item))).collect()
}

fn to_json(item: &Item) -> Json {
    match item {
        Item::None => Json::Null,
        Item::Value(value) => value_to_json(value),
        Item::Table(table) => table_to_json(table),
        Item::ArrayOfTables(tables) => tables.iter().map(|table| table_to_json(table)).collect(),
    }
}

fn table_to_json(table: &dyn TableLike) -> Json {
    Json::Object(table.iter().map(|(key, item)| (key.to_owned(), to_json(item))).collect())
}

fn value_to_json(value: &Value) -> Json {
    match value {
        Value::String(text) => text.value().as_str().into(),
        Value::Integer(number) => (*number.value()).into(),
        Value::Float(number) => (*number.value()).into(),
        Value::Boolean(is) => (*is.value()).into(),
        Value::Datetime(moment) => moment.value().to_string().into(),
        Value::Array(values) => values.iter().map(value_to_json).collect(),
        Value::InlineTable(table) => table_to_json(table),
    }
}

/// Puts a value in the place of the one that `key` has, comments around it kept; null takes it away. `false` for what
/// TOML cannot hold.
pub(super) fn set(document: &mut DocumentMut, key: &str, value: &Json) -> bool {
    let new = match value {
        Json::Null => {
            document.remove(key);
            return true;
        }
        Json::Array(rows) if !rows.is_empty() && rows.iter().all(Json::is_object) => rows
            .iter()
            .filter_map(Json::as_object)
            .map(to_table)
            .collect::<Option<ArrayOfTables>>()
            .map(Item::ArrayOfTables),
        other => to_value(other).map(Item::Value),
    };
    let Some(mut new) = new else { return false };
    if let (Some(Item::Value(had)), Item::Value(value)) = (document.get(key), &mut new) {
        *value.decor_mut() = had.decor().clone();
    }
    match document.get_mut(key) {
        // The key keeps what stands above it.
        Some(place) => *place = new,
        None => drop(document.insert(key, new)),
    }
    true
}

fn to_table(fields: &Map<String, Json>) -> Option<Table> {
    let mut table = Table::new();
    for (key, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        table.insert(key, Item::Value(to_value(value)?));
    }
    Some(table)
}

fn to_value(value: &Json) -> Option<Value> {
    Some(match value {
        Json::Null => return None,
        Json::Bool(is) => (*is).into(),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(fraction)) if !number.is_u64() => fraction.into(),
            _ => return None,
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(values) => Value::Array(values.iter().map(to_value).collect::<Option<_>>()?),
        Json::Object(fields) => {
            let mut table = InlineTable::new();
            for (key, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
                table.insert(key, to_value(value)?);
            }
            Value::InlineTable(table)
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys(text: &str) -> (Vec<String>, Vec<(usize, Option<String>)>) {
        let (document, unread) = read(text);
        let keys = fields(&document).into_iter().map(|(key, ..)| key).collect();
        (keys, unread.into_iter().map(|unread| (unread.line, unread.key)).collect())
    }

    #[test]
    fn what_is_no_toml_is_left_out_and_the_rest_is_read() {
        let key = |key: &str| Some(key.to_owned());
        for (text, read, left_out) in [
            ("a = 1\nb = \"x\"\n", vec!["a", "b"], vec![]),
            ("a = 1\nb = [\nc = 3\n", vec!["a", "c"], vec![(2, key("b"))]),
            ("a = 1\nthis is nothing\nc = 3", vec!["a", "c"], vec![(2, None)]),
            ("a = [\n  1,\n]\n\nthis is nothing\nc = 3", vec!["a", "c"], vec![(5, None)]),
            ("a = 1 2\nthis is nothing\nc = 3", vec!["c"], vec![(1, key("a"))]),
            ("[[a]]\nb = 1\nthis is nothing\nc = 3", vec!["a"], vec![(3, None)]),
            ("# word\na = \"1\nb = 2\n", vec!["b"], vec![(2, key("a"))]),
            ("a = 1\na = 2\nb = 3\n", vec!["a", "b"], vec![(2, key("a"))]),
            (
                "a = 1\n[[rules\nx = 1\ny = 2\n[[rules]]\nx = 3\n",
                vec!["a", "rules"],
                vec![(2, None), (3, key("x")), (4, key("y"))],
            ),
            ("a = [\n  1,\n  2,\n]\nb = ,\n", vec!["a"], vec![(5, key("b"))]),
            ("=", vec![], vec![(1, None)]),
            ("\u{feff}a = 1", vec!["a"], vec![]),
        ] {
            let expected = (read.into_iter().map(str::to_owned).collect::<Vec<_>>(), left_out);
            assert_eq!(keys(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_text_whose_lines_repeat_each_other_is_read_up_to_a_bounded_number_of_them() {
        let text = format!("a = 1\n{}b = 2\n", "a = 1\n".repeat(1_000));
        let (document, unread) = read(&text);
        assert_eq!(fields(&document).len(), 1);
        assert_eq!((unread.len(), unread.last().map(|unread| unread.line)), (1_001, Some(1_002)));
    }

    #[test]
    fn what_is_left_out_stays_as_a_comment() {
        let (document, _) = read("a = 1\nproxy = \"http://p\nb = 2\n");
        assert_eq!(document.to_string(), "a = 1\n# proxy = \"http://p\nb = 2\n");
    }

    #[test]
    fn a_change_leaves_the_rest_of_the_text_as_it_is() {
        let text = "# mine\na = 1 # one\n\n# newer\nnew = \"value\"\nrules = [{ x = 1 }]\n";
        let (mut document, _) = read(text);
        assert!(set(&mut document, "a", &json!(2)) && set(&mut document, "b", &json!("x\"y")));
        assert!(set(&mut document, "rules", &json!([{ "x": 2, "y": null }])));
        let changed = document.to_string();
        assert!(changed.starts_with("# mine\na = 2 # one\n\n# newer\nnew = \"value\"\n"), "{changed}");
        let (again, unread) = read(&changed);
        assert!(unread.is_empty());
        let values: Vec<_> = fields(&again).into_iter().map(|(key, _, value)| (key, value)).collect();
        assert!(values.contains(&("b".to_owned(), json!("x\"y"))), "{values:?}");
        assert!(values.contains(&("rules".to_owned(), json!([{ "x": 2 }]))), "{values:?}");
        assert!(set(&mut document, "a", &Json::Null));
        assert!(!document.contains_key("a"));
        assert!(!set(&mut document, "a", &json!(u64::MAX)), "TOML's numbers end before");
    }

    #[test]
    fn fields_know_their_lines() {
        let (document, _) = read("a = 1\n\n# c\nb = 2\n[[d]]\nx = 1\n");
        let lines: Vec<_> = fields(&document).into_iter().map(|(key, line, _)| (key, line)).collect();
        assert_eq!(lines, [("a".to_owned(), 1), ("b".to_owned(), 4), ("d".to_owned(), 5)]);
    }
}
