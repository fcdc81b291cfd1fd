//! `ropeway get`: downloads in this process.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::PathBuf,
};

use clap::Args;
use ropeway_api::command::{Call, JobAdd, JobOptions};
use ropeway_model::ByteRate;
use tokio::sync::mpsc;

use crate::{
    command::{
        checksum::Checksum,
        leftover, metalink,
        numbers::Which,
        options::{NetworkFlags, OnConflict, absolute, connections, into_text},
    },
    error::CommandError,
    exit::Exit,
    output::Amount,
    run::{Ending, OwnQueue, Ran},
};

/// URLs that are added by one call: few enough that the first one starts at once, many enough for one transaction.
const URLS_PER_CALL: usize = 500;
/// Calls that wait for the engine while the list is read.
const CALLS_WAITING: usize = 2;
/// Longer lines are no URLs.
const LONGEST_LINE: u64 = 64 * 1024;

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

    /// Save as this file; only with a single URL
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["dir", "input"])]
    output: Option<PathBuf>,

    /// Save into this folder instead of the current one
    #[arg(short, long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// Read URLs from this file too, one a line; - is standard input
    #[arg(short, long, value_name = "LIST")]
    input: Option<PathBuf>,

    /// Connections for each file, 1 to 64 [default: automatic]
    #[arg(short = 'n', long, value_name = "NUMBER", value_parser = connections)]
    connections: Option<u8>,

    /// Files at once, 1 to 64 [default: as in the settings]
    #[arg(short, long, value_name = "NUMBER", value_parser = connections)]
    jobs: Option<u8>,

    /// Bytes a second for all files together, such as 500K or 2.5M
    #[arg(short, long, value_name = "RATE")]
    limit: Option<ByteRate>,

    /// What a single file must hash to, as sha256:HEX; the algorithm alone takes the digest and tells it
    #[arg(long, value_name = "ALGO[:HEX]")]
    checksum: Option<Checksum>,

    /// Another address of the same file; only with a single URL, may be given again
    #[arg(long = "mirror", value_name = "URL")]
    mirrors: Vec<String>,

    /// Where a file of the same name exists [default: rename, unless the settings say otherwise]
    #[arg(long, value_name = "WHAT")]
    on_conflict: Option<OnConflict>,

    /// Show downloads of earlier commands that are not complete
    #[arg(long, conflicts_with_all = ["urls", "input", "forget"])]
    list: bool,

    /// Forget such downloads and delete what they have
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
        let expected = self.checksum.as_ref().and_then(Checksum::expected);
        let is_about_one = output.is_some() || expected.is_some() || !self.mirrors.is_empty();
        if (urls.len() > 1 || input.is_some()) && is_about_one {
            return Err(CommandError::usage(
                "--output, --mirror and --checksum with a value are about a single URL",
                "Run the command once for each file, or leave them out.",
            ));
        }
        let (folder, name) = place(output, dir)?;
        let options = JobOptions {
            connections: self.connections,
            checksum: expected,
            digest: self.checksum.as_ref().and_then(Checksum::algorithm),
            on_conflict: self.on_conflict.map(Into::into),
            mirrors: self.mirrors,
            ..self.network.options()?
        };
        if urls.iter().any(|url| metalink::is_file(url)) {
            metalink::tell_of_secrets(&options);
        }
        let queue = OwnQueue::open(self.checksum.is_some()).await?;
        queue.adjust(jobs, limit).await?;
        let (sender, calls) = mpsc::channel(CALLS_WAITING);
        // Reading a list blocks; when this run ends early nobody waits for the reader.
        let _reader = tokio::task::spawn_blocking(move || {
            let call = |text, metalink| {
                Call::JobAdd(JobAdd {
                    text,
                    folder: Some(folder.clone()),
                    name: name.clone(),
                    metalink,
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

/// The folder to save into and, with `--output`, the name to save as.
fn place(output: Option<PathBuf>, dir: Option<PathBuf>) -> Result<(String, Option<String>), CommandError> {
    let Some(file) = output else { return Ok((folder_text(dir.unwrap_or_default())?, None)) };
    let name = file.file_name().map(OsString::from).ok_or_else(|| {
        CommandError::usage(format!("{} is no file name", file.display()), "Use --dir to choose a folder.")
    })?;
    let folder = file.parent().map(PathBuf::from).unwrap_or_default();
    Ok((folder_text(folder)?, Some(into_text(PathBuf::from(name))?)))
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
    let is_stdin = list.as_os_str() == "-";
    let opened: io::Result<Box<dyn Read>> =
        if is_stdin { Ok(Box::new(io::stdin())) } else { File::open(&list).map(|file| Box::new(file) as _) };
    let read = opened
        .and_then(|input| read_list(BufReader::new(input), &mut |text| calls.blocking_send(Ok(call(text))).is_ok()));
    if let Err(cause) = read {
        // Only a run that has ended does not take it, and it reports its own end.
        let _ = calls.blocking_send(Err(CommandError::List { list, cause }));
    }
}

/// Hands the lines of `list` over in portions; what a pipe has already brought is not held back for more. Ends early
/// when a portion is not wanted.
fn read_list<R: Read>(mut list: BufReader<R>, portion: &mut dyn FnMut(String) -> bool) -> io::Result<()> {
    let (mut text, mut lines) = (String::new(), 0);
    loop {
        let before = text.len();
        let count = (&mut list).take(LONGEST_LINE).read_line(&mut text)?;
        if count as u64 == LONGEST_LINE {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long to be a URL"));
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
        lines += usize::from(!text[before..].trim().is_empty());
        let is_over = count == 0;
        if lines > 0 && (is_over || lines == URLS_PER_CALL || list.buffer().is_empty()) {
            lines = 0;
            if !portion(std::mem::take(&mut text)) {
                return Ok(());
            }
        }
        if is_over {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn portions(list: &str) -> Vec<String> {
        let mut had = Vec::new();
        read_list(BufReader::with_capacity(1 << 20, list.as_bytes()), &mut |text| {
            had.push(text);
            true
        })
        .unwrap();
        had
    }

    #[test]
    fn a_list_comes_in_portions_and_its_last_line_may_have_no_end() {
        assert_eq!(portions(""), Vec::<String>::new());
        assert_eq!(portions("\n\n"), Vec::<String>::new());
        assert_eq!(portions("a\n\nb"), ["a\n\nb\n"]);
        let many: String = (0..1201).map(|number| format!("http://example.org/{number}\n")).collect();
        let had = portions(&many);
        assert_eq!(had.iter().map(|text| text.lines().count()).collect::<Vec<_>>(), [500, 500, 201]);
        assert_eq!(had.concat(), many);
    }

    #[test]
    fn a_line_without_an_end_does_not_fill_the_memory() {
        let endless = io::repeat(b'a');
        let error = read_list(BufReader::new(endless), &mut |_| true).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn an_output_file_is_a_folder_and_a_name() {
        let here = std::env::current_dir().unwrap();
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        assert_eq!(place(Some("a.bin".into()), None).unwrap(), (text(here.clone()), Some("a.bin".to_owned())));
        assert_eq!(place(Some("/x/a.bin".into()), None).unwrap(), ("/x".to_owned(), Some("a.bin".to_owned())));
        assert_eq!(place(None, Some("out".into())).unwrap(), (text(here.join("out")), None));
        assert_eq!(place(None, None).unwrap(), (text(here), None));
        assert!(place(Some("/".into()), None).is_err());
    }
}
