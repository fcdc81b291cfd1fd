//! Times to wait that the user of this process chose.

use std::{sync::OnceLock, time::Duration};

use futures_util::StreamExt as _;
use ropeway_model::SafeUrl;

use crate::{ByteStream, DriverError, Turn};

/// Times that the user of this process chose to wait. `None` is the usual one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    /// For a connection to be made.
    pub connect: Option<Duration>,
    /// Longest wait for the next byte of an answer. The first one counts, too, and so does the network's taking the
    /// next byte of a body.
    pub silence: Option<Duration>,
}

static CHOSEN: OnceLock<Patience> = OnceLock::new();

impl Patience {
    /// Holds for everything that this process does from now on. Only the first call counts: connections that are kept open
    /// were made by it.
    pub fn choose(self) {
        let _ = CHOSEN.set(self);
    }

    /// Choice of this process.
    pub(crate) fn chosen() -> Self {
        CHOSEN.get().copied().unwrap_or_default()
    }

    /// The answer to a request, unless it does not begin in time.
    ///
    /// # Errors
    /// [`DriverError::Silent`], and those of the request.
    pub(crate) async fn answer<T>(
        self,
        url: &SafeUrl,
        request: impl Future<Output = Result<T, DriverError>>,
    ) -> Result<T, DriverError> {
        match self.silence {
            None => request.await,
            Some(silence) => {
                tokio::time::timeout(silence, request).await.unwrap_or_else(|_| Err(silent(url, Turn::Answer, silence)))
            }
        }
    }

    /// Body that fails where its next byte does not come in time. Only waiting for it counts.
    pub(crate) fn body(self, url: &SafeUrl, body: ByteStream) -> ByteStream {
        let Some(silence) = self.silence else { return body };
        let url = url.clone();
        Box::pin(futures_util::stream::unfold(Some(body), move |body| {
            let url = url.clone();
            async move {
                let mut body = body?;
                match tokio::time::timeout(silence, body.next()).await {
                    Ok(next) => next.map(|item| (item, Some(body))),
                    Err(_) => Some((Err(silent(&url, Turn::Send, silence)), None)),
                }
            }
        }))
    }
}

fn silent(url: &SafeUrl, turn: Turn, silence: Duration) -> DriverError {
    DriverError::Silent { host: url.host(), turn, waited_s: silence.as_secs() }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::stream;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_what_is_silent_for_longer_than_the_user_waits_fails() {
        let url: SafeUrl = "http://files.example/a".parse().unwrap();
        let after = |seconds: [u64; 2]| -> ByteStream {
            Box::pin(stream::iter(seconds).then(|seconds| async move {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                Ok(Bytes::from_static(b"x"))
            }))
        };
        let patience = Patience { silence: Some(Duration::from_secs(5)), ..Patience::default() };
        for (chosen, seconds, expected) in [
            (patience, [4, 4], ["", ""]),
            (patience, [4, 6], ["", "a connection to files.example brought nothing for 5 s"]),
            (Patience::default(), [4, 600], ["", ""]),
        ] {
            let told = |item: Result<Bytes, DriverError>| item.err().map(|error| error.to_string()).unwrap_or_default();
            let had: Vec<_> = chosen.body(&url, after(seconds)).map(told).collect().await;
            assert_eq!(had, expected, "{seconds:?}");
        }
        let never = std::future::pending::<Result<(), DriverError>>();
        let unanswered = patience.answer(&url, never).await.unwrap_err().to_string();
        assert_eq!(unanswered, "files.example did not answer a request within 5 s");
    }
}
