//! [`Imports`]: which built-in, or function of the linker, a guest means by the name of a core import.
//!
//! Names are looked up once each.

use super::world::{Function, Interface};
use crate::canonical::{
    self, Builtin, CopyOp, Func, ImportName, Instance, Lowered, Payload, ResourceOp, Rule, Trap, parse_import,
};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use witflow_async_rt::sys::native::CoreVal;

/// What an import does.
pub(crate) enum Action {
    Builtin(Builtin),
    Call(Lowered),
}

/// What serves each function that a guest imports, by interface and name.
pub(crate) type Served = HashMap<(Arc<str>, Arc<str>), Func>;

/// What the fields of a module mean.
type Fields = HashMap<Box<str>, Rc<Action>>;

/// The imports of one instance.
pub(crate) struct Imports {
    imported: Arc<[Interface]>,
    exported: Arc<[Interface]>,
    served: Served,
    known: RefCell<HashMap<Box<str>, Fields>>,
}

impl Imports {
    pub(crate) fn new(imported: Arc<[Interface]>, exported: Arc<[Interface]>, served: Served) -> Self {
        Self {
            imported,
            exported,
            served,
            known: RefCell::default(),
        }
    }

    /// What `field` of `module` means for `instance`.
    ///
    /// # Errors
    /// When it means nothing.
    pub(crate) fn find(&self, module: &str, field: &str, instance: &Rc<Instance>) -> canonical::Result<Rc<Action>> {
        let known = self
            .known
            .borrow()
            .get(module)
            .and_then(|fields| fields.get(field).cloned());
        if let Some(action) = known {
            return Ok(action);
        }
        let found = parse_import(module, field).and_then(|name| self.resolve(&name, instance));
        let unknown = || Trap::new(Rule::UnknownImport).with(format!("there is no {module:?} {field:?}"));
        let action = Rc::new(found.ok_or_else(unknown)?);
        let mut known = self.known.borrow_mut();
        known
            .entry(module.into())
            .or_default()
            .insert(field.into(), action.clone());
        Ok(action)
    }

    fn resolve(&self, name: &ImportName<'_>, instance: &Rc<Instance>) -> Option<Action> {
        match *name {
            ImportName::Plain(ref builtin) => Some(Action::Builtin(builtin.clone())),
            ImportName::Func {
                interface,
                name,
                is_async,
            } => {
                let (interface, function) = self.function(interface, false, name)?;
                let served = self.served.get(&(interface.name.clone(), function.name.clone()))?;
                let func = served.imported_as(Rc::new((*function.ty).clone()));
                Some(Action::Call(Lowered::new(instance, func, is_async)))
            }
            ImportName::TaskReturn { interface, name } => {
                let (_, function) = self.function(interface, true, name)?;
                Some(Action::Builtin(Builtin::TaskReturn(Rc::new((*function.ty).clone()))))
            }
            ImportName::Resource {
                interface,
                exported,
                resource,
                op,
            } => {
                let mut resources = self.interface(interface, exported)?.resources.iter();
                let (_, index) = resources.find(|(name, _)| **name == *resource)?;
                Some(Action::Builtin(match op {
                    ResourceOp::New => Builtin::ResourceNew(*index),
                    ResourceOp::Rep => Builtin::ResourceRep(*index),
                    ResourceOp::Drop => Builtin::ResourceDrop(*index),
                }))
            }
            ImportName::Copy {
                ordinal: None,
                is_future,
                is_async,
                op,
                ..
            } => Some(Action::Builtin(op.builtin(Payload { is_future, ty: None }, is_async))),
            ImportName::Copy {
                interface,
                exported,
                name,
                ordinal: Some(ordinal),
                is_future,
                is_async,
                op,
            } => {
                let (_, function) = self.function(interface, exported, name)?;
                let payload = function.ty.payloads().into_iter().nth(ordinal)?;
                let fits = payload.is_future == is_future;
                fits.then(|| Action::Builtin(op.builtin(payload, is_async)))
            }
        }
    }

    fn interface(&self, name: Option<&str>, exported: bool) -> Option<&Interface> {
        let interfaces = if exported { &self.exported } else { &self.imported };
        interfaces
            .iter()
            .find(|interface| *interface.name == *name.unwrap_or_default())
    }

    fn function(&self, interface: Option<&str>, exported: bool, name: &str) -> Option<(&Interface, &Function)> {
        let interface = self.interface(interface, exported)?;
        let function = interface.functions.iter().find(|function| *function.name == *name)?;
        Some((interface, function))
    }
}

/// What an import answers to a destructor that runs although its stack was given up: that what it began came to nothing,
/// and that nothing is left to be done.
pub(crate) fn inert(module: &str, field: &str) -> Option<CoreVal> {
    const DROPPED: i32 = 1;
    const CANCELLED: i32 = 2;
    const CANCELLED_BEFORE_RETURNED: i32 = 4;
    let answer = match parse_import(module, field)? {
        ImportName::Copy { op: CopyOp::New, .. } => return Some(CoreVal::I64(0)),
        ImportName::Copy {
            op: CopyOp::Read | CopyOp::Write,
            ..
        } => DROPPED,
        ImportName::Copy {
            op: CopyOp::CancelRead | CopyOp::CancelWrite,
            ..
        } => CANCELLED,
        ImportName::Plain(Builtin::SubtaskCancel { .. }) => CANCELLED_BEFORE_RETURNED,
        ImportName::Plain(Builtin::ContextGet(_)) => return Some(CoreVal::Ptr(std::ptr::null_mut())),
        ImportName::Plain(
            Builtin::WaitableSetNew
            | Builtin::WaitableSetWait { .. }
            | Builtin::WaitableSetPoll { .. }
            | Builtin::ThreadYield { .. },
        ) => 0,
        _ => return None,
    };
    Some(CoreVal::I32(answer))
}
