import type { DirectionView } from "../gen/DirectionView";
import type { JobView } from "../gen/JobView";
import { fractionDone } from "../format/fraction";
import { collationKey } from "./collation";
import { type Group, groupOf } from "./groups";

/** What the list can be ordered by. `queue` is the list as the user put it; `bands` groups it by what matters now. */
export const SORT_KEYS = ["bands", "added", "queue", "name", "size", "progress", "speed", "left", "state", "host"] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface Sort {
  readonly key: SortKey;
  readonly isDescending: boolean;
}

/** What needs the user and what moves is in sight, however long the list. */
export const DEFAULT_SORT: Sort = { key: "bands", isDescending: false };

export interface Filter {
  readonly group: Group;
  readonly direction: DirectionView | null;
  readonly text: string;
}

export const NO_FILTER: Filter = { group: "all", direction: null, text: "" };

/** Keys that change with every sample; their order is looked at again only now and then, so that rows stay readable. */
const MOVING_KEYS: ReadonlySet<SortKey> = new Set(["progress", "speed", "left"]);

export function isMoving(key: SortKey): boolean {
  return MOVING_KEYS.has(key);
}

/** The numbers of the rows to show, in their order. Equal rows stand by number, so that no order is left to chance. */
export function orderedIds(jobs: readonly JobView[], filter: Filter, sort: Sort): number[] {
  const shown = jobs.filter(matcher(filter));
  const down = sort.isDescending ? -1 : 1;
  const keyed =
    sort.key === "name" || sort.key === "host"
      ? sortedBy(shown, sort.key === "name" ? (job) => collationKey(job.name) : (job) => job.host, down)
      : sortedBy(shown, numberKey(sort.key), down);
  return keyed;
}

function sortedBy<K extends number | string>(jobs: readonly JobView[], keyOf: (job: JobView) => K, down: number): number[] {
  // Keys beside the rows and not in an object each: ten thousand small objects cost more than the sort.
  const keys = jobs.map(keyOf);
  const ids = jobs.map(({ id }) => id);
  const places = Array.from(keys.keys());
  places.sort((a, b) => {
    const first = keys[a] as K;
    const second = keys[b] as K;
    if (first === second) return ((ids[a] as number) - (ids[b] as number)) * down;
    return first < second ? -down : down;
  });
  return places.map((place) => ids[place] as number);
}

/** Rows whose value is unknown stand behind all others when the order is ascending. */
const UNKNOWN = Number.MAX_VALUE;

function numberKey(key: Exclude<SortKey, "name" | "host">): (job: JobView) => number {
  switch (key) {
    case "bands":
      return bandKey;
    case "added":
      return (job) => job.created_ms;
    case "queue":
      return (job) => job.position;
    case "size":
      return (job) => job.progress.length ?? UNKNOWN;
    case "progress":
      return (job) => {
        const fraction = fractionDone(job.progress.moved, job.progress.length);
        return fraction === "unknown" ? -1 : fraction;
      };
    case "speed":
      return (job) => (isUnderWay(job) ? job.progress.rate : -1);
    case "left":
      return (job) => (isUnderWay(job) ? (job.progress.seconds_left ?? UNKNOWN / 2) : UNKNOWN);
    case "state":
      return (job) => STATE_RANK[job.phase.kind];
  }
}

/** What an order by bands tells apart, from the top down. Those that wait stand as the engine starts them. */
const BANDS = ["needs_user", "moving", "high", "normal", "low", "finished"] as const;
export type Band = (typeof BANDS)[number];

/** The part of the list that a job stands in. */
export function bandOf(job: JobView): Band {
  switch (groupOf(job)) {
    case "attention":
    case "failed":
      return "needs_user";
    case "active":
      return "moving";
    case "waiting":
    case "paused":
      return job.priority;
    case "completed":
    case null:
      return "finished";
  }
}

/** More than any position or moment, and few enough that all bands are whole numbers of their own. */
const BAND_SPAN = 2 ** 50;

/** Within a band rows stand as the user put them; what is finished, the newest first. */
function bandKey(job: JobView): number {
  const band = bandOf(job);
  const within = band === "finished" ? -(job.finished_ms ?? job.created_ms) : job.position;
  return BANDS.indexOf(band) * BAND_SPAN + within;
}

function isUnderWay(job: JobView): boolean {
  return job.phase.kind === "running";
}

/** What needs the user first, what is over last. */
const STATE_RANK: Readonly<Record<JobView["phase"]["kind"], number>> = {
  link_expired: 0,
  failed: 1,
  blocked: 2,
  running: 3,
  verifying: 4,
  probing: 5,
  waiting: 6,
  queued: 7,
  paused: 8,
  completed: 9,
  canceled: 10,
};

function matcher(filter: Filter): (job: JobView) => boolean {
  const words = filter.text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  return (job) => {
    if (filter.group !== "all" && groupOf(job) !== filter.group) return false;
    if (filter.direction !== null && job.direction !== filter.direction) return false;
    if (words.length === 0) return true;
    const text = `${job.name}\n${job.source}\n${job.destination}\n${job.host}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
}
