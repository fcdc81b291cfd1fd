import type { SegmentView } from "../gen/SegmentView";

/** A stretch of the strip, as shares of its length from 0 to 1. */
export interface Strip {
  readonly start: number;
  readonly written: number;
  readonly end: number;
  readonly isActive: boolean;
}

/**
 * The segments as shares of the whole file. A file whose end is unknown is as long as what is there and half as much
 * again, so that its open end shows.
 */
export function strips(segments: readonly SegmentView[], length: number | null): Strip[] {
  const known = Math.max(0, ...segments.map(({ start, end, written }) => end ?? start + written));
  const isOpen = length === null && segments.some(({ end }) => end === null);
  const whole = length ?? (isOpen ? Math.max(1, known * 1.5) : known);
  if (whole <= 0) return [];
  const share = (offset: number) => Math.min(1, Math.max(0, offset / whole));
  return segments.map(({ start, end, written, is_active }) => ({
    start: share(start),
    written: share(start + written),
    end: share(end ?? whole),
    isActive: is_active,
  }));
}
