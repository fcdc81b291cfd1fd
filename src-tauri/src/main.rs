//! `ropeway-desktop`: the window, the tray and the notifications around the engine.
//!
//! A thin shell: every wish of the user goes to [`ropeway_api::Api`] and comes back as a batch of events. What lives
//! here is what only a desktop has.
#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

mod app;
mod arguments;
mod engine;
mod host;
mod ipc;
mod kept;
mod language;
mod metalink;
mod notify;
mod offer;
mod quit;
mod rate_text;
mod shell;
mod taskbar;
mod tray;
mod uri_drop;
mod watch;
mod window;
mod words;

use std::{env, io, process::ExitCode};

use arguments::{Arguments, Refused};
use tracing_subscriber::EnvFilter;

/// What the log shows unless `RUST_LOG` says otherwise. The clipboard warns of every desktop without Wayland.
const DEFAULT_LOG: &str = "warn,arboard=error";

fn main() -> ExitCode {
    let folder = env::current_dir().unwrap_or_default();
    let arguments = match Arguments::parse(env::args_os().skip(1), &folder) {
        Ok(arguments) => arguments,
        Err(Refused::Answer(text)) => return say(&mut io::stdout(), &text, ExitCode::SUCCESS),
        Err(Refused::Usage(text)) => return say(&mut io::stderr(), &text, ExitCode::from(2)),
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_LOG));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    if !has_display() {
        return say(&mut io::stderr(), words::NO_DISPLAY, ExitCode::FAILURE);
    }
    match app::run(arguments) {
        Ok(code) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        Err(error) => say(&mut io::stderr(), &format!("ropeway-desktop: {error:#}"), ExitCode::FAILURE),
    }
}

/// Whether a window can be shown at all; asked first, because the toolkit ends the process where it cannot.
#[cfg(target_os = "linux")]
fn has_display() -> bool {
    gtk::init().is_ok()
}

/// Other systems have no session without a screen.
#[cfg(not(target_os = "linux"))]
fn has_display() -> bool {
    true
}

fn say(to: &mut dyn io::Write, text: &str, code: ExitCode) -> ExitCode {
    // Nobody is left to tell when the terminal itself is gone.
    let _ = writeln!(to, "{text}");
    code
}
