//! A download to a stream: standard output, a pipe, a device.

use std::{
    fs::{File, OpenOptions},
    io,
    os::{fd::AsFd as _, unix::fs::FileTypeExt as _},
    path::{Path, PathBuf},
    pin::Pin,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use ropeway_api::command::{JobAdd, Refusal};
use serde::Serialize;
use tokio::io::AsyncWrite;

use super::OwnQueue;
use crate::{
    error::CommandError,
    exit::Exit,
    output::{
        Amount, interrupted_stream,
        json::INTERRUPTED,
        reading::Reading,
        refuse,
        text::{mean_rate, rate, size},
    },
    terminal::{plain, to_stderr},
};

/// How often the progress is looked at.
const PERIOD: Duration = Duration::from_millis(250);
/// Names of standard output.
const STDOUT: [&str; 4] = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];

/// Something that takes bytes in order and gives none back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Stdout,
    /// A pipe or device with a name.
    Path(PathBuf),
}

/// What a script is told.
#[derive(Serialize)]
struct Told<'a> {
    event: &'static str,
    bytes: u64,
    seconds: f64,
    digest: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

impl Told<'_> {
    /// One object, beside what people read.
    fn print(&self) {
        to_stderr(&serde_json::to_string(self).unwrap_or_default());
    }
}

impl Stream {
    /// The stream that a path names; `None` where it names a file, a folder, or nothing yet.
    pub(crate) fn named(path: &Path) -> Option<Self> {
        if STDOUT.iter().any(|stdout| path.as_os_str() == *stdout) {
            return Some(Self::Stdout);
        }
        let kind = path.metadata().ok()?.file_type();
        (kind.is_fifo() || kind.is_char_device()).then(|| Self::Path(path.to_owned()))
    }

    async fn open(&self) -> io::Result<Pin<Box<dyn AsyncWrite + Send>>> {
        let Self::Path(path) = self else {
            let stdout = io::stdout().as_fd().try_clone_to_owned()?;
            return Ok(Box::pin(tokio::fs::File::from_std(stdout.into())));
        };
        let path = path.clone();
        // A pipe opens once somebody reads from it.
        let opened =
            tokio::task::spawn_blocking(move || -> io::Result<File> { OpenOptions::new().write(true).open(path) });
        let file = opened.await.map_err(io::Error::other)??;
        Ok(Box::pin(tokio::fs::File::from_std(file)))
    }
}

impl OwnQueue {
    /// Fetches one file to a stream. What is told goes to stderr: the stream may be standard output.
    ///
    /// # Errors
    /// [`CommandError::File`] if the stream cannot be opened.
    pub(crate) async fn pipe(self, params: JobAdd, stream: Stream, amount: Amount) -> Result<Exit, CommandError> {
        let (began, moved) = (Instant::now(), AtomicU64::new(0));
        let exit = tokio::select! {
            exit = self.run_pipe(params, &stream, amount, &moved) => exit,
            () = self.interruption().came() => {
                interrupted_stream();
                if amount.json {
                    unfinished(&moved, began, INTERRUPTED, "a signal stopped it; a stream keeps nothing");
                }
                Ok(Exit::Interrupted)
            }
        };
        self.close().await;
        exit
    }

    async fn run_pipe(
        &self,
        params: JobAdd,
        stream: &Stream,
        amount: Amount,
        moved: &AtomicU64,
    ) -> Result<Exit, CommandError> {
        let file = |cause| CommandError::File { file: stream_path(stream), cause };
        let mut sink = stream.open().await.map_err(file)?;
        let length = AtomicU64::new(0);
        let progress = |now: u64, of: Option<u64>| {
            moved.store(now, Relaxed);
            length.store(of.unwrap_or(now), Relaxed);
        };
        let (began, reading) = (Instant::now(), Reading::new(params.text.rsplit('/').next().unwrap_or_default()));
        let mut rounds = tokio::time::interval(PERIOD);
        rounds.reset();
        let mut is_told = amount.quiet || amount.json;
        let piped = {
            let mut piping = std::pin::pin!(self.api().pipe(params, &mut sink, &progress));
            loop {
                tokio::select! {
                    piped = &mut piping => break piped,
                    _ = rounds.tick() => {
                        self.tell_of_schedule(&mut is_told, &mut |text| to_stderr(text));
                        if reading.is_seen() && !amount.quiet {
                            reading.show("handed on", moved.load(Relaxed), length.load(Relaxed));
                        }
                    }
                }
            }
        };
        drop(reading);
        let piped = match piped {
            Ok(piped) => piped,
            Err(refusal) => {
                refuse(&refusal);
                if amount.json {
                    unfinished(moved, began, &refusal.code, &refusal.message);
                }
                return Ok(exit_of(&refusal));
            }
        };
        let (took, digest) = (began.elapsed(), piped.digest.as_ref().map(ToString::to_string));
        if amount.json {
            let (bytes, seconds) = (piped.length, took.as_secs_f64());
            let digest = digest.as_deref();
            Told { event: "result", bytes, seconds, digest, code: None, message: None }.print();
        } else if !amount.quiet {
            let speed = mean_rate(piped.length, took).map(|mean| format!(" at {}", rate(mean))).unwrap_or_default();
            let digest = digest.map(|digest| format!(", {digest}")).unwrap_or_default();
            let shown = stream_path(stream);
            to_stderr(&format!("wrote {}{speed} to {}{digest}", size(piped.length), plain(&shown.to_string_lossy())));
        }
        Ok(Exit::Complete)
    }
}

/// Tells a script of a stream that is not complete.
fn unfinished(moved: &AtomicU64, began: Instant, code: &str, message: &str) {
    let (bytes, seconds) = (moved.load(Relaxed), began.elapsed().as_secs_f64());
    Told { event: "result", bytes, seconds, digest: None, code: Some(code), message: Some(message) }.print();
}

fn stream_path(stream: &Stream) -> PathBuf {
    match stream {
        Stream::Stdout => PathBuf::from("standard output"),
        Stream::Path(path) => path.clone(),
    }
}

fn exit_of(refusal: &Refusal) -> Exit {
    if refusal.code == "BAD_PARAMS" { Exit::BadUsage } else { Exit::of_refusal(refusal) }
}
