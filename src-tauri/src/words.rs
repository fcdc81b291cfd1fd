//! Every sentence the shell itself says: notifications, dialogs. The tray has its words from the page.

/// The product's name.
pub(crate) const NAME: &str = "Ropeway";
/// For a terminal without a screen.
pub(crate) const NO_DISPLAY: &str = "ropeway-desktop: there is no display to open a window on (see DISPLAY \
and WAYLAND_DISPLAY). `ropeway daemon` runs the same queue with the same page in a browser.";

pub(crate) const STILL_RUNNING: &str = "Ropeway keeps running";
pub(crate) const STILL_RUNNING_BODY: &str =
    "Transfers go on in the background. Open the window again from the tray, or by starting Ropeway once more.";
pub(crate) const CLIPBOARD_EMPTY: &str = "The clipboard holds no text";
pub(crate) const CLIPBOARD_EMPTY_BODY: &str = "Copy one or more addresses, then choose Add from clipboard again.";

pub(crate) const DOWNLOADED: &str = "Downloaded";
pub(crate) const UPLOADED: &str = "Uploaded";
pub(crate) const FAILED: &str = "Transfer failed";
pub(crate) const LINK_EXPIRED: &str = "Link expired";
pub(crate) const NO_ROOM: &str = "Waiting for disk space";
pub(crate) const NAME_TAKEN: &str = "Name taken";
pub(crate) const ACTION_TRY_NOW: &str = "Try now";
pub(crate) const ACTION_KEEP_BOTH: &str = "Keep both";
pub(crate) const ACTION_REVEAL: &str = "Show in folder";
pub(crate) const ACTION_RETRY: &str = "Retry";
pub(crate) const ACTION_SHOW: &str = "Show Ropeway";

pub(crate) const CANNOT_START: &str = "Ropeway cannot start";

pub(crate) const HINT_IN_USE: &str =
    "It may be `ropeway daemon`: open its page in a browser, or stop it and start Ropeway again.";
pub(crate) const HINT_UNUSABLE: &str =
    "Make room on the disk or give yourself the rights to that folder, then start Ropeway again.";

/// The notification for several ends at once.
pub(crate) fn summary(completed: usize, failed: usize, held_up: usize) -> String {
    let transfers = |count: usize| if count == 1 { "1 transfer".to_owned() } else { format!("{count} transfers") };
    let mut parts = Vec::new();
    for (count, what) in [(completed, "completed"), (failed, "failed"), (held_up, "waiting for you")] {
        match count {
            0 => {}
            _ if parts.is_empty() => parts.push(format!("{} {what}", transfers(count))),
            _ => parts.push(format!("{count} {what}")),
        }
    }
    parts.join(", ")
}
