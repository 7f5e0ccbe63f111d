//! [`Store::fingerprint`]: a number for the state a store is in, which tests count to see how much they cover.
//!
//! It is made of what guests can notice: handles with their states, tasks with what they wait for, backpressure. Values,
//! addresses and how long it took to get there are left out. What guests keep for themselves cannot be seen, so equal numbers
//! do not mean that nothing new can follow.

use super::instance::Instance;
use super::store::Store;
use super::table::Entry;
use super::thread::{Condition, Thread};
use super::waitable::Waitable;

/// A hash that is the same on every machine.
#[derive(Clone, Copy, Debug)]
pub struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Fnv {
        Fnv(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// Mixes bytes in.
    pub fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// Mixes a number in.
    pub fn number(&mut self, number: u64) {
        // One round for the common small numbers, and one more for the rest.
        self.0 = (self.0 ^ (number & 0xffff_ffff)).wrapping_mul(0x0100_0000_01b3);
        self.0 = (self.0 ^ (number >> 32)).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
    }

    /// The hash of all of it.
    pub fn finish(self) -> u64 {
        self.0
    }
}

impl Store {
    /// A number for the state of everything in the store.
    pub fn fingerprint(&self) -> u64 {
        let mut hash = Fnv::default();
        for instance in self.instances() {
            hash_instance(&instance, &mut hash);
        }
        for thread in self.waiting() {
            hash_thread(&thread, &mut hash);
        }
        hash.number(self.delayed().len() as u64);
        hash.number(u64::from(self.is_blocked()));
        hash.finish()
    }
}

fn hash_instance(instance: &Instance, hash: &mut Fnv) {
    hash.number(u64::from(instance.id()));
    hash.number(u64::from(instance.backpressure.get()));
    hash.number(instance.waiting_to_enter.get() as u64);
    hash.number(u64::from(instance.is_free()));
    instance.each_handle(|index, entry| {
        hash.number(u64::from(index));
        hash_entry(entry, hash);
    });
}

fn hash_entry(entry: &Entry, hash: &mut Fnv) {
    match entry {
        Entry::Resource(handle) => {
            hash.number(1 + u64::from(handle.is_own()));
            hash.number(handle.lends.get() as u64);
        }
        Entry::Subtask(subtask) => {
            hash.number(3);
            hash.number(subtask.state() as u64);
            hash.number(subtask.told_state() as u64);
            hash_waitable(&subtask.waitable, hash);
        }
        Entry::End(end) => {
            hash.number(4 + end.kind() as u64);
            hash.number(end.state() as u64);
            hash.number(u64::from(end.shared().is_dropped()));
            hash_waitable(&end.waitable, hash);
        }
        Entry::Set(set) => {
            hash.number(8);
            hash.number(set.waiting.get() as u64);
            hash.number(set.members().len() as u64);
        }
        Entry::ErrorContext(_) => hash.number(9),
    }
}

fn hash_waitable(waitable: &Waitable, hash: &mut Fnv) {
    let flags = u64::from(waitable.has_event()) | u64::from(waitable.is_in_set()) << 1;
    hash.number(flags | u64::from(waitable.sync_waiter.get()) << 2);
}

fn hash_thread(thread: &Thread, hash: &mut Fnv) {
    hash.number(u64::from(thread.instance.id()));
    if let Some(task) = &thread.task {
        hash.bytes(task.name().as_bytes());
        hash.number(task.state() as u64);
    }
    let condition = thread.waits_for.borrow();
    let (kind, detail) = match &*condition {
        None => (0, 0),
        Some(Condition::Always) => (1, 0),
        Some(Condition::Gate(_)) => (2, 0),
        Some(Condition::Resolved(subtask)) => (3, subtask.state() as u64),
        Some(Condition::Event(member)) => (4, u64::from(member.waitable().has_event())),
        Some(Condition::SetEvent(set)) => (5, u64::from(set.index.get())),
        Some(Condition::SetEventAndLock(set)) => (6, u64::from(set.index.get())),
        Some(Condition::Lock) => (7, 0),
        Some(Condition::TaskResolved(task)) => (8, task.state() as u64),
    };
    hash.number(kind);
    hash.number(detail);
}
