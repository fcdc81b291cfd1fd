import type { ListView } from "./view.svelte";

/** How long something can be taken back. */
export const UNDO_MS = 10_000;

/**
 * Rows that leave the list at once and the queue a moment later, so that the user can take it back. A window that is
 * closed meanwhile leaves them in the queue.
 */
export class Undo {
  constructor(private readonly view: ListView) {}

  /** Hides the rows of `ids` and carries out `commit` when their time is over; gives the way back. */
  hide(ids: readonly number[], commit: () => void): { readonly takeBack: () => void; readonly carryOut: () => void } {
    this.view.hide(ids);
    let isOpen = true;
    const end = (how: () => void) => () => {
      if (!isOpen) return;
      isOpen = false;
      clearTimeout(timer);
      how();
    };
    const carryOut = end(commit);
    const timer = setTimeout(carryOut, UNDO_MS);
    return { takeBack: end(() => this.view.unhide(ids)), carryOut };
  }
}
