//! The nine steps, each with a call in the end that shows that the other side is as before.
//!
//! It uses what all runtimes for Rust have in common, so a guest by another one has this file as well.

use std::pin::{Pin, pin};
use std::task::Poll;

use futures_util::future::{join, join_all};

use crate::api::{self, Counter};
use crate::runtime::{FutureWriteCancel, StreamResult};
use crate::{wit_future, wit_stream};

type Checked = Result<&'static str, String>;

/// Takes one step; says `ok` or what went wrong, beside what may be one way or the other.
pub(crate) async fn step(n: u32) -> String {
    let result = match n {
        1 => cancelled_call().await,
        2 => reader_dropped_midway().await,
        3 => writer_closed_unwritten().await,
        4 => cancelled_read().await,
        5 => future_unread().await,
        6 => many_calls_in_reverse().await,
        7 => default_value().await,
        8 => a_megabyte_in_pieces().await,
        9 => many_resources().await,
        _ => Err("there is no such step".to_owned()),
    };
    let result = match result {
        Ok(note) => still_works().await.map(|()| note),
        failed => failed,
    };
    match result {
        Ok("") => "ok".to_owned(),
        Ok(note) => format!("ok: {note}"),
        Err(wrong) => wrong,
    }
}

fn compare<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: {found:?} instead of {expected:?}"))
}

async fn poll<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

async fn is_ready<F: Future>(future: Pin<&mut F>) -> bool {
    poll(future).await.is_ready()
}

/// The other side answers a call of each kind.
async fn still_works() -> Result<(), String> {
    let (mut writer, reader) = wit_stream::new();
    let writes = async move { writer.write_all(b"abc".to_vec()).await };
    let (count, unsent) = join(api::count(reader), writes).await;
    compare("count afterwards", (count, unsent.len()), (3, 0))?;
    let greeting = api::greet("again".to_owned()).await.await;
    compare("greet afterwards", greeting, "hello, again".to_owned())
}

/// A call that waits for a future is given up.
async fn cancelled_call() -> Checked {
    let (writer, reader) = wit_future::new(String::new);
    let mut call = Box::pin(api::await_it(reader));
    compare("await-it of nothing", is_ready(call.as_mut()).await, false)?;
    drop(call);
    still_works().await?;
    // Whoever was given up has dropped the future, waits for it all the same, or has forgotten it.
    let mut write = pin!(writer.write("late".to_owned()));
    let unread = match poll(write.as_mut()).await {
        Poll::Ready(Ok(())) => return Ok("what it waited for was taken all the same"),
        Poll::Ready(Err(unread)) => unread.value,
        Poll::Pending => match write.as_mut().cancel() {
            FutureWriteCancel::AlreadySent => return Ok("what it waited for was taken all the same"),
            FutureWriteCancel::Dropped(unread) => unread,
            FutureWriteCancel::Cancelled(_, writer) => {
                // Its drop would write the default, and nobody would read that either.
                std::mem::forget(writer);
                return Ok("what it waited for is neither read nor dropped");
            }
        },
    };
    compare("what came back", unread, "late".to_owned())?;
    Ok("")
}

/// Nobody reads on, neither the other side's stream nor, by that, ours.
async fn reader_dropped_midway() -> Checked {
    let (mut writer, reader) = wit_stream::new();
    let mut output = api::upper(reader).await;
    let read = async move {
        let mut bytes = Vec::new();
        while bytes.len() < 10 {
            bytes.extend(output.next().await);
        }
        bytes
    };
    let (unsent, bytes) = join(writer.write_all(vec![b'x'; 300_000]), read).await;
    compare("upper", bytes, vec![b'X'; 10])?;
    compare("a rest that was not sent", unsent.is_empty(), false)?;
    let mut items = api::items(1_000).await;
    for id in 0..3 {
        compare("items", items.next().await.map(|item| item.id), Some(id))?;
    }
    Ok("")
}

