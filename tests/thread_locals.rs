//! What native guests share of their `thread_local!`s: calls work in whatever thread an instance is on.

use std::cell::Cell;
use std::future::poll_fn;
use std::mem::replace;
use std::task::Poll;
use witflow_host::{Engine, Instance, Linker, NativeOptions, Result, Store, ThreadLocals};

mod guest {
    use super::{COUNT, Cell};

    witflow::generate!({
        inline: "
            package test:locals;

            world counter {
                import ticks: interface {
                    next: async func() -> u32;
                }
                export add: func(more: u32) -> u32;
                export add-later: async func(more: u32) -> u32;
                export add-blocking: async func(more: u32) -> u32;
            }
        ",
    });

    struct Counter;
    export!(Counter);

    impl Guest for Counter {
        fn add(more: u32) -> u32 {
            COUNT.with(|count: &Cell<u32>| {
                count.set(count.get() + more);
                count.get()
            })
        }

        async fn add_later(more: u32) -> u32 {
            let before = ticks::next().await;
            Self::add(more) + before
        }

        async fn add_blocking(more: u32) -> u32 {
            // Suspends the stack it is on.
            let before = witflow::block_on(ticks::next());
            Self::add(more) + before
        }
    }

    pub(super) fn component() -> witflow_host::Component {
        witflow_host::Component::native::<Counter>("counter").expect("the world is described well")
    }
}

thread_local! {
    static COUNT: Cell<u32> = const { Cell::new(0) };
}

/// A host function that has its result after having given way once.
async fn tick() -> Result<(u32,)> {
    let mut given_way = false;
    let give_way = poll_fn(|cx| match replace(&mut given_way, true) {
        true => Poll::Ready(()),
        false => {
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    });
    give_way.await;
    Ok((100,))
}

/// Calls two instances of the guest in turn, and gives what each answered last.
fn run(thread_locals: ThreadLocals) -> Result<(u32, u32)> {
    let mut options = NativeOptions::default();
    options.thread_locals = thread_locals;
    let component = guest::component();
    let mut linker = Linker::new();
    linker.instance("ticks")?.func_wrap_concurrent("next", |_, ()| tick())?;
    let mut store = Store::new(&Engine::native_with(options));
    store.block_on(async |store| {
        let first = linker.instantiate(store, &component).await?;
        let second = linker.instantiate(store, &component).await?;
        for instance in [&first, &second] {
            instance.typed_func::<(u32,), (u32,)>("add")?.call(store, (1,)).await?;
        }
        let func = |instance: &Instance, name| instance.typed_func::<(u32,), (u32,)>(name);
        func(&first, "add-later")?.call(store, (10,)).await?;
        let (answer,) = func(&first, "add-blocking")?.call(store, (10,)).await?;
        let (other,) = func(&second, "add-blocking")?.call(store, (10,)).await?;
        Ok((answer, other))
    })
}

#[test]
fn a_store_shares_them() -> Result<()> {
    assert_eq!(run(ThreadLocals::PerStore)?, (122, 132));
    Ok(())
}

#[test]
fn each_instance_has_its_own() -> Result<()> {
    assert_eq!(run(ThreadLocals::PerInstance)?, (121, 111));
    Ok(())
}
