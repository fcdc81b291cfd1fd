//! Where the window was and how large, kept in `window.json` of the config folder.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use tauri::{Monitor, PhysicalPosition, PhysicalSize, Window};

use crate::kept;

const FILE: &str = "window.json";
/// Longest file that is read, in bytes; ours have some hundred.
const FILE_MAXIMUM: u64 = 4096;
/// Folder of what the page's engine stores, below the data folder.
const WEB_FOLDER: &str = "webview";
/// How much of the window's top edge must be on a screen for the hand to catch it, in logical pixels.
const CATCHABLE: f64 = 48.0;
/// Sizes beyond any screen are a damaged file's, in logical pixels.
const SIZE_MAXIMUM: f64 = 32_768.0;

/// A window's place, in logical pixels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// The corner at the top left of the frame; `None` leaves it to the window manager.
    pub(crate) corner: Option<(f64, f64)>,
    pub(crate) is_maximized: bool,
}

/// A screen's area, in logical pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Screen {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

impl Place {
    fn is_sane(&self) -> bool {
        let size_is_sane = |size: f64| size.is_finite() && size > 0.0 && size < SIZE_MAXIMUM;
        size_is_sane(self.width) && size_is_sane(self.height)
    }

    /// The same place, its corner left out if no screen would show enough of it: a monitor may have been unplugged.
    fn seen_on(mut self, screens: &[Screen]) -> Self {
        self.corner = self.corner.filter(|&(x, y)| {
            screens.iter().any(|screen| {
                let overlap = (x + self.width).min(screen.x + screen.width) - x.max(screen.x);
                overlap >= CATCHABLE && y >= screen.y && y + CATCHABLE <= screen.y + screen.height
            })
        });
        self
    }
}

/// Remembers the window's place while it is shown, and keeps it when it closes.
#[derive(Debug)]
pub(crate) struct PlaceKeeper {
    file: PathBuf,
    web_folder: PathBuf,
    last: Mutex<Option<Place>>,
}

impl PlaceKeeper {
    /// Reads what an earlier run kept; a missing or damaged file is no place at all.
    pub(crate) fn open(config_folder: &Path, data_folder: &Path) -> Self {
        let file = config_folder.join(FILE);
        let last = kept::read(&file, FILE_MAXIMUM).filter(Place::is_sane);
        Self { file, web_folder: data_folder.join(WEB_FOLDER), last: Mutex::new(last) }
    }

    /// Where the page's engine may store things.
    pub(crate) fn web_folder(&self) -> PathBuf {
        self.web_folder.clone()
    }

    /// The last place, as far as these screens show it.
    pub(crate) fn last_on(&self, monitors: &[Monitor]) -> Option<Place> {
        let screens: Vec<Screen> = monitors.iter().map(screen_of).collect();
        self.last().map(|place| place.seen_on(&screens))
    }

    /// Takes note of where the window is now.
    pub(crate) fn note(&self, window: &Window) {
        let Ok(now) = place_of(window) else { return };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = match *last {
            // What a maximized window goes back to is the size before.
            Some(before) if now.is_maximized => Some(Place { is_maximized: true, ..before }),
            _ => Some(now),
        };
    }

    /// Writes the last place, whole or not at all. A failure costs the user a resized window, so it is only logged.
    pub(crate) fn save(&self) {
        if let Some(place) = self.last()
            && let Err(cause) = kept::write(&self.file, &place)
        {
            tracing::warn!(%cause, file = %self.file.display(), "the window's place cannot be kept");
        }
    }

    fn last(&self) -> Option<Place> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place_of(window: &Window) -> tauri::Result<Place> {
    let scale = window.scale_factor()?;
    let size: tauri::LogicalSize<f64> = window.inner_size()?.to_logical(scale);
    let corner: tauri::LogicalPosition<f64> = window.outer_position()?.to_logical(scale);
    Ok(Place {
        width: size.width,
        height: size.height,
        corner: Some((corner.x, corner.y)),
        is_maximized: window.is_maximized()?,
    })
}

fn screen_of(monitor: &Monitor) -> Screen {
    let scale = monitor.scale_factor();
    let (PhysicalPosition { x, y }, PhysicalSize { width, height }) = (*monitor.position(), *monitor.size());
    Screen {
        x: f64::from(x) / scale,
        y: f64::from(y) / scale,
        width: f64::from(width) / scale,
        height: f64::from(height) / scale,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const PLACE: Place = Place { width: 900.0, height: 600.0, corner: Some((100.0, 50.0)), is_maximized: false };
    const LEFT: Screen = Screen { x: 0.0, y: 0.0, width: 1280.0, height: 800.0 };
    const RIGHT: Screen = Screen { x: 1280.0, y: 0.0, width: 1920.0, height: 1080.0 };

    #[test]
    fn a_corner_no_screen_shows_is_left_to_the_window_manager() {
        for (corner, screens, is_kept) in [
            ((100.0, 50.0), &[LEFT][..], true),
            ((2000.0, 50.0), &[LEFT, RIGHT], true),
            ((2000.0, 50.0), &[LEFT], false),
            ((-860.0, 50.0), &[LEFT], false),
            ((-800.0, 50.0), &[LEFT], true),
            ((100.0, -10.0), &[LEFT], false),
            ((100.0, 790.0), &[LEFT], false),
            ((100.0, 50.0), &[], false),
        ] {
            let seen = Place { corner: Some(corner), ..PLACE }.seen_on(screens);
            assert_eq!(seen.corner.is_some(), is_kept, "{corner:?} on {screens:?}");
        }
    }

    #[test]
    fn a_kept_place_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        kept::write(&file, &PLACE).unwrap();
        assert_eq!(PlaceKeeper::open(folder.path(), folder.path()).last(), Some(PLACE));
    }

    #[test]
    fn a_damaged_file_is_no_place() {
        let folder = tempfile::tempdir().unwrap();
        let huge = format!("{}{}", " ".repeat(5000), serde_json::to_string(&PLACE).unwrap());
        let endless = serde_json::to_string(&Place { width: 1e300, ..PLACE }).unwrap();
        for text in ["", "{", "[]", r#"{"width":-1,"height":5,"corner":null,"is_maximized":false}"#, &huge, &endless] {
            #[expect(clippy::disallowed_methods, reason = "a damaged file")]
            fs::write(folder.path().join(FILE), text).unwrap();
            assert_eq!(PlaceKeeper::open(folder.path(), folder.path()).last(), None, "{text}");
        }
    }
}
