//! Moving rows within the queue: from places in the list as it is shown to the engine's call.
import type { JobMove } from "../gen/JobMove";
import type { JobView } from "../gen/JobView";

/** A move and how the list looks after it. */
export interface Move {
  readonly call: JobMove;
  readonly order: readonly number[];
}

/** The list that rows are moved in: sorted by queue order, filtered or not. */
export interface ShownQueue {
  /** The rows shown, from the top down. */
  readonly order: readonly number[];
  readonly isDescending: boolean;
  /** Every job there is: those that a filter hides keep their places too. */
  readonly jobs: () => readonly JobView[];
}

/**
 * Puts the rows of `ids` into the gap before place `gap` of the shown list (its length means the end), side by side in
 * the order they are shown in. `null` if that changes nothing.
 */
export function movedTo(queue: ShownQueue, ids: ReadonlySet<number>, gap: number): Move | null {
  const { order, isDescending } = queue;
  const moved = order.filter((id) => ids.has(id));
  const above = order.slice(0, gap).filter((id) => !ids.has(id));
  const below = order.slice(gap).filter((id) => !ids.has(id));
  const after = [...above, ...moved, ...below];
  if (moved.length === 0 || after.every((id, place) => id === order[place])) return null;
  // The queue's own direction, whichever way the list is sorted.
  const inQueue = isDescending ? moved.toReversed() : moved;
  const next = isDescending ? above.at(-1) : below[0];
  const previous = isDescending ? below[0] : above.at(-1);
  const before = next ?? (previous === undefined ? null : following(queue.jobs(), previous, ids));
  return { call: { ids: inQueue, before }, order: after };
}

/** One step up or down, as by a key; rows that are apart gather first. */
export function steppedTo(queue: ShownQueue, ids: ReadonlySet<number>, step: "up" | "down"): Move | null {
  const places = queue.order.flatMap((id, place) => (ids.has(id) ? [place] : []));
  const [first, last] = [places[0], places.at(-1)];
  if (first === undefined || last === undefined) return null;
  return movedTo(queue, ids, step === "up" ? Math.max(0, first - 1) : Math.min(queue.order.length, last + 2));
}

/** The job right behind `id` in the whole queue, those that are moved aside; `null` at its end. */
function following(jobs: readonly JobView[], id: number, moved: ReadonlySet<number>): number | null {
  const at = jobs.find((job) => job.id === id)?.position ?? Infinity;
  const later = jobs.filter((job) => job.position > at && !moved.has(job.id));
  return later.reduce<JobView | null>((least, job) => (least === null || job.position < least.position ? job : least), null)?.id ?? null;
}
