//! What is noticed about the memory of guests. The allocator is that of all tests of this crate.

use std::cell::Cell;
use std::ptr;

use super::super::fiber::{self, Backend, Fibers, Progress};
use super::quarantine::POISON;
use super::*;

#[global_allocator]
static HEAP: CheckedAllocator = CheckedAllocator;

thread_local! {
    static PRETEND: Cell<bool> = const { Cell::new(false) };
}

/// Whether the test on this thread wants to see what happens without the allocator.
pub(super) fn pretends_absence() -> bool {
    PRETEND.get()
}

/// The activation that is call `call` of an instance of its own.
fn scope(call: u64) -> Scope {
    Scope {
        instance: Instance::new(),
        call,
        name: Name::new("demo:a/b#run"),
    }
}

/// Runs `run` as the guest.
fn guest<R>(scope: Scope, run: impl FnOnce() -> R) -> R {
    let _within = in_guest(scope);
    run()
}

#[track_caller]
fn lend_bytes(bytes: &[u8], access: Access, by: Scope) -> Lease {
    lend_at(bytes.as_ptr(), bytes.len(), access, by).expect("the area is all right")
}

fn lend_at(address: *const u8, len: usize, access: Access, by: Scope) -> Result<Lease, Report> {
    // SAFETY: the tests lend initialised bytes of vectors, and what is beyond them is not read.
    unsafe { lend(address, len, access, "the buffer of a test".into(), by) }
}

/// What the reports about an instance say.
#[track_caller]
fn expect_reports(instance: Instance, expected: &[&str]) {
    let texts: Vec<_> = take_reports(instance).iter().map(Report::to_string).collect();
    assert_eq!(texts, expected);
}

#[test]
fn blocks_of_guests_are_registered() {
    let (one, other) = (scope(1), Scope { call: 2, ..scope(2) });
    let mine = Box::new(1u64);
    let (first, second) = guest(one, || (Box::new([0u8; 24]), vec![0u16; 5]));
    let third = guest(other, || Box::new(3u32));
    let sizes = |instance| live(instance).iter().map(|block| block.size).collect::<Vec<_>>();
    assert_eq!(sizes(one.instance), [24, 10]);
    assert_eq!(sizes(other.instance), [4]);
    assert_eq!(
        live(one.instance)[0].to_string(),
        "a block of 24 bytes allocated in call 1 of `demo:a/b#run`"
    );
    drop(first);
    guest(other, || drop(second));
    assert_eq!(sizes(one.instance), [] as [usize; 0]);
    drop((mine, third));
    assert_eq!(retire(other.instance), []);
    expect_reports(one.instance, &[]);
}

#[test]
fn the_hosts_own_allocations_are_not_the_guests() {
    let scope = scope(1);
    let (kept, built_in) = guest(scope, || {
        let built_in = {
            let _within = in_host();
            vec![1u8; 100]
        };
        (vec![2u8; 10], built_in)
    });
    assert_eq!(live(scope.instance).len(), 1);
    drop((kept, built_in));
}

#[test]
fn a_block_that_grows_is_another_one() {
    let scope = scope(1);
    let mut list = guest(scope, || vec![1u8, 2, 3]);
    let before = live(scope.instance)[0];
    guest(scope, || list.reserve_exact(1000));
    let after = live(scope.instance);
    assert_eq!((after.len(), after[0].size), (1, 1003));
    assert!(after[0].serial > before.serial);
    assert_eq!(list, [1, 2, 3]);
    // Outside the guest it becomes the host's.
    list.reserve_exact(5000);
    assert_eq!(live(scope.instance), []);
    assert_eq!(list, [1, 2, 3]);
}

#[test]
fn what_an_instance_leaves_is_listed_and_forgotten() {
    let scope = scope(7);
    let leak = guest(scope, || Box::new([0u8; 40]));
    let leaked = retire(scope.instance);
    assert_eq!(leaked.len(), 1);
    assert_eq!((leaked[0].size, leaked[0].scope), (40, scope));
    assert_eq!(live(scope.instance), []);
    drop(leak);
    expect_reports(scope.instance, &[]);
}

#[test]
fn a_loan_that_is_given_back_leaves_no_trace() {
    let scope = scope(1);
    for len in [1, 100, 5000] {
        let bytes = guest(scope, || vec![7u8; len]);
        for access in [Access::Read, Access::ReadPadded, Access::Write] {
            let lease = lend_bytes(&bytes, access, scope);
            assert_eq!(lease.check(), Ok(()));
        }
        guest(scope, || drop(bytes));
    }
    expect_reports(scope.instance, &[]);
}

#[test]
fn a_change_in_flight_is_noticed() {
    let scope = scope(3);
    let check = |len: usize, expected: &str| {
        let mut bytes = guest(scope, || vec![0u8; len]);
        let start = bytes.as_mut_ptr();
        let lease = lend_at(start, len, Access::Read, scope).expect("the area is all right");
        // SAFETY: the vector is alive.
        unsafe { *start.add(len / 2) = 1 };
        assert_eq!(lease.check().expect_err("it was changed").to_string(), expected);
        // SAFETY: as above.
        unsafe { *start.add(len / 2) = 0 };
        assert_eq!(lease.check(), Ok(()));
    };
    let lent = "bytes, lent in call 3 of `demo:a/b#run`) was changed";
    check(
        10,
        &format!("the buffer of a test (10 {lent} at byte 5 while the host had it"),
    );
    check(
        3000,
        &format!("the buffer of a test (3000 {lent} while the host had it"),
    );
}

