//! Stacks on threads apart: each instance has a thread of its own, and with it a set of `thread_local!`s of its own.
//!
//! WebAssembly gives each instance its own statics. Natively `thread_local!`s come closest, so a store can be asked to run
//! each instance on a thread of its own. One of these threads runs at a time: whoever starts or resumes a stack of another
//! instance waits until control comes back. What it waits for may need it meanwhile, when the other instance calls back;
//! so every thread has one inbox, and serves what comes in until its answer comes.
//!
//! Where stacks are threads themselves, [`ThreadsApart`] gives each instance some of its own instead: a thread that waits for one
//! of its stacks could not serve.
//!
//! # Safety
//!
//! In step: whoever sends a message waits for the answer, and the inbox orders what was written before and what is read
//! after. So bodies and stacks, which are neither `Send` nor `Sync`, are used by one thread at a time, and stacks only by the
//! thread they were made on.

use super::fiber::Backend;
use super::stacks::{self, NativeStacks};
use crate::canonical::{Stack, Stacks};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

/// Something that is used in step.
struct InStep<T>(T);

// SAFETY: see the head of this file.
unsafe impl<T> Send for InStep<T> {}

impl<T> InStep<T> {
    /// A method, so that closures capture the whole.
    fn into_inner(self) -> T {
        self.0
    }
}

/// What a thread is asked to do with its stacks.
enum Request {
    Start(Box<dyn FnOnce()>),
    Resume(u64),
    Abandon(u64),
}

enum Message {
    /// Do this, and tell whoever asked which stack is left suspended, if any.
    Do(InStep<Request>, Sender<Message>),
    /// The answer to what this thread asked for.
    Left(Option<u64>),
    /// No more will come.
    Quit,
}

/// The inbox of a thread.
struct Inbox {
    sender: Sender<Message>,
    receiver: Receiver<Message>,
}

thread_local! {
    static INBOX: Inbox = {
        let (sender, receiver) = channel();
        Inbox { sender, receiver }
    };
    /// The instance whose thread this is.
    static INSTANCE: Cell<Option<u32>> = const { Cell::new(None) };
}

/// The stacks of one instance's thread.
struct Own {
    stacks: NativeStacks,
    suspended: RefCell<BTreeMap<u64, Box<dyn Stack>>>,
    next: Cell<u64>,
}

impl Own {
    fn new(instance: u32) -> Own {
        Own {
            stacks: NativeStacks::new(Backend::Stacks),
            suspended: RefCell::default(),
            next: Cell::new(u64::from(instance)),
        }
    }

    fn run(&self, request: Request) -> Option<u64> {
        let left = match request {
            Request::Start(body) => self.stacks.start(0, body),
            Request::Resume(number) => {
                let stack = self.suspended.borrow_mut().remove(&number);
                stack.and_then(Stack::resume)
            }
            Request::Abandon(number) => {
                let stack = self.suspended.borrow_mut().remove(&number);
                drop(stack);
                None
            }
        }?;
        let number = self.next.get();
        self.next.set(number + 1);
        self.suspended.borrow_mut().insert(number, left);
        Some(number)
    }
}

thread_local! {
    static OWN: RefCell<Option<Rc<Own>>> = const { RefCell::new(None) };
}

/// Serves what comes in until an answer, or the end.
fn serve() -> Option<u64> {
    loop {
        let message = INBOX.with(|inbox| inbox.receiver.recv());
        match message {
            Ok(Message::Do(request, reply)) => {
                let own = OWN.with_borrow(Clone::clone);
                let left = own.and_then(|own| own.run(request.into_inner()));
                // Whoever asked waits for this.
                let _ = reply.send(Message::Left(left));
            }
            Ok(Message::Left(left)) => return left,
            Ok(Message::Quit) | Err(_) => return None,
        }
    }
}

/// Has another thread do something, and waits until it is done.
fn ask(thread: &Sender<Message>, request: Request) -> Option<u64> {
    let reply = INBOX.with(|inbox| inbox.sender.clone());
    // A thread that does not listen any more has dropped its stacks.
    thread.send(Message::Do(InStep(request), reply)).ok()?;
    serve()
}

