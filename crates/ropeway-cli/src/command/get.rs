//! `ropeway get`: downloads in this process.

use std::{ffi::OsString, path::PathBuf};

use clap::Args;
use ropeway_api::command::{Call, JobAdd, JobOptions};
use ropeway_model::{ByteRate, ConnectionChoice};
use tokio::sync::mpsc;

use crate::{
    command::{
        address_list,
        checksum::{self, Checksum},
        job_ids::Which,
        leftover, metalink,
        options::{NetworkFlags, PatienceFlags, SavingFlags, absolute, connections, into_text},
    },
    error::CommandError,
    exit::Exit,
    output::Amount,
    run::{Ending, OwnQueue, Ran, Stream},
};

/// URLs of a list that are added first: their files come while the rest is read and recorded.
const URLS_AT_FIRST: usize = 32;
/// URLs that are added by one call: few enough that the first one starts at once, many enough for one transaction.
const URLS_PER_CALL: usize = 500;
/// Calls that wait for the engine while the list is read.
const CALLS_WAITING: usize = 2;

/// Download files and stay until they are complete.
///
/// Each file gets its name only once it is whole and verified; until then it is NAME.part. Stopped by Ctrl+C, a
/// crash or a power cut, the same command goes on where it was. Nothing is ever overwritten unless you say so.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Get {
    /// What to download; a curl command in quotes or a Metalink file (.meta4) works too
    #[arg(value_name = "URL", required_unless_present_any = ["input", "list", "forget"])]
    urls: Vec<String>,

    /// Save as this file, or into this folder; - or a pipe gets the bytes in order; only with a single URL
    #[arg(short, long, value_name = "FILE", conflicts_with = "input")]
    output: Option<PathBuf>,

    /// Save into this folder instead of the current one
    #[arg(short, long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// Read URLs from this file too, one a line, with a name behind a TAB or options in indented lines; - is standard input
    #[arg(short, long, value_name = "LIST")]
    input: Option<PathBuf>,

    /// Connections for each file, 1 to 64, or auto for as many as the line is worth [default: as in the settings]
    #[arg(short = 'n', long, value_name = "NUMBER|auto")]
    connections: Option<ConnectionChoice>,

    /// Files at once, 1 to 64 [default: as in the settings]
    #[arg(short, long, value_name = "NUMBER", value_parser = connections)]
    jobs: Option<u8>,

    /// Bytes a second for all files together, such as 500K or 2.5M
    #[arg(short, long, value_name = "RATE")]
    limit: Option<ByteRate>,

    #[command(flatten)]
    patience: PatienceFlags,

    /// What a single file must hash to, as sha256:HEX; the algorithm alone takes the digest and tells it; may be given again
    #[arg(long, value_name = "ALGO[:HEX]")]
    checksum: Vec<Checksum>,

    /// Another address of the same file; only with a single URL, may be given again
    #[arg(long = "mirror", value_name = "URL")]
    mirrors: Vec<String>,

    #[command(flatten)]
    saving: SavingFlags,

    /// Show transfers of earlier get and put commands that are not complete
    #[arg(long, conflicts_with_all = ["urls", "input", "forget"])]
    list: bool,

    /// Forget such transfers and delete what the downloads among them have
    #[arg(long, value_name = "ID|all", num_args = 1.., conflicts_with_all = ["urls", "input"])]
    forget: Vec<Which>,

    #[command(flatten)]
    amount: Amount,

    #[command(flatten)]
    network: NetworkFlags,
}

const EXAMPLES: &str = "Examples:
  ropeway get https://example.org/disk.iso
  ropeway get -o disk.iso --checksum sha256:9f86d0… -n 8 https://example.org/disk.iso
  ropeway get -d /data -j 16 -i urls.txt
  ropeway get --mirror https://mirror.example/disk.iso https://example.org/disk.iso
  ropeway get -o - https://example.org/backup.tar | tar x
  ropeway get disk.meta4
  ropeway get --list
  ropeway get -l 2.5M --json https://example.org/a https://example.org/b";

impl Get {
    /// Runs to the end of all downloads.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        if self.list {
            return leftover::list(self.amount.json).await;
        }
        if !self.forget.is_empty() {
            return leftover::forget(self.forget).await;
        }
        let Self { urls, output, dir, input, jobs, limit, amount, .. } = self;
        let (expected, taken) = checksum::wanted(&self.checksum);
        let is_about_one = output.is_some() || expected.is_some() || !self.mirrors.is_empty();
        if (urls.len() > 1 || input.is_some()) && is_about_one {
            return Err(CommandError::usage(
                "--output, --mirror and --checksum with a value are about a single URL",
                "Run the command once for each file, or leave them out.",
            ));
        }
        let destination = destination(output, dir)?;
        let options = JobOptions {
            connections: self.connections,
            checksum: expected,
            digest: taken,
            mirrors: self.mirrors,
            ..self.network.options()?
        };
        if urls.iter().any(|url| metalink::is_file(url)) {
            metalink::tell_of_secrets(&options);
        }
        let is_list = input.is_some();
        let options = self.saving.apply(options, is_list);
        let skip_known = is_list && self.saving.skips_known();
        let queue = OwnQueue::open(!self.checksum.is_empty()).await?;
        queue.adjust(jobs, limit, self.patience).await?;
        let (folder, name) = match destination {
            Destination::Folder(folder, name) => (folder, name),
            Destination::Stream(stream) => {
                let params = JobAdd { text: urls.join("\n"), options, ..JobAdd::default() };
                return queue.pipe(params, stream, amount).await;
            }
        };
        let (sender, calls) = mpsc::channel(CALLS_WAITING);
        // Reading a list blocks; when this run ends early nobody waits for the reader.
        let _reader = tokio::task::spawn_blocking(move || {
            let call = |text, metalink| {
                Call::JobAdd(JobAdd {
                    text,
                    folder: Some(folder.clone()),
                    name: name.clone(),
                    metalink,
                    skip_known,
                    options: options.clone(),
                })
            };
            let (files, urls): (Vec<String>, Vec<String>) = urls.into_iter().partition(|url| metalink::is_file(url));
            let documents = files.iter().map(|file| metalink::read(file).map(|text| call(String::new(), Some(text))));
            for document in documents {
                if sender.blocking_send(document).is_err() {
                    return;
                }
            }
            send_all(&urls, input, &|text| call(text, None), &sender);
        });
        let ending = queue.run(calls, &mut *amount.output()).await?;
        if ending == Ending::Over(Ran::default()) {
            return Err(CommandError::usage(
                "there is no URL in what was given",
                "Name at least one https:// address.",
            ));
        }
        Ok(ending.exit())
    }
}

