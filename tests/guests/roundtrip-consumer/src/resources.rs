//! The interfaces with resources: what their functions answer, and that no value is left over or lost.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use crate::check::compare;

/// Bindings of the interfaces of a file.
macro_rules! interfaces {
    ($($feature:ident $path:literal $($api:ident),*;)*) => {
        $(mod $feature {
            witflow::generate!({ path: $path, world: "consumer" });
            pub(crate) use self::test::$feature::{$($api),*};
        })*

        /// The descriptions of the worlds whose imports these are.
        pub(crate) const WORLDS: &[&[u8]] = &[$($feature::_COMPONENT_TYPE),*];
    };
}

interfaces! {
    resource "../../wit/resource.wit" api;
    resource_fallible "../../wit/resource-fallible.wit" api;
    resource_async "../../wit/resource-async.wit" api;
    resource_own "../../wit/resource-own.wit" api;
    resource_borrow "../../wit/resource-borrow.wit" api;
    resource_stream "../../wit/resource-stream.wit" api;
    resource_use "../../wit/resource-use.wit" api, base, mid;
    resource_lent "../../wit/resource-lent.wit" api, base;
}

/// Makes all the calls, and says what failed.
pub(crate) async fn check_all() -> Vec<String> {
    let results = [
        check_resource(),
        check_fallible(),
        check_async().await,
        check_abandoned().await,
        check_started().await,
        check_own().await,
        check_borrow().await,
        check_stream().await,
        check_use(),
        check_lent().await,
    ];
    results.into_iter().filter_map(Result::err).collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Polls a call once and says whether it has returned.
async fn starts<F: Future>(mut call: Pin<&mut F>) -> bool {
    poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx).is_ready())).await
}

fn check_resource() -> Result<(), String> {
    use resource::api::{Counter, alive, larger};

    let (a, b) = (Counter::new(3), Counter::new(40));
    compare("resource", "alive", &2, &alive())?;
    compare("resource", "value", &(3, 40), &(a.value(), b.value()))?;
    compare("resource", "add", &7, &a.add(4))?;
    compare("resource", "larger", &40, &larger(&a, &b))?;
    compare("resource", "larger of one", &7, &larger(&a, &a))?;
    let sum = Counter::sum(a, b);
    compare("resource", "sum", &47, &sum.value())?;
    compare("resource", "alive after sum", &1, &alive())?;
    drop(sum);
    compare("resource", "alive in the end", &0, &alive())
}

fn check_fallible() -> Result<(), String> {
    use resource_fallible::api::{Never, Number};

    let number = Number::new("-17")?;
    compare("resource_fallible", "value", &-17, &number.value())?;
    let error = Number::new("x").err();
    let expected = Some("x: invalid digit found in string".to_owned());
    compare("resource_fallible", "error", &expected, &error)?;
    compare("resource_fallible", "never", &Some(()), &Never::new().err())
}

async fn check_async() -> Result<(), String> {
    use resource_async::api::{Queue, alive};

    let (a, b) = (Queue::new(), Queue::new());
    compare("resource_async", "push", &1, &a.push("x".to_owned()).await)?;
    compare("resource_async", "push", &2, &a.push("y".to_owned()).await)?;
    compare("resource_async", "drain", &2, &b.drain(&a).await)?;
    compare("resource_async", "pop of none", &None, &a.pop().await)?;
    a.push("z".to_owned()).await;
    let joined = Queue::join(b, a).await;
    compare("resource_async", "alive", &1, &alive())?;
    for expected in ["x", "y", "z"] {
        compare("resource_async", "pop", &Some(expected.to_owned()), &joined.pop().await)?;
    }
    drop(joined);
    compare("resource_async", "alive in the end", &0, &alive())
}

/// Calls that are dropped or forgotten while they are pending, and what they were lent.
async fn check_abandoned() -> Result<(), String> {
    use resource_async::api::{Queue, alive};

    let (a, b) = (Queue::new(), Queue::new());
    drop(a.push("never called".to_owned()));
    let mut dropped = Box::pin(a.push("x".to_owned()));
    compare("abandoned", "push", &false, &starts(dropped.as_mut()).await)?;
    drop(dropped);
    let mut forgotten = Box::pin(a.drain(&b));
    compare("abandoned", "drain", &false, &starts(forgotten.as_mut()).await)?;
    std::mem::forget(forgotten);
    // Both are lent, so their handles outlive them; a handle that was dropped now would be a trap.
    drop((a, b));
    compare("abandoned", "alive while lent", &2, &alive())?;
    // The answers arrive in time, and end the loans.
    let c = Queue::new();
    while alive() > 1 {
        c.push("y".to_owned()).await;
    }
    let mut lost = Box::pin(Queue::join(c, Queue::new()));
    compare("abandoned", "join", &false, &starts(lost.as_mut()).await)?;
    drop(lost);
    compare("abandoned", "alive in the end", &0, &alive())
}

