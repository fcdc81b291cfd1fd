//! `ropeway serve`: the sharing and receiving service.

mod size;

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use ropeway_model::ByteRate;
use ropeway_serve::{Config, HostName, ServeError};

use self::size::size;
use crate::{
    complaint::Complaint,
    exit::Exit,
    signal::Interruption,
    terminal::{to_stderr, to_stdout},
};

/// Share a folder: downloads with ranges and validators, uploads by PUT and as an HTML form.
///
/// Whoever reaches the port can read every file of the folder and, unless --read-only is given, add files. Uploads appear
/// under their name once they are whole. Links are not followed. Names that begin with a dot are neither read nor added
/// with --read-only, or where the folder holds the home of the user who serves it.
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

    /// A name that clients use for this machine, such as files.example or files.example:8080; may be repeated
    ///
    /// Requests for other names than localhost and numbers are refused, since any web site can make a name of its own
    /// point here and have a visitor's browser ask.
    #[arg(long, value_name = "NAME")]
    host: Vec<HostName>,
}

const EXAMPLES: &str = "Examples:
  ropeway serve --root ~/Public
  ropeway serve --root /srv/incoming --bind 192.168.1.10:8080 --max-size 50G
  ropeway serve --root . --bind 127.0.0.1:0 --limit 1M --read-only";

impl Serve {
    /// Serves until a signal comes; running transfers get a moment to finish.
    pub(crate) async fn run(self) -> Result<Exit, Complaint> {
        let interruption = Interruption::listen()?;
        let shown = self.root.clone();
        let may = Self::what_clients_may(self.read_only, self.overwrite);
        let server = ropeway_serve::bind(Config {
            root: self.root,
            bind: self.bind,
            limit_per_client: self.limit,
            overwrite: self.overwrite,
            max_upload: self.max_size,
            read_only: self.read_only,
            hosts: self.host,
        })
        .await?;
        to_stdout(&format!("serving {} on http://{}", shown.display(), server.local_addr()));
        let dots = if server.takes_hidden() { "with" } else { "but not" };
        let (who, shown) = (who_reaches(server.local_addr()), shown.display());
        to_stderr(&format!("{who} may {may} {shown}, {dots} those whose names begin with a dot"));
        server.run(async move { interruption.came().await }).await;
        Ok(Exit::Complete)
    }
    const fn what_clients_may(read_only: bool, overwrite: bool) -> &'static str {
        match (read_only, overwrite) {
            (true, _) => "read every file of",
            (false, false) => "read every file of and, without a login, add files to",
            (false, true) => "read every file of and, without a login, add files to and replace files in",
        }
    }
}

impl From<ServeError> for Complaint {
    fn from(error: ServeError) -> Self {
        Self {
            message: error.to_string(),
            code: error.code().to_owned(),
            hint: error.hint().to_owned(),
            exit: Exit::Failed,
        }
    }
}

/// Whom an address lets in, in the words of a notice.
fn who_reaches(address: SocketAddr) -> String {
    match address.ip().to_canonical() {
        ip if ip.is_loopback() => "every user and program of this machine".to_owned(),
        ip if ip.is_unspecified() => format!("everybody who reaches port {} of this machine", address.port()),
        _ => format!("everybody who reaches {address}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_an_address_lets_in_is_said() {
        for (address, expected) in [
            ("127.0.0.1:80", "every user and program of this machine"),
            ("[::1]:80", "every user and program of this machine"),
            ("0.0.0.0:80", "everybody who reaches port 80 of this machine"),
            ("[::]:80", "everybody who reaches port 80 of this machine"),
            ("10.0.0.1:80", "everybody who reaches 10.0.0.1:80"),
        ] {
            assert_eq!(who_reaches(address.parse().unwrap()), expected, "{address}");
        }
    }
}
