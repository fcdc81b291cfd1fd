//! Panics of tasks, which end in a handle that nobody asks: a run finds them here.

use std::{
    cell::{Cell, RefCell},
    panic,
    sync::Once,
};

thread_local! {
    static SEEN: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static IS_WATCHED: Cell<bool> = const { Cell::new(false) };
}

/// For as long as this lives, panics of the thread are kept from the terminal.
pub(crate) struct Watch(());

/// Begins to watch this thread.
pub(crate) fn watch() -> Watch {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if IS_WATCHED.get() {
                SEEN.with_borrow_mut(|seen| seen.push(panic.to_string()));
            } else {
                usual(panic);
            }
        }));
    });
    IS_WATCHED.set(true);
    Watch(())
}

impl Drop for Watch {
    fn drop(&mut self) {
        IS_WATCHED.set(false);
    }
}

/// The panics of this thread since the last call.
pub(crate) fn take() -> Vec<String> {
    SEEN.take()
}