/// Where a download goes.
#[derive(Debug, PartialEq, Eq)]
enum Destination {
    /// Into a folder and, with `--output`, under a name there.
    Folder(String, Option<String>),
    /// To a stream, in order.
    Stream(Stream),
}

/// What `--output` and `--dir` mean: `-` and what is no regular file is a stream, a folder or what ends in `/` is the folder
/// to save into.
fn destination(output: Option<PathBuf>, dir: Option<PathBuf>) -> Result<Destination, CommandError> {
    let Some(file) = output else { return Ok(Destination::Folder(folder_text(dir.unwrap_or_default())?, None)) };
    if let Some(stream) = Stream::named(&file) {
        return Ok(Destination::Stream(stream));
    }
    // A name is below the folder that stands beside it; a path from the root is where it says.
    let file = dir.map_or(file.clone(), |dir| dir.join(&file));
    if file.as_os_str().as_encoded_bytes().ends_with(b"/") || file.is_dir() {
        return Ok(Destination::Folder(folder_text(file)?, None));
    }
    let name = file.file_name().map(OsString::from).ok_or_else(|| {
        CommandError::usage(format!("{} is no file name", file.display()), "Use --dir to choose a folder.")
    })?;
    let folder = file.parent().map(PathBuf::from).unwrap_or_default();
    Ok(Destination::Folder(folder_text(folder)?, Some(into_text(PathBuf::from(name))?)))
}

fn folder_text(folder: PathBuf) -> Result<String, CommandError> {
    // An empty path is the current folder to everyone but the function that makes paths absolute.
    let folder = if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder };
    into_text(absolute(&folder)?)
}

type Calls = mpsc::Sender<Result<Call, CommandError>>;

/// Sends the URLs of the command line, then those of the list as they come.
fn send_all(urls: &[String], input: Option<PathBuf>, call: &dyn Fn(String) -> Call, calls: &Calls) {
    for some in urls.chunks(URLS_PER_CALL) {
        if calls.blocking_send(Ok(call(some.join("\n")))).is_err() {
            return;
        }
    }
    let Some(list) = input else { return };
    let mut send = |text| calls.blocking_send(Ok(call(text))).is_ok();
    let read = address_list::open(&list)
        .and_then(|input| address_list::read(input, (URLS_AT_FIRST, URLS_PER_CALL), &mut send));
    if let Err(cause) = read {
        // Only a run that has ended does not take it, and it reports its own end.
        let _ = calls.blocking_send(Err(CommandError::List { list, cause }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_output_is_a_file_a_folder_or_a_stream() {
        let here = std::env::current_dir().unwrap();
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let at = |output: Option<&str>, dir: Option<&str>| destination(output.map(Into::into), dir.map(Into::into));
        let folder = |folder: String, name: Option<&str>| Destination::Folder(folder, name.map(str::to_owned));
        assert_eq!(at(Some("a.bin"), None).unwrap(), folder(text(here.clone()), Some("a.bin")));
        assert_eq!(at(Some("/x/a.bin"), None).unwrap(), folder("/x".to_owned(), Some("a.bin")));
        assert_eq!(at(Some("a.bin"), Some("/x")).unwrap(), folder("/x".to_owned(), Some("a.bin")));
        assert_eq!(at(Some("/x/a.bin"), Some("out")).unwrap(), folder("/x".to_owned(), Some("a.bin")));
        assert_eq!(at(Some("/x/new/"), None).unwrap(), folder("/x/new/".to_owned(), None));
        assert_eq!(at(Some("src"), None).unwrap(), folder(text(here.join("src")), None));
        assert_eq!(at(None, Some("out")).unwrap(), folder(text(here.join("out")), None));
        assert_eq!(at(None, None).unwrap(), folder(text(here), None));
        for stdout in ["-", "/dev/stdout", "/dev/fd/1"] {
            assert_eq!(at(Some(stdout), None).unwrap(), Destination::Stream(Stream::Stdout));
        }
        assert_eq!(at(Some("/dev/null"), None).unwrap(), Destination::Stream(Stream::Path("/dev/null".into())));
        assert!(at(Some(".."), None).is_ok_and(|at| matches!(at, Destination::Folder(_, None))));
    }
}
