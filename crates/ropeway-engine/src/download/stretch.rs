//! A stretch of a remote file, fetched outside of a download's own workers: to compare it, or to mend it.

use futures_util::StreamExt as _;
use ropeway_drivers::{Context, Driver, DriverError, Turn};
use ropeway_flow::{disk::DiskError, throttle::Throttle};
use ropeway_model::{ByteRange, SafeUrl, Validator};

use super::trouble::LONGEST_SILENCE;
use crate::{
    attempt::Stop,
    hosts::{Held, Hosts},
};

/// Requests for one stretch; a server that sends less than this part of it at a time is no help.
const MOST_REQUESTS: u32 = 8;

/// Where to ask.
pub(crate) struct Place<'a> {
    pub(crate) context: &'a Context,
    pub(crate) driver: &'a dyn Driver,
    pub(crate) url: &'a SafeUrl,
    pub(crate) throttle: &'a Throttle,
    /// Who knows whether the server asked to be left alone; `None` where the user asked for this request.
    pub(crate) hosts: Option<&'a Hosts>,
}

/// Why a stretch did not come.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The network or the server; [`DriverError::RangeIgnored`] where it serves no ranges.
    Driver(DriverError),
    /// A file could not be read or written.
    Disk(DiskError),
    /// The server asked not to be asked now.
    Held(Held),
}

impl From<DriverError> for Trouble {
    fn from(error: DriverError) -> Self {
        Self::Driver(error)
    }
}

impl From<DiskError> for Trouble {
    fn from(error: DiskError) -> Self {
        Self::Disk(error)
    }
}

impl From<Trouble> for Stop {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Driver(error) => error.into(),
            Trouble::Disk(error) => error.into(),
            Trouble::Held(held) => held.into(),
        }
    }
}

impl Place<'_> {
    fn welcome(&self) -> Result<(), Held> {
        self.hosts.map_or(Ok(()), |hosts| hosts.welcome(self.url))
    }

    fn heed(&self, error: DriverError) -> DriverError {
        if let Some(hosts) = self.hosts {
            hosts.heed(&error);
        }
        error
    }
}

/// Hands all of `stretch` to `take`, in order, with the offset of each chunk, for as long as it answers `true`, and
/// returns what the server says of the version. `valid` is the version the stretch must be of, where there is one.
///
/// # Errors
/// [`DriverError::BadResponse`] if the stretch does not come to its end.
pub(crate) async fn fetch(
    place: &Place<'_>,
    stretch: ByteRange,
    valid: Option<&Validator>,
    mut take: impl FnMut(u64, &[u8]) -> Result<bool, DiskError>,
) -> Result<Option<Validator>, Trouble> {
    let Some(download) = place.driver.download() else { return Ok(None) };
    let canceled = || Trouble::Driver(DriverError::Canceled);
    let silent = |turn| DriverError::Silent { host: place.url.host(), turn, waited_s: LONGEST_SILENCE.as_secs() };
    place.context.cancel.run_until_cancelled(place.throttle.take(stretch.len())).await.ok_or_else(canceled)?;
    let mut missing = Some(stretch);
    let mut now = None;
    for _ in 0..MOST_REQUESTS {
        let Some(want) = missing else { break };
        place.welcome().map_err(Trouble::Held)?;
        let fetched = tokio::time::timeout(LONGEST_SILENCE, download.fetch(place.context, place.url, want, valid));
        let fetched = place.context.cancel.run_until_cancelled(fetched).await;
        let fetched = fetched.ok_or_else(canceled)?.map_err(|_| silent(Turn::Answer))?;
        let mut fetched = fetched.map_err(|error| place.heed(error))?;
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
        missing = ByteRange::new(offset, stretch.end()).ok();
    }
    if missing.is_none() {
        return Ok(now);
    }
    let reason = format!("it sends too little of bytes {stretch}");
    Err(DriverError::BadResponse { url: place.url.clone(), reason }.into())
}
