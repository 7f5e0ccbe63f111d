//! Every method of a writer, dropped, forgotten or cancelled at its await, with the peer doing whatever it may
//! before, in between and after: no item is lost, none comes twice, and no handle stays.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "a test plays generated code, whose pointers are right"
)]

mod fake;

use fake::Fake;
use fake::ends::Peer;
use fake::scripts::{ENDS, End, Event, Gate, Shared, each_script};
use fake::streams::*;
use fake::tasks::returning;
use futures_io::AsyncWrite;
use futures_sink::Sink;
use std::future::poll_fn;
use std::mem::forget;
use std::pin::Pin;
use std::task::{Context, Poll};
use witflow_async_rt::rt::{StreamWrite, StreamWriteAll, StreamWriteFrom, StreamWriteOne, StreamWriter};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Writing {
    Write,
    /// `Write`, cancelled at its second poll.
    Cancelled,
    WriteAll,
    WriteOne,
    WriteFrom,
    Sink,
    AsyncWrite,
}

const WRITING: [Writing; 7] = [
    Writing::Write,
    Writing::Cancelled,
    Writing::WriteAll,
    Writing::WriteOne,
    Writing::WriteFrom,
    Writing::Sink,
    Writing::AsyncWrite,
];

enum WriteOp<'a> {
    Write(StreamWrite<'a, u8>),
    Cancelled(StreamWrite<'a, u8>, bool),
    WriteAll(StreamWriteAll<'a, u8>),
    WriteOne(StreamWriteOne<'a, u8>),
    WriteFrom(StreamWriteFrom<'a, u8>, usize),
    Sink(&'a mut StreamWriter<u8>, Vec<u8>),
    AsyncWrite(&'a mut StreamWriter<u8>, Vec<u8>),
}

impl<'a> WriteOp<'a> {
    fn new(method: Writing, writer: &'a mut StreamWriter<u8>, items: &'a mut Vec<u8>) -> WriteOp<'a> {
        match method {
            Writing::Write => WriteOp::Write(writer.write(std::mem::take(items))),
            Writing::Cancelled => WriteOp::Cancelled(writer.write(std::mem::take(items)), false),
            Writing::WriteAll => WriteOp::WriteAll(writer.write_all(std::mem::take(items))),
            Writing::WriteOne => {
                let item = items.remove(0);
                items.clear();
                WriteOp::WriteOne(writer.write_one(item))
            }
            Writing::WriteFrom => {
                let count = items.len();
                WriteOp::WriteFrom(writer.write_from(items), count)
            }
            Writing::Sink => WriteOp::Sink(writer, std::mem::take(items)),
            Writing::AsyncWrite => WriteOp::AsyncWrite(writer, std::mem::take(items)),
        }
    }

    /// What was not sent, and stays out of the writer.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Vec<u8>> {
        match self {
            WriteOp::Write(write) => Pin::new(write).poll(cx).map(|(_, rest)| rest.into_vec()),
            WriteOp::Cancelled(write, true) => Poll::Ready(Pin::new(write).cancel().1.into_vec()),
            WriteOp::Cancelled(write, polled) => {
                *polled = true;
                let polled = Pin::new(write).poll(cx).map(|(_, rest)| rest.into_vec());
                if polled.is_pending() {
                    cx.waker().wake_by_ref();
                }
                polled
            }
            WriteOp::WriteAll(write) => Pin::new(write).poll(cx),
            WriteOp::WriteOne(write) => Pin::new(write).poll(cx).map(|rest| rest.into_iter().collect()),
            // How many were sent says which are left; the vector keeps all.
            WriteOp::WriteFrom(write, count) => Pin::new(write).poll(cx).map(|sent| vec![0; *count - sent]),
            WriteOp::Sink(writer, items) => {
                let mut sink = Pin::new(&mut **writer);
                while !items.is_empty() {
                    match sink.as_mut().poll_ready(cx) {
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(error)) => {
                            return Poll::Ready(error.unsent.into_iter().chain(items.drain(..)).collect());
                        }
                        Poll::Pending => return Poll::Pending,
                    }
                    if let Err(error) = sink.as_mut().start_send(items.remove(0)) {
                        return Poll::Ready(error.unsent.into_iter().chain(items.drain(..)).collect());
                    }
                }
                Sink::poll_flush(sink, cx).map(|sent| sent.map_or_else(|error| error.unsent, |()| Vec::new()))
            }
            WriteOp::AsyncWrite(writer, items) => {
                while !items.is_empty() {
                    match Pin::new(&mut **writer).poll_write(cx, items) {
                        Poll::Ready(Ok(count)) => drop(items.drain(..count)),
                        Poll::Ready(Err(_)) => {
                            let unsent = writer.take_unsent();
                            return Poll::Ready(unsent.into_iter().chain(items.drain(..)).collect());
                        }
                        Poll::Pending => return Poll::Pending,
                    }
                }
                let flushed = AsyncWrite::poll_flush(Pin::new(&mut **writer), cx);
                flushed.map(|sent| sent.map_or_else(|_| writer.take_unsent(), |()| Vec::new()))
            }
        }
    }

    fn end(self, how: End) -> Vec<u8> {
        match (how, self) {
            (End::Cancel, WriteOp::Write(mut write) | WriteOp::Cancelled(mut write, _)) => {
                return Pin::new(&mut write).cancel().1.into_vec();
            }
            (End::Forget, this) => forget(this),
            (End::Drop | End::Cancel | End::Late, _) => {}
        }
        Vec::new()
    }
}

#[derive(Clone, Copy, Debug)]
struct WriteCase {
    first: Writing,
    end: End,
    second: Writing,
    events: [Event; 3],
    told: bool,
}

/// What a writer was given, and what of that came back.
#[derive(Default)]
struct Given {
    all: Vec<u8>,
    back: Vec<u8>,
}

/// Begins to write, ends that, writes more, and takes back what could not be sent.
async fn write_twice(mut writer: StreamWriter<u8>, case: WriteCase, gate: Gate, given: Shared<Given>) {
    let give = |method, items: &[u8]| {
        let count = if method == Writing::WriteOne { 1 } else { items.len() };
        given.borrow_mut().all.extend(&items[..count]);
    };
    // What `write_from` leaves unsent is in its vector.
    let back = |method, items: Vec<u8>, all: &[u8]| {
        let items = match method {
            Writing::WriteFrom => all[all.len() - items.len()..].to_vec(),
            // Errors of a sink give back all there is; those of a write only what it was given.
            Writing::Sink | Writing::AsyncWrite => items,
            Writing::WriteOne => {
                assert!(items.is_empty() || items == all[..1]);
                items
            }
            Writing::Write | Writing::Cancelled | Writing::WriteAll => {
                assert!(all.ends_with(&items), "{case:?}: {items:?} came back");
                items
            }
        };
        given.borrow_mut().back.extend(items);
    };
    let all = [1, 2, 3];
    let mut items = all.to_vec();
    give(case.first, &items);
    let mut op = WriteOp::new(case.first, &mut writer, &mut items);
    let mut first = poll_fn(|cx| Poll::Ready(op.poll(cx))).await;
    gate.passed(1).await;
    if case.end == End::Late && first.is_pending() {
        first = poll_fn(|cx| Poll::Ready(op.poll(cx))).await;
    }
    match first {
        Poll::Ready(rest) => {
            drop(op);
            back(case.first, rest, &all);
        }
        Poll::Pending => {
            let rest = op.end(case.end);
            given.borrow_mut().back.extend(rest);
        }
    }
    gate.passed(2).await;
    let all = [4, 5, 6];
    let mut items = all.to_vec();
    give(case.second, &items);
    let mut op = WriteOp::new(case.second, &mut writer, &mut items);
    let rest = poll_fn(|cx| op.poll(cx)).await;
    drop(op);
    // What was given before and not sent either is still there, unless the sink gave back everything at once.
    let unsent = writer.take_unsent();
    given.borrow_mut().back.extend(unsent);
    back(case.second, rest, &all);
    // What `write` leaves when it is done is not to be sent any more; everything else is.
}

fn read_event(host: &Fake, peer: &Peer<'_>, handle: u32, event: Event) -> Vec<u8> {
    match event {
        Event::Nothing => return Vec::new(),
        Event::One => return peer.read(1),
        Event::Many => return peer.read(9),
        Event::Leave => peer.leave(),
        Event::LeaveLoudly => {
            peer.leave();
            host.mention_drop_if_idle(handle);
        }
    }
    Vec::new()
}

fn check_writing(case: WriteCase) {
    let host = Fake::new();
    let (writer, peer) = writer(&host, &BYTES);
    let handle = writer.handle();
    let (gate, given) = (Gate::default(), Shared::<Given>::default());
    let task = host.start(returning(write_twice(writer, case, gate.clone(), given.clone())));
    let (mut read, mut left) = (Vec::new(), false);
    for (index, event) in case.events.into_iter().enumerate() {
        if !left {
            read.extend(read_event(&host, &peer, handle, event));
        }
        left |= matches!(event, Event::Leave | Event::LeaveLoudly);
        if index > 0 || case.told {
            host.run(task);
        }
        gate.open(&host);
        host.run(task);
    }
    for _ in 0..8 {
        if !left {
            read.extend(peer.read(2));
            host.run(task);
        }
    }
    assert!(host.exited(task), "{case:?}");
    let given = given.borrow();
    read.extend(&given.back);
    read.sort();
    assert_eq!(read, given.all, "{case:?}: each item was read or came back, once");
    assert_eq!(host.handles(), 0, "{case:?}");
}

#[test]
#[cfg_attr(miri, ignore = "so many combinations take Miri many minutes")]
fn no_write_that_ends_early_loses_or_repeats_an_item() {
    for first in WRITING {
        for &end in ENDS {
            for second in WRITING {
                each_script(|events, told| {
                    check_writing(WriteCase {
                        first,
                        end,
                        second,
                        events,
                        told,
                    });
                });
            }
        }
    }
}
