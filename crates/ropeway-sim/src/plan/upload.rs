//! The uploads of a run, beside its downloads.

use ropeway_model::{Algorithm, ByteRate, JobSpec, Priority, Transfer};
use ropeway_store::JobRow;

use super::{Act, any_acts};
use crate::{
    random::Random,
    server::{Protocol, Receiver},
    source::Source,
};

/// An upload of a run.
#[derive(Clone, Debug)]
pub(crate) struct PlannedUpload {
    /// Where the file goes, or where uploads are created.
    pub(crate) url: String,
    pub(crate) spec: JobSpec,
    pub(crate) source: Source,
    pub(crate) receiver: Receiver,
    /// Stream that its server draws from.
    pub(crate) random: Random,
}

impl PlannedUpload {
    /// Identity of `row` with this job.
    pub(crate) fn is_of(&self, row: &JobRow) -> bool {
        matches!(&row.spec.transfer, Transfer::Upload { from, .. } if *from == self.source.path)
    }
}

/// Any uploads, none in most runs.
pub(super) fn any(random: &mut Random, rough: u64) -> Vec<PlannedUpload> {
    // Where in the thousand they lie is chosen so that the runs which once found something are as they were.
    if !(330..530).contains(&random.within(0..1000)) {
        return Vec::new();
    }
    let count = random.pick(&[1, 1, 2, 3]);
    (0..count).map(|number| any_upload(&mut random.fork(), number, rough)).collect()
}

/// The acts on `uploads`, which are numbered behind `jobs` downloads.
pub(super) fn acts(random: &mut Random, jobs: usize, uploads: usize, rough: u64) -> Vec<(u64, Act)> {
    let acts = if uploads == 0 { Vec::new() } else { any_acts(random, uploads, rough) };
    acts.into_iter().map(|(at, act)| (at, act.behind(jobs))).collect()
}

fn any_upload(random: &mut Random, number: u64, rough: u64) -> PlannedUpload {
    let source = Source::any(random, number, rough);
    let receiver = Receiver::any(random, source.longest());
    // Some go to a server that downloads come from.
    let host = if random.hits(350) { "host-0.test".to_owned() } else { format!("upload-{number}.test") };
    let (url, target) = match receiver.protocol {
        Protocol::Put => (format!("http://{host}/put/{number}.bin"), ""),
        Protocol::Tus => (format!("http://{host}/files-{number}/"), "tus+"),
    };
    let to = format!("{target}{url}").parse().expect("a target");
    let mut spec = JobSpec::new(Transfer::Upload { from: source.path.clone(), to });
    spec.rate_limit = random.hits(150).then(|| random.within(20_000..2_000_000)).and_then(ByteRate::new);
    spec.priority = random.pick(&[Priority::Normal, Priority::Normal, Priority::High, Priority::Low]);
    spec.digest = random.hits(150).then_some(Algorithm::Blake3);
    PlannedUpload { url, spec, source, receiver, random: random.fork() }
}

impl Act {
    /// The same done to a job that is `count` places further.
    fn behind(self, count: usize) -> Self {
        match self {
            Self::Add(job) => Self::Add(count + job),
            Self::Pause(job) => Self::Pause(count + job),
            Self::Resume(job) => Self::Resume(count + job),
            Self::Cancel(job) => Self::Cancel(count + job),
            Self::Remove(job, with_files) => Self::Remove(count + job, with_files),
            Self::Limit(job, limit) => Self::Limit(count + job, limit),
            Self::Urgency(job, priority) => Self::Urgency(count + job, priority),
            Self::MoveToEnd(job) => Self::MoveToEnd(count + job),
            Self::Renew(job) => Self::Renew(count + job),
            Self::Answer(job, choice) => Self::Answer(count + job, choice),
            whole @ (Self::PauseAll | Self::ResumeAll | Self::Suspend(_) | Self::Rules(_)) => whole,
        }
    }
}
