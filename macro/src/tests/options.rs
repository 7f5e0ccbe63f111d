//! Every option in three spellings.

use std::fs;
use std::str::FromStr;

use proc_macro2::TokenStream;
use quote::quote;
use witflow_bindgen_rust::options::OPTION_NAMES;
use witflow_build::{Builder, Ownership, configure};

use crate::expand;

use super::{Side, check, manifest, scratch};

/// One option in the three spellings; the code must differ from that without it, or the option does nothing.
struct Case {
    option: &'static str,
    in_macro: &'static str,
    args: &'static [&'static str],
    build: fn(Builder) -> Builder,
    changes_code: bool,
}

/// Options that only hosts have. They have others too, which both understand alike.
const OF_HOSTS: &[Case] = &[
    Case {
        option: "concurrent_imports",
        in_macro: "concurrent_imports: [\"all\", \"-test:options/api#later\"]",
        args: &["--concurrent-imports", "all,-test:options/api#later"],
        build: |builder| {
            builder
                .concurrent_imports("all")
                .concurrent_imports("-test:options/api#later")
        },
        changes_code: true,
    },
    Case {
        option: "concurrent_imports",
        in_macro: "concurrent_imports: true",
        args: &["--concurrent-imports", "true"],
        build: |builder| builder.concurrent_imports(true),
        changes_code: true,
    },
    Case {
        option: "concurrent_exports",
        in_macro: "concurrent_exports: [\"-run\"]",
        args: &["--concurrent-exports", "-run"],
        build: |builder| builder.concurrent_exports("-run"),
        changes_code: true,
    },
    Case {
        option: "concurrent_exports",
        in_macro: "concurrent_exports: false",
        args: &["--concurrent-exports", "false"],
        build: |builder| builder.concurrent_exports(false),
        changes_code: true,
    },
];

