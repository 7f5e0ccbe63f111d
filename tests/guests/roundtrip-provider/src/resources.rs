//! The interfaces with resources. Each module counts the values of its resource, so that the consumer sees them end.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Something that is counted while it exists.
struct Counted<T>(T, &'static AtomicU32);

impl<T> Counted<T> {
    fn new(value: T, count: &'static AtomicU32) -> Self {
        count.fetch_add(1, Relaxed);
        Self(value, count)
    }
}

impl<T> Drop for Counted<T> {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Relaxed);
    }
}

/// The module of one interface: its bindings, an implementation of `Guest`, and how many values there are.
macro_rules! interface {
    ($feature:ident $path:literal $api:ident) => {
        witflow::generate!({ path: $path, world: "provider" });

        #[allow(unused_imports, reason = "what an interface does not need")]
        use super::{AtomicU32, Counted, Relaxed};
        #[allow(unused_imports, reason = "what an interface does not need")]
        use exports::test::$feature::$api::*;

        #[allow(dead_code, reason = "what an interface does not need")]
        static ALIVE: AtomicU32 = AtomicU32::new(0);

        pub struct Provider;
        export!(Provider);
    };
}

#[doc(hidden)]
pub mod resource {
    use std::cell::Cell;

    interface!(resource "../../wit/resource.wit" api);

    pub struct MyCounter(Counted<Cell<u32>>);

    impl Guest for Provider {
        type Counter = MyCounter;

        fn alive() -> u32 {
            ALIVE.load(Relaxed)
        }

        fn larger(a: CounterBorrow<'_>, b: CounterBorrow<'_>) -> u32 {
            let (a, b): (&MyCounter, &MyCounter) = (a.get(), b.get());
            a.value().max(b.value())
        }
    }

    impl GuestCounter for MyCounter {
        fn new(start: u32) -> Self {
            Self(Counted::new(Cell::new(start), &ALIVE))
        }

        fn value(&self) -> u32 {
            self.0.0.get()
        }

        fn add(&self, n: u32) -> u32 {
            self.0.0.set(self.value() + n);
            self.value()
        }

        fn sum(mut a: Counter, b: Counter) -> Counter {
            let more = b.into_inner::<MyCounter>().value();
            *a.get_mut::<MyCounter>().0.0.get_mut() += more;
            a
        }
    }
}

#[doc(hidden)]
pub mod resource_fallible {
    interface!(resource_fallible "../../wit/resource-fallible.wit" api);

    pub struct MyNumber(i64);

    pub struct MyNever;

    impl Guest for Provider {
        type Number = MyNumber;
        type Never = MyNever;
    }

    impl GuestNumber for MyNumber {
        fn new(text: String) -> Result<Self, String> {
            text.parse().map(MyNumber).map_err(|error| format!("{text}: {error}"))
        }

        fn value(&self) -> i64 {
            self.0
        }
    }

    impl GuestNever for MyNever {
        fn new() -> Result<Self, ()> {
            Err(())
        }
    }
}

#[doc(hidden)]
pub mod resource_async {
    use std::cell::RefCell;
    use std::collections::VecDeque;

    interface!(resource_async "../../wit/resource-async.wit" api);

    pub struct MyQueue(Counted<RefCell<VecDeque<String>>>);

    impl Guest for Provider {
        type Queue = MyQueue;

        fn alive() -> u32 {
            ALIVE.load(Relaxed)
        }
    }

    impl MyQueue {
        fn take(&self) -> VecDeque<String> {
            self.0.0.take()
        }
    }

    impl GuestQueue for MyQueue {
        fn new() -> Self {
            Self(Counted::new(RefCell::default(), &ALIVE))
        }

        async fn push(&self, item: String) -> u32 {
            crate::echo::pause().await;
            let mut items = self.0.0.borrow_mut();
            items.push_back(item);
            items.len() as u32
        }

        async fn pop(&self) -> Option<String> {
            self.0.0.borrow_mut().pop_front()
        }

