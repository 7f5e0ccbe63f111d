//! From addresses to representations of resources, which are 32 bits wide wherever the guest runs.
//!
//! On wasm the address is the representation. One type implements a resource there, and the first to do so is remembered.
//! Natively an instance numbers its representations, and knows the type behind each: several components of one process may
//! implement the resource by different types.

#[cfg(not(target_family = "wasm"))]
pub use native::ImplementedBy;
#[cfg(not(target_family = "wasm"))]
pub(crate) use native::{Reps, insert, pointer, remove};
#[cfg(target_family = "wasm")]
pub use wasm::ImplementedBy;
#[cfg(target_family = "wasm")]
pub(crate) use wasm::{insert, pointer, remove};

#[cold]
fn another_type() -> ! {
    panic!("a resource was used with a type that is not the one its world's `Guest` implementation names")
}

#[cfg(target_family = "wasm")]
mod wasm {
    use core::any::TypeId;
    use core::cell::Cell;

    /// The type that implements a resource, once there is a value of it.
    pub struct ImplementedBy(Cell<Option<TypeId>>);

    // SAFETY: rule 1: a wasm guest has one thread.
    unsafe impl Sync for ImplementedBy {}

    impl ImplementedBy {
        /// No type yet.
        #[expect(clippy::new_without_default, reason = "only generated code makes these")]
        pub const fn new() -> Self {
            Self(Cell::new(None))
        }
    }

    /// The representation of what is at `pointer`.
    pub(crate) fn insert(by: &ImplementedBy, ty: TypeId, pointer: *mut u8) -> u32 {
        match by.0.get() {
            None => by.0.set(Some(ty)),
            Some(known) if known == ty => {}
            Some(_) => super::another_type(),
        }
        pointer.expose_provenance() as u32
    }

    /// Where the value behind a representation is.
    ///
    /// # Safety
    ///
    /// The representation was made by `insert` and not removed.
    pub(crate) unsafe fn pointer(by: &ImplementedBy, ty: TypeId, rep: u32) -> *mut u8 {
        if by.0.get() != Some(ty) {
            super::another_type();
        }
        core::ptr::with_exposed_provenance_mut(rep as usize)
    }

    /// Ends a representation.
    ///
    /// # Safety
    ///
    /// As for `pointer`; called once.
    pub(crate) unsafe fn remove(by: &ImplementedBy, ty: TypeId, rep: u32) -> *mut u8 {
        // SAFETY: the caller's promise.
        unsafe { pointer(by, ty, rep) }
    }
}

#[cfg(not(target_family = "wasm"))]
mod native {
    use crate::sys;
    use alloc::vec::Vec;
    use core::any::TypeId;
    use core::cell::RefCell;

    /// Nothing: the type is known for each representation.
    pub struct ImplementedBy(());

    impl ImplementedBy {
        /// The only value.
        #[expect(clippy::new_without_default, reason = "only generated code makes these")]
        pub const fn new() -> Self {
            Self(())
        }
    }

    /// The representations of one instance.
    #[derive(Default)]
    pub(crate) struct Reps(RefCell<Table>);

    #[derive(Default)]
    struct Table {
        /// Where the value is, and its type. Representation `n` is at `n - 1`: 0 is none, as for handles.
        entries: Vec<Option<(*mut u8, TypeId)>>,
        free: Vec<u32>,
    }

    impl Table {
        fn insert(&mut self, entry: (*mut u8, TypeId)) -> u32 {
            if let Some(rep) = self.free.pop() {
                self.entries[rep as usize - 1] = Some(entry);
                return rep;
            }
            self.entries.push(Some(entry));
            match u32::try_from(self.entries.len()) {
                Ok(rep) => rep,
                Err(_) => sys::out_of_memory(),
            }
        }

        fn entry(&mut self, rep: u32) -> &mut Option<(*mut u8, TypeId)> {
            match self.entries.get_mut((rep as usize).wrapping_sub(1)) {
                Some(entry @ Some(_)) => entry,
                _ => panic!("the host passed representation {rep} of a resource, which does not exist or was dropped"),
            }
        }
    }

    fn check(entry: &(*mut u8, TypeId), ty: TypeId) -> *mut u8 {
        if entry.1 == ty { entry.0 } else { super::another_type() }
    }

    /// The representation of what is at `pointer`.
    pub(crate) fn insert(_by: &ImplementedBy, ty: TypeId, pointer: *mut u8) -> u32 {
        sys::instance().local.reps.0.borrow_mut().insert((pointer, ty))
    }

    /// Where the value behind a representation is.
    ///
    /// # Safety
    ///
    /// None natively: the representation is checked.
    pub(crate) unsafe fn pointer(_by: &ImplementedBy, ty: TypeId, rep: u32) -> *mut u8 {
        match sys::instance().local.reps.0.borrow_mut().entry(rep) {
            Some(entry) => check(entry, ty),
            None => unreachable!("`entry` answers occupied ones only"),
        }
    }

    /// Ends a representation.
    ///
    /// # Safety
    ///
    /// As for `pointer`.
    pub(crate) unsafe fn remove(_by: &ImplementedBy, ty: TypeId, rep: u32) -> *mut u8 {
        let mut table = sys::instance().local.reps.0.borrow_mut();
        let Some(entry) = table.entry(rep).take() else {
            unreachable!("`entry` answers occupied ones only")
        };
        table.free.push(rep);
        check(&entry, ty)
    }
}
