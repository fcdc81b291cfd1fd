//! `ropeway open`.

use std::{
    io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use clap::Args;
use ropeway_files::Folders;

use crate::{
    command::control::Running,
    error::CommandError,
    exit::Exit,
    terminal::{to_stderr, to_stdout},
};

/// Open the page of the running desktop app or daemon in the browser.
///
/// Prints its address, too. The address carries a key that is another one at every start: whoever has it steers the
/// queue. A bookmark of the page shows the queue without it until the engine ends; after its next start this command
/// opens the page again.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Open {
    /// Print the address alone
    #[arg(long)]
    print: bool,
}

const EXAMPLES: &str = "Examples:
  ropeway open
  ssh nas ropeway open --print";

/// What opens a page in the browser that the user has chosen.
const OPENER: &str = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
/// What cannot open it says so within this time.
const OPENER_ENDS: Duration = Duration::from_secs(3);
/// Between two looks at it.
const OPENER_LOOKED_AT: Duration = Duration::from_millis(20);
/// The page that leads to the page, in the data folder.
const FILE_NAME: &str = "open.html";

impl Open {
    /// Prints the address and lets the browser go there.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        let address = Running::find().await?.page();
        to_stdout(&address);
        if !self.print
            && let Err(error) = show(&Folders::of_this_user()?.data, &address).await
        {
            to_stderr(&format!("no browser was opened ({OPENER}: {error}): open the address yourself"));
        }
        Ok(Exit::Complete)
    }
}

/// Lets the browser open a file of the user's own that leads on: all users of a machine see the arguments of its programs.
async fn show(data_folder: &Path, address: &str) -> io::Result<()> {
    let file = written(data_folder, address)?;
    let quiet = Stdio::null;
    let mut command = Command::new(OPENER);
    // In a group of its own, so that a browser that runs on does not end with this terminal's command.
    command.arg(&file).stdin(quiet()).stdout(quiet()).stderr(quiet()).process_group(0);
    let mut opener = command.spawn()?;
    let given_up = Instant::now() + OPENER_ENDS;
    while Instant::now() < given_up {
        match opener.try_wait()? {
            None => tokio::time::sleep(OPENER_LOOKED_AT).await,
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(io::Error::other(status.to_string())),
        }
    }
    // Where there is no desktop, it stays as long as the browser.
    Ok(())
}

/// The file, readable for the user alone. It stays: nobody tells when the browser has read it, and its key is that of
/// `endpoint.json`, which is worth nothing once the engine ends.
fn written(data_folder: &Path, address: &str) -> io::Result<PathBuf> {
    let path = data_folder.join(FILE_NAME);
    let page = format!(
        "<!doctype html><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">\
         <meta http-equiv=\"refresh\" content=\"0; url={address}\"><title>Ropeway</title>\
         <a href=\"{address}\">Ropeway</a>\n"
    );
    let draft = data_folder.join(format!(".{FILE_NAME}.{}", std::process::id()));
    ropeway_files::replace(&path, &draft, page.as_bytes())?;
    Ok(path)
}
