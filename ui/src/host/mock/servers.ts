//! What the mock engine has learned of its servers.
import type { JobView } from "../../gen/JobView";
import type { ServerView } from "../../gen/ServerView";

const MB = 1024 * 1024;

/** One row a host, those with connections first. */
export function serversOf(jobs: readonly JobView[], now: number): ServerView[] {
  const hosts = [...new Set(jobs.map(({ host }) => host))].slice(0, 12);
  const servers = hosts.map((host, index): ServerView => {
    const mine = jobs.filter((job) => job.host === host);
    const isResting = mine.some(({ phase }) => phase.kind === "waiting" && phase.attempt > 5);
    return {
      host: host.includes(":") ? host : `${host}:443`,
      connections: mine.reduce((sum, { progress }) => sum + progress.active_connections, 0),
      connection_cap: index % 3 === 1 ? 4 : null,
      throughput: index === 4 ? null : (3.2 + ((index * 7) % 11)) * MB,
      latency_ms: index === 4 ? null : 18 + ((index * 23) % 140),
      reliability: isResting ? 0.12 : index === 4 ? null : 1 - ((index * 3) % 7) / 200,
      resting_until_ms: isResting ? now + 95_000 : null,
    };
  });
  return servers.sort((a, b) => b.connections - a.connections);
}
