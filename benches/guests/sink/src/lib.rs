//! Items through the `Sink` of a stream's writer, one by one.

use futures_util::SinkExt;
use peer::bench::host;

witflow::generate!("sink" in "../../wit/bench.wit");

witflow::heap!();

struct Component;
export!(Component);

impl Guest for Component {
    async fn feed_u32s(n: u32) -> u32 {
        let (mut writer, reader) = wit_stream::new();
        host::sink_u32s(reader, 0);
        for x in 0..n {
            if writer.feed(x).await.is_err() {
                return x;
            }
        }
        match writer.close().await {
            Ok(()) => n,
            Err(_) => 0,
        }
    }

    async fn send_u32s(n: u32) -> u32 {
        let (mut writer, reader) = wit_stream::new();
        host::sink_u32s(reader, 0);
        for x in 0..n {
            if writer.send(x).await.is_err() {
                return x;
            }
        }
        n
    }
}
