//! `settings.toml`: read with what of it can be read, changed value by value, replaced atomically, so that a crash leaves
//! the old settings or the new ones.
//!
//! The file is the user's own, too. A change writes the values that changed and nothing else: comments, keys of a newer
//! version and what was edited meanwhile stay. A file with something in it that cannot be used is kept beside it first.
//! What is edited while the queue runs is taken up once the editor is done with it.

mod flaw;
mod stamp;
mod text;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use parking_lot::Mutex;
use serde_json::{Map, Value as Json};
use toml_edit::DocumentMut;

use self::{flaw::Flaw, stamp::Stamp};
use crate::{
    error::{ApiCode, ApiError},
    settings::Settings,
    settings_check::{Checked, check},
    view::NoticeView,
};

/// Largest file that is read; two hundred rules of each kind have a tenth of it.
const MOST_BYTES: u64 = 1 << 20;
/// Old files that are kept beside each other.
const MOST_KEPT: usize = 20;
/// Keys that differ in no more letters are taken for a slip.
const NEAR: usize = 2;

/// The settings in force and the file that keeps them.
#[derive(Debug)]
pub(crate) struct SettingsFile {
    path: PathBuf,
    keeping: Keeping,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    settings: Settings,
    flaws: Vec<Flaw>,
    /// The file that these come from.
    read: Stamp,
    /// The file as it was when it was looked at last.
    seen: Stamp,
}

/// What becomes of changed settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// They are the user's: saved, and there again after a restart.
    Saved,
    /// They are this process's alone: the limit of one `get` is no setting.
    ThisProcess,
}

/// A file as it was read.
struct Read {
    /// `None` where there is no file, or none that can be read as text.
    text: Option<String>,
    document: DocumentMut,
    settings: Settings,
    flaws: Vec<Flaw>,
}

impl SettingsFile {
    /// Reads the settings of a folder. What is missing has its default; so has what cannot be used, of which
    /// [`Self::notices`] tell.
    pub(crate) fn open(folder: &Path, keeping: Keeping) -> Self {
        let path = folder.join("settings.toml");
        // Before the file is read: what changes in between is looked at again.
        let stamp = Stamp::of(&path);
        let Read { settings, flaws, .. } = read(&path, &defaults());
        for flaw in &flaws {
            let notice = flaw.notice(&path);
            tracing::warn!(message = notice.message, "settings cannot be used as they are");
        }
        let state = State { settings, flaws, read: stamp, seen: stamp };
        Self { path, keeping, state: Mutex::new(state) }
    }

    /// Takes up what was edited in the file since it was read; whether there was something. An editor may still write: a
    /// file that changed is read once it is as it was at the look before.
    pub(crate) fn look_again(&self) -> bool {
        // Under no lock: the folder may be on a mount that does not answer.
        let now = Stamp::of(&self.path);
        let (settings, before) = {
            let mut state = self.state.lock();
            let is_quiet = std::mem::replace(&mut state.seen, now) == now;
            if self.keeping == Keeping::ThisProcess || now == state.read || !is_quiet {
                return false;
            }
            (state.settings.clone(), state.read)
        };
        let Read { settings, flaws, .. } = read(&self.path, &settings);
        let mut state = self.state.lock();
        if state.read != before {
            // A change has taken it up meanwhile.
            return false;
        }
        for flaw in &flaws {
            let notice = flaw.notice(&self.path);
            tracing::warn!(message = notice.message, "settings cannot be used as they are");
        }
        *state = State { settings, flaws, read: now, seen: now };
        true
    }

    /// The settings in force.
    pub(crate) fn current(&self) -> Settings {
        self.state.lock().settings.clone()
    }

    /// The engine's part of the settings.
    pub(crate) fn checked(&self) -> Checked {
        check(&self.current()).expect("only settings that have been checked are kept")
    }

    /// What of the file cannot be used.
    pub(crate) fn notices(&self) -> Vec<NoticeView> {
        self.state.lock().flaws.iter().map(|flaw| flaw.notice(&self.path)).collect()
    }

