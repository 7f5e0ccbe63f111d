//! Values that belong to a future and whatever it awaits.
//!
//! A value is found while its future is being polled: a link on the stack then is in the instance's list. Links come and go
//! in any order, since a task that blocks on the stack lets others run. They name their task, so that nobody else's are
//! found.

use crate::sys;
use core::cell::Cell;
use core::fmt;
use core::pin::Pin;
use core::ptr;
use core::task::{Context, Poll};

/// A value in scope. In the list while it is on the stack.
pub(crate) struct Link {
    key: *const (),
    value: *const (),
    task: *const (),
    outer: Cell<*const Link>,
    inner: Cell<*const Link>,
}

/// The values in scope in an instance, the innermost first.
pub(crate) struct Links(Cell<*const Link>);

impl Links {
    pub(crate) const fn new() -> Links {
        Links(Cell::new(ptr::null()))
    }
}

/// Who is current, to compare with.
fn task() -> *const () {
    let task = sys::wasip3_task_set(ptr::null_mut());
    sys::wasip3_task_set(task);
    task.cast_const().cast()
}

/// Takes a link out of the list at the end of a poll, whatever its end.
struct Entered<'a>(&'a Link);

impl<'a> Entered<'a> {
    fn new(link: &'a Link) -> Entered<'a> {
        let first = &sys::instance().locals.0;
        link.outer.set(first.replace(link));
        // SAFETY: what is in the list is alive.
        if let Some(outer) = unsafe { link.outer.get().as_ref() } {
            outer.inner.set(link);
        }
        Entered(link)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let (outer, inner) = (self.0.outer.get(), self.0.inner.get());
        // SAFETY: neighbours in the list are alive.
        unsafe {
            match inner.as_ref() {
                Some(inner) => inner.outer.set(outer),
                None => sys::instance().locals.0.set(outer),
            }
            if let Some(outer) = outer.as_ref() {
                outer.inner.set(inner);
            }
        }
    }
}

/// A value that belongs to a future and whatever it awaits, as a thread-local does to a thread.
///
/// Spawned futures have values of their own, and so has a `block_on`.
///
/// ```
/// use witflow_async_rt::async_support::TaskLocal;
///
/// static USER: TaskLocal<String> = TaskLocal::new();
///
/// async fn greet() -> String {
///     USER.with(|user| format!("hello, {user}"))
/// }
///
/// async fn serve() -> String {
///     USER.scope("ferris".to_owned(), greet()).await
/// }
/// ```
pub struct TaskLocal<T: 'static> {
    /// Statics of no size might share an address.
    _place: u8,
    value: core::marker::PhantomData<fn() -> T>,
}

impl<T> TaskLocal<T> {
    /// A key, for a `static`.
    #[expect(clippy::new_without_default, reason = "a key that is no static is of no use")]
    pub const fn new() -> TaskLocal<T> {
        TaskLocal {
            _place: 0,
            value: core::marker::PhantomData,
        }
    }

    fn key(&'static self) -> *const () {
        (&raw const *self).cast()
    }

    /// Runs `future` with the value in scope. The innermost scope of a key counts.
    pub fn scope<F: Future>(&'static self, value: T, future: F) -> TaskLocalScope<T, F> {
        TaskLocalScope {
            key: self,
            value,
            future,
        }
    }

    /// Calls `f` with the value, if one is in scope.
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Option<R> {
        let task = task();
        let mut link = sys::instance().locals.0.get();
        // SAFETY: what is in the list is alive, and so is its value: it is in a future that is being polled, below us on this
        // task's stack. The key says that it is of this type.
        unsafe {
            while let Some(found) = link.as_ref() {
                if ptr::eq(found.key, self.key()) && ptr::eq(found.task, task) {
                    return Some(f(&*found.value.cast::<T>()));
                }
                link = found.outer.get();
            }
        }
        None
    }

    /// Calls `f` with the value.
    ///
    /// # Panics
    ///
    /// If none is in scope.
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        match self.try_with(f) {
            Some(result) => result,
            None => panic!("a task-local value was used outside of its scope"),
        }
    }

    /// A copy of the value.
    ///
    /// # Panics
    ///
    /// If none is in scope.
    pub fn get(&'static self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }
}

impl<T> fmt::Debug for TaskLocal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskLocal").finish_non_exhaustive()
    }
}

/// A future with a value in scope: see [`TaskLocal::scope`].
#[must_use = "a future does nothing unless it is awaited"]
pub struct TaskLocalScope<T: 'static, F> {
    key: &'static TaskLocal<T>,
    value: T,
    future: F,
}

impl<T, F: Future> Future for TaskLocalScope<T, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: neither is moved out of, and the future is pinned where this is (rule 7). The value is not pinned, and
        // nobody has it but by shared references.
        let (key, value, future) = unsafe {
            let this = self.get_unchecked_mut();
            (this.key, &raw const this.value, Pin::new_unchecked(&mut this.future))
        };
        let link = Link {
            key: key.key(),
            value: value.cast(),
            task: task(),
            outer: Cell::new(ptr::null()),
            inner: Cell::new(ptr::null()),
        };
        let _entered = Entered::new(&link);
        future.poll(cx)
    }
}

impl<T, F> fmt::Debug for TaskLocalScope<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskLocalScope").finish_non_exhaustive()
    }
}
