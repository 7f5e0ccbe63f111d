//! Compares `component_type::encode` with `wit-component`, byte for byte, on worlds that cover each feature of WIT, and shows
//! that the component tools accept a module with our section.
//!
//! The `producers` section, which only `wit-component` writes, is left out of the comparison. Nothing here looks at what
//! the bytes mean: being those of `wit-component` is the whole requirement.

use std::path::Path;

use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding};
use wit_parser::{Resolve, World, WorldId, WorldItem, WorldKey};
use witflow_bindgen_core::component_type;
use witflow_bindgen_core::load::Input;

fn parse(wit: &str) -> Resolve {
    let mut resolve = Resolve::default();
    if let Err(error) = resolve.push_source("test.wit", wit) {
        panic!("the test's WIT is wrong: {error:?}");
    }
    resolve
}

/// Compares all worlds of `resolve`, and returns their names.
fn compare_all(resolve: &Resolve) -> Vec<String> {
    resolve
        .worlds
        .iter()
        .map(|(id, world)| {
            compare(resolve, id, world);
            world.name.clone()
        })
        .collect()
}

fn compare(resolve: &Resolve, id: WorldId, world: &World) {
    let name = &world.name;
    let ours = component_type::encode(resolve, id).unwrap_or_else(|error| panic!("world `{name}`: {error}"));
    let theirs = wit_component::metadata::encode(resolve, id, StringEncoding::UTF8, None, false)
        .unwrap_or_else(|error| panic!("world `{name}`: wit-component: {error:?}"));
    let theirs = without_producers(&theirs);
    if ours == theirs {
        return;
    }
    let same = ours.iter().zip(&theirs).take_while(|(a, b)| a == b).count();
    let around = |bytes: &[u8]| {
        let part = &bytes[same.saturating_sub(24)..bytes.len().min(same + 24)];
        String::from_utf8_lossy(part).escape_debug().to_string()
    };
    panic!(
        "world `{name}` differs from offset {same} on\n ours   ({} bytes): {}\n theirs ({} bytes): {}",
        ours.len(),
        around(&ours),
        theirs.len(),
        around(&theirs)
    );
}

/// The component without its `producers` section, which must be there.
fn without_producers(component: &[u8]) -> Vec<u8> {
    const MARK: &[u8] = b"\x09producers";
    let mut kept = component[..8].to_vec();
    let (mut at, mut found) = (8, 0);
    while at < component.len() {
        let (size, size_bytes) = leb128(&component[at + 1..]);
        let body = at + 1 + size_bytes;
        if component[at] == 0 && component[body..].starts_with(MARK) {
            found += 1;
        } else {
            kept.extend_from_slice(&component[at..body + size]);
        }
        at = body + size;
    }
    assert_eq!(found, 1, "wit-component writes one producers section");
    kept
}

/// An unsigned LEB128 number and how many bytes it takes.
fn leb128(bytes: &[u8]) -> (usize, usize) {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return (value, at + 1);
        }
    }
    panic!("a section's size ends within the component");
}

