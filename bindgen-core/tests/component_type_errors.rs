//! Worlds that can't be encoded give errors which name the item. `wit-parser` makes no such worlds from text, so each is one
//! that it made and a change broke.

use wit_parser::{Function, FunctionKind, Interface, Resolve, Type, TypeDefKind, TypeId, WorldId, WorldItem, WorldKey};
use witflow_bindgen_core::component_type::{self, Error};

const FRAGILE: &str = "
    package a:b;
    interface i { type word = u32; record rec { w: word } resource res { m: func(); } f: func(r: list<rec>); }
    interface j { use i.{rec}; g: func(r: rec); }
    world w { import i; import j; export run: func(); }";

/// The error for `FRAGILE` after a change that makes the world impossible to encode.
fn error_after(change: impl FnOnce(&mut Resolve, WorldId)) -> Error {
    let mut resolve = Resolve::default();
    resolve.push_source("test.wit", FRAGILE).expect("the WIT is right");
    let world = resolve.worlds.iter().next().expect("the WIT has a world").0;
    component_type::encode(&resolve, world).expect("the world encodes before the change");
    change(&mut resolve, world);
    component_type::encode(&resolve, world).expect_err("the change makes the world impossible to encode")
}

fn first(resolve: &mut Resolve) -> &mut Interface {
    resolve
        .interfaces
        .iter_mut()
        .next()
        .expect("the WIT has an interface")
        .1
}

fn type_named(resolve: &Resolve, name: &str) -> TypeId {
    let mut types = resolve.types.iter();
    types
        .find(|(_, ty)| ty.name.as_deref() == Some(name))
        .expect("the WIT has the type")
        .0
}

#[test]
fn errors_about_worlds() {
    let error = error_after(|resolve, _| resolve.worlds = Default::default());
    assert_eq!(
        error.to_string(),
        "can't encode the world: it is not part of this `Resolve`"
    );

    let error = error_after(|resolve, world| resolve.worlds[world].package = None);
    assert_eq!(error.to_string(), "can't encode world `w`: it belongs to no package");

    let error = error_after(|resolve, world| drop(resolve.worlds[world].imports.shift_remove_index(0)));
    assert_eq!(error.item(), "type `rec` of interface `a:b/i`");
    assert_eq!(
        error.reason(),
        "import `a:b/j` uses it, but its interface is not imported before that"
    );

    let error = error_after(|resolve, world| {
        let item = WorldItem::Type {
            id: type_named(resolve, "word"),
            span: Default::default(),
        };
        resolve.worlds[world]
            .exports
            .insert(WorldKey::Name("word".to_string()), item);
    });
    assert_eq!(
        error.to_string(),
        "can't encode export `word`: a world can't export a type of its own"
    );
}

#[test]
fn errors_about_interfaces() {
    let error = error_after(|resolve, _| first(resolve).name = None);
    assert_eq!(
        error.to_string(),
        "can't encode an inline interface: it is imported or exported without a name"
    );

    let error = error_after(|resolve, _| first(resolve).package = None);
    assert_eq!(
        error.to_string(),
        "can't encode interface `i`: it belongs to no package"
    );

    let error = error_after(|resolve, _| {
        let res = type_named(resolve, "res");
        let (_, interface) = resolve
            .interfaces
            .iter_mut()
            .nth(1)
            .expect("the WIT has two interfaces");
        let g: &mut Function = interface.functions.get_mut("g").expect("the second one has `g`");
        g.kind = FunctionKind::Static(res);
    });
    assert_eq!(
        error.to_string(),
        "can't encode function `g` of interface `a:b/j`: its resource is defined elsewhere"
    );
}

#[test]
fn errors_about_types() {
    let with_kind = |name: &str, kind: fn(TypeId) -> TypeDefKind| {
        error_after(|resolve, _| {
            let id = type_named(resolve, name);
            resolve.types[id].kind = kind(id);
        })
        .to_string()
    };
    let word = "can't encode type `word` of interface `a:b/i`:";
    assert_eq!(
        with_kind("word", |_| TypeDefKind::Unknown),
        format!("{word} its definition is not resolved")
    );
    assert_eq!(
        with_kind("word", |id| TypeDefKind::List(Type::Id(id))),
        format!("{word} it contains itself")
    );

    let error = error_after(|resolve, _| {
        let res = type_named(resolve, "res");
        resolve.types[res].name = None;
    });
    assert_eq!(
        error.to_string(),
        "can't encode an anonymous resource type: a resource needs a name"
    );

    let error = error_after(|resolve, _| {
        let rec = type_named(resolve, "rec");
        resolve.types[rec].name = None;
    });
    assert_eq!(
        error.to_string(),
        "can't encode an anonymous record type: it is used outside its interface and has no name"
    );

    let error = error_after(|resolve, _| {
        let res = type_named(resolve, "res");
        resolve.types[res].name = None;
        resolve.types[res].kind = TypeDefKind::Type(Type::U32);
    });
    assert_eq!(error.reason(), "a handle refers to it, but it is no resource");
}
