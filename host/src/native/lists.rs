//! [`NativeList`]: the tuples that stand for parameter and result lists, and for WIT's own tuples.

use super::store::NativeStore;
use super::typed::{Natively, mismatch, missing_payload, unexpected};
use crate::canonical::{Type, Value};
use crate::error::Result;
use anyhow::{anyhow, bail, ensure};

/// A tuple of parameters or results.
pub trait NativeList: Sized {
    /// Whether the members stand for these types.
    ///
    /// # Errors
    /// When their number differs, or the types at some place.
    fn check_all(types: &[&Type]) -> Result<()>;

    /// Converts all for a guest.
    ///
    /// # Errors
    /// As [`Natively::into_value`].
    fn into_values(self, types: &[&Type], store: &NativeStore) -> Result<Vec<Value>>;

    /// Converts all of a guest.
    ///
    /// # Errors
    /// As [`Natively::from_value`].
    fn from_values(values: Vec<Value>, types: &[&Type], store: &NativeStore) -> Result<Self>;
}

impl NativeList for () {
    fn check_all(types: &[&Type]) -> Result<()> {
        ensure!(types.is_empty(), "WIT has {} values where Rust has none", types.len());
        Ok(())
    }
    fn into_values(self, _: &[&Type], _: &NativeStore) -> Result<Vec<Value>> {
        Ok(Vec::new())
    }
    fn from_values(values: Vec<Value>, _: &[&Type], _: &NativeStore) -> Result<Self> {
        ensure!(values.is_empty(), "{} values where none is due", values.len());
        Ok(())
    }
}

/// The members of a tuple on their way in, each with its type.
struct Members<'a> {
    values: std::vec::IntoIter<Value>,
    types: std::slice::Iter<'a, &'a Type>,
    store: &'a NativeStore,
}

impl Members<'_> {
    fn take<T: Natively>(&mut self) -> Result<T> {
        let next = self.values.next().zip(self.types.next());
        let (value, ty) = next.ok_or_else(|| anyhow!("a value is missing"))?;
        T::from_value(value, ty, self.store)
    }
}

macro_rules! tuples {
    ($(($($ty:ident),+))*) => {$(
        impl<$($ty: Natively),+> Natively for ($($ty,)+) {
            fn check(ty: &Type) -> Result<()> {
                match ty {
                    Type::Tuple(types) => Self::check_all(&types.iter().collect::<Vec<_>>()),
                    other => Err(mismatch::<Self>(other)),
                }
            }
            fn into_value(self, ty: &Type, store: &NativeStore) -> Result<Value> {
                let Type::Tuple(types) = ty else { return Err(mismatch::<Self>(ty)) };
                Ok(Value::Record(self.into_values(&types.iter().collect::<Vec<_>>(), store)?))
            }
            fn from_value(value: Value, ty: &Type, store: &NativeStore) -> Result<Self> {
                match (value, ty) {
                    (Value::Record(values), Type::Tuple(types)) => {
                        Self::from_values(values, &types.iter().collect::<Vec<_>>(), store)
                    }
                    (other, _) => Err(unexpected::<Self>(&other)),
                }
            }
        }

        #[expect(non_snake_case, reason = "a type parameter names its member")]
        impl<$($ty: Natively),+> NativeList for ($($ty,)+) {
            fn check_all(types: &[&Type]) -> Result<()> {
                match types {
                    [$($ty),+] => {
                        $($ty::check($ty)?;)+
                        Ok(())
                    }
                    other => bail!("WIT has {} values where Rust has {}", other.len(), [$(stringify!($ty)),+].len()),
                }
            }
            fn into_values(self, types: &[&Type], store: &NativeStore) -> Result<Vec<Value>> {
                let ($($ty,)+) = self;
                let mut types = types.iter();
                Ok(vec![$($ty.into_value(types.next().ok_or_else(missing_payload)?, store)?),+])
            }
            fn from_values(values: Vec<Value>, types: &[&Type], store: &NativeStore) -> Result<Self> {
                let due = [$(stringify!($ty)),+].len();
                ensure!(values.len() == due, "{} values where {due} are due", values.len());
                let mut members = Members { values: values.into_iter(), types: types.iter(), store };
                Ok(($(members.take::<$ty>()?,)+))
            }
        }
    )*};
}
crate::value::for_each_tuple!(tuples);
