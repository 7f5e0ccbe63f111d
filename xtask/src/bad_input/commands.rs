//! The cases of the `bindgen` command.

use std::path::Path;

use anyhow::Result;

use super::case::{CASE, Case, succeed};
use super::sandbox::Sandbox;
use crate::files::write;

/// Two worlds, so that one has to be chosen.
pub(super) const TWO: (&str, &str) = (
    "two.wit",
    "package demo:two;
interface log { write: async func(line: string); }
world pipeline { import log; export run: async func(); }
world client { import log; }
",
);

const MANY_FLAGS: &str = "package demo:bad;
world w {
  flags many {
    a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15, a16, a17, a18, a19, a20, a21, a22, a23, a24, a25,
    a26, a27, a28, a29, a30, a31, ‸a32
  }
  export run: func(x: many);
}
";

/// The beginning of every core module.
const EMPTY_MODULE: (&str, &str) = ("core.wasm", "\0asm\x01\0\0\0");

/// All cases.
pub(crate) fn cases() -> impl Iterator<Item = &'static Case> {
    WIT.iter()
        .chain(super::options::CASES)
        .chain(UNSUPPORTED)
        .chain(COMPONENT)
        .chain(CHECK)
}

const WIT: &[Case] = &[
    Case {
        name: "missing WIT",
        args: "rust nowhere.wit",
        says: &["no WIT file or directory at `nowhere.wit`"],
        ..CASE
    },
    Case {
        name: "no WIT given",
        args: "rust",
        says: &["WIT"],
        ..CASE
    },
    Case {
        name: "folder without WIT",
        args: "rust empty",
        files: &[("empty/readme", "")],
        says: &["empty"],
        ..CASE
    },
    Case {
        name: "syntax error",
        files: &[(
            "bad.wit",
            "package demo:bad;\n\nworld w {\n  export run: func(x ‸u32);\n}\n",
        )],
        args: "rust bad.wit",
        says: &["expected ':', found keyword `u32`"],
        ..CASE
    },
    Case {
        name: "syntax error in a folder",
        files: &[
            ("wit/a.wit", "package demo:bad;\nworld w {}\n"),
            ("wit/b.wit", "interface ‸{}\n"),
        ],
        args: "rust wit",
        says: &["expected an identifier"],
        ..CASE
    },
    Case {
        name: "unknown type",
        files: &[(
            "bad.wit",
            "package demo:bad;\nworld w {\n  export run: func(x: ‸nope);\n}\n",
        )],
        args: "rust bad.wit",
        says: &["`nope`"],
        ..CASE
    },
    Case {
        name: "unknown package",
        files: &[("bad.wit", "package demo:bad;\nworld w {\n  import ‸other:pkg/api;\n}\n")],
        args: "rust bad.wit",
        says: &["other:pkg", "deps"],
        ..CASE
    },
    Case {
        name: "WIT that is binary",
        files: &[("bad.wit", "‸\0\x01\x02")],
        args: "rust bad.wit",
        says: &["error: "],
        ..CASE
    },
    Case {
        name: "unknown world",
        files: &[TWO],
        args: "rust two.wit --world piepline",
        says: &["no world `piepline`", "did you mean `pipeline`?"],
        ..CASE
    },
    Case {
        name: "unknown world, listing",
        files: &[TWO],
        args: "listing two.wit --world piepline",
        says: &["no world `piepline`", "did you mean `pipeline`?"],
        ..CASE
    },
    Case {
        name: "malformed world",
        files: &[TWO],
        args: "rust two.wit --world a//b",
        says: &["`a//b`", "demo:two/client"],
        ..CASE
    },
    Case {
        name: "ambiguous world",
        files: &[TWO],
        args: "rust two.wit",
        says: &["2 worlds", "`demo:two/pipeline`", "`demo:two/client`"],
        ..CASE
    },
    Case {
        name: "no world",
        files: &[("bad.wit", "package demo:bad;\ninterface api {}\n")],
        args: "rust bad.wit",
        says: &["defines no world"],
        ..CASE
    },
    Case {
        name: "no world, one asked for",
        files: &[("bad.wit", "package demo:bad;\ninterface api {}\n")],
        args: "rust bad.wit --world w",
        says: &["no world `w`"],
        ..CASE
    },
    Case {
        name: "package given twice",
        files: &[TWO],
        args: "rust two.wit two.wit --world client",
        says: &["`demo:two`"],
        ..CASE
    },
    Case {
        name: "several bad files",
        files: &[
            ("bad.wit", "package demo:bad;\nworld ‸{}\n"),
            ("worse.wit", "package demo:worse;\nworld w ‸}\n"),
        ],
        args: "rust bad.wit nowhere.wit worse.wit",
        says: &["nowhere.wit"],
        ..CASE
    },
];

