//! The option `debug`: the generated code as a file, so that the compiler's messages point into it and people can read it.
//!
//! A file cannot say `$crate`, so it uses the name the manifest has for the witflow crate. Where none is found, as with a macro that
//! another crate passes on, the file is written to be read, and the compiler gets the tokens.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use proc_macro2::{Literal, TokenStream};
use quote::quote;

/// The environment variables that switch the option on for all of a build: ours, and the one of wit-bindgen.
const VARIABLES: [&str; 2] = ["WITFLOW_DEBUG", "WIT_BINDGEN_DEBUG"];

/// Whether code is to be written to a file.
pub(crate) fn is_wanted(option: bool) -> bool {
    option || VARIABLES.iter().any(|name| std::env::var_os(name).is_some())
}

/// Writes the code to a file of its own, and gives what includes it.
pub(crate) fn include(bindings: TokenStream, world: &str, manifest: &Path) -> TokenStream {
    // One compiler expands several calls; several compilers have one folder.
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let (count, process) = (COUNT.fetch_add(1, Ordering::Relaxed), std::process::id());
    let file = PathBuf::from(env!("WITFLOW_DEBUG_FOLDER")).join(format!("{world}-{process}-{count}.rs"));
    let name = krate(&std::fs::read_to_string(manifest.join("Cargo.toml")).unwrap_or_default());
    let text = lines(&bindings.to_string());
    let text = match &name {
        Some(name) => text.replace("$crate", &format!("::{name}")),
        None => text,
    };
    match (std::fs::write(&file, text), name, file.to_str()) {
        (Ok(()), Some(_), Some(file)) => {
            let file = Literal::string(file);
            quote!(::core::include!(#file);)
        }
        // It is a help only, so what cannot be helped is no error.
        _ => bindings,
    }
}

/// The name under which a manifest has the witflow crate.
fn krate(manifest: &str) -> Option<String> {
    let entries = manifest.lines().filter_map(|line| line.split_once('='));
    let mut names = entries.filter_map(|(key, value)| {
        let name = key.split('.').next()?.trim().trim_matches('"');
        let renamed = value.replace(' ', "").contains("package=\"witflow\"");
        (name == "witflow" || renamed).then(|| name.replace('-', "_"))
    });
    names.next()
}

/// Code with line breaks after statements and blocks.
fn lines(code: &str) -> String {
    let mut text = String::with_capacity(code.len());
    let (mut quoted, mut escaped, mut depth) = (false, false, 0usize);
    for c in code.chars() {
        text.push(c);
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        if quoted {
            continue;
        }
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ';' => {}
            _ => continue,
        }
        text.push('\n');
        text.extend(std::iter::repeat_n(' ', 4 * depth));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_crate_is_found() {
        let check = |line: &str, expected: Option<&str>| {
            assert_eq!(
                krate(&format!("[dependencies]\nother = \"1\"\n{line}\n")).as_deref(),
                expected,
                "{line}"
            );
        };
        check("witflow = \"0.1\"", Some("witflow"));
        check("witflow.workspace = true", Some("witflow"));
        check(
            "wit-bindgen = { package = \"witflow\", path = \"..\" }",
            Some("wit_bindgen"),
        );
        check("witflow-build = \"0.1\"", None);
    }

    #[test]
    fn lines_end_after_statements_and_blocks() {
        assert_eq!(
            lines("mod a { fn f () { \";\\\"{\" ; } }"),
            "mod a {\n     fn f () {\n         \";\\\"{\" ;\n         }\n     }\n"
        );
    }
}
