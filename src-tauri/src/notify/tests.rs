//! Notifications as a desktop gets them, in English and in other words.

use super::*;
use crate::language::Words;
use ropeway_api::view::FailureView;

fn english() -> NoticeWords {
    Words::default().notices
}

fn notice(end: End) -> Notice {
    let (name, host) = ("a.iso".into(), "h".into());
    Notice::One(Outcome { job: 1, direction: DirectionView::Download, name, host, end })
}

fn failure(message: &str) -> FailureView {
    let hint = "Try again.".to_owned();
    FailureView { code: "X".to_owned(), message: message.to_owned(), hint, status: None, can_resume: true }
}

fn failed(message: &str) -> Notice {
    notice(End::Failed { failure: failure(message) })
}

#[test]
fn a_message_is_never_read_as_markup() {
    let Notice::One(mut outcome) = failed("<b>a</b> & co failed") else { unreachable!("it is one") };
    outcome.name = "<a>".to_owned();
    let shown = notification(&english(), &Notice::One(outcome));
    assert_eq!(shown.body, "&lt;b&gt;a&lt;/b&gt; &amp; co failed\nTry again.");
    assert_eq!(shown.summary, "Transfer failed: <a>", "the summary is plain text by the specification");
}

#[test]
fn what_waits_for_the_user_says_for_what_and_offers_what_needs_no_window() {
    let words = english();
    let cases = [
        (Hindrance::LinkExpired, "Link expired: a.iso", &[][..]),
        (Hindrance::Room, "Waiting for disk space: a.iso", &[RETRY, "Try now"][..]),
        (Hindrance::NameTaken, "Name taken: a.iso", &[KEEP_BOTH, "Keep both"][..]),
    ];
    for (by, summary, buttons) in cases {
        let shown = notification(&words, &notice(End::HeldUp { by, failure: failure("m") }));
        assert_eq!(shown.summary, summary);
        assert_eq!(shown.actions, [&[DEFAULT, "Show Ropeway"], buttons].concat());
    }
}

#[test]
fn each_notice_offers_its_next_step() {
    let words = english();
    let shown = |notice: &Notice| notification(&words, notice).actions;
    assert_eq!(shown(&failed("x")), [DEFAULT, "Show Ropeway", RETRY, "Retry"]);
    let completed = |has_file| shown(&notice(End::Completed { has_file }));
    assert_eq!(completed(true), [DEFAULT, "Show Ropeway", REVEAL, "Show in folder"]);
    assert_eq!(completed(false), [DEFAULT, "Show Ropeway"]);
    assert_eq!(shown(&Notice::Many { completed: 1, failed: 2, held_up: 0 }), [DEFAULT, "Show Ropeway"]);
}

#[test]
fn a_sum_names_what_there_is_of() {
    let summary =
        |completed, failed, held_up| notification(&english(), &Notice::Many { completed, failed, held_up }).summary;
    assert_eq!(summary(27, 0, 0), "Completed: 27");
    assert_eq!(summary(1, 2, 3), "Completed: 1 · Failed: 2 · Needs you: 3");
}

#[test]
fn a_failure_is_told_in_the_words_of_the_page_and_else_in_those_of_the_engine() {
    let cases = [
        ("X", Some("Erneut versuchen, {host}."), "h antwortet nicht.\nErneut versuchen, h."),
        ("X", None, "h antwortet nicht.\nTry again."),
        ("Y", None, "it failed\nTry again."),
    ];
    for (code, hint, body) in cases {
        let words = english().explaining(code, "{host} antwortet nicht.", hint);
        assert_eq!(notification(&words, &failed("it failed")).body, body);
        let held_up = notice(End::HeldUp { by: Hindrance::Room, failure: failure("it failed") });
        assert_eq!(notification(&words, &held_up).body, body);
    }
}

#[test]
fn nothing_is_put_into_a_name() {
    let mut end = notice(End::Completed { has_file: false });
    if let Notice::One(outcome) = &mut end {
        outcome.name = "{what} {name}".to_owned();
    }
    assert_eq!(notification(&english(), &end).summary, "Downloaded: {what} {name}");
}
