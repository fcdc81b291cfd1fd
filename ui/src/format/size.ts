import type { NumberFormats } from "./number";

/** 1024-based, as on the command line. */
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;

/** What stands where a value is unknown or makes no sense. */
export const NOTHING = "—";

/** Three digits where they fit: `999 B`, `4.70 GiB`, `41.0 MiB`, `512 MiB`, never `1024 MiB`. */
export function formatSize(bytes: number | null, formats: NumberFormats): string {
  if (bytes === null || !Number.isFinite(bytes) || bytes < 0) return NOTHING;
  return formats.isolated(sizeText(bytes, formats));
}

function sizeText(bytes: number, formats: NumberFormats): string {
  let value = bytes;
  let unit = 0;
  // 999.5 would be shown as 1000, so it already belongs to the next unit.
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${inThreeDigits(value, unit === 0, formats)} ${UNITS[unit]}`;
}

function inThreeDigits(value: number, areBytes: boolean, formats: NumberFormats): string {
  if (areBytes || value >= 99.95) return formats.whole.format(value);
  return value >= 9.995 ? formats.tenths.format(value) : formats.hundredths.format(value);
}

/** The exact number with the rounded one: `4.70 GiB (5,046,586,573 bytes)`; `bytesWord` comes from the catalogue. */
export function formatExactSize(bytes: number | null, formats: NumberFormats, bytesWord: string): string {
  if (bytes === null) return NOTHING;
  return `${formatSize(bytes, formats)} (${formats.whole.format(bytes)} ${bytesWord})`;
}

/** Bytes a second. */
export function formatRate(bytesPerSecond: number | null, formats: NumberFormats): string {
  if (bytesPerSecond === null) return NOTHING;
  if (!Number.isFinite(bytesPerSecond) || bytesPerSecond < 0) return NOTHING;
  return formats.isolated(`${sizeText(bytesPerSecond, formats)}/s`);
}
