//! Resource types, and the handles on resources.

use super::instance::{CoreFunc, Instance};
use super::subtask::Subtask;
use super::task::Task;
use std::cell::Cell;
use std::fmt;
use std::ptr;
use std::rc::{Rc, Weak};

/// Who implements a resource type.
pub(crate) enum Implementor {
    /// An instance, with the destructor it exports, if any.
    Guest(Weak<Instance>, Option<CoreFunc>),
    /// The host: what it does when the last owner drops the resource.
    Host(Rc<dyn Fn(u32)>),
}

/// A resource type. Each instance that implements one has its own, so identity is that of the pointer.
pub struct ResourceType {
    name: Rc<str>,
    implementor: Implementor,
}

impl ResourceType {
    /// A resource type of an instance.
    pub fn of_guest(name: &str, instance: &Rc<Instance>, destructor: Option<CoreFunc>) -> Rc<ResourceType> {
        let implementor = Implementor::Guest(Rc::downgrade(instance), destructor);
        Rc::new(ResourceType {
            name: name.into(),
            implementor,
        })
    }

    /// A resource type of the host. `dropped` gets the representation of a resource whose owner has dropped it.
    pub fn of_host(name: &str, dropped: Rc<dyn Fn(u32)>) -> Rc<ResourceType> {
        Rc::new(ResourceType {
            name: name.into(),
            implementor: Implementor::Host(dropped),
        })
    }

    /// The name in WIT.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn implementor(&self) -> &Implementor {
        &self.implementor
    }

    pub(crate) fn is_of(&self, instance: &Rc<Instance>) -> bool {
        matches!(&self.implementor, Implementor::Guest(owner, _) if ptr::eq(owner.as_ptr(), Rc::as_ptr(instance)))
    }
}

impl fmt::Debug for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "resource {}", self.name)
    }
}

/// A handle on a resource.
pub(crate) struct ResourceHandle {
    pub(crate) ty: Rc<ResourceType>,
    pub(crate) rep: u32,
    /// The task that received the borrow; none for an own handle.
    pub(crate) borrowed_by: Option<Rc<Task>>,
    /// How many calls it is lent to.
    pub(crate) lends: Cell<usize>,
}

impl ResourceHandle {
    pub(crate) fn own(ty: Rc<ResourceType>, rep: u32) -> ResourceHandle {
        ResourceHandle {
            ty,
            rep,
            borrowed_by: None,
            lends: Cell::new(0),
        }
    }

    pub(crate) fn borrow(ty: Rc<ResourceType>, rep: u32, task: Rc<Task>) -> ResourceHandle {
        ResourceHandle {
            ty,
            rep,
            borrowed_by: Some(task),
            lends: Cell::new(0),
        }
    }

    pub(crate) fn is_own(&self) -> bool {
        self.borrowed_by.is_none()
    }
}

/// What the borrows in a list of values belong to.
#[derive(Clone)]
pub(crate) enum Scope {
    /// Nothing: there are none.
    None,
    /// Borrows that are lowered are received by this task.
    Task(Rc<Task>),
    /// Handles that are lifted are lent to this call.
    Subtask(Rc<Subtask>),
}
