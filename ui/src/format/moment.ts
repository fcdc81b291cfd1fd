import type { NumberFormats } from "./number";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Within these days a weekday tells a moment without doubt. */
const DAYS_BY_NAME = 6;

/** A moment to come, as short as it is clear: `22:00` today, `Sat 22:00` this week, else with its date. */
export function formatMoment(at: number, now: number, formats: NumberFormats): string {
  const days = Math.round((midnight(at) - midnight(now)) / DAY_MS);
  if (days === 0) return formats.clock.format(at);
  return days > 0 && days <= DAYS_BY_NAME ? formats.weekClock.format(at) : formats.dateTime.format(at);
}

function midnight(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}

/** A moment as `<input type="datetime-local">` takes it: local time to the minute. */
export function localInput(at: number): string {
  const date = new Date(at);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Unix time in milliseconds of what such a field holds; `null` where it is empty or no moment. */
export function fromLocalInput(value: string): number | null {
  const at = value === "" ? NaN : new Date(value).getTime();
  return Number.isFinite(at) ? at : null;
}
