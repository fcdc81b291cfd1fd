//! What has been learned of servers, as shells show it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What has been learned of servers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Servers {
    /// One row a server, the most recently used first.
    pub servers: Vec<ServerView>,
}

/// What has been learned of one server within the last day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ServerView {
    /// Host and port.
    pub host: String,
    /// Connections to it now.
    pub connections: u16,
    /// The most it has been seen to bear; `None` while no limit was met.
    pub connection_cap: Option<u16>,
    /// Bytes a second over recent transfers.
    pub throughput: Option<u64>,
    /// Milliseconds from a request to its answer.
    pub latency_ms: Option<u32>,
    /// Share of recent requests that went well, 0 to 1.
    pub reliability: Option<f64>,
    /// Unix time in milliseconds until which no request is sent, because it failed too often.
    pub resting_until_ms: Option<i64>,
}
