//! Metalinks (RFC 5854) as jobs: one for each file, with all its addresses and digests.

use std::path::Path;

use ropeway_engine::metalink::{self, LARGEST_DOCUMENT, MetalinkError, MetalinkFile};
use ropeway_model::{FailureCode, JobSpec, SafeUrl, Transfer};

use super::{add::refusal, options::Options};
use crate::{command::Refusal, core::Core};

/// Whether an address names a Metalink by its ending.
pub(super) fn is_named_so(url: &SafeUrl) -> bool {
    let path = url.expose().path().to_ascii_lowercase();
    path.ends_with(".meta4") || path.ends_with(".metalink")
}

/// The jobs of a document.
pub(super) fn jobs(text: &str, into: &Path, options: &Options) -> Result<Vec<JobSpec>, Refusal> {
    let files = parsed(text, &"Metalink")?;
    Ok(files.into_iter().filter_map(|file| job(file, into, options)).collect())
}

fn parsed(text: &str, input: &dyn std::fmt::Display) -> Result<Vec<MetalinkFile>, Refusal> {
    let refused = |error: MetalinkError| refusal(input, FailureCode::UnexpectedContent, error.to_string());
    metalink::parse(text).map_err(refused)
}

/// The jobs of the document behind `from`.
pub(super) async fn jobs_behind(
    core: &Core,
    from: &SafeUrl,
    into: &Path,
    options: &Options,
) -> Result<Vec<JobSpec>, Refusal> {
    let (network, headers) = options.reach();
    let read = core.engine.read_document(from, network, headers, LARGEST_DOCUMENT).await;
    let bytes = read.map_err(|failure| refusal(from, failure.code, failure.message))?;
    let no_text = |_| refusal(from, FailureCode::UnexpectedContent, format!("{from} is no text"));
    let text = String::from_utf8(bytes).map_err(no_text)?;
    let mut jobs = Vec::new();
    for mut file in parsed(&text, from)? {
        let mut urls = Vec::new();
        for url in std::mem::take(&mut file.urls) {
            if core.engine.may_name(from, &url).await {
                urls.push(url);
            }
        }
        let name = file.name.clone();
        let near = || format!("{from} names only addresses of this machine or its network for {name}");
        file.urls = urls;
        jobs.push(job(file, into, options).ok_or_else(|| refusal(from, FailureCode::RedirectRefused, near()))?);
    }
    Ok(jobs)
}

fn job(file: MetalinkFile, into: &Path, options: &Options) -> Option<JobSpec> {
    let into = file.folders.iter().fold(into.to_owned(), |folder, name| folder.join(name.as_str()));
    let mut urls = file.urls.into_iter();
    let transfer = Transfer::Download { from: urls.next()?, into, name: Some(file.name) };
    let mut spec = options.spec(transfer);
    spec.mirrors.splice(0..0, urls);
    spec.checksum = spec.checksum.or(file.digest);
    spec.pieces = file.pieces;
    Some(spec)
}
