//! One method for each option.

use std::path::PathBuf;

use crate::{Builder, Options, Ownership, With};

impl Builder {
    /// Replaces all options at once.
    #[must_use]
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// See [`Options::world`].
    #[must_use]
    pub fn world(mut self, value: impl Into<String>) -> Self {
        self.options.world = Some(value.into());
        self
    }

    /// Another WIT file or directory, read before the one given to [`Builder::compile`]. See [`Options::path`].
    #[must_use]
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.options.path.push(path.into());
        self
    }

    /// See [`Options::inline`].
    #[must_use]
    pub fn inline(mut self, value: impl Into<String>) -> Self {
        self.options.inline = Some(value.into());
        self
    }

    /// See [`Options::features`].
    #[must_use]
    pub fn features<S: Into<String>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        self.options.features.extend(values.into_iter().map(Into::into));
        self
    }

    /// See [`Options::all_features`].
    #[must_use]
    pub fn all_features(mut self, yes: bool) -> Self {
        self.options.all_features = yes;
        self
    }

    /// One filter of [`Options::async_`], or `true` or `false`.
    #[must_use]
    pub fn async_(mut self, filter: impl ToString) -> Self {
        self.options.async_.push(filter.to_string());
        self
    }

    /// One filter of [`Options::sync`], or `true` or `false`.
    #[must_use]
    pub fn sync(mut self, filter: impl ToString) -> Self {
        self.options.sync.push(filter.to_string());
        self
    }

    /// One filter of [`Options::concurrent_imports`], or `true` or `false`.
    #[must_use]
    pub fn concurrent_imports(mut self, filter: impl ToString) -> Self {
        self.options.concurrent_imports.push(filter.to_string());
        self
    }

    /// One filter of [`Options::concurrent_exports`], or `true` or `false`.
    #[must_use]
    pub fn concurrent_exports(mut self, filter: impl ToString) -> Self {
        self.options.concurrent_exports.push(filter.to_string());
        self
    }

    /// See [`Options::skip`].
    #[must_use]
    pub fn skip<S: Into<String>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        self.options.skip.extend(values.into_iter().map(Into::into));
        self
    }

    /// Uses the bindings in module `path` for the interface `name`, or the type `path` for the type `name`, or `generate`. See
    /// [`Options::with`].
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, path: &str) -> Self {
        self.options.with.push((name.into(), With::parse(path)));
        self
    }

    /// See [`Options::generate_all`].
    #[must_use]
    pub fn generate_all(mut self, yes: bool) -> Self {
        self.options.generate_all = yes;
        self
    }

    /// See [`Options::generate_unused_types`].
    #[must_use]
    pub fn generate_unused_types(mut self, yes: bool) -> Self {
        self.options.generate_unused_types = yes;
        self
    }

    /// One filter of [`Options::chainable_methods`].
    #[must_use]
    pub fn chainable_methods(mut self, filter: impl Into<String>) -> Self {
        self.options.chainable_methods.push(filter.into());
        self
    }

    /// See [`Options::ownership`].
    #[must_use]
    pub fn ownership(mut self, mode: Ownership) -> Self {
        self.options.ownership = mode;
        self
    }

    /// See [`Options::merge_structurally_equal_types`].
    #[must_use]
    pub fn merge_structurally_equal_types(mut self, yes: bool) -> Self {
        self.options.merge_structurally_equal_types = yes;
        self
    }

    /// See [`Options::raw_strings`].
    #[must_use]
    pub fn raw_strings(mut self, yes: bool) -> Self {
        self.options.raw_strings = yes;
        self
    }

    /// See [`Options::additional_derives`].
    #[must_use]
    pub fn additional_derives<S: Into<String>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        self.options
            .additional_derives
            .extend(values.into_iter().map(Into::into));
        self
    }

    /// See [`Options::additional_derives_ignore`].
    #[must_use]
    pub fn additional_derives_ignore<S: Into<String>>(mut self, values: impl IntoIterator<Item = S>) -> Self {
        self.options
            .additional_derives_ignore
            .extend(values.into_iter().map(Into::into));
        self
    }

    /// One attribute, such as `#[repr(C)]`, for what `selector` is about. See [`Options::additional_type_attributes`].
    #[must_use]
    pub fn additional_type_attribute(mut self, selector: impl Into<String>, attribute: impl Into<String>) -> Self {
        self.options
            .additional_type_attributes
            .push((selector.into(), attribute.into()));
        self
    }

    /// One attribute, such as `#[repr(C)]`, for what `selector` is about. See [`Options::additional_member_attributes`].
    #[must_use]
    pub fn additional_member_attribute(mut self, selector: impl Into<String>, attribute: impl Into<String>) -> Self {
        self.options
            .additional_member_attributes
            .push((selector.into(), attribute.into()));
        self
    }

    /// See [`Options::std_feature`].
    #[must_use]
    pub fn std_feature(mut self, yes: bool) -> Self {
        self.options.std_feature = yes;
        self
    }

    /// See [`Options::stubs`].
    #[must_use]
    pub fn stubs(mut self, yes: bool) -> Self {
        self.options.stubs = yes;
        self
    }

    /// See [`Options::runtime_path`].
    #[must_use]
    pub fn runtime_path(mut self, value: impl Into<String>) -> Self {
        self.options.runtime_path = Some(value.into());
        self
    }

    /// See [`Options::bitflags_path`].
    #[must_use]
    pub fn bitflags_path(mut self, value: impl Into<String>) -> Self {
        self.options.bitflags_path = Some(value.into());
        self
    }

    /// See [`Options::map_type`].
    #[must_use]
    pub fn map_type(mut self, value: impl Into<String>) -> Self {
        self.options.map_type = Some(value.into());
        self
    }

    /// See [`Options::export_macro_name`].
    #[must_use]
    pub fn export_macro_name(mut self, value: impl Into<String>) -> Self {
        self.options.export_macro_name = Some(value.into());
        self
    }

    /// See [`Options::pub_export_macro`].
    #[must_use]
    pub fn pub_export_macro(mut self, yes: bool) -> Self {
        self.options.pub_export_macro = yes;
        self
    }

    /// See [`Options::default_bindings_module`].
    #[must_use]
    pub fn default_bindings_module(mut self, value: impl Into<String>) -> Self {
        self.options.default_bindings_module = Some(value.into());
        self
    }

    /// See [`Options::export_prefix`].
    #[must_use]
    pub fn export_prefix(mut self, value: impl Into<String>) -> Self {
        self.options.export_prefix = Some(value.into());
        self
    }

    /// See [`Options::type_section_suffix`].
    #[must_use]
    pub fn type_section_suffix(mut self, value: impl Into<String>) -> Self {
        self.options.type_section_suffix = Some(value.into());
        self
    }

    /// See [`Options::disable_run_ctors_once_workaround`].
    #[must_use]
    pub fn disable_run_ctors_once_workaround(mut self, yes: bool) -> Self {
        self.options.disable_run_ctors_once_workaround = yes;
        self
    }

    /// See [`Options::disable_custom_section_link_helpers`].
    #[must_use]
    pub fn disable_custom_section_link_helpers(mut self, yes: bool) -> Self {
        self.options.disable_custom_section_link_helpers = yes;
        self
    }
}
