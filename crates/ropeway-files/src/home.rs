//! The user's home folder.

use std::{ffi::OsStr, path::PathBuf};

/// Where the user database of a Unix system is; whoever has none of its lines has no home but `$HOME`.
#[cfg(unix)]
const USERS: &str = "/etc/passwd";
/// Largest user database that is looked through.
#[cfg(unix)]
const MOST_BYTES: u64 = 16 * 1024 * 1024;

/// The home folder, always absolute: `$HOME`, else what the user database says. A relative `$HOME` means another folder
/// in every place and is ignored, as the XDG Base Directory Specification wants it of all its variables.
pub fn home() -> Option<PathBuf> {
    given(std::env::var_os("HOME").as_deref()).or_else(registered)
}

/// The home folders of this user and of all people that the user database knows, all absolute. Those of services are their
/// data.
pub fn homes() -> Vec<PathBuf> {
    let mut homes = people();
    homes.extend(home());
    homes
}

/// The first number that Linux systems give to a person, and that of nobody (`login.defs(5)`, `UID_MIN`).
#[cfg(unix)]
const FIRST_PERSON: u32 = 1000;
#[cfg(unix)]
const NOBODY: u32 = 65534;

#[cfg(unix)]
fn people() -> Vec<PathBuf> {
    let users = crate::read(std::path::Path::new(USERS), MOST_BYTES).unwrap_or_default();
    people_in(&String::from_utf8_lossy(&users))
}

#[cfg(unix)]
fn people_in(users: &str) -> Vec<PathBuf> {
    let home = |line: &str| {
        let mut fields = line.split(':');
        let number: u32 = fields.nth(2)?.parse().ok()?;
        let is_person = number == 0 || (number >= FIRST_PERSON && number != NOBODY);
        fields.nth(2).filter(|_| is_person).and_then(|home| given(Some(OsStr::new(home))))
    };
    users.lines().filter_map(home).collect()
}

#[cfg(not(unix))]
fn people() -> Vec<PathBuf> {
    Vec::new()
}

fn given(variable: Option<&OsStr>) -> Option<PathBuf> {
    variable.map(PathBuf::from).filter(|path| path.is_absolute())
}

#[cfg(unix)]
fn registered() -> Option<PathBuf> {
    let users = crate::read(std::path::Path::new(USERS), MOST_BYTES).ok()?;
    registered_in(&String::from_utf8_lossy(&users), rustix::process::getuid().as_raw())
}

/// The sixth field of the line with this number (`passwd(5)`).
#[cfg(unix)]
fn registered_in(users: &str, wanted: u32) -> Option<PathBuf> {
    let home = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let is_wanted = fields.nth(2)?.parse() == Ok(wanted);
        fields.nth(2).filter(|_| is_wanted)
    })?;
    given(Some(OsStr::new(home)))
}

#[cfg(not(unix))]
fn registered() -> Option<PathBuf> {
    std::env::home_dir().filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_absolute_home_counts() {
        assert_eq!(given(Some(OsStr::new("/home/a"))), Some("/home/a".into()));
        for odd in ["", "home", "./a", "../a"] {
            assert_eq!(given(Some(OsStr::new(odd))), None, "{odd:?}");
        }
        assert_eq!(given(None), None);
    }

    #[test]
    fn the_homes_of_people_are_those_of_root_and_of_numbers_that_are_given_to_people() {
        let users = "root:x:0:0:root:/root:/bin/sh\nwww:x:33:33::/var/www:/x\na:x:1000:1000:A:/home/a:/bin/sh\n\
                     nobody:x:65534:65534::/nonexistent:/x\nodd:x:1001:1001::relative:\nbroken\n";
        assert_eq!(people_in(users), [PathBuf::from("/root"), PathBuf::from("/home/a")]);
    }

    #[test]
    fn the_user_database_names_the_home_of_a_number() {
        let users =
            "root:x:0:0:root:/root:/bin/sh\nbroken\nfew:x:7\nodd:x:8:8::relative:\na:x:1000:1000:A:/home/a:/bin/sh\n";
        for (number, home) in [(0, Some("/root")), (1000, Some("/home/a")), (7, None), (8, None), (9, None)] {
            assert_eq!(registered_in(users, number), home.map(PathBuf::from), "{number}");
        }
    }
}
