//! Playing a case against a client.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use http::Version;
use rustix::process::Signal;

use super::{
    Client, Outcome, Report, Verdict,
    case::{NAME, Play, Runs},
    ground::Ground,
    judge::judge,
    process::{Ended, Running},
    stage::{Shield, Stage},
};
use crate::{Pattern, TempFolder, namespace::NO_VOLUME};

/// Longest time until the first of two runs has its bytes.
const LONGEST_FIRST: Duration = Duration::from_secs(20);
/// What was sent needs a moment until it is in the client's file.
const SETTLING: Duration = Duration::from_millis(400);

/// Plays a case against `client`, whose program lies at `program`, and judges the end.
pub async fn try_out(play: &Play, client: Client, program: &Path) -> Report {
    if play.is_ours_alone && client != Client::Ropeway {
        return not_applicable();
    }
    let place = Place::new();
    let (first, second) = (play.first.clone(), play.script.clone());
    let runs = play.runs;
    let script = move |request: &_, turn: &_| {
        let turn: &super::stage::Turn = turn;
        if turn.run == 1 && runs != Runs::Once { first(request, turn) } else { second(request, turn) }
    };
    let stage = Stage::open(play.shield, std::sync::Arc::new(script), play.other.clone()).await;
    (play.before)(&place.work());
    for (seed, name) in (1..).zip(play.wish.uploads) {
        let file = place.work().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        Pattern::new(seed).write_file(&file, play.wish.upload_length);
    }
    let mut wish = play.wish.clone();
    if !matches!(play.shield, Shield::None | Shield::Stranger) {
        wish.authority = Some(stage.main.ca_file());
    }
    let url = stage.url(play.path);
    wish.mirror = wish.has_mirror.then(|| stage.other_url(NAME));
    let command = |again| {
        let arguments = client.arguments(&wish, &url, again)?;
        place.command(play, program, &arguments, again)
    };
    if play.runs != Runs::Once {
        let Some(command) = command(false) else { return not_applicable() };
        if !stop_midway(&stage, Running::start(command, place.path()), play).await {
            return not_applicable();
        }
        (play.between)(&place.work());
        stage.next_run();
    }
    let Some(command) = command(play.runs != Runs::Once) else { return not_applicable() };
    let start = Instant::now();
    let ended = Running::start(command, place.path()).wait(play.watch).await;
    if ended.code == Some(NO_VOLUME) {
        return not_applicable();
    }
    let takes_http2 = |request: &crate::peer::Request| request.version == Version::HTTP_2;
    if matches!(play.shield, Shield::Frames | Shield::Http2)
        && client != Client::Ropeway
        && !stage.main.requests().iter().any(takes_http2)
    {
        return not_applicable();
    }
    let outcome = outcome(play, &place, &stage, ended, start.elapsed());
    let (verdict, note) = judge(play, client, &outcome);
    Report { verdict, note, trace: outcome.trace() }
}

fn not_applicable() -> Report {
    Report { verdict: Verdict::NotApplicable, note: String::new(), trace: String::new() }
}

/// Ends the first run at its moment; whether that moment came.
async fn stop_midway(stage: &Stage, mut running: Running, play: &Play) -> bool {
    let (bytes, signal) = match play.runs {
        Runs::Once => return true,
        Runs::Struck(..) => return running.wait(play.watch).await.signal.is_some(),
        Runs::Stopped(bytes) => (bytes, Signal::INT),
        Runs::Killed(bytes) => (bytes, Signal::KILL),
    };
    let sent = || stage.main.requests().iter().map(|request| request.bytes_sent).sum::<u64>() >= bytes;
    if running.wait_until(LONGEST_FIRST, sent).await {
        tokio::time::sleep(SETTLING).await;
    }
    running.stop(signal).await;
    true
}

fn outcome(play: &Play, place: &Place, stage: &Stage, ended: Ended, took: Duration) -> Outcome {
    let (earlier, requests) = stage.requests();
    Outcome {
        code: ended.code,
        has_ended: ended.by_itself && ended.signal.is_none(),
        stdout: ended.stdout,
        stderr: ended.stderr,
        folder: if play.ground.is_copied() { place.copy() } else { place.work() },
        requests,
        earlier,
        elsewhere: stage.other.as_ref().map(crate::Peer::requests).unwrap_or_default(),
        peak_memory: ended.peak_memory,
        took,
    }
}

/// A user's folders, all fresh.
struct Place(TempFolder);

impl Place {
    fn new() -> Self {
        let folder = TempFolder::new();
        for name in ["home", "copy", "outside", "outside/work"] {
            fs::create_dir(folder.join(name)).unwrap();
        }
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Where the client works; its parent belongs to the case too, and nothing may appear there.
    fn work(&self) -> PathBuf {
        self.0.join("outside/work")
    }

    fn copy(&self) -> PathBuf {
        self.0.join("copy")
    }

    fn command(&self, play: &Play, program: &Path, arguments: &[OsString], again: bool) -> Option<Command> {
        let ground = match play.runs {
            Runs::Struck(call, name) if !again => Ground::FailingAt(call, name),
            _ => play.ground,
        };
        let mut command = ground.command(program, arguments, &self.work(), &self.copy())?;
        for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY", "RUST_LOG"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        let home = self.0.join("home");
        command
            .env("LC_ALL", "C")
            .env("HOME", &home)
            .env("XDG_CONFIG_HOME", &home)
            .env("XDG_DATA_HOME", &home)
            .env("ROPEWAY_DATA_DIR", home.join("queue"))
            .env("ROPEWAY_CONFIG_DIR", home.join("settings"))
            .current_dir(self.work());
        Some(command)
    }
}
