//! Where Ropeway keeps what it must remember: the same answer for the command line, the daemon and the window.

use std::{
    ffi::OsString,
    fs::DirBuilder,
    io,
    path::{Path, PathBuf},
};

/// Overrides the folder of the durable queue.
pub const DATA_VARIABLE: &str = "ROPEWAY_DATA_DIR";
/// Overrides the folder of `settings.toml`.
pub const CONFIG_VARIABLE: &str = "ROPEWAY_CONFIG_DIR";

/// Two absolute folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    /// The durable queue: `$ROPEWAY_DATA_DIR`, else the platform's place (`$XDG_DATA_HOME/ropeway` on Linux).
    pub data: PathBuf,
    /// `settings.toml`: `$ROPEWAY_CONFIG_DIR`, else the platform's place (`$XDG_CONFIG_HOME/ropeway` on Linux).
    pub config: PathBuf,
}

/// Why there are no such folders.
#[derive(Debug, thiserror::Error)]
pub enum FoldersError {
    /// Neither the environment nor the user database names a home folder.
    #[error("there is no home folder to keep the queue in; set {DATA_VARIABLE} and {CONFIG_VARIABLE}")]
    NoHome,
    /// A folder could not be made.
    #[error("the folder {} could not be created: {cause}", folder.display())]
    NotCreated {
        /// The folder.
        folder: PathBuf,
        /// The variable that names another one.
        variable: &'static str,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
}

impl FoldersError {
    /// The user's next step, one sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoHome => "Set HOME to an absolute path, or name folders with those variables.",
            Self::NotCreated { variable, .. } if *variable == CONFIG_VARIABLE => {
                "Check the permissions of the folder above it, or name another one with ROPEWAY_CONFIG_DIR."
            }
            Self::NotCreated { .. } => {
                "Check the permissions of the folder above it, or name another one with ROPEWAY_DATA_DIR."
            }
        }
    }
}

impl Folders {
    /// The folders of the user who runs this process; nothing is created.
    ///
    /// # Errors
    /// [`FoldersError::NoHome`] if one is neither given nor to be found.
    pub fn of_this_user() -> Result<Self, FoldersError> {
        let given = |variable| std::env::var_os(variable).filter(|value| !value.is_empty());
        Self::resolve(given(DATA_VARIABLE), given(CONFIG_VARIABLE), Standard::of_this_user)
    }

    fn resolve(
        data: Option<OsString>,
        config: Option<OsString>,
        standard: impl Fn() -> Option<Standard>,
    ) -> Result<Self, FoldersError> {
        let place = |given: Option<OsString>, usual: fn(Standard) -> PathBuf| {
            let chosen = given.map(PathBuf::from).or_else(|| standard().map(usual));
            chosen.and_then(|folder| std::path::absolute(folder).ok()).ok_or(FoldersError::NoHome)
        };
        Ok(Self { data: place(data, |folders| folders.data)?, config: place(config, |folders| folders.config)? })
    }

    /// Creates what is not there yet, for this user only: the queue holds logins and signed links.
    ///
    /// # Errors
    /// [`FoldersError::NotCreated`] with the system's reason.
    pub fn create(&self) -> Result<(), FoldersError> {
        [(&self.data, DATA_VARIABLE), (&self.config, CONFIG_VARIABLE)].into_iter().try_for_each(|(folder, variable)| {
            create_private(folder).map_err(|cause| FoldersError::NotCreated { folder: folder.clone(), variable, cause })
        })
    }
}

/// The platform's own places.
struct Standard {
    data: PathBuf,
    config: PathBuf,
}

impl Standard {
    /// `None` for a user without a home. A relative path in the environment is none, as the XDG Base Directory
    /// Specification says: it would mean another folder in every place.
    #[cfg(all(unix, not(target_os = "macos")))]
    fn of_this_user() -> Option<Self> {
        let given = |variable| std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = crate::home();
        let place = |variable, below: &str| {
            let base = given(variable).or_else(|| Some(home.as_ref()?.join(below)))?;
            Some(base.join("ropeway"))
        };
        Some(Self { data: place("XDG_DATA_HOME", ".local/share")?, config: place("XDG_CONFIG_HOME", ".config")? })
    }

    /// The local folder where there are two: a queue of this machine's paths is of no use on another one.
    #[cfg(not(all(unix, not(target_os = "macos"))))]
    fn of_this_user() -> Option<Self> {
        let folders = directories::ProjectDirs::from("", "", "ropeway")?;
        Some(Self { data: folders.data_local_dir().to_owned(), config: folders.config_dir().to_owned() })
    }
}

/// Creates `folder` and its parents; the new ones are closed to other users.
fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn given_folders_win_and_become_absolute() {
        let folders = Folders::resolve(Some("queue".into()), Some("/etc/ropeway".into()), || None).unwrap();
        assert_eq!(folders.data, std::env::current_dir().unwrap().join("queue"));
        assert_eq!(folders.config, Path::new("/etc/ropeway"));
    }

    #[test]
    fn without_a_home_the_variables_are_named() {
        let error = Folders::resolve(Some("/queue".into()), None, || None).unwrap_err();
        assert!(error.to_string().contains(CONFIG_VARIABLE), "{error}");
    }

    #[test]
    fn only_the_user_may_enter_new_folders() {
        use std::os::unix::fs::PermissionsExt;
        let place = tempfile::tempdir().unwrap();
        let folders = Folders { data: place.path().join("a/data"), config: place.path().join("a/config") };
        folders.create().unwrap();
        folders.create().unwrap();
        for folder in [&folders.data, &folders.config, &place.path().join("a")] {
            assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700, "{}", folder.display());
        }
    }
}
