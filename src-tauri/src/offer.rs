//! What other programs hand over: kept until a page is there to show it.

use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use ropeway_api::Api;
use tauri::{AppHandle, Manager as _};

use crate::{shell::Shell, window};

/// Longest text kept for a page that is not there yet, in bytes: some ten thousand addresses. What would be more is
/// left out, line by line, because whoever hands over more than that has a list file to give instead.
const TEXT_MAXIMUM: usize = 1 << 20;
/// Most paths kept for a page that is not there yet: more than a command line holds.
const PATHS_MAXIMUM: usize = 10_000;

/// Most Metalink documents kept, and offered one after the other.
const DOCUMENTS_MAXIMUM: usize = 20;

/// A Metalink document that names downloads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Document {
    /// What it says.
    pub(crate) text: String,
    /// Its absolute path: it could be meant to be uploaded all the same.
    pub(crate) path: String,
}

/// Addresses and files that the user is to decide on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Addresses or other text, by lines.
    pub(crate) text: String,
    /// Absolute paths.
    pub(crate) paths: Vec<String>,
    /// Each is decided on by itself.
    pub(crate) documents: Vec<Document>,
}

impl Offer {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    pub(crate) fn paths(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let paths = paths.into_iter().map(|path| path.to_string_lossy().into_owned()).collect();
        Self { paths, ..Self::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.paths.is_empty() && self.documents.is_empty()
    }

    /// Asks the page: for the files, for the addresses, and for each document by itself. The page shows one question
    /// after the other.
    fn make(self, api: &Api) {
        if !self.paths.is_empty() {
            api.offer(String::new(), self.paths);
        }
        if !self.text.is_empty() {
            api.offer(self.text, Vec::new());
        }
        for Document { text, path } in self.documents {
            api.offer(text, vec![path]);
        }
    }

    /// Adds another offer's lines, paths and documents, as far as the limits allow.
    pub(crate) fn take_up(&mut self, other: Self) {
        for line in other.text.lines() {
            if self.text.len() + line.len() < TEXT_MAXIMUM {
                if !self.text.is_empty() {
                    self.text.push('\n');
                }
                self.text.push_str(line);
            }
        }
        let room = PATHS_MAXIMUM.saturating_sub(self.paths.len());
        self.paths.extend(other.paths.into_iter().take(room));
        let room = DOCUMENTS_MAXIMUM.saturating_sub(self.documents.len());
        self.documents.extend(other.documents.into_iter().take(room));
    }
}

/// Holds offers back while no page could show them.
#[derive(Debug, Default)]
pub(crate) struct Offers {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    page_is_ready: bool,
    held: Offer,
}

impl Offers {
    /// Holds the offer until there is a page.
    pub(crate) fn hold(&self, offer: Offer) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).held.take_up(offer);
    }

    /// Whether something waits for a page.
    pub(crate) fn are_held(&self) -> bool {
        !self.inner.lock().unwrap_or_else(PoisonError::into_inner).held.is_empty()
    }

    /// Gives the offer to the page, or holds it until there is one.
    pub(crate) fn make(&self, api: &Api, offer: Offer) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.page_is_ready {
            offer.make(api);
        } else {
            inner.held.take_up(offer);
        }
    }

    /// A page has its first snapshot, so it applies every batch from here on: it gets what was held for it.
    pub(crate) fn page_is_ready(&self, api: &Api) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        inner.page_is_ready = true;
        std::mem::take(&mut inner.held).make(api);
    }

    /// The page is gone, or a new one is loading.
    pub(crate) fn page_is_gone(&self) {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).page_is_ready = false;
    }
}

/// Shows the window and asks the user what to do with the offer, if there is anything in it.
pub(crate) fn hand_over(app: &AppHandle, offer: Offer) {
    let offers = app.state::<Offers>();
    // A second start may knock while this one is still opening the queue: the window comes at the end of that.
    let Some(shell) = app.try_state::<Shell>() else { return offers.hold(offer) };
    if !offer.is_empty() {
        offers.make(&shell.api, offer);
    }
    window::show(app);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_join_by_lines() {
        let mut offer = Offer::text("https://a.example/1");
        offer.take_up(Offer::text("https://a.example/2\nhttps://a.example/3\n"));
        offer.take_up(Offer::paths(["/srv/x".into()]));
        assert_eq!(offer.text, "https://a.example/1\nhttps://a.example/2\nhttps://a.example/3");
        assert_eq!(offer.paths, ["/srv/x"]);
    }

    #[test]
    fn what_is_held_is_bounded() {
        let mut offer = Offer::default();
        for _ in 0..3 {
            offer.take_up(Offer::text("x".repeat(TEXT_MAXIMUM / 2)));
            offer.take_up(Offer::paths((0..=PATHS_MAXIMUM / 2).map(|_| "/srv/x".into())));
            let document = Document { text: "<metalink/>".to_owned(), path: "/srv/x.meta4".to_owned() };
            offer.take_up(Offer { documents: vec![document; DOCUMENTS_MAXIMUM / 2 + 1], ..Offer::default() });
        }
        assert!(offer.text.len() <= TEXT_MAXIMUM);
        assert_eq!(offer.paths.len(), PATHS_MAXIMUM);
        assert_eq!(offer.documents.len(), DOCUMENTS_MAXIMUM);
    }
}
