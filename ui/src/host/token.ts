const KEY = "ropeway.token";

/**
 * The secret that the daemon printed in its address, `#token=…`. It is read once, kept for this tab and taken out of
 * the address bar, so that it gets into no history, bookmark or screenshot.
 */
export function takeToken(): string {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given !== null && given !== "") {
    sessionStorage.setItem(KEY, given);
    history.replaceState(null, "", location.pathname + location.search);
    return given;
  }
  return sessionStorage.getItem(KEY) ?? "";
}