        async fn drain(&self, from: QueueBorrow<'_>) -> u32 {
            let moved = from.get::<MyQueue>().take();
            crate::echo::pause().await;
            let count = moved.len() as u32;
            self.0.0.borrow_mut().extend(moved);
            count
        }

        async fn join(a: Queue, b: Queue) -> Queue {
            crate::echo::pause().await;
            let moved = b.get::<MyQueue>().take();
            a.get::<MyQueue>().0.0.borrow_mut().extend(moved);
            a
        }
    }
}

/// The resource that most interfaces have.
macro_rules! thing {
    () => {
        pub struct MyThing(Counted<String>);

        impl GuestThing for MyThing {
            thing! { functions }
        }
    };
    (functions) => {
        fn new(name: String) -> Self {
            Self(Counted::new(name, &ALIVE))
        }

        fn name(&self) -> String {
            self.0.0.clone()
        }
    };
}

#[doc(hidden)]
pub mod resource_own {
    interface!(resource_own "../../wit/resource-own.wit" api);
    thing!();

    fn name(thing: &Thing) -> String {
        thing.get::<MyThing>().name()
    }

    fn all_names(a: Thing, b: Option<Thing>, c: Vec<Thing>, d: Pair, e: (Thing, SomeThing)) -> Vec<String> {
        let mut things = vec![a];
        things.extend(b);
        things.extend(c);
        things.push(d.left);
        things.extend(d.right);
        things.push(e.0);
        match e.1 {
            SomeThing::None => {}
            SomeThing::One(thing) => things.push(thing),
            SomeThing::Two((a, b)) => things.extend([a, b]),
            SomeThing::Many(more) => things.extend(more),
        }
        things.iter().map(name).collect()
    }

    impl Guest for Provider {
        type Thing = MyThing;

        fn echo(x: T) -> T {
            x
        }

        fn echo_list(x: Vec<T>) -> Vec<T> {
            x
        }

        async fn echo_async(x: T) -> T {
            crate::echo::pause().await;
            x
        }

        fn names(a: Thing, b: Option<Thing>, c: Vec<Thing>, d: Pair, e: (Thing, SomeThing)) -> Vec<String> {
            all_names(a, b, c, d, e)
        }

        async fn names_async(a: Thing, b: Option<Thing>, c: Vec<Thing>, d: Pair, e: (Thing, SomeThing)) -> Vec<String> {
            crate::echo::pause().await;
            all_names(a, b, c, d, e)
        }

        fn alive() -> u32 {
            ALIVE.load(Relaxed)
        }
    }
}

#[doc(hidden)]
pub mod resource_borrow {
    interface!(resource_borrow "../../wit/resource-borrow.wit" api);
    thing!();

    fn name(thing: &ThingBorrow<'_>) -> String {
        thing.get::<MyThing>().name()
    }

    fn look(look: &Look<'_>) -> String {
        format!("{} {}", name(&look.at), look.note)
    }

    fn all_names(a: ThingBorrow<'_>, b: Option<ThingBorrow<'_>>, c: Vec<ThingBorrow<'_>>, d: T<'_>) -> Vec<String> {
        let mut names = vec![name(&a)];
        names.extend(b.iter().map(name));
        names.extend(c.iter().map(name));
        names.push(look(&d.0));
        names.extend(d.1.iter().map(|glance| match glance {
            Glance::Nothing => "nothing".to_owned(),
            Glance::At(thing) => name(thing),
            Glance::Closer(inner) => look(inner),
        }));
        names.push(d.2.as_ref().map_or_else(Clone::clone, name));
        names.extend(d.3.iter().map(name));
        names
    }

    impl Guest for Provider {
        type Thing = MyThing;

        fn names(a: ThingBorrow<'_>, b: Option<ThingBorrow<'_>>, c: Vec<ThingBorrow<'_>>, d: T<'_>) -> Vec<String> {
            all_names(a, b, c, d)
        }

