//! The cases of options that are wrong, or name what is not there.

use super::case::{CASE, Case};
use super::commands::TWO;

/// A type that options can name.
const TYPES: (&str, &str) = (
    "types.wit",
    "package demo:types;
interface api { record point { x: u32, y: u32 } move: func(to: point); }
world w { import api; }
",
);

pub(super) const CASES: &[Case] = &[
    Case {
        name: "unknown command",
        args: "rsut two.wit",
        code: 2,
        says: &["unrecognized subcommand 'rsut'", "'rust'"],
        ..CASE
    },
    Case {
        name: "unknown option",
        files: &[TWO],
        args: "rust two.wit --wrold client",
        code: 2,
        says: &["unexpected argument '--wrold'", "'--world'"],
        ..CASE
    },
    Case {
        name: "option of the wrong type",
        files: &[TWO],
        args: "rust two.wit --world client --with nothing",
        code: 2,
        says: &["invalid value 'nothing' for '--with"],
        ..CASE
    },
    Case {
        name: "option without a value",
        files: &[TWO],
        args: "rust two.wit --world",
        code: 2,
        says: &["a value is required for '--world"],
        ..CASE
    },
    Case {
        name: "option of guests for a host",
        files: &[TWO],
        args: "host two.wit --world client --raw-strings",
        says: &[
            "`raw_strings` is an option of guests' bindings",
            "option: `--raw-strings`",
        ],
        ..CASE
    },
    Case {
        name: "concurrent function that is not there",
        files: &[TWO],
        args: "host two.wit --world client --concurrent-exports demo:two/log#write",
        says: &["matches no exported function", "option: `--concurrent-exports`"],
        ..CASE
    },
    Case {
        name: "with that matches nothing",
        files: &[TWO],
        args: "rust two.wit --world client --with demo:two/lgo=crate::log",
        says: &["`demo:two/lgo`", "did you mean `demo:two/log`?", "option: `--with`"],
        ..CASE
    },
    Case {
        name: "with a path that is none",
        files: &[TWO],
        args: "rust two.wit --world client --with demo:two/log=1+1",
        says: &["`1+1`", "option: `--with`"],
        ..CASE
    },
    Case {
        name: "async that matches nothing",
        files: &[TWO],
        args: "rust two.wit --world pipeline --async export:rnu",
        says: &["`export:rnu` matches no `async` function", "option: `--async`"],
        ..CASE
    },
    Case {
        name: "feature that matches nothing",
        files: &[TWO],
        args: "rust two.wit --world client --features nope",
        says: &["`nope`", "option: `--features`"],
        ..CASE
    },
    Case {
        name: "derives ignored for nothing",
        files: &[TWO],
        args: "rust two.wit --world client -dPartialEq --additional-derive-ignore nope",
        says: &["`nope`", "option: `--additional-derive-ignore`"],
        ..CASE
    },
    Case {
        name: "derive that is none",
        files: &[TWO],
        args: "rust two.wit --world client -d1x",
        says: &["`1x`", "option: `--additional-derive-attributes`"],
        ..CASE
    },
    Case {
        name: "runtime path that is none",
        files: &[TWO],
        args: "rust two.wit --world client --runtime-path 1x",
        says: &["`1x`", "option: `--runtime-path`"],
        ..CASE
    },
    Case {
        name: "export macro name that is none",
        files: &[TWO],
        args: "rust two.wit --world client --export-macro-name 1x",
        says: &["`1x`", "option: `--export-macro-name`"],
        ..CASE
    },
    Case {
        name: "with a type that matches nothing",
        files: &[TYPES],
        args: "rust types.wit --with demo:types/api/pont=crate::Point",
        says: &["did you mean `demo:types/api/point`?", "option: `--with`"],
        ..CASE
    },
    Case {
        name: "sync that matches nothing",
        files: &[TWO],
        args: "rust two.wit --world pipeline --sync demo:two/log#wriet",
        says: &["did you mean `demo:two/log#write`?", "option: `--sync`"],
        ..CASE
    },
    Case {
        name: "skip that matches nothing",
        files: &[TWO],
        args: "rust two.wit --world client --skip wriet",
        says: &["`wriet`", "did you mean `write`?", "option: `--skip`"],
        ..CASE
    },
    Case {
        name: "attribute selector that matches nothing",
        files: &[TYPES],
        args: "rust types.wit --additional-type-attributes demo:types/api/pont=#[non_exhaustive]",
        says: &[
            "`demo:types/api/pont` selects no record, variant or enum",
            "did you mean `demo:types/api/point`?",
            "option: `--additional-type-attributes`",
        ],
        ..CASE
    },
    Case {
        name: "attribute of a member that is none",
        files: &[TYPES],
        args: "rust types.wit --additional-member-attributes point.z=#[deprecated]",
        says: &[
            "`point.z` selects no field or case",
            "option: `--additional-member-attributes`",
        ],
        ..CASE
    },
    Case {
        name: "attribute that is none",
        files: &[TYPES],
        args: "rust types.wit --additional-type-attributes point=derive(Eq)",
        says: &[
            "`derive(Eq)` is not an attribute",
            "option: `--additional-type-attributes`",
        ],
        ..CASE
    },
    Case {
        name: "attribute without a selector",
        files: &[TYPES],
        args: "rust types.wit --additional-type-attributes #[non_exhaustive]",
        code: 2,
        says: &["invalid value '#[non_exhaustive]' for '--additional-type-attributes"],
        ..CASE
    },
    Case {
        name: "paths that are none",
        files: &[TYPES],
        args: "rust types.wit --bitflags-path 1x --map-type 2x --default-bindings-module 3x",
        says: &[
            "`1x`",
            "`2x`",
            "`3x`",
            "option: `--bitflags-path`",
            "option: `--map-type`",
            "`--default-bindings-module`",
        ],
        ..CASE
    },
    Case {
        name: "several bad options",
        files: &[TWO],
        args: "rust two.wit --world pipeline --with a:b/c=d --with e:f/g=h --async rn",
        says: &["`a:b/c`", "`e:f/g`", "`rn`", "did you mean `run`?"],
        ..CASE
    },
];
