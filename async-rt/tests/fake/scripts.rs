//! What a peer does before, during and after a method that ends early, in all combinations.

use super::Fake;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// What the peer does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    Nothing,
    One,
    Many,
    Leave,
    /// As `Leave`, and the host tells an idle end.
    LeaveLoudly,
}

pub const EVENTS: [Event; 5] = [
    Event::Nothing,
    Event::One,
    Event::Many,
    Event::Leave,
    Event::LeaveLoudly,
];

/// How the future of the method ends, unless it is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    Drop,
    Forget,
    Cancel,
    /// It is polled once more and then dropped.
    Late,
}

pub const ENDS: &[End] = &[End::Drop, End::Forget, End::Cancel, End::Late];

/// Opened by the test; the task waits for it.
#[derive(Clone, Default)]
pub struct Gate(Rc<(Cell<u32>, RefCell<Option<Waker>>)>);

impl Gate {
    pub fn open(&self, host: &Fake) {
        self.0.0.set(self.0.0.get() + 1);
        host.enter(|| self.0.1.take().into_iter().for_each(Waker::wake));
    }

    pub async fn passed(&self, times: u32) {
        poll_fn(|cx| {
            if self.0.0.get() >= times {
                return Poll::Ready(());
            }
            *self.0.1.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

pub type Shared<T> = Rc<RefCell<T>>;

/// Calls `check` with all combinations of three events.
pub fn each_script(mut check: impl FnMut([Event; 3], bool)) {
    for first in EVENTS {
        for second in EVENTS {
            for third in EVENTS {
                for told in [false, true] {
                    check([first, second, third], told);
                }
            }
        }
    }
}
