//! The writable end of a future.
//!
//! Writing moves value and end into a heap block, which goes through these states:
//!
//! 1. *awaited*: the write is in flight and a [`FutureWrite`] waits for it.
//! 2. *background*: nobody waits. The block ends itself when the answer comes, and holds the task until then. Dropping a
//!    [`FutureWriter`] gets its default value here. Dropping a [`FutureWrite`] cancels it first, which leaves such a writer.
//! 3. *answered*: nothing is in flight. The end was dropped unless the answer was CANCELLED.
//!
//! A background write needs a task only in order to be told its end. Without one it stays in flight unattended: the
//! reader can have the value, and the block is given up when the instance ends.

use super::FutureVtable;
use super::reader::area_layout;
use crate::abi::{BLOCKED, copy};
use crate::cabi::{self, Current};
use crate::pool;
use crate::rt::cleanup::Cleanup;
use crate::sys::{FutureCopyFn, InstanceId};
use crate::waitable::{self, Op};
use alloc::alloc::Layout;
use core::cell::{Cell, UnsafeCell};
use core::fmt;
use core::marker::PhantomData;
use core::mem::{self, ManuallyDrop};
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

/// The writable end of a future.
///
/// Dropping it unused writes its default value in the background.
pub struct FutureWriter<T: 'static> {
    handle: u32,
    vtable: &'static FutureVtable<T>,
    default: fn() -> T,
    instance: InstanceId,
}

// SAFETY: rule 1: the end is used only where its instance is current.
unsafe impl<T: Send> Send for FutureWriter<T> {}
// SAFETY: shared access reads the handle only.
unsafe impl<T: Send> Sync for FutureWriter<T> {}

impl<T> FutureWriter<T> {
    /// # Safety
    ///
    /// `handle` is a writable end of a future of this type, and nobody else's.
    pub(super) unsafe fn from_handle(
        handle: u32,
        vtable: &'static FutureVtable<T>,
        default: fn() -> T,
    ) -> FutureWriter<T> {
        FutureWriter {
            handle,
            vtable,
            default,
            instance: InstanceId::current(),
        }
    }

    /// Writes the value. The returned future is done when the reader has it, or has gone.
    ///
    /// Dropping that future cancels the write: unless the reader has the value already, it gets the default. To have value and
    /// writer back, use [`FutureWrite::cancel`].
    pub fn write(self, value: T) -> FutureWrite<T> {
        let default = self.default;
        FutureWrite {
            state: State::Unpolled(ManuallyDrop::new(self), value),
            default,
        }
    }

    /// Writes a value with nobody waiting.
    fn write_in_background(writer: ManuallyDrop<FutureWriter<T>>, value: T) {
        let block = Block::start(writer.handle, writer.vtable, value);
        // SAFETY: the block was just started and nobody else knows it.
        unsafe { detach(block) }
    }
}

impl<T> Drop for FutureWriter<T> {
    fn drop(&mut self) {
        if waitable::is_alive(self.instance) {
            let writer = ManuallyDrop::new(FutureWriter { ..*self });
            FutureWriter::write_in_background(writer, (self.default)());
        }
    }
}

impl<T> fmt::Debug for FutureWriter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FutureWriter").field("handle", &self.handle).finish()
    }
}

/// The part of a block that does not depend on the value's type. It comes first (rule 2).
#[repr(C)]
struct Header {
    op: Op,
    /// The answer that has come and was not seen yet, or `BLOCKED`.
    answer: Cell<u32>,
    background: Cell<bool>,
    cleanup: UnsafeCell<Cleanup>,
    /// Drops the value and frees the block.
    free: unsafe fn(*const Header),
    drop_end: crate::sys::DropFn,
}

#[repr(C)]
struct Block<T: 'static> {
    header: Header,
    vtable: &'static FutureVtable<T>,
    value: UnsafeCell<ManuallyDrop<T>>,
}

impl<T> Block<T> {
    /// The layout of the block with its area, and the offset of the area.
    fn layout(vtable: &FutureVtable<T>) -> (Layout, usize) {
        let block = Layout::new::<Block<T>>();
        match block.extend(area_layout(vtable.size, vtable.align)) {
            Ok(extended) => extended,
            Err(_) => crate::sys::out_of_memory(),
        }
    }