const UNSUPPORTED: &[Case] = &[
    Case {
        name: "borrow in a stream",
        files: &[(
            "bad.wit",
            "package demo:bad;\ninterface api {\n  resource file;\n  record look { at: borrow<file> }\n  read: func(‸x: stream<look>);\n}\nworld w { import api; }\n",
        )],
        args: "rust bad.wit",
        says: &[
            "parameter `x` of `read`",
            "holds a `borrow`",
            "pass the resource itself",
        ],
        ..CASE
    },
    Case {
        name: "handle in a map",
        files: &[(
            "bad.wit",
            "package demo:bad;\nworld w {\n  export run: func(‸x: list<map<string, option<error-context>>>);\n}\n",
        )],
        args: "rust bad.wit",
        says: &["parameter `x` of `run`", "map whose values hold a handle"],
        ..CASE
    },
    Case {
        name: "33 flags",
        files: &[("bad.wit", MANY_FLAGS)],
        args: "rust bad.wit",
        says: &["32 flags"],
        ..CASE
    },
    Case {
        name: "stream<char>",
        files: &[(
            "bad.wit",
            "package demo:bad;\nworld w {\n  record chat { ‸text: stream<char> }\n  export run: func(x: chat);\n}\n",
        )],
        args: "rust bad.wit",
        says: &["field `text` of type `chat`", "`stream<char>`", "stream<u8>"],
        ..CASE
    },
    Case {
        name: "list of no elements",
        files: &[(
            "bad.wit",
            "package demo:bad;\nworld w {\n  export run: func(‸x: list<u8, 0>);\n}\n",
        )],
        args: "rust bad.wit",
        says: &["parameter `x` of `run`", "list<u8, 0>"],
        ..CASE
    },
    Case {
        name: "list larger than memory",
        files: &[(
            "bad.wit",
            "package demo:bad;\nworld w {\n  export run: func(‸x: list<list<u64, 4294967295>, 4294967295>);\n}\n",
        )],
        args: "rust bad.wit",
        says: &["parameter `x` of `run`"],
        ..CASE
    },
    Case {
        name: "several unsupported types",
        files: &[(
            "bad.wit",
            "package demo:bad;\nworld w {\n  export a: func(‸x: map<u8, stream>);\n  export b: func(‸y: stream<char>);\n  import c: func(‸z: option<stream<char>>);\n}\n",
        )],
        args: "listing bad.wit",
        says: &["`x` of `a`", "`y` of `b`", "`z` of `c`"],
        ..CASE
    },
];

const COMPONENT: &[Case] = &[
    Case {
        name: "module without a component type",
        files: &[EMPTY_MODULE],
        args: "component core.wasm -o out.wasm",
        says: &["`core.wasm` has no component-type section"],
        ..CASE
    },
    Case {
        name: "file that is no module",
        files: &[("core.wasm", "hello")],
        args: "component core.wasm -o out.wasm",
        says: &["`core.wasm` is not a WebAssembly module"],
        ..CASE
    },
    Case {
        name: "component instead of a module",
        files: &[("core.wasm", "\0asm\x0d\0\x01\0")],
        args: "component core.wasm -o out.wasm",
        says: &["`core.wasm` is a component already"],
        ..CASE
    },
    Case {
        name: "truncated module",
        files: &[("core.wasm", "\0asm\x01\0\0\0\x01\x7f")],
        args: "component core.wasm -o out.wasm",
        says: &["`core.wasm` is not a WebAssembly module"],
        ..CASE
    },
    Case {
        name: "missing module",
        args: "component nowhere.wasm -o out.wasm",
        says: &["`nowhere.wasm` cannot be read"],
        ..CASE
    },
    Case {
        name: "folder as a module",
        args: "component . -o out.wasm",
        says: &["`.` cannot be read"],
        ..CASE
    },
    Case {
        name: "component without output",
        files: &[EMPTY_MODULE],
        args: "component core.wasm",
        code: 2,
        says: &["--output"],
        ..CASE
    },
];

const CHECK: &[Case] = &[
    Case {
        name: "check without a difference",
        files: &[TWO],
        setup: generate,
        args: "rust two.wit --world client --out-dir out --check",
        code: 0,
        ..CASE
    },
    Case {
        name: "check with a difference",
        files: &[TWO],
        setup: generate_and_change,
        args: "rust two.wit --world client --out-dir out --check",
        prints: &[
            "--- ",
            "+++ ",
            "@@ ",
            "\n-// changed\n",
            "client.rs",
            "`bindgen rust` with the same options writes it",
        ],
        ..CASE
    },
    Case {
        name: "check of a missing file",
        files: &[TWO],
        args: "rust two.wit --world client --out-dir out --check",
        prints: &["client.rs", "`bindgen rust` with the same options writes it"],
        ..CASE
    },
    Case {
        name: "output folder that is a file",
        files: &[TWO, ("out", "")],
        args: "rust two.wit --world client --out-dir out",
        says: &["cannot be written"],
        ..CASE
    },
];

fn generate(sandbox: &Sandbox, folder: &Path) -> Result<()> {
    succeed(sandbox, folder, "rust two.wit --world client --out-dir out")
}

fn generate_and_change(sandbox: &Sandbox, folder: &Path) -> Result<()> {
    generate(sandbox, folder)?;
    let file = folder.join("out/client.rs");
    write(&file, &(std::fs::read_to_string(&file)? + "// changed\n"))
}
