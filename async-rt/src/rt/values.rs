//! What generated code needs to lift and lower values: lists, strings, joined variant slots, areas.
//!
//! 1. Lowering borrows. Whatever it allocates goes through a [`Cleanup`], so nothing here is ever freed by hand.
//! 2. Lifting takes over memory that the host allocated with `cabi_realloc`: the buffer of a list of plain numbers or of a
//!    string becomes the `Vec` or `String` itself, every other buffer is freed once its elements are lifted.
//! 3. A component's host has validated what it passes, so wasm trusts it. A native host is checked: text must be UTF-8, a `char`
//!    a scalar value, a discriminant in range; what is not is a panic that says so, never undefined behaviour.
//!
//! Source: CanonicalABI.md, "Loading", "Storing", "Lifting and lowering values".

use alloc::alloc::{Layout, dealloc};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::mem::{self, MaybeUninit};
use core::ptr;

use super::Cleanup;
use crate::sys::TRUSTED_HOST;

/// Size and alignment of a pointer, in bytes: the unit of symbolic sizes in generated code.
pub const POINTER: usize = mem::size_of::<*const u8>();

/// Memory for parameters or a result of one call, aligned for every type of the Canonical ABI.
#[repr(C, align(8))]
pub struct Area<const N: usize>([MaybeUninit<u8>; N]);

impl<const N: usize> Area<N> {
    /// An area with nothing in it.
    #[inline]
    pub const fn uninit() -> Self {
        Self([MaybeUninit::uninit(); N])
    }

    /// The start of the area.
    #[inline]
    pub fn as_mut_ptr(&mut self) -> *mut u8 {
        self.0.as_mut_ptr().cast()
    }
}

/// The result of a synchronous export until post-return: the area the host reads, the value it points into, and what lowering
/// allocated.
#[repr(C)]
pub struct Held<T, const N: usize> {
    area: Area<N>,
    /// What lowering left behind.
    pub cleanup: Cleanup,
    /// The value.
    pub value: T,
}

impl<T, const N: usize> Held<T, N> {
    /// Moves `value` to where it stays until [`Held::release`]. The area is at the start.
    pub fn new(value: T) -> *mut Self {
        Box::into_raw(Box::new(Self {
            area: Area::uninit(),
            cleanup: Cleanup::for_result(),
            value,
        }))
    }

    /// Drops all of it.
    ///
    /// # Safety
    ///
    /// `area` came from [`Held::new`] with the same parameters, and this is called once.
    pub unsafe fn release(area: *mut u8) {
        // SAFETY: the area is the first field, so its address is that of the box; the caller says it is one.
        drop(unsafe { Box::from_raw(area.cast::<Self>()) });
    }
}

/// Frees memory the host allocated with `cabi_realloc`.
///
/// # Safety
///
/// `area` was allocated with this size and alignment and nothing uses it any more.
pub unsafe fn free_area(area: *mut u8, size: usize, align: usize) {
    if size > 0 {
        // SAFETY: `cabi_realloc` allocates with exactly this layout; the caller promises the rest.
        unsafe { dealloc(area, Layout::from_size_align_unchecked(size, align)) }
    }
}

/// A `bool` from its core value.
#[inline]
pub fn lift_bool(value: i32) -> bool {
    value != 0
}

/// A `char` from its scalar value.
///
/// # Safety
///
/// On wasm, `value` is a Unicode scalar value. Native hosts are checked.
///
/// # Panics
///
/// If a native host passes something else.
#[inline]
pub unsafe fn lift_char(value: u32) -> char {
    if TRUSTED_HOST {
        // SAFETY: the caller's promise (rule 3).
        unsafe { char::from_u32_unchecked(value) }
    } else {
        char::from_u32(value).expect("the host passed a char that is not a Unicode scalar value")
    }
}

/// Where a discriminant that names no case ends up.
///
/// # Panics
///
/// Always: only a host that breaks the Canonical ABI passes one.
#[cold]
pub fn invalid_discriminant() -> ! {
    panic!("the host passed a discriminant that names no case")
}

/// Takes over a string.
///
/// # Safety
///
/// `pointer` was allocated with `cabi_realloc` for `length` bytes of UTF-8, and is now ours. That it is UTF-8 is checked natively.
///
/// # Panics
///
/// If a native host passes something else than UTF-8.
pub unsafe fn lift_string(pointer: *mut u8, length: usize) -> String {
    // SAFETY: the caller's promise.
    let bytes = unsafe { lift_plain_list::<u8>(pointer, length) };
    if TRUSTED_HOST {
        // SAFETY: the caller's promise (rule 3).
        unsafe { String::from_utf8_unchecked(bytes) }
    } else {
        String::from_utf8(bytes).expect("the host passed a string that is not UTF-8")
    }
}