#[test]
fn a_change_by_the_host_is_none() {
    let scope = scope(3);
    let mut bytes = guest(scope, || vec![0u8; 8]);
    let lease = lend_bytes(&bytes, Access::Write, scope);
    bytes[0] = 1;
    assert_eq!(lease.check(), Ok(()));
}

#[test]
fn freeing_what_is_lent_is_reported_and_does_no_harm() {
    for len in [16, 200_000] {
        let scope = scope(4);
        let mut bytes = guest(scope, || vec![0u8; len]);
        let start = bytes.as_mut_ptr();
        let lease = lend_at(start, len, Access::Write, scope).expect("the area is all right");
        guest(Scope { call: 5, ..scope }, || drop(bytes));
        let expected = format!(
            "the buffer of a test ({len} bytes, lent in call 4 of `demo:a/b#run`) was freed in call 5 of `demo:a/b#run` \
             while the host had it: it is in a block of {len} bytes allocated in call 4 of `demo:a/b#run`"
        );
        expect_reports(scope.instance, &[&expected]);
        assert_eq!(lease.check().expect_err("it was freed").to_string(), expected);
        // SAFETY: the block stays as long as it is lent.
        unsafe { start.add(len - 1).write(9) };
        drop(lease);
        retire(scope.instance);
        expect_reports(scope.instance, &[]);
    }
}

#[test]
fn an_area_beyond_its_block_is_refused() {
    let scope = scope(6);
    let bytes = guest(scope, || vec![0u8; 32]);
    let inside = lend_at(bytes[30..].as_ptr(), 2, Access::Write, scope);
    assert!(inside.is_ok());
    let beyond = lend_at(bytes[30..].as_ptr(), 3, Access::Write, scope);
    assert_eq!(
        beyond.err().expect("it is too small").to_string(),
        "the buffer of a test (3 bytes, lent in call 6 of `demo:a/b#run`) has room for 2 bytes only: it begins at byte 30 of \
         a block of 32 bytes allocated in call 6 of `demo:a/b#run`"
    );
    let huge = lend_at(bytes.as_ptr(), usize::MAX, Access::Write, scope);
    assert!(matches!(huge, Err(Report::Undersized { offset: 0, .. })));
}

#[test]
fn an_area_that_was_freed_is_refused() {
    // Miri does not have freed blocks kept.
    if cfg!(miri) {
        return;
    }
    let scope = scope(8);
    let bytes = guest(scope, || vec![0u8; 32]);
    let start = bytes.as_ptr();
    drop(bytes);
    let error = lend_at(start.wrapping_add(4), 8, Access::Write, scope).err();
    assert_eq!(
        error.expect("it was freed").to_string(),
        "the buffer of a test (8 bytes, lent in call 8 of `demo:a/b#run`) was freed before: it is in a block of 32 bytes \
         allocated in call 8 of `demo:a/b#run` and freed outside the guest"
    );
    retire(scope.instance);
}

#[test]
fn writing_to_a_freed_block_is_reported() {
    // As above, and Miri sees the write itself.
    if cfg!(miri) {
        return;
    }
    let scope = scope(9);
    let mut bytes = guest(scope, || vec![0u8; 64]);
    let start = bytes.as_mut_ptr();
    guest(scope, || drop(bytes));
    // SAFETY: the block is kept until the instance is retired; this is what the test is about.
    unsafe {
        assert_eq!(start.read(), POISON);
        start.add(3).write(1);
    }
    assert_eq!(retire(scope.instance), []);
    expect_reports(
        scope.instance,
        &[
            "byte 3 of a block of 64 bytes allocated in call 9 of `demo:a/b#run` was written to after it had been freed in \
           call 9 of `demo:a/b#run`",
        ],
    );
}

#[test]
fn freeing_twice_is_reported_and_does_no_harm() {
    // As above.
    if cfg!(miri) {
        return;
    }
    let scope = scope(10);
    let list = guest(scope, || Box::new([1u32; 4]));
    let raw = Box::into_raw(list);
    // SAFETY: it is a box.
    guest(scope, || drop(unsafe { Box::from_raw(raw) }));
    // SAFETY: the block is kept; this is what the test is about.
    drop(unsafe { Box::from_raw(raw) });
    expect_reports(
        scope.instance,
        &[
            "a block of 16 bytes allocated in call 10 of `demo:a/b#run` was freed in call 10 of `demo:a/b#run`, and again \
           outside the guest",
        ],
    );
    retire(scope.instance);
}

