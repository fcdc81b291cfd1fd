const HOUR_MS = 60 * 60 * 1000;
const MINUTE_MS = 60 * 1000;
/** When most lines are idle. */
const TONIGHT_HOUR = 22;
const MORNING_HOUR = 8;

/** Moments that are often meant, as Unix time in milliseconds; each lies ahead of `now`. */
export function presets(now: number): { inAnHour: number; tonight: number; tomorrow: number } {
  return {
    inAnHour: Math.ceil((now + HOUR_MS) / MINUTE_MS) * MINUTE_MS,
    tonight: nextAt(now, TONIGHT_HOUR, 0),
    tomorrow: nextAt(now, MORNING_HOUR, 1),
  };
}

/** The first time it is `hour` o'clock, at the earliest `days` days from today. */
function nextAt(now: number, hour: number, days: number): number {
  const at = new Date(now);
  at.setDate(at.getDate() + days);
  at.setHours(hour, 0, 0, 0);
  if (at.getTime() <= now) at.setDate(at.getDate() + 1);
  return at.getTime();
}
