//! Streams and futures of the fake host: either end may be the guest's, or the test's.

use super::{BLOCKED, Entry, Fake, State};
use witflow_async_rt::sys::native::CoreVal;

const COMPLETED: u32 = 0;
const DROPPED: u32 = 1;
const CANCELLED: u32 = 2;

/// A copy of up to `len` elements, of which `done` were transferred.
#[derive(Clone, Copy)]
struct Copy {
    at: *mut u8,
    len: u32,
    done: u32,
}

/// One direction of a stream: what its user is doing.
#[derive(Clone, Copy)]
enum Side {
    Idle,
    Pending(Copy),
    Gone,
}

pub struct Stream {
    element: usize,
    is_future: bool,
    sides: [Side; 2],
    /// Handles of the guest's ends; 0 where the test has the end.
    handles: [u32; 2],
}

#[derive(Clone, std::marker::Copy, PartialEq, Eq, Debug)]
enum EndState {
    Idle,
    Busy,
    Done,
}

/// A guest's handle of an end: reading is side 0, writing side 1.
pub struct End {
    stream: usize,
    side: usize,
    is_future: bool,
    state: EndState,
}

/// Size of an element by the name of the built-in: `...-u32`, `...-unit`, otherwise a byte.
fn element(field: &str) -> usize {
    match field {
        _ if field.contains("-unit") => 0,
        _ if field.contains("-4]") => 4,
        _ => 1,
    }
}

impl State {
    fn guest_end(&mut self, handle: u32) -> &mut End {
        match self.entries.get_mut(handle as usize) {
            Some(Some(Entry::End(end))) => end,
            _ => panic!("trap: {handle} is not an end"),
        }
    }

    /// The guest has been told how the copy at its end came out: the buffer is the guest's again.
    pub fn end_delivered(&mut self, handle: u32, answer: u32) {
        let end = self.guest_end(handle);
        if end.state == EndState::Idle {
            // Nothing was in flight: the host only mentioned that the peer has gone. Hosts differ in what that allows;
            // this one allows nothing but the drop.
            end.state = EndState::Done;
            return;
        }
        let once = answer & 0xf == DROPPED || (answer & 0xf == COMPLETED && end.is_future);
        end.state = if once { EndState::Done } else { EndState::Idle };
        let (stream, side) = (end.stream, end.side);
        self.streams[stream].sides[side] = Side::Idle;
    }

    fn new_stream(&mut self, element: usize, is_future: bool) -> usize {
        self.streams.push(Stream {
            element,
            is_future,
            sides: [Side::Idle; 2],
            handles: [0; 2],
        });
        self.streams.len() - 1
    }

    fn new_end(&mut self, stream: usize, side: usize) -> u32 {
        let is_future = self.streams[stream].is_future;
        let handle = self.insert(Entry::End(End {
            stream,
            side,
            is_future,
            state: EndState::Idle,
        }));
        self.streams[stream].handles[side] = handle;
        handle
    }

    /// A built-in of a stream or future type.
    pub fn end(&mut self, field: &str, args: &[CoreVal]) -> Option<CoreVal> {
        let is_future = field.contains("[future");
        if field.contains("-new-") {
            let stream = self.new_stream(element(field), is_future);
            let (reader, writer) = (self.new_end(stream, 0), self.new_end(stream, 1));
            return Some(CoreVal::I64((u64::from(writer) << 32 | u64::from(reader)) as i64));
        }
        let Some(&CoreVal::I32(handle)) = args.first() else {
            panic!("bad arguments: {args:?}")
        };
        let handle = handle as u32;
        if field.contains("cancel") {
            return Some(CoreVal::I32(self.cancel_copy(handle) as i32));
        }
        if field.contains("drop-") {
            self.drop_end(handle);
            return None;
        }
        let len = match args.get(2) {
            Some(&CoreVal::Len(len)) => len as u32,
            _ => 1,
        };
        let Some(&CoreVal::Ptr(at)) = args.get(1) else {
            panic!("bad arguments: {args:?}")
        };
        Some(CoreVal::I32(self.start_copy(handle, at, len) as i32))
    }

