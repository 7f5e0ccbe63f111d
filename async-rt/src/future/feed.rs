//! Futures that are fed by another.

use super::{FutureReader, FutureWriter};
use crate::task::spawn::spawn_here;

/// A future of what another one gives: `future::from_future(wit_future::new(Default::default), value)`.
///
/// The other one runs to its end, whether somebody reads or not.
///
/// # Panics
///
/// As [`spawn`](crate::async_support::spawn).
pub fn from_future<T>(
    ends: (FutureWriter<T>, FutureReader<T>),
    value: impl Future<Output = T> + 'static,
) -> FutureReader<T> {
    let (writer, reader) = ends;
    spawn_here(async move {
        // An error is that nobody reads it.
        let _ = writer.write(value.await).await;
    });
    reader
}
