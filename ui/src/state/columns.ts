import type { SortKey } from "./order";

export const COLUMN_KEYS = ["name", "size", "progress", "speed", "left", "state", "host", "added"] as const;
export type ColumnKey = (typeof COLUMN_KEYS)[number];

export interface ColumnShape {
  readonly key: ColumnKey;
  readonly sort: SortKey;
  /** CSS pixels. The name takes what is left over. */
  readonly width: number;
  readonly narrowest: number;
  /** Columns with a higher number give way first when the window gets narrow; 0 never does. */
  readonly givesWay: number;
  readonly isEndAligned: boolean;
}

const shape = (
  key: ColumnKey,
  width: number,
  narrowest: number,
  givesWay: number,
  isEndAligned = false,
): ColumnShape => ({ key, sort: key, width, narrowest, givesWay, isEndAligned });

export const COLUMNS: readonly ColumnShape[] = [
  shape("name", 260, 220, 0),
  shape("size", 84, 64, 3, true),
  shape("progress", 156, 110, 1),
  shape("speed", 92, 72, 2, true),
  shape("left", 76, 60, 4, true),
  shape("state", 184, 132, 0),
  shape("host", 160, 80, 5),
  shape("added", 140, 90, 6),
];

/** What the user changed about the columns; kept on this machine. */
export interface ColumnChoice {
  readonly widths: Readonly<Partial<Record<ColumnKey, number>>>;
  readonly hidden: readonly ColumnKey[];
}

export const DEFAULT_COLUMNS: ColumnChoice = { widths: {}, hidden: ["host", "added"] };

export interface Column extends ColumnShape {
  readonly width: number;
}

/** A list narrower than this has no room for name, progress and state beside each other: its rows have two lines. */
const STACKED_BELOW = 560;

/** What a row of two lines shows; the rest is in its details. */
const STACKED: ReadonlySet<ColumnKey> = new Set(["name", "progress", "speed", "state"]);

export function isStacked(available: number): boolean {
  // A list of no width has not been measured yet.
  return available > 0 && available < STACKED_BELOW;
}

/** The columns to show in a list `available` pixels wide: the chosen ones, less those that must give way. */
export function visibleColumns(choice: ColumnChoice, available: number): Column[] {
  const chosen = COLUMNS.filter(({ key, givesWay }) => givesWay === 0 || !choice.hidden.includes(key)).map((column) => ({
    ...column,
    width: Math.max(column.narrowest, choice.widths[column.key] ?? column.width),
  }));
  const least = (columns: readonly Column[]) =>
    columns.reduce((sum, { key, width, narrowest }) => sum + (key === "name" ? narrowest : width), 0);
  if (isStacked(available)) return chosen.filter(({ key }) => STACKED.has(key));
  while (least(chosen) > available) {
    const first = chosen.reduce((a, b) => (b.givesWay > a.givesWay ? b : a));
    if (first.givesWay === 0) break;
    chosen.splice(chosen.indexOf(first), 1);
  }
  return chosen;
}

/** Wider than this the state's button would stand far from the state's words: what is left then belongs to the name. */
const WIDEST_STATE = 380;

/** The columns as CSS tracks. The name and the state share what is left. */
export function gridTemplate(columns: readonly Column[]): string {
  return columns
    .map(({ key, width, narrowest }) => {
      if (key === "name") return `minmax(${narrowest}px, 1fr)`;
      return key === "state" ? `minmax(${width}px, max(${width}px, min(36%, ${WIDEST_STATE}px)))` : `${width}px`;
    })
    .join(" ");
}

export function resized(choice: ColumnChoice, key: ColumnKey, width: number): ColumnChoice {
  const narrowest = COLUMNS.find((column) => column.key === key)?.narrowest ?? 0;
  return { ...choice, widths: { ...choice.widths, [key]: Math.round(Math.max(narrowest, width)) } };
}

export function toggled(choice: ColumnChoice, key: ColumnKey): ColumnChoice {
  const hidden = choice.hidden.includes(key) ? choice.hidden.filter((other) => other !== key) : [...choice.hidden, key];
  return { ...choice, hidden };
}

/** A stored choice; anything that is none gives the default. */
export function readColumnChoice(stored: unknown): ColumnChoice {
  if (typeof stored !== "object" || stored === null) return DEFAULT_COLUMNS;
  const { widths, hidden } = stored as Record<string, unknown>;
  const isKey = (key: unknown): key is ColumnKey => COLUMN_KEYS.includes(key as ColumnKey);
  const read: Partial<Record<ColumnKey, number>> = {};
  for (const [key, width] of Object.entries(typeof widths === "object" && widths !== null ? widths : {})) {
    if (isKey(key) && typeof width === "number" && width > 0 && width < 4_000) read[key] = width;
  }
  return { widths: read, hidden: Array.isArray(hidden) ? hidden.filter(isKey) : DEFAULT_COLUMNS.hidden };
}
