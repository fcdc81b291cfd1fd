//! Notifications of the desktop.

pub(crate) mod announce;

use std::collections::VecDeque;

use notify_rust::{Hint, Notification, NotificationResponse, Urgency};
use ropeway_api::command::{Call, Done, JobAnswer, JobNumber, Jobs};
use ropeway_api::settings::OnConflictView;
use ropeway_api::view::DirectionView;
use tauri::{AppHandle, Manager as _, async_runtime};
use tokio::task::AbortHandle;

use self::announce::{End, Hindrance, Notice, Outcome};
use crate::{shell::Shell, window, words};

/// Notifications whose buttons are listened for; each costs a connection to the bus. Older ones stay on the screen,
/// their buttons without effect.
const LISTENED_MAXIMUM: usize = 8;
/// The icon's name that packages install.
const ICON: &str = "ropeway-desktop";
/// The desktop file that packages install, without its ending.
const DESKTOP_ENTRY: &str = "Ropeway";

/// The action of clicking on the notification itself.
const DEFAULT: &str = "default";
const REVEAL: &str = "reveal";
const RETRY: &str = "retry";
const KEEP_BOTH: &str = "keep-both";

/// Shows notices and does what their buttons say.
#[derive(Debug, Default)]
pub(crate) struct Notifier {
    listened: VecDeque<AbortHandle>,
}

impl Notifier {
    /// Shows a notice, and listens for its buttons in the background.
    pub(crate) fn show(&mut self, app: &AppHandle, notice: Notice) {
        let app = app.clone();
        let shown = async_runtime::spawn(async move {
            let response = show_and_wait(&notification(&notice)).await;
            if let Some(response) = response {
                answer(&app, &notice, &response).await;
            }
        });
        self.listened.retain(|listener| !listener.is_finished());
        self.listened.push_back(shown.inner().abort_handle());
        if self.listened.len() > LISTENED_MAXIMUM
            && let Some(oldest) = self.listened.pop_front()
        {
            oldest.abort();
        }
    }
}

/// Shows a notification without buttons.
pub(crate) async fn say(summary: &str, body: &str) {
    send(&plain(summary, body)).await;
}

fn plain(summary: &str, body: &str) -> Notification {
    let mut notification = Notification::new();
    notification.appname(words::NAME).summary(summary).body(&escape(body)).icon(ICON);
    #[cfg(all(unix, not(target_os = "macos")))]
    notification.hint(Hint::DesktopEntry(DESKTOP_ENTRY.to_owned()));
    notification
}

fn notification(notice: &Notice) -> Notification {
    match notice {
        Notice::One(Outcome { end: End::Completed { has_file }, direction, name, host, .. }) => {
            let (done, whence) = match direction {
                DirectionView::Download => (words::DOWNLOADED, format!("from {host}")),
                DirectionView::Upload => (words::UPLOADED, format!("to {host}")),
            };
            let mut notification = plain(&format!("{done}: {name}"), &whence);
            notification.action(DEFAULT, words::ACTION_SHOW);
            if *has_file {
                notification.action(REVEAL, words::ACTION_REVEAL);
            }
            notification.finalize()
        }
        Notice::One(Outcome { end: End::Failed { message, hint }, name, .. }) => {
            let mut notification = plain(&format!("{}: {name}", words::FAILED), &format!("{message}\n{hint}"));
            notification.action(DEFAULT, words::ACTION_SHOW).action(RETRY, words::ACTION_RETRY);
            #[cfg(not(target_os = "macos"))]
            notification.urgency(Urgency::Normal);
            notification.finalize()
        }
        Notice::One(Outcome { end: End::HeldUp { by, message, hint }, name, .. }) => held_up(*by, name, message, hint),
        Notice::Many { completed, failed, held_up } => {
            plain(&words::summary(*completed, *failed, *held_up), "").action(DEFAULT, words::ACTION_SHOW).finalize()
        }
    }
}

fn held_up(by: Hindrance, name: &str, message: &str, hint: &str) -> Notification {
    let (what, next) = match by {
        // A new link is pasted in the window.
        Hindrance::LinkExpired => (words::LINK_EXPIRED, None),
        Hindrance::Room => (words::NO_ROOM, Some((RETRY, words::ACTION_TRY_NOW))),
        Hindrance::NameTaken => (words::NAME_TAKEN, Some((KEEP_BOTH, words::ACTION_KEEP_BOTH))),
    };
    let mut notification = plain(&format!("{what}: {name}"), &format!("{message}\n{hint}"));
    notification.action(DEFAULT, words::ACTION_SHOW);
    if let Some((action, label)) = next {
        notification.action(action, label);
    }
    notification.finalize()
}

