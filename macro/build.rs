//! Tells the macro where it may write what it generates, for its option `debug`.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let folder = std::env::var("OUT_DIR").unwrap_or_default();
    println!("cargo::rustc-env=WITFLOW_DEBUG_FOLDER={folder}");
}
