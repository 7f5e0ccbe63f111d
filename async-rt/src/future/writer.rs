//! The writable end of a future.

use super::FutureVtable;
use super::block::{Begun, Block, Header};
use crate::abi::copy;
use crate::sys::InstanceId;
use crate::waitable;
use core::fmt;
use core::marker::PhantomData;
use core::mem::{self, ManuallyDrop};
use core::pin::Pin;
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

    /// The number the host knows the writable end by.
    pub fn handle(&self) -> u32 {
        self.handle
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
    pub(super) fn write_in_background(handle: u32, vtable: &'static FutureVtable<T>, value: T) {
        if let Begun::InFlight(header) = Block::start(handle, vtable, value, None) {
            // SAFETY: the block was just made and nobody else knows it.
            unsafe { Header::detach(header) }
        }
    }
}

impl<T> Drop for FutureWriter<T> {
    fn drop(&mut self) {
        // A default that panics while a panic unwinds would end the process.
        if waitable::is_alive(self.instance) && !crate::sys::is_unwinding() {
            FutureWriter::write_in_background(self.handle, self.vtable, (self.default)());
        }
    }
}

impl<T> fmt::Debug for FutureWriter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FutureWriter").field("handle", &self.handle).finish()
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
        // SAFETY: the block is alive and ours until it is freed below.
        unsafe {
            (*header).op().instance().check();
            Block::<T>::cancel(header);
            let (handle, vtable) = ((*header).op().handle(), Block::<T>::vtable(header));
            match (*header).take_answer().map(|answer| answer & 0xf) {
                Some(copy::DROPPED) => FutureWriteCancel::Dropped(Block::<T>::take_back(header)),
                Some(copy::CANCELLED) => {
                    let value = Block::<T>::take_back(header);
                    FutureWriteCancel::Cancelled(value, FutureWriter::from_handle(handle, vtable, this.default))
                }
                _ => {
                    Block::<T>::finish(header);
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
                match Block::start(writer.handle, writer.vtable, value, Some(cx.waker())) {
                    Begun::Sent => return Poll::Ready(Ok(())),
                    Begun::Refused(value) => return Poll::Ready(Err(FutureWriteError { value })),
                    Begun::InFlight(header) => {
                        this.state = State::InFlight(header, PhantomData);
                        return Poll::Pending;
                    }
                }
            }
            State::InFlight(header, _) => header,
            State::Done => finished(),
        };
        // SAFETY: the block is alive and ours until it is freed here, or `self` is dropped.
        unsafe {
            (*header).op().instance().check();
            match (*header).take_answer() {
                None => {
                    this.state = State::InFlight(header, PhantomData);
                    waitable::Op::wait(header.cast(), cx.waker());
                    Poll::Pending
                }
                Some(answer) if answer & 0xf == copy::DROPPED => Poll::Ready(Err(FutureWriteError {
                    value: Block::<T>::take_back(header),
                })),
                Some(_) => {
                    Block::<T>::finish(header);
                    Poll::Ready(Ok(()))
                }
            }
        }
    }
}

impl<T> Drop for FutureWrite<T> {
    #[inline]
    fn drop(&mut self) {
        match mem::replace(&mut self.state, State::Done) {
            // The writer writes its default.
            State::Unpolled(writer, _) => drop(ManuallyDrop::into_inner(writer)),
            // What belongs to a dead instance stays inert.
            // SAFETY: the block is alive and ours.
            State::InFlight(header, value) if unsafe { waitable::is_alive((*header).op().instance()) } => {
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
