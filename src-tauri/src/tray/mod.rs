//! The tray: how fast it goes, and what is needed without the window.

pub(crate) mod words;

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{Mutex, PoisonError},
};

use ropeway_api::{
    command::{Call, Done, Nothing},
    view::Totals,
};
use tauri::{
    AppHandle, Manager as _, Wry, async_runtime,
    image::Image,
    menu::{CheckMenuItem, IsMenuItem, Menu, MenuEvent, MenuItem, PredefinedMenuItem, Submenu},
    tray::{MouseButton, TrayIcon, TrayIconBuilder, TrayIconEvent},
};
use tauri_plugin_clipboard_manager::ClipboardExt as _;

use self::words::TrayWords;
use crate::{
    notify::{self, words::NoticeWords},
    offer::{Offer, hand_over},
    quit::quit,
    rate_text::{both_rates_text, rate_text},
    shell::Shell,
    window,
    words::NAME,
};

const SHOW: &str = "show";
const ADD: &str = "add";
const PAUSE_ALL: &str = "pause-all";
const RESUME_ALL: &str = "resume-all";
const QUIT: &str = "quit";
/// Begins the ids of the limit presets; the preset's megabytes follow.
const LIMIT: &str = "limit-";

/// The presets of the download limit, in megabytes (1024 × 1024 bytes) a second; 0 is none.
const PRESETS: [u64; 6] = [0, 1, 2, 5, 10, 50];
const MEGABYTE: u64 = 1 << 20;

/// The tray, from whichever thread.
pub(crate) struct Tray {
    icon: TrayIcon,
    entries: Mutex<Entries>,
    /// How fast it goes, as last shown; `None` while nothing moves.
    moving: Mutex<Option<String>>,
}

/// The menu's entries that change while it is there.
#[derive(Clone)]
struct Entries {
    rates: MenuItem<Wry>,
    limit: MenuItem<Wry>,
    presets: Vec<(u64, CheckMenuItem<Wry>)>,
}

/// The whole menu, in these words.
fn menu(app: &AppHandle, words: &TrayWords) -> tauri::Result<(Menu<Wry>, Entries)> {
    let entry = |id: &str, text: &str| MenuItem::with_id(app, id, text, true, None::<&str>);
    let rates = MenuItem::with_id(app, "rates", &words.idle, false, None::<&str>)?;
    let presets = PRESETS
        .iter()
        .map(|&preset| {
            let text = if preset == 0 { words.no_limit.clone() } else { format!("{preset} MiB/s") };
            let id = format!("{LIMIT}{preset}");
            Ok((preset, CheckMenuItem::with_id(app, id, text, true, false, None::<&str>)?))
        })
        .collect::<tauri::Result<Vec<_>>>()?;
    let separator = || PredefinedMenuItem::separator(app);
    let limit = MenuItem::with_id(app, "limit", words.now(&words.no_limit), false, None::<&str>)?;
    let below = separator()?;
    let mut lines: Vec<&dyn IsMenuItem<Wry>> = vec![&limit, &below];
    lines.extend(presets.iter().map(|(_, entry)| entry as &dyn IsMenuItem<Wry>));
    let limits = Submenu::with_items(app, &words.limit, true, &lines)?;
    let menu = Menu::with_items(
        app,
        &[
            &rates,
            &separator()?,
            &entry(SHOW, &words.show)?,
            &entry(ADD, &words.add)?,
            &separator()?,
            &entry(PAUSE_ALL, &words.pause_all)?,
            &entry(RESUME_ALL, &words.resume_all)?,
            &limits,
            &separator()?,
            &entry(QUIT, &words.quit)?,
        ],
    )?;
    Ok((menu, Entries { rates, limit, presets }))
}

impl Tray {
    /// Puts the icon with its menu into the tray. Without a tray closing the window is quitting, so that no program
    /// is left running that cannot be reached.
    pub(crate) fn build(app: &AppHandle) -> Option<Self> {
        // The toolkit panics where the system has no library for trays. Nothing of ours is left half done by that.
        match panic::catch_unwind(AssertUnwindSafe(|| Self::try_build(app))) {
            Ok(Ok(tray)) => Some(tray),
            Ok(Err(cause)) => {
                tracing::warn!(%cause, "there is no tray");
                None
            }
            Err(_) => {
                tracing::warn!("there is no tray: install libayatana-appindicator3-1");
                None
            }
        }
    }

    fn try_build(app: &AppHandle) -> tauri::Result<Self> {
        let (menu, entries) = menu(app, &app.state::<Shell>().words.now().tray)?;
        let icon = TrayIconBuilder::with_id("ropeway")
            .icon(picture()?)
            .icon_as_template(cfg!(target_os = "macos"))
            .tooltip(NAME)
            .menu(&menu)
            .show_menu_on_left_click(cfg!(not(target_os = "windows")))
            // The toolkit's own place for the picture would be one folder for all users of the machine.
            .temp_dir_path(app.state::<Shell>().place.web_folder())
            .on_menu_event(on_menu_event)
            .on_tray_icon_event(on_icon_event)
            .build(app)?;
        Ok(Self { icon, entries: Mutex::new(entries), moving: Mutex::default() })
    }

