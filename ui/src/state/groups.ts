import type { JobView } from "../gen/JobView";
import { assertNever } from "../shared/assert_never";

/** The groups of the sidebar. */
export const GROUPS = ["all", "active", "waiting", "paused", "completed", "failed", "attention"] as const;
export type Group = (typeof GROUPS)[number];

/** Rows per group, and per direction. */
export type Counts = Readonly<Record<Group | "download" | "upload", number>>;

export const NO_COUNTS: Counts = {
  all: 0,
  active: 0,
  waiting: 0,
  paused: 0,
  completed: 0,
  failed: 0,
  attention: 0,
  download: 0,
  upload: 0,
};

/** Whether the link was renewed with one of another file: the right one is still asked for. */
export function leadsElsewhere(job: JobView): boolean {
  return job.phase.kind === "failed" && job.phase.failure.code === "RENEWED_LINK_DIFFERS";
}

/** Whether the server asks who the user is, or did not believe it. */
export function needsLogin(job: JobView): boolean {
  return job.direction === "download" && job.phase.kind === "failed" && job.phase.failure.code === "HTTP_UNAUTHORIZED";
}

/** Whether all bytes are here, but are not what the user's checksum says: one of the two has to be put right. */
export function doubtsChecksum(job: JobView): boolean {
  return job.direction === "download" && job.phase.kind === "failed" && job.phase.failure.code === "CHECKSUM_MISMATCH";
}

/** Whether what a job failed for is mended by what only the user knows, and not by trying again. */
function asksUser(job: JobView): boolean {
  return leadsElsewhere(job) || needsLogin(job) || doubtsChecksum(job);
}

/** Whether the last comparison found the file damaged, and nothing that goes on by itself mends it. */
export function isDamaged(job: JobView): boolean {
  if (job.damage === null) return false;
  return job.phase.kind === "completed" || job.phase.kind === "paused" || job.phase.kind === "failed";
}

/** The one group, beside "all", that a job belongs to; a job given up belongs to none. */
export function groupOf(job: JobView): Exclude<Group, "all"> | null {
  if (isDamaged(job)) return "attention";
  switch (job.phase.kind) {
    case "probing":
    case "running":
    case "verifying":
      return "active";
    case "queued":
    case "waiting":
      return "waiting";
    case "paused":
      return "paused";
    case "completed":
      return "completed";
    case "failed":
      return asksUser(job) ? "attention" : "failed";
    case "blocked":
      // Without a network a job goes on by itself; room and a name come from the user.
      return job.phase.by === "network" ? "waiting" : "attention";
    case "link_expired":
      return "attention";
    case "canceled":
      return null;
    default:
      return assertNever(job.phase);
  }
}

/** Counts that can be changed while a batch is applied; the state only ever sees the result. */
export class Tally {
  private readonly counts: Record<keyof Counts, number>;

  constructor(from: Counts) {
    this.counts = { ...from };
  }

  add(job: JobView, by: 1 | -1): void {
    this.counts.all += by;
    this.counts[job.direction] += by;
    const group = groupOf(job);
    if (group !== null) this.counts[group] += by;
  }

  result(): Counts {
    return this.counts;
  }
}
