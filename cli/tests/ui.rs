//! Each diagnostic of the generator, as it is printed: `tests/ui/NAME.wit` is the input, `NAME.txt` what is said about it.
//!
//! Lines of the input that begin with `// option: ` are one argument of the command line each; `{this}` stands for the input's path. A
//! line `// for a host` asks for the bindings of a host, others are for guests. The
//! last test looks up where in the generator diagnostics are made, so that none is without an input.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use witflow_bindgen_rust::core::diagnostic::Diagnostics;
use witflow_bindgen_rust::{Options, generate, host};

#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    options: Options,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The inputs in order.
fn inputs() -> Vec<PathBuf> {
    let files = fs::read_dir(root().join("tests/ui")).expect("tests/ui can be listed");
    let mut inputs: Vec<PathBuf> = files.map(|file| file.expect("tests/ui can be listed").path()).collect();
    inputs.retain(|path| path.extension().is_some_and(|extension| extension == "wit"));
    inputs.sort();
    inputs
}

/// What the generator says about an input.
fn diagnostics(input: &Path) -> Diagnostics {
    let text = fs::read_to_string(input).expect("an input is text");
    let path = input.to_str().expect("the path is text");
    let given = text.lines().filter_map(|line| line.strip_prefix("// option: "));
    let mut args: Vec<String> = given.map(|arg| arg.replace("{this}", path)).collect();
    let names_input = |arg: &String| Path::new(arg).extension().is_some_and(|extension| extension == "wit");
    if !args.iter().any(names_input) {
        args.push(path.to_owned());
    }
    args.insert(0, "bindgen".to_owned());
    let options = Arguments::try_parse_from(&args).unwrap_or_else(|error| panic!("{path}: {error}"));
    let options = options.options;
    let for_host = text.lines().any(|line| line == "// for a host");
    let result = options.input().load().and_then(|loaded| match for_host {
        true => host::generate(&loaded, &options),
        false => generate(&loaded, &options, None),
    });
    result.expect_err(path)
}

#[test]
fn diagnostics_are_what_was_expected() {
    let bless = std::env::var_os("WITFLOW_BLESS").is_some();
    let mut wrong = Vec::new();
    for input in inputs() {
        let folder = input.parent().expect("an input is in a folder").display().to_string();
        let said = format!("{}\n", diagnostics(&input)).replace(&format!("{folder}/"), "");
        let expected = input.with_extension("txt");
        if bless {
            fs::write(&expected, said).expect("the expectation can be written");
        } else if fs::read_to_string(&expected).unwrap_or_default() != said {
            wrong.push(format!("{}:\n{said}", input.display()));
        }
    }
    assert!(
        wrong.is_empty(),
        "`cargo xtask bless` would accept this:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_diagnostic_comes_with_a_hint() {
    for input in inputs() {
        for diagnostic in diagnostics(&input).0 {
            assert!(diagnostic.help.is_some(), "{}: {diagnostic}", input.display());
            let about_something = diagnostic.place.is_some() || diagnostic.option.is_some();
            assert!(about_something, "{}: {diagnostic}", input.display());
        }
    }
}

/// What no input leads to, by file and the beginning of its line, and why.
const UNREACHABLE: &[(&str, &str, &str)] = &[
    (
        "bindgen-core/src/abi/layout.rs",
        ".map_err(|error| Diagnostic::new(error.to_string()))",
        "lists of this length are refused before",
    ),
    (
        "bindgen-core/src/load.rs",
        "return Diagnostic::new(format!(\"the WIT cannot be resolved",
        "the errors of wit-parser are of two kinds, both with a place",
    ),
    (
        "bindgen-core/src/check.rs",
        "self.refuse(at.span, Diagnostic::new(message).help(TOO_MANY_FLAGS))",
        "wit-parser refuses so many flags before",
    ),
    (
        "bindgen-rust/src/component_type.rs",
        "let failed = ",
        "what cannot be encoded is refused before",
    ),
    (
        "bindgen-rust/src/output.rs",
        "Diagnostic::new(",
        "what was generated is Rust",
    ),
    (
        "bindgen-rust/src/options.rs",
        "let diagnostic = Diagnostic::new(format!(\"there is no option",
        "the macro's: clap has its own words for it",
    ),
];

/// The places in the generator where diagnostics are made.
fn places() -> BTreeSet<(String, u32)> {
    let mut places = BTreeSet::new();
    for folder in [
        "bindgen-core/src",
        "bindgen-core/src/abi",
        "bindgen-core/src/component_type",
        "bindgen-rust/src",
        "bindgen-rust/src/host",
    ] {
        for file in fs::read_dir(root().join(folder)).expect("the generator's source is there") {
            let path = file.expect("the generator's source is there").path();
            if path.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            let file = format!("{folder}/{}", path.file_name().unwrap_or_default().to_string_lossy());
            let text = fs::read_to_string(&path).expect("source is text");
            let code = text.split("#[cfg(test)]\nmod").next().unwrap_or_default();
            for (line, number) in code.lines().zip(1..) {
                let unreachable =
                    |(known, start, _): &&(&str, &str, &str)| *known == file && line.trim().starts_with(start);
                if line.contains("Diagnostic::new(") && UNREACHABLE.iter().find(unreachable).is_none() {
                    places.insert((file.clone(), number));
                }
            }
        }
    }
    places
}

#[test]
fn every_diagnostic_has_an_input() {
    let mut seen = BTreeSet::new();
    for diagnostic in inputs().iter().flat_map(|input| diagnostics(input).0) {
        let file = diagnostic.origin.file().replace('\\', "/");
        seen.insert((file, diagnostic.origin.line()));
    }
    let places = places();
    assert!(places.len() > 20, "diagnostics are looked for in the wrong place");
    let without: Vec<_> = places.difference(&seen).collect();
    assert!(without.is_empty(), "no input in tests/ui leads to {without:#?}");
}
