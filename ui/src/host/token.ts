const KEY = "ropeway.token";

/**
 * The key that the daemon printed in its address, `#token=…`. It is read once, kept for this address and taken out of the
 * address bar, so that it gets into no history, bookmark or screenshot; a bookmark of the bare address lives on it until
 * the daemon ends. Whoever listens at its port afterwards can read what is kept here: it opens nothing any more.
 */
export function takeToken(): string {
  // An address with another key, opened where the page is already, loads nothing by itself.
  window.addEventListener("hashchange", () => {
    if (given() !== null) location.reload();
  });
  const token = given();
  if (token === null) return stored() ?? "";
  try {
    localStorage.setItem(KEY, token);
  } catch {
    // A browser that keeps nothing asks for the whole address each time.
  }
  history.replaceState(null, "", location.pathname + location.search);
  return token;
}

function given(): string | null {
  return new URLSearchParams(location.hash.slice(1)).get("token") || null;
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
