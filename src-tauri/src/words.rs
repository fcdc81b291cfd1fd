//! What the shell itself says before there is a page. All else it says in the page's language, see [`crate::language`].

/// The product's name.
pub(crate) const NAME: &str = "Ropeway";
/// For a terminal without a screen.
pub(crate) const NO_DISPLAY: &str = "ropeway-desktop: there is no display to open a window on (see DISPLAY \
and WAYLAND_DISPLAY). `ropeway daemon` runs the same queue with the same page in a browser.";

pub(crate) const CANNOT_START: &str = "Ropeway cannot start";

pub(crate) const HINT_IN_USE: &str =
    "It may be `ropeway daemon`: open its page in a browser, or stop it and start Ropeway again.";
pub(crate) const HINT_UNUSABLE: &str =
    "Make room on the disk or give yourself the rights to that folder, then start Ropeway again.";
