//! `ropeway serve`: the sharing and receiving service.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use ropeway_model::ByteRate;
use ropeway_service::serve::{self, Config};

use crate::{command::size::size, error::CommandError, exit::Exit, output::to_stdout, signal::Interruption};

/// Share a folder: downloads with ranges and validators, uploads by PUT and as an HTML form.
///
/// Whoever reaches the port can read every file of the folder whose name does not begin with a dot and, unless
/// --read-only is given, add files. Uploads appear under their name once they are whole. Links are not followed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {
    /// The folder to share and to receive into
    #[arg(long, value_name = "DIR")]
    root: PathBuf,

    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    bind: SocketAddr,

    /// Bytes a second for each client, in each direction, such as 500K or 2.5M
    #[arg(short, long, value_name = "RATE")]
    limit: Option<ByteRate>,

    /// Let a PUT replace a file
    #[arg(long, conflicts_with = "read_only")]
    overwrite: bool,

    /// The largest file to receive, such as 10G
    #[arg(long, value_name = "SIZE", value_parser = size)]
    max_size: Option<u64>,

    /// Refuse all uploads
    #[arg(long)]
    read_only: bool,
}

const EXAMPLES: &str = "Examples:
  ropeway serve --root ~/Public
  ropeway serve --root /srv/incoming --bind 192.168.1.10:8080 --max-size 50G
  ropeway serve --root . --bind 127.0.0.1:0 --limit 1M --read-only";

impl Serve {
    /// Serves until a signal comes; running transfers get a moment to finish.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        let interruption = Interruption::listen().map_err(|cause| CommandError::Runtime { cause })?;
        let shown = self.root.clone();
        let server = serve::bind(Config {
            root: self.root,
            bind: self.bind,
            limit_per_client: self.limit,
            overwrite: self.overwrite,
            max_upload: self.max_size,
            read_only: self.read_only,
        })
        .await?;
        to_stdout(&format!("serving {} on http://{}", shown.display(), server.local_addr()));
        server.run(async move { interruption.came().await }).await;
        Ok(Exit::Complete)
    }
}
