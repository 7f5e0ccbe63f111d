//! The calls that every feature's interface has, and the comparison of what was sent with what came back.

use std::fmt::Debug;

use witflow::{FutureReader, StreamReader};

use crate::values::{FuturePayload, StreamPayload, Value, promise, read, send};

/// The interface of one feature.
pub(crate) trait Feature {
    const NAME: &'static str;

    /// Whether `t` holds streams or futures.
    const HANDLES: bool;

    type T: FuturePayload;

    fn echo(x: Self::T) -> Self::T;
    fn echo_list(x: Vec<Self::T>) -> Vec<Self::T>;
    async fn echo_async(x: Self::T) -> Self::T;
    async fn echo_list_async(x: Vec<Self::T>) -> Vec<Self::T>;
    async fn echo_future(x: FutureReader<Self::T>) -> FutureReader<Self::T>;
}

/// The same for a type that can be the payload of a stream.
pub(crate) trait Streaming: Feature<T: StreamPayload> {
    async fn echo_stream(x: StreamReader<Self::T>) -> StreamReader<Self::T>;
}

/// Sends each edge value as parameter, list element and future payload.
///
/// What a synchronous function gives back holds the very streams that were sent, and no component may read what it
/// writes itself unless it is numbers. So it goes out once more, by a function that passes the contents on.
pub(crate) async fn check<F: Feature>() -> Result<(), String> {
    for sent in F::T::edges() {
        let value = || F::T::build(sent.clone());
        let mut echoed = F::echo(value());
        if F::HANDLES {
            echoed = F::echo_async(echoed).await;
        }
        compare(F::NAME, "echo", &sent, &echoed.model().await)?;
        compare(
            F::NAME,
            "echo-async",
            &sent,
            &F::echo_async(value()).await.model().await,
        )?;
        let promised = F::echo_future(promise(sent.clone())).await;
        compare(F::NAME, "echo-future", &sent, &promised.model().await)?;
    }
    for sent in Vec::<F::T>::edges() {
        let value = || Vec::<F::T>::build(sent.clone());
        let mut echoed = F::echo_list(value());
        if F::HANDLES {
            echoed = F::echo_list_async(echoed).await;
        }
        compare(F::NAME, "echo-list", &sent, &echoed.model().await)?;
        compare(
            F::NAME,
            "echo-list-async",
            &sent,
            &F::echo_list_async(value()).await.model().await,
        )?;
    }
    Ok(())
}

/// Sends the edge values as stream payload: none, one at a time, a few at a time and all at once.
pub(crate) async fn check_stream<F: Streaming>() -> Result<(), String> {
    let all = F::T::edges();
    for (sent, chunk) in [
        (Vec::new(), 1),
        (all.clone(), 1),
        (all.clone(), 3),
        (all.clone(), all.len()),
    ] {
        let received = read(F::echo_stream(send(sent.clone(), chunk)).await, chunk).await;
        compare(F::NAME, &format!("echo-stream in chunks of {chunk}"), &sent, &received)?;
    }
    Ok(())
}

/// Compares by what `Debug` writes, which tells -0.0 from 0.0 and makes every NaN the same.
pub(crate) fn compare<T: Debug>(feature: &str, function: &str, sent: &T, received: &T) -> Result<(), String> {
    let (sent, received) = (format!("{sent:?}"), format!("{received:?}"));
    if sent == received {
        return Ok(());
    }
    Err(format!(
        "{feature}: {function}: sent {}, received {}",
        abridged(&sent),
        abridged(&received)
    ))
}

/// The start of a text that may be huge.
fn abridged(text: &str) -> String {
    match text.char_indices().nth(1_000) {
        Some((end, _)) => format!("{}... ({} bytes in all)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}
