//! `ropeway daemon`: the queue without a window.

use std::{net::SocketAddr, sync::Arc};

use clap::Args;
use ropeway_api::{Api, ApiConfig, Scope, host::Headless};
use ropeway_service::{control, folders::Folders};

use crate::{
    error::CommandError,
    exit::Exit,
    output::{tell, to_stderr, to_stdout},
    signal::Interruption,
};

/// Run the queue without a window.
///
/// Prints one line with the address of the page, which is the same as in the desktop window. The address carries a
/// secret: whoever has it steers the queue. Ended by Ctrl+C or SIGTERM, it keeps what every job has.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Daemon {
    /// Address and port of the page; port 0 takes a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    bind: SocketAddr,
}

const EXAMPLES: &str = "Examples:
  ropeway daemon
  ropeway daemon --bind 127.0.0.1:7373
  ROPEWAY_DATA_DIR=/srv/ropeway ropeway daemon";

impl Daemon {
    /// Runs the queue until a signal comes.
    pub(crate) async fn run(self) -> Result<Exit, CommandError> {
        let interruption = Interruption::listen().map_err(|cause| CommandError::Runtime { cause })?;
        let folders = Folders::of_this_user()?;
        folders.create()?;
        let api = Api::open(ApiConfig {
            data_folder: folders.data.clone(),
            config_folder: folders.config,
            scope: Scope::Queue,
            host: Arc::new(Headless),
        })
        .await?;
        api.notices().iter().for_each(tell);
        let served = serve(&api, self.bind, &folders.data, interruption).await;
        // Also when the address is taken: what the engine has begun meanwhile is made durable.
        api.shutdown().await;
        served.map(|()| Exit::Complete)
    }
}

async fn serve(
    api: &Api,
    bind: SocketAddr,
    data_folder: &std::path::Path,
    interruption: Interruption,
) -> Result<(), CommandError> {
    let server = control::bind(api.clone(), bind, data_folder).await?;
    if !bind.ip().is_loopback() {
        to_stderr(
            "warning: other machines can reach the page; its address is the only key, and it travels unencrypted",
        );
    }
    to_stdout(server.url_with_token());
    server.run(async move { interruption.came().await }).await;
    Ok(())
}
