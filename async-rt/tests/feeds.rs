//! Streams and futures that are made of something else, in one line.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "a test plays generated code, whose pointers are right"
)]

mod fake;

use fake::Fake;
use fake::ends::Peer;
use fake::streams::*;
use fake::tasks::TaskId;
use fake::tasks::returning;
use futures_core::Stream;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use witflow_async_rt::async_support::stream;
use witflow_async_rt::rt::{StreamReader, StreamVtable, StreamWriter, stream_new};

/// Fresh ends of the guest.
fn ends<T: 'static>(host: &Fake, vtable: &'static StreamVtable<T>) -> (StreamWriter<T>, StreamReader<T>) {
    host.enter(|| stream_new(vtable))
}

/// Starts a task that feeds a stream and returns; the test has the reader.
fn feed<'a, T: 'static>(host: &'a Fake, make: impl FnOnce() -> StreamReader<T> + 'static) -> (TaskId, Peer<'a>) {
    let handle = Rc::new(Cell::new(0));
    let out = handle.clone();
    let task = host.start(returning(async move {
        let reader = make();
        out.set(lower_now(&reader));
    }));
    (task, host.take_reader(handle.get()))
}

fn drain(host: &Fake, task: TaskId, peer: &Peer<'_>, count: usize) -> Vec<u8> {
    let mut got = Vec::new();
    while got.len() < count {
        let some = peer.read(1000);
        got.extend(some);
        host.run(task);
    }
    got
}

#[test]
fn a_stream_of_an_iterator() {
    let host = Fake::new();
    let pair = ends(&host, &BYTES);
    let (task, peer) = feed(&host, move || {
        stream::from_iter(pair, (0..9000u32).map(|byte| byte as u8))
    });
    let got = drain(&host, task, &peer, 9000);
    assert_eq!(got, (0..9000u32).map(|byte| byte as u8).collect::<Vec<_>>());
    host.run(task);
    assert!(host.exited(task) && peer.alone());
    assert_eq!(host.handles(), 0);
}

#[test]
fn an_endless_iterator_ends_with_its_reader() {
    let host = Fake::new();
    let pair = ends(&host, &ITEMS);
    DROPPED.take();
    let made = Rc::new(Cell::new(0));
    let count = made.clone();
    let items = (0..).map(move |number| {
        count.set(count.get() + 1);
        Item(number)
    });
    let (task, peer) = feed(&host, move || stream::from_iter(pair, items));
    assert_eq!(peer.read(3), words(&[0, 1, 2]));
    host.run(task);
    peer.leave();
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(DROPPED.take().len(), made.get(), "every item is dropped once");
    assert_eq!(host.handles(), 0);
}

/// A stream that yields what is in it, and tells when it is dropped.
#[derive(Clone, Default)]
struct Source(Rc<RefCell<Inner>>);

type Inner = (VecDeque<Option<u8>>, Option<Waker>);

impl Source {
    fn put(&self, host: &Fake, items: impl IntoIterator<Item = Option<u8>>) {
        self.0.borrow_mut().0.extend(items);
        let waker = self.0.borrow_mut().1.take();
        host.enter(|| waker.into_iter().for_each(Waker::wake));
    }

    fn is_held(&self) -> bool {
        Rc::strong_count(&self.0) > 1
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Option<u8>> {
        let mut inner = self.0.borrow_mut();
        match inner.0.pop_front() {
            Some(item) => Poll::Ready(item),
            None => {
                inner.1 = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Stream for Source {
    type Item = u8;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<u8>> {
        self.poll(cx)
    }
}

impl futures_io::AsyncRead for Source {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll(cx).map(|byte| match byte {
            Some(0) => Err(io::Error::other("nought")),
            Some(byte) => {
                buffer[0] = byte;
                Ok(1)
            }
            None => Ok(0),
        })
    }
}

#[test]
fn a_stream_of_a_stream() {
    let host = Fake::new();
    let pair = ends(&host, &BYTES);
    let source = Source::default();
    let items = source.clone();
    let (task, peer) = feed(&host, move || stream::from_stream(pair, items));
    host.run(task);
    source.put(&host, [Some(1), Some(2)]);
    host.run(task);
    assert_eq!(peer.read(10), [1, 2], "what is there at once is sent together");
    host.run(task);
    source.put(&host, [Some(3)]);
    host.run(task);
    assert_eq!(peer.read(10), [3]);
    host.run(task);
    source.put(&host, [Some(4), None]);
    host.run(task);
    assert_eq!(peer.read(10), [4]);
    host.run(task);
    assert!(host.exited(task) && peer.alone() && !source.is_held());
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_stream_that_has_nothing_ends_with_its_reader() {
    let host = Fake::new();
    let pair = ends(&host, &BYTES);
    let source = Source::default();
    let items = source.clone();
    let (task, peer) = feed(&host, move || stream::from_stream(pair, items));
    host.run(task);
    source.put(&host, [Some(1)]);
    host.run(task);
    assert_eq!(peer.read(10), [1]);
    host.run(task);
    assert!(source.is_held());
    peer.leave();
    host.run(task);
    assert!(host.exited(task) && !source.is_held());
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_stream_of_what_can_be_read() {
    for (last, outcome) in [(None, "Ok(2)"), (Some(0), "Err(\"nought\")")] {
        let host = Fake::new();
        let pair = ends(&host, &BYTES);
        let source = Source::default();
        let (items, result) = (source.clone(), Rc::new(RefCell::new(String::new())));
        let out = result.clone();
        let (task, peer) = feed(&host, move || {
            let (reader, handle) = stream::from_async_read(pair, items);
            witflow_async_rt::async_support::spawn(async move {
                let outcome = handle.await.expect("nobody cancels it");
                *out.borrow_mut() = format!("{:?}", outcome.map_err(|error| error.to_string()));
            });
            reader
        });
        source.put(&host, [Some(7)]);
        host.run(task);
        assert_eq!(peer.read(10), [7]);
        host.run(task);
        source.put(&host, [Some(8)]);
        host.run(task);
        assert_eq!(peer.read(10), [8]);
        source.put(&host, [last]);
        host.run(task);
        assert!(host.exited(task) && peer.alone() && !source.is_held());
        assert_eq!(*result.borrow(), outcome);
        assert_eq!(host.handles(), 0);
    }
}
