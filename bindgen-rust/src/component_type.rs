//! The sections that describe the world to the tools that make components.
//!
//! A module's sections are joined by those tools, so every world that some code was generated for counts, in whichever crate that is.
//! Sections of one name, however, are run together by the linker and cannot be read any more; so their names hold the place they are
//! at. With an export macro for other crates, only the user of the macro provides the exports: the section of the bindings then has the
//! imports alone, and the macro brings another one with everything.

use proc_macro2::{Literal, TokenStream};
use quote::quote;
use wit_parser::World;
use witflow_bindgen_core::component_type::encode;
use witflow_bindgen_core::diagnostic::Diagnostic;
use witflow_bindgen_core::load::Loaded;

use crate::Generator;
use crate::options::Options;
use crate::world::allow;

/// The encoded world.
pub(crate) struct ComponentType {
    whole: Vec<u8>,
    /// The world without its exports, if those count elsewhere.
    imports: Option<Vec<u8>>,
}

impl ComponentType {
    /// Encodes the world, and a second time without its exports where that is needed.
    pub(crate) fn new(loaded: &Loaded, options: &Options) -> Result<Self, Diagnostic> {
        let failed = |error: witflow_bindgen_core::component_type::Error| Diagnostic::new(error.to_string());
        let whole = encode(&loaded.written, loaded.world).map_err(failed)?;
        let split = options.pub_export_macro && !loaded.written.worlds[loaded.world].exports.is_empty();
        let imports = split.then(|| {
            let mut resolve = loaded.written.clone();
            let world = &resolve.worlds[loaded.world];
            // A world of its own: joining two of one name and different contents fails.
            let world = World {
                name: format!("{}-imports", world.name),
                exports: Default::default(),
                ..world.clone()
            };
            let id = resolve.worlds.alloc(world);
            encode(&resolve, id).map_err(failed)
        });
        Ok(Self {
            whole,
            imports: imports.transpose()?,
        })
    }
}

impl Generator<'_> {
    /// The name of the section, but for what tells it from others with the same world.
    fn section(&self) -> String {
        let world = &self.resolve().worlds[self.world.id];
        let package = world.package.map(|id| self.resolve().packages[id].name.to_string());
        let suffix = self.options.type_section_suffix.as_deref().unwrap_or_default();
        let (version, package) = (env!("CARGO_PKG_VERSION"), package.unwrap_or_default());
        format!("component-type:witflow:{version}:{package}:{}{suffix}:", world.name)
    }

    /// The bytes of the world, and the section with them or with its imports.
    pub(crate) fn component_type(&self, described: &ComponentType) -> TokenStream {
        let rt = &self.rt;
        let (allow, section) = (allow(), self.section());
        let (length, literal) = bytes(&described.whole);
        let (described_length, described) = match &described.imports {
            Some(imports) => bytes(imports),
            None => (length.clone(), quote!(_COMPONENT_TYPE)),
        };
        let link = !self.options.disable_custom_section_link_helpers;
        quote! {
            #[doc(hidden)]
            #allow
            pub const _COMPONENT_TYPE: &[u8; #length] = #literal;
            #rt::component_type!(#section, #described_length, #described, link = #link);
        }
    }

    /// The section with the whole world, for the place where the export macro is used.
    pub(crate) fn exported_component_type(&self, described: &ComponentType) -> Option<TokenStream> {
        let rt = &self.runtime;
        described.imports.as_ref()?;
        let (section, length) = (self.section(), bytes(&described.whole).0);
        Some(quote!(#rt::component_type!(#section, #length, $($path)*::_COMPONENT_TYPE, link = false);))
    }
}

fn bytes(bytes: &[u8]) -> (Literal, TokenStream) {
    let literal = Literal::byte_string(bytes);
    (Literal::usize_unsuffixed(bytes.len()), quote!(#literal))
}
