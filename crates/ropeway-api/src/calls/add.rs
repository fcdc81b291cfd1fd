//! New downloads from what a user typed or pasted. Each line becomes a job or a refusal that says why.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use ropeway_engine::{KnownDownloads, NewJobs, PipeProgress, Piped};
use ropeway_model::{Failure, FailureCode, FileName, JobId, JobSpec, SafeUrl, Transfer, Wish};
use tokio::io::AsyncWrite;

use super::{
    curl,
    list::{self, BadLine, Entry},
    metalink,
    options::Options,
};
use crate::{
    command::{ALREADY_ADDED, Added, JobAdd, Refusal},
    core::Core,
    error::{ApiCode, ApiError},
    reply::Reply,
    settings::Settings,
};

/// More lines than this in one request are a mistake such as a pasted log.
const MOST_LINES: usize = 100_000;

/// Adds downloads: a list of addresses, or curl commands, or the files of a Metalink.
pub(super) async fn downloads(core: &Core, params: JobAdd) -> Result<Reply, ApiError> {
    let settings = core.settings.current();
    let into = absolute(params.folder.as_deref().unwrap_or(&settings.download_folder), "folder")?;
    let options = Options::check(&params.options, &settings)?;
    if let Some(document) = &params.metalink {
        let found = metalink::jobs(document, &into, &options);
        let (specs, refused) = found.map_or_else(|refusal| (Vec::new(), vec![refusal]), |specs| (specs, Vec::new()));
        if specs.len() > 1 && options.is_for_one_file() {
            return Err(ApiError::bad_params("a checksum or mirrors go with a single file only"));
        }
        return add(core, specs.into(), refused, params.options.paused).await;
    }
    let commands = if curl::is_command(&params.text) { Some(curl::parse(&params.text)?) } else { None };
    let count = commands.as_ref().map_or_else(|| list::entries(&params.text).count(), Vec::len);
    if count == 0 || count > MOST_LINES {
        return Err(ApiError::bad_params(format!("give 1 to {MOST_LINES} addresses, one a line")));
    }
    let name = params.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    if count > 1 && (name.is_some() || options.is_for_one_file()) {
        return Err(ApiError::bad_params("a name, a checksum or mirrors go with a single address only"));
    }
    let request =
        Request { core, settings: &settings, params: &params, into, name: name.map(file_name).transpose()?, options };
    let mut found = Found { known: params.skip_known.then(|| Known::of(core)), ..Found::default() };
    match commands {
        Some(commands) => {
            for entry in commands {
                found.take(core, request.jobs_of(Ok(entry)).await).await;
            }
        }
        None => {
            for entry in list::entries(&params.text) {
                found.take(core, request.jobs_of(entry).await).await;
            }
        }
    }
    let Found { jobs, mut refused, known } = found;
    if let Some(failed) = known.map(|known| known.failed).filter(|failed| !failed.is_empty()) {
        core.engine.resume(&failed).await?;
    }
    if count == 1 && jobs.is_empty() && refused.first().is_some_and(|refusal| refusal.code == BAD_ENTRY) {
        let refusal = refused.remove(0);
        return Err(ApiError::new(ApiCode::BadParams, refusal.message, refusal.hint));
    }
    add(core, jobs, refused, params.options.paused).await
}

/// Fetches the one file of a request to a stream.
///
/// # Errors
/// As the request's, or the download's.
pub(crate) async fn pipe(
    core: &Core,
    params: JobAdd,
    sink: &mut (dyn AsyncWrite + Unpin + Send),
    progress: PipeProgress<'_>,
) -> Result<Piped, Refusal> {
    core.refuse_blocked().map_err(|error| Refusal {
        code: FailureCode::StateFailed.code().to_owned(),
        hint: error.hint,
        ..refused_entry(&params.text, error.message)
    })?;
    let settings = core.settings.current();
    let bad = |error: ApiError| refused_entry(&params.text, error.message);
    let entries: Vec<_> = if curl::is_command(&params.text) {
        curl::parse(&params.text).map_err(bad)?.into_iter().map(Ok).collect()
    } else {
        list::entries(&params.text).collect()
    };
    let options = Options::check(&params.options, &settings).map_err(bad)?;
    let into = PathBuf::from(params.folder.as_deref().unwrap_or(&settings.download_folder));
    let request = Request { core, settings: &settings, params: &params, into, name: None, options };
    let mut found = Vec::new();
    for entry in entries {
        found.extend(request.jobs_of(entry).await?);
    }
    let [spec] = found.as_slice() else {
        let reason = format!("a stream takes one file, and these are {}", found.len());
        return Err(refused_entry(&params.text, reason));
    };
    let failed = |failure: Failure| Refusal {
        input: spec.display_name(),
        code: failure.code.code().to_owned(),
        hint: failure.code.hint().text().to_owned(),
        message: failure.message,
    };
    core.engine.pipe(spec, sink, progress).await.map_err(failed)
}

/// Jobs of a request as they are found.
#[derive(Default)]
struct Found {
    jobs: NewJobs,
    refused: Vec<Refusal>,
    /// What is passed over, if anything.
    known: Option<Known>,
}

impl Found {
    async fn take(&mut self, core: &Core, found: Result<Vec<JobSpec>, Refusal>) {
        match found {
            Ok(specs) => {
                for spec in specs {
                    let refusal = match &mut self.known {
                        Some(known) => known.refusal(core, &spec).await,
                        None => None,
                    };
                    match refusal {
                        Some(refusal) => self.refused.push(refusal),
                        None => self.jobs.push(&spec),
                    }
                }
            }
            Err(refusal) => self.refused.push(refusal),
        }
    }
}

