//! What is generated for each one-feature WIT file, kept as text and compiled.
//!
//! For every `tests/wit/NAME.wit` there is the code (`tests/golden/NAME.rs`) and the listing of its instructions
//! (`tests/golden/NAME.txt`) of its world `both`. The test `compiled` compiles the code. For some of them, one of each kind, there is
//! also the code for a host (`tests/golden/host/NAME.rs`), which the test `compiled_host` compiles by the macro. After a wanted change,
//! `cargo xtask bless` writes them anew.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use witflow_bindgen_rust::core::listing;
use witflow_bindgen_rust::core::world::World;
use witflow_bindgen_rust::{Options, generate, host, output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Every WIT file under the name its golden has.
fn cases() -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(root().join("wit")).expect("tests/wit can be listed");
    let mut cases: Vec<(String, PathBuf)> = entries
        .map(|entry| entry.expect("tests/wit can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "wit"))
        .map(|path| {
            (
                path.file_stem()
                    .expect("a file has a name")
                    .to_string_lossy()
                    .replace('-', "_"),
                path,
            )
        })
        .collect();
    cases.sort();
    cases
}

/// Compares with the file of that name, or writes it if `WITFLOW_BLESS` is set; gives the difference.
fn compare(name: &str, actual: &str) -> Option<String> {
    let path = root().join("golden").join(name);
    if std::env::var_os("WITFLOW_BLESS").is_some() {
        fs::write(&path, actual).expect("goldens can be written");
        return None;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if expected == actual {
        return None;
    }
    let diff = similar::TextDiff::from_lines(expected.as_str(), actual);
    Some(
        diff.unified_diff()
            .header(&format!("tests/golden/{name}"), "generated")
            .to_string(),
    )
}

#[track_caller]
fn check(differences: Vec<String>) {
    assert!(
        differences.is_empty(),
        "{}\n`cargo xtask bless` accepts this",
        differences.join("\n")
    );
}

fn options(path: PathBuf) -> Options {
    Options {
        path: vec![path],
        world: Some("both".to_owned()),
        ..Options::default()
    }
}

#[test]
fn code() {
    let code = |(name, path): (String, PathBuf)| {
        let options = options(path);
        let loaded = options.input().load().unwrap_or_else(|errors| panic!("{errors}"));
        let tokens = generate(&loaded, &options, None).unwrap_or_else(|errors| panic!("{errors}"));
        let text = output::print(tokens).unwrap_or_else(|error| panic!("{error}"));
        compare(&format!("{name}.rs"), &text)
    };
    check(cases().into_iter().filter_map(code).collect());
}

/// The files whose code for a host is kept.
const OF_HOSTS: &[&str] = &[
    "alias",
    "enum3",
    "flags8",
    "keywords",
    "resource_async",
    "resource_both",
    "stream_in_record",
    "variant_mixed",
    "world_functions",
];

#[test]
fn code_for_hosts() {
    let code = |(name, path): (String, PathBuf)| {
        let options = options(path);
        let loaded = options.input().load().unwrap_or_else(|errors| panic!("{errors}"));
        let tokens = host::generate(&loaded, &options).unwrap_or_else(|errors| panic!("{errors}"));
        let text = output::print(tokens).unwrap_or_else(|error| panic!("{error}"));
        compare(&format!("host/{name}.rs"), &text)
    };
    let kept = |(name, _): &(String, PathBuf)| OF_HOSTS.contains(&name.as_str());
    let kept: Vec<_> = cases().into_iter().filter(kept).collect();
    assert_eq!(kept.len(), OF_HOSTS.len(), "each is in tests/wit");
    check(kept.into_iter().filter_map(code).collect());
}

#[test]
fn listings() {
    let list = |(name, path): (String, PathBuf)| {
        let loaded = options(path).input().load().unwrap_or_else(|errors| panic!("{errors}"));
        let world = World::new(&loaded.resolve, loaded.world, &mut |_, _, _| true);
        let world = world.unwrap_or_else(|errors| panic!("{errors}"));
        compare(&format!("{name}.txt"), &listing::list(&world))
    };
    check(cases().into_iter().filter_map(list).collect());
}

#[test]
fn every_golden_is_compiled() {
    let mut modules = "//! The generated code of every WIT file, compiled.\n\n".to_owned();
    for (name, _) in cases() {
        writeln!(modules, "mod {name};").expect("a string takes all text");
    }
    check(compare("mod.rs", &modules).into_iter().collect());
}
