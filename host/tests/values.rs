//! Every kind of value, typed and dynamic, there and back through a guest's memory.

#[path = "guests/values.rs"]
mod guests;
mod support;

use guests::VALUES;
use std::collections::{BTreeMap, HashMap};
use support::with;
use witflow_host::{ComponentType, Linker, Result, StreamReader, Val, stream};

#[derive(ComponentType, Debug, Clone, PartialEq)]
enum Color {
    Red,
    DarkGreen,
}

#[derive(ComponentType, Debug, Clone, PartialEq, Default)]
#[component(flags)]
struct Rights {
    read: bool,
    write_all: bool,
    exec: bool,
}

#[derive(ComponentType, Debug, Clone, PartialEq)]
enum Shape {
    None,
    Circle(f32),
    #[component(name = "named")]
    WithName(String),
}

#[derive(ComponentType, Debug, Clone, PartialEq)]
struct Everything {
    a_bool: bool,
    a_char: char,
    s8: i8,
    u16: u16,
    s32: i32,
    u64: u64,
    f32: f32,
    f64: f64,
    color: Color,
    rights: Rights,
    shape: Shape,
    pair: (u8, String),
    maybe: Option<u32>,
    outcome: Result<(), String>,
    bytes: Vec<Vec<u8>>,
    three: [u16; 3],
    ages: BTreeMap<String, u32>,
}

fn samples() -> Vec<Everything> {
    let low = Everything {
        a_bool: false,
        a_char: '\0',
        s8: i8::MIN,
        u16: 0,
        s32: i32::MIN,
        u64: 0,
        f32: f32::MIN_POSITIVE,
        f64: -0.0,
        color: Color::Red,
        rights: Rights::default(),
        shape: Shape::None,
        pair: (0, String::new()),
        maybe: None,
        outcome: Ok(()),
        bytes: vec![],
        three: [0; 3],
        ages: BTreeMap::new(),
    };
    let high = Everything {
        a_bool: true,
        a_char: '\u{10ffff}',
        s8: i8::MAX,
        u16: u16::MAX,
        s32: i32::MAX,
        u64: u64::MAX,
        f32: f32::INFINITY,
        f64: f64::MAX,
        color: Color::DarkGreen,
        rights: Rights {
            read: false,
            write_all: true,
            exec: true,
        },
        shape: Shape::WithName("žluť".to_owned()),
        pair: (255, "two".to_owned()),
        maybe: Some(u32::MAX),
        outcome: Err("no".to_owned()),
        bytes: vec![vec![], vec![1, 2, 3]],
        three: [1, 2, u16::MAX],
        ages: BTreeMap::from([("ann".to_owned(), 1), ("bob".to_owned(), 2)]),
    };
    let round = Everything {
        shape: Shape::Circle(1.5),
        ..low.clone()
    };
    vec![low, high, round]
}

#[test]
fn typed_values_come_back_equal() -> Result<()> {
    with(&Linker::new(), &VALUES, async |store, guest| {
        let everything = guest.typed_func::<(Vec<Everything>,), (Vec<Everything>,)>("all")?;
        assert_eq!(everything.call(store, (samples(),)).await?, (samples(),));
        let text = guest.typed_func::<(String,), (String,)>("text")?;
        assert_eq!(text.call(store, ("grüß dich".to_owned(),)).await?.0, "grüß dich");
        let ages = guest.typed_func::<(HashMap<String, u32>,), (HashMap<String, u32>,)>("ages")?;
        let map = HashMap::from([("x".to_owned(), 1)]);
        assert_eq!(ages.call(store, (map.clone(),)).await?.0, map);
        Ok(())
    })
}

#[test]
fn dynamic_values_come_back_equal_and_are_the_typed_ones() -> Result<()> {
    with(&Linker::new(), &VALUES, async |store, guest| {
        let sent = samples().into_val();
        let Some(back) = guest.func("all")?.call(store, vec![sent.clone()]).await? else {
            panic!("all has a result");
        };
        assert_eq!(back, sent);
        assert_eq!(back.get::<Vec<Everything>>()?, samples());
        let entries = Val::Map(vec![
            (Val::String("a".into()), Val::U32(2)),
            (Val::String("b".into()), Val::U32(1)),
        ]);
        assert_eq!(
            guest.func("ages")?.call(store, vec![entries.clone()]).await?,
            Some(entries)
        );
        Ok(())
    })
}

#[test]
fn streams_travel_inside_other_values() -> Result<()> {
    with(&Linker::new(), &VALUES, async |store, guest| {
        let streams = guest.typed_func::<(Vec<StreamReader<u8>>,), (Vec<StreamReader<u8>>,)>("streams")?;
        store
            .run_concurrent(async |cx| {
                let (mut one, first) = stream();
                let (_two, second) = stream();
                let (mut back,) = streams.call_concurrent(&cx, (vec![first, second],)).await?;
                assert_eq!(back.len(), 2);
                let (written, read) = futures::join!(one.write([7]), back[0].next());
                written?;
                assert_eq!(read, Some(7));
                Ok(())
            })
            .await
    })
}

#[test]
fn a_value_of_another_type_is_refused_with_its_place() {
    let wrong = Val::Record(vec![("read".to_owned(), Val::Bool(true))]);
    let error = wrong.get::<Rights>().unwrap_err().to_string();
    assert_eq!(error, "a value of type record is not the flags `Rights`");
    let error = Val::Enum("blue".to_owned()).get::<Color>().unwrap_err().to_string();
    assert_eq!(error, "`Color` has no case `blue`");
    let error = Val::Variant("circle".to_owned(), None).get::<Shape>().unwrap_err();
    assert_eq!(format!("{error:#}"), "case `circle` of `Shape`: a payload is missing");
    let error = Val::U8(1).get::<String>().unwrap_err().to_string();
    assert!(error.contains("a value of type u8"), "{error}");
}
