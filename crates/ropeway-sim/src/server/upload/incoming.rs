//! The body of a request, as the server takes it.

use std::time::Duration;

use futures_util::StreamExt as _;
use http::Method;
use ropeway_drivers::TransportBody;

use super::{
    FOR_EVER, SimServer,
    answer::Answer,
    receiver::{Answering, Course, Keeping},
};

/// A request whose body is taken.
pub(super) struct Incoming {
    pub(super) method: Method,
    pub(super) session: usize,
    /// Number of the request.
    pub(super) number: u64,
    pub(super) length: u64,
    pub(super) course: Course,
}

impl Incoming {
    /// Acceptance of all bytes that come, where some do.
    pub(super) fn is_taken_whole(&self) -> bool {
        self.length > 0 && self.course.most >= self.length
    }
}

/// Bytes on their way into a session; what is there when the client goes is settled then.
struct Taking<'a> {
    server: &'a SimServer,
    endpoint: &'a str,
    incoming: &'a Incoming,
    came: u64,
    /// What is not taken over yet.
    gathered: Vec<u8>,
    is_over: bool,
}

impl SimServer {
    /// Takes a body; `None` where the connection breaks before the answer.
    pub(super) async fn take_body(
        &self,
        endpoint: &str,
        incoming: Incoming,
        mut body: TransportBody,
    ) -> Option<Answer> {
        let mut taking =
            Taking { server: self, endpoint, incoming: &incoming, came: 0, gathered: Vec::new(), is_over: false };
        let speed = self.target(endpoint, |target| target.receiver.speed);
        while taking.came < incoming.course.cut {
            let Some(Ok(chunk)) = body.next().await else { break };
            self.world.stay_on().await;
            self.check_shown();
            let left = usize::try_from(incoming.course.cut - taking.came).unwrap_or(usize::MAX);
            let chunk = chunk.slice(..chunk.len().min(left));
            tokio::time::sleep(Duration::from_micros(chunk.len() as u64 * 1_000_000 / speed)).await;
            self.world.stay_on().await;
            taking.take(&chunk);
        }
        if taking.came == incoming.course.cut || taking.came < incoming.length {
            self.world.note(format_args!("{endpoint}: cut behind {} bytes", taking.came));
            return None;
        }
        taking.finish();
        drop(body);
        match incoming.course.answering {
            Answering::Comes => Some(self.target(endpoint, |target| target.answer(&incoming))),
            Answering::Lost => {
                self.world.note(format_args!("{endpoint}: the answer is lost"));
                None
            }
            Answering::Silent => {
                tokio::time::sleep(FOR_EVER).await;
                None
            }
        }
    }
}

impl Taking<'_> {
    fn take(&mut self, chunk: &[u8]) {
        let &Incoming { course, session, number, .. } = self.incoming;
        let room = usize::try_from(course.most.saturating_sub(self.came)).unwrap_or(usize::MAX);
        self.came += chunk.len() as u64;
        let kept = &chunk[..chunk.len().min(room)];
        let now = self.server.world.now();
        self.server.target(self.endpoint, |target| {
            target.received += chunk.len() as u64;
            if course.keeping == Keeping::AsItComes {
                target.sessions[session].append(number, kept, now);
            }
        });
        if course.keeping != Keeping::AsItComes {
            self.gathered.extend_from_slice(kept);
        }
    }

    /// The last byte has come.
    fn finish(&mut self) {
        let (now, &Incoming { session, number, .. }) = (self.server.world.now(), self.incoming);
        self.is_over = true;
        self.server.target(self.endpoint, |target| {
            target.sessions[session].append(number, &self.gathered, now);
            target.took(session, true);
        });
    }
}

impl Drop for Taking<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        let (now, &Incoming { course, session, number, .. }) = (self.server.world.now(), self.incoming);
        let gathered = std::mem::take(&mut self.gathered);
        self.server.target(self.endpoint, |target| {
            if let Keeping::Late(milliseconds) = course.keeping {
                target.sessions[session].append_late(number, gathered, now, now + milliseconds);
            }
            target.took(session, false);
        });
    }
}
