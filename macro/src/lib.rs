//! The `generate!` macros of witflow, for guests and for hosts. Users reach it through the `witflow` crate, which hands its own path on.

mod debug;
mod input;
mod report;
#[cfg(test)]
mod tests;

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use witflow_bindgen_rust::core::diagnostic::Diagnostics;
use witflow_bindgen_rust::core::load::Loaded;
use witflow_bindgen_rust::generate;

use input::Input;

/// Expands `[path of the witflow crate] options`.
#[doc(hidden)]
#[proc_macro]
pub fn generate_impl(tokens: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand_here(tokens, guest)
}

/// Expands the same for the host of a world.
#[doc(hidden)]
#[proc_macro]
pub fn generate_host_impl(tokens: proc_macro::TokenStream) -> proc_macro::TokenStream {
    expand_here(tokens, host)
}

/// What makes bindings of a world.
type Generate = fn(&Loaded, &Input) -> Result<TokenStream, Diagnostics>;

fn guest(loaded: &Loaded, input: &Input) -> Result<TokenStream, Diagnostics> {
    generate(loaded, &input.options, Some(input.runtime()))
}

fn host(loaded: &Loaded, input: &Input) -> Result<TokenStream, Diagnostics> {
    witflow_bindgen_rust::host::generate(loaded, &input.options)
}

fn expand_here(tokens: proc_macro::TokenStream, generate: Generate) -> proc_macro::TokenStream {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    expand(tokens.into(), manifest.as_ref(), generate)
        .unwrap_or_else(|errors| errors)
        .into()
}

/// Bindings, or errors at the tokens they are about.
fn expand(tokens: TokenStream, manifest: &std::path::Path, generate: Generate) -> Result<TokenStream, TokenStream> {
    let input = Input::parse(tokens, manifest).map_err(|error| error.to_compile_error())?;
    let report = |errors| report::compile_errors(&errors, &input);
    let loaded = input.options.input().load().map_err(report)?;
    let bindings = generate(&loaded, &input).map_err(report)?;
    let tracked = track(&loaded);
    let bindings = match debug::is_wanted(input.debug) {
        true => debug::include(bindings, &loaded.resolve.worlds[loaded.world].name, manifest),
        false => bindings,
    };
    Ok(quote!(#bindings #tracked))
}

/// Makes the compiler notice changes of WIT files.
fn track(loaded: &Loaded) -> TokenStream {
    let files = loaded
        .files
        .iter()
        .filter(|file| file.is_file())
        .filter_map(|file| file.to_str());
    let files = files.map(Literal::string);
    quote!(#(const _: &[u8] = ::core::include_bytes!(#files);)*)
}
