//! Panics in schedules: they are expected, so they are noted instead of printed.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// A panic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Panic {
    /// File and line.
    pub(crate) place: String,
    pub(crate) message: String,
}

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
    static NOTED: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// Puts a hook before the one there is, which notes panics on threads that run schedules and passes on all others.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_QUIET.try_with(Cell::get).unwrap_or(false) {
                return previous(info);
            }
            let message = crate::native::panic_message(info.payload());
            let place = info
                .location()
                .map_or_else(String::new, |place| format!("{}:{}", place.file(), place.line()));
            // The first is what went wrong; others follow from it.
            NOTED.with_borrow_mut(|noted| _ = noted.get_or_insert(Panic { place, message }));
        }));
    });
}

/// Runs `run` and gives its panic, if it panicked.
pub(crate) fn catch<R>(run: impl FnOnce() -> R) -> Result<R, Panic> {
    IS_QUIET.set(true);
    NOTED.take();
    let result = catch_unwind(AssertUnwindSafe(run));
    IS_QUIET.set(false);
    result.map_err(|_| NOTED.take().unwrap_or_default())
}

/// The first panic since the schedule began, which a guest may have caught.
pub(crate) fn noted() -> Option<Panic> {
    NOTED.with_borrow(Clone::clone)
}
