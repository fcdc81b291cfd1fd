//! Sending the file in one request.

use ropeway_drivers::{DriverError, Part, Receipt, Session};
use ropeway_model::Digest;

use super::{Task, body::SourcePart, digests::SentDigests, last_bytes::LastBytes};

/// Sends the whole file; whatever breaks off begins anew.
pub(super) async fn send(
    task: &Task<'_>,
    session: &Session,
    last: LastBytes,
) -> Result<(Receipt, Vec<Digest>), DriverError> {
    let _connected = task.attempt.progress.connected();
    let part = Part { offset: 0, length: task.source.stamp.length };
    let digests = SentDigests::new(&task.algorithms());
    let body = SourcePart::new(task.attempt, task.source, part, &digests, Some(last));
    let sent = task.upload.send(task.context, session, part, &body).await?;
    Ok((sent.receipt, digests.take(part.length)))
}