macro_rules! worlds {
    ($($(#[$doc:meta])* $test:ident: $names:expr, $wit:literal;)*) => {$(
        $(#[$doc])*
        #[test]
        fn $test() {
            assert_eq!(compare_all(&parse($wit)), $names);
        }
    )*};
}

worlds! {
    empty: ["nothing"], "package a:b; world nothing {}";

    value_types: ["both", "free"], "
        package a:b;
        interface types {
            record r { a: bool, b: u8, c: u16, d: u32, e: u64, f: option<string> }
            record wide { a: s8, b: s16, c: s32, d: s64, e: f32, f: f64, g: char, h: r }
            variant v { none, num(u32), rec(r), many(list<tuple<string, option<r>>>) }
            enum colour { red, green, blue }
            flags perms { read, write, exec }
            record blob { raw: list<u8> }
            type word = u32;
            type again = word;
            type bytes = list<u8>;
            type pair = tuple<word, bytes>;
            same: func(a: list<u8>, b: option<option<u32>>, c: option<u32>) -> result<r, v>;
            results: func(a: result, b: result<u8>, c: result<_, string>) -> result<list<s8>, option<s8>>;
            named: func(a: word, b: again, c: bytes, d: pair, e: perms, f: colour) -> wide;
            none: func();
        }
        world both { import types; export types; }
        world free {
            import i: func(a: list<u8>, b: result<list<u8>, string>) -> tuple<u8, list<u8>>;
            export e: func(a: list<u8>) -> result<list<u8>, string>;
        }";

    maps_and_fixed_length_lists: ["w"], "
        package a:b;
        interface i {
            type ages = map<string, u32>;
            record r { m: map<u32, ages>, key: list<u8, 16>, grid: list<list<f32, 3>, 3> }
            type deep = map<string, map<char, option<r>>>;
            f: func(a: map<string, u32>, b: list<u8, 16>, c: list<u8, 17>) -> deep;
        }
        world w { import i; export i; }";

    streams_futures_and_error_contexts: ["w"], "
        package a:b;
        interface i {
            record item { id: u32, name: string }
            type lines = stream<string>;
            type failure = error-context;
            resource r;
            unit: func(a: stream, b: future) -> tuple<stream, future>;
            typed: func(a: stream<u8>, b: future<result<item, error-context>>, c: lines) -> failure;
            nested: func(a: stream<future<stream<item>>>, b: stream<r>) -> future<borrow-free>;
            type borrow-free = list<r>;
        }
        world w { import i; export i; }";

    async_functions_are_types_of_their_own: ["w"], "
        package a:b;
        interface i {
            blocking: func(x: u32) -> string;
            suspending: async func(x: u32) -> string;
            again: async func(x: u32) -> string;
            other-name: async func(y: u32) -> string;
        }
        world w {
            import i;
            import f: async func() -> u32;
            import g: func() -> u32;
            export i;
            export h: async func(s: stream<u8>) -> result<_, string>;
        }";

    resources: ["w"], "
        package a:b;
        interface i {
            free: func(a: borrow<file>, b: dir) -> list<file>;
            resource dir {
                open: func(name: string) -> result<file, code>;
                walk: async func() -> stream<dir>;
                root: static func() -> dir;
                temporary: static async func() -> result<dir, code>;
                constructor(path: string);
            }
            enum code { missing, denied }
            resource file {
                constructor(size: u64) -> result<file, code>;
                read: func(at: u64) -> list<u8>;
                parent: func() -> own<dir>;
                same: func(other: borrow<file>) -> bool;
            }
            resource plain;
            type alias = file;
            take: func(a: alias, b: borrow<alias>, c: option<borrow<plain>>) -> option<plain>;
        }
        world w { import i; export i; }";

    getters_and_setters: ["w"], "
        package a:b;
        interface i {
            prop: get() -> u64;
            prop: set(value: u64) -> result<_, string>;
            resource blob {
                position: get() -> u64;
                position: set(value: u64);
                limit: static get() -> u64;
            }
        }
        world w { import i; import p: get() -> u64; export q: get() -> u64; export q: set(value: u64); export i; }";

    used_types: ["chain", "deps-of-exports", "world-use"], "
        package a:b;
        interface base { record point { x: u32, y: u32 } resource res; type n = u32; }
        interface middle {
            use base.{point, point as spot, res as handle, n};
            record line { %from: point, to: point }
            touch: func(r: borrow<handle>, n: n, s: spot) -> handle;
        }
        interface top {
            use middle.{line, point as dot, handle};
            use base.{point, res};
            draw: func(l: line, d: dot, p: point, h: handle) -> option<borrow-of>;
            type borrow-of = tuple<res, list<point>>;
        }
        world chain { import top; }
        world deps-of-exports { export top; export middle; }
        world world-use {
            use top.{line, borrow-of};
            use base.{res as thing, point};
            import f: func(l: line, p: list<point>) -> thing;
            export g: func(b: borrow-of, r: borrow<thing>);
            export middle;
        }";

    imported_and_exported: ["w", "partly", "last", "fresh"], "
        package a:b;
        interface t { resource r { constructor(); clone: func() -> r; } record s { r: r } }
        interface u { use t.{r, s}; f: func(s: s) -> r; }
        interface v { use u.{s}; use t.{r}; g: func(r: borrow<r>) -> s; }
        world w { import t; import u; import v; export t; export u; export v; }
        world partly { import u; export u; export t; import v; }
        world last { export v; import t; }
        world fresh { import t; export t; export u; }";

    world_items: ["w"], "
        package a:b;
        interface i { type id = u64; }
        world w {
            export run: func(c: config) -> result<conn, oops>;
            record config { name: string, limits: limits, extra: option<tuple<u8, id>> }
            record limits { max: u32 }
            variant oops { bad(config), worse }
            flags mode { a, b }
            enum level { low, high }
            type text = string;
            type conns = list<conn>;
            use i.{id};
            resource conn {
                constructor(c: config);
                send: func(t: text) -> id;
                receive: async func() -> future<text>;
                all: static func() -> conns;
            }
            import log: func(l: level, m: mode, t: text);
            import local: interface {
                use i.{id};
                record r { id: id }
                resource inner { get: func() -> r; }
                get: func(r: r) -> inner;
            }
            export local2: interface {
                use i.{id};
                resource outer { constructor(id: id); }
                make: func(x: list<outer>) -> outer;
            }
        }";

    includes: ["elsewhere", "base", "more", "renamed"], "
        package a:b;
        package c:d { world elsewhere { import v: func(a: list<u8>, b: option<list<u8>>); } }
        interface i { f: func(); }
        world base { import i; import x: func(); export y: func() -> u8; }
        world more { include base; export i; import z: interface { g: func(); } }
        world renamed { import u: func() -> list<u8>; include c:d/elsewhere; include base with { x as xx, y as yy } }";

    labels: ["imports", "exports", "mixed"], "
        package a:b@1.2.3;
        interface types { resource bucket; enum code { a, b } }
        interface store {
            use types.{bucket, code};
            resource cursor { next: func() -> option<string>; }
            get: func(b: borrow<bucket>, key: string) -> result<string, code>;
        }
        interface logger { log: func(message: string); }
        world imports { import primary: store; import backup: store; import logger; }
        world exports { export primary: store; export backup: store; }
        world mixed { import store; import cache: store; export mirror: store; export store; }";

    external_ids: ["w"], r#"
        package a:b;
        interface i {
            @external-id("the record") record r { x: u32 }
            @external-id("the resource") resource res {
                @external-id("the method") m: func() -> r;
                @external-id("the constructor") constructor();
            }
            @external-id("the alias") type t = u8;
            @external-id("the function") f: func(t: t);
        }
        world w {
            @external-id("an import") import i;
            @external-id("a function") import f: func();
            @external-id("a world type") type t = string;
            @external-id("a world resource") resource res;
            @external-id("inline") import l: interface { @external-id("inner") g: func(); }
            @external-id("a label") import second: i;
            @external-id("an export") export i;
            @external-id("an exported function") export h: async func();
        }"#;

    versions_and_packages: ["w"], "
        package a:b@0.1.0-rc.2+build.5;
        package x:y@1.0.0 { interface i { type t = u32; f: func() -> t; } }
        package x:y@2.0.0 { interface i { resource t; f: func() -> t; } }
        package x:z { interface i { use x:y/i@2.0.0.{t}; g: func(t: t); } }
        world w {
            use x:y/i@1.0.0.{t as old};
            use x:y/i@2.0.0.{t as new};
            import x:z/i;
            export x:y/i@1.0.0;
            export h: func(old: old) -> new;
        }";
}

/// Sizes and indices of more than one LEB128 byte, and names of more than 127 bytes.
#[test]
fn large_worlds() {
    let mut wit = String::from("package a:b; interface i {\n");
    for n in 0..200 {
        wit += &format!(
            "record r{n} {{ a: option<{}>, b: list<tuple<u8, u{}>> }}\n",
            previous(n),
            8 << (n % 4)
        );
        wit += &format!("fun{n}: func(a: r{n}, b: list<r{n}>) -> result<r{n}, r{}>;\n", n / 2);
    }
    let cases: Vec<_> = (0..300).map(|n| format!("c{n}")).collect();
    wit += &format!("enum many {{ {} }}\n}}\n", cases.join(", "));
    let long = ["a"; 100].join("-");
    wit += &format!("world w {{ use i.{{r199}}; import {long}: func(a: r199) -> r199; export i; }}");
    assert_eq!(compare_all(&parse(&wit)), ["w"]);
}

fn previous(n: u32) -> String {
    n.checked_sub(1).map_or("u8".to_string(), |n| format!("r{n}"))
}

fn load(path: &str) -> Resolve {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    let mut resolve = Resolve::default();
    if let Err(error) = resolve.push_path(&path) {
        panic!("{}: {error:?}", path.display());
    }
    resolve
}

/// The worlds of this repository's folder, and with them those of the WASI packages themselves.
#[test]
fn wasi() {
    let names = compare_all(&load("tests/wit-wasi"));
    for name in ["imports", "command", "service", "middleware"] {
        assert!(names.iter().any(|n| n == name), "no world `{name}` in {names:?}");
    }
    assert!(names.len() > 4, "the packages' own worlds are compared too: {names:?}");
}

/// One feature a file, resources among them.
#[test]
fn features() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/wit");
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("the folder can be listed").path();
        let name = path
            .file_name()
            .expect("a file has a name")
            .to_string_lossy()
            .into_owned();
        let resolve = load(&format!("tests/wit/{name}"));
        compare_all(&resolve);
        described(&resolve, path);
    }
}

