//! Invariants of uploads after every end of a process.

use ropeway_engine::Scope;
use ropeway_model::{Phase, Wish};
use ropeway_store::JobRow;

use super::{MOST_REQUESTS, Queue, named, promised};
use crate::{plan::PlannedUpload, user::User};

/// An upload may begin anew once for each of these without a setback at its server: it was given up and taken up again, or
/// a process ended before it had recorded the end.
const MOST_BEGUN: u64 = 40;

/// The invariants of uploads that do not hold.
pub(super) fn wrong(user: &User, queue: &Queue) -> Vec<String> {
    let mut wrong = Vec::new();
    for (number, upload) in user.uploads.iter().enumerate() {
        let rows = || queue.rows.iter().filter(|row| upload.is_of(row));
        if user.scope == Scope::Queue {
            wrong.extend(promised(user, user.jobs.len() + number, rows().next()));
        }
        for row in rows() {
            wrong.extend(named(row));
            wrong.extend(acknowledged(user, upload, queue, row));
            if row.phase == Phase::Completed {
                wrong.extend(arrived(user, upload));
            }
        }
        wrong.extend(bounded(user, upload));
    }
    wrong
}

/// U1: what the queue says is acknowledged was.
fn acknowledged(user: &User, upload: &PlannedUpload, queue: &Queue, row: &JobRow) -> Option<String> {
    let saved = queue.uploads.iter().find(|(id, _)| *id == row.id).map(|(_, saved)| saved);
    let said = user.server.acknowledged(&upload.url, saved);
    (row.durable > said)
        .then(|| format!("U1: {} has {} bytes recorded, {said} were acknowledged", upload.url, row.durable))
}

/// U1 and U2: what is completed is at the server, whole, and is what the source was when the last byte came there.
fn arrived(user: &User, upload: &PlannedUpload) -> Option<String> {
    user.server.look(&upload.url, |target| match target.file() {
        None => Some(format!("U1: {} is completed and not at its server", upload.url)),
        Some((bytes, since)) if upload.source.was(bytes, since) => None,
        Some((bytes, _)) => Some(format!("U2: {} has {} bytes of no version of its source", upload.url, bytes.len())),
    })
}

/// U3 and I7: bytes and requests are bounded, however the run went.
fn bounded(user: &User, upload: &PlannedUpload) -> Option<String> {
    user.server.look(&upload.url, |target| {
        let ((came, setbacks), requests) = (target.traffic(), target.requests());
        let most = upload.source.longest() * (1 + setbacks + MOST_BEGUN);
        if requests > MOST_REQUESTS {
            return Some(format!("I7: {} was asked {requests} times", upload.url));
        }
        (came > most).then(|| format!("U3: {} was sent {came} bytes, with {setbacks} setbacks", upload.url))
    })
}

/// Checks the uploads at the end of a run.
pub(super) fn check_end(user: &User, queue: &Queue) {
    for (number, upload) in user.uploads.iter().enumerate() {
        let known = &user.known[user.jobs.len() + number];
        if known.is_removed || known.may_be_removed {
            continue;
        }
        let (phase, wish) = if user.scope == Scope::Once {
            let Some((phase, _)) = &known.last else { continue };
            (phase, Wish::Run)
        } else {
            let Some(row) = queue.rows.iter().find(|row| upload.is_of(row)) else { continue };
            (&row.phase, row.wish)
        };
        let wrong = match (phase, wish) {
            (Phase::Completed, _) => arrived(user, upload),
            (Phase::Canceled, Wish::Cancel) => None,
            _ => Some(format!("I4: {} ends as {phase:?} ({known:?})", upload.url)),
        };
        if let Some(wrong) = wrong {
            user.world.violate(wrong);
        }
    }
}
