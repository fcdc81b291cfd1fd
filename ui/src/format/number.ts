/** The formats of one language, made once: building an `Intl` format costs more than a row. */
export interface NumberFormats {
  readonly language: string;
  /** Wraps a number with its Latin unit, so that text from right to left does not turn them around. */
  readonly isolated: (text: string) => string;
  readonly whole: Intl.NumberFormat;
  readonly tenths: Intl.NumberFormat;
  readonly hundredths: Intl.NumberFormat;
  readonly percent: Intl.NumberFormat;
  readonly dateTime: Intl.DateTimeFormat;
  readonly time: Intl.DateTimeFormat;
  /** Short names, Monday first. */
  readonly weekdays: readonly string[];
  /** Hours and minutes. */
  readonly clock: Intl.DateTimeFormat;
  /** Weekday, hours and minutes. */
  readonly weekClock: Intl.DateTimeFormat;
}

export function numberFormats(language: string): NumberFormats {
  const digits = (count: number) =>
    new Intl.NumberFormat(language, { minimumFractionDigits: count, maximumFractionDigits: count });
  return {
    language,
    isolated: language.startsWith("ar") ? (text) => `\u2066${text}\u2069` : (text) => text,
    whole: digits(0),
    tenths: digits(1),
    hundredths: digits(2),
    percent: new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 }),
    dateTime: new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }),
    weekdays: weekdayNames(language),
    clock: new Intl.DateTimeFormat(language, { timeStyle: "short" }),
    weekClock: new Intl.DateTimeFormat(language, { weekday: "short", hour: "numeric", minute: "2-digit" }),
    time: new Intl.DateTimeFormat(language, { timeStyle: "medium" }),
  };
}

function weekdayNames(language: string): string[] {
  const format = new Intl.DateTimeFormat(language, { weekday: "short" });
  // The first of January 2024 was a Monday.
  return Array.from({ length: 7 }, (_, day) => format.format(new Date(2024, 0, 1 + day)));
}
