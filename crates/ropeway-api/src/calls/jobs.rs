//! Calls on jobs that exist.

use std::path::Path;

use ropeway_engine::{Change, JobSnapshot, Removal};
use ropeway_model::{ByteRate, Digest, JobId, JobSpec, Phase, SafeUrl, Timestamp, Transfer, UrlParseError, Wish};

use crate::{
    command::{Added, Done, FullAddress, JobAnswer, JobChange, JobRemove, JobRenew, Removed},
    convert,
    core::Core,
    error::{ApiCode, ApiError},
    reply::Reply,
    settings::OnConflictView,
};

pub(super) fn ids(rows: &[i64]) -> Vec<JobId> {
    rows.iter().copied().map(JobId::from_row).collect()
}

pub(super) fn change(params: &JobChange) -> Result<Change, ApiError> {
    let rate_limit = params.rate_limit.map(|limit| limit.map(rate).transpose()).transpose()?;
    if params.checksum.is_some() && params.ids.len() != 1 {
        return Err(ApiError::bad_params("a checksum is of one file: name one job"));
    }
    let all = |text: &Option<String>| text.as_deref().map(checksums).transpose().map(Option::unwrap_or_default);
    let checksums = params.checksum.as_ref().map(all).transpose()?;
    Ok(Change {
        rate_limit,
        connections: params.connections,
        priority: params.priority.map(Into::into),
        start_at: params.start_at_ms.map(|start| start.map(Timestamp::from_unix_ms)),
        checksums,
    })
}

/// The digests that a text names, white space between them.
pub(super) fn checksums(text: &str) -> Result<Vec<Digest>, ApiError> {
    let each = |word: &str| word.parse::<Digest>().map_err(|error| ApiError::bad_params(error.to_string()));
    text.split_whitespace().map(each).collect()
}

pub(super) fn rate(bytes: u64) -> Result<ByteRate, ApiError> {
    ByteRate::new(bytes).ok_or_else(|| ApiError::bad_params("a limit is at least one byte a second"))
}

pub(super) async fn remove(core: &Core, params: &JobRemove) -> Result<Removed, ApiError> {
    let Removal { count, kept } = core.engine.remove(&ids(&params.ids), params.delete_files).await?;
    let kept = kept.iter().map(|path| path.to_string_lossy().into_owned()).collect();
    Ok(Removed { changed: count, kept })
}

pub(super) async fn renew(core: &Core, params: JobRenew) -> Result<Done, ApiError> {
    let link: SafeUrl = params.url.parse().map_err(|error: UrlParseError| ApiError::bad_params(error.to_string()))?;
    core.engine.can_download(&link).map_err(|error| ApiError::bad_params(error.to_string()))?;
    core.engine.renew(JobId::from_row(params.id), link).await?;
    Ok(Done { changed: 1 })
}

pub(super) async fn answer(core: &Core, params: JobAnswer) -> Result<Done, ApiError> {
    if params.choice == OnConflictView::Ask {
        return Err(ApiError::bad_params("the answer is rename, overwrite or fail"));
    }
    core.engine.answer(JobId::from_row(params.id), params.choice.into()).await?;
    Ok(Done { changed: 1 })
}

/// Adds jobs with the same wishes as these; what of these was canceled is only in the way then.
pub(super) async fn again(core: &Core, rows: &[i64]) -> Result<Reply, ApiError> {
    let snapshots = rows.iter().map(|row| core.engine.job(JobId::from_row(*row)));
    let had: Vec<JobSnapshot> = snapshots.collect::<Result<_, _>>()?;
    if let Some(job) = had.iter().find(|job| !matches!(job.phase, Phase::Completed | Phase::Canceled)) {
        let message = format!("{} has not come to its end", job.spec.display_name());
        return Err(ApiError::new(ApiCode::WrongPhase, message, "Resume or retry it instead."));
    }
    // Now, and not when it was to be started the first time.
    let specs: Vec<JobSpec> = had.iter().map(|job| JobSpec { start_at: None, ..(*job.spec).clone() }).collect();
    let ids = if specs.is_empty() { Vec::new() } else { core.engine.add(specs, Wish::Run).await? };
    let canceled: Vec<JobId> = had.iter().filter(|job| job.phase == Phase::Canceled).map(|job| job.id).collect();
    core.engine.remove(&canceled, false).await?;
    Reply::with_jobs(&core.engine, &Added::default(), ids)
}

pub(super) fn address(core: &Core, id: i64) -> Result<FullAddress, ApiError> {
    let job = core.engine.job(JobId::from_row(id))?;
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let (source, destination) = match &job.spec.transfer {
        Transfer::Download { from, into, .. } => (from.expose().to_string(), text(into)),
        Transfer::Upload { from, to } => (text(from), String::from(to.clone())),
    };
    let final_url = job.remote.as_ref().map(|remote| remote.url.expose().to_string());
    Ok(FullAddress { source, destination, final_url })
}

pub(super) async fn open(core: &Core, id: i64) -> Result<Done, ApiError> {
    core.host.open(Path::new(&finished_path(core, id)?)).await?;
    Ok(Done { changed: 0 })
}

pub(super) async fn reveal(core: &Core, id: i64) -> Result<Done, ApiError> {
    core.host.reveal(Path::new(&finished_path(core, id)?)).await?;
    Ok(Done { changed: 0 })
}

fn finished_path(core: &Core, id: i64) -> Result<String, ApiError> {
    let job = convert::job(&core.engine.job(JobId::from_row(id))?);
    job.path.ok_or_else(|| {
        let message = format!("{} is not finished yet", job.name);
        ApiError::new(ApiCode::WrongPhase, message, "Wait until the download is complete.")
    })
}