    /// Moves the value into a block and starts the write.
    fn start(handle: u32, vtable: &'static FutureVtable<T>, value: T) -> *const Header {
        let (layout, offset) = Self::layout(vtable);
        let block = pool::take(layout).cast::<Block<T>>();
        // SAFETY: a fresh block of the right layout; the area is its end. The value does not move until it is handed
        // back or dropped (rule 5); the functions are those of this type (rule 8).
        unsafe {
            block.write(Block {
                header: Header {
                    op: Op::new(handle, on_event),
                    answer: Cell::new(BLOCKED),
                    background: Cell::new(false),
                    cleanup: UnsafeCell::new(Cleanup::new()),
                    free: Self::free,
                    drop_end: vtable.intrinsics.drop_writable,
                },
                vtable,
                value: UnsafeCell::new(ManuallyDrop::new(value)),
            });
            let header = block.cast_const().cast::<Header>();
            let area = block.cast::<u8>().add(offset);
            match vtable.lower {
                Some(lower) => lower(&*(*block).value.get(), area, &mut *(*header).cleanup.get()),
                None => ptr::copy_nonoverlapping((*block).value.get().cast::<u8>(), area, vtable.size),
            }
            launch(header, vtable.intrinsics.write, area);
            header
        }
    }

    unsafe fn free(header: *const Header) {
        // SAFETY: the header heads a `Block<T>` whose value is there and which nobody uses after this.
        unsafe {
            ManuallyDrop::drop(&mut *(*header.cast::<Block<T>>()).value.get());
            Self::free_empty(header);
        }
    }

    /// # Safety
    ///
    /// As for `free`, but the value was moved out.
    unsafe fn free_empty(header: *const Header) {
        // SAFETY: promised by the caller.
        unsafe {
            let (layout, _) = Self::layout((*header.cast::<Block<T>>()).vtable);
            let header = header.cast_mut();
            ptr::drop_in_place((*header).cleanup.get());
            ptr::drop_in_place(&raw mut (*header).op);
            pool::give(header.cast(), layout);
        }
    }

    /// Moves the value out, with its handles, and frees the block.
    ///
    /// # Safety
    ///
    /// Nothing is in flight, the host has not taken the value, and nobody uses the block after this.
    unsafe fn take_back(header: *const Header) -> T {
        // SAFETY: promised by the caller; the handles go back before the value moves.
        unsafe {
            (*(*header).cleanup.get()).restore();
            let value = ManuallyDrop::take(&mut *(*header.cast::<Block<T>>()).value.get());
            Self::free_empty(header);
            value
        }
    }
}

/// Starts the write.
///
/// # Safety
///
/// The block is fresh, and `area` its area, holding the value.
unsafe fn launch(header: *const Header, write: FutureCopyFn, area: *mut u8) {
    // SAFETY: the end is idle; the area stays as it is until the answer (rule 5).
    unsafe {
        let status = write((*header).op.handle(), area);
        if status != BLOCKED {
            answered(header, status);
        }
    }
}

/// Takes in an answer: drops the end unless it is still needed, and notes the answer. Answers whether the root waited.
///
/// # Safety
///
/// The block is alive and its write was in flight.
unsafe fn answered(header: *const Header, answer: u32) -> bool {
    // SAFETY: a completed or refused write may be followed by the drop only.
    unsafe {
        let op = &(*header).op;
        let mut root = false;
        if answer & 0xf != copy::CANCELLED {
            root = op.release();
            ((*header).drop_end)(op.handle());
            op.set_handle(0);
        }
        (*header).answer.set(answer);
        root
    }
}

impl Header {
    /// The answer, if it has come. It is handed out once.
    fn take_answer(&self) -> Option<u32> {
        let answer = self.answer.replace(BLOCKED);
        if answer == BLOCKED { None } else { Some(answer) }
    }
}

unsafe fn on_event(op: *const Op, answer: u32) -> bool {
    let header = op.cast::<Header>();
    // SAFETY: the op is the first field of its block, which is alive (rule 4). Once the end is dropped no event can
    // come; a background block ends itself.
    unsafe {
        if (*op).handle() == 0 {
            return false;
        }
        let root = answered(header, answer);
        if (*header).background.get() {
            end_background(header);
            return false;
        }
        root || (*op).wake()
    }
}

/// Frees a block whose answer has come and for which nobody waits.
unsafe fn end_background(header: *const Header) {
    // SAFETY: the caller's block is idle and unregistered. A refused value gets its handles back, to be dropped.
    unsafe {
        if (*header).take_answer().is_some_and(|answer| answer & 0xf != 0) {
            (*(*header).cleanup.get()).restore();
        }
        ((*header).free)(header);
    }
}

/// Leaves a block to itself.
///
/// # Safety
///
/// The block is alive, of the current instance, and nobody uses it after this.
unsafe fn detach(header: *const Header) {
    // SAFETY: promised by the caller.
    unsafe {
        (*header).background.set(true);
        if (*header).op.handle() == 0 {
            end_background(header);
        } else if !matches!(cabi::current(), Current::None) {
            Op::hold(header.cast());
        }
    }
}