/// The thread of one instance.
struct Worker {
    inbox: Sender<Message>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    fn new(instance: u32) -> Worker {
        let (tell, told) = channel();
        let spawned = thread::Builder::new()
            .name(format!("instance {instance}"))
            .spawn(move || {
                INSTANCE.set(Some(instance));
                OWN.set(Some(Rc::new(Own::new(instance))));
                let inbox = INBOX.with(|inbox| inbox.sender.clone());
                // Whoever made the worker waits for this.
                let _ = tell.send(inbox);
                serve();
                OWN.take();
            });
        let thread = spawned.unwrap_or_else(|error| panic!("the system denied a thread for an instance: {error}"));
        match told.recv() {
            Ok(inbox) => Worker {
                inbox,
                thread: Some(thread),
            },
            Err(_) => panic!("the thread of instance {instance} ended before it began"),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // Both fail only when the thread has ended already.
        let _ = self.inbox.send(Message::Quit);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// Stacks on threads of their instances.
#[derive(Default)]
struct StacksApart {
    workers: RefCell<BTreeMap<u32, Worker>>,
}

/// A suspended stack on another thread.
struct Elsewhere {
    thread: Sender<Message>,
    number: u64,
    is_done: bool,
}

fn elsewhere(thread: &Sender<Message>, left: Option<u64>) -> Option<Box<dyn Stack>> {
    let number = left?;
    Some(Box::new(Elsewhere {
        thread: thread.clone(),
        number,
        is_done: false,
    }))
}

impl Stack for Elsewhere {
    fn resume(mut self: Box<Self>) -> Option<Box<dyn Stack>> {
        self.is_done = true;
        let left = ask(&self.thread, Request::Resume(self.number));
        elsewhere(&self.thread, left)
    }

    fn abandon(self: Box<Self>) {
        drop(self);
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        if !self.is_done {
            ask(&self.thread, Request::Abandon(self.number));
        }
    }
}

impl Stacks for StacksApart {
    fn start(&self, instance: u32, body: Box<dyn FnOnce()>) -> Option<Box<dyn Stack>> {
        let mut workers = self.workers.borrow_mut();
        let thread = workers
            .entry(instance)
            .or_insert_with(|| Worker::new(instance))
            .inbox
            .clone();
        drop(workers);
        let left = ask(&thread, Request::Start(body));
        elsewhere(&thread, left)
    }

    fn suspend(&self) {
        stacks::suspend();
    }

    fn is_on_stack_of(&self, instance: u32) -> bool {
        INSTANCE.get() == Some(instance)
    }
}

/// Stacks that are threads, those of each instance apart.
#[derive(Default)]
struct ThreadsApart {
    pools: RefCell<BTreeMap<u32, Rc<NativeStacks>>>,
}

impl Stacks for ThreadsApart {
    fn start(&self, instance: u32, body: Box<dyn FnOnce()>) -> Option<Box<dyn Stack>> {
        let mut pools = self.pools.borrow_mut();
        let pool = pools
            .entry(instance)
            .or_insert_with(|| Rc::new(NativeStacks::new(Backend::Threads)))
            .clone();
        drop(pools);
        let body = move || {
            INSTANCE.set(Some(instance));
            body();
        };
        pool.start(instance, Box::new(body))
    }

    fn suspend(&self) {
        stacks::suspend();
    }

    fn is_on_stack_of(&self, instance: u32) -> bool {
        INSTANCE.get() == Some(instance)
    }
}

/// Stacks of which each instance has its own, as this target can.
pub(crate) fn stacks_apart() -> Rc<dyn Stacks> {
    match Backend::default_for_target() {
        Backend::Stacks => Rc::new(StacksApart::default()),
        Backend::Threads => Rc::new(ThreadsApart::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The kinds that this target has.
    fn kinds() -> Vec<Rc<dyn Stacks>> {
        let mut kinds: Vec<Rc<dyn Stacks>> = vec![Rc::new(ThreadsApart::default())];
        if Backend::default_for_target() == Backend::Stacks {
            kinds.push(Rc::new(StacksApart::default()));
        }
        kinds
    }

    #[test]
    fn one_instance_lets_another_go_on_that_waits_for_it() {
        for stacks in kinds() {
            let steps = Rc::new(RefCell::new(Vec::new()));
            let (inner, step) = (stacks.clone(), steps.clone());
            let waiting = stacks.start(
                1,
                Box::new(move || {
                    step.borrow_mut().push("1 waits");
                    inner.suspend();
                    assert!(inner.is_on_stack_of(1));
                    step.borrow_mut().push("1 goes on");
                }),
            );
            let waiting = Cell::new(Some(waiting.expect("it is suspended")));
            let (inner, step) = (stacks.clone(), steps.clone());
            let calls = move || {
                let (innermost, steps) = (inner.clone(), step.clone());
                let called = move || {
                    assert!(innermost.is_on_stack_of(2) && !innermost.is_on_stack_of(1));
                    steps.borrow_mut().push("2 is called");
                    let left = waiting.take().and_then(Stack::resume);
                    assert!(left.is_none());
                };
                let left = inner.start(2, Box::new(called));
                assert!(left.is_none());
                step.borrow_mut().push("2 has returned");
            };
            assert!(stacks.start(1, Box::new(calls)).is_none());
            assert_eq!(
                *steps.borrow(),
                ["1 waits", "2 is called", "1 goes on", "2 has returned"]
            );
        }
    }
}
