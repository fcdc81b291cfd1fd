//! Addresses and servers that asked to be left alone. What is said with `Retry-After` is said of the address that was asked;
//! once several addresses of a server say so, it is the server's word to everybody.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use ropeway_drivers::DriverError;
use ropeway_model::{Failure, FailureCode, Retry, SafeUrl};
use tokio::time::Instant;

use super::{HostKey, Hosts, breaker::SEVERAL};
use crate::attempt::Stop;

/// Nobody is kept from a server for longer by what another one was told: a wrong header must not park a whole server.
const LONGEST_WAIT: Duration = Duration::from_secs(5 * 60);

/// Addresses of one server that are remembered; of more, whoever asks is told anew.
const MOST_ADDRESSES: usize = 1024;

/// An address in few bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Address(u64);

impl Address {
    fn of(url: &SafeUrl) -> Self {
        let mut hasher = DefaultHasher::new();
        url.expose().as_str().hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// `Retry-After` of the addresses of one server.
#[derive(Debug, Default)]
pub(super) struct RetryAfters {
    addresses: HashMap<Address, Instant>,
    /// Different addresses that said so since one was answered well, up to [`SEVERAL`].
    told: Vec<Address>,
    /// No new request to any address before.
    all: Option<Instant>,
}

impl RetryAfters {
    fn add(&mut self, address: Address, until: Instant, now: Instant) {
        if self.addresses.len() >= MOST_ADDRESSES {
            self.addresses.retain(|_, until| *until > now);
        }
        if self.addresses.len() < MOST_ADDRESSES {
            let held = self.addresses.entry(address).or_insert(until);
            *held = until.max(*held);
        }
        if self.told.len() < SEVERAL as usize && !self.told.contains(&address) {
            self.told.push(address);
        }
        if self.told.len() >= SEVERAL as usize {
            self.all = self.all.max(Some(until));
        }
    }

    /// An address was answered well. What others said is no word of the server.
    pub(super) fn succeed(&mut self) {
        self.told.clear();
    }

    /// Nothing is held any more.
    pub(super) fn forgive(&mut self) {
        *self = Self::default();
    }

    /// Until when the whole server is to be left alone, if that is not over.
    pub(super) fn all_until(&self, now: Instant) -> Option<Instant> {
        self.all.filter(|until| *until > now)
    }

    fn until(&self, address: Address, now: Instant) -> Option<Instant> {
        let own = self.addresses.get(&address).copied().filter(|until| *until > now);
        own.max(self.all_until(now))
    }
}

/// A server that asked to be left alone, and for how long from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RetryAfter {
    host: HostKey,
    pub(crate) wait: Duration,
}

impl RetryAfter {
    /// What a job that waits for it shows.
    fn failure(&self) -> Failure {
        // Rounded up: a second too early is too early.
        let seconds = self.wait.as_secs() + u64::from(self.wait.subsec_nanos() > 0);
        Failure::new(FailureCode::RateLimited, format!("{} asked not to be asked for {seconds} s more", self.host))
    }
}

impl From<RetryAfter> for Stop {
    fn from(retry_after: RetryAfter) -> Self {
        Self::Failed {
            failure: retry_after.failure(),
            retry: Retry::After(retry_after.wait),
            at: Some(retry_after.host),
        }
    }
}

impl Hosts {
    /// Checks that a new request may be sent to `url` now.
    ///
    /// # Errors
    /// [`RetryAfter`] while what was said last with `Retry-After`, to whomever, is not over.
    pub(crate) fn check_retry_after(&self, url: &SafeUrl) -> Result<(), RetryAfter> {
        let key = HostKey::of(url);
        let wait = self.with(&key, |host, now| host.retry_afters.until(Address::of(url), now).map(|until| until - now));
        wait.map_or(Ok(()), |wait| Err(RetryAfter { host: key, wait }))
    }

    /// Takes note of a refusal that says when to come back.
    pub(crate) fn record_retry_after(&self, error: &DriverError) {
        if let (DriverError::Status { url, .. }, Retry::After(after)) = (error, error.retry()) {
            let until = |now: Instant| now + after.min(LONGEST_WAIT);
            self.with(&HostKey::of(url), |host, now| host.retry_afters.add(Address::of(url), until(now), now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: usize) -> Address {
        Address::of(&format!("https://files.example/{number}").parse().unwrap())
    }

    #[test]
    fn what_is_over_makes_room_for_another_address() {
        let now = Instant::now();
        let (soon, later) = (now + Duration::from_secs(1), now + Duration::from_secs(9));
        for (is_over, expected) in [(true, Some(later)), (false, None)] {
            let mut retry_afters = RetryAfters::default();
            for number in 0..MOST_ADDRESSES {
                retry_afters.add(address(number), soon, now);
                retry_afters.succeed();
            }
            let at = if is_over { soon } else { now };
            retry_afters.add(address(MOST_ADDRESSES), later, at);
            assert_eq!(retry_afters.until(address(MOST_ADDRESSES), at), expected);
            assert_eq!(retry_afters.until(address(0), at), (!is_over).then_some(soon));
        }
    }
}
