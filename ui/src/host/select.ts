import type { Host } from "./host";
import { httpHost } from "./http";
import { takeToken } from "./token";

/** The host this page runs in: the desktop's window, or a browser tab of the daemon. */
export async function selectHost(): Promise<Host> {
  if ("__TAURI_INTERNALS__" in window) {
    const { tauriHost } = await import("./tauri");
    return tauriHost();
  }
  return httpHost(takeToken());
}
