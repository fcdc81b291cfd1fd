//! New downloads from what a user typed or pasted. Each line becomes a job or a refusal that says why.

use std::path::{Path, PathBuf};

use ropeway_engine::NewJobs;
use ropeway_model::{FailureCode, FileName, SafeUrl, Transfer, Wish};

use super::{curl, metalink, options::Options};
use crate::{
    command::{Added, JobAdd, JobOptions, Refusal},
    core::Core,
    error::{ApiCode, ApiError},
    reply::Reply,
};

/// More lines than this in one request are a mistake such as a pasted log.
const MOST_LINES: usize = 100_000;

/// Adds downloads: one URL a line, or a curl command, or the files of a Metalink.
pub(super) async fn downloads(core: &Core, params: JobAdd) -> Result<Reply, ApiError> {
    let JobAdd { text, folder, name, metalink, options } = params;
    let mut request = Request { folder, name, options, text };
    if curl::is_command(&request.text) {
        request.take_curl()?;
    }
    let settings = core.settings.current();
    let into = absolute(request.folder.as_deref().unwrap_or(&settings.download_folder), "folder")?;
    let options = Options::check(&request.options, &settings)?;
    if let Some(document) = metalink {
        let found = metalink::jobs(&document, &into, &options);
        let (specs, refused) = found.map_or_else(|refusal| (Vec::new(), vec![refusal]), |specs| (specs, Vec::new()));
        if specs.len() > 1 && options.is_for_one_file() {
            return Err(ApiError::bad_params("a checksum or mirrors go with a single file only"));
        }
        return add(core, specs.into(), refused, request.options.paused).await;
    }
    let count = request.lines().count();
    if count == 0 || count > MOST_LINES {
        return Err(ApiError::bad_params(format!("give 1 to {MOST_LINES} addresses, one a line")));
    }
    if count > 1 && (request.name.is_some() || options.is_for_one_file()) {
        return Err(ApiError::bad_params("a name, a checksum or mirrors go with a single address only"));
    }
    let name: Option<FileName> = match request.name.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => Some(name.parse().map_err(|error: ropeway_model::FileNameError| {
            ApiError::new(ApiCode::BadParams, error.to_string(), "Leave out / and control characters.")
        })?),
        None => None,
    };
    let mut jobs = NewJobs::default();
    let mut refused = Vec::new();
    for line in request.lines() {
        match download_url(core, line) {
            Ok(from) if metalink::is_named_so(&from) => match metalink::jobs_behind(core, &from, &into, &options).await
            {
                Ok(found) => jobs.extend(found),
                Err(refusal) => refused.push(refusal),
            },
            Ok(from) => jobs.push(&options.spec(Transfer::Download { from, into: into.clone(), name: name.clone() })),
            Err(refusal) => refused.push(refusal),
        }
    }
    add(core, jobs, refused, request.options.paused).await
}

pub(super) async fn add(core: &Core, jobs: NewJobs, refused: Vec<Refusal>, paused: bool) -> Result<Reply, ApiError> {
    let wish = if paused { Wish::Pause } else { Wish::Run };
    let ids = if jobs.is_empty() { Vec::new() } else { core.engine.add(jobs, wish).await? };
    Reply::with_jobs(&core.engine, &Added { jobs: Vec::new(), refused }, ids)
}

/// What a request for downloads comes down to.
struct Request {
    folder: Option<String>,
    name: Option<String>,
    options: JobOptions,
    /// One address a line.
    text: String,
}

impl Request {
    fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
    }

    fn take_curl(&mut self) -> Result<(), ApiError> {
        let command = curl::parse(&self.text)?;
        // One a line, as they are typed; a line break within one counts for nothing (URL Standard, basic URL parser).
        let lines: Vec<_> = command.urls.iter().map(|url| url.replace(['\r', '\n'], "")).collect();
        self.text = lines.join("\n");
        self.options.headers.extend(command.headers);
        self.name = self.name.take().or(command.name);
        self.options.login = self.options.login.take().or(command.login);
        self.options.proxy = self.options.proxy.take().or(command.proxy);
        Ok(())
    }
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
