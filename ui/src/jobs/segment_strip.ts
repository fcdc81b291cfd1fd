import type { SegmentView } from "../gen/SegmentView";

/** A stretch of the strip, as shares of its length from 0 to 1. */
export interface Strip {
  readonly start: number;
  readonly written: number;
  readonly end: number;
  readonly isActive: boolean;
}

/**
 * The segments with complete neighbours joined: a large file has hundreds of them, which would bury the few that are
 * being fetched.
 */
export function joined(segments: readonly SegmentView[]): SegmentView[] {
  const some: SegmentView[] = [];
  for (const segment of segments) {
    const before = some.at(-1);
    if (before !== undefined && isWhole(before) && isWhole(segment) && before.end === segment.start) {
      some[some.length - 1] = { ...before, end: segment.end, written: before.written + segment.written };
    } else {
      some.push(segment);
    }
  }
  return some;
}

export function isWhole({ start, end, written }: SegmentView): boolean {
  return end !== null && written >= end - start;
}

/** Stretches of the file as shares of the strip that its segments make. */
export function marks(
  stretches: readonly { readonly start: number; readonly end: number }[],
  segments: readonly SegmentView[],
  length: number | null,
): { start: number; end: number }[] {
  const whole = wholeOf(segments, length);
  if (whole <= 0) return [];
  return stretches.map(({ start, end }) => ({ start: Math.min(1, start / whole), end: Math.min(1, end / whole) }));
}

function wholeOf(segments: readonly SegmentView[], length: number | null): number {
  if (length !== null) return length;
  const known = Math.max(0, ...segments.map(({ start, end, written }) => end ?? start + written));
  return segments.some(({ end }) => end === null) ? Math.max(1, known * 1.5) : known;
}

/**
 * The segments as shares of the whole file. A file whose end is unknown is as long as what is there and half as much
 * again, so that its open end shows.
 */
export function strips(segments: readonly SegmentView[], length: number | null): Strip[] {
  const whole = wholeOf(segments, length);
  if (whole <= 0) return [];
  const share = (offset: number) => Math.min(1, Math.max(0, offset / whole));
  return segments.map(({ start, end, written, is_active }) => ({
    start: share(start),
    written: share(start + written),
    end: share(end ?? whole),
    isActive: is_active,
  }));
}
