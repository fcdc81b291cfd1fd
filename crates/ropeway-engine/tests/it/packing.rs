//! Servers that make a file for whoever asks, as folders are packed: to ask again is to let them begin again.

use std::{
    fmt, fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Response, header::RANGE};
use ropeway_drivers::{DriverError, Transport, TransportBody};
use ropeway_engine::Scope;
use ropeway_model::{PhaseKind, SafeUrl};

use crate::still::{Still, all};

const URL: &str = "https://packs.example/folder.zip";
/// What comes before the silence, and behind it.
const HALVES: [&[u8]; 2] = [&[b'a'; 300_000], &[b'b'; 300_000]];

/// A server that says nothing of what it packs and always sends all of it, silent for a while in the middle.
struct Packs {
    /// Silences of its answers; the last one is that of all further ones.
    silences: Vec<Duration>,
    /// Whether each request was for a range.
    asked: Mutex<Vec<bool>>,
}

impl Packs {
    fn new(silences: &[u64]) -> Arc<Self> {
        let silences = silences.iter().map(|seconds| Duration::from_secs(*seconds)).collect();
        Arc::new(Self { silences, asked: Mutex::default() })
    }
}

impl fmt::Debug for Packs {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Packs").finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl Transport for Packs {
    async fn get(&self, _url: &SafeUrl, fields: HeaderMap) -> Result<Response<TransportBody>, DriverError> {
        let number = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(fields.contains_key(RANGE));
            asked.len()
        };
        let silence = self.silences[number.min(self.silences.len()) - 1];
        let halves = stream::iter(HALVES.into_iter().enumerate()).then(move |(half, bytes)| async move {
            if half == 1 {
                tokio::time::sleep(silence).await;
            }
            Ok(Bytes::from_static(bytes))
        });
        let body: TransportBody = Box::pin(halves);
        Ok(Response::builder().status(200).header("Content-Type", "application/zip").body(body).unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_made_for_whoever_asks_is_waited_for_and_asked_for_once() {
    for (silences, expected) in [(&[280][..], 1), (&[900, 280], 2), (&[900, 900, 900, 0], 4)] {
        let packs = Packs::new(silences);
        let still = Still::new(Scope::Queue, &packs).await;
        still.add(vec![still.spec(URL)]).await;
        still.until(all(PhaseKind::Completed)).await;
        assert_eq!(fs::read(still.file("folder.zip")).unwrap(), HALVES.concat());
        assert_eq!(*packs.asked.lock().unwrap(), vec![false; expected], "{silences:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_into_a_pipe_waits_for_such_a_file_and_asks_once_as_well() {
    for (silences, expected) in [(&[280][..], 1), (&[900, 280], 2)] {
        let packs = Packs::new(silences);
        let still = Still::new(Scope::Once, &packs).await;
        let mut sink = Vec::new();
        still.engine.pipe(&still.spec(URL), &mut sink, &|_, _| {}).await.unwrap();
        assert_eq!(sink, HALVES.concat());
        assert_eq!(*packs.asked.lock().unwrap(), vec![false; expected], "{silences:?}");
    }
}
