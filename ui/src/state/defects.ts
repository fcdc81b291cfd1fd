import type { Notices } from "./notices.svelte";

/** Reported by browsers when a size changes while it is looked at; nothing is lost by it. */
const HARMLESS = /^ResizeObserver loop/;

/** Tells the user of every error that nobody caught: a button that does nothing must not be silent too. */
export function watchDefects(notices: Notices): void {
  addEventListener("error", ({ error, message }: ErrorEvent) => {
    if (!HARMLESS.test(message)) notices.defect(error ?? message);
  });
  addEventListener("unhandledrejection", ({ reason }: PromiseRejectionEvent) => notices.defect(reason));
}