/// Takes over a list whose elements are their own canonical representation.
///
/// # Safety
///
/// `pointer` was allocated with `cabi_realloc` for `length` elements of `T`, all of them written, and is now ours.
pub unsafe fn lift_plain_list<T>(pointer: *mut u8, length: usize) -> Vec<T> {
    if length == 0 {
        return Vec::new();
    }
    // SAFETY: the allocation has the size and, numbers being aligned to their size, the alignment of `[T; length]`.
    unsafe { Vec::from_raw_parts(pointer.cast(), length, length) }
}

/// Lifts each element of a list and frees the list's buffer.
///
/// # Safety
///
/// `pointer` was allocated with `cabi_realloc` for `length` elements of `size` bytes, all of them written, and is now ours; `lift`
/// may be called once for each element's address.
pub unsafe fn lift_list<T>(
    pointer: *mut u8,
    length: usize,
    size: usize,
    align: usize,
    mut lift: impl FnMut(*mut u8) -> T,
) -> Vec<T> {
    let mut list: Vec<T> = Vec::with_capacity(length);
    for index in 0..length {
        // SAFETY: the element lies inside the allocation, and there is room in the list, whose first `index` elements are there.
        unsafe {
            let value = lift(pointer.add(index * size));
            list.as_mut_ptr().add(index).write(value);
            list.set_len(index + 1);
        }
    }
    // SAFETY: every element has been taken out; the layout is the one the host asked `cabi_realloc` for.
    unsafe { free_area(pointer, length * size, align) };
    list
}

/// Stores each element of a list in memory of `cleanup`; gives pointer and length.
///
/// # Panics
///
/// If the list needs more than the address space.
pub fn lower_list<T>(
    list: &[T],
    size: usize,
    align: usize,
    cleanup: &mut Cleanup,
    mut store: impl FnMut(&T, *mut u8, &mut Cleanup),
) -> (*mut u8, usize) {
    let base = buffer(list.len(), size, align, cleanup);
    for (index, item) in list.iter().enumerate() {
        // SAFETY: `base` has room for `list.len()` elements of `size` bytes.
        store(item, unsafe { base.add(index * size) }, cleanup);
    }
    (base, list.len())
}

pub(super) fn buffer(length: usize, size: usize, align: usize, cleanup: &mut Cleanup) -> *mut u8 {
    match length.checked_mul(size) {
        Some(bytes) => cleanup.alloc(bytes, align),
        None => list_too_long(),
    }
}

#[cold]
fn list_too_long() -> ! {
    panic!("a list is too long for the address space")
}

/// Stores the elements of a fixed-length list one after another.
///
/// # Safety
///
/// `base` has room for `N` elements of `size` bytes.
pub unsafe fn store_fixed_list<T, const N: usize>(
    list: &[T; N],
    base: *mut u8,
    size: usize,
    cleanup: &mut Cleanup,
    mut store: impl FnMut(&T, *mut u8, &mut Cleanup),
) {
    for (index, item) in list.iter().enumerate() {
        // SAFETY: the caller's promise.
        store(item, unsafe { base.add(index * size) }, cleanup);
    }
}

/// Loads the elements of a fixed-length list, which lie one after another.
///
/// # Safety
///
/// `base` points at `N` elements of `size` bytes, and `load` may be called once for each one's address.
pub unsafe fn load_fixed_list<T, const N: usize>(
    base: *mut u8,
    size: usize,
    mut load: impl FnMut(*mut u8) -> T,
) -> [T; N] {
    // SAFETY: the caller's promise.
    core::array::from_fn(|index| load(unsafe { base.add(index * size) }))
}

/// Between the core value of a variant's case and the slot it shares with other cases; see [`cast`].
pub trait Cast<To> {
    /// Keeps the bits: widening fills with zeros, narrowing drops the upper half.
    fn cast(self) -> To;
}

/// Converts a core value into the type of the slot it travels in, or back.
#[inline]
pub fn cast<From: Cast<To>, To>(value: From) -> To {
    value.cast()
}

/// A slot for a pointer or a 64-bit number. A `MaybeUninit` keeps a pointer's provenance, an integer would not.
type PointerOrI64 = MaybeUninit<u64>;

macro_rules! casts {
    ($($value:ident: $from:ty => $to:ty = $convert:expr;)*) => {
        $(impl Cast<$to> for $from {
            #[inline]
            fn cast(self) -> $to {
                let $value = self;
                $convert
            }
        })*
    };
}

