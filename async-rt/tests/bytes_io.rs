//! Streams of bytes as readers and writers of futures-io and tokio, and by chunks.

#![allow(
    clippy::undocumented_unsafe_blocks,
    reason = "a test plays generated code, whose pointers are right"
)]

mod fake;

use fake::Fake;
use fake::streams::*;
use fake::tasks::returning;
use futures_io::{AsyncBufRead, AsyncRead, AsyncWrite};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use witflow_async_rt::rt::{self, StreamReader, StreamWriter};

async fn read(reader: &mut StreamReader<u8>, most: usize) -> Vec<u8> {
    let mut buffer = vec![0; most];
    let count = poll_fn(|cx| AsyncRead::poll_read(Pin::new(&mut *reader), cx, &mut buffer)).await;
    buffer.truncate(count.unwrap());
    buffer
}

async fn write(writer: &mut StreamWriter<u8>, bytes: &[u8]) -> io::Result<usize> {
    poll_fn(|cx| AsyncWrite::poll_write(Pin::new(&mut *writer), cx, bytes)).await
}

#[test]
fn reads_take_what_has_arrived() {
    let host = Fake::new();
    let (mut reader, peer) = bytes(&host);
    let task = host.start(returning(async move {
        assert_eq!(read(&mut reader, 0).await, [0; 0]);
        assert_eq!(read(&mut reader, 2).await, [1, 2]);
        assert_eq!(read(&mut reader, 9).await, [3], "no more is waited for");
        // A read that is dropped loses nothing, whoever asks next.
        poll_fn(|cx| {
            let mut buffer = [0; 4];
            assert!(AsyncRead::poll_read(Pin::new(&mut reader), cx, &mut buffer).is_pending());
            Poll::Ready(())
        })
        .await;
        rt::yield_now().await;
        assert_eq!(reader.next().await, Some(4));
        let filled = poll_fn(|cx| AsyncBufRead::poll_fill_buf(Pin::new(&mut reader), cx).map_ok(<[u8]>::to_vec));
        assert_eq!(filled.await.unwrap(), [5, 6]);
        AsyncBufRead::consume(Pin::new(&mut reader), 1);
        assert_eq!(read(&mut reader, 9).await, [6]);
        assert_eq!(read(&mut reader, 9).await, [0; 0], "the end");
        assert_eq!(read(&mut reader, 9).await, [0; 0], "and it stays so");
    }));
    assert_eq!(peer.write(&[1, 2, 3]), 3);
    host.step(task);
    assert_eq!(peer.write(&[4, 5, 6]), 3);
    host.run(task);
    peer.leave();
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn writes_are_sent_without_a_flush() {
    let host = Fake::new();
    let (mut writer, peer) = writer(&host, &BYTES);
    let task = host.start(returning(async move {
        assert_eq!(write(&mut writer, &[]).await.unwrap(), 0);
        assert_eq!(write(&mut writer, &[1, 2]).await.unwrap(), 2);
        assert_eq!(write(&mut writer, &[3]).await.unwrap(), 1);
        rt::yield_now().await;
        poll_fn(|cx| AsyncWrite::poll_flush(Pin::new(&mut writer), cx))
            .await
            .unwrap();
        assert_eq!(write(&mut writer, &[4]).await.unwrap(), 1);
        poll_fn(|cx| AsyncWrite::poll_close(Pin::new(&mut writer), cx))
            .await
            .unwrap();
        assert_eq!(writer.handle(), 0);
        assert_eq!(
            write(&mut writer, &[5]).await.unwrap_err().kind(),
            io::ErrorKind::BrokenPipe
        );
    }));
    assert_eq!(peer.read(9), [1, 2], "nothing was flushed yet");
    host.run(task);
    assert_eq!(peer.read(9), [3]);
    host.run(task);
    assert_eq!(peer.read(9), [4]);
    host.run(task);
    assert!(host.exited(task) && peer.alone());
    assert_eq!(host.handles(), 0);
}

/// More than a writer takes at a time.
const SIZE: u32 = if cfg!(miri) { 70_000 } else { 300_000 };

#[test]
fn a_writer_takes_only_so_much() {
    let host = Fake::new();
    let (mut writer, peer) = writer(&host, &BYTES);
    let task = host.start(returning(async move {
        let bytes: Vec<u8> = (0..SIZE).map(|byte| byte as u8).collect();
        let mut sent = 0;
        while sent < bytes.len() {
            sent += write(&mut writer, &bytes[sent..]).await.unwrap();
        }
        poll_fn(|cx| AsyncWrite::poll_flush(Pin::new(&mut writer), cx))
            .await
            .unwrap();
    }));
    let mut got = Vec::new();
    while got.len() < SIZE as usize {
        got.extend(peer.read(50_000));
        host.run(task);
    }
    assert_eq!(got, (0..SIZE).map(|byte| byte as u8).collect::<Vec<_>>());
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[test]
fn a_reader_that_has_gone_is_an_error_and_nothing_is_lost() {
    let host = Fake::new();
    let (mut writer, peer) = writer(&host, &BYTES);
    let task = host.start(returning(async move {
        assert_eq!(write(&mut writer, &[1, 2, 3]).await.unwrap(), 3);
        rt::yield_now().await;
        let flushed = poll_fn(|cx| AsyncWrite::poll_flush(Pin::new(&mut writer), cx)).await;
        assert_eq!(flushed.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
        assert_eq!(writer.take_unsent(), [2, 3]);
        assert_eq!(
            write(&mut writer, &[4]).await.unwrap_err().kind(),
            io::ErrorKind::BrokenPipe
        );
    }));
    assert_eq!(peer.read(1), [1]);
    peer.leave();
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[cfg(feature = "tokio")]
#[test]
fn the_same_for_tokio() {
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
    let host = Fake::new();
    let (mut reader, from) = bytes(&host);
    let (mut writer, to) = writer(&host, &BYTES);
    let task = host.start(returning(async move {
        loop {
            let mut buffer = [0; 4];
            let mut buffer = ReadBuf::new(&mut buffer);
            poll_fn(|cx| AsyncRead::poll_read(Pin::new(&mut reader), cx, &mut buffer))
                .await
                .unwrap();
            if buffer.filled().is_empty() {
                break;
            }
            let written = poll_fn(|cx| AsyncWrite::poll_write(Pin::new(&mut writer), cx, buffer.filled()));
            assert_eq!(written.await.unwrap(), buffer.filled().len());
        }
        poll_fn(|cx| AsyncWrite::poll_shutdown(Pin::new(&mut writer), cx))
            .await
            .unwrap();
    }));
    assert_eq!(from.write(&[1, 2, 3, 4, 5]), 5);
    host.run(task);
    from.leave();
    let mut got = Vec::new();
    for _ in 0..4 {
        host.run(task);
        got.extend(to.read(9));
    }
    host.run(task);
    assert_eq!(got, [1, 2, 3, 4, 5]);
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[cfg(feature = "bytes")]
#[test]
fn chunks_are_bytes() {
    use bytes::Bytes;
    let host = Fake::new();
    let (mut reader, from) = bytes_in(&host);
    let (mut writer, to) = writer(&host, &BYTES);
    let task = host.start(returning(async move {
        poll_once(std::pin::pin!(reader.read_bytes(4))).await;
        let first = reader.read_bytes(4).await.unwrap();
        assert_eq!(first, [1, 2, 3].as_slice());
        assert_eq!(writer.write_bytes(first.slice(1..)).await, Bytes::new());
        assert_eq!(reader.read_bytes(4).await, None);
        assert_eq!(writer.write_bytes(first).await, [1, 2, 3].as_slice());
    }));
    assert_eq!(from.write(&[1, 2, 3]), 3);
    host.run(task);
    assert_eq!(to.read(9), [2, 3]);
    host.run(task);
    from.leave();
    to.leave();
    host.run(task);
    assert!(host.exited(task));
    assert_eq!(host.handles(), 0);
}

#[cfg(feature = "bytes")]
fn bytes_in(host: &Fake) -> (StreamReader<u8>, fake::ends::Peer<'_>) {
    fake::streams::bytes(host)
}
