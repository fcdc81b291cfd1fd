//! Folders below another one, entered one by one, following no link.

use std::path::{Component, Path, PathBuf};

use rustix::{
    fs::{CWD, Mode, OFlags, mkdirat, openat},
    io::Errno,
};

use super::error::DiskError;

/// Creates `folder` below `chosen`, which exists. Returns the folders that it made, the outermost first.
///
/// # Errors
/// [`DiskError::LinkInWay`] where a part of the way is a link, or leads upwards.
pub(super) fn create(chosen: &Path, folder: &Path) -> Result<Vec<PathBuf>, DiskError> {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
    let (mut place, mut made) = (chosen.to_owned(), Vec::new());
    let mut parent = openat(CWD, chosen, flags, Mode::empty()).map_err(|errno| DiskError::at(chosen, errno.into()))?;
    let way = folder.strip_prefix(chosen).map_err(|_| DiskError::LinkInWay { path: folder.to_owned() })?;
    for component in way.components() {
        place.push(component);
        let Component::Normal(name) = component else { return Err(DiskError::LinkInWay { path: place }) };
        // The permissions that `create_dir_all` asks for; the user's mask takes its part away.
        match mkdirat(&parent, name, Mode::from_raw_mode(0o777)) {
            // A complete file is no more durable than the way to it.
            Ok(()) => {
                ropeway_files::sync_folder(&parent).map_err(|error| DiskError::at(&place, error))?;
                made.push(place.clone());
            }
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(DiskError::at(&place, errno.into())),
        }
        parent = openat(&parent, name, flags | OFlags::NOFOLLOW, Mode::empty()).map_err(|errno| match errno {
            Errno::LOOP | Errno::NOTDIR if place.is_symlink() => DiskError::LinkInWay { path: place.clone() },
            errno => DiskError::at(&place, errno.into()),
        })?;
    }
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_and_a_link_among_them_is_not_followed() {
        let (chosen, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let folder = chosen.path().join("a/b");
        for made in [vec![chosen.path().join("a"), folder.clone()], Vec::new()] {
            assert_eq!(create(chosen.path(), &folder).unwrap(), made);
            assert!(folder.is_dir());
        }
        std::os::unix::fs::symlink(outside.path(), chosen.path().join("out")).unwrap();
        for way in ["out", "out/b", "a/../out", "../x"] {
            let refused = create(chosen.path(), &chosen.path().join(way));
            assert!(matches!(refused, Err(DiskError::LinkInWay { .. })), "{way}: {refused:?}");
        }
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_chosen_folder_itself_may_be_reached_over_a_link() {
        let (place, real) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let chosen = place.path().join("link");
        std::os::unix::fs::symlink(real.path(), &chosen).unwrap();
        create(&chosen, &chosen.join("a")).unwrap();
        assert!(real.path().join("a").is_dir());
    }
}