/// Downloads that are not added once more.
struct Known {
    downloads: KnownDownloads,
    /// Those of the same request.
    seen: HashSet<u64>,
    /// Jobs of the list that failed and are asked for again.
    failed: Vec<JobId>,
}

impl Known {
    fn of(core: &Core) -> Self {
        Self { downloads: core.engine.known_downloads(), seen: HashSet::new(), failed: Vec::new() }
    }

    /// Why no job is made for it; `None` where one is.
    async fn refusal(&mut self, core: &Core, spec: &JobSpec) -> Option<Refusal> {
        let Transfer::Download { from, .. } = &spec.transfer else { return None };
        let known = match self.downloads.get(&spec.transfer) {
            Some(known) if core.engine.is_of_use(known).await => Some(known),
            _ => None,
        };
        let message = match known {
            Some(known) if known.has_failed() => {
                self.failed.push(known.id);
                format!("job {} had failed and is tried again", known.id.row())
            }
            Some(known) => format!("it is job {} already", known.id.row()),
            None if !self.seen.insert(KnownDownloads::key(&spec.transfer)) => "it stands in the list twice".to_owned(),
            None => return None,
        };
        let hint = "Add it with --again to fetch it once more.".to_owned();
        Some(Refusal { input: from.to_string(), code: ALREADY_ADDED.to_owned(), message, hint })
    }
}

/// A request for downloads, as far as it holds for all of them.
struct Request<'a> {
    core: &'a Core,
    settings: &'a Settings,
    params: &'a JobAdd,
    into: PathBuf,
    name: Option<FileName>,
    options: Options,
}

impl Request<'_> {
    /// The job of an entry; of a Metalink all of its files'.
    async fn jobs_of(&self, entry: Result<Entry, BadLine>) -> Result<Vec<JobSpec>, Refusal> {
        let entry = entry.map_err(|bad| refused_entry(&bad.address, bad.reason))?;
        let address = entry.addresses.first().map(String::as_str).unwrap_or_default();
        let from = download_url(self.core, address)?;
        let bad = |error: ApiError| refused_entry(address, error.message);
        let own = if entry.has_options() {
            Some(Options::check(&entry.options(&self.params.options), self.settings).map_err(bad)?)
        } else {
            None
        };
        let options = own.as_ref().unwrap_or(&self.options);
        let (into, name) = entry.place(&self.into).map_err(bad)?;
        if has_nul(&into) {
            return Err(refused_entry(address, "a folder has no NUL in its name".to_owned()));
        }
        if metalink::is_named_so(&from) {
            return metalink::jobs_behind(self.core, &from, &into, options).await;
        }
        let name = match name.filter(|_| self.name.is_none()) {
            Some(name) => Some(file_name(name).map_err(bad)?),
            None => self.name.clone(),
        };
        Ok(vec![options.spec(Transfer::Download { from, into, name })])
    }
}

/// The code of an entry whose options cannot be used.
const BAD_ENTRY: &str = "BAD_PARAMS";

/// Refuses an entry of a list for what is said about it.
fn refused_entry(address: &str, message: String) -> Refusal {
    let input = address.parse::<SafeUrl>().map_or_else(|error| error.shown(), |url| url.to_string());
    Refusal { input, code: BAD_ENTRY.to_owned(), message, hint: "Correct the entry and add it again.".to_owned() }
}

fn file_name(name: &str) -> Result<FileName, ApiError> {
    name.parse().map_err(|error: ropeway_model::FileNameError| {
        ApiError::new(ApiCode::BadParams, error.to_string(), "Leave out / and control characters.")
    })
}

pub(super) async fn add(core: &Core, jobs: NewJobs, refused: Vec<Refusal>, paused: bool) -> Result<Reply, ApiError> {
    let wish = if paused { Wish::Pause } else { Wish::Run };
    let ids = if jobs.is_empty() { Vec::new() } else { core.engine.add(jobs, wish).await? };
    Reply::with_jobs(&core.engine, &Added { jobs: Vec::new(), refused }, ids)
}

fn download_url(core: &Core, line: &str) -> Result<SafeUrl, Refusal> {
    let from: SafeUrl = line
        .parse()
        .map_err(|error: ropeway_model::UrlParseError| refusal(&error.shown(), error.code(), error.to_string()))?;
    match core.engine.can_download(&from) {
        Ok(()) => Ok(from),
        Err(error) => Err(refusal(&from, error.code(), error.to_string())),
    }
}

/// Whether a path has an octet that no name has on any system.
pub(super) fn has_nul(path: &Path) -> bool {
    path.as_os_str().as_encoded_bytes().contains(&0)
}

fn absolute(text: &str, what: &str) -> Result<PathBuf, ApiError> {
    let path = Path::new(text);
    if path.is_absolute() && !has_nul(path) {
        Ok(path.to_owned())
    } else {
        Err(ApiError::bad_params(format!("the {what} must be an absolute path without a NUL")))
    }
}

pub(super) fn refusal(input: &dyn std::fmt::Display, code: FailureCode, message: String) -> Refusal {
    Refusal { input: input.to_string(), code: code.code().to_owned(), message, hint: code.hint().text().to_owned() }
}
