const KEY = "ropeway.token";

/**
 * The secret that the daemon printed in its address, `#token=…`. It is read once, kept for this address and taken out of
 * the address bar, so that it gets into no history, bookmark or screenshot; a bookmark of the bare address lives on it.
 */
export function takeToken(): string {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given === null || given === "") return stored() ?? "";
  try {
    localStorage.setItem(KEY, given);
  } catch {
    // A browser that keeps nothing asks for the whole address each time.
  }
  history.replaceState(null, "", location.pathname + location.search);
  return given;
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
