//! The values of the options, each in the form its option has.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Attribute, Ident, LitBool, LitStr, Token, braced, bracketed};
use witflow_bindgen_rust::core::diagnostic::{Diagnostic, did_you_mean};
use witflow_bindgen_rust::options::{MACRO_OPTION_NAMES, OPTION_NAMES, unknown_option};
use witflow_bindgen_rust::{Options, Ownership, With};

use super::{Input, error_at, evaluate};

impl Input {
    /// Reads one option.
    pub(super) fn option(&mut self, name: &Ident, stream: ParseStream<'_>) -> syn::Result<()> {
        let text = self.known(name)?;
        self.value(text, stream).map_err(|error| {
            let said = error.to_string();
            match said.contains("help:") {
                true => error,
                false => syn::Error::new(error.span(), format!("{said}\nhelp: for example `{}`", example(text))),
            }
        })
    }

    /// The option of this name, which was not given before.
    fn known(&mut self, name: &Ident) -> syn::Result<&'static str> {
        let text = name.to_string();
        // Told before its value is looked at, which may be anything.
        let Some(text) = OPTION_NAMES
            .iter()
            .chain(MACRO_OPTION_NAMES)
            .find(|known| **known == text)
        else {
            return Err(error_at(name, &unknown_option(&text)));
        };
        if self.seen.contains(text) {
            let diagnostic = Diagnostic::new(format!("`{text}` is given twice"));
            return Err(error_at(name, &diagnostic.help("keep one of the two")));
        }
        self.seen.push(text);
        self.note(text, None, name);
        Ok(text)
    }

    fn value(&mut self, text: &'static str, stream: ParseStream<'_>) -> syn::Result<()> {
        let flag = match text {
            "debug" => Some(&mut self.debug),
            text => flag(&mut self.options, text),
        };
        if let Some(flag) = flag {
            // Switches can do without a value.
            *flag = stream.is_empty() || stream.peek(Token![,]) || {
                stream.parse::<Token![:]>()?;
                stream.parse::<LitBool>()?.value
            };
            return Ok(());
        }
        stream.parse::<Token![:]>()?;
        if let Some(string) = string(&mut self.options, text) {
            let value: LitStr = stream.parse()?;
            *string = Some(value.value());
            self.note(text, Some(value.value()), value);
            return Ok(());
        }
        match text {
            "path" => self.path(stream)?,
            "features" => self.options.features = self.strings(text, stream)?,
            "chainable_methods" => self.options.chainable_methods = self.strings(text, stream)?,
            "skip" => self.options.skip = self.strings(text, stream)?,
            "additional_derives_ignore" => self.options.additional_derives_ignore = self.strings(text, stream)?,
            "async" => self.options.async_ = self.filters(text, stream)?,
            "sync" => self.options.sync = self.filters(text, stream)?,
            "concurrent_imports" => self.options.concurrent_imports = self.filters(text, stream)?,
            "concurrent_exports" => self.options.concurrent_exports = self.filters(text, stream)?,
            "with" => self.with(stream)?,
            "ownership" => self.options.ownership = ownership(stream)?,
            "additional_derives" => self.derives(stream)?,
            "additional_type_attributes" => self.options.additional_type_attributes = self.attributes(text, stream)?,
            "additional_member_attributes" => {
                self.options.additional_member_attributes = self.attributes(text, stream)?;
            }
            text => unreachable!("the option `{text}` has a value"),
        }
        Ok(())
    }

    fn path(&mut self, stream: ParseStream<'_>) -> syn::Result<()> {
        let values = if stream.peek(syn::token::Bracket) {
            let list;
            bracketed!(list in stream);
            Punctuated::<PathText, Token![,]>::parse_terminated(&list)?
        } else {
            std::iter::once(stream.parse::<PathText>()?).collect()
        };
        for PathText { text, tokens } in values {
            self.options.path.push((&text).into());
            self.note("path", Some(text), tokens);
        }
        Ok(())
    }

    /// One string or a list of them.
    fn strings(&mut self, option: &str, stream: ParseStream<'_>) -> syn::Result<Vec<String>> {
        if stream.peek(LitStr) {
            let value: LitStr = stream.parse()?;
            return Ok(vec![self.note_string(option, &value)]);
        }
        let list;
        bracketed!(list in stream);
        let values = Punctuated::<LitStr, Token![,]>::parse_terminated(&list)?;
        Ok(values.iter().map(|value| self.note_string(option, value)).collect())
    }

    /// `true`, `false`, or filters.
    fn filters(&mut self, option: &str, stream: ParseStream<'_>) -> syn::Result<Vec<String>> {
        if stream.peek(LitBool) {
            let value: LitBool = stream.parse()?;
            return Ok(vec![value.value.to_string()]);
        }
        self.strings(option, stream)
    }

    fn with(&mut self, stream: ParseStream<'_>) -> syn::Result<()> {
        let entries;
        braced!(entries in stream);
        while !entries.is_empty() {
            let name: LitStr = entries.parse()?;
            entries.parse::<Token![:]>()?;
            let path: syn::Path = entries.parse()?;
            let name = self.note_string("with", &name);
            self.options.with.push((name, With::parse(&without_spaces(&path))));
            if !entries.is_empty() {
                entries.parse::<Token![,]>()?;
            }
        }
        Ok(())
    }

    fn derives(&mut self, stream: ParseStream<'_>) -> syn::Result<()> {
        let list;
        bracketed!(list in stream);
        let derives = Punctuated::<syn::Path, Token![,]>::parse_terminated(&list)?;
        for derive in derives {
            let text = without_spaces(&derive);
            self.note("additional_derives", Some(text.clone()), &derive);
            self.options.additional_derives.push(text);
        }
        Ok(())
    }

    /// `{ "selector": [#[attribute] ..], .. }`
    fn attributes(&mut self, option: &str, stream: ParseStream<'_>) -> syn::Result<Vec<(String, String)>> {
        let (entries, mut found) = (braces(stream)?, Vec::new());
        while !entries.is_empty() {
            let selector: LitStr = entries.parse()?;
            entries.parse::<Token![:]>()?;
            let list;
            bracketed!(list in entries);
            let attributes = list.call(Attribute::parse_outer)?;
            if attributes.is_empty() || !list.is_empty() {
                return Err(list.error("expected attributes: `#[..]`"));
            }
            let selector = self.note_string(option, &selector);
            let texts = attributes
                .iter()
                .map(|attribute| attribute.to_token_stream().to_string());
            found.extend(texts.map(|text| (selector.clone(), text)));
            if !entries.is_empty() {
                entries.parse::<Token![,]>()?;
            }
        }
        Ok(found)
    }
}

