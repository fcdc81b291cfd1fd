export const LEAST_COUNT = 1;
export const MOST_COUNT = 64;

/** A whole number that connections and transfers may have: empty is `null`, anything else out of place `"invalid"`. */
export function parseCount(text: string): number | null | "invalid" {
  if (text.trim() === "") return null;
  const count = Number(text);
  return Number.isInteger(count) && count >= LEAST_COUNT && count <= MOST_COUNT ? count : "invalid";
}
