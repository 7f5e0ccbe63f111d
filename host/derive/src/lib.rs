//! `#[derive(ComponentType)]`: a Rust type stands for a WIT record, variant, enum or flags type.
//!
//! One part of the expansion converts to and from the host's dynamic `Val`, which every back end understands. The others
//! are for one back end each: inside `__natively!` the conversion to canonical values, inside `__on_the_wire!` a mirror of
//! the type made of what Wasmtime itself can lift and lower, and the conversion to it. The host decides which of these are
//! compiled. The macro refuses generic types, tuple
//! structs, and cases with more than one field: WIT has nothing they could mean.

mod expand;
mod native;
mod shape;
mod wire;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Derives `witflow_host::ComponentType`, and with it everything needed to pass the type as a parameter, a result, a
/// list element or the payload of a stream or future.
///
/// | Rust | WIT |
/// |---|---|
/// | struct with named fields | `record` |
/// | struct of `bool` fields with `#[component(flags)]` | `flags` |
/// | enum without payloads | `enum` (`variant` with `#[component(variant)]`) |
/// | enum with payloads | `variant` |
///
/// WIT names are the Rust names in kebab case; `#[component(name = "…")]` on a field or case says otherwise.
#[proc_macro_derive(ComponentType, attributes(component))]
pub fn derive_component_type(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    shape::Type::parse(&input)
        .map(|ty| expand::expand(&ty))
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
