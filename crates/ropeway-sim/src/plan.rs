//! What happens in a run: jobs, what their user does, how the processes end. All of it follows from the seed.

use std::path::PathBuf;

use ropeway_engine::{DigestPolicy, checksum::Hasher};
use ropeway_model::{Algorithm, ByteRate, Connections, JobSpec, OnConflict, Priority, Transfer};

use crate::{
    disk::{FOLDER, Trouble},
    random::Random,
    server::Remote,
    volume::Side,
};

/// What a user does.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Add(usize),
    Pause(usize),
    Resume(usize),
    Cancel(usize),
    /// Takes it off the list, with its file or without.
    Remove(usize, bool),
    Limit(usize, Option<ByteRate>),
    Urgency(usize, Priority),
    MoveToEnd(usize),
    PauseAll,
    ResumeAll,
    /// The machine sleeps for this many milliseconds.
    Suspend(u64),
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// As it should, to be started again.
    Restart,
    /// Killed: what it wrote stays.
    Kill,
    /// With the machine's power: what it did not sync is gone.
    PowerCut,
}

/// When a process ends.
#[derive(Clone, Copy, Debug)]
pub(crate) enum When {
    /// After this many milliseconds.
    After(u64),
    /// Before the disk operation that comes after so many.
    DiskOperation(u64),
    /// At the commit that comes after so many.
    Commit(u64, Side),
}

/// A checksum that the user gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    Nothing,
    Right,
    Wrong,
}

/// A job of a run.
#[derive(Clone, Debug)]
pub(crate) struct PlannedJob {
    pub(crate) url: String,
    pub(crate) spec: JobSpec,
    pub(crate) remote: Remote,
    pub(crate) given: Given,
    /// What its server draws from.
    pub(crate) random: Random,
}

/// What happens in a run.
#[derive(Debug)]
pub(crate) struct Plan {
    /// For so many milliseconds things break.
    pub(crate) rough: u64,
    pub(crate) jobs: Vec<PlannedJob>,
    /// What the user does and when, in order.
    pub(crate) acts: Vec<(u64, Act)>,
    pub(crate) ends: Vec<(When, How)>,
    pub(crate) running_jobs: usize,
    pub(crate) digests: DigestPolicy,
    /// Files of the user's own that lie in the way.
    pub(crate) users_files: Vec<PathBuf>,
    pub(crate) trouble: Trouble,
}

impl Plan {
    pub(crate) fn any(random: &mut Random) -> Self {
        let rough = random.within(15_000..90_000);
        let count = random.pick(&[1, 1, 2, 2, 3, 4]);
        let jobs: Vec<_> = (0..count).map(|number| any_job(&mut random.fork(), number, rough)).collect();
        let taken =
            |random: &mut Random, number: usize| random.hits(150).then(|| format!("{FOLDER}/{}", name(number)).into());
        Self {
            rough,
            acts: any_acts(random, jobs.len(), rough),
            ends: any_ends(random),
            running_jobs: random.pick(&[1, 2, 3]),
            digests: random.pick(&[DigestPolicy::EveryFile, DigestPolicy::WhereGiven, DigestPolicy::WhereGiven]),
            users_files: (0..jobs.len()).filter_map(|number| taken(random, number)).collect(),
            trouble: Trouble::any(random, rough),
            jobs,
        }
    }
}

/// Jobs 2 and 3 are saved under the names of 0 and 1, so that they get into each other's way.
fn name(number: usize) -> String {
    format!("file-{}.bin", number % 2)
}

fn any_job(random: &mut Random, number: usize, rough: u64) -> PlannedJob {
    let remote = Remote::any(random, number as u64, rough);
    // Some share a server with the first one.
    let host = if random.hits(350) { 0 } else { number };
    let url = format!("http://host-{host}.test/{number}/{}", name(number));
    let from = url.parse().expect("an address");
    let mut spec = JobSpec::new(Transfer::Download { from, into: FOLDER.into(), name: None });
    spec.connections =
        random.hits(700).then(|| random.pick(&[1, 2, 3, 4, 8])).and_then(|count| Connections::new(count).ok());
    spec.rate_limit = random.hits(100).then(|| random.within(20_000..2_000_000)).and_then(ByteRate::new);
    spec.on_conflict = random.pick(&[
        OnConflict::Rename,
        OnConflict::Rename,
        OnConflict::Rename,
        OnConflict::Overwrite,
        OnConflict::Fail,
    ]);
    spec.priority = random.pick(&[Priority::Normal, Priority::Normal, Priority::High, Priority::Low]);
    let given = match random.within(0..20) {
        // What a changing file hashes to at its end is nobody's to know.
        0..4 if remote.versions.len() == 1 => Given::Right,
        4 => Given::Wrong,
        _ => Given::Nothing,
    };
    if given != Given::Nothing {
        let mut hasher = Hasher::new(random.pick(&[Algorithm::Sha256, Algorithm::Blake3, Algorithm::Crc32c]));
        hasher.update(remote.versions[0].bytes);
        if given == Given::Wrong {
            hasher.update(b"!");
        }
        spec.checksum = Some(hasher.finish());
    }
    PlannedJob { url, spec, remote, given, random: random.fork() }
}

fn any_acts(random: &mut Random, jobs: usize, rough: u64) -> Vec<(u64, Act)> {
    let mut acts: Vec<_> = (0..jobs).map(|job| (random.within(0..rough / 4), Act::Add(job))).collect();
    for _ in 0..random.within(0..10) {
        let job = usize::try_from(random.within(0..jobs as u64)).unwrap_or(0);
        let act = match random.within(0..22) {
            0..=4 => Act::Pause(job),
            5..=10 => Act::Resume(job),
            11 => Act::Cancel(job),
            12 => Act::Remove(job, random.hits(500)),
            13 | 14 => {
                Act::Limit(job, random.hits(600).then(|| random.within(20_000..4_000_000)).and_then(ByteRate::new))
            }
            15 => Act::Urgency(job, random.pick(&[Priority::Low, Priority::Normal, Priority::High])),
            16 => Act::MoveToEnd(job),
            17 | 18 => Act::PauseAll,
            19 | 20 => Act::ResumeAll,
            _ => Act::Suspend(random.within(1_000..4_000_000)),
        };
        acts.push((random.within(0..rough), act));
    }
    acts.sort_by_key(|(at, _)| *at);
    acts
}

fn any_ends(random: &mut Random) -> Vec<(When, How)> {
    let any = |random: &mut Random| {
        let when = match random.within(0..10) {
            0..5 => When::After(random.within(0..25_000)),
            5..8 => When::DiskOperation(random.within(0..200)),
            _ => When::Commit(random.within(0..15), random.pick(&[Side::Before, Side::Behind])),
        };
        (when, random.pick(&[How::Restart, How::Kill, How::Kill, How::PowerCut, How::PowerCut, How::PowerCut]))
    };
    (0..random.pick(&[0, 1, 1, 2, 2, 3, 5])).map(|_| any(random)).collect()
}
