//! The workloads of `benches/wit/bench.wit`, as one would write them with witflow.

use exports::peer::bench::workloads::{Guest, Row};
use peer::bench::host;
use peer::bench::types::Item;
use witflow::StreamResult;

#[cfg(feature = "count-allocations")]
mod count;

#[cfg(not(feature = "count-allocations"))]
witflow::generate!("bench" in "../../wit/bench.wit");
#[cfg(feature = "count-allocations")]
witflow::generate!("bench-counting" in "../../wit/bench.wit");

#[cfg(not(feature = "count-allocations"))]
witflow::heap!();

struct Component;
export!(Component);

#[cfg(feature = "count-allocations")]
impl exports::peer::bench::allocations::Guest for Component {
    fn count() -> u64 {
        count::allocations()
    }
}

impl Guest for Component {
    async fn noop(x: u32) -> u32 {
        x
    }

    async fn calls_ready(k: u32) -> u32 {
        let mut sum = 0u32;
        for x in 0..k {
            sum = sum.wrapping_add(host::tick(x).await);
        }
        sum
    }

    async fn calls_pending(k: u32) -> u32 {
        let mut sum = 0u32;
        for x in 0..k {
            sum = sum.wrapping_add(host::tick_yield(x).await);
        }
        sum
    }

    async fn write_bytes(total: u64, chunk: u32, mode: u32) -> u64 {
        let (mut writer, reader) = wit_stream::new();
        host::sink_bytes(reader, mode);
        let mut bytes = vec![0xa5; chunk as usize];
        let mut written = 0;
        while written < total {
            written += writer.write_from(&mut bytes).await as u64;
        }
        written
    }

    async fn read_bytes(total: u64, chunk: u32, mode: u32) -> u64 {
        let mut reader = host::source_bytes(total, mode);
        let mut bytes = Vec::with_capacity(chunk as usize);
        let mut received = 0;
        while reader.read_into(&mut bytes).await != StreamResult::Dropped {
            received += bytes.len() as u64;
            bytes.clear();
        }
        received
    }

    async fn write_u32s(n: u32, mode: u32) -> u32 {
        let (mut writer, reader) = wit_stream::new();
        host::sink_u32s(reader, mode);
        for x in 0..n {
            if writer.write_one(x).await.is_some() {
                return x;
            }
        }
        n
    }

    async fn write_u32s_batched(n: u32, batch: u32, mode: u32) -> u32 {
        let (mut writer, reader) = wit_stream::new();
        host::sink_u32s(reader, mode);
        let mut items = Vec::new();
        let mut next = 0;
        while next < n {
            let end = n.min(next + batch);
            items.extend(next..end);
            items = writer.write_all(items).await;
            next = end;
        }
        next
    }

    async fn write_items(n: u32, mode: u32) -> u32 {
        let (mut writer, reader) = wit_stream::new();
        host::sink_items(reader, mode);
        for id in 0..n {
            if writer.write_one(item(id)).await.is_some() {
                return id;
            }
        }
        n
    }

    async fn write_items_batched(n: u32, batch: u32, mode: u32) -> u32 {
        let (mut writer, reader) = wit_stream::new();
        host::sink_items(reader, mode);
        let mut items = Vec::new();
        let mut next = 0;
        while next < n {
            let end = n.min(next + batch);
            items.extend((next..end).map(item));
            items = writer.write_all(items).await;
            next = end;
        }
        next
    }

    async fn futures(n: u32) -> u32 {
        let mut sum = 0u32;
        for x in 0..n {
            let (writer, reader) = wit_future::new(u32::default);
            let read = host::read_future(reader).start();
            if writer.write(x).await.is_err() {
                return sum;
            }
            sum = sum.wrapping_add(read.await);
        }
        sum
    }

    async fn in_flight(n: u32) -> u32 {
        let calls: Vec<_> = (0..n).map(|x| host::park(x).start()).collect();
        let mut sum = 0u32;
        for call in calls {
            sum = sum.wrapping_add(call.await);
        }
        sum
    }

    async fn spawn_many(n: u32) -> u32 {
        let handles: Vec<_> = (0..n).map(|x| witflow::spawn(host::park(x))).collect();
        let mut sum = 0u32;
        for handle in handles {
            sum = sum.wrapping_add(handle.await.unwrap_or_default());
        }
        sum
    }

    fn echo_rows(rows: Vec<Row>) -> Vec<Row> {
        rows
    }

    fn call_echo(k: u32, rows: u32) -> u32 {
        let rows: Vec<Row> = (0..rows)
            .map(|n| Row {
                name: "row-name-0123456789".to_owned(),
                n,
                f: (n % 2 == 0).then_some(f64::from(n)),
            })
            .collect();
        (0..k)
            .flat_map(|_| host::echo(&rows))
            .map(|row| row.name.len() as u32)
            .sum()
    }
}

fn item(id: u32) -> Item {
    Item {
        id,
        name: "item-name-0123456789".to_owned(),
    }
}