        async fn names_async(
            a: ThingBorrow<'_>,
            b: Option<ThingBorrow<'_>>,
            c: Vec<ThingBorrow<'_>>,
            d: T<'_>,
        ) -> Vec<String> {
            crate::echo::pause().await;
            all_names(a, b, c, d)
        }

        fn looks(x: Vec<Look<'_>>) -> Vec<String> {
            x.iter().map(look).collect()
        }

        async fn looks_async(x: Vec<Look<'_>>) -> Vec<String> {
            crate::echo::pause().await;
            x.iter().map(look).collect()
        }

        fn keep(x: (ThingBorrow<'_>, Thing)) -> Thing {
            let name = format!("{} {}", name(&x.0), x.1.get::<MyThing>().name());
            Thing::new(MyThing::new(name))
        }

        fn alive() -> u32 {
            ALIVE.load(Relaxed)
        }
    }
}

#[doc(hidden)]
pub mod resource_stream {
    use witflow::{FutureReader, StreamReader};

    interface!(resource_stream "../../wit/resource-stream.wit" api);

    pub struct MyThing(Counted<String>);

    impl Guest for Provider {
        type Thing = MyThing;

        async fn things(names: Vec<String>) -> StreamReader<Thing> {
            let (mut writer, reader) = wit_stream::new();
            witflow::spawn(async move {
                let things = names.into_iter().map(|name| Thing::new(MyThing::new(name)));
                writer.write_all(things.collect()).await;
            });
            reader
        }

        async fn parcels(x: StreamReader<Parcel>) -> StreamReader<Parcel> {
            crate::echo::stream(x, wit_stream::new(), crate::echo::same)
        }

        async fn later(x: FutureReader<Result<Thing, String>>) -> FutureReader<Result<Thing, String>> {
            crate::echo::future(x, wit_future::new(|| Err("unwritten".to_owned())), crate::echo::same)
        }

        fn alive() -> u32 {
            ALIVE.load(Relaxed)
        }
    }

    impl GuestThing for MyThing {
        thing! { functions }

        async fn all(mut things: StreamReader<Thing>) -> StreamReader<String> {
            let (mut writer, reader) = wit_stream::new();
            witflow::spawn(async move {
                while let Some(thing) = things.next().await {
                    writer.write_all(vec![thing.get::<MyThing>().name()]).await;
                }
            });
            reader
        }
    }
}

#[doc(hidden)]
pub mod resource_use {
    interface!(resource_use "../../wit/resource-use.wit" base);
    use exports::test::resource_use::{api, mid};
    thing!();

    impl Guest for Provider {
        type Thing = MyThing;

        fn alive() -> u32 {
            ALIVE.load(Relaxed)
        }
    }

    impl mid::Guest for Provider {
        fn swap(a: mid::Item, b: mid::Again) -> (mid::Again, mid::Item) {
            (b, a)
        }

        fn look(a: mid::ItemBorrow<'_>, b: mid::AgainBorrow<'_>) -> String {
            format!("{} {}", a.get::<MyThing>().name(), b.get::<MyThing>().name())
        }
    }

    impl api::Guest for Provider {
        fn fill(mut shelf: api::Shelf, more: Thing) -> api::Shelf {
            shelf.items.push(more);
            shelf
        }

        fn first(shelf: api::Shelf) -> Option<api::Again> {
            shelf.items.into_iter().next()
        }
    }
}

#[doc(hidden)]
pub mod resource_lent {
    interface!(resource_lent "../../wit/resource-lent.wit" base);
    use std::cell::RefCell;

    pub struct MyThing(Counted<RefCell<String>>);

    impl Guest for Provider {
        type Thing = MyThing;

        fn alive() -> u32 {
            ALIVE.load(Relaxed)
        }
    }

    impl GuestThing for MyThing {
        fn new(name: String) -> Self {
            Self(Counted::new(RefCell::new(name), &ALIVE))
        }

        fn name(&self) -> String {
            self.0.0.borrow().clone()
        }

        async fn rename(&self, name: String) -> String {
            crate::echo::pause().await;
            self.0.0.replace(name)
        }
    }
}
