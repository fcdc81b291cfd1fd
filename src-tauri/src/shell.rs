//! What the parts of the shell share.

use std::sync::{Mutex, PoisonError, atomic::AtomicBool};

use ropeway_api::{
    Api,
    command::{Call, Nothing},
    settings::Settings,
    view::Snapshot,
};
use serde::de::DeserializeOwned;

use crate::{engine::Control, ipc::Stream, language::KeptWords, window::place::PlaceKeeper};

/// The running shell; Tauri keeps it, and every part asks Tauri for it.
#[derive(Debug)]
pub(crate) struct Shell {
    /// The engine.
    pub(crate) api: Api,
    /// The command line's way to it.
    pub(crate) control: Control,
    /// The page's stream of batches.
    pub(crate) stream: Stream,
    /// Where the window was.
    pub(crate) place: PlaceKeeper,
    /// What tray and notifications say.
    pub(crate) words: KeptWords,
    /// Held while a window is built or raised, so that two calls do not build two.
    pub(crate) is_showing: Mutex<()>,
    /// Set once, when the program begins to end.
    pub(crate) is_quitting: AtomicBool,
    settings: Mutex<Settings>,
}

impl Shell {
    pub(crate) fn new(api: Api, control: Control, place: PlaceKeeper, words: KeptWords) -> Self {
        Self {
            api,
            control,
            stream: Stream::default(),
            place,
            words,
            is_showing: Mutex::new(()),
            is_quitting: AtomicBool::new(false),
            settings: Mutex::default(),
        }
    }

    /// The settings as last announced.
    pub(crate) fn settings(&self) -> Settings {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes note of announced settings.
    pub(crate) fn note_settings(&self, settings: Settings) {
        *self.settings.lock().unwrap_or_else(PoisonError::into_inner) = settings;
    }

    /// Changes the settings.
    pub(crate) async fn change_settings(&self, change: impl FnOnce(&mut Settings)) {
        let mut settings = self.settings();
        change(&mut settings);
        if let Some(settings) = self.call(Call::SettingsSet(settings)).await {
            self.note_settings(settings);
        }
    }

    /// Everything at once.
    pub(crate) async fn snapshot(&self) -> Option<Snapshot> {
        self.call(Call::Snapshot(Nothing {})).await
    }

    /// Makes a call whose refusal can only go to the log, because tray and notifications have no place to show it.
    pub(crate) async fn call<Reply: DeserializeOwned>(&self, call: Call) -> Option<Reply> {
        let name = call.name();
        let reply = self.api.call(call).await.map_err(|refusal| refusal.to_string());
        match reply.and_then(|reply| reply.read().map_err(|misread| misread.to_string())) {
            Ok(reply) => Some(reply),
            Err(refusal) => {
                tracing::warn!(call = name, refusal, "a call of the shell was refused");
                None
            }
        }
    }
}
