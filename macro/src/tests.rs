//! The three front ends make the same code of the same options, for every one-feature WIT file and for every option.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Parser;
use proc_macro2::TokenStream;
use quote::quote;
use tempfile::TempDir;
use witflow_bindgen_rust::options::OPTION_NAMES;
use witflow_bindgen_rust::output;

use crate::expand;
use crate::input::Input;

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

/// What the macro makes, as a file, without the part that only the macro needs.
fn by_macro(options: &str) -> String {
    let options = TokenStream::from_str(options).expect("options are tokens");
    let bindings = expand(quote!([::witflow] { #options }), manifest()).unwrap_or_else(|errors| panic!("{errors}"));
    let text = output::print(bindings).unwrap_or_else(|error| panic!("{error}"));
    text.split("\nconst _: &[u8] = ::core::include_bytes!")
        .next()
        .expect("a text has a start")
        .to_owned()
        + "\n"
}

fn by_command_line(directory: &Path, world: &str, args: &[&str]) -> String {
    let directory = directory.join("cli");
    let out_dir = directory.to_str().expect("the path is text");
    let args = ["bindgen", "rust", "--out-dir", out_dir]
        .into_iter()
        .chain(args.iter().copied());
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let done = witflow_cli::Command::parse_from(args).run(&mut out, &mut err);
    assert!(done, "{}", String::from_utf8_lossy(&err));
    fs::read_to_string(directory.join(format!("{world}.rs"))).expect("the file was written")
}

fn by_build_script(directory: &Path, world: &str, builder: witflow_build::Builder, wit: &Path) -> String {
    let directory = directory.join("build");
    builder
        .out_dir(&directory)
        .compile(wit)
        .unwrap_or_else(|errors| panic!("{errors}"));
    fs::read_to_string(directory.join(format!("{world}.rs"))).expect("the file was written")
}

#[track_caller]
fn check(name: &str, world: &str, options: &str, args: &[&str], builder: witflow_build::Builder, wit: &Path) -> String {
    let directory = scratch();
    let directory = directory.path();
    let expected = by_macro(options);
    assert_eq!(
        expected.trim_end(),
        by_command_line(directory, world, args).trim_end(),
        "{name}: command line"
    );
    assert_eq!(
        expected.trim_end(),
        by_build_script(directory, world, builder, wit).trim_end(),
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
        let builder = witflow_build::configure().world("both");
        check(
            &name,
            "both",
            &format!("path: {text:?}, world: \"both\""),
            &["--world", "both", text],
            builder,
            &path,
        );
        count += 1;
    }
    assert!(count >= 60, "there are {count} WIT files");
}

/// One option in the three spellings; the code must differ from that without it, or the option does nothing.
struct Case {
    option: &'static str,
    in_macro: &'static str,
    args: &'static [&'static str],
    build: fn(witflow_build::Builder) -> witflow_build::Builder,
    changes_code: bool,
}

const CASES: &[Case] = &[
    Case {
        option: "features",
        in_macro: "features: [\"ahead\"]",
        args: &["--features", "ahead"],
        build: |builder| builder.features(["ahead"]),
        changes_code: true,
    },
    Case {
        option: "all_features",
        in_macro: "all_features: true",
        args: &["--all-features"],
        build: |builder| builder.all_features(true),
        changes_code: true,
    },
    Case {
        option: "async",
        in_macro: "async: [\"-import:test:options/api#later\"]",
        args: &["--async", "-import:test:options/api#later"],
        build: |builder| builder.async_("-import:test:options/api#later"),
        changes_code: true,
    },
    Case {
        option: "async",
        in_macro: "async: false",
        args: &["--async", "false"],
        build: |builder| builder.async_(false),
        changes_code: true,
    },
    Case {
        option: "with",
        in_macro: "with: { \"test:options/api\": crate::there::api }",
        args: &["--with", "test:options/api=crate::there::api"],
        build: |builder| builder.with("test:options/api", "crate::there::api"),
        changes_code: true,
    },
    Case {
        option: "generate_all",
        in_macro: "generate_all",
        args: &["--generate-all"],
        build: |builder| builder.generate_all(true),
        changes_code: false,
    },
    Case {
        option: "additional_derives",
        in_macro: "additional_derives: [PartialEq, ::core::default::Default]",
        args: &[
            "--additional-derive",
            "PartialEq",
            "--additional-derive",
            "::core::default::Default",
        ],
        build: |builder| {
            builder
                .additional_derive("PartialEq")
                .additional_derive("::core::default::Default")
        },
        changes_code: true,
    },
    Case {
        option: "additional_derives_ignore",
        in_macro: "additional_derives: [PartialEq], additional_derives_ignore: [\"pair\"]",
        args: &["--additional-derive", "PartialEq", "--additional-derive-ignore", "pair"],
        build: |builder| builder.additional_derive("PartialEq").additional_derive_ignore("pair"),
        changes_code: true,
    },
    Case {
        option: "runtime_path",
        in_macro: "runtime_path: \"crate::runtime\"",
        args: &["--runtime-path", "crate::runtime"],
        build: |builder| builder.runtime_path("crate::runtime"),
        changes_code: true,
    },
    Case {
        option: "export_macro_name",
        in_macro: "export_macro_name: \"publish\"",
        args: &["--export-macro-name", "publish"],
        build: |builder| builder.export_macro_name("publish"),
        changes_code: true,
    },
    Case {
        option: "pub_export_macro",
        in_macro: "pub_export_macro: true",
        args: &["--pub-export-macro"],
        build: |builder| builder.pub_export_macro(true),
        changes_code: true,
    },
    Case {
        option: "type_section_suffix",
        in_macro: "type_section_suffix: \"-here\"",
        args: &["--type-section-suffix", "-here"],
        build: |builder| builder.type_section_suffix("-here"),
        changes_code: true,
    },
];

const OPTIONS_WIT: &str = "
package test:options@1.2.0;

interface api {
  record pair { a: u32, b: string }
  record other { c: u32 }
  later: async func(x: pair) -> other;
  @unstable(feature = ahead)
  soon: func();
}

world options {
  import api;
  export run: func();
}
";

#[test]
fn every_option() {
    let directory = scratch();
    let path = directory.path().join("options.wit");
    fs::write(&path, OPTIONS_WIT).expect("the WIT can be written");
    let text = path.to_str().expect("the path is text");
    let plain = check(
        "plain",
        "options",
        &format!("path: {text:?}"),
        &[text],
        witflow_build::configure(),
        &path,
    );
    for case in CASES {
        let options = format!("path: {text:?}, {}", case.in_macro);
        let args: Vec<&str> = case.args.iter().copied().chain([text]).collect();
        let code = check(
            case.option,
            "options",
            &options,
            &args,
            (case.build)(witflow_build::configure()),
            &path,
        );
        assert_eq!(code != plain, case.changes_code, "{}", case.option);
    }
    // Those that say where the WIT is and what is meant by it.
    let with_world = format!("path: [{text:?}], world: \"test:options/options\"");
    let args = ["--world", "test:options/options", text];
    check(
        "world",
        "options",
        &with_world,
        &args,
        witflow_build::configure().world("test:options/options"),
        &path,
    );
    let inline = "package test:inline; world inline { import test:options/api@1.2.0; }";
    let with_inline = format!("path: {text:?}, inline: {inline:?}");
    let args = ["--inline", inline, text];
    check(
        "inline",
        "inline",
        &with_inline,
        &args,
        witflow_build::configure().inline(inline),
        &path,
    );
    let covered =
        |name: &&str| ["world", "path", "inline"].contains(name) || CASES.iter().any(|case| case.option == *name);
    let missing: Vec<&&str> = OPTION_NAMES.iter().filter(|name| !covered(name)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
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
    let errors = expand(quote!([::witflow] { #options }), manifest())
        .expect_err("this is wrong")
        .to_string();
    for text in expected {
        assert!(errors.contains(text), "{text:?} is not in {errors}");
    }
}

#[test]
fn errors_come_together() {
    fails(
        quote!(wolrd: "x", path: 3, features: "a"),
        &["did you mean `world`?", "expected square brackets"],
    );
    let wit = "package a:b; interface i { f: async func(); } world w { import i; }";
    fails(
        quote!(inline: #wit, with: { "a:b/j": here }, async: ["a:b/i#g"], additional_derives_ignore: ["x"]),
        &[
            "names `a:b/j`",
            "did you mean `a:b/i`?",
            "the filter `a:b/i#g` matches no",
            "variant or enum `x`",
        ],
    );
}
