//! Threads for work that blocks: syncing, reading back, hashing.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::task::{JoinError, JoinHandle};

/// Threads, or whoever waits, that carry out work that blocks.
#[derive(Clone, Debug, Default)]
pub enum Blocking {
    /// Threads of their own. No transfer waits for a disk that syncs.
    #[default]
    Threads,
    /// Waiting task, when it first waits. A simulation has one order of events for a seed.
    InTurn(Arc<dyn Delay>),
}

/// Duration of work that is carried out in turn.
pub trait Delay: Send + Sync + fmt::Debug {
    /// Comes before the work and behind it.
    fn pause(&self) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// Work under way; yields what it returned, or that it panicked.
///
/// Work on a thread goes on when this is dropped; work in turn that was not begun never is.
pub struct Pending<T>(Way<T>);

enum Way<T> {
    Thread(JoinHandle<T>),
    InTurn(Pin<Box<dyn Future<Output = T> + Send>>),
}

impl Blocking {
    /// Tells whether work begins before it is waited for.
    pub const fn goes_ahead(&self) -> bool {
        matches!(self, Self::Threads)
    }

    /// Begins `work`.
    pub fn start<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Pending<T> {
        Pending(match self {
            Self::Threads => Way::Thread(tokio::task::spawn_blocking(work)),
            Self::InTurn(delay) => {
                let delay = Arc::clone(delay);
                Way::InTurn(Box::pin(async move {
                    delay.pause().await;
                    let result = work();
                    delay.pause().await;
                    result
                }))
            }
        })
    }

    /// Begins `work` that only reads or writes a page of the cache. In turn it takes no moment: the writes of transfers,
    /// which are the same, take none.
    pub fn start_brief<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Pending<T> {
        match self {
            Self::Threads => self.start(work),
            Self::InTurn(_) => Pending(Way::InTurn(Box::pin(async { work() }))),
        }
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Way::Thread(thread) => Pin::new(thread).poll(context),
            Way::InTurn(work) => Poll::Ready(Ok(ready!(work.as_mut().poll(context)))),
        }
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Pending").finish()
    }
}
