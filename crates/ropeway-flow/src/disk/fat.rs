//! FAT and exFAT volumes, and what they cannot keep of a file.

use std::path::Path;

use super::error::DiskError;

/// The kind of FAT volumes, as the kernel names it (`MSDOS_SUPER_MAGIC`).
#[cfg(target_os = "linux")]
const FAT: rustix::fs::FsWord = 0x4d44;
/// The kind of exFAT volumes (`EXFAT_SUPER_MAGIC`).
#[cfg(target_os = "linux")]
const EXFAT: rustix::fs::FsWord = 0x2011_bab0;
/// FAT keeps a file's length in 32 bits.
#[cfg(target_os = "linux")]
const LONGEST_ON_FAT: u64 = u32::MAX as u64;

/// The longest file that the volume of `folder` takes, in bytes.
#[cfg(not(target_os = "linux"))]
pub(super) fn longest_file(_: &Path) -> Result<u64, DiskError> {
    Ok(u64::MAX)
}

#[cfg(target_os = "linux")]
pub(super) fn longest_file(folder: &Path) -> Result<u64, DiskError> {
    let volume = rustix::fs::statfs(folder).map_err(|error| DiskError::at(folder, error.into()))?;
    Ok(if volume.f_type == FAT { LONGEST_ON_FAT } else { u64::MAX })
}

/// Tells whether files keep their numbers on the volume of `path`.
/// FAT has none, and the kernel makes them up.
#[cfg(target_os = "linux")]
pub(super) fn keeps_inodes(path: &Path) -> bool {
    let volume = path.parent().map(rustix::fs::statfs);
    !matches!(volume, Some(Ok(volume)) if volume.f_type == FAT || volume.f_type == EXFAT)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn keeps_inodes(_: &Path) -> bool {
    true
}
