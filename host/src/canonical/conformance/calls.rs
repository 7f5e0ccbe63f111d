//! The built-ins as methods, so that a test reads as what a guest does.

use super::guest::Guest;
use crate::canonical::linear::at;
use crate::canonical::{
    Builtin, CoreVal, Event, EventCode, Func, FuncType, Lowered, Payload, ResourceIndex, Result, Type,
};
use std::rc::Rc;

/// Where waits leave the words of their event.
const EVENT: usize = 1536;

/// A word as a core value.
pub(super) fn word(value: u32) -> CoreVal {
    CoreVal::I32(value as i32)
}

/// A place in memory as a core value.
pub(super) fn place(place: usize) -> CoreVal {
    CoreVal::Ptr(at(place))
}

/// A length as a core value.
pub(super) fn length(value: usize) -> CoreVal {
    CoreVal::Len(value)
}

/// A `stream<ty>`.
pub(super) fn stream_of(ty: Type) -> Payload {
    Payload {
        is_future: false,
        ty: Some(ty),
    }
}

/// A `future<ty>`.
pub(super) fn future_of(ty: Type) -> Payload {
    Payload {
        is_future: true,
        ty: Some(ty),
    }
}

/// Completed with so many elements, as core code sees it.
pub(super) fn completed(count: u32) -> u32 {
    count << 4
}

/// The peer is gone; so many elements had moved.
pub(super) fn dropped(count: u32) -> u32 {
    1 | count << 4
}

/// Cancelled; so many elements had moved.
pub(super) fn cancelled(count: u32) -> u32 {
    2 | count << 4
}

impl Guest {
    /// Calls a built-in; what gives nothing gives 0.
    pub(super) fn built_in(&self, builtin: &Builtin, args: &[CoreVal]) -> Result<u64> {
        let result = builtin.call(&self.store, args)?;
        Ok(result.map_or(0, CoreVal::bits))
    }

    fn small(&self, builtin: &Builtin, args: &[CoreVal]) -> Result<u32> {
        self.built_in(builtin, args).map(|bits| bits as u32)
    }

    fn nothing(&self, builtin: &Builtin, args: &[CoreVal]) -> Result<()> {
        self.built_in(builtin, args).map(|_| ())
    }

    /// Calls an import by the asynchronous ABI: gives state and handle.
    pub(super) fn call_async(&self, func: &Func, args: &[CoreVal]) -> Result<(u32, u32)> {
        let lowered = Lowered::new(&self.instance, func.clone(), true);
        let packed = lowered.call_import(&self.store, args)?.map_or(0, CoreVal::bits) as u32;
        Ok((packed & 0xf, packed >> 4))
    }

    /// Calls an import by the synchronous ABI.
    pub(super) fn call(&self, func: &Func, args: &[CoreVal]) -> Result<u32> {
        let lowered = Lowered::new(&self.instance, func.clone(), false);
        let result = lowered.call_import(&self.store, args)?;
        Ok(result.map_or(0, |value| value.bits() as u32))
    }

    /// Calls the host's function, which does not answer at once; the result goes to `out`.
    pub(super) fn call_host(&self, out: usize) -> Result<u32> {
        let (_, subtask) = self.call_async(&self.world().host, &[word(1), place(out)])?;
        Ok(subtask)
    }

    pub(super) fn task_return(&self, ty: &Rc<FuncType>, args: &[CoreVal]) -> Result<()> {
        self.nothing(&Builtin::TaskReturn(ty.clone()), args)
    }

    pub(super) fn task_cancel(&self) -> Result<()> {
        self.nothing(&Builtin::TaskCancel, &[])
    }

    pub(super) fn set_new(&self) -> Result<u32> {
        self.small(&Builtin::WaitableSetNew, &[])
    }

    pub(super) fn set_drop(&self, set: u32) -> Result<()> {
        self.nothing(&Builtin::WaitableSetDrop, &[word(set)])
    }

    pub(super) fn join(&self, waitable: u32, set: u32) -> Result<()> {
        self.nothing(&Builtin::WaitableJoin, &[word(waitable), word(set)])
    }

    fn event(&self, builtin: &Builtin, set: u32) -> Result<[u32; 3]> {
        let code = self.small(builtin, &[word(set), place(EVENT)])?;
        Ok([code, self.memory.word(EVENT), self.memory.word(EVENT + 4)])
    }

    pub(super) fn wait(&self, set: u32) -> Result<[u32; 3]> {
        self.event(&Builtin::WaitableSetWait { cancellable: false }, set)
    }

    pub(super) fn wait_cancellable(&self, set: u32) -> Result<[u32; 3]> {
        self.event(&Builtin::WaitableSetWait { cancellable: true }, set)
    }

    pub(super) fn poll(&self, set: u32) -> Result<[u32; 3]> {
        self.event(&Builtin::WaitableSetPoll { cancellable: false }, set)
    }

    pub(super) fn give_way(&self) -> Result<u32> {
        self.small(&Builtin::ThreadYield { cancellable: false }, &[])
    }

    pub(super) fn subtask_cancel(&self, subtask: u32) -> Result<u32> {
        self.small(&Builtin::SubtaskCancel { is_async: false }, &[word(subtask)])
    }

