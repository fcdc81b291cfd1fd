//! Finished files for the browser: a ticket for the token, and the file for the ticket.
//!
//! A browser saves what a link leads to, and a link ends up in its history: so no link holds the token. The page shows
//! the token in a header and gets a link that works once, for a minute.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::HeaderMap;
use parking_lot::Mutex;
use ropeway_api::{
    error::{ApiCode, ApiError},
    view::{DirectionView, JobDetail, PhaseView},
};
use ropeway_net::visit::Visit;
use serde_json::json;
use tokio::time::Instant;

use crate::{
    refusal::{self, Refusal},
    server::Control,
    token::Token,
};

/// How long a link works: the browser follows it at once.
const LIFETIME: Duration = Duration::from_secs(60);
/// Links at once; the page asks for one at each click.
const MOST_TICKETS: usize = 64;

/// Links that nobody has followed yet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tickets {
    open: Arc<Mutex<HashMap<String, Ticket>>>,
}

#[derive(Debug)]
struct Ticket {
    path: PathBuf,
    name: String,
    ends: Instant,
}

impl Tickets {
    /// A link to the file; `None` if there are too many, or no random numbers.
    fn issue(&self, path: PathBuf, name: String) -> Option<String> {
        let mut open = self.open.lock();
        let now = Instant::now();
        open.retain(|_, ticket| ticket.ends > now);
        if open.len() >= MOST_TICKETS {
            return None;
        }
        let secret = Token::random().ok()?.expose().to_owned();
        open.insert(secret.clone(), Ticket { path, name, ends: now + LIFETIME });
        Some(secret)
    }

    /// What a link leads to, once.
    fn redeem(&self, secret: &str) -> Option<(PathBuf, String)> {
        let mut open = self.open.lock();
        open.remove(secret).filter(|ticket| ticket.ends > Instant::now()).map(|ticket| (ticket.path, ticket.name))
    }
}

/// `POST /files/{job}`: a ticket for a finished download.
pub(crate) async fn ticket(
    State(control): State<Control>,
    Extension(visit): Extension<Arc<Visit>>,
    Path(job): Path<i64>,
    headers: HeaderMap,
) -> Response {
    if let Err(refusal) = control.guard.check_bearer(&headers, &visit).await {
        return refusal.into_response();
    }
    match finished(&control, job).await {
        Ok((path, name)) => match control.tickets.issue(path, name) {
            Some(ticket) => Json(json!({ "ticket": ticket })).into_response(),
            None => Refusal::TooManyTickets.into_response(),
        },
        Err(error) => refusal::of_engine(&error),
    }
}

/// `GET /files/{ticket}`: the file, to be saved.
pub(crate) async fn file(State(control): State<Control>, Path(ticket): Path<String>) -> Response {
    let Some((path, name)) = control.tickets.redeem(&ticket) else { return Refusal::NotFound.into_response() };
    let shown = path.display().to_string();
    match ropeway_net::file::offer(path, name).await {
        Ok(response) => response,
        Err(cause) => {
            tracing::info!(path = shown, %cause, "a finished file cannot be sent");
            Refusal::FileGone.into_response()
        }
    }
}

/// Where a finished download lies, and its name.
async fn finished(control: &Control, id: i64) -> Result<(PathBuf, String), ApiError> {
    let misread = |error: serde_json::Error| ApiError::bad_params(error.to_string());
    let detail = control.engine.call("job_detail", json!({ "id": id })).await?;
    let JobDetail { job, .. } = detail.read().map_err(misread)?;
    match job.path {
        Some(path) if job.direction == DirectionView::Download && job.phase == PhaseView::Completed => {
            Ok((path.into(), job.name))
        }
        _ => {
            let hint = "Wait until the download is complete.";
            Err(ApiError::new(ApiCode::WrongPhase, format!("{} is no finished download", job.name), hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_ticket_works_once_and_not_for_long_and_there_are_never_many() {
        let tickets = Tickets::default();
        let issue = || tickets.issue("/a".into(), "a".to_owned());
        let (first, second) = (issue().unwrap(), issue().unwrap());
        assert_eq!(tickets.redeem(&first), Some(("/a".into(), "a".to_owned())));
        assert_eq!(tickets.redeem(&first), None);
        tokio::time::advance(LIFETIME).await;
        assert_eq!(tickets.redeem(&second), None);
        assert_eq!((0..2 * MOST_TICKETS).filter_map(|_| issue()).count(), MOST_TICKETS);
        tokio::time::advance(LIFETIME).await;
        assert!(issue().is_some());
    }
}