#[test]
fn freeing_with_another_layout_is_reported() {
    // Miri ends the program for it.
    if cfg!(miri) {
        return;
    }
    let scope = scope(11);
    let layout = std::alloc::Layout::from_size_align(24, 8).expect("it is a layout");
    let wrong = std::alloc::Layout::from_size_align(16, 4).expect("it is a layout");
    guest(scope, || {
        // SAFETY: the layout has a size.
        let block = unsafe { std::alloc::alloc(layout) };
        // SAFETY: the registry knows the right layout; this is what the test is about.
        unsafe { std::alloc::dealloc(block, wrong) };
    });
    expect_reports(
        scope.instance,
        &[
            "a block of 24 bytes allocated in call 11 of `demo:a/b#run` with alignment 8 was freed in call 11 of \
           `demo:a/b#run` as one of 16 bytes with alignment 4",
        ],
    );
    retire(scope.instance);
}

#[test]
fn many_freed_blocks_do_not_pile_up() {
    let scope = scope(12);
    guest(scope, || {
        for _ in 0..if cfg!(miri) { 20 } else { 2000 } {
            drop(std::hint::black_box(vec![0u8; 1000]));
        }
    });
    assert_eq!(retire(scope.instance), []);
    expect_reports(scope.instance, &[]);
}

#[test]
fn memory_that_is_no_block_is_told_apart() {
    static TEXT: &str = "a static that a guest sends";
    let scope = scope(13);
    let lease = lend_at(TEXT.as_ptr(), TEXT.len(), Access::Read, scope);
    assert_eq!(lease.expect("statics can be lent").check(), Ok(()));
    let hosts = Box::new([0u8; 50]);
    let error = lend_at(hosts.as_ptr(), hosts.len(), Access::Read, scope).err();
    // Whether this system lists its statics.
    let tells = cfg!(not(miri)) && std::path::Path::new("/proc/self/maps").exists();
    let expected = "the buffer of a test (50 bytes, lent in call 13 of `demo:a/b#run`) is no memory of the guest: it is in \
                    no block that a guest allocated, in no static and not on the activation's stack";
    assert_eq!(error.map(|error| error.to_string()), tells.then(|| expected.to_owned()));
    let empty = lend_at(ptr::dangling(), 0, Access::Read, scope);
    assert!(empty.is_ok(), "an empty area is nowhere");
}

#[test]
fn a_fibers_stack_can_be_lent() {
    let scope = scope(14);
    for backend in Backend::available() {
        // SAFETY: nothing here is kept of a fiber's stack.
        let fibers = unsafe { Fibers::new(*backend) };
        let progress = fibers.start(move || {
            let area = [1u8; 20];
            assert!(lend_at(area.as_ptr(), area.len(), Access::Read, scope).is_ok());
        });
        assert!(matches!(progress, Ok(Progress::Finished)));
    }
}

/// As a host does it: in the guest but for built-ins, which are where fibers suspend.
#[test]
fn fibers_of_two_instances_take_turns() {
    for backend in Backend::available() {
        // SAFETY: nothing here is kept of a fiber's stack.
        let fibers = unsafe { Fibers::new(*backend) };
        let scopes = [scope(1), scope(2)];
        let suspended = scopes.map(|scope| {
            let progress = fibers.start(move || {
                let _within = in_guest(scope);
                let first = Box::new([0u8; 10]);
                {
                    let _within = in_host();
                    fiber::suspend();
                }
                let second = Box::new([0u8; 20]);
                {
                    let _within = in_host();
                    fiber::suspend();
                }
                drop((first, second));
            });
            progress.expect("there are stacks enough")
        });
        let sizes = |scope: Scope| {
            let blocks = live(scope.instance);
            blocks.iter().map(|block| block.size).collect::<Vec<_>>()
        };
        let [Progress::Suspended(one), Progress::Suspended(two)] = suspended else {
            panic!("both wait")
        };
        assert_eq!(scopes.map(sizes), [vec![10], vec![10]]);
        let Progress::Suspended(two) = two.resume() else {
            panic!("it waits again")
        };
        assert_eq!(scopes.map(sizes), [vec![10], vec![10, 20]]);
        let Progress::Suspended(one) = one.resume() else {
            panic!("it waits again")
        };
        assert!(matches!(two.resume(), Progress::Finished));
        assert!(matches!(one.resume(), Progress::Finished));
        assert_eq!(scopes.map(sizes), [const { Vec::new() }; 2] as [Vec<usize>; 2]);
        for scope in scopes {
            assert_eq!(retire(scope.instance), []);
        }
    }
}

#[test]
fn a_loan_may_outlive_its_instance() {
    let scope = scope(15);
    let mut bytes = guest(scope, || vec![0u8; 8]);
    let lease = lend_at(bytes.as_mut_ptr(), 8, Access::Read, scope).expect("the area is all right");
    retire(scope.instance);
    drop(bytes);
    assert_eq!(lease.check(), Ok(()));
}

#[test]
fn without_the_allocator_nothing_is_checked() {
    PRETEND.set(true);
    assert!(!is_active());
    let scope = scope(16);
    let bytes = vec![0u8; 4];
    let lease = lend_at(bytes.as_ptr(), 400, Access::Read, scope).expect("nothing is known");
    drop(bytes);
    assert_eq!(lease.check(), Ok(()));
    PRETEND.set(false);
    assert!(CheckedAllocator::is_installed());
}
