//! What happens in a run: jobs, what their user does, how the processes end. All of it follows from the seed.

mod upload;

use std::path::PathBuf;

use ropeway_engine::{DigestPolicy, Scope, ServerPolicy};
use ropeway_flow::digest::Hasher;
use ropeway_model::{
    Algorithm, ByteRate, ConnectionChoice, Connections, JobSpec, OnConflict, Pieces, Priority, ServerRule, Timestamp,
    Transfer,
};
use ropeway_store::JobRow;

use crate::{
    disk::{FOLDER, Trouble},
    random::Random,
    server::{Ranges, Remote, Version},
    volume::Side,
    world::EPOCH_MS,
};

pub(crate) use upload::PlannedUpload;

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
    /// Gives a job the next of its later links.
    Renew(usize),
    /// Says what becomes of a job whose name is taken.
    Answer(usize, OnConflict),
    /// Other rules for servers.
    Rules(ServerPolicy),
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
    /// What other addresses lead to: mirrors, and links that the user gets later.
    pub(crate) others: Vec<Other>,
    /// The links that the user gets later, the last of which leads to the file and stays.
    pub(crate) links: Vec<String>,
    /// Before this many milliseconds it is not to start by itself.
    pub(crate) starts: u64,
}

/// What another address of a job leads to.
#[derive(Clone, Debug)]
pub(crate) struct Other {
    pub(crate) url: String,
    pub(crate) remote: Remote,
    pub(crate) random: Random,
}

impl PlannedJob {
    /// Everything that any of its addresses leads to.
    pub(crate) fn versions(&self) -> impl Iterator<Item = &Version> {
        self.others.iter().map(|other| &other.remote).chain([&self.remote]).flat_map(|remote| &remote.versions)
    }

    /// Its addresses.
    pub(crate) fn urls(&self) -> impl Iterator<Item = &str> {
        self.others.iter().map(|other| other.url.as_str()).chain([self.url.as_str()])
    }

    /// Whether `row` is this job, under whichever of its links.
    pub(crate) fn is_of(&self, row: &JobRow) -> bool {
        match &row.spec.transfer {
            Transfer::Download { from, .. } => {
                let from = from.expose().as_str();
                from == self.url || self.links.iter().any(|link| link == from)
            }
            Transfer::Upload { .. } => false,
        }
    }

    /// Whether bytes of several servers may lie side by side until digests tell which are wrong.
    pub(crate) fn is_proved_in_the_end(&self) -> bool {
        !self.spec.mirrors.is_empty() && self.spec.checksum.is_some()
    }
}

