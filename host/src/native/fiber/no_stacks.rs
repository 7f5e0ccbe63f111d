//! In place of `stacks` where a target cannot switch stacks: the same names, and no values.

use std::io;
use std::ops::Range;
use std::rc::Rc;

pub(super) const AVAILABLE: bool = false;

pub(super) enum Pool {}

pub(super) enum Slot {}

pub(super) enum Suspended {}

impl Pool {
    pub(super) fn new(_stack_size: usize) -> Rc<Pool> {
        unreachable!("`Fibers` asks whether this backend is available")
    }

    pub(super) fn start(&self, _body: impl FnOnce() + 'static) -> io::Result<Option<Suspended>> {
        match *self {}
    }

    pub(super) fn close(&self) {
        match *self {}
    }
}

impl Slot {
    pub(super) fn suspend(&self) {
        match *self {}
    }

    pub(super) fn stack(&self) -> Range<usize> {
        match *self {}
    }
}

impl Suspended {
    pub(super) fn resume(self) -> Option<Suspended> {
        match self {}
    }
}
