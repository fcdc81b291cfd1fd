/** A share from 0 to 1, or the honest answer that nobody knows. */
export type Fraction = number | "unknown";

/**
 * The share of `total` that `done` is. Never above 1, and `"unknown"` while the length is; an empty file has nothing
 * left to move, so it is whole.
 */
export function fractionDone(done: number, total: number | null): Fraction {
  if (total === null || !Number.isFinite(total) || total < 0) return "unknown";
  if (total === 0) return 1;
  return Math.min(1, Math.max(0, done / total));
}

/**
 * The share as whole percent, rounded down: 99.9 % is not 100 %. Only a completed job may say 100, so a share of an
 * unfinished one stops at 99.
 */
export function wholePercent(fraction: number, isCompleted: boolean): number {
  if (isCompleted) return 100;
  return Math.min(99, Math.floor(fraction * 100));
}
