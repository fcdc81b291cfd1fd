//! What the program is started with: addresses and files that the user is to decide on.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

use url::Url;

use crate::offer::Offer;

const HELP: &str = "\
Ropeway: one durable queue for downloads and uploads

usage: ropeway-desktop [--hidden] [URL | FILE | FOLDER]...

  URL            opens the add dialog with it
  FILE, FOLDER   asks where to upload it to; of a Metalink (.meta4, .metalink) opens the add dialog with its downloads
  --hidden       starts in the tray, without a window
  --version      prints the version
  --help         prints this

If Ropeway already runs, what is given here is handed to it and its window is shown.";

/// A start that was understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// Whether the window stays closed.
    pub(crate) hidden: bool,
    /// What the user is to decide on.
    pub(crate) offer: Offer,
}

/// A start that ends at once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The user asked for this text.
    Answer(String),
    /// There is no such option.
    Usage(String),
}

impl Arguments {
    /// Reads the arguments behind the program's name; relative paths start at `folder`.
    pub(crate) fn parse(given: impl IntoIterator<Item = OsString>, folder: &Path) -> Result<Self, Refused> {
        let mut arguments = Self::default();
        let mut options_ended = false;
        for argument in given {
            match argument.to_str() {
                Some("--") if !options_ended => options_ended = true,
                Some("--hidden") if !options_ended => arguments.hidden = true,
                Some("--help" | "-h") if !options_ended => return Err(Refused::Answer(HELP.to_owned())),
                Some("--version" | "-V") if !options_ended => {
                    return Err(Refused::Answer(format!("ropeway-desktop {}", env!("CARGO_PKG_VERSION"))));
                }
                Some(option) if !options_ended && option.starts_with('-') => {
                    return Err(Refused::Usage(format!("ropeway-desktop: there is no option {option}\n\n{HELP}")));
                }
                _ => arguments.offer.take_up(classify(&argument, folder)),
            }
        }
        Ok(arguments)
    }
}

/// A path if it is one (`file://…`, or anything that is no address), else the address as it was given.
fn classify(argument: &OsStr, folder: &Path) -> Offer {
    let url = argument.to_str().filter(|text| text.contains("://")).and_then(|text| Url::parse(text).ok());
    let path = match url {
        Some(url) if url.scheme() == "file" => url.to_file_path().unwrap_or_default(),
        Some(_) => return Offer::text(argument.to_string_lossy().into_owned()),
        None => folder.join(argument),
    };
    Offer::paths([path])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(given: &[&str]) -> Result<Arguments, Refused> {
        Arguments::parse(given.iter().map(OsString::from), Path::new("/home/ada"))
    }

    #[test]
    fn addresses_and_paths_are_told_apart() {
        let arguments =
            parse(&["https://example.org/a%20b", "disk.img", "/srv/x", "file:///srv/a%20b", "sftp://host/y"]).unwrap();
        assert!(!arguments.hidden);
        assert_eq!(arguments.offer.text, "https://example.org/a%20b\nsftp://host/y");
        assert_eq!(arguments.offer.paths, ["/home/ada/disk.img", "/srv/x", "/srv/a b"]);
    }

    #[test]
    fn a_name_that_starts_with_a_dash_comes_behind_two_dashes() {
        assert!(matches!(parse(&["-x"]), Err(Refused::Usage(text)) if text.contains("no option -x")));
        assert_eq!(parse(&["--", "-x"]).unwrap().offer.paths, ["/home/ada/-x"]);
    }

    #[test]
    fn the_tray_can_be_all_that_shows() {
        assert_eq!(parse(&["--hidden"]).unwrap(), Arguments { hidden: true, offer: Offer::default() });
        assert!(matches!(parse(&["--hidden", "--version"]), Err(Refused::Answer(_))));
    }
}
