/** Reads what this window keeps on this machine; storage may be forbidden, and what is in it may be anything. */
export function readPreference(key: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(`ropeway.${key}`) ?? "null");
  } catch {
    return null;
  }
}

/** Keeps a choice; without storage it lasts as long as the window. */
export function keepPreference(key: string, value: unknown): void {
  try {
    localStorage.setItem(`ropeway.${key}`, JSON.stringify(value));
  } catch {
    // A full or forbidden storage is no reason to disturb the user.
  }
}