    fn start_copy(&mut self, handle: u32, at: *mut u8, len: u32) -> u32 {
        assert!(len < 1 << 28, "trap: copy too long");
        let end = self.guest_end(handle);
        assert_eq!(end.state, EndState::Idle, "trap: copy at an end that is busy or done");
        end.state = EndState::Busy;
        let (stream, side) = (end.stream, end.side);
        self.streams[stream].sides[side] = Side::Pending(Copy { at, len, done: 0 });
        self.rendezvous(stream, side);
        match self.answer(stream, side) {
            Some(answer) => {
                self.waitables[handle as usize].event = None;
                self.end_delivered(handle, answer);
                answer
            }
            None => BLOCKED,
        }
    }

    /// Moves elements between two pending copies, and notes events for the guest's other end.
    fn rendezvous(&mut self, stream: usize, active: usize) {
        let s = &mut self.streams[stream];
        if let [Side::Pending(read), Side::Pending(write)] = &mut s.sides {
            let count = (read.len - read.done).min(write.len - write.done);
            let bytes = count as usize * s.element;
            unsafe {
                let to = read.at.add(read.done as usize * s.element);
                std::ptr::copy(write.at.add(write.done as usize * s.element), to, bytes);
            }
            read.done += count;
            write.done += count;
        }
        self.notify(stream, 1 - active);
    }

    /// What the copy pending at a side has come to, if it has.
    fn answer(&self, stream: usize, side: usize) -> Option<u32> {
        let s = &self.streams[stream];
        let Side::Pending(copy) = s.sides[side] else {
            return None;
        };
        let gone = matches!(s.sides[1 - side], Side::Gone);
        let count = if s.is_future { 0 } else { copy.done << 4 };
        match (copy.done, gone) {
            (1.., _) if s.is_future => Some(COMPLETED),
            (_, true) => Some(DROPPED | count),
            // A copy of length zero waits for the peer to be ready.
            (0, false) => match s.sides[1 - side] {
                Side::Pending(other) if copy.len == 0 && other.len != 0 => Some(COMPLETED),
                _ => None,
            },
            _ => Some(COMPLETED | count),
        }
    }

    /// Gives the guest's end at this side its event, if its copy has come to something.
    fn notify(&mut self, stream: usize, side: usize) {
        let handle = self.streams[stream].handles[side];
        if handle != 0
            && let Some(answer) = self.answer(stream, side)
        {
            let event = 2 + side as i32 + if self.streams[stream].is_future { 2 } else { 0 };
            self.waitables[handle as usize].event = Some((event, answer));
        }
    }

    fn cancel_copy(&mut self, handle: u32) -> u32 {
        assert_eq!(
            self.waitables[handle as usize].set, 0,
            "trap: synchronous cancel inside a set"
        );
        let end = self.guest_end(handle);
        assert_eq!(end.state, EndState::Busy, "trap: cancel without a copy");
        let (stream, side) = (end.stream, end.side);
        let answer = match self.answer(stream, side) {
            Some(answer) if answer & 0xf == DROPPED || self.streams[stream].is_future => answer,
            Some(answer) => CANCELLED | (answer & !0xf),
            None => CANCELLED,
        };
        self.waitables[handle as usize].event = None;
        self.end_delivered(handle, answer);
        answer
    }

    fn drop_end(&mut self, handle: u32) {
        assert_eq!(
            self.waitables[handle as usize].set, 0,
            "an end was dropped inside a set: some hosts leave it there"
        );
        let end = self.guest_end(handle);
        assert_ne!(end.state, EndState::Busy, "trap: an end was dropped during a copy");
        let (stream, side, state) = (end.stream, end.side, end.state);
        if self.streams[stream].is_future && side == 1 {
            assert_eq!(state, EndState::Done, "trap: a future was dropped unwritten");
        }
        self.remove(handle);
        self.leave(stream, side);
    }

    fn leave(&mut self, stream: usize, side: usize) {
        self.streams[stream].handles[side] = 0;
        self.streams[stream].sides[side] = Side::Gone;
        self.notify(stream, 1 - side);
    }
}

