//! What the schedule's rules mean: which one is in force, when that changes, and a rule in a sentence.
import type { NumberFormats } from "../format/number";
import { formatRate } from "../format/size";
import type { LimitsView } from "../gen/LimitsView";
import type { ScheduleRule } from "../gen/ScheduleRule";
import type { Messages } from "../texts/en";

/** Monday to Sunday, as the engine counts them. */
export const WEEKDAYS = [1, 2, 3, 4, 5, 6, 7] as const;

const HOUR = 60;
/** From any moment on, every rule begins and ends within a week and a day. */
const DAYS_AHEAD = 8;
/** Days in a row that are told as a range. */
const LEAST_RANGE = 3;
const MB = 1024 * 1024;

/** What a new rule starts as: spare the line while others work. */
export const NEW_RULE: ScheduleRule = {
  days: [1, 2, 3, 4, 5],
  from_minute: 8 * HOUR,
  to_minute: 18 * HOUR,
  pause: false,
  download_limit: MB,
  upload_limit: MB,
};

/** The place of the rule in force at a local moment; `null` while none is and the usual limits hold. */
export function ruleInForce(rules: readonly ScheduleRule[], moment: Date): number | null {
  const weekday = moment.getDay() === 0 ? 7 : moment.getDay();
  const minute = moment.getHours() * HOUR + moment.getMinutes();
  const at = rules.findIndex((rule) => fits(rule, weekday, minute));
  return at < 0 ? null : at;
}

function fits({ days, from_minute: from, to_minute: to }: ScheduleRule, weekday: number, minute: number): boolean {
  if (from < to) return days.includes(weekday) && minute >= from && minute < to;
  const yesterday = weekday === 1 ? 7 : weekday - 1;
  return (days.includes(weekday) && minute >= from) || (days.includes(yesterday) && minute < to);
}

/** When another rule comes into force, or none; `null` if that never changes. */
export function nextChange(rules: readonly ScheduleRule[], now: Date): { at: number; rule: number | null } | null {
  const before = ruleInForce(rules, now);
  const minutes = [...new Set(rules.flatMap(({ from_minute, to_minute }) => [from_minute, to_minute]))].sort((a, b) => a - b);
  for (let day = 0; day <= DAYS_AHEAD; day += 1) {
    for (const minute of minutes) {
      const at = new Date(now.getFullYear(), now.getMonth(), now.getDate() + day, 0, minute);
      if (at <= now) continue;
      const rule = ruleInForce(rules, at);
      if (rule !== before) return { at: at.getTime(), rule };
    }
  }
  return null;
}

/** `Mon – Fri`, `Sat, Sun`, `every day`. */
export function daysText(days: readonly number[], texts: Messages, formats: NumberFormats): string {
  if (WEEKDAYS.every((day) => days.includes(day))) return texts.schedule.everyDay;
  const name = (day: number) => formats.weekdays[day - 1] ?? "";
  const parts: string[] = [];
  for (let day = 1; day <= 7; day += 1) {
    if (!days.includes(day)) continue;
    let last = day;
    while (last < 7 && days.includes(last + 1)) last += 1;
    if (last - day + 1 >= LEAST_RANGE) parts.push(`${name(day)} – ${name(last)}`);
    else for (let one = day; one <= last; one += 1) parts.push(name(one));
    day = last;
  }
  return parts.join(", ");
}

/** What a rule does, without when. */
export function effectText(rule: ScheduleRule, texts: Messages, formats: NumberFormats): string {
  if (rule.pause) return texts.schedule.nothingMoves;
  const rate = (limit: number | null) => (limit === null ? texts.schedule.unlimited : formatRate(limit, formats));
  return texts.schedule.limits(rate(rule.download_limit), rate(rule.upload_limit));
}

/** A whole rule in one sentence. */
export function ruleSentence(rule: ScheduleRule, texts: Messages, formats: NumberFormats): string {
  const when = texts.schedule.when(daysText(rule.days, texts, formats), clockText(rule.from_minute, formats), clockText(rule.to_minute, formats));
  const overnight = rule.to_minute <= rule.from_minute ? ` ${texts.schedule.nextDay}` : "";
  return `${when}${overnight}: ${effectText(rule, texts, formats)}`;
}

function clockText(minute: number, formats: NumberFormats): string {
  return formats.clock.format(new Date(2024, 0, 1, 0, minute));
}

/** Until when limits are in force, by the clock of the engine's machine; empty if they never end. */
export function untilText({ until }: LimitsView, now: number, formats: NumberFormats): string {
  if (until === null) return "";
  const today = new Date(now).getDay() || 7;
  const clock = clockText(until.minute, formats);
  return until.weekday === today ? clock : `${formats.weekdays[until.weekday - 1] ?? ""} ${clock}`;
}

/** A minute of the day as `<input type="time">` takes it. */
export function timeInput(minute: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(Math.floor(minute / HOUR))}:${two(minute % HOUR)}`;
}

/** The minute of the day that such a field holds; `null` where it is empty. */
export function fromTimeInput(value: string): number | null {
  const [, hours, minutes] = /^(\d{2}):(\d{2})/.exec(value) ?? [];
  return hours === undefined || minutes === undefined ? null : Number(hours) * HOUR + Number(minutes);
}

/** The days with one more or one less; a rule keeps its last day. */
export function toggledDay(days: readonly number[], day: number): number[] {
  if (!days.includes(day)) return [...days, day].sort((a, b) => a - b);
  return days.length === 1 ? [...days] : days.filter((other) => other !== day);
}
