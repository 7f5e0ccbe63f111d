//! Diagnostics as compile errors at the user's tokens.

use proc_macro2::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use witflow_bindgen_rust::core::diagnostic::{Diagnostic, Diagnostics};

use crate::input::{Input, Place};

/// One `compile_error!` for each diagnostic.
pub(crate) fn compile_errors(errors: &Diagnostics, input: &Input) -> TokenStream {
    errors
        .0
        .iter()
        .flat_map(|error| compile_error(&text(error), input.place_of(error)))
        .collect()
}

/// The diagnostic as it is printed elsewhere, without the word the compiler puts in front and the option it points at.
fn text(diagnostic: &Diagnostic) -> String {
    let bare = Diagnostic {
        option: None,
        ..diagnostic.clone()
    };
    let text = bare.to_string();
    text.strip_prefix("error: ").unwrap_or(&text).to_owned()
}

/// `::core::compile_error! { text }` with every token at the place: rustc underlines from the first to the last.
fn compile_error(text: &str, place: Place) -> TokenStream {
    let at = |mut tree: TokenTree, span: Span| {
        tree.set_span(span);
        tree
    };
    let punct = |c, spacing| TokenTree::from(Punct::new(c, spacing));
    let path = [
        punct(':', Spacing::Joint),
        punct(':', Spacing::Alone),
        Ident::new("core", place.start).into(),
        punct(':', Spacing::Joint),
        punct(':', Spacing::Alone),
        Ident::new("compile_error", place.start).into(),
        punct('!', Spacing::Alone),
    ];
    let message = at(Literal::string(text).into(), place.end);
    let body = at(
        Group::new(Delimiter::Brace, TokenStream::from(message)).into(),
        place.end,
    );
    path.into_iter()
        .map(|tree| at(tree, place.start))
        .chain([body])
        .collect()
}
