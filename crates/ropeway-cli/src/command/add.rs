//! `ropeway add`: new jobs for the running queue.

use std::{
    io,
    path::{Path, PathBuf},
};

use clap::Args;
use ropeway_api::command::{Added, Call, JobAdd, JobOptions, UploadAdd};
use ropeway_model::{ByteRate, ConnectionChoice, Digest};
use tokio::sync::mpsc;

use crate::{
    command::{
        address_list,
        control::Running,
        metalink,
        options::{NetworkFlags, Priority, SavingFlags, absolute, into_text},
        time_arg::time_arg,
    },
    error::CommandError,
    exit::Exit,
    output::{json::print_refused, refuse, to_stdout_as_json},
    terminal::{plain, to_stdout},
};

/// Addresses of a list that are added by one call: a transaction each.
const URLS_PER_CALL: usize = 20_000;

/// Add downloads, or with --to uploads, to the queue of the running desktop app or daemon.
///
/// Returns once the jobs are durable; `ropeway watch` follows them.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Add {
    /// URLs to download, or one Metalink file (.meta4); with --to files and folders to upload
    #[arg(value_name = "URL|FILE", required_unless_present = "input")]
    what: Vec<String>,

    /// Read URLs from this file too, one a line, with a name behind a TAB or options in indented lines; - is standard input
    #[arg(short, long, value_name = "LIST", conflicts_with_all = ["to", "output", "checksum", "mirrors"])]
    input: Option<PathBuf>,

    /// Upload the files to this target
    #[arg(long, value_name = "TARGET", conflicts_with_all = ["dir", "output"])]
    to: Option<String>,

    /// Save into this folder [default: as in the settings]
    #[arg(short, long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// Save under this name; only with a single URL
    #[arg(short, long, value_name = "NAME")]
    output: Option<String>,

    /// Connections for each file, 1 to 64, or auto for as many as the line is worth [default: as in the settings]
    #[arg(short = 'n', long, value_name = "NUMBER|auto")]
    connections: Option<ConnectionChoice>,

    /// Bytes a second for each of the jobs, such as 500K or 2.5M
    #[arg(short, long, value_name = "RATE")]
    limit: Option<ByteRate>,

    /// What the file must hash to, as sha256:HEX; only with a single one, may be given again
    #[arg(long, value_name = "ALGO:HEX")]
    checksum: Vec<Digest>,

    /// Another address of the same file; only with a single URL, may be given again
    #[arg(long = "mirror", value_name = "URL", conflicts_with = "to")]
    mirrors: Vec<String>,

    #[command(flatten)]
    saving: SavingFlags,

    /// How urgent the jobs are
    #[arg(long, value_name = "PRIORITY", default_value = "normal")]
    priority: Priority,

    /// Add the jobs paused
    #[arg(long)]
    paused: bool,

    /// Do not start before this moment: HH:MM, or a date as in RFC 3339
    #[arg(long, value_name = "TIME", value_parser = time_arg)]
    at: Option<i64>,

    /// Print the new rows as JSON, one a line, and a line with its code for each input that became none
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    network: NetworkFlags,
}

const EXAMPLES: &str = "Examples:
  ropeway add https://example.org/disk.iso
  ropeway add -d /data --paused https://example.org/a https://example.org/b
  ropeway add --at 02:00 https://example.org/disk.iso
  ropeway add -i urls.txt
  ropeway add footage.mov --to https://nas.example/incoming/";

impl Add {
    /// Adds and tells the numbers.
    pub(crate) async fn run(mut self) -> Result<Exit, CommandError> {
        let (json, list) = (self.json, self.input.take());
        let is_list = list.is_some();
        let given = self.what.len();
        let call = self.call(is_list)?;
        let running = Running::find().await?;
        let mut told = Told::default();
        if given > 0 {
            let added: Added = running.call(call.clone()).await?;
            let accounted = added.jobs.len() + added.refused.len();
            if accounted < given {
                return Err(CommandError::Unaccounted { given, told: accounted });
            }
            told.tell(&added, json)?;
        }
        if let Some(list) = list {
            let mut portions = portions(list.clone());
            while let Some(portion) = portions.recv().await {
                let text = portion.map_err(|cause| CommandError::List { list: list.clone(), cause })?;
                told.tell(&running.call(with_text(&call, text)).await?, json)?;
            }
        }
        if told == Told::default() {
            let hint = "Name at least one https:// address.";
            return Err(CommandError::usage("there is no URL in what was given", hint));
        }
        Ok(told.exit())
    }

