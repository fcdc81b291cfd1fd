//! Files beside a download that tell its checksum. `NAME.sha256`, `SHA256SUMS` and their likes.

mod candidate;
mod listing;

use std::time::Duration;

use candidate::{Candidate, Content};
use futures_util::{StreamExt as _, stream};
use ropeway_drivers::{Context, Driver};
use ropeway_model::{Digest, JobSpec, SafeUrl, Transfer};
use ropeway_store::Remote;

use crate::{attempt, core::Core};

/// Requests at once: a search must not look like an attack.
const AT_ONCE: usize = 4;
/// The longest wait for one checksum file; nobody waits longer for an offer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes read of one checksum file: the lists of large distributions have some hundred KiB.
const LARGEST: usize = 1 << 20;

/// A checksum that a file beside a download tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChecksumOffer {
    /// Address of that file.
    pub source: SafeUrl,
    /// What it says the file hashes to; `None` for a detached signature, which is only named.
    pub checksum: Option<Digest>,
}

/// Asks the download's own server for checksum files, the surest first.
pub(crate) async fn search(core: &Core, spec: &JobSpec, remote: Option<&Remote>) -> Vec<ChecksumOffer> {
    let Transfer::Download { from, .. } = &spec.transfer else { return Vec::new() };
    let Ok(driver) = core.drivers.for_download(from) else { return Vec::new() };
    let context = attempt::context(core, spec, core.stopping.child_token());
    let names = candidate::names(from, remote.map(|remote| &remote.name));
    let candidates = candidate::beside(from.expose());
    let asked = candidates.into_iter().map(|candidate| ask(core, &context, &*driver, candidate, &names));
    stream::iter(asked).buffered(AT_ONCE).filter_map(std::future::ready).collect().await
}

async fn ask(
    core: &Core,
    context: &Context,
    driver: &dyn Driver,
    candidate: Candidate,
    names: &[String],
) -> Option<ChecksumOffer> {
    let source = SafeUrl::from(candidate.url);
    core.hosts.check_retry_after(&source).ok()?;
    let text = tokio::time::timeout(PATIENCE, read(context, driver, &source)).await.ok()??;
    let text = String::from_utf8_lossy(&text);
    let checksum = match candidate.content {
        Content::Own(algorithm) => Some(listing::of_one(&text, algorithm, names)?),
        Content::List(algorithm) => Some(listing::of_many(&text, algorithm, names)?),
        Content::Signature if listing::is_page(&text) => return None,
        Content::Signature => None,
    };
    Some(ChecksumOffer { source, checksum })
}

/// The checksum file's first bytes, if it is there and of the same origin.
async fn read(context: &Context, driver: &dyn Driver, source: &SafeUrl) -> Option<Vec<u8>> {
    let mut probe = driver.download()?.probe(context, source).await.ok()?;
    if probe.url.expose().origin() != source.expose().origin() {
        return None;
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = probe.body.next().await {
        let chunk = chunk.ok()?;
        let room = LARGEST - bytes.len();
        bytes.extend_from_slice(chunk.get(..room.min(chunk.len()))?);
        if bytes.len() == LARGEST {
            break;
        }
    }
    Some(bytes)
}