enum State<T: 'static> {
    Unpolled(ManuallyDrop<FutureWriter<T>>, T),
    InFlight(*const Header, PhantomData<T>),
    Done,
}

/// A write in progress: see [`FutureWriter::write`].
#[must_use = "the value is sent sooner when the write is awaited"]
pub struct FutureWrite<T: 'static> {
    state: State<T>,
    default: fn() -> T,
}

// SAFETY: rule 1: the block is touched only where its instance is current.
unsafe impl<T: Send> Send for FutureWrite<T> {}
// SAFETY: a shared write offers no operation.
unsafe impl<T: Send> Sync for FutureWrite<T> {}
// The block is on the heap.
impl<T> Unpin for FutureWrite<T> {}

/// The reader of a future has gone; contains the value that was not sent.
pub struct FutureWriteError<T> {
    /// The value.
    pub value: T,
}

impl<T> fmt::Debug for FutureWriteError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FutureWriteError").finish_non_exhaustive()
    }
}

impl<T> fmt::Display for FutureWriteError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the reader of the future has gone")
    }
}

impl<T> core::error::Error for FutureWriteError<T> {}

/// What [`FutureWrite::cancel`] came to.
#[derive(Debug)]
pub enum FutureWriteCancel<T: 'static> {
    /// The value had been sent.
    AlreadySent,
    /// The reader had gone; here is the value.
    Dropped(T),
    /// The write was cancelled; here are the value and the writer.
    Cancelled(T, FutureWriter<T>),
}

impl<T> FutureWrite<T> {
    /// Ends the write now, and gives back what was not sent.
    ///
    /// # Panics
    ///
    /// If the write has completed already.
    pub fn cancel(self: Pin<&mut Self>) -> FutureWriteCancel<T> {
        let this = self.get_mut();
        let header = match mem::replace(&mut this.state, State::Done) {
            State::Unpolled(writer, value) => {
                return FutureWriteCancel::Cancelled(value, ManuallyDrop::into_inner(writer));
            }
            State::InFlight(header, _) => header,
            State::Done => finished(),
        };
        // SAFETY: the block is alive and ours until it is freed below. The end leaves its set before the synchronous
        // cancel.
        unsafe {
            let op = &(*header).op;
            op.instance().check();
            let vtable = (*header.cast::<Block<T>>()).vtable;
            if op.handle() != 0 {
                op.unregister();
                let answer = (vtable.intrinsics.cancel_write)(op.handle());
                answered(header, answer);
            }
            let handle = op.handle();
            match (*header).take_answer().map(|answer| answer & 0xf) {
                Some(copy::DROPPED) => FutureWriteCancel::Dropped(Block::<T>::take_back(header)),
                Some(copy::CANCELLED) => {
                    let value = Block::<T>::take_back(header);
                    FutureWriteCancel::Cancelled(value, FutureWriter::from_handle(handle, vtable, this.default))
                }
                _ => {
                    Block::<T>::free(header);
                    FutureWriteCancel::AlreadySent
                }
            }
        }
    }
}

impl<T> Future for FutureWrite<T> {
    type Output = Result<(), FutureWriteError<T>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let header = match mem::replace(&mut this.state, State::Done) {
            State::Unpolled(writer, value) => {
                writer.instance.check();
                Block::start(writer.handle, writer.vtable, value)
            }
            State::InFlight(header, _) => header,
            State::Done => finished(),
        };
        // SAFETY: the block is alive and ours until it is freed here, or `self` is dropped.
        unsafe {
            match (*header).take_answer() {
                None => {
                    this.state = State::InFlight(header, PhantomData);
                    Op::wait(header.cast(), cx.waker());
                    Poll::Pending
                }
                Some(answer) if answer & 0xf == copy::DROPPED => Poll::Ready(Err(FutureWriteError {
                    value: Block::<T>::take_back(header),
                })),
                Some(_) => {
                    Block::<T>::free(header);
                    Poll::Ready(Ok(()))
                }
            }
        }
    }
}

impl<T> Drop for FutureWrite<T> {
    fn drop(&mut self) {
        match mem::replace(&mut self.state, State::Done) {
            // The writer writes its default.
            State::Unpolled(writer, _) => drop(ManuallyDrop::into_inner(writer)),
            // What belongs to a dead instance stays inert.
            // SAFETY: the block is alive and ours.
            State::InFlight(header, value) if unsafe { waitable::is_alive((*header).op.instance()) } => {
                self.state = State::InFlight(header, value);
                drop(Pin::new(self).cancel());
            }
            State::InFlight(..) => {}
            State::Done => {}
        }
    }
}

#[cold]
fn finished() -> ! {
    panic!("a future write was used after it had completed")
}