/// The test's end of a stream.
pub struct Peer<'a> {
    host: &'a Fake,
    pub stream: usize,
    side: usize,
}

impl Fake {
    /// A stream of bytes (or of elements of `size`) whose readable end is the guest's.
    pub fn stream_in(&self, size: usize) -> (i32, Peer<'_>) {
        self.new_peer(size, false, 0)
    }

    /// A future of such an element whose readable end is the guest's.
    pub fn future_in(&self, size: usize) -> (i32, Peer<'_>) {
        self.new_peer(size, true, 0)
    }

    fn new_peer(&self, size: usize, is_future: bool, side: usize) -> (i32, Peer<'_>) {
        let mut state = self.state.borrow_mut();
        let stream = state.new_stream(size, is_future);
        let handle = state.new_end(stream, side);
        (
            handle as i32,
            Peer {
                host: self,
                stream,
                side: 1 - side,
            },
        )
    }

    /// Reports a dropped peer to an end of the guest at which nothing is in flight, as some hosts do.
    pub fn mention_drop(&self, handle: u32) {
        self.state.borrow_mut().waitables[handle as usize].event = Some((2, DROPPED));
    }

    /// The same, if nothing is in flight and the guest is in a position to hear it.
    pub fn mention_drop_if_idle(&self, handle: u32) {
        let mut state = self.state.borrow_mut();
        let is_idle = matches!(
            state.entries.get(handle as usize),
            Some(Some(Entry::End(end))) if end.state == EndState::Idle
        );
        let waitable = &mut state.waitables[handle as usize];
        if is_idle && waitable.set != 0 && waitable.event.is_none() {
            waitable.event = Some((2, DROPPED));
        }
    }

    /// Takes a readable end from the guest, as lifting does.
    pub fn take_reader(&self, handle: u32) -> Peer<'_> {
        let mut state = self.state.borrow_mut();
        assert_eq!(
            state.waitables[handle as usize].set, 0,
            "trap: an end was transferred inside a set"
        );
        assert_eq!(
            state.guest_end(handle).state,
            EndState::Idle,
            "trap: an end was transferred busy or done"
        );
        let Entry::End(end) = state.remove(handle) else {
            panic!("trap: not an end")
        };
        assert_eq!(end.side, 0, "trap: only readable ends are transferred");
        state.streams[end.stream].handles[0] = 0;
        Peer {
            host: self,
            stream: end.stream,
            side: 0,
        }
    }
}

impl Peer<'_> {
    /// Writes as much of `bytes` as the guest is ready to read; answers how many elements that were.
    pub fn write(&self, bytes: &[u8]) -> usize {
        let mut state = self.host.state.borrow_mut();
        let element = state.streams[self.stream].element.max(1);
        let copy = Copy {
            at: bytes.as_ptr().cast_mut(),
            len: (bytes.len() / element) as u32,
            done: 0,
        };
        self.transfer(&mut state, copy)
    }

    /// Reads up to `len` elements of what the guest is writing.
    pub fn read(&self, len: usize) -> Vec<u8> {
        let mut state = self.host.state.borrow_mut();
        let element = state.streams[self.stream].element;
        let mut bytes = vec![0; len * element];
        let count = self.transfer(
            &mut state,
            Copy {
                at: bytes.as_mut_ptr(),
                len: len as u32,
                done: 0,
            },
        );
        bytes.truncate(count * element);
        bytes
    }

    fn transfer(&self, state: &mut State, copy: Copy) -> usize {
        state.streams[self.stream].sides[self.side] = Side::Pending(copy);
        state.rendezvous(self.stream, self.side);
        let side = std::mem::replace(&mut state.streams[self.stream].sides[self.side], Side::Idle);
        match side {
            Side::Pending(copy) => copy.done as usize,
            _ => 0,
        }
    }

    /// Drops the test's end.
    pub fn leave(&self) {
        self.host.state.borrow_mut().leave(self.stream, self.side);
    }

    /// Whether the guest has dropped its end.
    pub fn alone(&self) -> bool {
        matches!(
            self.host.state.borrow().streams[self.stream].sides[1 - self.side],
            Side::Gone
        )
    }
}
