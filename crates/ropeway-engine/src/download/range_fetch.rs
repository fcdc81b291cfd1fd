//! A range of a remote file, fetched outside of a download's own workers: to compare it, or to mend it.

use futures_util::StreamExt as _;
use ropeway_drivers::{Context, Driver, DriverError, Turn};
use ropeway_flow::{disk::DiskError, throttle::Throttle};
use ropeway_model::{ByteRange, SafeUrl, Validator};

use super::worker_error::LONGEST_SILENCE;
use crate::{
    attempt::Stop,
    hosts::{Hosts, RetryAfter},
};

/// Requests for one range; a server that sends less than this part of it at a time is no help.
const MOST_REQUESTS: u32 = 8;

/// Where to ask.
pub(crate) struct RangeSource<'a> {
    pub(crate) context: &'a Context,
    pub(crate) driver: &'a dyn Driver,
    pub(crate) url: &'a SafeUrl,
    pub(crate) throttle: &'a Throttle,
    /// Who knows whether the server asked to be left alone. `None` where the user asked for this request.
    pub(crate) hosts: Option<&'a Hosts>,
}

/// Why a range did not come.
#[derive(Debug)]
pub(crate) enum RangeError {
    /// The network or the server; [`DriverError::RangeIgnored`] where it serves no ranges.
    Driver(DriverError),
    /// A file could not be read or written.
    Disk(DiskError),
    /// The server asked not to be asked now.
    RetryAfter(RetryAfter),
}

impl From<DriverError> for RangeError {
    fn from(error: DriverError) -> Self {
        Self::Driver(error)
    }
}

impl From<DiskError> for RangeError {
    fn from(error: DiskError) -> Self {
        Self::Disk(error)
    }
}

impl From<RangeError> for Stop {
    fn from(error: RangeError) -> Self {
        match error {
            RangeError::Driver(error) => error.into(),
            RangeError::Disk(error) => error.into(),
            RangeError::RetryAfter(retry_after) => retry_after.into(),
        }
    }
}

impl RangeSource<'_> {
    fn check_retry_after(&self) -> Result<(), RetryAfter> {
        self.hosts.map_or(Ok(()), |hosts| hosts.check_retry_after(self.url))
    }

    fn record_retry_after(&self, error: DriverError) -> DriverError {
        if let Some(hosts) = self.hosts {
            hosts.record_retry_after(&error);
        }
        error
    }
}

/// Hands all of `range` to `take`, in order, with the offset of each chunk, for as long as it answers `true`, and
/// returns what the server says of the version. `valid` is the version the range must be of, where there is one.
///
/// # Errors
/// [`DriverError::BadResponse`] if the range does not come to its end.
pub(crate) async fn fetch_range(
    source: &RangeSource<'_>,
    range: ByteRange,
    valid: Option<&Validator>,
    mut take: impl FnMut(u64, &[u8]) -> Result<bool, DiskError>,
) -> Result<Option<Validator>, RangeError> {
    let Some(download) = source.driver.download() else { return Ok(None) };
    let canceled = || RangeError::Driver(DriverError::Canceled);
    let silent = |turn| DriverError::Silent { host: source.url.host(), turn, waited_s: LONGEST_SILENCE.as_secs() };
    source.context.cancel.run_until_cancelled(source.throttle.take(range.len())).await.ok_or_else(canceled)?;
    let mut missing = Some(range);
    let mut now = None;
    for _ in 0..MOST_REQUESTS {
        let Some(want) = missing else { break };
        source.check_retry_after().map_err(RangeError::RetryAfter)?;
        let fetched = tokio::time::timeout(LONGEST_SILENCE, download.fetch(source.context, source.url, want, valid));
        let fetched = source.context.cancel.run_until_cancelled(fetched).await;
        let fetched = fetched.ok_or_else(canceled)?.map_err(|_| silent(Turn::Answer))?;
        let mut fetched = fetched.map_err(|error| source.record_retry_after(error))?;
        now.get_or_insert(fetched.validator);
        let mut offset = want.start();
        while let Some(chunk) =
            tokio::time::timeout(LONGEST_SILENCE, fetched.body.next()).await.map_err(|_| silent(Turn::Send))?
        {
            let chunk = chunk?;
            if !take(offset, &chunk)? {
                return Ok(now);
            }
            offset += chunk.len() as u64;
        }
        missing = ByteRange::new(offset, range.end()).ok();
    }
    if missing.is_none() {
        return Ok(now);
    }
    let reason = format!("it sends too little of bytes {range}");
    Err(DriverError::BadResponse { url: source.url.clone(), reason }.into())
}
