//! A plain line per finished job, for logs and pipes.

use ropeway_api::view::DirectionView;

use crate::{
    output::{
        Output, failure,
        text::{mean_rate, plain, rate, size, verification},
        to_stdout,
    },
    run::End,
};

/// One line per finished job on stdout, failures on stderr.
pub(crate) struct Lines;

impl Output for Lines {
    fn ended(&mut self, end: &End) {
        match finished_line(end) {
            Some(line) => to_stdout(&line),
            None => failure::report(end),
        }
    }
}

/// What to say of a complete job; `None` if it is not complete.
pub(crate) fn finished_line(end: &End) -> Option<String> {
    if !end.is_complete() {
        return None;
    }
    let job = &end.job;
    let what = match job.direction {
        DirectionView::Download => format!("saved {}", plain(job.path.as_deref().unwrap_or(&job.name))),
        DirectionView::Upload => format!("sent {} to {}", plain(&job.source), plain(&end.url())),
    };
    let bytes = job.progress.moved;
    let speed = mean_rate(bytes, end.took).map(|mean| format!(" at {}", rate(mean))).unwrap_or_default();
    let digest = job.digest.as_deref().map(|digest| format!(", {digest}")).unwrap_or_default();
    Some(format!("{what}: {}{speed}{digest}, {}", size(bytes), verification(job)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ropeway_api::view::{PhaseView, VerificationView};

    use super::*;
    use crate::run::tests::row;

    #[test]
    fn a_finished_job_is_one_line_with_where_how_much_and_how_sure() {
        let mut job = row(1, PhaseView::Completed, 1 << 20);
        job.digest = Some("sha256:9f86".to_owned());
        job.verification = Some(VerificationView::ChecksumGiven);
        let line = finished_line(&End { job, took: Duration::from_secs(1) }).unwrap();
        assert_eq!(line, "saved /downloads/1.bin: 1.00 MiB at 1.00 MiB/s, sha256:9f86, equal to the checksum given");
    }
}
