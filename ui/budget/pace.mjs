// How fast script runs here and now, so that what it takes can be told as it would be on the machine that the budgets are
// written for: neither a slow machine nor a busy one breaks them.

/** Milliseconds of script that the work below takes there. */
const USUAL_MS = 4.5;
/** Runs at first: some are interpreted, as nothing is that is measured over and over. */
const WARM_UPS = 8;

/** Sorts names by prepared keys, as the list does; from a timer, since only what the page runs by itself counts as script. */
function work() {
  const sortNames = () => {
    const names = Array.from({ length: 4_000 }, (_, index) => `set/File-${(index * 7919) % 10_007}.bin`);
    const keys = names.map((name) => name.toLowerCase().replace(/\d+/g, (digits) => digits.padStart(12, "0")));
    return Array.from(keys.keys()).sort((one, other) => (keys[one] < keys[other] ? -1 : 1));
  };
  return new Promise((done) => setTimeout(() => done(sortNames().length)));
}

/** The pace of one page, whose script so far `spent` gives in milliseconds. */
export async function paceOf(page, spent) {
  let best = Infinity;
  /** Takes the pace once more; the fastest counts, since whatever else the machine does only adds to it. */
  const beat = async () => {
    const before = await spent();
    await page.evaluate(work);
    best = Math.min(best, (await spent()) - before);
  };
  for (let run = 0; run < WARM_UPS; run += 1) await beat();
  /** What would have taken so long on the machine of the budgets. Of several runs the fastest counts here, too. */
  const usual = async (...runs) => {
    await beat();
    return (Math.min(...runs) * USUAL_MS) / best;
  };
  return { beat, usual };
}
