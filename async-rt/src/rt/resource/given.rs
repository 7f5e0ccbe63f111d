//! Giving away a resource whose type is not that of bindings: one that users have put in its place.
//!
//! Such a type need have no more than the methods `take_handle` and `from_handle`, as in wit-bindgen. Whether it has more, that is a
//! [`Handle`](super::Handle) that can be given back if the call never begins, is decided by the compiler: a method of [`Given`] itself
//! is preferred to that of [`ByNumber`], but is there for the types of bindings only.

use super::{WasmResource, own_lower};
use crate::rt::Cleanup;

/// A resource that is given away, and how to take the handle out of it.
pub struct Given<'a, R, F>(pub &'a R, pub F);

impl<R: WasmResource, F> Given<'_, R, F> {
    /// As [`own_lower`].
    ///
    /// # Safety
    ///
    /// As there.
    ///
    /// # Panics
    ///
    /// As there.
    pub unsafe fn lower(self, cleanup: &mut Cleanup) -> i32 {
        // SAFETY: the caller's promise.
        unsafe { own_lower(self.0, cleanup) }
    }
}

/// What is there for all other types.
pub trait ByNumber {
    /// Takes the handle out of the resource, for good.
    ///
    /// # Safety
    ///
    /// The number is handed to the host as an own handle.
    unsafe fn lower(self, cleanup: &mut Cleanup) -> i32;
}

impl<R, F: FnOnce() -> u32> ByNumber for Given<'_, R, F> {
    unsafe fn lower(self, _: &mut Cleanup) -> i32 {
        (self.1)() as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Foreign(u32);

    #[test]
    fn a_type_of_the_users_gives_its_number() {
        let foreign = Foreign(7);
        let given = Given(&foreign, || foreign.0);
        // SAFETY: no host is given the number.
        let number = unsafe { given.lower(&mut Cleanup::new()) };
        assert_eq!(number, 7);
    }
}
