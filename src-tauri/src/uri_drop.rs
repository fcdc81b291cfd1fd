//! Links dragged from a browser.
//!
//! The toolkit tells the page of every dropped list of URIs as if they were paths, percent-decoded, which breaks
//! addresses. So the exact URIs are read here, and what is no file becomes an offer of downloads. Files stay with the
//! page: it asks which target they go to. Plain text reaches the page by itself.

use std::sync::{Mutex, PoisonError};

use tauri::{AppHandle, Manager as _, WebviewWindow};

use crate::offer::{Offer, hand_over};

/// The URIs that hang over the window, as the source of the drag wrote them.
#[derive(Debug, Default)]
pub(crate) struct Hovering {
    uris: Mutex<Vec<String>>,
}

impl Hovering {
    fn replace(&self, uris: Vec<String>) -> Vec<String> {
        std::mem::replace(&mut *self.uris.lock().unwrap_or_else(PoisonError::into_inner), uris)
    }
}

/// Listens for drags over the window.
#[cfg(target_os = "linux")]
pub(crate) fn listen(window: &WebviewWindow) -> tauri::Result<()> {
    use gtk::prelude::WidgetExt as _;

    /// The number that WebKit gives to lists of URIs among the targets it accepts.
    const URI_LIST: u32 = 2;

    let app = window.app_handle().clone();
    window.with_webview(move |view| {
        view.inner().connect_drag_data_received(move |_, _, _, _, selection, target, _| {
            if target == URI_LIST {
                let uris = selection.uris().iter().map(ToString::to_string).collect();
                app.state::<Hovering>().replace(uris);
            }
        });
    })
}

/// Other toolkits give dropped links to the page.
#[cfg(not(target_os = "linux"))]
pub(crate) fn listen(_window: &WebviewWindow) -> tauri::Result<()> {
    Ok(())
}

/// The drag ended over the window: its links become an offer.
pub(crate) fn dropped(app: &AppHandle) {
    let links = links(app.state::<Hovering>().replace(Vec::new()));
    if !links.is_empty() {
        hand_over(app, Offer::text(links.join("\n")));
    }
}

fn links(uris: Vec<String>) -> Vec<String> {
    uris.into_iter().filter(|uri| !uri.starts_with("file:") && uri.contains("://")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_links_are_taken_and_stay_as_they_were_written() {
        let uris = ["https://example.org/a%2Fb%20c", "file:///srv/a", "about:blank"].map(str::to_owned).to_vec();
        assert_eq!(links(uris), ["https://example.org/a%2Fb%20c"]);
    }
}
