import type { Batch } from "../gen/Batch";
import type { QueueState } from "../state/queue";

/** What ended in a batch: names of jobs that completed and that failed. */
export interface Ended {
  readonly completed: readonly string[];
  readonly failed: readonly string[];
}

/** Jobs that reached their end with this batch; those that already were there before say nothing again. */
export function endedIn(before: QueueState, batch: Batch): Ended {
  const completed: string[] = [];
  const failed: string[] = [];
  for (const event of batch.events) {
    if (event.kind !== "jobs") continue;
    for (const job of event.jobs) {
      if (before.jobs.get(job.id)?.phase.kind === job.phase.kind) continue;
      if (job.phase.kind === "completed") completed.push(job.name);
      if (job.phase.kind === "failed") failed.push(job.name);
    }
  }
  return { completed, failed };
}
