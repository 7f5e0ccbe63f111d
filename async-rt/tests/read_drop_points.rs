//! Every method of a reader, dropped, forgotten or cancelled at its await, with the peer doing whatever it may
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
use futures_core::Stream;
use futures_io::AsyncRead;
use std::future::poll_fn;
use std::mem::forget;
use std::pin::Pin;
use std::task::{Context, Poll};
use witflow_async_rt::rt::{StreamNext, StreamRead, StreamReadInto, StreamReader, StreamResult};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reading {
    Next,
    Read,
    ReadInto,
    Stream,
    AsyncRead,
}

const READING: [Reading; 5] = [
    Reading::Next,
    Reading::Read,
    Reading::ReadInto,
    Reading::Stream,
    Reading::AsyncRead,
];

enum ReadOp<'a> {
    Next(StreamNext<'a, u8>),
    Read(StreamRead<'a, u8>),
    ReadInto(StreamReadInto<'a, u8>),
    Stream(&'a mut StreamReader<u8>),
    AsyncRead(&'a mut StreamReader<u8>),
}

impl<'a> ReadOp<'a> {
    fn new(method: Reading, reader: &'a mut StreamReader<u8>, buffer: &'a mut Vec<u8>) -> ReadOp<'a> {
        match method {
            Reading::Next => ReadOp::Next(reader.next()),
            Reading::Read => ReadOp::Read(reader.read(Vec::with_capacity(2))),
            Reading::ReadInto => ReadOp::ReadInto(reader.read_into(buffer)),
            Reading::Stream => ReadOp::Stream(reader),
            Reading::AsyncRead => ReadOp::AsyncRead(reader),
        }
    }

    /// What was read; nothing at the end. `ReadInto` leaves it in its buffer.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        let one = |item: Option<u8>| item.map(|item| vec![item]);
        let some = |(result, items)| (result != StreamResult::Dropped).then_some(items);
        match self {
            ReadOp::Next(next) => Pin::new(next).poll(cx).map(one),
            ReadOp::Read(read) => Pin::new(read).poll(cx).map(some),
            ReadOp::ReadInto(read) => Pin::new(read).poll(cx).map(|result| some((result, Vec::new()))),
            ReadOp::Stream(reader) => Pin::new(&mut **reader).poll_next(cx).map(one),
            ReadOp::AsyncRead(reader) => {
                let mut buffer = [0; 3];
                let read = Pin::new(&mut **reader).poll_read(cx, &mut buffer);
                read.map(|count| match count.unwrap() {
                    0 => None,
                    count => Some(buffer[..count].to_vec()),
                })
            }
        }
    }

    fn end(self, how: End) -> Vec<u8> {
        match (how, self) {
            (End::Cancel, ReadOp::Read(mut read)) => return Pin::new(&mut read).cancel().1,
            (End::Forget, this) => forget(this),
            (End::Drop | End::Cancel | End::Late, _) => {}
        }
        Vec::new()
    }
}

/// Begins to read, ends that, and reads on.
async fn read_twice(mut reader: StreamReader<u8>, case: ReadCase, gate: Gate, got: Shared<Vec<u8>>) {
    let mut buffer = Vec::with_capacity(3);
    buffer.push(0xff);
    let mut op = ReadOp::new(case.first, &mut reader, &mut buffer);
    let mut first = poll_fn(|cx| Poll::Ready(op.poll(cx))).await;
    gate.passed(1).await;
    if case.end == End::Late && first.is_pending() {
        first = poll_fn(|cx| Poll::Ready(op.poll(cx))).await;
    }
    match first {
        Poll::Ready(items) => {
            drop(op);
            got.borrow_mut().extend(items.into_iter().flatten());
        }
        Poll::Pending => {
            let items = op.end(case.end);
            got.borrow_mut().extend(items);
        }
    }
    let lent = case.first == Reading::ReadInto && first_is_lost(case.end, &buffer);
    assert!(lent || buffer[0] == 0xff, "what was in the vector stays");
    got.borrow_mut().extend(buffer.iter().skip(1));
    gate.passed(2).await;
    loop {
        let mut buffer = Vec::with_capacity(2);
        let mut op = ReadOp::new(case.second, &mut reader, &mut buffer);
        let items = poll_fn(|cx| op.poll(cx)).await;
        drop(op);
        got.borrow_mut().extend(buffer);
        match items {
            Some(items) => got.borrow_mut().extend(items),
            None => return,
        }
    }
}

/// A vector whose read is forgotten while it waits stays with the reader.
fn first_is_lost(end: End, buffer: &[u8]) -> bool {
    end == End::Forget && buffer.is_empty()
}

#[derive(Clone, Copy, Debug)]
struct ReadCase {
    first: Reading,
    end: End,
    second: Reading,
    /// Before the end of the first read, after it, and during the second.
    events: [Event; 3],
    /// Whether the guest is told of the first one before it ends the read.
    told: bool,
}

fn write_event(host: &Fake, peer: &Peer<'_>, handle: u32, event: Event, next: &mut u8) -> Vec<u8> {
    let items: Vec<u8> = (*next..*next + 3).collect();
    let count = match event {
        Event::Nothing => 0,
        Event::One => peer.write(&items[..1]),
        Event::Many => peer.write(&items),
        Event::Leave => {
            peer.leave();
            0
        }
        Event::LeaveLoudly => {
            peer.leave();
            host.mention_drop_if_idle(handle);
            0
        }
    };
    *next += count as u8;
    items[..count].to_vec()
}

fn check_reading(case: ReadCase) {
    let host = Fake::new();
    let (reader, peer) = bytes(&host);
    let handle = reader.handle();
    let (gate, got) = (Gate::default(), Shared::<Vec<u8>>::default());
    let task = host.start(returning(read_twice(reader, case, gate.clone(), got.clone())));
    let (mut next, mut taken, mut left) = (1, Vec::new(), false);
    for (index, event) in case.events.into_iter().enumerate() {
        if !left {
            taken.extend(write_event(&host, &peer, handle, event, &mut next));
        }
        left |= matches!(event, Event::Leave | Event::LeaveLoudly);
        if index > 0 || case.told {
            host.run(task);
        }
        gate.open(&host);
        host.run(task);
    }
    for _ in 0..3 {
        if !left {
            taken.extend(write_event(&host, &peer, handle, Event::Many, &mut next));
            host.run(task);
        }
    }
    if !left {
        peer.leave();
    }
    host.run(task);
    assert_eq!(*got.borrow(), taken, "{case:?}");
    assert!(host.exited(task), "{case:?}");
    assert_eq!(host.handles(), 0, "{case:?}");
}

#[test]
#[cfg_attr(miri, ignore = "so many combinations take Miri many minutes")]
fn no_read_that_ends_early_loses_or_repeats_an_item() {
    for first in READING {
        for &end in ENDS {
            for second in READING {
                each_script(|events, told| {
                    check_reading(ReadCase {
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
