//! The text of `generate!`: its short forms, and the options with the tokens they came from.

use std::path::Path;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Ident, LitBool, LitStr, Token, braced, bracketed};
use witflow_bindgen_rust::core::diagnostic::Diagnostic;
use witflow_bindgen_rust::core::load::INLINE;
use witflow_bindgen_rust::options::unknown_option;
use witflow_bindgen_rust::{Options, With};

/// Options and where each was written.
#[derive(Debug, Default)]
pub(crate) struct Input {
    pub(crate) options: Options,
    /// The path of the witflow crate.
    krate: TokenStream,
    /// Option name, one of its values, and the tokens to report an error at.
    places: Vec<(String, Option<String>, Place)>,
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
        if input.options.path.is_empty() && input.options.inline.is_none() {
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
        let Some(option) = &diagnostic.option else { return call };
        let named = || self.places.iter().filter(|(name, ..)| name == option.name);
        let same_value = |value: &Option<String>| match (value, &option.value) {
            // Paths were made absolute since.
            (Some(written), Some(meant)) => written == meant || Path::new(meant).ends_with(written),
            _ => false,
        };
        let exact = named().find(|(_, value, _)| same_value(value));
        let found = exact.or_else(|| named().next()).map(|(.., place)| *place);
        found.or_else(|| self.place_of_wit(diagnostic)).unwrap_or(call)
    }

    /// The option that brought the WIT in.
    fn place_of_wit(&self, diagnostic: &Diagnostic) -> Option<Place> {
        let inline = diagnostic.place.as_ref().is_some_and(|place| place.file == INLINE);
        let wanted = if inline { ["inline", "path"] } else { ["path", "inline"] };
        let mut found = wanted
            .iter()
            .flat_map(|wanted| self.places.iter().find(|(name, ..)| name == wanted));
        found.next().map(|(.., place)| *place)
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
            let name: Ident = stream.call(syn::ext::IdentExt::parse_any)?;
            let known = self.option(&name, stream);
            if let Err(error) = known {
                match &mut errors {
                    Some(errors) => errors.combine(error),
                    none => *none = Some(error),
                }
                skip_value(stream)?;
            }
            if !stream.is_empty() {
                stream.parse::<Token![,]>()?;
            }
        }
        errors.map_or(Ok(()), Err)
    }

    fn option(&mut self, name: &Ident, stream: ParseStream<'_>) -> syn::Result<()> {
        let text = name.to_string();
        if text == "generate_all" && !stream.peek(Token![:]) {
            self.options.generate_all = true;
            return Ok(());
        }
        // Told before its value is looked at, which may be anything.
        if !witflow_bindgen_rust::options::OPTION_NAMES.contains(&text.as_str()) {
            return Err(error_at(name, &unknown_option(&text)));
        }
        stream.parse::<Token![:]>()?;
        match text.as_str() {
            "world" => self.options.world = Some(self.string("world", stream)?),
            "inline" => self.options.inline = Some(self.string("inline", stream)?),
            "runtime_path" => self.options.runtime_path = Some(self.string("runtime_path", stream)?),
            "export_macro_name" => self.options.export_macro_name = Some(self.string("export_macro_name", stream)?),
            "type_section_suffix" => {
                self.options.type_section_suffix = Some(self.string("type_section_suffix", stream)?)
            }
            "path" => self.options.path = self.strings("path", stream)?.into_iter().map(Into::into).collect(),
            "features" => self.options.features = self.strings("features", stream)?,
            "additional_derives_ignore" => {
                self.options.additional_derives_ignore = self.strings("additional_derives_ignore", stream)?;
            }
            "all_features" => self.options.all_features = stream.parse::<LitBool>()?.value,
            "generate_all" => self.options.generate_all = stream.parse::<LitBool>()?.value,
            "pub_export_macro" => self.options.pub_export_macro = stream.parse::<LitBool>()?.value,
            "async" => self.async_option(stream)?,
            "with" => self.with_option(stream)?,
            _ => self.derives_option(stream)?,
        }
        Ok(())
    }

    fn string(&mut self, option: &str, stream: ParseStream<'_>) -> syn::Result<String> {
        let value: LitStr = stream.parse()?;
        Ok(self.note_string(option, &value))
    }

    /// One string or a list of them.
    fn strings(&mut self, option: &str, stream: ParseStream<'_>) -> syn::Result<Vec<String>> {
        if stream.peek(LitStr) {
            return Ok(vec![self.string(option, stream)?]);
        }
        let list;
        bracketed!(list in stream);
        let values = Punctuated::<LitStr, Token![,]>::parse_terminated(&list)?;
        Ok(values.iter().map(|value| self.note_string(option, value)).collect())
    }

    fn async_option(&mut self, stream: ParseStream<'_>) -> syn::Result<()> {
        if stream.peek(LitBool) {
            let value: LitBool = stream.parse()?;
            self.options.async_ = vec![value.value.to_string()];
        } else {
            self.options.async_ = self.strings("async", stream)?;
        }
        Ok(())
    }

    fn with_option(&mut self, stream: ParseStream<'_>) -> syn::Result<()> {
        let entries;
        braced!(entries in stream);
        while !entries.is_empty() {
            let interface: LitStr = entries.parse()?;
            entries.parse::<Token![:]>()?;
            let path: syn::Path = entries.parse()?;
            let text = path.to_token_stream().to_string().replace(' ', "");
            let interface = self.note_string("with", &interface);
            self.options.with.push((interface, With::parse(&text)));
            if !entries.is_empty() {
                entries.parse::<Token![,]>()?;
            }
        }
        Ok(())
    }

    fn derives_option(&mut self, stream: ParseStream<'_>) -> syn::Result<()> {
        let list;
        bracketed!(list in stream);
        let derives = Punctuated::<syn::Path, Token![,]>::parse_terminated(&list)?;
        self.options.additional_derives = derives
            .iter()
            .map(|path| path.to_token_stream().to_string().replace(' ', ""))
            .collect();
        Ok(())
    }
}

/// Steps over what follows an option that was not understood, up to the next comma.
fn skip_value(stream: ParseStream<'_>) -> syn::Result<()> {
    while !stream.is_empty() && !stream.peek(Token![,]) {
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
