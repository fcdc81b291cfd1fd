//! Calls on jobs that exist.

use std::path::Path;

use ropeway_engine::{Change, Removal};
use ropeway_model::{ByteRate, Connections, Digest, JobId, SafeUrl, Timestamp, UrlParseError};

use crate::{
    command::{Done, JobAnswer, JobChange, JobRemove, JobRenew, Removed},
    convert,
    core::Core,
    error::{ApiCode, ApiError},
    settings::OnConflictView,
};

pub(super) fn ids(rows: &[i64]) -> Vec<JobId> {
    rows.iter().copied().map(JobId::from_row).collect()
}

pub(super) fn change(params: &JobChange) -> Result<Change, ApiError> {
    let rate_limit = params.rate_limit.map(|limit| limit.map(rate).transpose()).transpose()?;
    let connections = params.connections.map(|count| count.map(connections).transpose()).transpose()?;
    if params.checksum.is_some() && params.ids.len() != 1 {
        return Err(ApiError::bad_params("a checksum is of one file: name one job"));
    }
    let digest = |text: &String| text.trim().parse::<Digest>().map_err(|error| ApiError::bad_params(error.to_string()));
    let checksum = params.checksum.as_ref().map(|text| text.as_ref().map(digest).transpose()).transpose()?;
    Ok(Change {
        rate_limit,
        connections,
        priority: params.priority.map(Into::into),
        start_at: params.start_at_ms.map(|start| start.map(Timestamp::from_unix_ms)),
        checksum,
    })
}

pub(super) fn rate(bytes: u64) -> Result<ByteRate, ApiError> {
    ByteRate::new(bytes).ok_or_else(|| ApiError::bad_params("a limit is at least one byte a second"))
}

pub(super) fn connections(count: u8) -> Result<Connections, ApiError> {
    Connections::new(count).map_err(|error| ApiError::bad_params(error.to_string()))
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

pub(super) async fn reveal(core: &Core, id: i64) -> Result<Done, ApiError> {
    let job = convert::job(&core.engine.job(JobId::from_row(id))?);
    let Some(path) = job.path else {
        let message = format!("{} is not finished yet", job.name);
        return Err(ApiError::new(ApiCode::WrongPhase, message, "Wait until the download is complete."));
    };
    core.host.reveal(Path::new(&path)).await?;
    Ok(Done { changed: 0 })
}