/// What happens in a run.
#[derive(Debug)]
pub(crate) struct Plan {
    /// For so many milliseconds things break.
    pub(crate) rough: u64,
    pub(crate) jobs: Vec<PlannedJob>,
    /// Numbered behind the jobs.
    pub(crate) uploads: Vec<PlannedUpload>,
    /// What the user does and when, in order.
    pub(crate) acts: Vec<(u64, Act)>,
    pub(crate) ends: Vec<(When, How)>,
    pub(crate) running_jobs: usize,
    pub(crate) scope: Scope,
    pub(crate) servers: ServerPolicy,
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
        // Of a queue that lives for one command there is nobody to do anything about its jobs.
        let scope = if random.hits(100) { Scope::Once } else { Scope::Queue };
        let acts = any_acts(random, jobs.len(), rough);
        let mut plan = Self {
            rough,
            uploads: Vec::new(),
            acts: if scope == Scope::Queue { acts } else { Vec::new() },
            scope,
            servers: if random.hits(200) { any_policy(random) } else { ServerPolicy::default() },
            ends: any_ends(random),
            running_jobs: random.pick(&[1, 2, 3]),
            digests: random.pick(&[DigestPolicy::EveryFile, DigestPolicy::WhereGiven, DigestPolicy::WhereGiven]),
            users_files: (0..jobs.len()).filter_map(|number| taken(random, number)).collect(),
            trouble: Trouble::any(random, rough),
            jobs,
        };
        plan.add_uploads(&mut random.fork());
        plan
    }

    /// Adds uploads: what was drawn before stays as it was.
    fn add_uploads(&mut self, random: &mut Random) {
        self.uploads = upload::any(random, self.rough);
        let acts = upload::acts(random, self.jobs.len(), self.uploads.len(), self.rough);
        if self.scope == Scope::Queue {
            self.acts.extend(acts);
            self.acts.sort_by_key(|(at, _)| *at);
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
        random.hits(700).then(|| random.pick(&[1, 2, 3, 4, 8])).and_then(|count| ConnectionChoice::number(count).ok());
    spec.rate_limit = random.hits(100).then(|| random.within(20_000..2_000_000)).and_then(ByteRate::new);
    spec.on_conflict = random.pick(&[
        OnConflict::Rename,
        OnConflict::Rename,
        OnConflict::Rename,
        OnConflict::Overwrite,
        OnConflict::Fail,
        OnConflict::Ask,
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
    let own = random.fork();
    let mut job =
        PlannedJob { url, spec, remote, given, random: own, others: Vec::new(), links: Vec::new(), starts: 0 };
    let mut more = random.fork();
    if job.remote.versions.len() == 1 && more.hits(200) {
        add_mirrors(&mut more, &mut job, number);
    } else if job.remote.versions.len() == 1 && job.remote.is_told_apart() && more.hits(150) {
        expire(&mut more, &mut job, number, rough);
    }
    if more.hits(100) {
        job.starts = more.within(0..rough * 2);
        job.spec.start_at = Some(Timestamp::from_unix_ms(i64::try_from(EPOCH_MS + job.starts).unwrap_or(i64::MAX)));
    }
    job
}

/// Other servers have the file, or one that they take for it.
fn add_mirrors(random: &mut Random, job: &mut PlannedJob, number: usize) {
    // With wrong bytes of several servers, digests tell in the end, and the queue claims what came until then.
    job.remote.manner.mixes = false;
    for mirror in 0..random.pick(&[1, 1, 2]) {
        let url = format!("http://mirror-{number}-{mirror}.test/{}", name(number));
        // One that says it is the same version can be told by a digest alone.
        let remote = match random.within(0..10) {
            0 | 1 => job.remote.mistaken(random, number as u64, job.given == Given::Right),
            2 => job.remote.mistaken(random, number as u64, false),
            _ => job.remote.mirrored(random),
        };
        let mut remote = remote;
        (remote.manner.mixes, remote.manner.leads) = (false, false);
        job.spec.mirrors.push(url.parse().expect("an address"));
        job.others.push(Other { url, remote, random: random.fork() });
    }
    if job.given == Given::Right && random.hits(400) {
        let length = random.pick(&[16 << 10, 100_000, 1 << 20]);
        let pieces = job.remote.versions[0].bytes.chunks(usize::try_from(length).unwrap_or(usize::MAX));
        let digest = |piece: &[u8]| {
            let mut hasher = Hasher::new(Algorithm::Sha256);
            hasher.update(piece);
            hasher.finish()
        };
        job.spec.pieces = Some(Pieces { length, digests: pieces.map(digest).collect() });
    }
}

/// The link expires, and the user gets others: sometimes first one to another file.
fn expire(random: &mut Random, job: &mut PlannedJob, number: usize, rough: u64) {
    job.remote.manner.expires = Some((random.within(0..rough), random.pick(&[401, 403, 404, 410])));
    job.remote.manner.is_once = false;
    let is_wrong_first = random.hits(250);
    let right = job.remote.mirrored(random);
    let wrong = is_wrong_first.then(|| job.remote.mistaken(random, number as u64, false));
    for (at, mut remote) in wrong.into_iter().chain([right]).enumerate() {
        remote.manner.expires = None;
        (remote.manner.mixes, remote.manner.leads) = (false, false);
        // A server that serves no ranges cannot show that it has the same file.
        remote.manner.ranges = Ranges::Serves;
        let url = format!("http://link-{number}-{at}.test/{}", name(number));
        job.links.push(url.clone());
        job.others.push(Other { url, remote, random: random.fork() });
    }
}

/// Rules that hold for servers.
fn any_policy(random: &mut Random) -> ServerPolicy {
    let connections = |random: &mut Random| Connections::new(random.pick(&[1, 2, 4, 16])).expect("it is within bounds");
    let rule = |random: &mut Random| ServerRule {
        host: "host-0.test".parse().expect("a host"),
        connections: random.hits(500).then(|| connections(random)),
        running_jobs: random.hits(300).then(|| random.pick(&[1, 2])),
        limit: random.hits(400).then(|| random.within(50_000..4_000_000)).and_then(ByteRate::new),
    };
    let rules = if random.hits(500) { vec![rule(random)] } else { Vec::new() };
    ServerPolicy { connections: connections(random), rules }
}

fn any_acts(random: &mut Random, jobs: usize, rough: u64) -> Vec<(u64, Act)> {
    let mut acts: Vec<_> = (0..jobs).map(|job| (random.within(0..rough / 4), Act::Add(job))).collect();
    for _ in 0..random.within(0..10) {
        let job = usize::try_from(random.within(0..jobs as u64)).unwrap_or(0);
        let act = match random.within(0..26) {
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
            21 => Act::Suspend(random.within(1_000..4_000_000)),
            22 => Act::Renew(job),
            23 => Act::Answer(job, random.pick(&[OnConflict::Rename, OnConflict::Overwrite])),
            _ => Act::Rules(any_policy(random)),
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
