import type { DirectionView } from "../gen/DirectionView";
import type { JobView } from "../gen/JobView";
import { fractionDone } from "../format/fraction";
import { collationKey } from "./collation";
import { type Group, groupOf } from "./groups";

/** What the list can be ordered by. `queue` is the engine's own order. */
export const SORT_KEYS = ["added", "queue", "name", "size", "progress", "speed", "left", "state", "host"] as const;
export type SortKey = (typeof SORT_KEYS)[number];

export interface Sort {
  readonly key: SortKey;
  readonly isDescending: boolean;
}

/** Newest first: what the user just did is on top. */
export const DEFAULT_SORT: Sort = { key: "added", isDescending: true };

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