/// What the loader hands out to be described is the WIT as it was written, although it tells the occurrences of an interface apart.
fn described(resolve: &Resolve, path: std::path::PathBuf) {
    let input = Input {
        paths: vec![path],
        world: Some("both".to_owned()),
        ..Input::default()
    };
    let loaded = input.load().unwrap_or_else(|errors| panic!("{errors}"));
    let mut worlds = resolve.worlds.iter();
    let (id, _) = worlds
        .find(|(_, world)| world.name == "both")
        .expect("each file has this world");
    let encode = |resolve, id| component_type::encode(resolve, id).unwrap_or_else(|error| panic!("{error}"));
    assert!(encode(&loaded.written, loaded.world) == encode(resolve, id));
}

#[test]
fn benchmark_worlds() {
    for (file, world) in [("bench", "bench"), ("minimal", "minimal")] {
        let names = compare_all(&load(&format!("benches/wit/{file}.wit")));
        assert!(
            names.iter().any(|name| name == world),
            "no world `{world}` in {names:?}"
        );
    }
}

/// A module with one import, an exported function, and an exported interface's function, all on numbers.
fn module(section: &[u8]) -> Vec<u8> {
    use wasm_encoder::{
        CodeSection, CustomSection, EntityType, ExportKind, ExportSection, FunctionSection, ImportSection, Module,
        TypeSection, ValType,
    };
    let mut types = TypeSection::new();
    types.ty().function([ValType::I32], [ValType::I32]);
    let mut imports = ImportSection::new();
    imports.import("a:b/host@0.1.0", "get", EntityType::Function(0));
    let mut functions = FunctionSection::new();
    functions.function(0).function(0);
    let mut exports = ExportSection::new();
    exports.export("run", ExportKind::Func, 1);
    exports.export("a:b/api@0.1.0#next", ExportKind::Func, 2);
    let mut code = CodeSection::new();
    for _ in 0..2 {
        let mut body = wasm_encoder::Function::new([]);
        body.instructions().local_get(0).call(0).end();
        code.function(&body);
    }
    let mut module = Module::new();
    module
        .section(&types)
        .section(&imports)
        .section(&functions)
        .section(&exports)
        .section(&code);
    module.section(&CustomSection {
        name: "component-type:a:b/w".into(),
        data: section.into(),
    });
    module.finish()
}