    /// What keeps everything from moving, as the refusal of a call that would move something; `None` where nothing does.
    pub(crate) fn blocking(&self) -> Option<ApiError> {
        let notice = self.state.lock().flaws.iter().find(|flaw| flaw.is_blocking())?.notice(&self.path);
        Some(ApiError::new(ApiCode::StateFailed, notice.message, notice.hint))
    }

    /// Changes what differs from the settings in force; durable when this returns, if they are kept at all. What was
    /// edited in the file meanwhile comes into force with it.
    pub(crate) fn replace(&self, wanted: Settings) -> Result<(), ApiError> {
        check(&wanted).map_err(ApiError::from)?;
        let mut state = self.state.lock();
        if self.keeping == Keeping::ThisProcess {
            state.settings = wanted;
            return Ok(());
        }
        let wanted = fields_of(&wanted);
        let mut stamp = Stamp::of(&self.path);
        let Read { text, mut document, settings, mut flaws } = read(&self.path, &state.settings);
        // What holds although the file is gone is written there again, but for what is changed now.
        let is_held = flaws.iter().any(Flaw::is_held);
        flaws.retain(|flaw| !flaw.is_held());
        let (had, settings) = if is_held { (defaults(), defaults()) } else { (state.settings.clone(), settings) };
        let had = fields_of(&had);
        let changed: Map<String, Json> =
            wanted.into_iter().filter(|(key, value)| had.get(key) != Some(value)).collect();
        let mut merged = fields_of(&settings);
        merged.extend(changed.clone());
        let merged: Settings = serde_json::from_value(Json::Object(merged)).map_err(|error| self.refused(&error))?;
        check(&merged).map_err(ApiError::from)?;
        if !changed.is_empty() {
            for (key, value) in &changed {
                if !text::set(&mut document, key, value) {
                    return Err(ApiError::bad_params(format!(
                        "the value of {key} is larger than any that can be kept"
                    )));
                }
            }
            if flaws.iter().any(|flaw| !flaw.is_blank()) {
                self.keep_old(text.as_deref()).map_err(|error| self.refused(&error))?;
            }
            self.write(&document.to_string()).map_err(|error| self.refused(&error))?;
            flaws.retain(|flaw| flaw.key.as_ref().is_none_or(|key| !changed.contains_key(key)));
            // What could not be read at all is not in the new file.
            flaws.retain(|flaw| text.is_some() && !flaw.is_blank());
            stamp = Stamp::of(&self.path);
        }
        *state = State { settings: merged, flaws, read: stamp, seen: stamp };
        Ok(())
    }

    /// Keeps what is about to be changed and cannot be read in full; what is no file is moved out of the way.
    fn keep_old(&self, text: Option<&str>) -> io::Result<()> {
        let old = |number: usize| match number {
            1 => self.path.with_extension("toml.old"),
            number => self.path.with_extension(format!("toml.old-{number}")),
        };
        for number in 1..=MOST_KEPT {
            let place = old(number);
            if fs::symlink_metadata(&place).is_ok() {
                let had = ropeway_files::read_text(&place, MOST_BYTES).ok();
                if text.is_some() && had.as_deref() == text {
                    return Ok(());
                }
                continue;
            }
            return match text {
                Some(text) => ropeway_files::replace(&place, &self.draft(), text.as_bytes()),
                None => move_away(&self.path, &place),
            };
        }
        Err(io::Error::other(format!("{MOST_KEPT} old files are beside it: remove those that are not needed")))
    }

    fn write(&self, text: &str) -> io::Result<()> {
        fs::create_dir_all(self.path.parent().unwrap_or(Path::new("/")))?;
        ropeway_files::replace(&self.path, &self.draft(), text.as_bytes())
    }

    fn draft(&self) -> PathBuf {
        self.path.with_extension("toml.new")
    }

    fn refused(&self, error: &dyn std::fmt::Display) -> ApiError {
        let message = format!("the settings cannot be saved to {}: {error}", self.path.display());
        ApiError::new(ApiCode::StateFailed, message, "Check the folder's permissions and the room on its volume.")
    }
}

