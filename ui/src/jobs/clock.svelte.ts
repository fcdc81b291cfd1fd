import { createSubscriber } from "svelte/reactivity";

const SECOND_MS = 1_000;

const follow = createSubscriber((update) => {
  const timer = setInterval(update, SECOND_MS);
  return () => clearInterval(timer);
});

/** Unix time in milliseconds, read again each second by whatever shows it; nothing ticks while nothing does. */
export function secondNow(): number {
  follow();
  return Date.now();
}
