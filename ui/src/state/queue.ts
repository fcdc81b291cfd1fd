import type { Batch } from "../gen/Batch";
import type { Event } from "../gen/Event";
import type { HostCapability } from "../gen/HostCapability";
import type { JobView } from "../gen/JobView";
import type { NoticeView } from "../gen/NoticeView";
import type { LimitsView } from "../gen/LimitsView";
import type { Settings } from "../gen/Settings";
import type { Snapshot } from "../gen/Snapshot";
import type { TargetView } from "../gen/TargetView";
import type { Totals } from "../gen/Totals";
import { assertNever } from "../shared/assert_never";
import { type Counts, NO_COUNTS, Tally } from "./groups";
import { JobTable } from "./job_table";

/** Everything the engine has told, as of batch `seq`. Never changed in place. */
export interface QueueState {
  readonly seq: number;
  readonly version: string;
  readonly jobs: JobTable;
  /** Grows when a row comes, goes or changes in more than its progress: who orders rows looks again. */
  readonly revision: number;
  readonly counts: Counts;
  readonly totals: Totals;
  readonly settings: Settings;
  readonly targets: readonly TargetView[];
  readonly host: HostCapability;
  readonly notices: readonly NoticeView[];
}

/** What came of a batch: the state after it, or that batches are missing and a snapshot is due. */
export type Applied = { readonly kind: "applied"; readonly state: QueueState } | { readonly kind: "gap" };

const NO_LIMITS: LimitsView = { download: null, upload: null, is_scheduled: false, until: null };

export const EMPTY_QUEUE: QueueState = {
  seq: 0,
  version: "",
  jobs: JobTable.empty,
  revision: 0,
  counts: NO_COUNTS,
  totals: { download_rate: 0, upload_rate: 0, active: 0, waiting: 0, fraction: null, pause: null, limits: NO_LIMITS },
  settings: {
    download_folder: "",
    running_jobs: 4,
    connections: "auto",
    download_limit: null,
    upload_limit: null,
    server_connections: 64,
    proxy: null,
    on_conflict: "rename",
    theme: "system",
    notifications: true,
    told_about_tray: true,
    schedule: [],
    servers: [],
  },
  targets: [],
  host: { pick: false, open: false, reveal: false, drop_paths: false },
  notices: [],
};

/** The state that a snapshot describes; `before` lends its revision, so that an order made for it is known as old. */
export function fromSnapshot(snapshot: Snapshot, before: QueueState = EMPTY_QUEUE): QueueState {
  const tally = new Tally(NO_COUNTS);
  for (const job of snapshot.jobs) tally.add(job, 1);
  return {
    seq: snapshot.seq,
    version: snapshot.version,
    jobs: JobTable.of(snapshot.jobs),
    revision: before.revision + 1,
    counts: tally.result(),
    totals: snapshot.totals,
    settings: snapshot.settings,
    targets: snapshot.targets,
    host: snapshot.host,
    notices: snapshot.notices,
  };
}

/**
 * The state after `batch`. A batch that the state already contains changes nothing; one that does not follow directly
 * is a gap. Offers are no state: see `offersOf`.
 */
export function applyEvents(state: QueueState, batch: Batch): Applied {
  if (batch.seq <= state.seq) return { kind: "applied", state };
  if (batch.seq !== state.seq + 1) return { kind: "gap" };
  let after = state;
  for (const event of batch.events) after = applyEvent(after, event);
  return { kind: "applied", state: { ...after, seq: batch.seq } };
}

function applyEvent(state: QueueState, event: Event): QueueState {
  switch (event.kind) {
    case "jobs":
      return withRows(state, event.jobs);
    case "progress": {
      const changed: JobView[] = [];
      for (const progress of event.jobs) {
        const job = state.jobs.get(progress.id);
        // A row removed a moment ago may still be in a sample.
        if (job !== undefined) changed.push({ ...job, progress });
      }
      const jobs = changed.length === 0 ? state.jobs : state.jobs.with(changed, []);
      return { ...state, jobs, totals: event.totals };
    }
    case "removed":
      return withoutRows(state, event.ids);
    case "settings":
      return { ...state, settings: event.settings };
    case "notices":
      return { ...state, notices: event.notices };
    case "targets":
      return { ...state, targets: event.targets };
    case "offer":
      return state;
    default:
      return assertNever(event);
  }
}

function withRows(state: QueueState, changed: readonly JobView[]): QueueState {
  const tally = new Tally(state.counts);
  const last = new Map(changed.map((job) => [job.id, job]));
  for (const job of last.values()) {
    const before = state.jobs.get(job.id);
    if (before !== undefined) tally.add(before, -1);
    tally.add(job, 1);
  }
  return {
    ...state,
    jobs: state.jobs.with(last.values(), []),
    counts: tally.result(),
    revision: state.revision + 1,
  };
}

function withoutRows(state: QueueState, ids: readonly number[]): QueueState {
  const tally = new Tally(state.counts);
  const gone = new Set(ids);
  for (const id of gone) {
    const before = state.jobs.get(id);
    if (before !== undefined) tally.add(before, -1);
  }
  return { ...state, jobs: state.jobs.with([], gone), counts: tally.result(), revision: state.revision + 1 };
}

/** What another program handed over in this batch. */
export function offersOf(batch: Batch): { text: string; paths: string[] }[] {
  return batch.events.flatMap((event) => (event.kind === "offer" ? [{ text: event.text, paths: event.paths }] : []));
}