/// Options of guests that hosts have too.
const OF_BOTH: &[&str] = &[
    "features",
    "all_features",
    "skip",
    "with",
    "generate_all",
    "generate_unused_types",
    "merge_structurally_equal_types",
    "additional_derives",
    "additional_derives_ignore",
    "additional_type_attributes",
    "additional_member_attributes",
    "map_type",
];

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
        option: "sync",
        in_macro: "sync: true",
        args: &["--sync", "all"],
        build: |builder| builder.sync("all"),
        changes_code: true,
    },
    Case {
        option: "sync",
        in_macro: "sync: [\"export:run\", \"test:options/api@1.2.0#later\"]",
        args: &["--sync", "export:run,test:options/api@1.2.0#later"],
        build: |builder| builder.sync("export:run").sync("test:options/api@1.2.0#later"),
        changes_code: true,
    },
    Case {
        option: "skip",
        in_macro: "skip: [\"later\", \"run\"]",
        args: &["--skip", "later", "--skip", "run"],
        build: |builder| builder.skip(["later", "run"]),
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
        option: "with",
        in_macro: "with: { \"test:options/api/pair\": there::Pair, \"test:options/api@1.2.0/other\": generate }",
        args: &[
            "--with",
            "test:options/api/pair=there::Pair,test:options/api@1.2.0/other=generate",
        ],
        build: |builder| {
            builder
                .with("test:options/api/pair", "there::Pair")
                .with("test:options/api@1.2.0/other", "generate")
        },
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
        option: "generate_unused_types",
        in_macro: "generate_unused_types: true",
        args: &["--generate-unused-types"],
        build: |builder| builder.generate_unused_types(true),
        changes_code: true,
    },
    Case {
        option: "chainable_methods",
        in_macro: "chainable_methods: [\"-test:options/api#[method]tree.grow\", \"&test:options/api#tree\"]",
        args: &[
            "--chainable-methods",
            "-test:options/api#[method]tree.grow,&test:options/api#tree",
        ],
        build: |builder| {
            builder
                .chainable_methods("-test:options/api#[method]tree.grow")
                .chainable_methods("&test:options/api#tree")
        },
        changes_code: true,
    },
    Case {
        option: "ownership",
        in_macro: "ownership: Borrowing { duplicate_if_necessary: false }",
        args: &["--ownership", "borrowing"],
        build: |builder| {
            builder.ownership(Ownership::Borrowing {
                duplicate_if_necessary: false,
            })
        },
        changes_code: true,
    },
    Case {
        option: "ownership",
        in_macro: "ownership: Borrowing { duplicate_if_necessary: true }",
        args: &["--ownership=borrowing-duplicate-if-necessary"],
        build: |builder| {
            builder.ownership(Ownership::Borrowing {
                duplicate_if_necessary: true,
            })
        },
        changes_code: true,
    },
    Case {
        option: "ownership",
        in_macro: "ownership: Owning",
        args: &["--ownership", "owning"],
        build: |builder| builder.ownership(Ownership::Owning),
        changes_code: false,
    },
    Case {
        option: "merge_structurally_equal_types",
        in_macro: "merge_structurally_equal_types: true",
        args: &["--merge-structurally-equal-types"],
        build: |builder| builder.merge_structurally_equal_types(true),
        changes_code: true,
    },
    Case {
        option: "raw_strings",
        in_macro: "raw_strings",
        args: &["--raw-strings"],
        build: |builder| builder.raw_strings(true),
        changes_code: true,
    },
    Case {
        option: "additional_derives",
        in_macro: "additional_derives: [PartialEq, ::core::default::Default]",
        args: &[
            "--additional-derive-attributes",
            "PartialEq",
            "-d::core::default::Default",
        ],
        build: |builder| builder.additional_derives(["PartialEq", "::core::default::Default"]),
        changes_code: true,
    },
    Case {
        option: "additional_derives_ignore",
        in_macro: "additional_derives: [PartialOrd], additional_derives_ignore: [\"pair\"]",
        args: &["-dPartialOrd", "--additional-derive-ignore", "pair"],
        build: |builder| {
            builder
                .additional_derives(["PartialOrd"])
                .additional_derives_ignore(["pair"])
        },
        changes_code: true,
    },
    Case {
        option: "additional_type_attributes",
        in_macro: "additional_type_attributes: { \"test:options/api/pair\": [#[derive(PartialEq, Clone)] #[non_exhaustive]], \"*r\": [#[derive(Eq)]] }",
        args: &[
            "--additional-type-attributes",
            "test:options/api/pair=#[derive(PartialEq, Clone)]",
            "--additional-type-attributes",
            "test:options/api/pair=#[non_exhaustive]",
            "--additional-type-attributes",
            "*r=#[derive(Eq)]",
        ],
        build: |builder| {
            builder
                .additional_type_attribute("test:options/api/pair", "#[derive(PartialEq, Clone)]")
                .additional_type_attribute("test:options/api/pair", "#[non_exhaustive]")
                .additional_type_attribute("*r", "#[derive(Eq)]")
        },
        changes_code: true,
    },
    Case {
        option: "additional_member_attributes",
        in_macro: "additional_member_attributes: { \"pair.b\": [#[cfg(all())]], \"test:options/api/failure.*\": [#[deprecated]] }",
        args: &[
            "--additional-member-attributes",
            "pair.b=#[cfg(all())]",
            "--additional-member-attributes",
            "test:options/api/failure.*=#[deprecated]",
        ],
        build: |builder| {
            builder
                .additional_member_attribute("pair.b", "#[cfg(all())]")
                .additional_member_attribute("test:options/api/failure.*", "#[deprecated]")
        },
        changes_code: true,
    },
    Case {
        option: "std_feature",
        in_macro: "std_feature",
        args: &["--std-feature"],
        build: |builder| builder.std_feature(true),
        changes_code: true,
    },
    Case {
        option: "stubs",
        in_macro: "stubs",
        args: &["--stubs"],
        build: |builder| builder.stubs(true),
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
        option: "bitflags_path",
        in_macro: "bitflags_path: \"crate::flags\"",
        args: &["--bitflags-path", "crate::flags"],
        build: |builder| builder.bitflags_path("crate::flags"),
        changes_code: true,
    },
    Case {
        option: "map_type",
        in_macro: "map_type: \"std::collections::HashMap\"",
        args: &["--map-type", "std::collections::HashMap"],
        build: |builder| builder.map_type("std::collections::HashMap"),
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
        option: "default_bindings_module",
        in_macro: "default_bindings_module: \"crate::there\"",
        args: &["--default-bindings-module", "crate::there"],
        build: |builder| builder.default_bindings_module("crate::there"),
        changes_code: true,
    },
    Case {
        option: "export_prefix",
        in_macro: "export_prefix: \"copy-\"",
        args: &["--export-prefix", "copy-"],
        build: |builder| builder.export_prefix("copy-"),
        changes_code: true,
    },
    Case {
        option: "type_section_suffix",
        in_macro: "type_section_suffix: \"-here\"",
        args: &["--type-section-suffix", "-here"],
        build: |builder| builder.type_section_suffix("-here"),
        changes_code: true,
    },
    Case {
        option: "disable_run_ctors_once_workaround",
        in_macro: "disable_run_ctors_once_workaround: true",
        args: &["--disable-run-ctors-once-workaround"],
        build: |builder| builder.disable_run_ctors_once_workaround(true),
        changes_code: true,
    },
    Case {
        option: "disable_custom_section_link_helpers",
        in_macro: "disable_custom_section_link_helpers: true",
        args: &["--disable-custom-section-link-helpers"],
        build: |builder| builder.disable_custom_section_link_helpers(true),
        changes_code: true,
    },
];

