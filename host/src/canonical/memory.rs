//! The core level: values as core code passes them, and the memory it passes pointers into.
//!
//! Pointers are `*mut u8` throughout. In a native process they are pointers, and keep their provenance; for a linear memory
//! they are addresses within it. Nothing here turns an integer into a pointer that is followed natively.

use super::ty::{CoreType, Width};
use std::fmt;
use std::mem::MaybeUninit;
use std::ptr;

/// A core value.
#[derive(Clone, Copy, Debug)]
pub enum CoreVal {
    /// An `i32`, also every handle and every packed result.
    I32(i32),
    /// An `i64`.
    I64(i64),
    /// An `f32`.
    F32(f32),
    /// An `f64`.
    F64(f64),
    /// A pointer.
    Ptr(*mut u8),
    /// The length of a list or string.
    Len(usize),
    /// A slot that holds a pointer or an `i64`, depending on the case of a variant.
    Slot(MaybeUninit<u64>),
}

/// The bits of a slot that holds a pointer.
pub(crate) fn slot_of_pointer(pointer: *mut u8) -> MaybeUninit<u64> {
    let mut slot = MaybeUninit::new(0u64);
    // SAFETY: a slot has room for a pointer of this process, which is at most 64 bits wide, and any alignment does for an
    // unaligned write. Writing through the cast keeps the provenance.
    unsafe { slot.as_mut_ptr().cast::<*mut u8>().write_unaligned(pointer) };
    slot
}

/// The pointer that a slot holds.
pub(crate) fn pointer_of_slot(slot: MaybeUninit<u64>) -> *mut u8 {
    // SAFETY: all 64 bits of a slot are initialised by whoever made it, and every bit pattern is a pointer. The same
    // bytes are read as were written, so provenance is kept.
    unsafe { slot.as_ptr().cast::<*mut u8>().read_unaligned() }
}

/// The integer that a slot holds.
pub(crate) fn bits_of_slot(slot: MaybeUninit<u64>) -> u64 {
    // SAFETY: all 64 bits of a slot are initialised by whoever made it.
    unsafe { slot.assume_init() }
}

/// A pointer without provenance, which serves for addresses of linear memories and for slots nobody reads.
pub(crate) fn address(bits: usize) -> *mut u8 {
    ptr::without_provenance_mut(bits)
}

impl CoreVal {
    /// The type of the value.
    pub fn ty(&self) -> CoreType {
        match self {
            CoreVal::I32(_) => CoreType::I32,
            CoreVal::I64(_) => CoreType::I64,
            CoreVal::F32(_) => CoreType::F32,
            CoreVal::F64(_) => CoreType::F64,
            CoreVal::Ptr(_) => CoreType::Ptr,
            CoreVal::Len(_) => CoreType::Len,
            CoreVal::Slot(_) => CoreType::Slot,
        }
    }

    /// A zero of the type, for slots that the active case of a variant does not use.
    pub(crate) fn zero(ty: CoreType) -> CoreVal {
        CoreVal::of_bits(ty, 0)
    }

    /// The value as 64 bits, numbers zero-extended.
    pub(crate) fn bits(self) -> u64 {
        match self {
            CoreVal::I32(value) => u64::from(value as u32),
            CoreVal::I64(value) => value as u64,
            CoreVal::F32(value) => u64::from(value.to_bits()),
            CoreVal::F64(value) => value.to_bits(),
            CoreVal::Ptr(value) => value.addr() as u64,
            CoreVal::Len(value) => value as u64,
            CoreVal::Slot(value) => bits_of_slot(value),
        }
    }

    fn of_bits(ty: CoreType, bits: u64) -> CoreVal {
        match ty {
            CoreType::I32 => CoreVal::I32(bits as u32 as i32),
            CoreType::I64 => CoreVal::I64(bits as i64),
            CoreType::F32 => CoreVal::F32(f32::from_bits(bits as u32)),
            CoreType::F64 => CoreVal::F64(f64::from_bits(bits)),
            CoreType::Ptr => CoreVal::Ptr(address(bits as usize)),
            CoreType::Len => CoreVal::Len(bits as usize),
            CoreType::Slot => CoreVal::Slot(MaybeUninit::new(bits)),
        }
    }

    /// The value in a slot of another type: how a variant's payload and the joined slots of all its cases convert into each
    /// other, in both directions.
    pub(crate) fn coerce(self, ty: CoreType) -> CoreVal {
        match (self, ty) {
            _ if self.ty() == ty => self,
            (CoreVal::Ptr(pointer), CoreType::Slot) => CoreVal::Slot(slot_of_pointer(pointer)),
            (CoreVal::Slot(slot), CoreType::Ptr) => CoreVal::Ptr(pointer_of_slot(slot)),
            _ => CoreVal::of_bits(ty, self.bits()),
        }
    }
}

impl fmt::Display for CoreVal {
    /// The value, without the addresses of pointers, which differ from run to run.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            CoreVal::I32(value) => value.fmt(f),
            CoreVal::I64(value) => value.fmt(f),
            CoreVal::F32(value) => value.fmt(f),
            CoreVal::F64(value) => value.fmt(f),
            CoreVal::Len(value) => value.fmt(f),
            CoreVal::Ptr(pointer) if pointer.is_null() => f.write_str("null"),
            CoreVal::Ptr(_) => f.write_str("ptr"),
            CoreVal::Slot(_) => f.write_str("slot"),
        }
    }
}

/// What the host may do with memory that it was lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It reads bytes all of which mean something, so the guest must not write.
    Read,
    /// It reads values with padding between them, so the guest must not write, but nobody can tell by the padding.
    ReadPadded,
    /// It writes, so the guest must neither read nor write.
    Write,
}

/// Memory that the host holds on to after the call in which it was passed.
pub trait Lease {
    /// What is wrong with it, if anything: it was freed, or changed.
    fn defect(&self) -> Option<(super::trap::Rule, String)>;
}

/// The memory of an instance.
///
/// # Safety
/// An implementation reads and writes exactly what it is asked to.
pub unsafe trait Memory {
    /// How wide its pointers are.
    fn width(&self) -> Width;

    /// Whether `len` bytes at `ptr` are memory of the guest; if not, why.
    ///
    /// # Errors
    /// What is wrong, as a sentence without its full stop.
    fn check(&self, ptr: *mut u8, len: usize) -> Result<(), String>;

    /// Copies out of the memory.
    ///
    /// # Safety
    /// The range was checked, and is initialised.
    unsafe fn read(&self, ptr: *mut u8, into: &mut [u8]);

    /// Copies into the memory.
    ///
    /// # Safety
    /// The range was checked.
    unsafe fn write(&self, ptr: *mut u8, from: &[u8]);

    /// Reads a pointer, as wide as this memory's pointers.
    ///
    /// # Safety
    /// The range was checked, is aligned and initialised.
    unsafe fn read_pointer(&self, ptr: *mut u8) -> *mut u8;

    /// Writes a pointer.
    ///
    /// # Safety
    /// The range was checked and is aligned.
    unsafe fn write_pointer(&self, ptr: *mut u8, value: *mut u8);

    /// Notes that the host keeps `len` bytes at `ptr` until the lease is dropped.
    fn lend(&self, ptr: *mut u8, len: usize, access: Access, what: &dyn Fn() -> String) -> Option<Box<dyn Lease>> {
        let _ = (ptr, len, access, what);
        None
    }
}
