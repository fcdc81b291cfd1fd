/**
 * Which rows are marked, as in a file manager: `anchor` is where a stretch began, `focus` is the row that the keyboard
 * stands on.
 */
export interface Selection {
  readonly ids: ReadonlySet<number>;
  readonly anchor: number | null;
  readonly focus: number | null;
}

export const NOTHING_SELECTED: Selection = { ids: new Set(), anchor: null, focus: null };

export interface Modifiers {
  readonly toggles: boolean;
  readonly extends: boolean;
}

/** A click on the row `id`: alone, with Ctrl (toggles it), with Shift (the stretch from the anchor). */
export function clicked(selection: Selection, order: readonly number[], id: number, keys: Modifiers): Selection {
  if (keys.extends) return stretched(selection, order, id, keys.toggles);
  if (!keys.toggles) return { ids: new Set([id]), anchor: id, focus: id };
  const ids = new Set(selection.ids);
  if (!ids.delete(id)) ids.add(id);
  return { ids, anchor: id, focus: id };
}

/** A right click: keeps the marked rows if it hits one of them, else marks the row it hits. */
export function pointedAt(selection: Selection, id: number): Selection {
  return selection.ids.has(id) ? { ...selection, focus: id } : { ids: new Set([id]), anchor: id, focus: id };
}

function stretched(selection: Selection, order: readonly number[], id: number, keeps: boolean): Selection {
  const anchor = selection.anchor ?? order[0] ?? id;
  const from = order.indexOf(anchor);
  const to = order.indexOf(id);
  if (from < 0 || to < 0) return { ids: new Set([id]), anchor: id, focus: id };
  const ids = new Set(keeps ? selection.ids : []);
  for (const between of order.slice(Math.min(from, to), Math.max(from, to) + 1)) ids.add(between);
  return { ids, anchor, focus: id };
}

export type Step = "up" | "down" | "page_up" | "page_down" | "first" | "last";

/** An arrow key: moves the focus and marks, or with Shift stretches, or with Ctrl only moves. */
export function stepped(
  selection: Selection,
  order: readonly number[],
  step: Step,
  rowsPerPage: number,
  keys: Modifiers,
): Selection {
  if (order.length === 0) return NOTHING_SELECTED;
  const at = selection.focus === null ? -1 : order.indexOf(selection.focus);
  const id = order[target(at, order.length, step, rowsPerPage)];
  if (id === undefined) return selection;
  if (keys.extends) return stretched(selection, order, id, false);
  if (keys.toggles) return { ...selection, focus: id };
  return { ids: new Set([id]), anchor: id, focus: id };
}

function target(at: number, length: number, step: Step, rowsPerPage: number): number {
  if (at < 0) return step === "up" || step === "last" ? length - 1 : 0;
  const by = { up: -1, down: 1, page_up: -rowsPerPage, page_down: rowsPerPage, first: -length, last: length }[step];
  return Math.min(length - 1, Math.max(0, at + by));
}

export function allSelected(selection: Selection, order: readonly number[]): Selection {
  return { ids: new Set(order), anchor: selection.anchor ?? order[0] ?? null, focus: selection.focus ?? order[0] ?? null };
}

/**
 * What is left of a selection when the order changes from `before` to `after`. Rows out of sight are not marked: a key
 * must never act on what the user cannot see. The focus moves to the next row that stayed.
 */
export function kept(selection: Selection, before: readonly number[], after: readonly number[]): Selection {
  const there = new Set(after);
  const isWhole = [...selection.ids].every((id) => there.has(id));
  const focusStays = selection.focus === null || there.has(selection.focus);
  const anchorStays = selection.anchor === null || there.has(selection.anchor);
  if (isWhole && focusStays && anchorStays) return selection;
  const ids = new Set([...selection.ids].filter((id) => there.has(id)));
  const focus = focusStays ? selection.focus : nextKept(before, there, selection.focus);
  if (ids.size === 0 && selection.ids.size > 0 && focus !== null) return { ids: new Set([focus]), anchor: focus, focus };
  return { ids, anchor: anchorStays ? selection.anchor : focus, focus };
}

function nextKept(before: readonly number[], there: ReadonlySet<number>, id: number | null): number | null {
  const at = id === null ? -1 : before.indexOf(id);
  if (at < 0) return null;
  return before.slice(at).find((next) => there.has(next)) ?? before.slice(0, at).findLast((next) => there.has(next)) ?? null;
}
