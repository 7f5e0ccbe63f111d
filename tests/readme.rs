//! The guest and the test that README.md shows, at work.

use std::sync::Arc;

use futures::StreamExt;
use witflow::StreamReader;
use witflow_host::{Cx, Engine, Linker, Result, Script, Store, stream};

witflow::generate!({
    inline: "
        package demo:text;

        world rot13 {
          import progress: interface {
            report: async func(line: string);
          }
          export transform: async func(input: stream<u8>) -> stream<u8>;
        }
    ",
});

struct Component;
export!(Component);

impl Guest for Component {
    async fn transform(input: StreamReader<u8>) -> StreamReader<u8> {
        let (output, result) = wit_stream::new();
        witflow::spawn(async move {
            progress::report("started".into()).await;
            // The only error is that nobody reads the result any more.
            let _ = input.map(rot13).map(Ok).forward(output).await;
            progress::report("done".into()).await;
        });
        result
    }
}

fn rot13(byte: u8) -> u8 {
    match byte {
        b'a'..=b'm' | b'A'..=b'M' => byte + 13,
        b'n'..=b'z' | b'N'..=b'Z' => byte - 13,
        other => other,
    }
}

#[test]
fn text_is_rotated() -> witflow_host::Result<()> {
    let mut linker = witflow_host::Linker::new();
    linker
        .instance("progress")?
        .func_wrap("report", |_cx, (line,): (String,)| {
            println!("the guest says {line}");
            Ok(())
        })?;
    let component = witflow_host::Component::native::<Component>("rot13")?;
    let mut store = witflow_host::Store::new(&witflow_host::Engine::native());
    store.block_on(async |store| {
        let guest = linker.instantiate(store, &component).await?;
        let transform = guest.typed_func("transform")?;
        let rotated = store.run_concurrent(async |cx| {
            let (mut writer, input) = witflow_host::stream::<u8>();
            let (output,): (witflow_host::StreamReader<u8>,) = transform.call_concurrent(&cx, (input,)).await?;
            cx.spawn(async move { writer.write("Uryyb").await.expect("the guest reads on") });
            Ok(output.collect().await)
        });
        assert_eq!(rotated.await?, b"Hello");
        store.finish_tasks().await // fails, and says who waits for what, if a task never ends
    })
}

#[test]
fn text_is_rotated_whatever_the_host_chooses() {
    witflow_host::explore::explore(1_000, text_is_rotated);
}

mod host {
    witflow::host::generate!({ path: "tests/wit-readme" });
}

struct Progress;

impl host::progress::Host for Progress {
    async fn report(&self, _cx: Cx, line: String) -> Result<()> {
        println!("the guest says {line}");
        Ok(())
    }
}

#[test]
fn text_is_rotated_with_types() -> Result<()> {
    let mut linker = Linker::new();
    host::Rot13::add_to_linker(&mut linker, &Arc::new(Progress))?;
    let component = witflow_host::Component::native::<Component>("rot13")?;
    let mut store = Store::new(&Engine::native());
    store.block_on(async |store| {
        let guest = host::Rot13::instantiate(store, &component, &linker).await?;
        let rotated = store.run_concurrent(async |cx| {
            let (mut writer, input) = stream();
            let output = guest.call_transform(&cx, input).await?;
            cx.spawn(async move { writer.write("Uryyb").await.expect("the guest reads on") });
            Ok(output.collect().await)
        });
        assert_eq!(rotated.await?, b"Hello");
        store.finish_tasks().await
    })
}

#[test]
fn the_guest_reports_twice() -> Result<()> {
    let script = Arc::new(Script::strict());
    script.returns(host::progress::REPORT, ());
    script.answers(host::progress::REPORT, |_cx, (line,)| {
        assert_eq!(line, "done");
        Ok(())
    });
    let mut linker = Linker::new();
    host::Rot13::add_to_linker(&mut linker, &script)?;
    let component = witflow_host::Component::native::<Component>("rot13")?;
    let mut store = Store::new(&Engine::native());
    store.block_on(async |store| {
        let guest = host::Rot13::instantiate(store, &component, &linker).await?;
        store
            .run_concurrent(async |cx| {
                let (writer, input) = stream();
                drop(writer);
                let output = guest.call_transform(&cx, input).await?;
                assert!(output.collect().await.is_empty());
                Ok(())
            })
            .await?;
        store.finish_tasks().await
    })?;
    script.finish()
}

/// README.md and the guide show what is above, line by line.
#[test]
fn the_readme_shows_this() {
    let readme = include_str!("../README.md");
    let guide = include_str!("../docs/guide/src/exploring.md");
    let this = include_str!("readme.rs");
    let hosts = include_str!("../docs/guide/src/hosts.md");
    let explored = "#[test]\nfn text_is_rotated_whatever";
    for (page, begin) in [
        (readme, "impl Guest for Component {"),
        (readme, "#[test]\nfn text_is_rotated()"),
        (readme, explored),
        (guide, explored),
        (hosts, "mod host {"),
        (hosts, "impl host::progress::Host"),
        (hosts, "#[test]\nfn text_is_rotated_with_types"),
        (hosts, "#[test]\nfn the_guest_reports_twice"),
    ] {
        let from = &this[this.find(begin).expect("it is above")..];
        let shown = &from[..from.find("\n}\n").expect("it ends") + 3];
        assert!(page.contains(shown), "a page shows something else than\n{shown}");
    }
}
