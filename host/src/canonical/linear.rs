//! A linear memory of 32 bits.

use crate::canonical::{Memory, Width};
use std::cell::RefCell;
use std::ptr;

/// How large it is.
pub(in crate::canonical) const MEMORY: usize = 4096;

/// A linear memory of 32 bits.
pub(in crate::canonical) struct Linear(RefCell<Vec<u8>>);

// SAFETY: a vector is read and written at the places asked for, or panics.
unsafe impl Memory for Linear {
    fn width(&self) -> Width {
        Width::Four
    }

    fn check(&self, ptr: *mut u8, len: usize) -> std::result::Result<(), String> {
        let end = ptr.addr().checked_add(len).filter(|end| *end <= MEMORY);
        end.map(|_| ()).ok_or_else(|| "it ends behind the memory".to_owned())
    }

    unsafe fn read(&self, ptr: *mut u8, into: &mut [u8]) {
        into.copy_from_slice(&self.0.borrow()[ptr.addr()..][..into.len()]);
    }

    unsafe fn write(&self, ptr: *mut u8, from: &[u8]) {
        self.0.borrow_mut()[ptr.addr()..][..from.len()].copy_from_slice(from);
    }

    unsafe fn read_pointer(&self, ptr: *mut u8) -> *mut u8 {
        at(self.word(ptr.addr()) as usize)
    }

    unsafe fn write_pointer(&self, ptr: *mut u8, value: *mut u8) {
        self.set_word(ptr.addr(), value.addr() as u32);
    }
}

impl Linear {
    /// A memory full of letters.
    pub(in crate::canonical) fn new() -> Linear {
        Linear(RefCell::new(
            (0..MEMORY).map(|place| b'a' + (place % 26) as u8).collect(),
        ))
    }

    pub(in crate::canonical) fn bytes(&self, place: usize, length: usize) -> Vec<u8> {
        self.0.borrow()[place..][..length].to_vec()
    }

    pub(in crate::canonical) fn copy_within(&self, from: usize, length: usize, to: usize) {
        self.0.borrow_mut().copy_within(from..from + length, to);
    }

    pub(in crate::canonical) fn word(&self, place: usize) -> u32 {
        let bytes = &self.0.borrow()[place..][..4];
        bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte))
    }

    pub(in crate::canonical) fn set_word(&self, place: usize, word: u32) {
        self.0.borrow_mut()[place..][..4].copy_from_slice(&word.to_le_bytes());
    }

    pub(in crate::canonical) fn digest(&self) -> u32 {
        let step = |digest: u32, byte: &u8| (digest ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        self.0.borrow().iter().fold(0x811c_9dc5, step)
    }
}

pub(in crate::canonical) fn at(place: usize) -> *mut u8 {
    ptr::without_provenance_mut(place)
}
