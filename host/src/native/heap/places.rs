//! Memory that is no block: statics and stacks.

use std::fs;
use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::super::fiber;
use super::scope;

/// Where an area lies that is in no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// On the stack of a fiber, whose call may be waiting for another's.
    Stack,
    /// In a static.
    Static,
    /// In neither.
    Unknown,
    /// This system does not say.
    Untold,
}

pub(super) fn place_of(area: &Range<usize>) -> Place {
    if fiber::is_on_a_stack(area) {
        return Place::Stack;
    }
    // Of a stack without bounds nothing can be said.
    if fiber::current_stack().is_none() && fiber::in_fiber() {
        return Place::Untold;
    }
    static KNOWN: Mutex<Vec<Range<usize>>> = Mutex::new(Vec::new());
    let _within = scope::in_host();
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if known.iter().any(|range| covers(range, area)) {
        return Place::Static;
    }
    // A library may have been loaded since.
    let Some(found) = statics() else { return Place::Untold };
    *known = found;
    if known.iter().any(|range| covers(range, area)) {
        Place::Static
    } else {
        Place::Unknown
    }
}

fn covers(outer: &Range<usize>, area: &Range<usize>) -> bool {
    outer.start <= area.start && area.end <= outer.end
}

/// The addresses of all statics, where the system lists the memory of a process in a file.
fn statics() -> Option<Vec<Range<usize>>> {
    // Miri gives each static a place of its own.
    if cfg!(miri) {
        return None;
    }
    let found = of_objects(&fs::read_to_string("/proc/self/maps").ok()?);
    (!found.is_empty()).then_some(found)
}

/// The addresses that executables and libraries are mapped to: the mappings of files, each joined with what follows it, and
/// at their end what has no name, which are the statics that begin as zeros.
fn of_objects(maps: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (range, name) in maps.lines().filter_map(mapping) {
        let follows = found.last().is_some_and(|last| last.end == range.start);
        match found.last_mut() {
            Some(last) if follows && (name.is_empty() || name.starts_with('/')) => last.end = range.end,
            _ if name.starts_with('/') => found.push(range),
            _ => {}
        }
    }
    found
}

/// The addresses and the name of a line like `55d0c8a00000-55d0c8a21000 r-xp 00002000 08:01 1234  /usr/bin/true`.
fn mapping(line: &str) -> Option<(Range<usize>, &str)> {
    let (start, rest) = line.split_once('-')?;
    let (end, rest) = rest.split_once(' ')?;
    let range = usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?;
    // Permissions, offset, device and inode come first; a name may hold spaces.
    let name = rest
        .splitn(4, ' ')
        .nth(3)?
        .trim_start_matches(|c: char| c.is_ascii_digit());
    Some((range, name.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_found_in_a_list_of_mappings() {
        // What has no name ends with a space.
        let maps = [
            "1000-2000 r--p 00000000 08:01 77                         /usr/bin/a program",
            "2000-4000 r-xp 00001000 08:01 77                         /usr/bin/a program",
            "4000-5000 rw-p 00003000 08:01 77                         /usr/bin/a program",
            "5000-6000 rw-p 00000000 00:00 0 ",
            "6000-9000 rw-p 00000000 00:00 0                          [heap]",
            "a000-b000 rw-p 00000000 00:00 0 ",
            "c000-d000 r--p 00000000 08:01 78                         /usr/lib/libc.so.6",
            "f000-ffff rw-p 00000000 00:00 0                          [stack]",
        ]
        .join("\n");
        assert_eq!(of_objects(&maps), [0x1000..0x6000, 0xc000..0xd000]);
    }

    #[test]
    fn a_static_is_told_from_a_block() {
        static ZEROS: [std::sync::atomic::AtomicU8; 64] = [const { std::sync::atomic::AtomicU8::new(0) }; 64];
        let area = |start: usize| start..start + 64;
        let known = statics().is_some();
        let place = |told| if known { told } else { Place::Untold };
        assert_eq!(place_of(&area(ZEROS.as_ptr().addr())), place(Place::Static));
        let block = Box::new([0u8; 64]);
        assert_eq!(place_of(&area(block.as_ptr().addr())), place(Place::Unknown));
    }
}
