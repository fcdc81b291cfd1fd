//! Notifications of the desktop.

pub(crate) mod announce;
pub(crate) mod words;

use std::collections::VecDeque;

use notify_rust::{Hint, Notification, NotificationResponse};
use ropeway_api::command::{Call, Done, JobAnswer, JobNumber, Jobs};
use ropeway_api::settings::OnConflictView;
use ropeway_api::view::DirectionView;
use tauri::{AppHandle, Manager as _, async_runtime};
use tokio::task::AbortHandle;

use self::{
    announce::{End, Hindrance, Notice, Outcome},
    words::NoticeWords,
};
use crate::{shell::Shell, window, words::NAME};

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
        let words = app.state::<Shell>().words.now();
        let shown = async_runtime::spawn(async move {
            let response = show_and_wait(&notification(&words.notices, &notice)).await;
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
    notification.appname(NAME).summary(summary).body(&escape(body)).icon(ICON);
    #[cfg(all(unix, not(target_os = "macos")))]
    notification.hint(Hint::DesktopEntry(DESKTOP_ENTRY.to_owned()));
    notification
}

fn notification(words: &NoticeWords, notice: &Notice) -> Notification {
    match notice {
        Notice::One(outcome) => about_one(words, outcome),
        Notice::Many { completed, failed, held_up } => {
            plain(&words.sum(*completed, *failed, *held_up), "").action(DEFAULT, &words.show).finalize()
        }
    }
}

fn about_one(words: &NoticeWords, Outcome { end, direction, name, host, .. }: &Outcome) -> Notification {
    let (what, body, next) = match end {
        End::Completed { has_file } => {
            let (done, whence) = match direction {
                DirectionView::Download => (&words.downloaded, words.from(host)),
                DirectionView::Upload => (&words.uploaded, words.to(host)),
            };
            (done.as_str(), whence, has_file.then_some((REVEAL, &words.reveal)))
        }
        End::Failed { failure } => (words.failed.as_str(), words.explain(failure, host), Some((RETRY, &words.retry))),
        End::HeldUp { by, failure } => {
            let next = match by {
                // A new link is pasted in the window.
                Hindrance::LinkExpired => None,
                Hindrance::Room => Some((RETRY, &words.try_now)),
                Hindrance::NameTaken => Some((KEEP_BOTH, &words.keep_both)),
            };
            (words.held_up(*by), words.explain(failure, host), next)
        }
    };
    let mut notification = plain(&words.titled(what, name), &body);
    notification.action(DEFAULT, &words.show);
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
mod tests;