    fn call(self, is_list: bool) -> Result<Call, CommandError> {
        let expected: Vec<String> = self.checksum.into_iter().map(String::from).collect();
        let options = JobOptions {
            rate_limit: self.limit.map(ByteRate::bytes_per_second),
            connections: self.connections,
            checksum: (!expected.is_empty()).then(|| expected.join(" ")),
            priority: self.priority.into(),
            paused: self.paused,
            start_at_ms: self.at,
            mirrors: self.mirrors,
            ..self.network.options()?
        };
        let (options, skip_known) = (self.saving.apply(options, is_list), self.saving.skips_known());
        let text = |path: &Path| into_text(absolute(path)?);
        let metalink = match self.what.as_slice() {
            [file] if self.to.is_none() && metalink::is_file(file) => {
                metalink::tell_of_secrets(&options);
                Some(metalink::read(file)?)
            }
            _ => None,
        };
        Ok(match self.to {
            Some(target) => {
                let paths = self.what.iter().map(|path| text(Path::new(path))).collect::<Result<_, _>>()?;
                Call::UploadAdd(UploadAdd { paths, target: Some(target), target_id: None, options })
            }
            None => Call::JobAdd(JobAdd {
                text: self.what.join("\n"),
                folder: self.dir.as_deref().map(text).transpose()?,
                name: self.output,
                metalink,
                skip_known,
                options,
            }),
        })
    }
}

/// The list in portions, as they are read.
fn portions(list: PathBuf) -> mpsc::Receiver<io::Result<String>> {
    let (sender, portions) = mpsc::channel(1);
    // Reading a list blocks; when this command ends early nobody waits for the reader.
    let _reader = tokio::task::spawn_blocking(move || {
        let mut send = |text| sender.blocking_send(Ok(text)).is_ok();
        let read = address_list::open(&list)
            .and_then(|input| address_list::read(input, (URLS_PER_CALL, URLS_PER_CALL), &mut send));
        if let Err(error) = read {
            // Whoever does not listen any more has ended.
            let _ = sender.blocking_send(Err(error));
        }
    });
    portions
}

/// The same call for other addresses.
fn with_text(call: &Call, text: String) -> Call {
    match call {
        Call::JobAdd(params) => Call::JobAdd(JobAdd { text, metalink: None, ..params.clone() }),
        other => other.clone(),
    }
}

/// What was told of the jobs of one command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct Told {
    has_added: bool,
    has_known: bool,
    has_failed: bool,
    has_mistyped: bool,
}

impl Told {
    /// Prints the new rows, and what became none.
    fn tell(&mut self, added: &Added, json: bool) -> Result<(), CommandError> {
        for job in &added.jobs {
            self.has_added = true;
            if json {
                to_stdout_as_json(job)?;
            } else {
                to_stdout(&format!("{}  {}", job.id, plain(&job.name)));
            }
        }
        for refusal in &added.refused {
            if json {
                print_refused(refusal);
            }
            refuse(refusal);
            match Exit::of_refusal(refusal) {
                Exit::Complete => self.has_known = true,
                Exit::BadUsage => self.has_mistyped = true,
                _ => self.has_failed = true,
            }
        }
        Ok(())
    }

    const fn exit(self) -> Exit {
        match self {
            Self { has_failed: false, has_mistyped: false, .. } => Exit::Complete,
            Self { has_failed: false, has_added: false, has_known: false, .. } => Exit::BadUsage,
            _ => Exit::Failed,
        }
    }
}
