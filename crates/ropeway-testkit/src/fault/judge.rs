//! From an outcome to a verdict.

use std::fs;

use super::{
    Client, Outcome, Verdict,
    case::{End, NAME, Play},
};
use crate::Pattern;

/// What stands under the file's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// Nothing, or something that is marked as unfinished.
    Nothing,
    /// The whole right file.
    Whole,
    /// A beginning of the right file.
    Beginning,
    /// Other bytes.
    Other,
}

/// The verdict, and why where it is not plain.
pub(super) fn judge(play: &Play, client: Client, outcome: &Outcome) -> (Verdict, String) {
    if let Some(complaint) = play.everybody.and_then(|look| look(outcome)) {
        return (Verdict::Unsafe, complaint);
    }
    let verdict = by_end(play.end, client, outcome, found(play, client, outcome));
    if client == Client::Ropeway && verdict == Verdict::Right {
        let promise = play.ours.and_then(|look| look(outcome)).or_else(|| code(play, outcome));
        if let Some(complaint) = promise {
            return (Verdict::Unsafe, complaint);
        }
    }
    (verdict, String::new())
}

fn by_end(end: End, client: Client, outcome: &Outcome, found: Found) -> Verdict {
    if outcome.claims() {
        return match (end, found) {
            (End::Whole | End::Either, Found::Whole) => Verdict::Right,
            (_, Found::Other) => Verdict::Corrupt,
            _ => Verdict::WrongClaim,
        };
    }
    match found {
        Found::Other => return Verdict::Spoilt,
        // Ours gives the final name to a whole file only (I1).
        Found::Beginning if client == Client::Ropeway => return Verdict::WrongClaim,
        _ => {}
    }
    // Who asks again and again has seen that something is wrong.
    let is_trying = outcome.requests.len() > 1;
    match (end, outcome.has_ended) {
        (End::NeverDone, _) | (End::Refused | End::Either, true) => Verdict::Right,
        (End::Either, false) if is_trying => Verdict::Right,
        (End::Whole, true) => Verdict::GaveUp,
        (End::Whole | End::Refused | End::Either, false) => Verdict::Hangs,
    }
}

/// The file, under the name it was asked for or under any where the server names it.
fn found(play: &Play, client: Client, outcome: &Outcome) -> Found {
    if !play.wish.uploads.is_empty() {
        return arrived(play, outcome);
    }
    let names = outcome.names();
    let is_part = |name: &str| name.ends_with(".part") || name.ends_with(".aria2");
    let name = if play.wish.is_named_by_server {
        names.iter().find(|name| !is_part(name) && !client.marks_unfinished(&outcome.folder, name))
    } else {
        names.iter().find(|name| *name == play.wish.output.unwrap_or(NAME))
    };
    let Some(name) = name else { return Found::Nothing };
    if client.marks_unfinished(&outcome.folder, name) {
        return Found::Nothing;
    }
    let Ok(had) = fs::read(outcome.folder.join(name)) else { return Found::Nothing };
    let versions: Vec<_> = play.right.iter().map(super::case::Version::bytes).collect();
    if versions.iter().any(|right| *right == had) {
        Found::Whole
    } else if versions.iter().any(|right| right.starts_with(&had)) {
        Found::Beginning
    } else {
        Found::Other
    }
}

/// What of the files that were to be sent the server has got, to the last of their bytes.
fn arrived(play: &Play, outcome: &Outcome) -> Found {
    let mut sent = (1..).zip(play.wish.uploads).map(|(seed, _)| Pattern::new(seed).sha256(play.wish.upload_length));
    let requests = || outcome.requests.iter().filter(|request| request.body_complete);
    let has = |sha256: String| requests().flat_map(|request| &request.files).any(|file| file.sha256 == sha256);
    if sent.all(has) { Found::Whole } else { Found::Nothing }
}

/// Whether ours failed for a reason that has its name.
fn code(play: &Play, outcome: &Outcome) -> Option<String> {
    if play.codes.is_empty() || play.codes.iter().any(|code| outcome.stderr.contains(code)) {
        return None;
    }
    Some(format!("none of {:?} is on stderr", play.codes))
}
