//! `ropeway verify`: whether a file is still what came.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use clap::Args;
use ropeway_api::{
    command::{Call, JobNumber},
    error::{ApiCode, ApiError},
    view::{JobDetail, JobView, ProofStage, VerifyReport},
};
use ropeway_engine::Hasher;
use ropeway_model::{Algorithm, Digest, counted};
use serde::Serialize;

use crate::{
    command::{
        checksum::Checksum,
        control::{Running, not_found},
        options::absolute,
    },
    error::CommandError,
    exit::Exit,
    output::{reading::Reading, text::size, to_stdout_as_json},
    terminal::to_stdout,
};

/// Bytes read at a time.
const BUFFER: usize = 256 << 10;
/// How often the progress is looked at: as the window does, but for the eyes at a terminal.
const PERIOD: Duration = Duration::from_millis(250);

/// Tell whether a downloaded file is still as it came, and mend it.
///
/// A file of the queue of the running desktop app or daemon is compared with the block digests that were recorded as it
/// came, finished or not, and its damaged blocks are named. With --checksum any file is compared with that.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Verify {
    /// A file, or a job's number as `ropeway list` shows it
    #[arg(value_name = "FILE|ID")]
    what: String,

    /// Fetch damaged blocks again
    #[arg(long, conflicts_with = "checksum")]
    repair: bool,

    /// Compare the file with this checksum, as sha256:HEX; the algorithm alone prints the file's digest
    #[arg(long, value_name = "ALGO[:HEX]")]
    checksum: Option<Checksum>,

    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  ropeway verify 3
  ropeway verify --repair /data/disk.iso
  ropeway verify --checksum sha256:9f86d0… disk.iso";

/// What a comparison with a checksum found.
#[derive(Debug, Serialize)]
pub(super) struct Compared {
    path: PathBuf,
    digest: String,
    /// `None` where there was nothing to compare with.
    #[serde(skip_serializing_if = "Option::is_none")]
    matches: Option<bool>,
}

impl Compared {
    /// Reads the file.
    ///
    /// # Errors
    /// [`CommandError::File`] if it cannot be read.
    pub(super) async fn of(
        path: PathBuf,
        algorithm: Algorithm,
        expected: Option<&Digest>,
    ) -> Result<Self, CommandError> {
        let unreadable = |cause| CommandError::File { file: path.clone(), cause };
        let digest = watched_digest(&path, algorithm).await.map_err(unreadable)?;
        Ok(Self { matches: expected.map(|expected| *expected == digest), digest: digest.to_string(), path })
    }

    /// The finding in a sentence.
    pub(super) fn sentence(&self) -> String {
        let Self { path, digest, matches } = self;
        match matches {
            None => digest.clone(),
            Some(true) => format!("{} matches {digest}", path.display()),
            Some(false) => format!("{} does not match: its checksum is {digest}", path.display()),
        }
    }

    /// What the command ends with.
    pub(super) fn exit(&self) -> Exit {
        if self.matches == Some(false) { Exit::Failed } else { Exit::Complete }
    }
}

/// The file of a job that is complete, or of an upload.
///
/// # Errors
/// [`CommandError::Call`] if there is no such job, or its file is not there yet.
pub(super) async fn finished_file(running: &Running, id: i64) -> Result<PathBuf, CommandError> {
    let jobs = running.snapshot().await?.jobs;
    let job = jobs.into_iter().find(|job| job.id == id).ok_or_else(|| not_found(id))?;
    let message = format!("job {id} has no file yet");
    let hint = "Wait until it is complete; give a file of that name as ./NUMBER.";
    job.path.map(PathBuf::from).ok_or_else(|| CommandError::Call(ApiError::new(ApiCode::WrongPhase, message, hint)))
}

