//! The order of the start: one instance, then the queue, then tray and window.

use std::{
    ffi::OsString,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::{self, Write as _},
    path::Path,
};

use anyhow::anyhow;
use ropeway_api::OpenError;
use ropeway_files::Folders;
use tauri::{AppHandle, Manager as _, RunEvent, Wry, async_runtime, plugin::TauriPlugin};
use tauri_plugin_dialog::{DialogExt as _, MessageDialogKind};

use crate::{
    arguments::Arguments,
    engine::{self, Control},
    ipc,
    language::KeptWords,
    metalink,
    offer::Offers,
    quit,
    shell::Shell,
    tray::Tray,
    uri_drop::Hovering,
    watch::Watch,
    window::{self, place::PlaceKeeper},
    words,
};

/// Begins the name under which instances find each other.
const INSTANCE_NAME: &str = "io.github.ropeway.desktop.queue_";

/// Runs until the user quits; gives the exit code.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<i32> {
    let folders = Folders::of_this_user()?;
    folders.create()?;
    let app = tauri::Builder::default()
        // First: a second start must end before it touches the queue.
        .plugin(single_instance(&folders.data))
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_clipboard_manager::init())
        .manage(Offers::default())
        .manage(Hovering::default())
        .invoke_handler(tauri::generate_handler![ipc::rpc, ipc::subscribe, ipc::speak])
        .on_window_event(window::on_event)
        .setup(move |app| {
            if let Err(error) = start(app.handle(), &folders, arguments) {
                fail(app.handle(), &format!("{error:#}"));
            }
            Ok(())
        })
        .build(tauri::generate_context!())?;
    Ok(app.run_return(on_event))
}

/// Hands a second start of the same queue to this one. Another data folder is another program: a demonstration runs
/// beside the user's own window.
fn single_instance(data_folder: &Path) -> TauriPlugin<Wry> {
    let mut folder_name = DefaultHasher::new();
    data_folder.hash(&mut folder_name);
    tauri_plugin_single_instance::Builder::new()
        .dbus_id(format!("{INSTANCE_NAME}{:016x}", folder_name.finish()))
        .callback(|app, given, folder| {
            // The second start has refused what is no valid start itself.
            let given = given.into_iter().skip(1).map(OsString::from);
            match Arguments::parse(given, Path::new(&folder)) {
                Ok(second) if second.hidden && second.offer.is_empty() => {}
                Ok(second) => metalink::hand_over(app, second.offer),
                Err(refused) => tracing::warn!(?refused, "a second start handed over what it should have refused"),
            }
        })
        .build()
}

fn start(app: &AppHandle, folders: &Folders, arguments: Arguments) -> anyhow::Result<()> {
    quit::on_signals(app);
    let api = async_runtime::block_on(engine::open(app, folders)).map_err(|error| explain(&error))?;
    let control = async_runtime::block_on(Control::listen(&api, &folders.data));
    let place = PlaceKeeper::open(&folders.config, &folders.data);
    app.manage(Shell::new(api, control, place, KeptWords::open(&folders.config)));
    if let Some(tray) = Tray::build(app) {
        app.manage(tray);
    }
    let watch = async_runtime::block_on(Watch::begin(app.clone()));
    async_runtime::spawn(watch.run());
    let offers = app.state::<Offers>();
    offers.hold(metalink::read(arguments.offer));
    if !arguments.hidden || offers.are_held() {
        window::show(app);
    }
    Ok(())
}

/// The reason with the user's next step.
fn explain(error: &OpenError) -> anyhow::Error {
    let hint = match error {
        OpenError::InUse { .. } => words::HINT_IN_USE,
        OpenError::Unusable { .. } => words::HINT_UNUSABLE,
    };
    anyhow!("{error}.\n\n{hint}")
}

/// Says why there will be no window, on the screen and on stderr, and ends with code 1.
fn fail(app: &AppHandle, reason: &str) {
    // Nobody is left to tell when the terminal itself is gone.
    let _ = writeln!(io::stderr(), "ropeway-desktop: {reason}");
    let ended = app.clone();
    app.dialog().message(reason).title(words::CANNOT_START).kind(MessageDialogKind::Error).show(move |_| ended.exit(1));
}

fn on_event(_app: &AppHandle, event: RunEvent) {
    // Without a code it is the last window that closed, and the transfers go on without one.
    if let RunEvent::ExitRequested { code: None, api, .. } = event {
        api.prevent_exit();
    }
}
