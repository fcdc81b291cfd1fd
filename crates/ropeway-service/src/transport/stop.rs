//! The signals that ask a server to stop.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Resolves when the process is asked to stop: by SIGINT (Ctrl+C), SIGTERM (service managers) or SIGHUP (the terminal
/// went away).
///
/// The signals are caught from the first poll on, so that none of them ends the process before its uploads are tidied.
///
/// # Errors
/// If the signals cannot be caught.
pub async fn stop_signal() -> io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::select! {
        _ = interrupt.recv() => tracing::info!(signal = "SIGINT", "stopping"),
        _ = terminate.recv() => tracing::info!(signal = "SIGTERM", "stopping"),
        _ = hangup.recv() => tracing::info!(signal = "SIGHUP", "stopping"),
    }
    Ok(())
}
