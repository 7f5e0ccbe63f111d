//! The native twin of `components/futures.wat`.

use super::support::{Twin, native};
use witflow::FutureReader;

witflow::generate!({
    inline: "
        package test:futures;

        world futures {
            export increment: async func(number: future<u32>) -> future<u32>;
        }
    ",
});

struct Futures;
export!(Futures);

impl Guest for Futures {
    async fn increment(number: FutureReader<u32>) -> FutureReader<u32> {
        let (writer, reader) = wit_future::new(|| unreachable!("it is always written"));
        witflow::spawn(async move {
            // That fails when nobody wants the result.
            let _ = writer.write(number.await + 1).await;
        });
        reader
    }
}

pub(crate) const FUTURES: Twin = Twin {
    native: native::<Futures>,
    text: include_str!("../components/futures.wat"),
};
