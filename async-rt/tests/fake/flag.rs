//! [`Flag`]: what one task waits for and another raises.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};

/// A flag to wait for and to raise, from wherever.
#[derive(Clone, Default)]
pub struct Flag(Rc<(Cell<bool>, RefCell<Option<Waker>>)>);

impl Flag {
    pub fn raise(&self) {
        self.0.0.set(true);
        if let Some(waker) = self.0.1.take() {
            waker.wake();
        }
    }

    pub fn wait(&self) -> impl Future<Output = ()> + use<> {
        let flag = self.clone();
        poll_fn(move |cx| {
            if flag.0.0.get() {
                return Poll::Ready(());
            }
            *flag.0.1.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
    }
}
