//! Uses everything in the interface: the same calls as our guest, by wit-bindgen.

#[path = "../../../../guests/interop-consumer/src/drive.rs"]
mod drive;

use interop::demo::api;
use wit_bindgen as runtime;

wit_bindgen::generate!({ path: "../../wit", world: "consumer" });

struct Consumer;
export!(Consumer);

impl exports::interop::demo::driver::Guest for Consumer {
    async fn drive() -> String {
        drive::drive().await
    }
}
