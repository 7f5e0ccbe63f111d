//! What the expansion of `#[derive(ComponentType)]` calls to take a [`Val`] apart. Not for use by hand.

use crate::error::{Error, Result};
use crate::val::Val;
use crate::value::ComponentType;
use anyhow::{Context as _, anyhow, bail};

/// The fields of a record not taken yet.
pub struct RecordFields {
    ty: &'static str,
    fields: Vec<(String, Val)>,
}

impl RecordFields {
    /// # Errors
    /// When `val` is no record.
    pub fn new(ty: &'static str, val: Val) -> Result<Self> {
        match val {
            Val::Record(fields) => Ok(Self { ty, fields }),
            other => bail!("a value of type {} is not the record `{ty}`", other.kind()),
        }
    }

    /// # Errors
    /// When the field is missing or of another type.
    pub fn take<T: ComponentType>(&mut self, name: &str) -> Result<T> {
        let Some(index) = self.fields.iter().position(|(field, _)| field == name) else {
            bail!("record `{}` has no field `{name}`", self.ty);
        };
        T::from_val(self.fields.swap_remove(index).1).with_context(|| format!("field `{name}` of record `{}`", self.ty))
    }

    /// # Errors
    /// When fields are left over.
    pub fn finish(self) -> Result<()> {
        match self.fields.first() {
            None => Ok(()),
            Some((name, _)) => bail!("record `{}` has a field `{name}` too many", self.ty),
        }
    }
}

/// The names of the flags set.
///
/// # Errors
/// When `val` is no flags value, or a name is not in `known`.
pub fn flag_names(ty: &'static str, val: Val, known: &[&str]) -> Result<Vec<String>> {
    let Val::Flags(names) = val else {
        bail!("a value of type {} is not the flags `{ty}`", val.kind())
    };
    match names.iter().find(|name| !known.contains(&name.as_str())) {
        Some(name) => bail!("flags `{ty}` have no `{name}`"),
        None => Ok(names),
    }
}

/// A case of an enum or variant.
pub struct Case {
    ty: &'static str,
    name: String,
    payload: Option<Box<Val>>,
}

impl Case {
    /// # Errors
    /// When `val` is neither an enum nor a variant.
    pub fn new(ty: &'static str, val: Val) -> Result<Self> {
        match val {
            Val::Variant(name, payload) => Ok(Self { ty, name, payload }),
            Val::Enum(name) => Ok(Self {
                ty,
                name,
                payload: None,
            }),
            other => bail!("a value of type {} is not the variant or enum `{ty}`", other.kind()),
        }
    }

    /// The name of the case, owned because the payload is moved out while the name is matched on.
    pub fn name(&self) -> String {
        self.name.clone()
    }

    /// # Errors
    /// When there is no payload, or one of another type.
    pub fn payload<T: ComponentType>(self) -> Result<T> {
        let Self { ty, name, payload } = self;
        T::from_payload(payload).with_context(|| format!("case `{name}` of `{ty}`"))
    }

    /// # Errors
    /// When there is a payload.
    pub fn no_payload(&self) -> Result<()> {
        match &self.payload {
            None => Ok(()),
            Some(_) => bail!("case `{}` of `{}` has no payload", self.name, self.ty),
        }
    }

    /// The error for a name that is no case.
    pub fn unknown(&self) -> Error {
        anyhow!("`{}` has no case `{}`", self.ty, self.name)
    }
}
