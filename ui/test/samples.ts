import type { Batch } from "../src/gen/Batch";
import type { Event } from "../src/gen/Event";
import type { JobView } from "../src/gen/JobView";
import type { Snapshot } from "../src/gen/Snapshot";
import { newJob } from "../src/host/mock/jobs";
import { EMPTY_QUEUE } from "../src/state/queue";

/** A job with only what a test cares about changed. */
export function job(id: number, change: Partial<JobView> = {}): JobView {
  return { ...newJob(id, `file-${id}.bin`, "example.org", 1_000 + id), ...change };
}

export function snapshotOf(seq: number, jobs: JobView[]): Snapshot {
  const { totals, settings, host } = EMPTY_QUEUE;
  return { seq, version: "1", jobs, totals, settings, targets: [], host, notices: [] };
}

export function batch(seq: number, ...events: Event[]): Batch {
  return { seq, events };
}

/** Freezes a value and everything it holds, so that a change in place throws. */
export function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) frozen(inner);
    if (value instanceof Map) for (const inner of value.values()) frozen(inner);
  }
  return value;
}
