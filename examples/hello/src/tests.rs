//! Runs the guest in this process: no WebAssembly, and the imports are functions of the tests.

use std::sync::{Arc, Mutex};

use super::Hello;
use witflow_host::{
    Component, Engine, Instance, Linker, Result, Store, StreamReader, block_on, stream,
};

/// What the guest has logged.
type Log = Arc<Mutex<Vec<String>>>;

/// The guest in a store of its own, and its log.
async fn guest() -> Result<(Store, Instance, Log)> {
    let log = Log::default();
    let lines = log.clone();
    let mut linker = Linker::new();
    let mut imports = linker.instance("demo:hello/log")?;
    imports.func_wrap("line", move |_cx, (text,): (String,)| {
        lines.lock().unwrap().push(text);
        Ok(())
    })?;
    let mut store = Store::new(&Engine::native());
    let component = Component::native::<Hello>("hello")?;
    let instance = linker.instantiate(&mut store, &component).await?;
    Ok((store, instance, log))
}

#[test]
fn greets_by_name_and_says_so() -> Result<()> {
    block_on(async {
        let (mut store, guest, log) = guest().await?;
        let greet = guest.typed_func::<(String,), (String,)>("greet")?;
        let call = async |cx| greet.call_concurrent(&cx, ("Ada".to_owned(),)).await;
        let (greeting,) = store.run_concurrent(call).await?;
        assert_eq!(greeting, "Hello, Ada!");
        assert_eq!(*log.lock().unwrap(), ["greeting Ada"]);
        store.finish_tasks().await
    })
}

#[test]
fn shouts_in_whatever_pieces_it_hears() -> Result<()> {
    block_on(async {
        let (mut store, guest, _log) = guest().await?;
        let shout = guest.typed_func::<(StreamReader<u8>,), (StreamReader<u8>,)>("shout")?;
        let heard = store
            .run_concurrent(async |cx| {
                let (mut writer, input) = stream();
                let (output,) = shout.call_concurrent(&cx, (input,)).await?;
                let speaking = async move {
                    for piece in ["hello", ", ", "world"] {
                        writer.write(piece).await.expect("the guest reads on");
                    }
                };
                let ((), heard) = futures::join!(speaking, output.collect());
                Ok(heard)
            })
            .await?;
        assert_eq!(heard, b"HELLO, WORLD");
        store.finish_tasks().await
    })
}

#[test]
fn stops_when_nobody_listens() -> Result<()> {
    block_on(async {
        let (mut store, guest, _log) = guest().await?;
        let shout = guest.typed_func::<(StreamReader<u8>,), (StreamReader<u8>,)>("shout")?;
        store
            .run_concurrent(async |cx| {
                let (mut writer, input) = stream();
                let (output,) = shout.call_concurrent(&cx, (input,)).await?;
                drop(output);
                // Somebody speaks on until the guest has noticed and gone away.
                while writer.write(vec![b'a'; 64]).await.is_ok() {}
                Ok(())
            })
            .await?;
        store.finish_tasks().await
    })
}
