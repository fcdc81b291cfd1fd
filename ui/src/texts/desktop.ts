import type { DesktopWords, NoticeWords, TrayWords } from "../host/host";
import type { Messages } from "./en";

/** What the desktop says outside the window in this language, as far as possible in the window's own words. */
export function desktopWords(texts: Messages): DesktopWords {
  return { tray: trayWords(texts), notices: noticeWords(texts) };
}

function trayWords({ tray, toolbar, settings }: Messages): TrayWords {
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

function noticeWords({ direction, notices, phase, blocked, groups, actions, tray, explained }: Messages): NoticeWords {
  // Isolated, a name in Latin letters does not turn the sentence around it.
  const name = direction === "rtl" ? "\u2068{name}\u2069" : "{name}";
  return {
    titled: actions.of("{what}", name),
    downloaded: notices.downloaded,
    uploaded: notices.uploaded,
    failed: notices.failed,
    link_expired: phase.linkExpired,
    no_room: blocked.room,
    name_taken: blocked.name_taken,
    from: notices.from,
    to: notices.to,
    all_completed: groups.completed,
    all_failed: groups.failed,
    all_held_up: groups.attention,
    show: tray.show,
    reveal: actions.reveal,
    retry: actions.retry,
    try_now: actions.tryNow,
    keep_both: actions.keepBoth,
    still_running: notices.stillRunning,
    still_running_more: notices.stillRunningMore,
    clipboard_empty: notices.clipboardEmpty,
    clipboard_empty_more: notices.clipboardEmptyMore,
    explained: Object.fromEntries(
      Object.entries(explained).map(([code, [what, hint]]) => [code, { what, hint: hint ?? null }]),
    ),
  };
}
