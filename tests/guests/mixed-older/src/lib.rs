//! A command that `wasip3` 0.7.1 exports, so that wit-bindgen 0.57 runs it, with our runtime beside it.

#![cfg(target_family = "wasm")]

#[path = "../../mixed-newer/src/cases.rs"]
mod cases;

use wasip3 as theirs;
use wasip3::spawn as spawn_theirs;

struct Command;
theirs::cli::command::export!(Command with_types_in theirs);

impl theirs::exports::cli::run::Guest for Command {
    async fn run() -> Result<(), ()> {
        cases::run().await
    }
}
