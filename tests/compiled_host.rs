//! Compiles the host bindings of every one-feature WIT file and of worlds of WASI, with warnings denied. That it compiles is the test.

#![deny(warnings)]
#![allow(
    unreachable_pub,
    reason = "types of a world are public at its root, and a test exports nothing"
)]

macro_rules! compile {
    ($($name:ident: $file:literal,)*) => {
        $(mod $name {
            witflow::host::generate!({ path: concat!("tests/wit/", $file, ".wit"), world: "both" });
        })*
        const COMPILED: &[&str] = &[$($file),*];
    };
}

#[rustfmt::skip]
compile! {
    accessors: "accessors",
    alias: "alias",
    docs: "docs",
    enum1: "enum1",
    enum256: "enum256",
    enum257: "enum257",
    enum3: "enum3",
    error_context: "error-context",
    external_id: "external-id",
    fixed_list_record: "fixed-list-record",
    fixed_list_string: "fixed-list-string",
    fixed_list_u8: "fixed-list-u8",
    flags1: "flags1",
    flags16: "flags16",
    flags17: "flags17",
    flags32: "flags32",
    flags8: "flags8",
    flags9: "flags9",
    future_future: "future-future",
    future_in_result: "future-in-result",
    future_stream: "future-stream",
    future_string: "future-string",
    future_u64: "future-u64",
    future_unit: "future-unit",
    gates: "gates",
    indirect_both: "indirect-both",
    inline_interface: "inline-interface",
    interface_types: "interface-types",
    keywords: "keywords",
    labels: "labels",
    list_bool: "list-bool",
    list_char: "list-char",
    list_f64: "list-f64",
    list_list: "list-list",
    list_record: "list-record",
    list_string: "list-string",
    list_tuple: "list-tuple",
    list_u32: "list-u32",
    list_u8: "list-u8",
    local_names: "local-names",
    map_keys: "map-keys",
    map_nested: "map-nested",
    map_string_u32: "map-string-u32",
    map_u32_string: "map-u32-string",
    names: "names",
    no_params: "no-params",
    option_option: "option-option",
    option_string: "option-string",
    option_u32: "option-u32",
    params_async: "params-async",
    params_strings: "params-strings",
    params_sync: "params-sync",
    payload_modules: "payload-modules",
    prim_bool: "prim-bool",
    prim_char: "prim-char",
    prim_f32: "prim-f32",
    prim_f64: "prim-f64",
    prim_s16: "prim-s16",
    prim_s32: "prim-s32",
    prim_s64: "prim-s64",
    prim_s8: "prim-s8",
    prim_string: "prim-string",
    prim_u16: "prim-u16",
    prim_u32: "prim-u32",
    prim_u64: "prim-u64",
    prim_u8: "prim-u8",
    record_nested: "record-nested",
    record_scalars: "record-scalars",
    record_strings: "record-strings",
    record_wide: "record-wide",
    resource_async: "resource-async",
    resource_borrow: "resource-borrow",
    resource_both: "resource-both",
    resource_fallible: "resource-fallible",
    resource_labels: "resource-labels",
    resource_lent: "resource-lent",
    resource_names: "resource-names",
    resource_own: "resource-own",
    resource_stream: "resource-stream",
    resource_use: "resource-use",
    resource_world: "resource-world",
    resource: "resource",
    result_both: "result-both",
    result_err: "result-err",
    result_ok: "result-ok",
    result_unit: "result-unit",
    results_flat: "results-flat",
    same_interface_name: "same-interface-name",
    same_type_name: "same-type-name",
    stream_future: "stream-future",
    stream_in_list: "stream-in-list",
    stream_in_option: "stream-in-option",
    stream_in_record: "stream-in-record",
    stream_in_tuple: "stream-in-tuple",
    stream_in_variant: "stream-in-variant",
    stream_record: "stream-record",
    stream_stream: "stream-stream",
    stream_string: "stream-string",
    stream_u8: "stream-u8",
    stream_unit: "stream-unit",
    tuple_mixed: "tuple-mixed",
    tuple1: "tuple1",
    tuple2: "tuple2",
    use_chain: "use-chain",
    variant_join_f32_f64: "variant-join-f32-f64",
    variant_join_i32_f32: "variant-join-i32-f32",
    variant_join_i32_i64: "variant-join-i32-i64",
    variant_join_length_f64: "variant-join-length-f64",
    variant_join_pointer_i64: "variant-join-pointer-i64",
    variant_mixed: "variant-mixed",
    variant_nested: "variant-nested",
    variant_unit: "variant-unit",
    variant257: "variant257",
    version: "version",
    world_empty: "world-empty",
    world_functions: "world-functions",
    world_include: "world-include",
    world_use: "world-use",
}

mod wasi {
    mod imports_0_2 {
        witflow::host::generate!({ path: "tests/wit-wasi-0.2", world: "imports" });
    }
    mod proxy_0_2 {
        witflow::host::generate!({ path: "tests/wit-wasi-0.2", world: "proxy" });
    }
    mod command_0_3 {
        witflow::host::generate!({ path: "tests/wit-wasi", world: "command" });
    }
    mod middleware_0_3 {
        witflow::host::generate!({ path: "tests/wit-wasi", world: "middleware" });
    }
}

#[test]
fn every_wit_file_is_compiled() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wit");
    for file in folder.read_dir().expect("tests/wit can be listed") {
        let path = file.expect("tests/wit can be listed").path();
        let name = path.file_stem().expect("a file has a name").to_string_lossy();
        assert!(COMPILED.contains(&&*name), "add {name} to the list above");
    }
}