async fn writer_closed_unwritten() -> Checked {
    let (writer, reader) = wit_stream::new::<u8>();
    drop(writer);
    compare("count of nothing", api::count(reader).await, 0)?;
    let (writer, reader) = wit_stream::new::<u8>();
    let (count, ()) = join(api::count(reader), async move { drop(writer) }).await;
    compare("count of nothing, later", count, 0)?;
    let (writer, reader) = wit_stream::new::<u8>();
    let mut output = api::upper(reader).await;
    drop(writer);
    compare("upper of nothing", output.next().await, None)?;
    Ok("")
}

/// A read that nothing was written for is given up; the next one works.
async fn cancelled_read() -> Checked {
    let (mut writer, reader) = wit_stream::new();
    let mut output = api::upper(reader).await;
    {
        let mut read = pin!(output.read(Vec::with_capacity(16)));
        compare("a read of nothing", is_ready(read.as_mut()).await, false)?;
        let cancelled = read.as_mut().cancel();
        compare("the cancelled read", cancelled, (StreamResult::Cancelled, Vec::new()))?;
    }
    let reads = async {
        let mut bytes = Vec::new();
        while bytes.len() < 5 {
            bytes.extend(output.next().await);
        }
        bytes
    };
    let (unsent, bytes) = join(writer.write_all(b"after".to_vec()), reads).await;
    compare("upper afterwards", (unsent.len(), bytes), (0, b"AFTER".to_vec()))?;
    drop(writer);
    compare("its end", output.next().await, None)?;
    Ok("")
}

async fn future_unread() -> Checked {
    drop(api::greet("nobody".to_owned()).await);
    Ok("")
}

/// What 200 calls wait for comes in reverse.
async fn many_calls_in_reverse() -> Checked {
    let (mut writers, mut calls) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        let (writer, reader) = wit_future::new(String::new);
        writers.push(writer);
        calls.push(Box::pin(api::await_it(reader)));
    }
    for call in &mut calls {
        compare("await-it of nothing", is_ready(call.as_mut()).await, false)?;
    }
    let writes = async move {
        let mut written = 0;
        for (index, writer) in writers.into_iter().enumerate().rev() {
            written += usize::from(writer.write(index.to_string()).await.is_ok());
        }
        written
    };
    let (results, written) = join(join_all(calls), writes).await;
    compare("what was taken", written, 200)?;
    for (index, result) in results.into_iter().enumerate() {
        compare("await-it", result, Ok(format!("got {index}")))?;
    }
    Ok("")
}

/// A writer that goes leaves a value.
async fn default_value() -> Checked {
    let (writer, reader) = wit_future::new(|| "the default".to_owned());
    let mut call = Box::pin(api::await_it(reader));
    compare("await-it of nothing", is_ready(call.as_mut()).await, false)?;
    drop(writer);
    compare("await-it", call.await, Ok("got the default".to_owned()))?;
    Ok("")
}

/// Sent and received in pieces that do not fit each other.
async fn a_megabyte_in_pieces() -> Checked {
    let sent: Vec<u8> = (0..1_000_000_u32).map(|at| b'a' + (at % 26) as u8).collect();
    let expected = sent.to_ascii_uppercase();
    let (mut writer, reader) = wit_stream::new();
    let mut output = api::upper(reader).await;
    let writes = async move {
        let mut unsent = 0;
        for piece in sent.chunks(70_001) {
            unsent += writer.write_all(piece.to_vec()).await.len();
        }
        unsent
    };
    let reads = async move {
        let mut bytes = Vec::new();
        loop {
            let (result, mut read) = output.read(Vec::with_capacity(12_345)).await;
            bytes.append(&mut read);
            if result == StreamResult::Dropped {
                return bytes;
            }
        }
    };
    let (unsent, bytes) = join(writes, reads).await;
    compare("what was not sent", unsent, 0)?;
    compare("as many bytes", bytes.len(), expected.len())?;
    compare("the same bytes", bytes == expected, true)?;
    Ok("")
}

async fn many_resources() -> Checked {
    let counters: Vec<Counter> = (0..50).map(Counter::new).collect();
    let sums = join_all(counters.iter().map(|counter| counter.add(1_000))).await;
    compare("add", sums, (1_000..1_050).collect())?;
    Ok("")
}
