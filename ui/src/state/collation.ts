//! Names as texts that are quick to order.
import type { JobView } from "../gen/JobView";

/** Kept because the text of a name costs more to prepare than the whole sort. */
const collationKeys = new Map<string, string>();
const MOST_COLLATION_KEYS = 50_000;

/** A text whose plain comparison orders as file managers do: letters without case and accent, numbers by value. */
export function collationKey(name: string): string {
  const known = collationKeys.get(name);
  if (known !== undefined) return known;
  const key = withPaddedNumbers(isPlain(name) ? name.toLowerCase() : withoutAccents(name));
  if (collationKeys.size >= MOST_COLLATION_KEYS) collationKeys.clear();
  collationKeys.set(name, key);
  return key;
}

/** Names prepared at once: short enough for a frame. */
const WARM_NAMES = 250;

/**
 * Prepares the names of `jobs` a few at a time, so that the first click on a column finds them ready. Stops when the
 * returned function is called.
 */
export function prepareNames(jobs: readonly JobView[]): () => void {
  let from = 0;
  let timer: ReturnType<typeof setTimeout>;
  const step = () => {
    for (const job of jobs.slice(from, from + WARM_NAMES)) collationKey(job.name);
    from += WARM_NAMES;
    if (from < jobs.length) timer = setTimeout(step);
  };
  timer = setTimeout(step);
  return () => clearTimeout(timer);
}

// No control character matters here: the question is only whether accents can be spared.
const isPlain = (text: string) => /^[\x00-\x7f]*$/.test(text);

const withoutAccents = (text: string) => text.normalize("NFD").replace(/\p{Diacritic}/gu, "").toLowerCase();

const PADDED_DIGITS = 12;
const ZEROS = "0".repeat(PADDED_DIGITS);

/** Numbers written so long that comparing them as text compares their values. */
function withPaddedNumbers(text: string): string {
  const parts: string[] = [];
  let from = 0;
  for (const { index, 0: digits } of text.matchAll(/\d+/g)) {
    parts.push(text.slice(from, index), ZEROS.slice(digits.length), digits);
    from = index + digits.length;
  }
  if (from === 0) return text;
  parts.push(text.slice(from));
  // Joined at once and not added up piece by piece: a text of pieces is put together at its first comparison, in the sort.
  return parts.join("");
}