/// The names of a world's imports or exports, with the functions of interfaces.
fn outline<'a>(resolve: &Resolve, items: impl IntoIterator<Item = (&'a WorldKey, &'a WorldItem)>) -> Vec<String> {
    let describe = |(key, item): (&WorldKey, &WorldItem)| {
        let mut text = resolve.name_world_key(key);
        if let WorldItem::Interface { id, .. } = item {
            let functions: Vec<_> = resolve.interfaces[*id].functions.keys().cloned().collect();
            text += &format!(" {functions:?}");
        }
        text
    };
    items.into_iter().map(describe).collect()
}

#[test]
fn the_component_tools_accept_the_section() {
    let resolve = parse(
        "package a:b@0.1.0;
        interface api { type n = u32; next: func(a: n) -> n; }
        interface host { get: func(a: u32) -> u32; }
        world w { import host; export api; export run: func(a: u32) -> u32; }",
    );
    let (id, world) = resolve.worlds.iter().next().expect("the WIT has a world");
    let section = component_type::encode(&resolve, id).expect("the world encodes");
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&module(&section))
        .and_then(|encoder| encoder.encode())
        .unwrap_or_else(|error| panic!("the module becomes a component: {error:?}"));
    let decoded = wit_component::decode(&component).expect("the component decodes");
    let DecodedWasm::Component(decoded, decoded_world) = decoded else {
        panic!("a component, not a WIT package");
    };
    let decoded_world = &decoded.worlds[decoded_world];
    assert_eq!(
        outline(&decoded, &decoded_world.imports),
        outline(&resolve, &world.imports)
    );
    let exports = outline(&resolve, &world.exports);
    let mut decoded_exports = outline(&decoded, &decoded_world.exports);
    decoded_exports.sort_by_key(|name| exports.iter().position(|export| export == name));
    assert_eq!(decoded_exports, exports);
    assert_eq!(exports, ["run", "a:b/api@0.1.0 [\"next\"]"]);
}
