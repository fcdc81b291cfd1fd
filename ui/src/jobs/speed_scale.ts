const STEPS = [1, 2, 4, 8, 10, 20, 40, 80, 100, 200, 400, 800, 1024] as const;
/** A graph of nothing still needs a height. */
const LEAST = 1024;

/** The top of the speed scale: the next round number of its unit at or above `rate` bytes a second. */
export function niceTop(rate: number): number {
  let unit = LEAST;
  while (rate > unit * 1024) unit *= 1024;
  const step = STEPS.find((candidate) => candidate * unit >= rate);
  return (step ?? 1024) * unit;
}
