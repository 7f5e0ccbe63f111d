//! A guest for the world in the folder `wit`.

#[cfg(test)]
mod tests;

use demo::hello_guest::log;
use futures_util::StreamExt as _;
use witflow::{StreamReader, spawn};

witflow::generate!({ world: "hello-guest" });

struct HelloGuest;
export!(HelloGuest);

impl Guest for HelloGuest {
    async fn greet(name: String) -> String {
        log::line(format!("greeting {name}")).await;
        format!("Hello, {name}!")
    }

    async fn shout(input: StreamReader<u8>) -> StreamReader<u8> {
        let (output, result) = wit_stream::new();
        // The call returns at once; the task goes on while somebody reads.
        spawn(async move {
            let upper = input.map(|byte| byte.to_ascii_uppercase());
            // The only error is that nobody reads any more, and then nothing is left to do.
            let _ = upper.map(Ok).forward(output).await;
        });
        result
    }
}
