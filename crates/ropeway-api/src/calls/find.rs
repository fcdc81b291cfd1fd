//! Which downloads are on the list already.

use std::collections::HashMap;

use ropeway_engine::JobSnapshot;
use ropeway_model::{SafeUrl, Transfer};

use super::{
    curl,
    list::{self, Entry},
};
use crate::{
    command::{Found, FoundJob, JobFind},
    core::Core,
    error::ApiError,
};

/// The downloads on the list from the addresses of these entries. An entry that is no address is none's.
pub(super) fn find(core: &Core, params: &JobFind) -> Result<Found, ApiError> {
    let entries: Vec<Option<Entry>> = if curl::is_command(&params.text) {
        curl::parse(&params.text)?.into_iter().map(Some).collect()
    } else {
        list::entries(&params.text).map(Result::ok).collect()
    };
    let mut lines: HashMap<SafeUrl, u32> = HashMap::new();
    for (line, entry) in (0..).zip(entries) {
        let address = entry.and_then(|entry| entry.addresses.first()?.parse().ok());
        if let Some(address) = address {
            lines.entry(address).or_insert(line);
        }
    }
    let ids = core.engine.downloads_from(&lines.keys().cloned().collect());
    let jobs = core.engine.jobs_of(&ids);
    let line_of = |job: &JobSnapshot| match &job.spec.transfer {
        Transfer::Download { from, .. } => lines.get(from).copied(),
        Transfer::Upload { .. } => None,
    };
    let found = jobs.iter().filter_map(|job| Some(FoundJob { line: line_of(job)?, id: job.id.row() }));
    let mut found: Vec<FoundJob> = found.collect();
    found.sort_by_key(|found| (found.line, found.id));
    Ok(Found { found })
}