    fn entries(&self) -> Entries {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Shows how fast everything moves: in the tooltip, in the menu's first line, and beside the icon on panels that
    /// have room for words instead of a tooltip.
    pub(crate) fn show_totals(&self, words: &TrayWords, totals: &Totals) -> tauri::Result<()> {
        let rates = both_rates_text(totals.download_rate, totals.upload_rate);
        let tooltip = rates.as_ref().map_or_else(|| NAME.to_owned(), |rates| format!("{NAME} {rates}"));
        self.icon.set_tooltip(Some(tooltip))?;
        self.icon.set_title(Some(rates.as_deref().unwrap_or_default()))?;
        self.entries().rates.set_text(rates.as_deref().unwrap_or(&words.idle))?;
        *self.moving.lock().unwrap_or_else(PoisonError::into_inner) = rates;
        Ok(())
    }

    /// Shows the download limit in force, in bytes a second: it need not be one of the presets.
    pub(crate) fn show_limit(&self, words: &TrayWords, limit: Option<u64>) -> tauri::Result<()> {
        let text = limit.map_or_else(|| words.no_limit.clone(), rate_text);
        let Entries { limit: line, presets, .. } = self.entries();
        line.set_text(words.now(&text))?;
        presets.iter().try_for_each(|(preset, entry)| entry.set_checked(bytes(*preset) == limit))
    }

    /// Says everything in other words. In another menu: the name of a submenu cannot be changed on every desktop.
    fn speak(&self, words: &TrayWords, limit: Option<u64>) -> tauri::Result<()> {
        let (menu, entries) = menu(self.icon.app_handle(), words)?;
        if let Some(rates) = &*self.moving.lock().unwrap_or_else(PoisonError::into_inner) {
            entries.rates.set_text(rates)?;
        }
        self.icon.set_menu(Some(menu))?;
        *self.entries.lock().unwrap_or_else(PoisonError::into_inner) = entries;
        self.show_limit(words, limit)
    }
}

fn bytes(preset: u64) -> Option<u64> {
    (preset > 0).then_some(preset * MEGABYTE)
}

fn picture() -> tauri::Result<Image<'static>> {
    if cfg!(target_os = "macos") {
        Image::from_bytes(include_bytes!("../../../icons/tray-template.png"))
    } else {
        Image::from_bytes(include_bytes!("../../../icons/tray.png"))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that Tauri calls")]
fn on_icon_event(icon: &TrayIcon, event: TrayIconEvent) {
    if let TrayIconEvent::DoubleClick { button: MouseButton::Left, .. } = event {
        window::show(icon.app_handle());
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that Tauri calls")]
fn on_menu_event(app: &AppHandle, event: MenuEvent) {
    match event.id().as_ref() {
        SHOW => window::show(app),
        ADD => add_from_clipboard(app),
        PAUSE_ALL => call(app, Call::PauseAll(Nothing {})),
        RESUME_ALL => call(app, Call::ResumeAll(Nothing {})),
        QUIT => quit(app),
        other => {
            if let Some(preset) = other.strip_prefix(LIMIT).and_then(|preset| preset.parse().ok()) {
                set_limit(app, bytes(preset));
            }
        }
    }
}

fn call(app: &AppHandle, call: Call) {
    let app = app.clone();
    async_runtime::spawn(async move { app.state::<Shell>().call::<Done>(call).await });
}

fn add_from_clipboard(app: &AppHandle) {
    let app = app.clone();
    // The answer comes from another program, which may take its time.
    async_runtime::spawn(async move {
        let reader = app.clone();
        let text = async_runtime::spawn_blocking(move || reader.clipboard().read_text()).await;
        match text {
            Ok(Ok(text)) if !text.trim().is_empty() => hand_over(&app, Offer::text(text)),
            _ => {
                let NoticeWords { clipboard_empty, clipboard_empty_more, .. } =
                    &app.state::<Shell>().words.now().notices;
                notify::say(clipboard_empty, clipboard_empty_more).await;
            }
        }
    });
}

fn set_limit(app: &AppHandle, limit: Option<u64>) {
    let app = app.clone();
    async_runtime::spawn(async move {
        let shell = app.state::<Shell>();
        shell.change_settings(|settings| settings.download_limit = limit).await;
        // A click flips the mark of its entry by itself: put the marks right even where nothing changed.
        show_limit(&app, shell.settings().download_limit);
    });
}

/// Shows how fast everything moves, from any thread.
pub(crate) fn show_totals(app: &AppHandle, totals: Totals) {
    on_main_thread(app, move |tray, words| tray.show_totals(words, &totals));
}

/// Shows the download limit in force, from any thread; bytes a second.
pub(crate) fn show_limit(app: &AppHandle, limit: Option<u64>) {
    on_main_thread(app, move |tray, words| tray.show_limit(words, limit));
}

/// Says everything in the words that are in force now, from any thread.
pub(crate) fn speak(app: &AppHandle) {
    let limit = app.state::<Shell>().settings().download_limit;
    on_main_thread(app, move |tray, words| tray.speak(words, limit));
}

fn on_main_thread(app: &AppHandle, change: impl FnOnce(&Tray, &TrayWords) -> tauri::Result<()> + Send + 'static) {
    let on_main = app.clone();
    let sent = app.run_on_main_thread(move || {
        let Some(tray) = on_main.try_state::<Tray>() else { return };
        if let Err(cause) = change(&tray, &on_main.state::<Shell>().words.now().tray) {
            tracing::debug!(%cause, "the tray was not updated");
        }
    });
    if let Err(cause) = sent {
        tracing::debug!(%cause, "the event loop has ended");
    }
}
