//! The story: what happens when, told by how far the jobs are and not by the clock.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Result;
use serde_json::json;

use super::{
    control::{Control, Job},
    display::{Display, bytes},
    files::{INBOX, Load, Train},
};
use crate::{process::Process, shell};

const MIB: u64 = 1 << 20;

/// How long the paused download rests, so that one can see it.
const PAUSE: Duration = Duration::from_secs(2);

/// How long the server is gone: longer than what the kernel has already received lasts at the jobs' limits.
const OUTAGE: Duration = Duration::from_secs(3);

/// The other end: `ropeway serve` on loopback.
pub(super) struct Peer {
    program: PathBuf,
    root: PathBuf,
    log: PathBuf,
    address: String,
    process: Process,
}

impl Peer {
    /// Starts the server on a free port, which it keeps when it is started again.
    pub(super) fn start(program: &Path, root: &Path, log: &Path) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let process = serve(program, root, log, &address)?;
        Ok(Self { program: program.to_owned(), root: root.to_owned(), log: log.to_owned(), address, process })
    }

    fn start_again(&mut self) -> Result<()> {
        self.process = serve(&self.program, &self.root, &self.log, &self.address)?;
        Ok(())
    }

    /// Ends the server.
    pub(super) fn stop(&mut self) {
        self.process.stop();
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }
}

fn serve(program: &Path, root: &Path, log: &Path, address: &str) -> Result<Process> {
    let mut command = shell::command(program);
    Process::start("server", command.arg("serve").arg("--root").arg(root).args(["--bind", address]), log)
}

/// The scenes still to come; each opens when the one before is over and its moment has come.
enum Scene {
    Pause,
    Resume(Instant),
    Faster,
    Cut,
    Back(Instant),
    Again,
    Rest,
}

/// The story so far.
pub(super) struct Scenes {
    scene: Scene,
    image: Option<i64>,
    survey: Option<i64>,
    ledger: Option<i64>,
}

impl Scenes {
    /// Adds all jobs.
    pub(super) fn open(
        control: &Control,
        peer: &Peer,
        downloads: &Path,
        loads: &[Load],
        display: &mut Display,
    ) -> Result<Self> {
        control.settings(&json!({ "download_folder": downloads, "running_jobs": 6, "told_about_tray": true }))?;
        let of = |train: Train| loads.iter().filter(move |load| load.train == train);
        let text = |train: Train| of(train).map(|load| peer.url(&load.name)).collect::<Vec<_>>().join("\n");
        let paths = |train: Train| of(train).map(|load| &load.source).collect::<Vec<_>>();
        let checksum = of(Train::Image).map(|load| format!("sha256:{}", load.sha256)).next();

        // What was added last stands first in the window's list, so the large ones come last.
        let options = json!({ "rate_limit": 512 * 1024, "paused": true });
        let stations = control.add("job_add", &json!({ "text": text(Train::Stations), "options": options }))?;
        display.say("footage.mov goes up by PUT, limited to 10 MiB/s, and ledger.zip as a form");
        let (put, form) = (peer.url(INBOX) + "/", format!("form+{}/#field=file", peer.url(INBOX)));
        let options = json!({ "rate_limit": 6 * MIB });
        let ledger =
            control.add("upload_add", &json!({ "paths": paths(Train::Ledger), "target": form, "options": options }))?;
        let options = json!({ "rate_limit": 10 * MIB });
        control.add("upload_add", &json!({ "paths": paths(Train::Footage), "target": put, "options": options }))?;
        display.say("survey.tar comes down beside them, limited to 6 MiB/s");
        let options = json!({ "rate_limit": 6 * MIB });
        let survey = control.add("job_add", &json!({ "text": text(Train::Survey), "options": options }))?;
        display.say("glacier.img comes down in 8 segments, limited to 16 MiB/s, with its checksum given");
        let options = json!({ "rate_limit": 16 * MIB, "connections": 8, "checksum": checksum });
        let image = control.add("job_add", &json!({ "text": text(Train::Image), "options": options }))?;
        display.say(&format!("{} take the places that are left", Train::Stations.label()));
        let ids: Vec<i64> = stations.iter().map(|job| job.id).collect();
        control.change("job_resume", &json!({ "ids": ids }))?;
        let first = |jobs: &[Job]| jobs.first().map(|job| job.id);
        Ok(Self { scene: Scene::Pause, image: first(&image), survey: first(&survey), ledger: first(&ledger) })
    }

    /// Opens the next scene if its moment has come. Whether the story and every job is over.
    pub(super) fn play(
        &mut self,
        jobs: &[Job],
        control: &Control,
        peer: &mut Peer,
        display: &mut Display,
    ) -> Result<bool> {
        let find = |id: Option<i64>| jobs.iter().find(|job| Some(job.id) == id);
        let fraction = |id: Option<i64>| find(id).map_or(1.0, |job| if job.is_over() { 1.0 } else { job.fraction() });
        let next = match &self.scene {
            Scene::Pause if fraction(self.survey) > 0.15 => {
                display.say("survey.tar is paused for a moment");
                control.change("job_pause", &json!({ "ids": [self.survey] }))?;
                Scene::Resume(Instant::now() + PAUSE)
            }
            Scene::Resume(at) if Instant::now() >= *at => {
                display.say("survey.tar goes on where it was");
                control.change("job_resume", &json!({ "ids": [self.survey] }))?;
                Scene::Faster
            }
            Scene::Faster if fraction(self.image) > 0.35 => {
                display.say("glacier.img may now take 32 MiB/s");
                control.change("job_change", &json!({ "ids": [self.image], "rate_limit": 32 * MIB }))?;
                Scene::Cut
            }
            // A form whose answer is lost is not sent a second time, so the cut waits for it.
            Scene::Cut if fraction(self.image) > 0.55 && fraction(self.ledger) >= 1.0 => {
                display.say("the server is killed in the middle of everything");
                peer.process.kill();
                Scene::Back(Instant::now() + OUTAGE)
            }
            Scene::Back(at) if Instant::now() >= *at => {
                display.say("the server is back; the downloads go on by themselves, the upload starts again");
                peer.start_again()?;
                Scene::Again
            }
            Scene::Again if find(self.image).is_none_or(|job| job.is_over() || job.progress.active_connections > 0) => {
                let there = find(self.image).map_or(0, |job| job.progress.durable);
                display.say(&format!("glacier.img goes on; {} of it were safe on the disk", bytes(there)));
                Scene::Rest
            }
            Scene::Rest => return Ok(jobs.iter().all(Job::is_over)),
            Scene::Pause | Scene::Resume(_) | Scene::Faster | Scene::Cut | Scene::Back(_) | Scene::Again => {
                return Ok(false);
            }
        };
        self.scene = next;
        Ok(false)
    }
}
