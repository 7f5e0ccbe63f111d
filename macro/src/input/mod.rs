//! The text of `generate!`: its short forms, and the options with the tokens they came from.

mod evaluate;
mod values;

use std::path::Path;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Ident, LitStr, Token, braced, bracketed};
use witflow_bindgen_rust::Options;
use witflow_bindgen_rust::core::diagnostic::Diagnostic;
use witflow_bindgen_rust::core::load::INLINE;

/// Options and where each was written.
#[derive(Debug, Default)]
pub(crate) struct Input {
    pub(crate) options: Options,
    /// Write the code to a file.
    pub(crate) debug: bool,
    /// The path of the witflow crate.
    krate: TokenStream,
    /// Option name, one of its values, and the tokens to report an error at.
    places: Vec<(String, Option<String>, Place)>,
    /// The options that were given.
    seen: Vec<&'static str>,
}

/// The first and last token something was written with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) start: Span,
    pub(crate) end: Span,
}

impl Place {
    pub(crate) fn of(tokens: impl ToTokens) -> Self {
        let tokens: Vec<TokenTree> = tokens.to_token_stream().into_iter().collect();
        let span = |tree: Option<&TokenTree>| tree.map_or_else(Span::call_site, TokenTree::span);
        Self {
            start: span(tokens.first()),
            end: span(tokens.last()),
        }
    }
}

impl Input {
    /// Reads what the macro was given. Relative paths are relative to the manifest.
    pub(crate) fn parse(tokens: TokenStream, manifest: &Path) -> syn::Result<Self> {
        let mut input: Self = syn::parse2(flatten(tokens))?;
        // Inline text may use what is in the default folder, if there is one.
        let inline = input.options.inline.is_some();
        if input.options.path.is_empty() && (!inline || manifest.join("wit").exists()) {
            input.options.path.push("wit".into());
        }
        for path in &mut input.options.path {
            *path = manifest.join(&*path);
        }
        Ok(input)
    }

    /// The path of the runtime module.
    pub(crate) fn runtime(&self) -> TokenStream {
        let krate = &self.krate;
        quote!(#krate::rt)
    }

    /// Where to report a diagnostic: at the value it is about, else at the option, else at the whole macro.
    pub(crate) fn place_of(&self, diagnostic: &Diagnostic) -> Place {
        let call = Place {
            start: Span::call_site(),
            end: Span::call_site(),
        };
        let Some(option) = &diagnostic.option else {
            let inline = diagnostic.place.as_ref().is_some_and(|place| place.file == INLINE);
            let found = inline.then(|| self.place_of_option("inline")).flatten();
            return found.unwrap_or(call);
        };
        let named = || self.places.iter().filter(|(name, ..)| name == option.name);
        let same_value = |value: &Option<String>| match (value, &option.value) {
            // Paths were made absolute since.
            (Some(written), Some(meant)) => written == meant || Path::new(meant).ends_with(written),
            _ => false,
        };
        let exact = named()
            .find(|(_, value, _)| same_value(value))
            .map(|(.., place)| *place);
        let found = exact.or_else(|| self.place_of_option(option.name));
        found.or_else(|| self.place_of_wit(diagnostic)).unwrap_or(call)
    }

    /// The option that brought the WIT in.
    fn place_of_wit(&self, diagnostic: &Diagnostic) -> Option<Place> {
        let inline = diagnostic.place.as_ref().is_some_and(|place| place.file == INLINE);
        let wanted = if inline { ["inline", "path"] } else { ["path", "inline"] };
        wanted.iter().find_map(|wanted| self.place_of_option(wanted))
    }

    /// The first value of an option, or else its name.
    fn place_of_option(&self, option: &str) -> Option<Place> {
        let named = || self.places.iter().filter(|(name, ..)| name == option);
        let found = named().find(|(_, value, _)| value.is_some()).or_else(|| named().next());
        found.map(|(.., place)| *place)
    }

    fn note(&mut self, option: &str, value: Option<String>, tokens: impl ToTokens) {
        self.places.push((option.to_owned(), value, Place::of(tokens)));
    }

    fn note_string(&mut self, option: &str, value: &LitStr) -> String {
        self.note(option, Some(value.value()), value);
        value.value()
    }
}

/// Removes the invisible groups that macros put around what was matched as an expression or literal.
fn flatten(tokens: TokenStream) -> TokenStream {
    let flat = tokens.into_iter().flat_map(|tree| match tree {
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => flatten(group.stream()),
        TokenTree::Group(group) => {
            let mut inner = Group::new(group.delimiter(), flatten(group.stream()));
            inner.set_span(group.span());
            TokenTree::from(inner).into()
        }
        tree => TokenStream::from(tree),
    });
    flat.collect()
}

impl Parse for Input {
    fn parse(stream: ParseStream<'_>) -> syn::Result<Self> {
        let krate;
        bracketed!(krate in stream);
        let mut input = Self {
            krate: krate.parse()?,
            ..Self::default()
        };
        if stream.peek(syn::token::Brace) {
            let options;
            braced!(options in stream);
            input.options(&options)?;
        } else {
            input.short_form(stream)?;
        }
        if !stream.is_empty() {
            return Err(stream.error("nothing else is expected after the options"));
        }
        Ok(input)
    }
}

impl Input {
    /// `"world"`, `in "path"`, or both.
    fn short_form(&mut self, stream: ParseStream<'_>) -> syn::Result<()> {
        if stream.peek(LitStr) {
            let world: LitStr = stream.parse()?;
            self.options.world = Some(self.note_string("world", &world));
        }
        if stream.peek(Token![in]) {
            stream.parse::<Token![in]>()?;
            let path: LitStr = stream.parse()?;
            let path = self.note_string("path", &path);
            self.options.path.push(path.into());
        }
        Ok(())
    }

    /// All options; errors of several are reported together.
    fn options(&mut self, stream: ParseStream<'_>) -> syn::Result<()> {
        let mut errors: Option<syn::Error> = None;
        while !stream.is_empty() {
            let read = stream
                .call(Ident::parse_any)
                .and_then(|name| self.option(&name, stream));
            let comma = || match stream.is_empty() {
                true => Ok(()),
                false => stream.parse::<Token![,]>().map(|_| ()),
            };
            if let Err(error) = read.and_then(|()| comma()) {
                match &mut errors {
                    Some(errors) => errors.combine(error),
                    none => *none = Some(error),
                }
                skip_value(stream)?;
            }
        }
        errors.map_or(Ok(()), Err)
    }
}

/// Steps over what follows an option that was not understood, and the next comma.
fn skip_value(stream: ParseStream<'_>) -> syn::Result<()> {
    while !stream.is_empty() && stream.parse::<Option<Token![,]>>()?.is_none() {
        stream.parse::<TokenTree>()?;
    }
    Ok(())
}

fn error_at(tokens: impl ToTokens, diagnostic: &Diagnostic) -> syn::Error {
    let help = diagnostic
        .help
        .as_ref()
        .map(|help| format!("\nhelp: {help}"))
        .unwrap_or_default();
    syn::Error::new_spanned(tokens, format!("{}{help}", diagnostic.message))
}
