//! Resources the guest defines: from the user's value to a representation and back.
//!
//! The value is put into memory by the user's trait ([`Resource::Rep`], in a box unless overridden), and the seam makes a
//! representation of its address ([`sys::reps`](crate::sys::reps)): on wasm that is the address, natively a number that is
//! checked.
//!
//! Several calls may borrow one value at a time, so a borrow gives `&T` only. An own handle gives `&mut T`, since whoever has it
//! has lent it to nobody: the host does not let a lent handle be passed to us, and what we lend ourselves borrows the
//! handle, or has a loan, which is checked.

use crate::rt::resource::{Handle, WasmResource};
use crate::sys::reps;
use core::any::TypeId;

pub use crate::sys::reps::ImplementedBy;

/// A type that implements a resource. Every type can.
pub trait Resource: Sized + 'static {
    /// What is kept in memory for it.
    type Rep: ResourceRep<Self>;
}

impl<T: 'static> Resource for T {
    type Rep = Option<T>;
}

/// How a value is kept in memory.
///
/// # Safety
///
/// The references are to the value the representation was made of, until it is taken.
pub unsafe trait ResourceRep<T> {
    /// Keeps a value.
    fn rep_new(value: T) -> Self;

    /// The value.
    ///
    /// # Safety
    ///
    /// `rep` points to a representation whose value was not taken, for as long as the reference is used.
    unsafe fn rep_as_ref<'a>(rep: *const Self) -> &'a T;

    /// The value, to be changed.
    ///
    /// # Safety
    ///
    /// As for [`ResourceRep::rep_as_ref`], and nothing else uses the value in the meantime.
    unsafe fn rep_as_mut<'a>(rep: *mut Self) -> &'a mut T;

    /// Takes the value out. Dropping the representation does not drop it again.
    ///
    /// # Safety
    ///
    /// As for [`ResourceRep::rep_as_mut`].
    unsafe fn rep_take(rep: *mut Self) -> T;
}

// SAFETY: the value is in the option until it is taken.
unsafe impl<T> ResourceRep<T> for Option<T> {
    fn rep_new(value: T) -> Self {
        Some(value)
    }

    unsafe fn rep_as_ref<'a>(rep: *const Self) -> &'a T {
        // SAFETY: the caller's promise.
        match unsafe { &*rep } {
            Some(value) => value,
            None => taken(),
        }
    }

    unsafe fn rep_as_mut<'a>(rep: *mut Self) -> &'a mut T {
        // SAFETY: the caller's promise.
        match unsafe { &mut *rep } {
            Some(value) => value,
            None => taken(),
        }
    }

    unsafe fn rep_take(rep: *mut Self) -> T {
        // SAFETY: the caller's promise.
        match unsafe { (*rep).take() } {
            Some(value) => value,
            None => taken(),
        }
    }
}

#[cold]
fn taken() -> ! {
    panic!("the value of a resource was taken out of it before")
}

/// A resource that the guest defines. Bindings implement it for the struct that stands for own handles.
///
/// # Safety
///
/// The functions are the built-ins of this type, and the guard is of this type alone.
pub unsafe trait Defined: WasmResource {
    /// `resource.new`
    ///
    /// # Safety
    ///
    /// The representation is one of this type, and is given away once.
    unsafe fn resource_new(rep: u32) -> u32;

    /// `resource.rep`
    ///
    /// # Safety
    ///
    /// The handle is an own handle of this type.
    unsafe fn resource_rep(handle: u32) -> u32;

    /// Remembers which type implements it.
    fn implemented_by() -> &'static ImplementedBy;
}

/// Makes a resource of a value that was put into memory.
///
/// # Safety
///
/// `rep` stays valid until [`resource_drop_rep`] gives it back.
pub unsafe fn resource_new<D: Defined, T: Resource>(rep: *mut T::Rep) -> D {
    let rep = reps::insert(D::implemented_by(), TypeId::of::<T>(), rep.cast());
    // SAFETY: a fresh representation makes a fresh handle, which nobody else has.
    unsafe { D::of_handle(Handle::from_handle(D::resource_new(rep))) }
}

/// Where the value behind a representation is.
///
/// # Panics
///
/// If another type implements the resource. Natively also if there is no such representation.
///
/// # Safety
///
/// On wasm, the representation was made by [`resource_new`] and not dropped.
unsafe fn pointer<D: Defined, T: Resource>(rep: u32) -> *mut T::Rep {
    // SAFETY: the caller's promise.
    unsafe { reps::pointer(D::implemented_by(), TypeId::of::<T>(), rep).cast() }
}

fn of_handle<D: Defined, T: Resource>(resource: &D) -> *mut T::Rep {
    let handle = resource.as_handle().handle();
    // SAFETY: the handle is ours (rule 6), so its representation is alive.
    unsafe { pointer::<D, T>(D::resource_rep(handle)) }
}

/// The value of a resource.
///
/// # Panics
///
/// If the resource was given away, or `T` is not the type that implements it.
pub fn resource_get<D: Defined, T: Resource>(resource: &D) -> &T {
    // SAFETY: the value is there while the handle is, which the reference borrows; `&mut` to it needs the handle for itself.
    unsafe { T::Rep::rep_as_ref(of_handle::<D, T>(resource)) }
}

/// The value of a resource, to be changed.
///
/// # Panics
///
/// As [`resource_get`], and if a call that has not returned borrows the resource.
pub fn resource_get_mut<D: Defined, T: Resource>(resource: &mut D) -> &mut T {
    resource.as_handle().check_unlent();
    // SAFETY: the handle is borrowed exclusively and not lent, so nobody else can reach the value.
    unsafe { T::Rep::rep_as_mut(of_handle::<D, T>(resource)) }
}

/// Takes the value out of a resource and drops the rest.
///
/// # Panics
///
/// As [`resource_get_mut`].
pub fn resource_into_inner<D: Defined, T: Resource>(resource: D) -> T {
    resource.as_handle().check_unlent();
    // SAFETY: as in `resource_get_mut`. The value is taken before the handle is dropped: that runs the destructor, which finds no value.
    unsafe { T::Rep::rep_take(of_handle::<D, T>(&resource)) }
}

/// The value of a resource that was borrowed for a call.
///
/// # Panics
///
/// If `T` is not the type that implements the resource.
///
/// # Safety
///
/// `rep` is that of a resource which outlives the reference.
pub unsafe fn resource_get_borrowed<'a, D: Defined, T: Resource>(rep: u32) -> &'a T {
    // SAFETY: the caller's promise; nobody has `&mut` to the value while the resource is borrowed.
    unsafe { T::Rep::rep_as_ref(pointer::<D, T>(rep)) }
}

/// Ends a representation, as the destructor of its resource does; gives back what [`resource_new`] got.
///
/// # Panics
///
/// As [`resource_get_borrowed`].
///
/// # Safety
///
/// The host calls the destructor with `rep`, and does so once.
pub unsafe fn resource_drop_rep<D: Defined, T: Resource>(rep: u32) -> *mut T::Rep {
    // SAFETY: the caller's promise.
    unsafe { reps::remove(D::implemented_by(), TypeId::of::<T>(), rep).cast() }
}
