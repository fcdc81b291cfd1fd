//! Total progress on the taskbar.

use tauri::AppHandle;

/// Shows how far all transfers are, 0 to 1; `None` takes the bar away.
///
/// Docks on Linux listen for a broadcast in the name of the desktop file, whether or not a window is open.
#[cfg(target_os = "linux")]
pub(crate) fn show_fraction(_app: &AppHandle, fraction: Option<f64>) {
    use gtk::{
        gio::{BusType, Cancellable, bus_get_sync},
        glib::{ToVariant as _, Variant, VariantDict},
    };

    let properties = VariantDict::new(None);
    properties.insert_value("progress", &fraction.unwrap_or_default().to_variant());
    properties.insert_value("progress-visible", &fraction.is_some().to_variant());
    let update = Variant::tuple_from_iter([DESKTOP_FILE.to_variant(), properties.end()]);
    let sent = bus_get_sync(BusType::Session, None::<&Cancellable>)
        .and_then(|bus| bus.emit_signal(None, LAUNCHER_PATH, LAUNCHER_INTERFACE, "Update", Some(&update)));
    if let Err(cause) = sent {
        tracing::debug!(%cause, "the taskbar was not told the progress");
    }
}

/// The desktop file that packages install, as docks name it.
#[cfg(target_os = "linux")]
const DESKTOP_FILE: &str = "application://Ropeway.desktop";
#[cfg(target_os = "linux")]
const LAUNCHER_PATH: &str = "/io/github/ropeway/desktop";
/// The interface that KDE's, GNOME's (Dash to Dock) and other docks took over from Unity.
#[cfg(target_os = "linux")]
const LAUNCHER_INTERFACE: &str = "com.canonical.Unity.LauncherEntry";

/// Shows how far all transfers are, 0 to 1; `None` takes the bar away.
#[cfg(not(target_os = "linux"))]
pub(crate) fn show_fraction(app: &AppHandle, fraction: Option<f64>) {
    use tauri::{
        Manager as _,
        window::{ProgressBarState, ProgressBarStatus},
    };

    let Some(window) = app.get_webview_window(crate::window::LABEL) else { return };
    let status = if fraction.is_some() { ProgressBarStatus::Normal } else { ProgressBarStatus::None };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
    let progress = fraction.map(|fraction| (fraction.clamp(0.0, 1.0) * 100.0) as u64);
    if let Err(cause) = window.set_progress_bar(ProgressBarState { status: Some(status), progress }) {
        tracing::debug!(%cause, "the taskbar was not told the progress");
    }
}
