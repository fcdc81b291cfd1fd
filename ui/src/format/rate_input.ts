/** What a rate field offers beside the number. */
export const RATE_UNITS = [
  { label: "KB/s", bytes: 1024 },
  { label: "MB/s", bytes: 1024 * 1024 },
] as const;

export type RateUnit = (typeof RATE_UNITS)[number]["label"];

/** What stands in a rate field: a number as typed and its unit. */
export interface RateInput {
  readonly typed: string;
  readonly unit: RateUnit;
}

/** A limit as a field shows it: whole megabytes as such, anything else in kilobytes. */
export function rateInput(limit: number | null): RateInput {
  if (limit === null) return { typed: "", unit: "MB/s" };
  const megabytes = limit / RATE_UNITS[1].bytes;
  if (megabytes >= 1 && Number.isInteger(megabytes * 100)) return { typed: String(megabytes), unit: "MB/s" };
  return { typed: String(Math.max(1, Math.round(limit / RATE_UNITS[0].bytes))), unit: "KB/s" };
}

/** Bytes a second; an empty field is no limit (`null`), anything that is no positive number is `"invalid"`. */
export function parseRate(input: RateInput): number | null | "invalid" {
  const typed = input.typed.trim().replace(",", ".");
  if (typed === "") return null;
  if (!/^\d*\.?\d+$|^\d+\.$/.test(typed)) return "invalid";
  const unit = RATE_UNITS.find(({ label }) => label === input.unit);
  const bytes = Math.round(Number(typed) * (unit?.bytes ?? 1));
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : "invalid";
}
