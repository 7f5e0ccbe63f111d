//! The commands, through the library behind `bindgen`.

mod support;

use std::fs;
use std::path::Path;

use support::{bindgen, scratch, text};
use witflow_bindgen_rust::core::component_type;
use witflow_bindgen_rust::core::load::Input;

const WIT: &str = "package test:cli; world tool { export run: func(); }";

/// The description of `WIT` as the section a linker would find.
fn component_type_section() -> String {
    let loaded = Input {
        inline: Some(WIT.to_owned()),
        ..Input::default()
    }
    .load()
    .expect("the WIT is valid");
    let bytes = component_type::encode(&loaded.written, loaded.world).expect("the world can be encoded");
    let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!("(@custom \"component-type:test\" \"{escaped}\")")
}

#[track_caller]
fn componentize(module: &str) -> Vec<u8> {
    let directory = scratch();
    let (core, out) = (directory.path().join("core.wasm"), directory.path().join("out.wasm"));
    fs::write(&core, wat::parse_str(module).expect("the module is valid")).expect("it can be written");
    let (done, _, err) = bindgen(&["component", text(&core), "-o", text(&out)]);
    assert!(done, "{err}");
    fs::read(&out).expect("the component was written")
}

/// Whether the component imports an interface of this package.
fn imports(component: &[u8], package: &str) -> bool {
    String::from_utf8_lossy(component).contains(package)
}

#[test]
fn a_module_that_needs_nothing_becomes_a_component() {
    let module = format!("(module (func (export \"run\")) {})", component_type_section());
    assert!(!imports(&componentize(&module), "wasi:"));
}

#[test]
fn the_preview1_adapter_is_added_when_the_module_needs_it() {
    let module = format!(
        "(module
            (import \"wasi_snapshot_preview1\" \"random_get\" (func $random (param i32 i32) (result i32)))
            (memory (export \"memory\") 1)
            (func (export \"run\") (drop (call $random (i32.const 0) (i32.const 8))))
            (func (export \"cabi_realloc\") (param i32 i32 i32 i32) (result i32) unreachable)
            {})",
        component_type_section()
    );
    assert!(imports(&componentize(&module), "wasi:random/random@0.2"));
}

#[test]
fn check_prints_what_differs() {
    let directory = scratch();
    let wit = directory.path().join("tool.wit");
    fs::write(&wit, WIT).expect("the WIT can be written");
    let out_dir = directory.path().join("out");
    let args = ["rust", "--out-dir", text(&out_dir), text(&wit)];
    let check = ["rust", "--check", "--out-dir", text(&out_dir), text(&wit)];
    assert!(!bindgen(&check).0, "nothing is there yet");
    assert!(bindgen(&args).0);
    assert_eq!(bindgen(&check), (true, String::new(), String::new()));

    let file = out_dir.join("tool.rs");
    let changed = fs::read_to_string(&file)
        .expect("it was written")
        .replace("fn run();", "fn walk();");
    fs::write(&file, changed).expect("it can be changed");
    let (done, out, _) = bindgen(&check);
    assert!(!done && out.contains("-    fn walk();\n+    fn run();"), "{out}");
}

#[test]
fn a_directory_of_packages_is_a_world_each() {
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/wit");
    let count = fs::read_dir(&wit).expect("tests/wit can be listed").count();
    let out_dir = scratch();
    let (done, out, err) = bindgen(&["rust", "--world", "both", "--out-dir", text(out_dir.path()), text(&wit)]);
    assert!(done, "{err}");
    assert_eq!(
        fs::read_dir(out_dir.path()).expect("it was made").count(),
        count,
        "{out}"
    );
}

#[test]
fn a_listing_shows_signatures_and_instructions() {
    let wit = "package a:b; interface i { f: async func(x: string) -> u32; } world w { import i; }";
    let (done, out, _) = bindgen(&["listing", "--inline", wit]);
    assert!(done);
    for line in [
        "import a:b/i#f: async func(x: string) -> u32",
        "  core (pointer, length, pointer) -> (i32)  \"a:b/i\" \"[async-lower]f\"",
        "  area 4 align 4",
        "    v2 v3 = lower-string v0",
        "    v2 = lift u32 v1",
    ] {
        assert!(out.lines().any(|found| found == line), "{line:?} is not in\n{out}");
    }
}

#[test]
fn help_shows_the_options_that_say_something() {
    let help =
        |command: &str| witflow_cli::Command::from_args(["bindgen", command, "--help"]).expect_err("help is asked for");
    let (rust, host) = (help("rust"), help("host"));
    for (option, for_guests, for_hosts) in [
        ("--world", true, true),
        ("--stubs", true, false),
        ("--async ", true, false),
        ("--concurrent-imports", false, true),
        ("--format", false, false),
    ] {
        assert_eq!(
            (rust.contains(option), host.contains(option)),
            (for_guests, for_hosts),
            "{option}"
        );
    }
}