/// Calls that are made before they are awaited and return at once: then they are lent nothing any more.
async fn check_started() -> Result<(), String> {
    use resource_async::api::{Queue, alive};

    let (a, b) = (Queue::new(), Queue::new());
    compare("started", "pop", &None, &a.pop().start().await)?;
    drop(b.pop().start());
    let joined = Queue::join(a, b).await;
    drop(joined);
    compare("started", "alive in the end", &0, &alive())
}

fn own_value() -> resource_own::api::T {
    use resource_own::api::*;

    let thing = |name: &str| Thing::new(name);
    let pair = Pair {
        left: thing("a"),
        right: Some(thing("b")),
    };
    let things = vec![
        SomeThing::None,
        SomeThing::One(thing("c")),
        SomeThing::Two((thing("d"), thing("e"))),
        SomeThing::Many(vec![thing("f"), thing("g")]),
    ];
    (pair, things, Ok(thing("h")), vec![("i".to_owned(), thing("i"))])
}

fn own_names(x: resource_own::api::T) -> String {
    use resource_own::api::*;

    let mut things = vec![x.0.left];
    things.extend(x.0.right);
    for some in x.1 {
        match some {
            SomeThing::None => {}
            SomeThing::One(thing) => things.push(thing),
            SomeThing::Two((a, b)) => things.extend([a, b]),
            SomeThing::Many(more) => things.extend(more),
        }
    }
    things.extend(x.2.ok());
    things.extend(x.3.into_iter().map(|(_, thing)| thing));
    things.iter().map(Thing::name).collect()
}

async fn check_own() -> Result<(), String> {
    use resource_own::api::*;

    let expected = "abcdefghi".to_owned();
    compare("resource_own", "echo", &expected, &own_names(echo(own_value())))?;
    let echoed = echo_async(own_value()).await;
    compare("resource_own", "echo-async", &expected, &own_names(echoed))?;
    let list: String = echo_list(vec![own_value(), own_value()])
        .into_iter()
        .map(own_names)
        .collect();
    compare("resource_own", "echo-list", &expected.repeat(2), &list)?;
    let args = || {
        let thing = |name: &str| Thing::new(name);
        let pair = Pair {
            left: thing("e"),
            right: None,
        };
        let last = (thing("f"), SomeThing::Two((thing("g"), thing("h"))));
        (thing("a"), Some(thing("b")), vec![thing("c"), thing("d")], pair, last)
    };
    let expected = texts(&["a", "b", "c", "d", "e", "f", "g", "h"]);
    let (a, b, c, d, e) = args();
    compare("resource_own", "names", &expected, &names(a, b, c, d, e))?;
    let (a, b, c, d, e) = args();
    let received = names_async(a, b, c, d, e).await;
    compare("resource_own", "names-async", &expected, &received)?;
    let (a, b, c, d, e) = args();
    let mut dropped = Box::pin(names_async(a, b, c, d, e));
    compare("resource_own", "names-async", &false, &starts(dropped.as_mut()).await)?;
    drop(dropped);
    let (a, b, c, d, e) = args();
    drop(names_async(a, b, c, d, e));
    compare("resource_own", "alive in the end", &0, &alive())
}

async fn check_borrow() -> Result<(), String> {
    use resource_borrow::api::*;

    let (a, b, c) = (Thing::new("a"), Thing::new("b"), Thing::new("c"));
    let look = || Look {
        at: &c,
        note: "!".to_owned(),
    };
    let glances = || vec![Glance::Nothing, Glance::At(&a), Glance::Closer(look())];
    let expected = texts(&["a", "b", "a", "c", "c !", "nothing", "a", "c !", "b", "a", "c"]);
    let sent = (look(), glances(), Ok(&b), [&a, &c]);
    let received = names(&a, Some(&b), &[&a, &c], &sent);
    compare("resource_borrow", "names", &expected, &received)?;
    let sent = (look(), glances(), Ok(&b), [&a, &c]);
    let received = names_async(&a, Some(&b), vec![&a, &c], sent).await;
    compare("resource_borrow", "names-async", &expected, &received)?;
    let sent = (look(), Vec::new(), Err("none".to_owned()), [&a, &c]);
    let received = names_async(&a, None, Vec::new(), sent).await;
    compare(
        "resource_borrow",
        "names-async of less",
        &texts(&["a", "c !", "none", "a", "c"]),
        &received,
    )?;
    compare(
        "resource_borrow",
        "looks",
        &texts(&["c !", "c !"]),
        &looks(&[look(), look()]),
    )?;
    compare(
        "resource_borrow",
        "looks-async",
        &texts(&["c !"]),
        &looks_async(vec![look()]).await,
    )?;
    let mut forgotten = Box::pin(looks_async(vec![look(), look()]));
    compare(
        "resource_borrow",
        "looks-async",
        &false,
        &starts(forgotten.as_mut()).await,
    )?;
    std::mem::forget(forgotten);
    let kept = keep((&b, a));
    compare("resource_borrow", "keep", &"b a".to_owned(), &kept.name())?;
    drop((b, c, kept));
    let d = Thing::new("d");
    while alive() > 1 {
        looks_async(vec![Look {
            at: &d,
            note: String::new(),
        }])
        .await;
    }
    drop(d);
    compare("resource_borrow", "alive in the end", &0, &alive())
}

