//! A web page in the place of a file. A login, a captive portal or an expired link that answers with 200. Whatever it
//! says of its version, it is no newer one of the file.

use ropeway_drivers::Probe;
use ropeway_model::{Failure, FailureCode, FileName, JobSpec, Retry, SafeUrl, Transfer};

use crate::attempt::{Attempt, Stop};

/// Refuses the answer of `asked` if it is a page where the job is to have something else: where bytes of a file were that
/// was no page, or where the file's name promises something that no page is.
///
/// # Errors
/// [`Stop::NoFile`]; what is here stays, and a link that works again goes on with it.
pub(super) fn refuse(attempt: &Attempt, asked: &SafeUrl, probe: &Probe) -> Result<(), Stop> {
    let had = attempt.look(|entry| entry.remote.as_ref().map(|remote| remote.name.clone()))?;
    refuse_for(&attempt.spec, asked, probe, had)
}

/// The same for a file that bytes are here of under the name `had`, if any are.
pub(super) fn refuse_for(spec: &JobSpec, asked: &SafeUrl, probe: &Probe, had: Option<FileName>) -> Result<(), Stop> {
    if !probe.is_page {
        return Ok(());
    }
    let given = match &spec.transfer {
        Transfer::Download { name, .. } => name.clone(),
        Transfer::Upload { .. } => None,
    };
    let told = Some(probe.name.clone()).filter(|_| given.is_none());
    // A redirect may lead to a page of any name.
    let wanted = given.unwrap_or_else(|| FileName::from_url(asked.expose()));
    let promised = std::iter::once(wanted).chain(told).find(FileName::is_no_page);
    let Some(name) = had.filter(|name| !name.may_be_page()).or(promised) else { return Ok(()) };
    let message = format!("{} sends a web page or an error message in the place of {name}", probe.url);
    Err(Stop::NoFile { failure: Failure::new(FailureCode::UnexpectedContent, message), retry: Retry::Never })
}
