//! What every echoing module is made of.

use std::future::poll_fn;
use std::task::Poll;

use witflow::{FutureReader, FutureWriter, StreamReader, StreamResult, StreamWriter};

/// Passes on all that arrives on `from`, in pieces of 1, 2, 4 and so on: other pieces than it was sent in.
pub(crate) fn stream<T: 'static>(
    mut from: StreamReader<T>,
    (mut to, reader): (StreamWriter<T>, StreamReader<T>),
    pass_item: impl Fn(T) -> T + 'static,
) -> StreamReader<T> {
    witflow::spawn(async move {
        let mut piece = 1;
        loop {
            let (result, items) = from.read(Vec::with_capacity(piece)).await;
            let items: Vec<T> = items.into_iter().map(&pass_item).collect();
            let ended = !matches!(result, StreamResult::Complete(_));
            if (!items.is_empty() && !to.write_all(items).await.is_empty()) || ended {
                break;
            }
            piece = (piece * 2).min(1_024);
        }
    });
    reader
}

/// Passes on the one value that arrives on `from`. Whether it is read is the caller's business.
pub(crate) fn future<T: 'static>(
    from: FutureReader<T>,
    (to, reader): (FutureWriter<T>, FutureReader<T>),
    pass_item: impl FnOnce(T) -> T + 'static,
) -> FutureReader<T> {
    witflow::spawn(async move {
        let _ = to.write(pass_item(from.await)).await;
    });
    reader
}

/// The value of a future that was dropped unwritten, which none is.
pub(crate) fn unwritten<T>() -> T {
    unreachable!("the value is always written")
}

/// Passes on a value that holds nothing to read.
pub(crate) fn same<T>(x: T) -> T {
    x
}

/// Comes back to the event loop once, so that the caller sees its call pending.
pub(crate) async fn pause() {
    let mut paused = false;
    poll_fn(|cx| {
        if paused {
            return Poll::Ready(());
        }
        paused = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}

/// A module for each feature that implements its interface.
macro_rules! features {
    (
        plain { $($plain:ident $plain_path:literal;)* }
        without streams { $($other:ident $other_path:literal;)* }
        handles { $($handles:ident $handles_path:literal |$x:ident| $pass:expr;)* }
    ) => {
        $($crate::echo::feature_module! { $plain $plain_path |x| x; $crate::echo::echo_stream!(); })*
        $($crate::echo::feature_module! { $other $other_path |x| x; })*
        $($crate::echo::feature_module! { $handles $handles_path |$x| $pass; $crate::echo::echo_stream!(); })*

        /// Calls a macro with the names of all modules; each has a `Provider` that implements the exports of its world.
        #[macro_export]
        macro_rules! each_world {
            ($callback:ident) => {
                $callback! {
                    $($plain)* $($other)* $($handles)*
                    params_sync params_async params_strings results_flat no_params indirect_both
                    resource resource_fallible resource_async resource_own resource_borrow resource_stream resource_use
                    resource_lent
                }
            };
        }
    };
}
pub(crate) use features;

/// The module of one feature. Its calls come back at once, except for the asynchronous one that takes a list.
macro_rules! feature_module {
    ($feature:ident $path:literal |$x:ident| $pass:expr; $($more:tt)*) => {
        #[doc(hidden)]
        pub mod $feature {
            #[allow(unused_imports, reason = "what a feature does not need")]
            use $crate::echo::{future, same, stream, unwritten};

            witflow::generate!({ path: $path, world: "provider" });
            use exports::test::$feature::api::*;

            pub struct Provider;
            export!(Provider);

            fn pass($x: T) -> T {
                $pass
            }

            impl Guest for Provider {
                fn echo(x: T) -> T {
                    x
                }

                fn echo_list(x: Vec<T>) -> Vec<T> {
                    x
                }

                async fn echo_async(x: T) -> T {
                    pass(x)
                }

                async fn echo_list_async(x: Vec<T>) -> Vec<T> {
                    $crate::echo::pause().await;
                    x.into_iter().map(pass).collect()
                }

                async fn echo_future(x: witflow::FutureReader<T>) -> witflow::FutureReader<T> {
                    future(x, wit_future::new(unwritten), pass)
                }

                $($more)*
            }
        }
    };
}
pub(crate) use feature_module;

/// The function that all features have but the one whose type no stream can carry.
macro_rules! echo_stream {
    () => {
        async fn echo_stream(x: witflow::StreamReader<T>) -> witflow::StreamReader<T> {
            stream(x, wit_stream::new(), pass)
        }
    };
}
pub(crate) use echo_stream;