/// How an option is written.
fn example(option: &str) -> String {
    let value = match option {
        "path" => "[\"wit\", \"more/wit\"]",
        "features" | "skip" | "additional_derives_ignore" => "[\"name\", \"other-name\"]",
        "async" | "concurrent_imports" | "concurrent_exports" => "[\"-ns:pkg/iface#func\"]",
        "sync" => "[\"ns:pkg/iface#func\"]",
        "chainable_methods" => "[\"ns:pkg/iface#resource\"]",
        "with" => "{ \"ns:pkg/iface\": path::of::module }",
        "ownership" => "Borrowing { duplicate_if_necessary: false }",
        "additional_derives" => "[PartialEq, serde::Serialize]",
        "additional_type_attributes" => "{ \"ns:pkg/iface/type\": [#[non_exhaustive]] }",
        "additional_member_attributes" => "{ \"ns:pkg/iface/type.field\": [#[serde(skip)]] }",
        "debug" => "true",
        _ if flag(&mut Options::default(), option).is_some() => "true",
        _ => "\"text\"",
    };
    format!("{option}: {value}")
}

/// The switch that an option is.
fn flag<'o>(options: &'o mut Options, name: &str) -> Option<&'o mut bool> {
    Some(match name {
        "all_features" => &mut options.all_features,
        "generate_all" => &mut options.generate_all,
        "generate_unused_types" => &mut options.generate_unused_types,
        "merge_structurally_equal_types" => &mut options.merge_structurally_equal_types,
        "raw_strings" => &mut options.raw_strings,
        "std_feature" => &mut options.std_feature,
        "stubs" => &mut options.stubs,
        "pub_export_macro" => &mut options.pub_export_macro,
        "disable_run_ctors_once_workaround" => &mut options.disable_run_ctors_once_workaround,
        "disable_custom_section_link_helpers" => &mut options.disable_custom_section_link_helpers,
        _ => return None,
    })
}

