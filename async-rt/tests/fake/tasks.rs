//! Exports of the guest: started, continued with events, cancelled.

use super::Fake;
use witflow_async_rt::rt::{self, callback, start_export, start_task};

rt::import!("test", "[task-return]run", fn task_return());

/// The body of an export without a result.
pub async fn returning(body: impl Future<Output = ()>) {
    body.await;
    unsafe { task_return() };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskId(usize);

#[derive(Clone, Copy)]
pub struct Task {
    context: *mut u8,
    /// The last callback code.
    code: i32,
}

impl Fake {
    /// Starts an export whose body is `future`.
    pub fn start(&self, future: impl Future<Output = ()> + 'static) -> TaskId {
        self.enter_export(|| unsafe { start_task(future) })
    }

    /// Starts an export by the function that gives its future, and the one that its output is passed to.
    pub fn export<F: Future + 'static>(
        &self,
        make: impl FnOnce() -> F,
        finish: impl Fn(F::Output) + 'static,
    ) -> TaskId {
        self.enter_export(|| unsafe { start_export(make, finish) })
    }

    fn enter_export(&self, entry: impl FnOnce() -> i32) -> TaskId {
        let outer = self.context.replace(std::ptr::null_mut());
        let code = self.enter(entry);
        let task = Task {
            context: self.context.replace(outer),
            code,
        };
        let mut state = self.state.borrow_mut();
        state.tasks.push(task);
        TaskId(state.tasks.len() - 1)
    }

    fn call_back(&self, id: TaskId, event: (i32, u32, u32)) {
        let task = self.state.borrow().tasks[id.0];
        assert_ne!(task.code, 0, "a task that has exited was called back");
        let outer = self.context.replace(task.context);
        let code = self.enter(|| unsafe { callback(event.0, event.1 as i32, event.2 as i32) });
        let context = self.context.replace(outer);
        self.state.borrow_mut().tasks[id.0] = Task { context, code };
    }

    /// Whether the task has returned EXIT.
    pub fn exited(&self, id: TaskId) -> bool {
        self.state.borrow().tasks[id.0].code == 0
    }

    /// Whether the task has returned YIELD.
    pub fn yielded(&self, id: TaskId) -> bool {
        self.state.borrow().tasks[id.0].code & 0xf == 1
    }

    /// Delivers a cancellation.
    pub fn cancel(&self, id: TaskId) {
        self.call_back(id, (6, 0, 0));
    }

    /// Delivers one event to the task, or continues it when it has yielded. Answers whether there was anything to do.
    pub fn step(&self, id: TaskId) -> bool {
        let code = self.state.borrow().tasks[id.0].code;
        let event = match code & 0xf {
            0 => return false,
            1 => (0, 0, 0),
            _ => match self.state.borrow_mut().next_event(code as u32 >> 4) {
                Some(event) => event,
                None => return false,
            },
        };
        self.call_back(id, event);
        true
    }

    /// Continues the task until it waits or has exited.
    pub fn run(&self, id: TaskId) {
        while self.step(id) {}
    }

    /// Calls the task back with an event it cannot know.
    pub fn stray_event(&self, id: TaskId, event: i32, p1: u32, p2: u32) {
        self.call_back(id, (event, p1, p2));
    }
}
