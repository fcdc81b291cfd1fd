//! What has been learned of servers.

use ropeway_engine::ServerSnapshot;

use crate::{
    core::Core,
    view::{ServerView, Servers},
};

pub(super) fn list(core: &Core) -> Servers {
    Servers { servers: core.engine.servers().into_iter().map(view).collect() }
}

fn view(server: ServerSnapshot) -> ServerView {
    let milliseconds = |latency: std::time::Duration| u32::try_from(latency.as_millis()).unwrap_or(u32::MAX);
    ServerView {
        host: server.host,
        connections: u16::try_from(server.connections).unwrap_or(u16::MAX),
        connection_cap: server.profile.connection_cap,
        throughput: server.profile.throughput,
        latency_ms: server.profile.latency.map(milliseconds),
        reliability: server.profile.reliability,
        resting_until_ms: server.rests_until.map(ropeway_model::Timestamp::unix_ms),
    }
}
