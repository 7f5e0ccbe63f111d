//! The three front ends make the same code of the same options, for every one-feature WIT file and for every option, both for guests
//! and for hosts.

mod options;

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Parser;
use proc_macro2::TokenStream;
use quote::quote;
use tempfile::TempDir;
use witflow_bindgen_rust::output;
use witflow_build::Builder;

use crate::input::Input;
use crate::{Generate, expand, guest, host};

fn manifest() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn wit(name: &str) -> PathBuf {
    manifest()
        .parent()
        .expect("the crate is in the workspace")
        .join("tests/wit")
        .join(name)
}

fn scratch() -> TempDir {
    tempfile::tempdir().expect("a temporary directory can be made")
}

/// Who the bindings are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Guest,
    Host,
}

impl Side {
    fn generate(self) -> Generate {
        match self {
            Self::Guest => guest,
            Self::Host => host,
        }
    }

    fn file(self, world: &str) -> String {
        match self {
            Self::Guest => format!("{world}.rs"),
            Self::Host => format!("{world}_host.rs"),
        }
    }
}

/// What the macro makes, as a file, without the part that only the macro needs.
fn by_macro(side: Side, options: &str) -> String {
    let options = TokenStream::from_str(options).expect("options are tokens");
    let bindings = expand(quote!([::witflow] { #options }), manifest(), side.generate());
    let bindings = bindings.unwrap_or_else(|errors| panic!("{errors}"));
    let text = output::print(bindings).unwrap_or_else(|error| panic!("{error}"));
    text.split("\nconst _: &[u8] = ::core::include_bytes!")
        .next()
        .expect("a text has a start")
        .to_owned()
        + "\n"
}

fn by_command_line(side: Side, directory: &Path, world: &str, args: &[&str]) -> String {
    let directory = directory.join("cli");
    let out_dir = directory.to_str().expect("the path is text");
    let command = match side {
        Side::Guest => "rust",
        Side::Host => "host",
    };
    let args = ["bindgen", command, "--out-dir", out_dir]
        .into_iter()
        .chain(args.iter().copied());
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let done = witflow_cli::Command::parse_from(args).run(&mut out, &mut err);
    assert!(done, "{}", String::from_utf8_lossy(&err));
    fs::read_to_string(directory.join(side.file(world))).expect("the file was written")
}

fn by_build_script(side: Side, directory: &Path, world: &str, builder: Builder, wit: &Path) -> String {
    let directory = directory.join("build");
    let builder = builder.out_dir(&directory);
    let compiled = match side {
        Side::Guest => builder.compile(wit),
        Side::Host => builder.compile_host(wit),
    };
    compiled.unwrap_or_else(|errors| panic!("{errors}"));
    fs::read_to_string(directory.join(side.file(world))).expect("the file was written")
}

#[track_caller]
fn check(
    (side, name): (Side, &str),
    world: &str,
    options: &str,
    args: &[&str],
    builder: Builder,
    wit: &Path,
) -> String {
    let directory = scratch();
    let directory = directory.path();
    let expected = by_macro(side, options);
    assert_eq!(
        expected.trim_end(),
        by_command_line(side, directory, world, args).trim_end(),
        "{name}: command line"
    );
    assert_eq!(
        expected.trim_end(),
        by_build_script(side, directory, world, builder, wit).trim_end(),
        "{name}: build script"
    );
    expected
}

#[test]
fn every_feature() {
    let files = fs::read_dir(wit("")).expect("tests/wit can be listed");
    let mut count = 0;
    for file in files {
        let path = file.expect("tests/wit can be listed").path();
        let text = path.to_str().expect("the path is text");
        let name = path.file_stem().expect("a file has a name").to_string_lossy();
        for side in [Side::Guest, Side::Host] {
            let builder = witflow_build::configure().world("both");
            check(
                (side, &name),
                "both",
                &format!("path: {text:?}, world: \"both\""),
                &["--world", "both", text],
                builder,
                &path,
            );
        }
        count += 1;
    }
    assert!(count >= 60, "there are {count} WIT files");
}

#[test]
fn wasi() {
    let worlds: [(&str, &[&str]); 2] = [
        ("wit-wasi-0.2", &["imports", "command", "proxy"]),
        ("wit-wasi", &["imports", "command", "service", "middleware"]),
    ];
    for (folder, worlds) in worlds {
        let path = wit("").with_file_name(folder);
        let text = path.to_str().expect("the path is text");
        for world in worlds {
            for side in [Side::Guest, Side::Host] {
                let builder = witflow_build::configure().world(*world);
                let options = format!("path: {text:?}, world: {world:?}");
                check(
                    (side, world),
                    world,
                    &options,
                    &["--world", world, text],
                    builder,
                    &path,
                );
            }
        }
    }
}

#[test]
fn every_wit_file_is_watched() {
    let path = wit("").with_file_name("wit-wasi-0.2");
    let text = path.to_str().expect("the path is text");
    let code = expand(quote!([::witflow] { path: #text, world: "command" }), manifest(), guest)
        .unwrap_or_else(|errors| panic!("{errors}"))
        .to_string();
    for file in [
        "world.wit",
        "deps/cli/run.wit",
        "deps/io/poll.wit",
        "deps/sockets/tcp.wit",
    ] {
        let file = path.join(file);
        let included = format!("include_bytes ! ({:?})", file.display().to_string());
        assert!(code.contains(&included), "{included}");
    }
}

#[test]
fn short_forms() {
    let parse = |tokens: TokenStream| {
        Input::parse(tokens, Path::new("/here"))
            .expect("the form is known")
            .options
    };
    let both = parse(quote!([::witflow] "w" in "some/wit"));
    assert_eq!(
        (both.world.as_deref(), both.path),
        (Some("w"), vec![PathBuf::from("/here/some/wit")])
    );
    assert_eq!(parse(quote!([::witflow])).path, [PathBuf::from("/here/wit")]);
    assert_eq!(parse(quote!([::witflow] in "x")).world, None);
}

#[track_caller]
fn fails(options: TokenStream, expected: &[&str]) {
    let errors = expand(quote!([::witflow] { #options }), manifest(), guest)
        .expect_err("this is wrong")
        .to_string();
    for text in expected {
        assert!(errors.contains(text), "{text:?} is not in {errors}");
    }
}

#[test]
fn errors_come_together() {
    fails(
        quote!(wolrd: "x", path: 3, features: a, world: "x" world: "y", stubs: "no", stubs),
        &[
            "did you mean `world`?",
            "expected a path as text",
            "expected square brackets\\nhelp: for example `features: [",
            "expected `,`",
            "expected boolean literal",
            "`stubs` is given twice",
        ],
    );
    let wit = "package a:b; interface i { f: async func(); } world w { import i; }";
    fails(
        quote!(inline: #wit, with: { "a:b/j": here }, async: ["a:b/i#g"], additional_derives_ignore: ["x"]),
        &[
            "names `a:b/j`",
            "did you mean `a:b/i`?",
            "the filter `a:b/i#g` matches no",
            "there is no type `x`",
        ],
    );
}
