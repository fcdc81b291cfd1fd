//! The end of the program: what was moved is made durable first.

use std::{sync::atomic::Ordering, time::Duration};

use tauri::{AppHandle, Manager as _, async_runtime};

use crate::{shell::Shell, window};

/// How long a shutdown may take. A disk that hangs for longer must not keep a session from ending; what the last
/// checkpoint holds is safe in any case.
const PATIENCE: Duration = Duration::from_secs(10);

/// Closes the window, makes every transfer durable, and ends the program with code 0. Asking again changes nothing.
pub(crate) fn quit(app: &AppHandle) {
    let Some(shell) = app.try_state::<Shell>() else { return app.exit(0) };
    if shell.is_quitting.swap(true, Ordering::SeqCst) {
        return;
    }
    window::close(app);
    let app = app.clone();
    async_runtime::spawn(async move {
        let shell = app.state::<Shell>();
        let shutdown = async {
            shell.control.stop().await;
            shell.api.shutdown().await;
        };
        if tokio::time::timeout(PATIENCE, shutdown).await.is_err() {
            tracing::error!(
                patience_s = PATIENCE.as_secs(),
                "the engine did not stop in time; the last checkpoint holds"
            );
        }
        app.exit(0);
    });
}

/// Quits when the session or the terminal ends.
#[cfg(unix)]
pub(crate) fn on_signals(app: &AppHandle) {
    use tokio::signal::unix::{SignalKind, signal};
    for kind in [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()] {
        let app = app.clone();
        async_runtime::spawn(async move {
            match signal(kind) {
                Ok(mut arrivals) => {
                    while arrivals.recv().await.is_some() {
                        quit(&app);
                    }
                }
                Err(cause) => tracing::warn!(%cause, ?kind, "the signal cannot be caught"),
            }
        });
    }
}

/// Quits on Ctrl+C.
#[cfg(not(unix))]
pub(crate) fn on_signals(app: &AppHandle) {
    let app = app.clone();
    async_runtime::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            quit(&app);
        }
    });
}