const WIT: &str = "
package test:options@1.2.0;

interface api {
  record pair { a: u32, b: string }
  record other { c: u32, d: map<string, u32> }
  record unused { e: u32 }
  variant failure { full, broken(string) }
  flags rights { read, write }
  flags same-rights { read, write }
  record text { a: list<string> }
  resource tree { grow: func(x: u32); shrink: async func(x: borrow<tree>); }
  send: func(x: text, y: pair);
  later: async func(x: pair, y: rights) -> result<other, failure>;
  @unstable(feature = ahead)
  soon: func();
}

world options {
  import api;
  export run: async func();
}
";

#[test]
fn every_option() {
    let directory = scratch();
    let path = directory.path().join("options.wit");
    fs::write(&path, WIT).expect("the WIT can be written");
    let text = path.to_str().expect("the path is text");
    let on = |side: Side, name: &str, world: &str, options: &str, args: &[&str], builder: Builder| {
        let options = format!("path: {text:?}, {options}");
        let args: Vec<&str> = args.iter().copied().chain([text]).collect();
        check((side, name), world, &options, &args, builder, &path)
    };
    let of_host = |case: &&Case| OF_BOTH.contains(&case.option);
    let of_hosts: Vec<&Case> = OF_HOSTS.iter().chain(CASES.iter().filter(of_host)).collect();
    for (side, cases) in [(Side::Guest, CASES.iter().collect()), (Side::Host, of_hosts)] {
        let plain = on(side, "plain", "options", "", &[], configure());
        for case in cases {
            let builder = (case.build)(configure());
            let code = on(side, case.option, "options", case.in_macro, case.args, builder);
            assert_eq!(code != plain, case.changes_code, "{side:?}: {}", case.option);
        }
    }
    let compare = |name: &str, world: &str, options: &str, args: &[&str], builder: Builder| {
        on(Side::Guest, name, world, options, args, builder)
    };
    // Those that say where the WIT is and what is meant by it.
    let world = "test:options/options";
    let options = format!("world: {world:?}");
    compare(
        "world",
        "options",
        &options,
        &["--world", world],
        configure().world(world),
    );
    let inline = "package test:inline; world inline { import test:options/api@1.2.0; }";
    let options = format!("inline: {inline:?}");
    compare(
        "inline",
        "inline",
        &options,
        &["--inline", inline],
        configure().inline(inline),
    );

    let covered = |name: &&str| {
        ["world", "path", "inline"].contains(name) || CASES.iter().chain(OF_HOSTS).any(|case| case.option == *name)
    };
    let missing: Vec<&&str> = OPTION_NAMES.iter().filter(|name| !covered(name)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

#[test]
fn every_option_of_guests_alone_is_refused_for_hosts() {
    let alone = CASES.iter().filter(|case| !OF_BOTH.contains(&case.option));
    for case in alone.filter(|case| case.changes_code) {
        let options = format!("inline: \"package a:b; world w {{}}\", {}", case.in_macro);
        fails(
            Side::Host,
            &options,
            &format!("`{}` is an option of guests' bindings", case.option),
        );
    }
    for case in OF_HOSTS {
        let options = format!("inline: \"package a:b; world w {{}}\", {}", case.in_macro);
        fails(
            Side::Guest,
            &options,
            &format!("`{}` is an option of hosts' bindings", case.option),
        );
    }
}

#[track_caller]
fn fails(side: Side, options: &str, with: &str) {
    let options = TokenStream::from_str(options).expect("options are tokens");
    let errors = expand(quote!([::witflow] { #options }), manifest(), side.generate());
    let errors = errors.expect_err("the option says nothing here").to_string();
    assert!(errors.contains(with), "{with} is not in {errors}");
}
