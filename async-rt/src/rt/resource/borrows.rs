//! The borrow handles an export was passed: they have to be dropped before the call ends.
//!
//! Lifting makes each handle into a resource of its own, kept here, and hands out references to it, which bindings pass to the
//! user's function. They cannot outlive it, whatever it does: the function is written for any lifetime, so it can neither store
//! them nor hand them to a task it spawns.
//!
//! A borrow that was lent on to an asynchronous call cannot be dropped before that call is resolved. Usually it is: the
//! call's future borrows from here. If it was forgotten, an asynchronous export has to wait, see [`Borrows::unlent`].

use crate::rt::resource::WasmResource;
use crate::rt::resource::loan::Loan;
use alloc::boxed::Box;
use core::cell::Cell;
use core::future::poll_fn;
use core::ptr;
use core::task::Poll;

/// Resources that the call was lent.
pub struct Borrows {
    nodes: Cell<*mut Header>,
}

/// The part of a node that does not depend on the resource. It comes first.
struct Header {
    next: *mut Header,
    loan: unsafe fn(*const Header) -> *const Loan,
    free: unsafe fn(*mut Header),
}

#[repr(C)]
struct Node<R> {
    header: Header,
    resource: R,
}

impl<R: WasmResource> Node<R> {
    unsafe fn loan(header: *const Header) -> *const Loan {
        // SAFETY: the header heads a live `Node<R>`.
        let handle = unsafe { (*header.cast::<Self>()).resource.as_handle() };
        handle.loan().map_or(ptr::null(), ptr::from_ref)
    }

    unsafe fn free(header: *mut Header) {
        // SAFETY: the header heads a `Node<R>` that came from a box; called once.
        drop(unsafe { Box::from_raw(header.cast::<Self>()) });
    }
}

impl Borrows {
    /// No borrows.
    #[expect(clippy::new_without_default, reason = "only generated code makes these")]
    pub const fn new() -> Borrows {
        Borrows {
            nodes: Cell::new(ptr::null_mut()),
        }
    }

    /// Keeps a resource until this is dropped.
    ///
    /// # Safety
    ///
    /// The reference is not used after that.
    pub(super) unsafe fn keep<'a, R: WasmResource>(&self, resource: R) -> &'a R {
        let node = Box::into_raw(Box::new(Node {
            header: Header {
                next: self.nodes.get(),
                loan: Node::<R>::loan,
                free: Node::<R>::free,
            },
            resource,
        }));
        self.nodes.set(node.cast());
        // SAFETY: the node is on the heap and freed only by the drop of `self`.
        unsafe { &(*node).resource }
    }

    /// Waits until no call borrows any of them.
    pub fn unlent(&self) -> impl Future<Output = ()> + '_ {
        poll_fn(|cx| {
            let mut node = self.nodes.get().cast_const();
            while !node.is_null() {
                // SAFETY: the nodes are alive; a loan block is as long as its handle is.
                unsafe {
                    let loan = ((*node).loan)(node);
                    if !loan.is_null() && (*loan).is_lent() {
                        (*loan).wake_at_end(cx.waker());
                        return Poll::Pending;
                    }
                    node = (*node).next;
                }
            }
            Poll::Ready(())
        })
    }
}

impl Drop for Borrows {
    fn drop(&mut self) {
        let mut node = self.nodes.get();
        while !node.is_null() {
            // SAFETY: each node is visited once.
            unsafe {
                let header = node;
                node = (*header).next;
                ((*header).free)(header);
            }
        }
    }
}
