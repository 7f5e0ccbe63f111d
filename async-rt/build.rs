//! Writes the two weak symbols the runtime needs on wasm, which stable Rust cannot express, as a small static library.
//!
//! * `wasip3_task_set(new) -> old` swaps a wasm global: the pointer to the current task. Every runtime in a component
//!   brings its own definition, and the linker keeps one.
//! * `cabi_realloc` calls this crate's own function, whose name carries the crate's version. On wasm32-wasip2 the standard
//!   library and the C library have one each, and the linker keeps the first it comes across. It has to be one that
//!   allocates as Rust does, which the C library's does not if a guest chooses its global allocator; so bindings refer to
//!   ours by a second name, under which nobody else has it.
//!
//! Each is an object file of its own, so that the linker takes only what is used. The format is described in the
//! WebAssembly tool conventions (`Linking.md`). Natively this script does nothing.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

fn main() -> ExitCode {
    println!("cargo:rerun-if-changed=build.rs");
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    if variable("CARGO_CFG_TARGET_FAMILY")? != "wasm" {
        return Ok(());
    }
    if variable("CARGO_CFG_TARGET_ARCH")? != "wasm32" {
        return Err("witflow-async-rt supports no wasm target but wasm32".to_owned());
    }
    let version = variable("CARGO_PKG_VERSION")?.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    let realloc = format!("cabi_realloc_witflow_{version}");
    let out = PathBuf::from(variable("OUT_DIR")?);

    let link = format!("witflow_link_realloc_{version}");
    let members = [
        ("task_set.o", task_set()),
        ("realloc.o", forward_realloc(&realloc, &link)),
    ];
    let library = format!("witflow_weak_{version}");
    write(&out.join(format!("lib{library}.a")), &archive(&members))?;
    write(&out.join("realloc.rs"), realloc_source(&realloc, &link).as_bytes())?;
    println!("cargo:rustc-link-search=native={}", out.display());
    println!("cargo:rustc-link-lib=static={library}");
    Ok(())
}

