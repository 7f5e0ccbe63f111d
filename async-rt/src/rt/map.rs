//! `map<K, V>` of WIT: the trait a type of Rust has to have for it, lifting and lowering.

#[cfg(feature = "std")]
extern crate std;

use alloc::collections::BTreeMap;

use super::Cleanup;
use super::values::{buffer, free_area};

/// A type that bindings can use for `map<K, V>` (option `map_type`). References to it have to be iterable too.
pub trait WitMap<K, V>: Sized {
    /// A map with nothing in it and, if that makes a difference, room for `capacity` entries.
    fn wit_map_new(capacity: usize) -> Self;
    /// Adds an entry. Of entries with equal keys the last one counts.
    fn wit_map_push(&mut self, key: K, value: V);
    /// How many entries a reference to the map iterates over.
    fn wit_map_len(&self) -> usize;
}

impl<K: Ord, V> WitMap<K, V> for BTreeMap<K, V> {
    fn wit_map_new(_: usize) -> Self {
        Self::new()
    }

    fn wit_map_push(&mut self, key: K, value: V) {
        self.insert(key, value);
    }

    fn wit_map_len(&self) -> usize {
        self.len()
    }
}

#[cfg(feature = "std")]
impl<K: core::hash::Hash + Eq, V, S: core::hash::BuildHasher + Default> WitMap<K, V>
    for std::collections::HashMap<K, V, S>
{
    fn wit_map_new(capacity: usize) -> Self {
        Self::with_capacity_and_hasher(capacity, S::default())
    }

    fn wit_map_push(&mut self, key: K, value: V) {
        self.insert(key, value);
    }

    fn wit_map_len(&self) -> usize {
        self.len()
    }
}

/// A map whose references are iterable.
///
/// That is a bound on the map and not on the reference, because the compiler asks for it before it knows the map: of an
/// unknown reference it tries every crate's implementations, one of which may go on for ever.
pub trait Entries<'m, K: 'm, V: 'm> {
    /// What iterates.
    type Iter: Iterator<Item = (&'m K, &'m V)>;
    /// The entries.
    fn entries(&'m self) -> Self::Iter;
}

impl<'m, M: 'm, K: 'm, V: 'm> Entries<'m, K, V> for M
where
    &'m M: IntoIterator<Item = (&'m K, &'m V)>,
{
    type Iter = <&'m M as IntoIterator>::IntoIter;

    fn entries(&'m self) -> Self::Iter {
        self.into_iter()
    }
}

/// Lifts each entry of a map and frees the buffer. Of entries with equal keys the last one counts.
///
/// # Safety
///
/// As for [`lift_list`](super::lift_list), with entries for elements.
pub unsafe fn lift_map<M: WitMap<K, V>, K, V>(
    pointer: *mut u8,
    length: usize,
    size: usize,
    align: usize,
    mut lift: impl FnMut(*mut u8) -> (K, V),
) -> M {
    let mut map = M::wit_map_new(length);
    for index in 0..length {
        // SAFETY: the entry lies inside the allocation.
        let (key, value) = lift(unsafe { pointer.add(index * size) });
        map.wit_map_push(key, value);
    }
    // SAFETY: every entry has been taken out; the layout is the one the host asked `cabi_realloc` for.
    unsafe { free_area(pointer, length * size, align) };
    map
}

/// Stores each entry of a map in memory of `cleanup`; gives pointer and length.
///
/// # Panics
///
/// If the map needs more than the address space, or iterates over fewer entries than it says it has.
pub fn lower_map<'m, M, K: 'm, V: 'm>(
    map: &'m M,
    size: usize,
    align: usize,
    cleanup: &mut Cleanup,
    mut store: impl FnMut(&K, &V, *mut u8, &mut Cleanup),
) -> (*mut u8, usize)
where
    M: WitMap<K, V> + Entries<'m, K, V>,
{
    let length = map.wit_map_len();
    let base = buffer(length, size, align, cleanup);
    let mut entries = map.entries();
    for index in 0..length {
        // The length is what the type says, so nothing relies on there being as many entries.
        let Some((key, value)) = entries.next() else {
            fewer_entries()
        };
        // SAFETY: `base` has room for `length` entries of `size` bytes.
        store(key, value, unsafe { base.add(index * size) }, cleanup);
    }
    (base, length)
}

#[cold]
fn fewer_entries() -> ! {
    panic!("a map has fewer entries than it says")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "fewer entries")]
    fn a_map_that_lies_about_its_length_is_caught() {
        struct Liar(BTreeMap<u8, u8>);
        impl WitMap<u8, u8> for Liar {
            fn wit_map_new(_: usize) -> Self {
                Self(BTreeMap::new())
            }
            fn wit_map_push(&mut self, key: u8, value: u8) {
                self.0.insert(key, value);
            }
            fn wit_map_len(&self) -> usize {
                2
            }
        }
        impl<'a> IntoIterator for &'a Liar {
            type Item = (&'a u8, &'a u8);
            type IntoIter = alloc::collections::btree_map::Iter<'a, u8, u8>;
            fn into_iter(self) -> Self::IntoIter {
                self.0.iter()
            }
        }
        let mut liar = Liar::wit_map_new(0);
        liar.wit_map_push(1, 2);
        lower_map(&liar, 2, 1, &mut Cleanup::new(), |_, _, _, _| {});
    }
}
