//! `ropeway daemon`: the queue without a window.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use clap::Args;
use ropeway_api::{Api, ApiConfig, Scope, host::Headless, view::NoticeView};
use ropeway_control::Place;
use ropeway_files::Folders;

use crate::{
    error::CommandError,
    exit::Exit,
    output::tell,
    signal::Interruption,
    terminal::{to_stderr, to_stdout},
};

/// Run the queue without a window.
///
/// Prints one line with the address of the page, which is the same as in the desktop window. The address carries a key:
/// whoever has it steers the queue. The port stays the same over restarts and the key does not: after a start, `ropeway
/// open` opens the page again. Ended by Ctrl+C or SIGTERM, it keeps what every job has.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Daemon {
    /// Address and port of the page; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT")]
    bind: Option<SocketAddr>,

    /// Port of the page on this machine; without it the one chosen last, at first 7373
    #[arg(long, value_name = "PORT", conflicts_with = "bind")]
    port: Option<u16>,
}

const EXAMPLES: &str = "Examples:
  ropeway daemon
  ropeway daemon --port 8080
  ropeway daemon --bind 192.168.1.10:7373
  ROPEWAY_DATA_DIR=/srv/ropeway ropeway daemon";

impl Daemon {
    /// Runs the queue until a signal comes.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        let interruption = Interruption::listen()?;
        let folders = Folders::of_this_user()?;
        folders.create()?;
        let api = Api::open(ApiConfig {
            data_folder: folders.data.clone(),
            config_folder: folders.config,
            scope: Scope::Queue,
            host: Arc::new(Headless),
        })
        .await?;
        let told = api.notices();
        told.iter().for_each(tell);
        let telling = tokio::spawn(tell_further(api.clone(), told));
        let served = serve(&api, self.place(), &folders.data, interruption).await;
        telling.abort();
        // Also when the address is taken: what the engine has begun meanwhile is made durable.
        api.shutdown().await;
        served.map(|()| Exit::Complete)
    }

    fn place(&self) -> Place {
        let on_this_machine = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        self.bind.or(self.port.map(on_this_machine)).map_or(Place::AsBefore, Place::Exactly)
    }
}

/// Prints what the user should know and no job tells, with every edit of the settings: one that mends nothing says so again.
async fn tell_further(api: Api, mut told: Vec<NoticeView>) {
    loop {
        api.notices_changed().await;
        let notices = api.notices();
        notices.iter().for_each(tell);
        if notices.is_empty() && !told.is_empty() {
            to_stderr("the settings are in force as they are now");
        }
        told = notices;
    }
}

async fn serve(
    api: &Api,
    place: Place,
    data_folder: &std::path::Path,
    interruption: Interruption,
) -> Result<(), CommandError> {
    let server = ropeway_control::bind(api.clone(), place, data_folder).await?;
    if !server.local_addr().ip().is_loopback() {
        to_stderr(
            "warning: other machines can reach the page; its address is the only key, and it travels unencrypted",
        );
    }
    if let Some(taken) = server.taken() {
        to_stderr(&format!(
            "warning: {taken} is taken by another program; the page is at another port this time; --port chooses one"
        ));
    }
    to_stdout(server.url_with_token());
    server.run(async move { interruption.came().await }).await;
    Ok(())
}
