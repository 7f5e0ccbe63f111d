//! Values of all kinds, there and back: their memory is given back, and nothing of them is lost.

use crate::scenario::Scenario;
use crate::support::{compare, with};
use std::sync::LazyLock;
use witflow_host::explore::{pause, pick};
use witflow_host::{Component, ComponentType, Linker, Result, TypedFunc};

mod guest {
    use crate::support::poll_at_most;
    use witflow_host::explore::pick;

    witflow::generate!({
        inline: "
            package small:values;

            interface types {
                variant shape { dot, circle(f32), path(list<tuple<f64, f64>>), named(string) }
                record item { id: u64, tags: list<string>, shape: shape, next: option<tuple<u8, char>> }
            }

            world values {
                use types.{item};
                import host: interface {
                    use types.{item};
                    check: async func(items: list<item>, expected: u32) -> result<list<item>, string>;
                    floats: func(a: f32, b: f64) -> tuple<f32, f64>;
                }
                export there-and-back: async func(count: u32) -> u32;
                export given-up: async func(count: u32) -> u32;
                export not-numbers: async func() -> u32;
                export many: async func(one: item, two: item, three: item) -> u64;
                export plain: func(items: list<item>, count: u32) -> list<item>;
            }
        ",
    });

    use small::values::types::Shape;

    pub(super) struct Values;
    export!(Values);

    fn item(number: u32) -> Item {
        Item {
            id: u64::from(number) << 33,
            tags: (0..number % 4).map(|tag| "тег".repeat(tag as usize)).collect(),
            shape: match number % 4 {
                0 => Shape::Dot,
                1 => Shape::Circle(1.5),
                2 => Shape::Path(vec![(0.5, -0.5); number as usize]),
                _ => Shape::Named(format!("nr. {number}")),
            },
            next: number.is_multiple_of(3).then_some((number as u8, 'ß')),
        }
    }

    impl Guest for Values {
        async fn there_and_back(count: u32) -> u32 {
            let items: Vec<_> = (0..count).map(item).collect();
            let same = |items: &[Item]| {
                items
                    .iter()
                    .enumerate()
                    .all(|(number, one)| format!("{one:?}") == format!("{:?}", item(number as u32)))
            };
            match host::check(items, count).await {
                Ok(items) => u32::from(same(&items)) * items.len() as u32,
                Err(message) => message.len() as u32,
            }
        }

        async fn given_up(count: u32) -> u32 {
            let calls = (0..count).map(|number| {
                let items = (0..number).map(item).collect();
                poll_at_most(1 + pick(3), host::check(items, 100))
            });
            let answers = futures::future::join_all(calls).await;
            answers
                .into_iter()
                .filter(|answer| answer.as_ref().is_none_or(Result::is_err))
                .count() as u32
        }

        async fn many(one: Item, two: Item, three: Item) -> u64 {
            witflow::yield_now().await;
            (one.id + two.id + three.id) >> 33
        }

        fn plain(mut items: Vec<Item>, count: u32) -> Vec<Item> {
            items.extend((0..count).map(item));
            items
        }

        async fn not_numbers() -> u32 {
            let (a, b) = host::floats(f32::NAN, f64::NAN);
            u32::from(a.is_nan()) + u32::from(b.is_nan())
        }
    }
}

static VALUES: LazyLock<Component> =
    LazyLock::new(|| Component::native::<guest::Values>("values").expect("the world is described well"));

#[derive(ComponentType, Clone, Debug, PartialEq)]
enum Shape {
    Dot,
    Circle(f32),
    Path(Vec<(f64, f64)>),
    Named(String),
}

#[derive(ComponentType, Clone, Debug, PartialEq)]
struct Item {
    id: u64,
    tags: Vec<String>,
    shape: Shape,
    next: Option<(u8, char)>,
}

fn linker() -> Result<Linker> {
    let mut linker = Linker::new();
    let mut host = linker.instance("host")?;
    host.func_wrap_concurrent("check", async |_, (items, expected): (Vec<Item>, u32)| {
        pause().await;
        let fits = items.len() == expected as usize;
        Ok((if fits {
            Ok(items)
        } else {
            Err("these are not so many".to_owned())
        },))
    })?;
    host.func_wrap("floats", |_, (a, b): (f32, f64)| Ok(((a, b),)))?;
    Ok(linker)
}

fn check(export: &str, count: u32) -> Result<()> {
    compare(&linker()?, &VALUES, export, (count,), (count,))
}

fn item(number: u32) -> Item {
    Item {
        id: u64::from(number) << 33,
        tags: (0..number % 4).map(|tag| "тег".repeat(tag as usize)).collect(),
        shape: match number % 4 {
            0 => Shape::Dot,
            1 => Shape::Circle(1.5),
            2 => Shape::Path(vec![(0.5, -0.5); number as usize]),
            _ => Shape::Named(format!("nr. {number}")),
        },
        next: number.is_multiple_of(3).then_some((number as u8, 'ß')),
    }
}

/// Parameters that come in memory.
fn many() -> Result<()> {
    with(&linker()?, &VALUES, async |store, guest| {
        let func: TypedFunc<(Item, Item, Item), (u64,)> = guest.typed_func("many")?;
        store
            .run_concurrent(async |cx| {
                let calls = (0..3).map(|number| func.call_concurrent(&cx, (item(number), item(7), item(number + 2))));
                let answers = futures::future::try_join_all(calls).await?;
                assert_eq!(answers, [(9,), (11,), (13,)]);
                Ok(())
            })
            .await
    })
}

/// A plain function whose result is freed by post-return.
fn plain() -> Result<()> {
    with(&linker()?, &VALUES, async |store, guest| {
        let func: TypedFunc<(Vec<Item>, u32), (Vec<Item>,)> = guest.typed_func("plain")?;
        let given: Vec<_> = (0..5).map(item).collect();
        let expected: Vec<_> = given.iter().cloned().chain((0..4).map(item)).collect();
        assert_eq!(func.call(store, (given, 4)).await?, (expected,));
        Ok(())
    })
}

fn not_numbers() -> Result<()> {
    with(&linker()?, &VALUES, async |store, guest| {
        let func: TypedFunc<(), (u32,)> = guest.typed_func("not-numbers")?;
        for _ in 0..1 + pick(2) {
            assert_eq!(func.call(store, ()).await?, (2,));
        }
        Ok(())
    })
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario::new(
        "values-there-and-back",
        "values of all kinds come back as they went",
        || check("there-and-back", 9),
    ),
    Scenario::new("values-given-up", "calls with values of all kinds are given up", || {
        check("given-up", 6)
    }),
    Scenario::new("values-not-numbers", "what is no number stays none", not_numbers).small(),
    Scenario::new("values-many", "parameters that are too many come in memory", many),
    Scenario::new("values-plain", "a plain function gives a list, which is freed", plain),
];