/// The text that an option is.
fn string<'o>(options: &'o mut Options, name: &str) -> Option<&'o mut Option<String>> {
    Some(match name {
        "world" => &mut options.world,
        "inline" => &mut options.inline,
        "runtime_path" => &mut options.runtime_path,
        "bitflags_path" => &mut options.bitflags_path,
        "map_type" => &mut options.map_type,
        "export_macro_name" => &mut options.export_macro_name,
        "default_bindings_module" => &mut options.default_bindings_module,
        "export_prefix" => &mut options.export_prefix,
        "type_section_suffix" => &mut options.type_section_suffix,
        _ => return None,
    })
}

/// `Owning`, `Borrowing { duplicate_if_necessary: true }`, or the text the command line has for it.
fn ownership(stream: ParseStream<'_>) -> syn::Result<Ownership> {
    if stream.peek(LitStr) {
        let mode: LitStr = stream.parse()?;
        return Ownership::parse(&mode.value()).map_err(|help| {
            let diagnostic = Diagnostic::new(format!("there is no ownership mode `{}`", mode.value()));
            error_at(&mode, &diagnostic.help(help))
        });
    }
    let mode: Ident = stream.parse()?;
    if mode == "Owning" {
        return Ok(Ownership::Owning);
    }
    if mode != "Borrowing" {
        let diagnostic = Diagnostic::new(format!("there is no ownership mode `{mode}`"));
        let help = match did_you_mean(&mode.to_string(), ["Owning", "Borrowing"]) {
            Some(close) => format!("did you mean `{close}`?"),
            None => "the modes are `Owning` and `Borrowing { duplicate_if_necessary: .. }`".to_owned(),
        };
        return Err(error_at(&mode, &diagnostic.help(help)));
    }
    let fields = braces(stream)?;
    let field: Ident = fields.parse()?;
    if field != "duplicate_if_necessary" {
        let diagnostic = Diagnostic::new(format!("`Borrowing` has no field `{field}`"));
        return Err(error_at(
            &field,
            &diagnostic.help("its field is `duplicate_if_necessary`"),
        ));
    }
    fields.parse::<Token![:]>()?;
    let duplicate_if_necessary = fields.parse::<LitBool>()?.value;
    fields.parse::<Option<Token![,]>>()?;
    Ok(Ownership::Borrowing { duplicate_if_necessary })
}

fn braces<'s>(stream: ParseStream<'s>) -> syn::Result<syn::parse::ParseBuffer<'s>> {
    let inner;
    braced!(inner in stream);
    Ok(inner)
}

fn without_spaces(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string().replace(' ', "")
}

/// A path as text, or a macro that makes one.
struct PathText {
    text: String,
    tokens: TokenStream,
}

impl syn::parse::Parse for PathText {
    fn parse(stream: ParseStream<'_>) -> syn::Result<Self> {
        if stream.peek(LitStr) {
            let text: LitStr = stream.parse()?;
            return Ok(Self {
                text: text.value(),
                tokens: text.to_token_stream(),
            });
        }
        if !stream.peek(Ident::peek_any) && !stream.peek(Token![::]) {
            return Err(stream.error("expected a path as text"));
        }
        let call: syn::Macro = stream.parse()?;
        Ok(Self {
            text: evaluate::text(&call)?,
            tokens: call.to_token_stream(),
        })
    }
}
