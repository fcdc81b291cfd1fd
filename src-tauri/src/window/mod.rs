//! The window: built to be shown, destroyed to be hidden, because a web view that nobody sees costs 200 MB.

pub(crate) mod place;

use std::sync::PoisonError;

use ropeway_api::settings::{Settings, Theme};
use tauri::{
    AppHandle, DragDropEvent, Manager as _, Url, WebviewWindow, WebviewWindowBuilder, Window, WindowEvent,
    async_runtime, webview::NewWindowResponse,
};

use crate::{
    metalink,
    notify::{self, words::NoticeWords},
    offer::Offers,
    quit::quit,
    shell::Shell,
    tray::Tray,
    uri_drop,
};

/// The window's label in `tauri.conf.json` and in the page's capability.
pub(crate) const LABEL: &str = "main";

/// Brings the window to the front; builds it if there is none. May be called from any thread.
pub(crate) fn show(app: &AppHandle) {
    let app = app.clone();
    // Building waits for the event loop, so it must not happen within one of its callbacks.
    async_runtime::spawn_blocking(move || {
        let shell = app.state::<Shell>();
        let _one_at_a_time = shell.is_showing.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = match app.get_webview_window(LABEL) {
            Some(window) => raise(&window),
            None => build(&app),
        };
        if let Err(cause) = shown {
            tracing::error!(%cause, "the window cannot be shown");
        }
    });
}

fn raise(window: &WebviewWindow) -> tauri::Result<()> {
    window.unminimize()?;
    window.show()?;
    window.set_focus()
}

fn build(app: &AppHandle) -> tauri::Result<()> {
    let config = app.config().app.windows.iter().find(|window| window.label == LABEL);
    let config = config.ok_or(tauri::Error::WindowNotFound)?;
    let shell = app.state::<Shell>();
    let mut builder = WebviewWindowBuilder::from_config(app, config)?
        // The page is part of the program; nothing else is ever shown in this window.
        .on_navigation(is_own_page)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .theme(theme_of(&shell.settings()))
        .data_directory(shell.place.web_folder());
    if let Some(place) = shell.place.last_on(&app.available_monitors()?) {
        builder = builder.inner_size(place.width, place.height).maximized(place.is_maximized);
        if let Some((x, y)) = place.corner {
            builder = builder.position(x, y);
        }
    }
    let window = builder.build()?;
    uri_drop::listen(&window)
}

/// The frame and the empty page take the colours that the user chose; `None` follows the desktop.
fn theme_of(settings: &Settings) -> Option<tauri::Theme> {
    match settings.theme {
        Theme::System => None,
        Theme::Light => Some(tauri::Theme::Light),
        Theme::Dark => Some(tauri::Theme::Dark),
    }
}

/// Follows changed settings.
pub(crate) fn follow_settings(app: &AppHandle, settings: &Settings) {
    if let Some(window) = app.get_webview_window(LABEL)
        && let Err(cause) = window.set_theme(theme_of(settings))
    {
        tracing::debug!(%cause, "the window keeps its colours");
    }
}

fn is_own_page(url: &Url) -> bool {
    url.scheme() == "tauri" || url.host_str() == Some("tauri.localhost")
}

/// Destroys the window, if there is one; the process and the transfers go on.
pub(crate) fn close(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(LABEL) {
        keep_place(&window.as_ref().window());
        if let Err(cause) = window.destroy() {
            tracing::warn!(%cause, "the window cannot be closed");
        }
    }
}

/// Follows the window's life.
pub(crate) fn on_event(window: &Window, event: &WindowEvent) {
    match event {
        WindowEvent::Resized(_) | WindowEvent::Moved(_) => window.state::<Shell>().place.note(window),
        WindowEvent::CloseRequested { .. } => {
            keep_place(window);
            let app = window.app_handle();
            if app.try_state::<Tray>().is_some() {
                tell_about_tray(app);
            } else {
                quit(app);
            }
        }
        WindowEvent::Destroyed => {
            window.state::<Shell>().stream.stop();
            window.state::<Offers>().page_is_gone();
        }
        WindowEvent::DragDrop(DragDropEvent::Drop { paths, .. }) => {
            uri_drop::dropped(window.app_handle());
            metalink::dropped(window.app_handle(), paths);
        }
        _ => {}
    }
}

fn keep_place(window: &Window) {
    let place = &window.state::<Shell>().place;
    place.note(window);
    place.save();
}

/// Says once in the user's life that closing the window does not stop the transfers.
fn tell_about_tray(app: &AppHandle) {
    let app = app.clone();
    async_runtime::spawn(async move {
        let shell = app.state::<Shell>();
        if !shell.settings().told_about_tray {
            shell.change_settings(|settings| settings.told_about_tray = true).await;
            let NoticeWords { still_running, still_running_more, .. } = &shell.words.now().notices;
            notify::say(still_running, still_running_more).await;
        }
    });
}