impl Verify {
    /// Compares, and mends if told to.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        match &self.checksum {
            Some(Checksum::Have(digest)) => self.compare(digest.algorithm(), Some(digest)).await,
            Some(Checksum::Take(algorithm)) => self.compare(*algorithm, None).await,
            None => self.ask().await,
        }
    }

    async fn compare(&self, algorithm: Algorithm, expected: Option<&Digest>) -> Result<Exit, CommandError> {
        let path = match self.what.parse::<i64>() {
            Ok(id) => finished_file(&Running::find().await?, id).await?,
            Err(_) => absolute(Path::new(&self.what))?,
        };
        let compared = Compared::of(path, algorithm, expected).await?;
        if self.json {
            to_stdout_as_json(&compared)?;
        } else {
            to_stdout(&compared.sentence());
        }
        Ok(compared.exit())
    }

    async fn ask(&self) -> Result<Exit, CommandError> {
        let running = Running::find().await?;
        let id = self.job(&running).await?;
        let mut report = self.watched(&running, Call::JobVerify(JobNumber { id }), id).await?;
        let found = report.damaged.len();
        if self.repair && found > 0 {
            report = self.watched(&running, Call::JobRepair(JobNumber { id }), id).await?;
        }
        if self.json {
            to_stdout_as_json(&report)?;
        } else {
            lines(&report, found).iter().map(String::as_str).for_each(to_stdout);
        }
        Ok(if report.damaged.is_empty() { Exit::Complete } else { Exit::Failed })
    }

    /// Carries the call out and shows meanwhile how far the engine is with it.
    async fn watched(&self, running: &Running, call: Call, id: i64) -> Result<VerifyReport, CommandError> {
        let reading = Reading::new(&self.what);
        let mut report = pin!(running.call(call));
        let mut rounds = tokio::time::interval(PERIOD);
        rounds.reset();
        loop {
            tokio::select! {
                report = &mut report => return report,
                _ = rounds.tick(), if reading.is_seen() => {
                    // Only for the eye: what cannot be asked is not shown.
                    let detail = running.call::<JobDetail>(Call::JobDetail(JobNumber { id })).await.ok();
                    if let Some(proof) = detail.and_then(|detail| detail.proof) {
                        reading.show(doing(proof.stage), proof.done, proof.total);
                    }
                }
            }
        }
    }

    /// The job that is meant: by its number, or by its file.
    async fn job(&self, running: &Running) -> Result<i64, CommandError> {
        let jobs = running.snapshot().await?.jobs;
        if let Ok(id) = self.what.parse::<i64>() {
            return if jobs.iter().any(|job| job.id == id) { Ok(id) } else { Err(not_found(id)) };
        }
        let path = absolute(Path::new(&self.what))?;
        jobs.iter().find(|job| is_file_of(job, &path)).map(|job| job.id).ok_or_else(|| {
            let message = format!("no job of the queue has made {}", path.display());
            CommandError::Call(ApiError::new(ApiCode::NotFound, message, "Give its checksum with --checksum."))
        })
    }
}

fn is_file_of(job: &JobView, path: &Path) -> bool {
    let finished = job.path.as_deref().is_some_and(|file| Path::new(file) == path);
    let part = ropeway_engine::part_path(&Path::new(&job.destination).join(&job.name));
    finished || (job.path.is_none() && part == path)
}

/// A sentence, then a line for each damaged block. `found` of them were damaged before a repair.
fn lines(report: &VerifyReport, found: usize) -> Vec<String> {
    let (path, compared) = (&report.path, size(report.compared));
    let first = match (report.damaged.len(), found) {
        (0, 0) => format!("{path}: {compared} are as they came"),
        (0, mended) => format!("{path}: {} mended, {compared} are as they came", damaged_blocks(mended)),
        (left, _) => format!("{path}: {} in {compared}", damaged_blocks(left)),
    };
    let damaged = report.damaged.iter().map(|block| format!("damaged     [{}, {})", block.start, block.end));
    std::iter::once(first).chain(damaged).collect()
}

fn damaged_blocks(count: usize) -> String {
    counted(count, "damaged block")
}

const fn doing(stage: ProofStage) -> &'static str {
    match stage {
        ProofStage::Comparing => "compared",
        ProofStage::Fetching => "fetched again",
    }
}

/// The digest of a file, whose progress is shown as it is read.
async fn watched_digest(path: &Path, algorithm: Algorithm) -> io::Result<Digest> {
    let file = ropeway_files::open(path)?;
    let length = file.metadata()?.len();
    let read = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&read);
    let mut hashed = tokio::task::spawn_blocking(move || digest_of(file, algorithm, &counted));
    let reading = Reading::new(&path.file_name().unwrap_or_default().to_string_lossy());
    let mut rounds = tokio::time::interval(PERIOD);
    rounds.reset();
    loop {
        tokio::select! {
            digest = &mut hashed => return digest.map_err(io::Error::other)?,
            _ = rounds.tick() => reading.show("read", read.load(Relaxed), length),
        }
    }
}

fn digest_of(mut file: File, algorithm: Algorithm, read: &AtomicU64) -> io::Result<Digest> {
    let mut hasher = Hasher::new(algorithm);
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                read.fetch_add(count as u64, Relaxed);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use ropeway_api::view::DamagedBlock;

    use super::*;

    #[test]
    fn damage_is_counted_and_named_and_so_is_its_mending() {
        let mut report = VerifyReport {
            id: 1,
            path: "/d/a".to_owned(),
            block_size: 10,
            compared: 100,
            length: Some(100),
            damaged: vec![DamagedBlock { start: 10, end: 20 }],
        };
        assert_eq!(lines(&report, 1), ["/d/a: 1 damaged block in 100 B", "damaged     [10, 20)"]);
        report.damaged.clear();
        assert_eq!(lines(&report, 1), ["/d/a: 1 damaged block mended, 100 B are as they came"]);
        assert_eq!(lines(&report, 0), ["/d/a: 100 B are as they came"]);
    }
}