async fn check_stream() -> Result<(), String> {
    use resource_stream::api::*;
    use resource_stream::wit_stream;

    let mut received = things(texts(&["a", "b", "c"])).await;
    let first = received.next().await;
    compare(
        "resource_stream",
        "things",
        &Some("a".to_owned()),
        &first.map(|thing| thing.name()),
    )?;
    // Nothing reads the others.
    drop(received);
    let (mut writer, reader) = wit_stream::new();
    let names = Thing::all(reader).await;
    witflow::spawn(async move {
        writer.write_all(vec![Thing::new("x"), Thing::new("y")]).await;
    });
    compare("resource_stream", "all", &texts(&["x", "y"]), &names.collect().await)?;
    let (mut writer, reader) = wit_stream::new();
    witflow::spawn(async move {
        let parcel = |content: Option<&str>| Parcel {
            label: "parcel".to_owned(),
            content: content.map(Thing::new),
        };
        writer
            .write_all(vec![parcel(Some("p")), parcel(None), parcel(Some("q"))])
            .await;
    });
    let received = parcels(reader).await.collect().await.into_iter();
    let received: Vec<_> = received
        .map(|parcel| parcel.content.map(|thing| thing.name()))
        .collect();
    let expected = vec![Some("p".to_owned()), None, Some("q".to_owned())];
    compare("resource_stream", "parcels", &expected, &received)?;
    check_future().await?;
    // The provider gets those back that nobody has read.
    while alive() > 0 {
        witflow::yield_now().await;
    }
    compare("resource_stream", "alive in the end", &0, &alive())
}

async fn check_future() -> Result<(), String> {
    use resource_stream::api::*;
    use resource_stream::wit_future;

    let (writer, reader) = wit_future::new(|| Err("unwritten".to_owned()));
    let promised = later(reader).await;
    witflow::spawn(async move {
        let _ = writer.write(Ok(Thing::new("f"))).await;
    });
    compare(
        "resource_stream",
        "later",
        &Ok("f".to_owned()),
        &promised.await.map(|thing| thing.name()),
    )?;
    let (writer, reader) = wit_future::new(|| Err("unwritten".to_owned()));
    let promised = later(reader).await;
    drop(writer);
    let outcome = promised.await.map(|thing| thing.name());
    compare(
        "resource_stream",
        "later, unwritten",
        &Err("unwritten".to_owned()),
        &outcome,
    )
}

fn check_use() -> Result<(), String> {
    use resource_use::{api, base, mid};

    let (a, b) = (base::Thing::new("a"), mid::Item::new("b"));
    compare("resource_use", "look", &"a b".to_owned(), &mid::look(&a, &b))?;
    let (b, a) = mid::swap(a, b);
    compare(
        "resource_use",
        "swap",
        &("b".to_owned(), "a".to_owned()),
        &(b.name(), a.name()),
    )?;
    let shelf = api::fill(api::Shelf { items: vec![a] }, b);
    compare("resource_use", "fill", &2, &shelf.items.len())?;
    let first = api::first(shelf).map(|thing| thing.name());
    compare("resource_use", "first", &Some("a".to_owned()), &first)?;
    compare("resource_use", "alive in the end", &0, &base::alive())
}

async fn check_lent() -> Result<(), String> {
    use resource_lent::api::{self, Look};
    use resource_lent::base::{Thing, alive};

    let (a, b) = (Thing::new("a"), Thing::new("b"));
    let look = |at| Look {
        at,
        note: "!".to_owned(),
    };
    let expected = texts(&["a", "a !", "b !"]);
    compare(
        "resource_lent",
        "names",
        &expected,
        &api::names(&a, &[look(&a), look(&b)]),
    )?;
    let received = api::names_async(&a, vec![look(&a), look(&b)]).await;
    compare("resource_lent", "names-async", &expected, &received)?;
    let received = api::rename(&a, look(&b)).await;
    compare(
        "resource_lent",
        "rename",
        &texts(&["a", "a'", "ready: false"]),
        &received,
    )?;
    // The call that was forgotten has been waited for.
    compare("resource_lent", "name", &"!".to_owned(), &b.name())?;
    compare("resource_lent", "pass", &"!".to_owned(), &api::pass(b).name())?;
    compare(
        "resource_lent",
        "rename",
        &"a'".to_owned(),
        &a.rename(String::new()).await,
    )?;
    drop(a);
    compare("resource_lent", "alive in the end", &0, &alive())
}