fn variable(name: &str) -> Result<String, String> {
    println!("cargo:rerun-if-env-changed={name}");
    env::var(name).map_err(|error| format!("{name}: {error}"))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

/// The Rust side of `cabi_realloc`. The symbols cannot be spelled in the crate, as they depend on the version.
fn realloc_source(symbol: &str, link: &str) -> String {
    format!(
        "/// What the weak `cabi_realloc` calls.\n\
         #[unsafe(export_name = \"{symbol}\")]\n\
         unsafe extern \"C\" fn realloc(old: *mut u8, old_size: usize, align: usize, new_size: usize) -> *mut u8 {{\n\
         \x20   // SAFETY: the host keeps the contract of realloc.\n\
         \x20   unsafe {{ crate::sys::realloc(old, old_size, align, new_size) }}\n\
         }}\n\
         unsafe extern \"C\" {{\n\
         \x20   /// The weak `cabi_realloc`.\n\
         \x20   #[link_name = \"{link}\"]\n\
         \x20   fn cabi_realloc(old: *mut u8, old_size: usize, align: usize, new_size: usize) -> *mut u8;\n\
         }}\n"
    )
}

const I32: u8 = 0x7f;
const LOCAL_GET: u8 = 0x20;
const GLOBAL_GET: u8 = 0x23;
const GLOBAL_SET: u8 = 0x24;
const CALL: u8 = 0x10;
const END: u8 = 0x0b;

const RELOC_FUNCTION_INDEX: u8 = 0;
const RELOC_GLOBAL_INDEX: u8 = 7;

const WEAK: u8 = 0x01;
const LOCAL: u8 = 0x02;
const HIDDEN: u8 = 0x04;
const UNDEFINED: u8 = 0x10;
const EXPORTED: u8 = 0x20;
const EXPLICIT_NAME: u8 = 0x40;

const FUNCTION: u8 = 0;
const GLOBAL: u8 = 2;

/// `(global $task (mut i32) i32.const 0)`, and a function that swaps it.
fn task_set() -> Vec<u8> {
    let mut code = Code::default();
    code.index(GLOBAL_GET, 0, RELOC_GLOBAL_INDEX, 1);
    code.bytes(&[LOCAL_GET, 0]);
    code.index(GLOBAL_SET, 0, RELOC_GLOBAL_INDEX, 1);
    Object::new()
        .section(1, &[1, 0x60, 1, I32, 1, I32])
        .section(3, &[1, 0])
        .section(6, &[1, I32, 1, 0x41, 0, END])
        .code(code)
        .finish(&[
            symbol(FUNCTION, WEAK | HIDDEN, 0, "wasip3_task_set"),
            symbol(GLOBAL, LOCAL, 0, "witflow_current_task"),
        ])
}

/// A `cabi_realloc`, also named `link`, that calls the function named `target`.
fn forward_realloc(target: &str, link: &str) -> Vec<u8> {
    let mut code = Code::default();
    for parameter in 0..4 {
        code.bytes(&[LOCAL_GET, parameter]);
    }
    code.index(CALL, 0, RELOC_FUNCTION_INDEX, 1);
    let mut import = vec![1];
    import.extend(name("env"));
    import.extend(name(target));
    import.extend([0, 0]);
    Object::new()
        .section(1, &[1, 0x60, 4, I32, I32, I32, I32, 1, I32])
        .section(2, &import)
        .section(3, &[1, 0])
        .code(code)
        .finish(&[
            symbol(FUNCTION, WEAK | EXPORTED, 1, "cabi_realloc"),
            symbol(FUNCTION, UNDEFINED | EXPLICIT_NAME, 0, target),
            symbol(FUNCTION, HIDDEN, 1, link),
        ])
}

/// The body of the one function of an object, and its relocations: kind, offset in the body, symbol.
#[derive(Default)]
struct Code {
    body: Vec<u8>,
    relocations: Vec<(u8, usize, u8)>,
}

impl Code {
    fn bytes(&mut self, bytes: &[u8]) {
        self.body.extend(bytes);
    }

    /// An instruction with an index the linker fills in, hence five bytes wide.
    fn index(&mut self, instruction: u8, index: u8, relocation: u8, symbol: u8) {
        self.body.push(instruction);
        self.relocations.push((relocation, self.body.len(), symbol));
        self.body.extend([index | 0x80, 0x80, 0x80, 0x80, 0]);
    }
}

/// A relocatable object with one function.
struct Object {
    bytes: Vec<u8>,
    sections: u8,
    relocations: Vec<u8>,
}

impl Object {
    fn new() -> Object {
        Object {
            bytes: b"\0asm\x01\0\0\0".to_vec(),
            sections: 0,
            relocations: Vec::new(),
        }
    }

    fn section(mut self, id: u8, payload: &[u8]) -> Object {
        self.bytes.push(id);
        self.bytes.extend(leb(payload.len()));
        self.bytes.extend(payload);
        self.sections += 1;
        self
    }

    fn custom(self, title: &str, contents: &[u8]) -> Object {
        let mut payload = name(title);
        payload.extend(contents);
        self.section(0, &payload)
    }

    fn code(mut self, code: Code) -> Object {
        let mut function = vec![0];
        function.extend(&code.body);
        function.push(END);
        let mut payload = vec![1];
        payload.extend(leb(function.len()));
        let start = payload.len() + 1;
        payload.extend(function);

        self.relocations = vec![self.sections];
        self.relocations.extend(leb(code.relocations.len()));
        for (kind, offset, symbol) in code.relocations {
            self.relocations.push(kind);
            self.relocations.extend(leb(start + offset));
            self.relocations.push(symbol);
        }
        self.section(10, &payload)
    }

    fn finish(mut self, symbols: &[Vec<u8>]) -> Vec<u8> {
        let mut table = leb(symbols.len());
        table.extend(symbols.concat());
        let mut linking = vec![2, 8];
        linking.extend(leb(table.len()));
        linking.extend(table);
        let relocations = std::mem::take(&mut self.relocations);
        self.custom("linking", &linking)
            .custom("reloc.CODE", &relocations)
            .bytes
    }
}

fn symbol(kind: u8, flags: u8, index: u8, title: &str) -> Vec<u8> {
    let mut symbol = vec![kind];
    symbol.extend(leb(flags.into()));
    symbol.push(index);
    symbol.extend(name(title));
    symbol
}

fn name(text: &str) -> Vec<u8> {
    let mut name = leb(text.len());
    name.extend(text.as_bytes());
    name
}

fn leb(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// A plain `ar` archive.
fn archive(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    for (name, data) in members {
        let header = format!(
            "{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n",
            format!("{name}/"),
            0,
            0,
            0,
            644,
            data.len()
        );
        archive.extend(header.as_bytes());
        archive.extend(data);
        if data.len() % 2 == 1 {
            archive.push(b'\n');
        }
    }
    archive
}
