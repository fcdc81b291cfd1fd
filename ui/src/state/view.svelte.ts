import { untrack as untracked } from "svelte";
import { prepareNames } from "./collation";
import { type ColumnChoice, readColumnChoice } from "./columns";
import type { Engine } from "./engine.svelte";
import { type Counts, Tally } from "./groups";
import type { JobTable } from "./job_table";
import type { JobView } from "../gen/JobView";
import { bandOf, DEFAULT_SORT, type Filter, isMoving, NO_FILTER, orderedIds, type Sort, SORT_KEYS, type SortKey } from "./order";
import { keepPreference, readPreference } from "./preference";
import { kept, NOTHING_SELECTED, type Selection } from "./selection";

/** How often a list ordered by something that moves is put in order again: rows that jump cannot be read or clicked. */
const MOVING_ORDER_MS = 3_000;

/** What this window shows of the queue: filter, order, columns, marked rows. */
export class ListView {
  filter = $state.raw<Filter>(NO_FILTER);
  sort = $state.raw<Sort>(readSort(readPreference("sort")));
  columns = $state.raw<ColumnChoice>(readColumnChoice(readPreference("columns")));
  selection = $state.raw<Selection>(NOTHING_SELECTED);
  /** A row that the list is to scroll to. */
  wanted = $state<number | null>(null);
  isDetailOpen = $state(readPreference("details") === true);
  /** Rows that are out of the list, but can still be taken back. */
  hidden = $state.raw<ReadonlySet<number>>(new Set());
  /** The numbers of the rows shown, in order. */
  order = $state.raw<readonly number[]>([]);

  constructor(private readonly engine: Engine) {}

  /** Keeps `order` right; call once while a component is set up. */
  keepInOrder(): void {
    let beat = $state(0);
    $effect(() => {
      if (!isMoving(this.sort.key)) return;
      const timer = setInterval(() => (beat += 1), MOVING_ORDER_MS);
      return () => clearInterval(timer);
    });
    $effect(() => (this.engine.isLoaded ? prepareNames(this.jobsNow()) : undefined));
    const revision = $derived(this.engine.queue.revision);
    $effect.pre(() => {
      void revision;
      void beat;
      void this.hidden;
      this.arrange(this.filter, this.sort);
    });
  }

  private arrange(filter: Filter, sort: Sort): void {
    const before = this.orderNow();
    const hidden = untracked(() => this.hidden);
    const all = inOrder(before, untracked(() => this.engine.queue.jobs));
    const after = orderedIds(hidden.size === 0 ? all : all.filter(({ id }) => !hidden.has(id)), filter, sort);
    if (before.length === after.length && before.every((id, index) => id === after[index])) return;
    this.order = after;
    this.selection = kept(this.selectionNow(), before, after);
  }

  // Read without being told of changes: the effect above names what it follows.
  private orderNow = () => untracked(() => this.order);
  private selectionNow = () => untracked(() => this.selection);
  private jobsNow = () => untracked(() => this.engine.queue.jobs.toArray());

  hide(ids: readonly number[]): void {
    this.hidden = new Set([...this.hidden, ...ids]);
  }

  unhide(ids: readonly number[]): void {
    const back = new Set(ids);
    this.hidden = new Set([...this.hidden].filter((id) => !back.has(id)));
  }

  /** Rows per group, without those that are hidden. */
  get counts(): Counts {
    const { jobs, counts } = this.engine.queue;
    if (this.hidden.size === 0) return counts;
    const tally = new Tally(counts);
    for (const id of this.hidden) {
      const job = jobs.get(id);
      if (job !== undefined) tally.add(job, -1);
    }
    return tally.result();
  }

  /** Marks a row and brings it into sight, whatever the filter hid. */
  show(id: number): void {
    this.filter = NO_FILTER;
    this.selection = { ids: new Set([id]), anchor: id, focus: id };
    this.wanted = id;
  }

  setSort(key: SortKey): void {
    const { key: now, isDescending } = this.sort;
    // A third click on the same column leads back to where everyone starts.
    if (key === DEFAULT_SORT.key) this.sort = DEFAULT_SORT;
    else if (key !== now) this.sort = { key, isDescending: key === "added" };
    else if (isDescending === (key === "added")) this.sort = { key, isDescending: !isDescending };
    else this.sort = DEFAULT_SORT;
    keepPreference("sort", this.sort);
  }

  /**
   * The stretch of the list in which the row `id` can be moved by hand: all of it in queue order, its band in an order
   * by bands, otherwise none.
   */
  stretchOf(id: number): { start: number; end: number } | null {
    if (this.sort.key === "queue") return { start: 0, end: this.order.length };
    const at = this.order.indexOf(id);
    const jobs = this.engine.queue.jobs;
    const bandAt = (place: number) => {
      const job = jobs.get(this.order[place] ?? NaN);
      return job === undefined ? null : bandOf(job);
    };
    const band = bandAt(at);
    if (this.sort.key !== "bands" || band === null || band === "finished") return null;
    let [start, end] = [at, at + 1];
    while (start > 0 && bandAt(start - 1) === band) start -= 1;
    while (end < this.order.length && bandAt(end) === band) end += 1;
    return { start, end };
  }

  sortByQueue(): void {
    this.sort = { key: "queue", isDescending: false };
    keepPreference("sort", this.sort);
  }

  setColumns(columns: ColumnChoice): void {
    this.columns = columns;
    keepPreference("columns", columns);
  }

  showDetails(isOpen: boolean): void {
    this.isDetailOpen = isOpen;
    keepPreference("details", isOpen);
  }

  /** The marked rows, in the order of the list. */
  selectedJobs(): JobView[] {
    const { ids } = this.selection;
    if (ids.size === 0) return [];
    if (ids.size === 1) return [...ids].flatMap((id) => this.engine.queue.jobs.get(id) ?? []);
    return this.order.filter((id) => ids.has(id)).flatMap((id) => this.engine.queue.jobs.get(id) ?? []);
  }
}

/**
 * All jobs, those of `before` first and in its order: what is nearly sorted, or sorted the other way round, is sorted
 * with hardly a comparison.
 */
function inOrder(before: readonly number[], jobs: JobTable): JobView[] {
  const known: JobView[] = [];
  for (const id of before) {
    const job = jobs.get(id);
    if (job !== undefined) known.push(job);
  }
  if (known.length === jobs.size) return known;
  const seen = new Set(before);
  return known.concat(jobs.toArray().filter(({ id }) => !seen.has(id)));
}

function readSort(stored: unknown): Sort {
  if (typeof stored !== "object" || stored === null) return DEFAULT_SORT;
  const { key, isDescending } = stored as Record<string, unknown>;
  if (!SORT_KEYS.includes(key as SortKey) || typeof isDescending !== "boolean") return DEFAULT_SORT;
  return { key: key as SortKey, isDescending };
}
