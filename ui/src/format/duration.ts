import { NOTHING } from "./size";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Beyond this an estimate tells nothing but "not soon". */
const LONGEST = 100 * DAY;

/** `0:33`, `12:05`, `1:32:07`, `3d 4h`; a guess above a hundred days is none. */
export function formatDuration(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds) || seconds < 0 || seconds >= LONGEST) return NOTHING;
  const whole = Math.ceil(seconds);
  if (whole >= DAY) return `${Math.floor(whole / DAY)}d ${Math.floor((whole % DAY) / HOUR)}h`;
  const twoDigits = (value: number) => String(value).padStart(2, "0");
  const rest = `${twoDigits(Math.floor((whole % HOUR) / MINUTE))}:${twoDigits(whole % MINUTE)}`;
  if (whole >= HOUR) return `${Math.floor(whole / HOUR)}:${rest}`;
  return `${Math.floor(whole / MINUTE)}:${twoDigits(whole % MINUTE)}`;
}
