/** What a rate field offers beside the number. */
export const RATE_UNITS = [
  { label: "KiB/s", bytes: 1024 },
  { label: "MiB/s", bytes: 1024 * 1024 },
] as const;

export type RateUnit = (typeof RATE_UNITS)[number]["label"];

/** What stands in a rate field: a number as typed and its unit. */
export interface RateInput {
  readonly typed: string;
  readonly unit: RateUnit;
}

const [KILOBYTES, MEGABYTES] = RATE_UNITS;
/** Digits behind the point that tell every byte of a kilobyte from the next. */
const MOST_DIGITS = 4;
/** Digits behind the point up to which megabytes are easier to read than kilobytes. */
const DIGITS_OF_MEGABYTES = 2;

/** A number, and behind it the unit as people write it: `500`, `2,5 MiB`, `500K`, `1.5 MiB/s`, `900 B/s`. */
const SPELLED = /^(\d*[.,]?\d+|\d+[.,])\s*(?:([kmg])?(?:i?(b)(?:\/s)?)?)$/i;
const BYTES_OF = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 } as const;

/**
 * A limit as a field shows it, exact to the byte. What the user `typed` for this limit stays as it is, with its unit;
 * else megabytes where two digits behind the point are enough, and kilobytes for anything else.
 */
export function rateInput(limit: number | null, typed?: RateInput): RateInput {
  if (typed !== undefined && parseRate(typed) === limit) return typed;
  if (limit === null) return { typed: "", unit: "MiB/s" };
  const megabytes = limit >= MEGABYTES.bytes ? exact(limit, MEGABYTES, DIGITS_OF_MEGABYTES) : null;
  return megabytes ?? exact(limit, KILOBYTES, MOST_DIGITS) ?? { typed: String(limit / KILOBYTES.bytes), unit: KILOBYTES.label };
}

/** The shortest number of units that is this very limit. */
function exact(limit: number, unit: (typeof RATE_UNITS)[number], mostDigits: number): RateInput | null {
  for (let digits = 0; digits <= mostDigits; digits += 1) {
    const input = { typed: (limit / unit.bytes).toFixed(digits), unit: unit.label };
    if (parseRate(input) === limit) return input;
  }
  return null;
}

/**
 * Bytes a second; an empty field is no limit (`null`), anything that is no positive number is `"invalid"`. A unit that is
 * typed behind the number counts instead of the field's.
 */
export function parseRate(input: RateInput): number | null | "invalid" {
  const text = input.typed.trim();
  if (text === "") return null;
  const spelled = SPELLED.exec(text);
  if (spelled === null) return "invalid";
  const [, number = "", letter = ""] = spelled;
  const own = RATE_UNITS.find(({ label }) => label === input.unit)?.bytes ?? 1;
  const unit = hasUnit(spelled) ? BYTES_OF[letter.toLowerCase() as keyof typeof BYTES_OF] : own;
  const bytes = Math.round(Number(number.replace(",", ".")) * unit);
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : "invalid";
}

/** The same input with a unit that was typed behind the number moved to where the field has its unit. */
export function withUnitApart(input: RateInput): RateInput {
  const spelled = SPELLED.exec(input.typed.trim());
  const limit = parseRate(input);
  if (spelled === null || !hasUnit(spelled) || typeof limit !== "number") return input;
  const unit = RATE_UNITS.find(({ bytes }) => bytes === BYTES_OF[(spelled[2] ?? "").toLowerCase() as keyof typeof BYTES_OF]);
  return unit === undefined ? rateInput(limit) : { typed: spelled[1] ?? "", unit: unit.label };
}

function hasUnit([, , letter, bytes]: RegExpExecArray): boolean {
  return letter !== undefined || bytes !== undefined;
}
