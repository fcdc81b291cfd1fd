//! Follows the engine's batches for all that is not the page: tray, taskbar, notifications.

use std::time::Duration;

use ropeway_api::{
    Subscription,
    event::{Batch, Event},
    view::Totals,
};
use tauri::{AppHandle, Manager as _};
use tokio::time::{Instant, sleep_until};

use crate::{
    notify::{
        Notifier,
        announce::{Announcer, Notice},
    },
    shell::Shell,
    taskbar, tray, window,
};

/// How often the tray and the taskbar change at most: the eye reads no faster, and every change wakes the panel.
const PACE: Duration = Duration::from_secs(1);

/// What is followed.
#[derive(Debug)]
pub(crate) struct Watch {
    app: AppHandle,
    batches: Subscription,
    announcer: Announcer,
    notifier: Notifier,
    seq: u64,
    /// The latest sums, until they are shown.
    totals: Option<Totals>,
    shown_at: Instant,
}

/// Waits until then, or for ever.
async fn until(then: Option<Instant>) {
    match then {
        Some(then) => sleep_until(then).await,
        None => std::future::pending().await,
    }
}

impl Watch {
    /// Starts from everything there is, so that the settings are known when this returns.
    pub(crate) async fn begin(app: AppHandle) -> Self {
        let batches = app.state::<Shell>().api.subscribe();
        let mut watch = Self {
            app,
            batches,
            announcer: Announcer::default(),
            notifier: Notifier::default(),
            seq: 0,
            totals: None,
            shown_at: Instant::now(),
        };
        watch.start_again().await;
        watch
    }

    /// Runs until the engine has shut down.
    pub(crate) async fn run(mut self) {
        loop {
            tokio::select! {
                batch = self.batches.next() => match batch {
                    Some(batch) => self.apply(batch).await,
                    None => break,
                },
                () = until(self.totals.as_ref().map(|_| self.shown_at + PACE)) => self.show_totals(),
                () = until(self.announcer.due()) => {
                    let notice = self.announcer.tell_held();
                    self.tell(notice);
                }
            }
        }
    }

    /// Takes everything from a snapshot: at the start, and after batches were lost.
    async fn start_again(&mut self) {
        let shell = self.app.state::<Shell>();
        let Some(snapshot) = shell.snapshot().await else { return };
        self.seq = snapshot.seq;
        tray::show_limit(&self.app, snapshot.settings.download_limit);
        shell.note_settings(snapshot.settings);
        self.totals = Some(snapshot.totals);
        let notices = self.announcer.take_all(&snapshot.jobs, Instant::now());
        self.tell(notices);
    }

    async fn apply(&mut self, batch: Batch) {
        if batch.seq <= self.seq {
            return;
        }
        if batch.seq > self.seq + 1 {
            return self.start_again().await;
        }
        self.seq = batch.seq;
        for event in batch.events {
            let notices = self.announcer.observe(&event, Instant::now());
            self.tell(notices);
            match event {
                Event::Progress { totals, .. } => self.totals = Some(totals),
                Event::Settings { settings } => {
                    tray::show_limit(&self.app, settings.download_limit);
                    window::follow_settings(&self.app, &settings);
                    self.app.state::<Shell>().note_settings(settings);
                }
                // The page shows these.
                Event::Jobs { .. }
                | Event::Removed { .. }
                | Event::Notices { .. }
                | Event::Targets { .. }
                | Event::Offer { .. } => {}
            }
        }
    }

    fn show_totals(&mut self) {
        if let Some(totals) = self.totals.take() {
            self.shown_at = Instant::now();
            taskbar::show_fraction(&self.app, totals.fraction);
            tray::show_totals(&self.app, totals);
        }
    }

    fn tell(&mut self, notices: impl IntoIterator<Item = Notice>) {
        if self.app.state::<Shell>().settings().notifications {
            for notice in notices {
                self.notifier.show(&self.app, notice);
            }
        }
    }
}
