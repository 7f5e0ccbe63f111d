//! Calls each function of `api` and compares what it gives.
//!
//! It uses what all runtimes for Rust have in common, so a guest by another one has this file as well.

use futures_util::future::join;

use crate::api::{self, Counter, Item};
use crate::runtime::{StreamReader, yield_async};
use crate::{wit_future, wit_stream};

/// Makes all calls; says `ok`, or what went wrong.
pub(crate) async fn drive() -> String {
    let checks = [
        upper().await,
        count().await,
        greet().await,
        await_it().await,
        items().await,
        counter().await,
    ];
    let wrong: Vec<String> = checks.into_iter().filter_map(Result::err).collect();
    if wrong.is_empty() {
        "ok".to_owned()
    } else {
        wrong.join("; ")
    }
}

fn compare<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: {found:?} instead of {expected:?}"))
}

/// So many bytes, or all if there are fewer.
async fn read(stream: &mut StreamReader<u8>, count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < count {
        match stream.next().await {
            Some(byte) => bytes.push(byte),
            None => break,
        }
    }
    bytes
}

/// Each piece comes back before the next is sent.
async fn upper() -> Result<(), String> {
    let (mut writer, reader) = wit_stream::new();
    let mut output = api::upper(reader).await;
    for piece in ["both ends ", "are alive ", "at the same time; \u{e4}\u{f6}\u{fc}"] {
        let (unsent, received) = join(
            writer.write_all(piece.as_bytes().to_vec()),
            read(&mut output, piece.len()),
        )
        .await;
        compare("what upper did not take", unsent, Vec::new())?;
        compare("upper", received, piece.to_ascii_uppercase().into_bytes())?;
    }
    drop(writer);
    compare("upper at the end", output.next().await, None)
}

async fn count() -> Result<(), String> {
    let (mut writer, reader) = wit_stream::new();
    let writes = async move {
        let mut unsent = 0;
        for length in [1, 0, 9_999, 10_000] {
            unsent += writer.write_all(vec![b'x'; length]).await.len();
        }
        unsent
    };
    let (count, unsent) = join(api::count(reader), writes).await;
    compare("what count did not take", unsent, 0)?;
    compare("count", count, 20_000)
}

async fn greet() -> Result<(), String> {
    let (one, other) = (
        api::greet("Ada".to_owned()).await,
        api::greet("\u{1f44b}".to_owned()).await,
    );
    compare("greet", other.await, "hello, \u{1f44b}".to_owned())?;
    compare("greet", one.await, "hello, Ada".to_owned())
}

async fn await_it() -> Result<(), String> {
    for (text, expected) in [("it", Ok("got it")), ("no luck", Err("no luck"))] {
        let (writer, reader) = wit_future::new(String::new);
        let write = async move {
            yield_async().await;
            writer.write(text.to_owned()).await.is_ok()
        };
        let (result, written) = join(api::await_it(reader), write).await;
        compare("the future for await-it", written, true)?;
        compare("await-it", result, expected.map(str::to_owned).map_err(str::to_owned))?;
    }
    Ok(())
}

async fn items() -> Result<(), String> {
    for count in [100, 0] {
        let items: Vec<Item> = api::items(count).await.collect().await;
        let items: Vec<(u32, String)> = items.into_iter().map(|item| (item.id, item.name)).collect();
        let expected = (0..count).map(|id| (id, format!("item {id}"))).collect();
        compare("items", items, expected)?;
    }
    Ok(())
}

async fn counter() -> Result<(), String> {
    let (a, b) = (Counter::new(5), Counter::new(100));
    compare("add", a.add(3).await, 8)?;
    let (one, other) = join(a.add(1), b.add(2)).await;
    compare("add to two", (one, other), (9, 102))?;
    let (one, other) = join(a.add(10), a.add(10)).await;
    compare("add twice at once", one.max(other), 29)
}
