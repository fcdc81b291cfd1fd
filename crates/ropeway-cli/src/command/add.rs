//! `ropeway add`: new jobs for the running queue.

use std::path::{Path, PathBuf};

use clap::Args;
use ropeway_api::command::{Added, Call, JobAdd, JobOptions, UploadAdd};
use ropeway_model::{ByteRate, Digest};

use crate::{
    command::{
        control::Running,
        metalink,
        moment::moment,
        options::{NetworkFlags, OnConflict, Priority, absolute, connections, into_text},
    },
    error::CommandError,
    exit::Exit,
    output::{refuse, text::plain, to_stdout, to_stdout_as_json},
};

/// Add downloads, or with --to uploads, to the queue of the running desktop app or daemon.
///
/// Returns once the jobs are durable; `ropeway watch` follows them.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Add {
    /// URLs to download, or one Metalink file (.meta4); with --to files and folders to upload
    #[arg(value_name = "URL|FILE", required = true)]
    what: Vec<String>,

    /// Upload the files to this target
    #[arg(long, value_name = "TARGET", conflicts_with_all = ["dir", "output"])]
    to: Option<String>,

    /// Save into this folder [default: as in the settings]
    #[arg(short, long, value_name = "DIR")]
    dir: Option<PathBuf>,

    /// Save under this name; only with a single URL
    #[arg(short, long, value_name = "NAME")]
    output: Option<String>,

    /// Connections for each file, 1 to 64 [default: as in the settings]
    #[arg(short = 'n', long, value_name = "NUMBER", value_parser = connections)]
    connections: Option<u8>,

    /// Bytes a second for each of the jobs, such as 500K or 2.5M
    #[arg(short, long, value_name = "RATE")]
    limit: Option<ByteRate>,

    /// What the file must hash to, as sha256:HEX; only with a single one
    #[arg(long, value_name = "ALGO:HEX")]
    checksum: Option<Digest>,

    /// Another address of the same file; only with a single URL, may be given again
    #[arg(long = "mirror", value_name = "URL", conflicts_with = "to")]
    mirrors: Vec<String>,

    /// Where a file of the same name exists [default: as in the settings]
    #[arg(long, value_name = "WHAT", conflicts_with = "to")]
    on_conflict: Option<OnConflict>,

    /// How urgent the jobs are
    #[arg(long, value_name = "PRIORITY", default_value = "normal")]
    priority: Priority,

    /// Add the jobs paused
    #[arg(long)]
    paused: bool,

    /// Do not start before this moment: HH:MM, or a date as in RFC 3339
    #[arg(long, value_name = "TIME", value_parser = moment)]
    at: Option<i64>,

    /// Print the new rows as JSON, one a line
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    network: NetworkFlags,
}

const EXAMPLES: &str = "Examples:
  ropeway add https://example.org/disk.iso
  ropeway add -d /data --paused https://example.org/a https://example.org/b
  ropeway add --at 02:00 https://example.org/disk.iso
  ropeway add footage.mov --to https://nas.example/incoming/";

impl Add {
    /// Adds and tells the numbers.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        let (json, given) = (self.json, self.what.len());
        let call = self.call()?;
        let added: Added = Running::find().await?.call(call).await?;
        let told = added.jobs.len() + added.refused.len();
        if told < given {
            return Err(CommandError::Unaccounted { given, told });
        }
        for job in &added.jobs {
            if json {
                to_stdout_as_json(job)?;
            } else {
                to_stdout(&format!("{}  {}", job.id, plain(&job.name)));
            }
        }
        added.refused.iter().for_each(refuse);
        let is_mistyped = added.refused.iter().all(|refusal| Exit::of_refusal(refusal) == Exit::BadUsage);
        Ok(match (added.refused.is_empty(), added.jobs.is_empty()) {
            (true, _) => Exit::Complete,
            (false, true) if is_mistyped => Exit::BadUsage,
            (false, _) => Exit::Failed,
        })
    }

    fn call(self) -> Result<Call, CommandError> {
        let options = JobOptions {
            rate_limit: self.limit.map(ByteRate::bytes_per_second),
            connections: self.connections,
            checksum: self.checksum.map(String::from),
            priority: self.priority.into(),
            on_conflict: self.on_conflict.map(Into::into),
            paused: self.paused,
            start_at_ms: self.at,
            mirrors: self.mirrors,
            ..self.network.options()?
        };
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
                options,
            }),
        })
    }
}