casts! {
    x: i32 => i64 = i64::from(x as u32);
    x: i64 => i32 = x as i32;
    x: f32 => i32 = x.to_bits() as i32;
    x: i32 => f32 = f32::from_bits(x as u32);
    x: f32 => i64 = i64::from(x.to_bits());
    x: i64 => f32 = f32::from_bits(x as u32);
    x: f64 => i64 = x.to_bits() as i64;
    x: i64 => f64 = f64::from_bits(x as u64);
    x: i32 => usize = x as u32 as usize;
    x: usize => i32 = x as i32;
    x: f32 => usize = x.to_bits() as usize;
    x: usize => f32 = f32::from_bits(x as u32);
    x: usize => i64 = x as i64;
    x: i64 => usize = x as usize;
    x: i32 => *mut u8 = ptr::without_provenance_mut(x as u32 as usize);
    x: *mut u8 => i32 = x.addr() as i32;
    x: f32 => *mut u8 = ptr::without_provenance_mut(x.to_bits() as usize);
    x: *mut u8 => f32 = f32::from_bits(x.addr() as u32);
    x: usize => *mut u8 = ptr::without_provenance_mut(x);
    x: *mut u8 => usize = x.addr();
    x: i32 => PointerOrI64 = MaybeUninit::new(u64::from(x as u32));
    x: PointerOrI64 => i32 = number(x) as i32;
    x: i64 => PointerOrI64 = MaybeUninit::new(x as u64);
    x: PointerOrI64 => i64 = number(x) as i64;
    x: f32 => PointerOrI64 = MaybeUninit::new(u64::from(x.to_bits()));
    x: PointerOrI64 => f32 = f32::from_bits(number(x) as u32);
    x: f64 => PointerOrI64 = MaybeUninit::new(x.to_bits());
    x: PointerOrI64 => f64 = f64::from_bits(number(x));
    x: usize => PointerOrI64 = MaybeUninit::new(x as u64);
    x: PointerOrI64 => usize = number(x) as usize;
}

fn number(slot: PointerOrI64) -> u64 {
    // SAFETY: every slot is made from a number, or from a pointer over zeros; both are initialised. A slot is read as a number only
    // if its case holds one.
    unsafe { slot.assume_init() }
}

impl Cast<PointerOrI64> for *mut u8 {
    #[inline]
    fn cast(self) -> PointerOrI64 {
        let mut slot = MaybeUninit::new(0u64);
        let place = slot.as_mut_ptr().cast::<*mut u8>();
        // SAFETY: a pointer is at most as large as the slot and needs no more alignment.
        unsafe { *place = self };
        slot
    }
}

impl Cast<*mut u8> for PointerOrI64 {
    #[inline]
    fn cast(self) -> *mut u8 {
        // SAFETY: the slot's case holds a pointer, which `cast` above has put at its start (a host's slot has the same form,
        // targets being little-endian).
        unsafe { self.as_ptr().cast::<*mut u8>().read() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_slots_keep_bits() {
        assert_eq!(cast::<i32, i64>(-1), 0xffff_ffff);
        assert_eq!(cast::<i64, f32>(cast::<f32, i64>(1.5)).to_bits(), 1.5f32.to_bits());
        assert_eq!(cast::<PointerOrI64, i64>(cast::<i64, PointerOrI64>(i64::MIN)), i64::MIN);
        let mut byte = 7u8;
        let pointer = &raw mut byte;
        let back = cast::<PointerOrI64, *mut u8>(cast::<*mut u8, PointerOrI64>(pointer));
        // SAFETY: the pointer came back with its provenance.
        assert_eq!(unsafe { back.read() }, 7);
    }

    #[test]
    fn a_list_is_lifted_and_its_buffer_freed() {
        // SAFETY: the layout is valid; the buffer is handed over as a host would.
        let list = unsafe {
            let buffer = alloc::alloc::alloc(Layout::from_size_align(3, 1).expect("a valid layout"));
            buffer.copy_from_nonoverlapping([1u8, 0, 1].as_ptr(), 3);
            lift_list(buffer, 3, 1, 1, |base| lift_bool(i32::from(base.read())))
        };
        assert_eq!(list, [true, false, true]);
    }

    #[test]
    #[should_panic(expected = "not a Unicode scalar value")]
    fn a_lying_native_host_is_caught() {
        // SAFETY: native hosts are checked.
        unsafe { lift_char(0xd800) };
    }

    #[test]
    fn lowering_allocates_through_the_cleanup() {
        let mut cleanup = Cleanup::new();
        let list = ["a", "bc"];
        let (base, length) = lower_list(&list, 2 * POINTER, POINTER, &mut cleanup, |item, base, _| {
            // SAFETY: the element has room for a pointer and a length.
            unsafe {
                base.cast::<*const u8>().write(item.as_ptr());
                base.add(POINTER).cast::<usize>().write(item.len());
            }
        });
        // SAFETY: written above.
        let second = unsafe { base.add(3 * POINTER).cast::<usize>().read() };
        assert_eq!((length, second), (2, 2));
    }
}
