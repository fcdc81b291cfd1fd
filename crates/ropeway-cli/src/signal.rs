//! Signals that end the process: the first one politely, the second one at once.

use std::{fs, io, process};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    task::JoinHandle,
};

use crate::exit::Exit;

/// Bit of SIGHUP (1) in the mask of ignored signals.
const HANGUP_BIT: u64 = 1;

/// Listens for SIGINT, SIGTERM and SIGHUP while it lives.
#[derive(Debug)]
pub(crate) struct Interruption {
    came: watch::Receiver<bool>,
    listener: JoinHandle<()>,
}

impl Interruption {
    /// Takes the signals over from the system's default of dying at once.
    ///
    /// # Errors
    /// What the system says if a handler cannot be installed.
    pub(crate) fn listen() -> io::Result<Self> {
        let mut signals = Signals::install()?;
        let (sender, came) = watch::channel(false);
        let listener = tokio::spawn(async move {
            signals.next().await;
            sender.send_replace(true);
            signals.next().await;
            // The user asked twice: whatever is not durable by now is fetched again next time.
            process::exit(Exit::Interrupted as i32);
        });
        Ok(Self { came, listener })
    }

    /// Returns once the first signal has come.
    pub(crate) async fn came(&self) {
        let mut came = self.came.clone();
        if came.wait_for(|came| *came).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Interruption {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    fn install() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            // `nohup ropeway …` outlives its terminal.
            hangup: if hangup_is_ignored() { None } else { Some(signal(SignalKind::hangup())?) },
        })
    }

    async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }
}

/// Whether whoever started this process told it to ignore SIGHUP. Linux says so in `/proc`; elsewhere it is not known.
fn hangup_is_ignored() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hangup(&status))
}

fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & HANGUP_BIT != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nohup_is_seen_in_the_mask_of_ignored_signals() {
        assert!(ignores_hangup("Name:\tropeway\nSigIgn:\t0000000000001001\n"));
        assert!(!ignores_hangup("Name:\tropeway\nSigIgn:\t0000000000001000\n"));
        assert!(!ignores_hangup(""));
    }
}
