//! `settings.toml`: read once, replaced atomically, so that a crash leaves the old settings or the new ones.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::{
    error::{ApiCode, ApiError},
    settings::Settings,
    settings_check::{Checked, check},
};

/// The settings in force and the file that keeps them.
#[derive(Debug)]
pub(crate) struct SettingsFile {
    path: PathBuf,
    keeping: Keeping,
    current: Mutex<Settings>,
}

/// What becomes of changed settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// They are the user's: saved, and there again after a restart.
    Saved,
    /// They are this process's alone: the limit of one `get` is no setting.
    ThisProcess,
}

impl SettingsFile {
    /// Reads the settings of a folder; what is missing or unreadable has its default.
    pub(crate) fn open(folder: &Path, keeping: Keeping) -> Self {
        let path = folder.join("settings.toml");
        let mut current = match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).unwrap_or_else(|error| {
                tracing::warn!(path = %path.display(), %error, "settings cannot be read; the defaults are used");
                Settings::default()
            }),
            Err(_) => Settings::default(),
        };
        if !Path::new(&current.download_folder).is_absolute() {
            current.download_folder = default_download_folder().to_string_lossy().into_owned();
        }
        if let Err(error) = check(&current) {
            tracing::warn!(path = %path.display(), %error, "settings are out of range; the defaults are used");
            current = Settings { download_folder: current.download_folder, ..Settings::default() };
        }
        Self { path, keeping, current: Mutex::new(current) }
    }

    /// The settings in force.
    pub(crate) fn current(&self) -> Settings {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The engine's part of the settings.
    pub(crate) fn checked(&self) -> Checked {
        check(&self.current()).expect("only settings that have been checked are kept")
    }

    /// Replaces the settings; durable when this returns, if they are kept at all.
    pub(crate) fn replace(&self, settings: Settings) -> Result<(), ApiError> {
        check(&settings).map_err(ApiError::from)?;
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if self.keeping == Keeping::Saved {
            let text = toml::to_string_pretty(&settings).map_err(|error| self.refused(&io::Error::other(error)))?;
            write_atomically(&self.path, &text).map_err(|error| self.refused(&error))?;
        }
        *current = settings;
        Ok(())
    }

    fn refused(&self, error: &io::Error) -> ApiError {
        let message = format!("the settings cannot be saved to {}: {error}", self.path.display());
        ApiError::new(ApiCode::StateFailed, message, "Check the folder's permissions and the room on its volume.")
    }
}

fn default_download_folder() -> PathBuf {
    let user = directories::UserDirs::new();
    let downloads = user.as_ref().and_then(|user| user.download_dir().map(Path::to_owned));
    let below_home = || user.as_ref().map(|user| user.home_dir().join("Downloads"));
    downloads.or_else(below_home).unwrap_or_else(|| PathBuf::from("/tmp"))
}

/// Writes beside the file, syncs, renames over it, syncs the folder.
fn write_atomically(path: &Path, text: &str) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let folder = path.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(folder)?;
    let beside = path.with_extension("toml.new");
    let mut file = File::options().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    #[expect(clippy::disallowed_methods, reason = "this is the one place that replaces the settings")]
    std::fs::rename(&beside, path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_and_missing_ones_have_their_default() {
        let folder = tempfile::tempdir().unwrap();
        let file = SettingsFile::open(folder.path(), Keeping::Saved);
        let wanted = Settings { running_jobs: 7, download_limit: Some(1 << 20), ..file.current() };
        file.replace(wanted.clone()).unwrap();
        assert_eq!(SettingsFile::open(folder.path(), Keeping::Saved).current(), wanted);
        let partial = "running_jobs = 2\nunknown = true\n";
        write_atomically(&folder.path().join("settings.toml"), partial).unwrap();
        let settings = SettingsFile::open(folder.path(), Keeping::Saved).current();
        assert_eq!((settings.running_jobs, settings.connections), (2, 8));
    }

    #[test]
    fn the_settings_of_one_process_are_not_saved() {
        let folder = tempfile::tempdir().unwrap();
        let file = SettingsFile::open(folder.path(), Keeping::ThisProcess);
        file.replace(Settings { running_jobs: 16, ..file.current() }).unwrap();
        assert_eq!(file.current().running_jobs, 16);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn settings_out_of_range_are_refused_and_broken_files_do_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let file = SettingsFile::open(folder.path(), Keeping::Saved);
        for wrong in [
            Settings { running_jobs: 0, ..file.current() },
            Settings { connections: 65, ..file.current() },
            Settings { upload_limit: Some(0), ..file.current() },
            Settings { download_folder: "relative".to_owned(), ..file.current() },
        ] {
            assert_eq!(file.replace(wrong).unwrap_err().code, ApiCode::BadParams);
        }
        for broken in ["running_jobs = [", "running_jobs = 200", ""] {
            write_atomically(&folder.path().join("settings.toml"), broken).unwrap();
            assert_eq!(SettingsFile::open(folder.path(), Keeping::Saved).current().running_jobs, 4);
        }
    }
}
