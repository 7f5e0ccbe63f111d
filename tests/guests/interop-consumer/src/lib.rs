//! Uses everything that a component of any make provides: see `tests/interop`.

mod drive;

use interop::demo::api;
use witflow as runtime;

witflow::generate!({ path: "../../interop/wit", world: "consumer" });

/// Implements the export.
pub struct Consumer;
export!(Consumer);

impl exports::interop::demo::driver::Guest for Consumer {
    async fn drive() -> String {
        drive::drive().await
    }
}
