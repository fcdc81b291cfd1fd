//! Pass of one answer. It is asked for, held against what was handed on, and handed on.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use ropeway_drivers::{ByteStream, Context, Download, DriverError};
use ropeway_flow::throttle::Throttle;
use ropeway_model::{ByteRange, Validation};
use tokio::{io::AsyncWriteExt as _, time::Instant};

use super::{
    Broken, Sent, Sink, Streamed,
    sent::{Again, Source},
    way::{Ask, How},
};
use crate::{
    attempt::{self, Stop},
    download::{
        mirrors::pieces,
        page, proof,
        worker_error::{self, LONGEST_SILENCE, WorkerError},
    },
    hosts::{HostKey, Outcome},
};

/// An answer whose head fits what was handed on.
struct Answer {
    body: ByteStream,
    again: Again,
    /// What it is of, once what comes again has shown it.
    source: Source,
}

impl Streamed<'_> {
    /// One answer, from where the last one stopped or from the file's beginning.
    pub(super) async fn pass(&self, ask: &Ask, sent: &mut Sent, sink: Sink<'_>) -> Result<(), Broken> {
        let core = self.core;
        let host = HostKey::of(&ask.url);
        let _permit = self.unless_stilled(core.hosts.permit(&host)).await?;
        core.hosts.check_retry_after(&ask.url)?;
        let server = core.server_bucket(host.as_str());
        let throttle = Throttle::new(Arc::clone(&self.bucket), server, Arc::clone(&core.downloads));
        let context = Context {
            pace: throttle.tightest(),
            cookies: Arc::clone(&self.cookies),
            gate: Some(Arc::new(core.hosts.redirect_guard(host.clone()))),
            ..attempt::context(core, self.spec, core.stopping.child_token())
        };
        let asked = Instant::now();
        let answer = self.unless_stilled(self.open(&context, ask, sent)).await??;
        let latency = Some(asked.elapsed());
        core.hosts.report(&HostKey::of(&answer.source.url), Outcome::Answered { latency });
        self.hand_on(answer, ask, sent, sink, &throttle).await
    }

    async fn open(&self, context: &Context, ask: &Ask, sent: &mut Sent) -> Result<Answer, Broken> {
        let driver = self.core.drivers.for_download(&ask.url)?;
        let unsupported = || DriverError::SchemeUnsupported { scheme: ask.url.expose().scheme().to_owned() };
        let download = driver.download().ok_or_else(unsupported)?;
        match &sent.source {
            Some(source) if ask.how != How::Whole => {
                let source = source.clone();
                self.open_rest(context, download, ask, sent, source).await
            }
            _ => self.open_whole(context, download, ask, sent).await,
        }
    }

    /// Asks for what is missing, and for the last bytes before it.
    async fn open_rest(
        &self,
        context: &Context,
        download: &dyn Download,
        ask: &Ask,
        sent: &mut Sent,
        had: Source,
    ) -> Result<Answer, Broken> {
        let start = sent.tail_start();
        let want = sent.length.and_then(|length| ByteRange::new(start, length).ok());
        let want = want.unwrap_or(ByteRange::from_start(start));
        let valid = Some(&had.validator).filter(|_| ask.how == How::Rest);
        let fetched = tokio::time::timeout(LONGEST_SILENCE, download.fetch(context, &ask.url, want, valid)).await;
        let fetched = fetched.map_err(|_| self.silent(ask, LONGEST_SILENCE))?;
        let fetched = fetched.map_err(|error| match self.noted(ask, error) {
            DriverError::RangeIgnored { .. } | DriverError::RangeUnsatisfiable { .. } => {
                sent.refuses_ranges = true;
                Broken::Unranged
            }
            // Another tag may be another server's for the same bytes: all of them tell.
            DriverError::RemoteChanged { .. } => Broken::Unranged,
            other => other.into(),
        })?;
        if had.validator.compare(&fetched.validator) == Validation::Changed || !sent.learn(fetched.validator.length) {
            return Err(Broken::Unranged);
        }
        sent.serves_ranges = true;
        let source = Source { given: ask.given.clone(), url: ask.url.clone(), ..had };
        Ok(Answer { body: fetched.body, again: sent.tail(), source })
    }

    /// Asks for the file as anybody would.
    async fn open_whole(
        &self,
        context: &Context,
        download: &dyn Download,
        ask: &Ask,
        sent: &mut Sent,
    ) -> Result<Answer, Broken> {
        let probe = download.probe(context, &ask.url).await.map_err(|error| self.noted(ask, error))?;
        let had = sent.source.as_ref().filter(|_| sent.offset > 0).map(|source| source.name.clone());
        page::refuse_for(self.spec, &ask.url, &probe, had)?;
        if let Some(length) = probe.validator.length {
            proof::has_length(self.spec, length)?;
        }
        pieces::refuse(self.spec, &ask.url, &probe.validator)?;
        if sent.offset == 0 {
            let algorithms = proof::algorithms(self.spec, probe.digest.as_ref(), self.core.digests);
            sent.begin(&algorithms, probe.validator.length);
        } else if !sent.learn(probe.validator.length) {
            return Err(Broken::Differs);
        }
        let source = Source::of(&ask.given, &probe);
        Ok(Answer { body: probe.body, again: sent.prefix(), source })
    }

    /// Hands on what is new of an answer, until the file or the answer is at its end.
    async fn hand_on(
        &self,
        answer: Answer,
        ask: &Ask,
        sent: &mut Sent,
        sink: Sink<'_>,
        throttle: &Throttle,
    ) -> Result<(), Broken> {
        let Answer { mut body, mut again, source } = answer;
        let patience =
            worker_error::patience(&source.validator, sent.serves_ranges || !source.is_made_anew, sent.refuses_ranges);
        let mut source = Some(source);
        loop {
            if again.is_over()
                && let Some(source) = source.take()
            {
                sent.source = Some(source);
            }
            let next = self.unless_stilled(tokio::time::timeout(patience, body.next())).await?;
            let Some(chunk) = next.map_err(|_| self.silent(ask, patience))? else { break };
            let chunk = chunk.map_err(|error| self.noted(ask, error))?;
            let fresh = again.compare(&chunk, sent).ok_or(Broken::Differs)?;
            if fresh.is_empty() {
                continue;
            }
            let end = sent.offset + fresh.len() as u64;
            if sent.length.is_some_and(|length| end > length) {
                return Err(Broken::Differs);
            }
            // Not while it writes: what the sink has taken must be counted.
            self.unless_stilled(throttle.take(fresh.len() as u64)).await?;
            sink.write_all(fresh).await.map_err(Broken::Gone)?;
            sent.take(fresh);
            self.progress.add_moved(fresh.len() as u64);
            (self.told)(sent.offset, sent.length);
            if sent.is_complete() {
                return Ok(());
            }
        }
        match sent.length {
            // It is shorter than what was handed on.
            _ if !again.is_over() => Err(Broken::Differs),
            Some(length) if sent.offset < length => Err(Broken::Short),
            _ => Ok(()),
        }
    }

    /// Takes note of what an error tells of its server.
    fn noted(&self, ask: &Ask, error: DriverError) -> DriverError {
        self.core.hosts.record_retry_after(&error);
        let at = error.host().map_or_else(|| HostKey::of(&ask.url), |host| HostKey::new(&host));
        if let Some(outcome) = Outcome::of(&error) {
            self.core.hosts.report(&at, outcome);
        }
        error
    }

    fn silent(&self, ask: &Ask, waited: Duration) -> Stop {
        self.core.hosts.report(&HostKey::of(&ask.url), Outcome::Broken);
        WorkerError::Silent(waited).into_stop(&ask.url)
    }
}
