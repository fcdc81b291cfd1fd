//! Starting Ropeway from the sources: the window where there is a display, else the daemon.

use std::{
    path::PathBuf,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Result;

use crate::{demo, place, setup, shell, ui};

/// Opens the window on the user's own queue, or starts the daemon on it.
pub(crate) fn own_queue() -> Result<()> {
    let shell = prepare()?;
    let command = match &shell {
        Shell::Window(program) => shell::command(program),
        Shell::Daemon(program) => {
            let mut command = shell::command(program);
            command.arg("daemon");
            command
        }
    };
    become_program(command)
}

/// Makes this process that program, so that signals and its exit code are the program's own.
fn become_program(mut command: Command) -> Result<()> {
    Err(std::os::unix::process::CommandExt::exec(&mut command).into())
}

/// Shows the whole product at work.
pub(crate) fn demo() -> Result<()> {
    let shell = prepare()?;
    demo::run(&shell, &place::built("release", "ropeway"), &Interrupt::listen()?)
}

/// What the user meets.
pub(crate) enum Shell {
    /// The desktop window, with its program.
    Window(PathBuf),
    /// The daemon, whose page any browser shows, with its program.
    Daemon(PathBuf),
}

/// Sets up and builds what this machine can show.
fn prepare() -> Result<Shell> {
    let window = has_display();
    if !window {
        println!("There is no display here, so no window can open: starting the daemon, which serves the same UI.");
    }
    setup::build(window)?;
    ui::build()?;
    let mut build = shell::cargo(&["build", "--release", "--locked", "-p", "ropeway-cli"]);
    if window {
        build.args(["-p", "ropeway-desktop"]);
    }
    shell::run(&mut build)?;
    Ok(if window {
        Shell::Window(place::built("release", "ropeway-desktop"))
    } else {
        Shell::Daemon(place::built("release", "ropeway"))
    })
}

fn has_display() -> bool {
    let set = |key| std::env::var_os(key).is_some_and(|value| !value.is_empty());
    // A Mac has one without saying so.
    cfg!(target_os = "macos") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

/// Whether the user asked for the end, by Ctrl+C, by closing the terminal or with `kill`.
#[derive(Clone)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens from now on; a second signal ends the program at once.
    fn listen() -> Result<Self> {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP] {
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&asked))?;
            signal_hook::flag::register(signal, Arc::clone(&asked))?;
        }
        Ok(Self(asked))
    }

    /// Whether the end was asked for.
    pub(crate) fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
