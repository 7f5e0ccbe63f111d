//! What generated bindings name: the host's types under the names that bindings use, and a few of their own.

pub use crate::script::{Next, not_implemented};
pub use crate::{
    Borrow, Component, Cx, ErrorContext, Function, FutureReader, Instance, Linker, Own, Promise, Resource, Result,
    Script, Store, StreamReader, Strict, TypedFunc,
};
pub use std::collections::BTreeMap as Map;
pub use std::string::String;
pub use std::sync::Arc;
pub use std::vec::Vec;

use std::any::{Any, type_name};
use std::fmt;

/// A value of any type that implements a resource.
pub struct Object {
    value: Box<dyn Any + Send + Sync>,
    name: &'static str,
}

impl Object {
    /// Holds `value`.
    pub fn new<T: Send + Sync + 'static>(value: T) -> Self {
        Self {
            value: Box::new(value),
            name: type_name::<T>(),
        }
    }

    /// The value.
    ///
    /// # Errors
    /// When it is not a `T`.
    pub fn get<T: Send + Sync + 'static>(&self) -> Result<&T> {
        let found = self.value.downcast_ref();
        found.ok_or_else(|| anyhow::anyhow!("the resource is a `{}`, not a `{}`", self.name, type_name::<T>()))
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