/// Bodies may hold markup, so names and messages must not look like it.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

async fn answer(app: &AppHandle, notice: &Notice, response: &NotificationResponse) {
    match (response, notice) {
        (NotificationResponse::Default, _) => window::show(app),
        (NotificationResponse::Action(action), Notice::One(Outcome { job, .. })) => {
            let call = match action.as_str() {
                REVEAL => Call::HostReveal(JobNumber { id: *job }),
                RETRY => Call::JobResume(Jobs { ids: vec![*job] }),
                KEEP_BOTH => Call::JobAnswer(JobAnswer { id: *job, choice: OnConflictView::Rename }),
                _ => return,
            };
            app.state::<Shell>().call::<Done>(call).await;
        }
        _ => {}
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
async fn send(notification: &Notification) -> Option<notify_rust::NotificationHandle> {
    match notification.show_async().await {
        Ok(handle) => Some(handle),
        Err(cause) => {
            tracing::info!(%cause, "there is nobody to show notifications");
            None
        }
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
async fn show_and_wait(notification: &Notification) -> Option<NotificationResponse> {
    let mut response = None;
    let handle = send(notification).await?;
    handle.wait_for_action_async(|given| response = Some(given.clone())).await;
    response
}

/// Elsewhere a notification only tells; it has no buttons.
#[cfg(not(all(unix, not(target_os = "macos"))))]
async fn send(notification: &Notification) {
    let notification = notification.clone();
    let shown = async_runtime::spawn_blocking(move || notification.show().map(drop)).await;
    if let Ok(Err(cause)) = shown {
        tracing::info!(%cause, "the notification was not shown");
    }
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
async fn show_and_wait(notification: &Notification) -> Option<NotificationResponse> {
    send(notification).await;
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        let end = End::Completed { has_file: false };
        Outcome { job: 1, direction: DirectionView::Download, name: "a.iso".into(), host: "h".into(), end }
    }

    fn failed(message: &str) -> Notice {
        let end = End::Failed { message: message.to_owned(), hint: "Try again.".to_owned() };
        Notice::One(Outcome { job: 1, direction: DirectionView::Download, name: "<a>".into(), host: "h".into(), end })
    }

    #[test]
    fn a_message_is_never_read_as_markup() {
        let shown = notification(&failed("<b>a</b> & co failed"));
        assert_eq!(shown.body, "&lt;b&gt;a&lt;/b&gt; &amp; co failed\nTry again.");
        assert_eq!(shown.summary, "Transfer failed: <a>", "the summary is plain text by the specification");
    }

    #[test]
    fn what_waits_for_the_user_says_for_what_and_offers_what_needs_no_window() {
        let shown = |by| {
            notification(&Notice::One(Outcome {
                end: End::HeldUp { by, message: "m".into(), hint: "h".into() },
                ..outcome()
            }))
        };
        let cases = [
            (Hindrance::LinkExpired, "Link expired: a.iso", &[][..]),
            (Hindrance::Room, "Waiting for disk space: a.iso", &[RETRY, words::ACTION_TRY_NOW][..]),
            (Hindrance::NameTaken, "Name taken: a.iso", &[KEEP_BOTH, words::ACTION_KEEP_BOTH][..]),
        ];
        for (by, summary, buttons) in cases {
            let shown = shown(by);
            assert_eq!(shown.summary, summary);
            assert_eq!(shown.actions, [&[DEFAULT, words::ACTION_SHOW], buttons].concat());
        }
    }

    #[test]
    fn each_notice_offers_its_next_step() {
        assert_eq!(notification(&failed("x")).actions, [DEFAULT, words::ACTION_SHOW, RETRY, words::ACTION_RETRY]);
        let many = notification(&Notice::Many { completed: 1, failed: 2, held_up: 0 });
        assert_eq!(many.summary, "1 transfer completed, 2 failed");
        assert_eq!(many.actions, [DEFAULT, words::ACTION_SHOW]);
    }
}
