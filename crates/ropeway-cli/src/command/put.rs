//! `ropeway put`: uploads in this process.

use std::path::{Path, PathBuf};

use clap::Args;
use ropeway_api::command::{Call, JobOptions, UploadAdd};
use ropeway_model::{ByteRate, ConnectionChoice};
use tokio::sync::mpsc;

use crate::{
    command::{
        checksum::{self, Checksum},
        options::{NetworkFlags, PatienceFlags, absolute, connections, into_text},
    },
    error::CommandError,
    exit::Exit,
    output::Amount,
    run::{Ending, OwnQueue, Ran},
    terminal::to_stderr,
};

/// Upload files and folders and stay until they have arrived.
///
/// A target is `https://host/folder/` for PUT, `tus+https://host/files/` for a tus server, where an upload that broke off
/// goes on, or `form+https://host/path#field=file` for an HTML form. A folder is sent with all files below it. Behind the target, as in `https://host/folder/#verify=off&case=exact`, stand its options:
/// `verify=off` does not ask the server what it stored, `accept=html` takes a web page for success, `case=exact` is for a
/// server that tells a.txt from A.TXT.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Put {
    /// What to upload
    #[arg(value_name = "FILE|DIR", required = true)]
    paths: Vec<PathBuf>,

    /// Where to
    #[arg(long, value_name = "TARGET")]
    to: String,

    /// Bytes a second for all files together, such as 500K or 2.5M
    #[arg(short, long, value_name = "RATE")]
    limit: Option<ByteRate>,

    /// Parts in flight for each file, where the protocol has parts, 1 to 64 or auto [default: auto]
    #[arg(short = 'n', long = "parts", visible_alias = "connections", value_name = "NUMBER|auto")]
    parts: Option<ConnectionChoice>,

    /// Files at once, 1 to 64 [default: as in the settings]
    #[arg(short, long, value_name = "NUMBER", value_parser = connections)]
    jobs: Option<u8>,

    #[command(flatten)]
    patience: PatienceFlags,

    /// Take this digest of what is sent and tell it; as ALGO:HEX what a single file must hash to; may be
    /// given again
    #[arg(long, value_name = "ALGO[:HEX]")]
    checksum: Vec<Checksum>,

    #[command(flatten)]
    amount: Amount,

    #[command(flatten)]
    network: NetworkFlags,
}

const EXAMPLES: &str = "Examples:
  ropeway put footage.mov --to https://nas.example/incoming/
  ropeway put disk.img --to tus+https://tus.example/files/
  ropeway put -l 2M report.pdf --to 'form+https://example.org/upload#field=file'
  ropeway put --checksum sha256 --json pictures --to https://nas.example/pictures/";

impl Put {
    /// Runs to the end of all uploads.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        let (expected, taken) = checksum::wanted(&self.checksum);
        if expected.is_some() && self.paths.len() > 1 {
            let hint = "Run the command once for each file, or give the algorithm alone.";
            return Err(CommandError::usage("--checksum with a value is about a single file", hint));
        }
        let options =
            JobOptions { connections: self.parts, checksum: expected, digest: taken, ..self.network.options()? };
        if let Some(input) = self.paths.iter().find(|path| is_standard_input(path)) {
            let message = format!("{}: standard input cannot be sent: its length must be known first", input.display());
            return Err(CommandError::usage(message, "Save it as a file, then send that; a file of this name is ./-."));
        }
        let paths: Vec<String> =
            self.paths.iter().map(|path| into_text(absolute(path)?)).collect::<Result<_, CommandError>>()?;
        // All of them in one call, which sees to it that no two go to one place.
        let call = Call::UploadAdd(UploadAdd { paths, target: Some(self.to), target_id: None, options });
        let queue = OwnQueue::open(!self.checksum.is_empty()).await?;
        queue.adjust(self.jobs, self.limit, self.patience).await?;
        let (sender, receiver) = mpsc::channel(1);
        // The channel has a place for it.
        let _ = sender.try_send(Ok(call));
        drop(sender);
        let ending = queue.run(receiver, &mut *self.amount.output()).await?;
        if ending == Ending::Over(Ran::default()) {
            to_stderr("nothing sent: there is no file in what was given");
        }
        Ok(ending.exit())
    }
}

/// Whether the path is the usual sign for standard input.
fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-" || path == Path::new("/dev/stdin")
}
