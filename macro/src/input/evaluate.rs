//! The macros a path may be made with: `concat!`, `env!` and `stringify!`, in any nesting.
//!
//! A macro sees the tokens of its input unexpanded, and nothing but the compiler could expand all macros there are.

use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Lit, LitStr, Token};
use witflow_bindgen_rust::core::diagnostic::Diagnostic;

use super::error_at;

/// The text that a macro makes.
pub(super) fn text(call: &syn::Macro) -> syn::Result<String> {
    let name = call.path.segments.last().map(|segment| segment.ident.to_string());
    match name.as_deref() {
        Some("concat") => {
            let parts = Punctuated::<String, Token![,]>::parse_terminated_with;
            let parts = (|stream: ParseStream<'_>| parts(stream, part)).parse2(call.tokens.clone())?;
            Ok(parts.into_iter().collect())
        }
        Some("env") => variable(call),
        Some("stringify") => Ok(call.tokens.to_string()),
        _ => {
            let diagnostic = Diagnostic::new(format!("`{}!` is not known here", call.path.to_token_stream()));
            let help = "a path is text, or made by `concat!`, `env!` and `stringify!`";
            Err(error_at(call, &diagnostic.help(help)))
        }
    }
}

/// One argument of `concat!`.
fn part(stream: ParseStream<'_>) -> syn::Result<String> {
    if !stream.peek(Lit) {
        return text(&stream.parse()?);
    }
    Ok(match stream.parse()? {
        Lit::Str(text) => text.value(),
        Lit::Char(char) => char.value().to_string(),
        Lit::Int(number) => number.base10_digits().to_owned(),
        Lit::Float(number) => number.base10_digits().to_owned(),
        Lit::Bool(value) => value.value.to_string(),
        literal => {
            let diagnostic = Diagnostic::new("`concat!` does not take this");
            return Err(error_at(&literal, &diagnostic.help("give it text, numbers, or `env!`")));
        }
    })
}

fn variable(call: &syn::Macro) -> syn::Result<String> {
    let arguments = Punctuated::<LitStr, Token![,]>::parse_terminated;
    let arguments = arguments.parse2(call.tokens.clone())?;
    let Some(name) = arguments.first() else {
        let diagnostic = Diagnostic::new("`env!` needs the name of a variable");
        return Err(error_at(
            call,
            &diagnostic.help("for example `env!(\"CARGO_MANIFEST_DIR\")`"),
        ));
    };
    std::env::var(name.value()).map_err(|_| {
        let diagnostic = Diagnostic::new(format!("the environment variable `{}` is not set", name.value()));
        error_at(name, &diagnostic.help("build scripts set one with `cargo::rustc-env`"))
    })
}
