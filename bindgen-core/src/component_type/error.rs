//! The error of [`encode`](super::encode), and how items of a world are called in it.
//!
//! Only the first problem is reported, and none is repaired: a world that is wrong in one place is not encoded in part.

use std::fmt;

use wit_parser::{InterfaceId, Resolve, TypeId, TypeOwner};

/// A world can't be encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    item: String,
    reason: String,
}

impl Error {
    pub(super) fn new(item: impl Into<String>, reason: impl Into<String>) -> Error {
        Error {
            item: item.into(),
            reason: reason.into(),
        }
    }

    /// What can't be encoded, such as ``type `a` of interface `b:c/d` ``.
    pub fn item(&self) -> &str {
        &self.item
    }

    /// Why it can't be encoded.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "can't encode {}: {}", self.item, self.reason)
    }
}

impl std::error::Error for Error {}

/// Names an interface for a message.
pub(super) fn interface(resolve: &Resolve, id: InterfaceId) -> String {
    let interface = &resolve.interfaces[id];
    match (&interface.name, interface.package) {
        (Some(name), Some(package)) => format!("interface `{}`", resolve.id_of_name(package, name)),
        (Some(name), None) => format!("interface `{name}`"),
        (None, _) => "an inline interface".to_string(),
    }
}

/// Names a type for a message.
pub(super) fn type_(resolve: &Resolve, id: TypeId) -> String {
    let ty = &resolve.types[id];
    let Some(name) = &ty.name else {
        return format!("an anonymous {} type", ty.kind.as_str());
    };
    match ty.owner {
        TypeOwner::Interface(owner) => format!("type `{name}` of {}", interface(resolve, owner)),
        TypeOwner::World(owner) => {
            format!("type `{name}` of world `{}`", resolve.worlds[owner].name)
        }
        TypeOwner::None => format!("type `{name}`"),
    }
}