#[expect(clippy::disallowed_methods, reason = "an odd file in the place of the settings keeps its contents")]
fn move_away(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// Reads the file over the defaults; where a value cannot be used that of `fallback` holds.
fn read(path: &Path, fallback: &Settings) -> Read {
    let text = match ropeway_files::read_text(path, MOST_BYTES) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return without_a_word(None, fallback);
        }
        Err(error) => {
            let flaws = vec![Flaw::of_file(format!("it cannot be read: {error}"))];
            return Read { text: None, document: DocumentMut::new(), settings: fallback.clone(), flaws };
        }
    };
    if text::is_blank(&text) {
        return without_a_word(Some(text), fallback);
    }
    let (document, unread) = text::read(&text);
    let left_out: Vec<String> = unread.iter().filter_map(|unread| unread.key.clone()).collect();
    let mut flaws: Vec<Flaw> = unread.into_iter().map(Flaw::of_text).collect();
    let (known, mut settings) = (fields_of(fallback), defaults());
    for key in left_out.iter().filter(|key| known.contains_key(*key)) {
        settings = with(&settings, key, known[key].clone()).unwrap_or(settings);
    }
    for (key, line, value) in text::fields(&document) {
        if !known.contains_key(&key) {
            flaws.push(Flaw::of_unknown(&key, line, nearest(&key, known.keys())));
            continue;
        }
        match with(&settings, &key, value) {
            Ok(changed) => settings = changed,
            Err(reason) => {
                settings = with(&settings, &key, known[&key].clone()).unwrap_or(settings);
                flaws.push(Flaw::of_value(&key, line, reason));
            }
        }
    }
    Read { text: Some(text), document, settings, flaws }
}

/// What is read of no file, or of a blank one: an editor that failed, a full volume and a crash leave such. What protects
/// is not dropped for that.
fn without_a_word(text: Option<String>, fallback: &Settings) -> Read {
    let (document, is_blank) = (DocumentMut::new(), text.is_some());
    if flaw::protects(&fields_of(fallback), &fields_of(&defaults())) {
        return Read { text, document, settings: fallback.clone(), flaws: vec![Flaw::of_held(is_blank)] };
    }
    let flaws = if is_blank { vec![Flaw::of_blank()] } else { Vec::new() };
    Read { text, document, settings: defaults(), flaws }
}

/// The settings with another value; or why it cannot be used, without the value.
fn with(settings: &Settings, key: &str, value: Json) -> Result<Settings, String> {
    let mut fields = fields_of(settings);
    fields.insert(key.to_owned(), value);
    let changed = serde_json::from_value(Json::Object(fields));
    // serde quotes what it stumbles over.
    let changed: Settings = changed.map_err(|_| "it has no value that this version knows".to_owned())?;
    check(&changed).map_err(|error| error.to_string())?;
    Ok(changed)
}

fn fields_of(settings: &Settings) -> Map<String, Json> {
    match serde_json::to_value(settings) {
        Ok(Json::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// The known key that a misspelt one may be.
fn nearest<'a>(key: &str, known: impl Iterator<Item = &'a String>) -> Option<&'a str> {
    let distances = known.map(|known| (distance(key, known), known.as_str()));
    distances.filter(|(distance, _)| *distance <= NEAR).min().map(|(_, known)| known)
}

/// Letters to change, leave out or put in to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (place, letter) in one.chars().enumerate() {
        let mut before = std::mem::replace(&mut row[0], place + 1);
        for (at, known) in other.iter().enumerate() {
            let changed = before + usize::from(letter != *known);
            before = row[at + 1];
            row[at + 1] = changed.min(row[at] + 1).min(before + 1);
        }
    }
    row[other.len()]
}

fn defaults() -> Settings {
    Settings { download_folder: default_download_folder().to_string_lossy().into_owned(), ..Settings::default() }
}

fn default_download_folder() -> PathBuf {
    let named = directories::UserDirs::new().and_then(|user| user.download_dir().map(Path::to_owned));
    let named = named.filter(|folder| folder.is_absolute());
    named.or_else(|| Some(ropeway_files::home()?.join("Downloads"))).unwrap_or_else(std::env::temp_dir)
}

#[cfg(test)]
mod tests;
