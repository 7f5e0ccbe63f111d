//! [`Buffer`]: where the elements of one copy come from or go to: memory of a guest, or values of the host.

use super::instance::Instance;
use super::lift::{LiftCx, check_buffer};
use super::lower::LowerCx;
use super::memory::{Access, Lease};
use super::resource::Scope;
use super::store::Store;
use super::trap::{Result, Rule, trap_if};
use super::ty::Type;
use super::value::{Chunk, Value};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The most elements of one copy.
pub(crate) const MAX_LENGTH: usize = (1 << 28) - 1;

enum Place {
    /// Memory of a guest; without payload nothing is there.
    Guest {
        instance: Rc<Instance>,
        payload: Option<Type>,
        next: Cell<*mut u8>,
        lease: RefCell<Option<Box<dyn Lease>>>,
    },
    /// Values of the host: those to be written, or those that were read.
    Host(RefCell<Chunk>),
}

/// A buffer.
pub(crate) struct Buffer {
    place: Place,
    /// Whether elements are read *into* it.
    readable_side: bool,
    length: usize,
    progress: Cell<usize>,
}

impl Buffer {
    /// `length` elements in the memory of a guest.
    pub(crate) fn of_guest(
        store: &Store,
        instance: &Rc<Instance>,
        payload: Option<&Type>,
        pointer: *mut u8,
        length: usize,
        readable_side: bool,
    ) -> Result<Buffer> {
        trap_if(length > MAX_LENGTH, Rule::CopyTooLong)?;
        if let Some(ty) = payload
            && length > 0
        {
            check_buffer(instance, store, ty, pointer, length, store.profile().alignment_at_call)?;
        }
        let place = Place::Guest {
            instance: instance.clone(),
            payload: payload.cloned(),
            next: Cell::new(pointer),
            lease: RefCell::new(None),
        };
        Ok(Buffer {
            place,
            readable_side,
            length,
            progress: Cell::new(0),
        })
    }

    /// Room for so many values of the host.
    pub(crate) fn for_host(payload: Option<&Type>, length: usize) -> Buffer {
        let place = Place::Host(RefCell::new(Chunk::empty(payload)));
        Buffer {
            place,
            readable_side: true,
            length,
            progress: Cell::new(0),
        }
    }

    /// Values of the host.
    pub(crate) fn of_host(chunk: Chunk) -> Buffer {
        let length = chunk.len();
        Buffer {
            place: Place::Host(RefCell::new(chunk)),
            readable_side: false,
            length,
            progress: Cell::new(0),
        }
    }

    pub(crate) fn is_readable_side(&self) -> bool {
        self.readable_side
    }

    pub(crate) fn length(&self) -> usize {
        self.length
    }

    pub(crate) fn progress(&self) -> usize {
        self.progress.get()
    }

    pub(crate) fn remaining(&self) -> usize {
        self.length - self.progress.get()
    }

    /// What is in the host's buffer: what was read, or what is left to be written.
    pub(crate) fn take_chunk(&self) -> Option<Chunk> {
        match &self.place {
            Place::Host(chunk) => Some(chunk.replace(Chunk::Units(0))),
            Place::Guest { .. } => None,
        }
    }

    /// Notes that the guest waits for a peer, and the memory is the host's meanwhile.
    pub(crate) fn lend(&self, what: &dyn Fn() -> String) -> Result<()> {
        if let Place::Guest {
            instance,
            payload: Some(ty),
            next,
            lease,
        } = &self.place
            && self.remaining() > 0
        {
            let core = instance.core()?;
            let size = ty.layout(core.memory.width()).size * self.remaining();
            let access = match (self.readable_side, ty.is_number()) {
                (true, _) => Access::Write,
                (false, true) => Access::Read,
                (false, false) => Access::ReadPadded,
            };
            lease.replace(core.memory.lend(next.get(), size, access, what));
        }
        Ok(())
    }

    /// Ends what [`Buffer::lend`] began.
    pub(crate) fn return_lease(&self) -> Result<()> {
        match &self.place {
            Place::Guest { lease, .. } => super::subtask::return_lease(lease),
            Place::Host(_) => Ok(()),
        }
    }

    /// Takes the next `count` elements out.
    pub(crate) fn drain(&self, store: &Store, count: usize) -> Result<Chunk> {
        self.progress.set(self.progress.get() + count);
        match &self.place {
            Place::Host(chunk) => Ok(chunk.borrow_mut().split_front(count)),
            Place::Guest {
                instance,
                payload,
                next,
                ..
            } => {
                self.return_lease()?;
                let Some(ty) = payload else {
                    return Ok(Chunk::Units(count));
                };
                let pointer = next.get();
                let size = check_buffer(instance, store, ty, pointer, count, true)?;
                next.set(pointer.wrapping_add(count * size));
                let items = LiftCx::new(store, instance, Scope::None)?.load_items(ty, pointer, count)?;
                Ok(match items {
                    Value::Bytes(bytes) => Chunk::Bytes(bytes),
                    Value::List(values) => Chunk::Values(values),
                    other => Chunk::Values(vec![other]),
                })
            }
        }
    }

    /// Puts elements behind those that are there.
    pub(crate) fn fill(&self, store: &Store, elements: Chunk) -> Result<()> {
        let count = elements.len();
        match &self.place {
            Place::Host(chunk) => chunk.borrow_mut().append(elements),
            Place::Guest {
                instance,
                payload,
                next,
                ..
            } => {
                self.return_lease()?;
                if let Some(ty) = payload {
                    let pointer = next.get();
                    let size = check_buffer(instance, store, ty, pointer, count, true)?;
                    next.set(pointer.wrapping_add(count * size));
                    let items = match elements {
                        Chunk::Bytes(bytes) => Value::Bytes(bytes),
                        other => Value::List(other.into_values()),
                    };
                    LowerCx::new(store, instance, Scope::None)?.store_items(ty, items, pointer)?;
                }
            }
        }
        self.progress.set(self.progress.get() + count);
        Ok(())
    }
}
