//! The control API of the window or the daemon, as any other program on this machine may use it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{process::Process, run::Interrupt};

/// How long a window may take to come up on a slow machine.
const START: Duration = Duration::from_secs(60);

/// How long one call may take; the API answers in milliseconds.
const CALL: Duration = Duration::from_secs(10);

/// What a running Ropeway says about how to reach it.
#[derive(Deserialize)]
struct Endpoint {
    url: String,
    token: String,
}

/// A way to a running Ropeway.
pub(super) struct Control {
    agent: ureq::Agent,
    endpoint: Endpoint,
}

/// A row of the queue; the part of it that the demo shows.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Job {
    pub(super) id: i64,
    pub(super) direction: Direction,
    pub(super) name: String,
    pub(super) phase: Phase,
    pub(super) progress: Progress,
    pub(super) created_ms: i64,
    pub(super) finished_ms: Option<i64>,
    pub(super) digest: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Direction {
    Download,
    Upload,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Phase {
    pub(super) kind: String,
    pub(super) failure: Option<Failure>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Failure {
    pub(super) code: String,
    pub(super) message: String,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub(super) struct Progress {
    pub(super) length: Option<u64>,
    pub(super) moved: u64,
    pub(super) durable: u64,
    pub(super) rate: u64,
    pub(super) active_connections: u16,
}

impl Job {
    /// Whether nothing more will happen to it.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase.kind.as_str(), "completed" | "failed" | "canceled")
    }

    /// Share of its bytes that has been moved, 0 to 1; 0 while the length is unknown.
    pub(super) fn fraction(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a share to show; the last digits do not matter")]
        self.progress
            .length
            .filter(|length| *length > 0)
            .map_or(0.0, |length| self.progress.moved as f64 / length as f64)
    }
}

#[derive(Deserialize)]
struct Snapshot {
    jobs: Vec<Job>,
    settings: Value,
}

#[derive(Deserialize)]
struct Added {
    jobs: Vec<Job>,
    refused: Vec<Value>,
}

impl Control {
    /// Waits until the program has written how to reach it, and answers.
    pub(super) fn connect(queue: &Path, process: &mut Process, interrupt: &Interrupt) -> Result<Self> {
        let start = Instant::now();
        while start.elapsed() < START {
            if let Some(endpoint) = read_endpoint(queue) {
                let agent = ureq::Agent::new_with_config(
                    ureq::Agent::config_builder()
                        .timeout_global(Some(CALL))
                        .http_status_as_error(false)
                        .proxy(None)
                        .build(),
                );
                let control = Self { agent, endpoint };
                if control.jobs().is_ok() {
                    return Ok(control);
                }
            }
            if !process.is_running() {
                bail!("the {} ended at once; see {}", process.name(), process.log().display());
            }
            if interrupt.asked() {
                bail!("interrupted");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("the {} did not answer within {} s; see {}", process.name(), START.as_secs(), process.log().display())
    }

    /// All rows.
    pub(super) fn jobs(&self) -> Result<Vec<Job>> {
        Ok(self.call::<Snapshot>("snapshot", &json!({}))?.jobs)
    }

    /// Changes some of the settings.
    pub(super) fn settings(&self, changes: &Value) -> Result<()> {
        let mut settings = self.call::<Snapshot>("snapshot", &json!({}))?.settings;
        if let (Some(settings), Some(changes)) = (settings.as_object_mut(), changes.as_object()) {
            settings.extend(changes.clone());
        }
        self.call::<Value>("settings_set", &settings).map(drop)
    }

    /// Adds downloads or uploads.
    ///
    /// # Errors
    /// If one of them was refused.
    pub(super) fn add(&self, call: &str, params: &Value) -> Result<Vec<Job>> {
        let added: Added = self.call(call, params)?;
        match added.refused.first() {
            Some(refusal) => bail!("{call} was refused: {refusal}"),
            None => Ok(added.jobs),
        }
    }

    /// Makes a call that changes jobs.
    pub(super) fn change(&self, call: &str, params: &Value) -> Result<()> {
        self.call::<Value>(call, params).map(drop)
    }

    fn call<T: DeserializeOwned>(&self, call: &str, params: &Value) -> Result<T> {
        let url = format!("{}/rpc", self.endpoint.url.trim_end_matches('/'));
        let mut reply = self
            .agent
            .post(url)
            .header("Authorization", format!("Bearer {}", self.endpoint.token))
            .send_json(json!({ "call": call, "params": params }))
            .with_context(|| format!("{call} got no answer"))?;
        let text = reply.body_mut().read_to_string().with_context(|| format!("{call} got half an answer"))?;
        if !reply.status().is_success() {
            bail!("{call} was refused with {}: {text}", reply.status());
        }
        serde_json::from_str(&text).with_context(|| format!("{call} answered in another shape"))
    }
}

/// The endpoint, which whoever runs a queue leaves in its folder.
fn read_endpoint(queue: &Path) -> Option<Endpoint> {
    serde_json::from_slice(&std::fs::read(queue.join("endpoint.json")).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_of_the_api_is_understood() {
        let row = json!({
            "id": 7, "direction": "upload", "name": "a.bin", "source": "/a.bin", "destination": "http://h/", "host": "h",
            "path": null, "wish": "run", "phase": { "kind": "failed", "failure": {
                "code": "NETWORK_REFUSED", "message": "m", "hint": "h", "can_resume": true } },
            "progress": { "id": 7, "length": 200, "moved": 50, "durable": 0, "rate": 5, "seconds_left": 30,
                "active_connections": 1 },
            "created_ms": 1, "finished_ms": null, "digest": null, "verification": null
        });
        let job: Job = serde_json::from_value(row).unwrap();
        assert!(job.is_over() && (job.fraction() - 0.25).abs() < f64::EPSILON);
        assert_eq!(job.phase.failure.unwrap().code, "NETWORK_REFUSED");
    }

    #[test]
    fn the_share_of_an_unknown_length_is_nothing() {
        let progress = Progress { length: None, moved: 9, ..Progress::default() };
        let phase = Phase { kind: "running".to_owned(), failure: None };
        let job = Job {
            id: 1,
            direction: Direction::Download,
            name: String::new(),
            phase,
            progress,
            created_ms: 0,
            finished_ms: None,
            digest: None,
        };
        assert!(job.fraction().abs() < f64::EPSILON && !job.is_over());
    }

    #[test]
    fn half_an_endpoint_is_none() {
        let queue = tempfile::tempdir().unwrap();
        assert!(read_endpoint(queue.path()).is_none());
        for (text, token) in
            [(r#"{"url":"http://127.0.0.1:1","to"#, None), (r#"{"url":"u","token":"t","pid":1}"#, Some("t"))]
        {
            std::fs::write(queue.path().join("endpoint.json"), text).unwrap();
            assert_eq!(read_endpoint(queue.path()).map(|endpoint| endpoint.token).as_deref(), token);
        }
    }
}
