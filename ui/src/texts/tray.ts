import type { TrayWords } from "../host/host";
import type { Messages } from "./en";

/** What the tray says in this language, as far as possible in the window's own words. */
export function trayWords({ tray, toolbar, settings }: Messages): TrayWords {
  return {
    show: tray.show,
    add: toolbar.addClipboard,
    pause_all: toolbar.pauseAll,
    resume_all: toolbar.resumeAll,
    limit: settings.downloadLimit,
    now: tray.now,
    no_limit: tray.noLimit,
    idle: tray.idle,
    quit: tray.quit,
  };
}
