//! What goes wrong, and what is said then: the texts that the chapter on troubleshooting shows.

use std::cell::RefCell;

use witflow::StreamReader;
use witflow_host::{Linker, Result};

witflow::generate!({ path: "code/wit/troubles.wit" });

struct Troubled;
export!(Troubled);

thread_local! {
    static KEPT: RefCell<Vec<StreamReader<u8>>> = const { RefCell::new(Vec::new()) };
}

impl Guest for Troubled {
    async fn wait() -> u32 {
        guide::troubles::clock::tick().await
    }

    async fn fail() {
        panic!("this is a defect");
    }

    async fn keep(numbers: StreamReader<u8>) {
        KEPT.with_borrow_mut(|kept| kept.push(numbers));
    }
}

/// A host whose clock never ticks.
fn linker() -> Result<Linker> {
    let mut linker = Linker::new();
    let mut clock = linker.instance("guide:troubles/clock")?;
    clock.func_wrap_concurrent("tick", |_cx, ()| std::future::pending::<Result<(u32,)>>())?;
    Ok(linker)
}

/// The message of a test that fails.
#[track_caller]
fn check(result: Result<()>, expected: &str) {
    let message = format!("{:#}", result.expect_err("it goes wrong"));
    assert_eq!(message, expected.trim_end(), "got:\n{message}");
}

fn call(linker: &Linker, name: &str) -> Result<()> {
    crate::support::run::<Troubled, _>(linker, async |store, guest| {
        match name {
            "wait" => drop(guest.typed_func::<(), (u32,)>(name)?.call(store, ()).await?),
            "keep" => {
                let (_writer, numbers) = witflow_host::stream::<u8>();
                let keep = guest.typed_func::<(witflow_host::StreamReader<u8>,), ()>(name)?;
                keep.call(store, (numbers,)).await?;
            }
            name => guest.typed_func::<(), ()>(name)?.call(store, ()).await?,
        }
        Ok(())
    })
}

#[test]
fn an_import_is_missing() {
    check(
        call(&Linker::new(), "fail"),
        "\
component `guest` imports what the linker does not define:
  guide:troubles/clock#tick
define them with `linker.instance(..)?.func_wrap_concurrent(..)`
",
    );
}

#[test]
fn nobody_answers() -> Result<()> {
    check(
        call(&linker()?, "wait"),
        "\
deadlock: nothing in the store can make progress
  the call of `guest: wait` has not returned
  the host function `guide:troubles/clock#tick`, called by the guest, is waiting
  task 1 of `guest: wait` of instance `guest` waits for the call of `guide:troubles/clock#tick`, which is started
what completes from outside the store is to be awaited through `Cx::external`
",
    );
    Ok(())
}

#[test]
fn a_guest_panics() -> Result<()> {
    check(
        call(&linker()?, "fail"),
        "\
the guest trapped while running `guest: fail`: panic: guest code must not panic across an export; this is a defect
  task     task 1 of `guest: fail`
  instance guest
",
    );
    Ok(())
}

#[test]
fn a_handle_is_kept() -> Result<()> {
    check(
        call(&linker()?, "keep"),
        "\
all tasks have ended, and this is left:
  guest: handle 1, the readable end of a stream
",
    );
    Ok(())
}

#[test]
fn an_export_is_not_there() -> Result<()> {
    check(
        call(&linker()?, "wiat"),
        "\
component `guest` exports no function `wiat`; it exports `fail`, `keep`, `wait`
",
    );
    Ok(())
}

#[test]
fn a_type_does_not_fit() -> Result<()> {
    let result = crate::support::run::<Troubled, _>(&linker()?, async |store, guest| {
        guest
            .typed_func::<(), (String,)>("wait")?
            .call(store, ())
            .await
            .map(drop)
    });
    check(
        result,
        "\
calling `guest: wait`: type mismatch with results: WIT has `u32` where Rust has `alloc::string::String`
",
    );
    Ok(())
}
