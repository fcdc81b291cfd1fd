//! The arithmetic of a list of which only the rows in sight exist.

/** Height of a row in CSS pixels. */
export const ROW_HEIGHT = 36;

/** The same where the list is so narrow that a row has two lines. */
export const STACKED_ROW_HEIGHT = 56;

/** Rows kept ready above and below what is in sight, so that a scroll does not show an empty strip. */
export const SPARE_ROWS = 4;

export interface Stretch {
  readonly first: number;
  /** Behind the last row. */
  readonly end: number;
}

/** The rows to draw of `count`, each `row` high, with the list scrolled to `top` and `height` in sight. */
export function rowsInSight(top: number, height: number, count: number, row: number): Stretch {
  // An even first row keeps rows from being exchanged at every single pixel step.
  const first = Math.max(0, Math.min(Math.floor(top / row) - SPARE_ROWS, count - 1));
  const end = Math.min(count, Math.ceil((top + height) / row) + SPARE_ROWS);
  return { first, end: Math.max(first, end) };
}

/** Where to scroll so that row `index` is whole in sight; `top` if it already is. */
export function scrolledTo(index: number, top: number, height: number, row: number): number {
  const start = index * row;
  if (start < top) return start;
  const end = start + row;
  return end > top + height ? end - height : top;
}

/**
 * Where to scroll when the order changes from `before` to `after`, so that the rows in sight stay where they are. A
 * list that shows its beginning goes on showing it.
 */
export function heldPlace(before: readonly number[], after: readonly number[], top: number, row: number): number {
  if (top <= 0) return top;
  const at = Math.floor(top / row);
  const places = new Map(after.map((id, index) => [id, index]));
  for (let index = at; index < before.length; index += 1) {
    const id = before[index];
    const place = id === undefined ? undefined : places.get(id);
    if (place !== undefined) return Math.max(0, top + (place - index) * row);
  }
  return top;
}
