//! Metalinks (RFC 5854) as jobs: one for each file, with all its addresses and digests.

use std::path::Path;

use ropeway_engine::metalink::{self, LARGEST_DOCUMENT, MetalinkError, MetalinkFile};
use ropeway_model::{Digest, FailureCode, JobSpec, SafeUrl, Transfer};

use super::{add::refusal, options::Options};
use crate::{command::Refusal, core::Core};

/// Whether an address names a Metalink by its ending.
pub(super) fn is_named_so(url: &SafeUrl) -> bool {
    let path = url.expose().path().to_ascii_lowercase();
    path.ends_with(".meta4") || path.ends_with(".metalink")
}

/// The jobs of a document of this machine. Whatever servers it names, its user has typed none of them.
pub(super) fn jobs(text: &str, into: &Path, options: &Options) -> Result<Vec<JobSpec>, Refusal> {
    let files = parsed(text, &"Metalink")?;
    if options.hold_secrets() {
        tracing::warn!("the login and the headers are sent to nobody: the servers stand in a document");
    }
    Ok(files.into_iter().filter_map(|file| job(file, None, into, options)).collect())
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
    let network = options.network();
    let read = core.engine.read_document(from, network, options.headers(), LARGEST_DOCUMENT).await;
    let bytes = read.map_err(|failure| refusal(from, failure.code, failure.message))?;
    let no_text = |_| refusal(from, FailureCode::UnexpectedContent, format!("{from} is no text"));
    let text = String::from_utf8(bytes).map_err(no_text)?;
    let mut jobs = Vec::new();
    for mut file in parsed(&text, from)? {
        let mut urls = Vec::new();
        for url in std::mem::take(&mut file.urls) {
            if core.engine.may_name(from, &url, network).await {
                urls.push(url);
            }
        }
        let name = file.name.clone();
        let unsafe_only = || {
            format!(
                "{from} names only addresses of this machine or its network, or such that give the encryption up, for \
                 {name}"
            )
        };
        file.urls = urls;
        let spec = job(file, Some(from), into, options);
        jobs.push(spec.ok_or_else(|| refusal(from, FailureCode::RedirectRefused, unsafe_only()))?);
    }
    Ok(jobs)
}

/// The job of one file of the document that the user typed the address of, if one was typed.
fn job(file: MetalinkFile, typed: Option<&SafeUrl>, into: &Path, options: &Options) -> Option<JobSpec> {
    let named_folders = u8::try_from(file.folders.len()).unwrap_or(u8::MAX);
    let into = file.folders.iter().fold(into.to_owned(), |folder, name| folder.join(name.as_str()));
    let mut urls = file.urls.into_iter();
    let transfer = Transfer::Download { from: urls.next()?, into, name: Some(file.name) };
    let mut spec = options.spec_of_document(transfer, typed);
    spec.named_folders = named_folders;
    spec.mirrors.splice(0..0, urls);
    // The user's word beside the document's: the file must have both.
    let given: Vec<Digest> = spec.checksums().cloned().collect();
    spec.set_checksums(given.iter().cloned().chain(file.digests.into_iter().filter(|digest| !given.contains(digest))));
    spec.pieces = file.pieces;
    spec.length = file.size;
    Some(spec)
}
