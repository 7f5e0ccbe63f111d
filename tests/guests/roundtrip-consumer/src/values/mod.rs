//! The values that are sent, by type.

mod composites;
mod handles;
mod named;
mod scalars;

use std::fmt::Debug;

pub(crate) use handles::{FuturePayload, StreamPayload, promise, read, send};

/// A type that crosses the boundary.
pub(crate) trait Value: Sized + 'static {
    /// What a value holds once all streams and futures in it have been read. It can be sent again, and shown.
    type Model: Clone + Debug + 'static;

    /// How many of them are a long list.
    const MANY: usize = 10;

    /// The values that go wrong first.
    fn edges() -> Vec<Self::Model>;

    /// A fresh value. Its streams and futures are fed by tasks.
    fn build(model: Self::Model) -> Self;

    /// What the value holds, read to its end.
    async fn model(self) -> Self::Model;
}

/// Values that are their own model, from their edge values.
macro_rules! plain {
    ($($ty:ty $(, $many:literal)? => $edges:expr;)*) => {$(
        impl $crate::values::Value for $ty {
            type Model = Self;

            $(const MANY: usize = $many;)?

            fn edges() -> Vec<Self> {
                $edges.into()
            }

            fn build(model: Self) -> Self {
                model
            }

            async fn model(self) -> Self {
                self
            }
        }
    )*};
}
use plain;

/// A few edge values of `T`, for types that hold many of them.
fn few<T: Value>() -> Vec<T::Model> {
    let mut edges = T::edges();
    let last = edges.pop();
    edges.truncate(3);
    edges.extend(last);
    edges
}

/// The edge value after `index`, which starts again at the end.
fn nth<T: Value>(index: usize) -> T::Model {
    let mut edges = T::edges();
    let index = index % edges.len();
    edges.swap_remove(index)
}
