//! Signals that end the process: the first one politely, the second one at once.

use std::{fs, io, process, thread, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use crate::{complaint::SystemRefused, exit::Exit};

/// Enough for waiting, and for ending the process.
const STACK: usize = 256 * 1024;
/// SIGXFSZ, which ends a process that writes beyond its limit of a file's size (`ulimit -f`).
const FILE_TOO_LARGE: i32 = 25;
/// Bit of SIGHUP (1) in the mask of ignored signals.
const HANGUP_BIT: u64 = 1;

/// How long an end takes at most, once it was asked for. The engine gives a disk that does not answer a quarter of a
/// minute, and its queue a few seconds; what does not even come to an end then hangs for good.
const LONGEST_END: Duration = Duration::from_secs(30);

/// Listens for SIGINT, SIGTERM and SIGHUP from its beginning to the end of the process.
///
/// The listener is a thread of its own: it hears the signals, and ends the process, whatever hangs in the others.
#[derive(Debug)]
pub(crate) struct Interruption {
    came: watch::Receiver<bool>,
}

impl Interruption {
    /// Takes the signals over from the system's default of dying at once.
    ///
    /// # Errors
    /// [`SystemRefused`] if a handler cannot be installed.
    pub(crate) fn listen() -> Result<Self, SystemRefused> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut signals = {
            let _inside = runtime.enter();
            Signals::install()?
        };
        let (sender, came) = watch::channel(false);
        let listen = async move {
            signals.next().await;
            sender.send_replace(true);
            // The user asked twice, or something hangs: whatever is not durable by now is fetched again next time.
            drop(tokio::time::timeout(LONGEST_END, signals.next()).await);
            process::exit(Exit::Interrupted as i32);
        };
        let thread = thread::Builder::new().name("ropeway-signals".to_owned()).stack_size(STACK);
        thread.spawn(move || runtime.block_on(listen))?;
        Ok(Self { came })
    }

    /// Returns once the first signal has come.
    pub(crate) async fn came(&self) {
        let mut came = self.came.clone();
        if came.wait_for(|came| *came).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Option<Signal>,
}

impl Signals {
    fn install() -> io::Result<Self> {
        // Once somebody listens, such a write fails instead, and is told as what it is.
        drop(signal(SignalKind::from_raw(FILE_TOO_LARGE))?);
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
