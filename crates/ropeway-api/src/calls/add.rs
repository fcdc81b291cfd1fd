//! New jobs from what a user typed, pasted or dropped. Each line or path becomes a job or a refusal that says why.

use std::path::{Path, PathBuf};

use ropeway_engine::{NewJobs, disk};
use ropeway_model::{FailureCode, FileName, SafeUrl, Transfer, UploadTarget, Wish};

use super::{curl, metalink, options::Options};
use crate::{
    command::{Added, JobAdd, JobOptions, Refusal, UploadAdd},
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

/// Adds uploads of files, and of all files below folders.
pub(super) async fn uploads(core: &Core, params: UploadAdd) -> Result<Reply, ApiError> {
    let settings = core.settings.current();
    let options = Options::check(&params.options, &settings)?;
    let target = target(core, &params).await?;
    let paused = params.options.paused;
    let paths: Vec<PathBuf> = params.paths.iter().map(PathBuf::from).collect();
    let found = tokio::task::spawn_blocking(move || {
        paths.into_iter().map(|path| (disk::files_at(&path), path)).collect::<Vec<_>>()
    });
    let found = found.await.map_err(|panic| ApiError::bad_params(panic.to_string()))?;
    let mut jobs = NewJobs::default();
    let mut refused = Vec::new();
    for (files, path) in found {
        match files {
            _ if !path.is_absolute() => refused.push(refusal(
                &path.display(),
                FailureCode::SourceMissing,
                format!("{} is no absolute path", path.display()),
            )),
            Ok(files) => jobs.extend(files.into_iter().map(|file| {
                let to = target.below(file.folders.iter().map(String::as_str));
                options.spec(Transfer::Upload { from: file.path, to })
            })),
            Err(disk::DiskError::Missing { .. }) => {
                let message = format!("{} does not exist", path.display());
                refused.push(refusal(&path.display(), FailureCode::SourceMissing, message));
            }
            Err(error) => refused.push(refusal(&path.display(), error.code(), error.to_string())),
        }
    }
    if jobs.len() > 1 && options.is_for_one_file() {
        return Err(ApiError::bad_params("a checksum goes with a single file only"));
    }
    add(core, jobs, refused, paused).await
}

async fn add(core: &Core, jobs: NewJobs, refused: Vec<Refusal>, paused: bool) -> Result<Reply, ApiError> {
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
    let from: SafeUrl = line.parse().map_err(|error: ropeway_model::UrlParseError| {
        let ropeway_model::UrlParseError::Malformed { text, .. } = &error;
        refusal(&text, FailureCode::UrlMalformed, error.to_string())
    })?;
    match core.engine.can_download(&from) {
        Ok(()) => Ok(from),
        Err(error) => Err(refusal(&from, error.code(), error.to_string())),
    }
}

async fn target(core: &Core, params: &UploadAdd) -> Result<UploadTarget, ApiError> {
    if let Some(id) = params.target_id {
        let saved = core.engine.targets().await?.into_iter().find(|saved| saved.id.row() == id);
        let hint = "Choose another target.";
        return saved
            .map(|saved| saved.target)
            .ok_or_else(|| ApiError::new(ApiCode::NotFound, format!("there is no target {id}"), hint));
    }
    let address = params.target.as_deref().unwrap_or_default();
    address.parse().map_err(|error: ropeway_model::TargetParseError| {
        ApiError::new(ApiCode::BadParams, error.to_string(), "Write https://host/folder/ or form+https://…#field=file.")
    })
}

fn absolute(text: &str, what: &str) -> Result<PathBuf, ApiError> {
    let path = Path::new(text);
    if path.is_absolute() {
        Ok(path.to_owned())
    } else {
        Err(ApiError::bad_params(format!("the {what} must be an absolute path")))
    }
}

pub(super) fn refusal(input: &dyn std::fmt::Display, code: FailureCode, message: String) -> Refusal {
    Refusal { input: input.to_string(), code: code.code().to_owned(), message, hint: code.hint().text().to_owned() }
}