    pub(super) fn subtask_cancel_async(&self, subtask: u32) -> Result<u32> {
        self.small(&Builtin::SubtaskCancel { is_async: true }, &[word(subtask)])
    }

    pub(super) fn subtask_drop(&self, subtask: u32) -> Result<()> {
        self.nothing(&Builtin::SubtaskDrop, &[word(subtask)])
    }

    pub(super) fn resource_new(&self, ty: ResourceIndex, rep: u32) -> Result<u32> {
        self.small(&Builtin::ResourceNew(ty), &[word(rep)])
    }

    pub(super) fn resource_rep(&self, ty: ResourceIndex, handle: u32) -> Result<u32> {
        self.small(&Builtin::ResourceRep(ty), &[word(handle)])
    }

    pub(super) fn resource_drop(&self, ty: ResourceIndex, handle: u32) -> Result<()> {
        self.nothing(&Builtin::ResourceDrop(ty), &[word(handle)])
    }

    pub(super) fn backpressure_inc(&self) -> Result<()> {
        self.nothing(&Builtin::BackpressureInc, &[])
    }

    pub(super) fn backpressure_dec(&self) -> Result<()> {
        self.nothing(&Builtin::BackpressureDec, &[])
    }

    /// A new stream or future.
    pub(super) fn ends(&self, payload: Payload) -> Result<Ends<'_>> {
        let both = self.built_in(&Builtin::EndsNew(payload.clone()), &[])?;
        Ok(Ends {
            guest: self,
            payload,
            readable: both as u32,
            writable: (both >> 32) as u32,
        })
    }

    /// A `stream<u8>`.
    pub(super) fn bytes(&self) -> Result<Ends<'_>> {
        self.ends(stream_of(Type::U8))
    }

    /// A `future<u8>`.
    pub(super) fn byte(&self) -> Result<Ends<'_>> {
        self.ends(future_of(Type::U8))
    }

    /// A readable end that came from elsewhere.
    pub(super) fn reader(&self, payload: Payload, readable: u32) -> Ends<'_> {
        Ends {
            guest: self,
            payload,
            readable,
            writable: 0,
        }
    }
}

/// A stream or future whose ends, or readable end, the guest has.
pub(super) struct Ends<'a> {
    guest: &'a Guest,
    payload: Payload,
    pub(super) readable: u32,
    pub(super) writable: u32,
}

impl Ends<'_> {
    fn copy(&self, builtin: &Builtin, end: u32, pointer: usize, count: usize) -> Result<u32> {
        let args = [word(end), place(pointer), CoreVal::Len(count)];
        let args = if self.payload.is_future { &args[..2] } else { &args };
        self.guest.small(builtin, args)
    }

    /// Reads so many elements to a place; of a future always one.
    pub(super) fn read(&self, pointer: usize, count: usize) -> Result<u32> {
        let (payload, is_async) = (self.payload.clone(), true);
        self.copy(&Builtin::Read { payload, is_async }, self.readable, pointer, count)
    }

    pub(super) fn read_sync(&self, pointer: usize, count: usize) -> Result<u32> {
        let (payload, is_async) = (self.payload.clone(), false);
        self.copy(&Builtin::Read { payload, is_async }, self.readable, pointer, count)
    }

    pub(super) fn write(&self, pointer: usize, count: usize) -> Result<u32> {
        let (payload, is_async) = (self.payload.clone(), true);
        self.copy(&Builtin::Write { payload, is_async }, self.writable, pointer, count)
    }

    pub(super) fn write_sync(&self, pointer: usize, count: usize) -> Result<u32> {
        let (payload, is_async) = (self.payload.clone(), false);
        self.copy(&Builtin::Write { payload, is_async }, self.writable, pointer, count)
    }

    /// Cancels by the synchronous form.
    pub(super) fn cancel_read(&self) -> Result<u32> {
        let (payload, is_async) = (self.payload.clone(), false);
        self.guest
            .small(&Builtin::CancelRead { payload, is_async }, &[word(self.readable)])
    }

    pub(super) fn cancel_write(&self) -> Result<u32> {
        let (payload, is_async) = (self.payload.clone(), false);
        self.guest
            .small(&Builtin::CancelWrite { payload, is_async }, &[word(self.writable)])
    }

    pub(super) fn cancel_read_async(&self) -> Result<u32> {
        let (payload, is_async) = (self.payload.clone(), true);
        self.guest
            .small(&Builtin::CancelRead { payload, is_async }, &[word(self.readable)])
    }

    pub(super) fn cancel_write_async(&self) -> Result<u32> {
        let (payload, is_async) = (self.payload.clone(), true);
        self.guest
            .small(&Builtin::CancelWrite { payload, is_async }, &[word(self.writable)])
    }

    pub(super) fn drop_readable(&self) -> Result<()> {
        let builtin = Builtin::DropReadable(self.payload.clone());
        self.guest.nothing(&builtin, &[word(self.readable)])
    }

    pub(super) fn drop_writable(&self) -> Result<()> {
        let builtin = Builtin::DropWritable(self.payload.clone());
        self.guest.nothing(&builtin, &[word(self.writable)])
    }
}

/// The words of an event.
pub(super) fn event(code: EventCode, p1: u32, p2: u32) -> [u32; 3] {
    let event = Event { code, p1, p2 };
    [event.code as u32, event.p1, event.p2]
}
