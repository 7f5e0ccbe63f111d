//! [`Guest`]: an instance of a guest: its core functions, the state its runtime keeps, and who answers its imports.
//!
//! Whatever the guest calls comes in at [`Guest::call_import`], on a stack of its own. A call that breaks a rule never
//! returns: the store is poisoned, and the stack is left where it stands, as WebAssembly would leave it.
//!
//! A panic unwinds natively where WebAssembly would end at once, so destructors run that would not have run. The first of
//! them that calls an import stops the unwinding in the same way; a panic that reaches the export is caught there.

use super::fiber;
use super::heap::{self, Name, Scope};
use super::imports::{Action, Imports};
use super::memory::GuestMemory;
use crate::canonical::{self, CoreFunc, CoreParts, CoreVal, Rule, StringEncoding, Trap};
use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use witflow_async_rt::sys::native::{self, CoreVal as NativeVal, Host};

/// An instance.
pub(crate) struct Guest {
    /// What the guest's runtime keeps.
    runtime: native::Instance,
    pub(crate) instance: Rc<canonical::Instance>,
    store: canonical::Store,
    imports: Imports,
    /// Whether the guest's code was entered on a thread that was unwinding already.
    entered_unwinding: Cell<bool>,
    /// The activation that runs, or ran last, as the memory it allocates is registered.
    scope: Rc<Cell<Scope>>,
    /// Counts the activations.
    activations: Cell<u64>,
}

impl Guest {
    pub(crate) fn new(store: &canonical::Store, imports: Imports, name: &str) -> Rc<Guest> {
        let instance = store.new_instance(name);
        let scope = Rc::new(Cell::new(Scope {
            instance: heap::Instance::new(),
            call: 0,
            name: Name::new(name),
        }));
        let (allocating, realloc) = (scope.clone(), Name::new("realloc"));
        instance.set_core(CoreParts {
            memory: Rc::new(GuestMemory::new(scope.clone())),
            realloc: Rc::new(move |old, old_size, align, new_size| {
                let scope = Scope {
                    name: realloc,
                    ..allocating.get()
                };
                let _within = heap::in_guest(scope);
                // SAFETY: the Canonical ABI passes what it got from here before, or a size of 0.
                Ok(unsafe { native::realloc(old, old_size, align, new_size) })
            }),
            encoding: StringEncoding::Utf8,
        });
        Rc::new(Guest {
            runtime: native::Instance::new(),
            instance,
            store: store.clone(),
            imports,
            entered_unwinding: Cell::new(false),
            scope,
            activations: Cell::new(0),
        })
    }

    /// An exported core function of the guest.
    pub(crate) fn core(self: &Rc<Self>, export: native::Export) -> CoreFunc {
        let (guest, name) = (self.clone(), Name::new(export.name));
        Rc::new(move |args| {
            let args: Vec<NativeVal> = args.iter().copied().map(to_native).collect();
            // SAFETY: rule 1 of this module.
            let result = guest.run(name, || unsafe { (export.call)(&args) })?;
            Ok(result.map(from_native))
        })
    }

    /// Runs code of the guest, the function `name`, with the guest as the thread's host.
    fn run<R>(&self, name: Name, code: impl FnOnce() -> R) -> canonical::Result<R> {
        self.entered_unwinding.set(std::thread::panicking());
        self.activations.set(self.activations.get() + 1);
        let scope = Scope {
            instance: self.scope.get().instance,
            call: self.activations.get(),
            name,
        };
        self.scope.set(scope);
        let within = heap::in_guest(scope);
        let outcome = catch_unwind(AssertUnwindSafe(|| native::with_host(self, code)));
        drop(within);
        let result = outcome.map_err(|payload| Trap::new(Rule::Panic).with(message(&*payload)))?;
        self.check_memory()?;
        Ok(result)
    }

    /// Traps if the guest has used memory that it must not use.
    fn check_memory(&self) -> canonical::Result<()> {
        if !heap::is_active() {
            return Ok(());
        }
        match heap::take_reports(self.scope.get().instance).first() {
            Some(report) => Err(Trap::new(Rule::UseAfterFree).with(report.to_string())),
            None => Ok(()),
        }
    }

    /// Ends instances, and says which blocks of memory they leave behind, each with the call it was allocated in. Nothing is
    /// known of that without the checked allocator.
    pub(crate) fn end(guests: Vec<Rc<Guest>>) -> Vec<String> {
        let known = guests
            .iter()
            .map(|guest| (guest.scope.get().instance, guest.instance.name().clone()));
        let known: Vec<_> = known.collect();
        guests.iter().for_each(|guest| guest.runtime.end());
        // An instance keeps those that it imports from, so all of them go before any is asked for what is left.
        drop(guests);
        let left = known.into_iter().map(|(instance, name)| {
            let blocks = heap::retire(instance).into_iter();
            blocks.map(move |block| format!("{name}: {block}"))
        });
        left.flatten().collect()
    }

    /// The guest's code goes no further.
    fn stop(&self, trap: Box<Trap>) -> ! {
        self.store.poison(trap);
        loop {
            // Nobody resumes what runs in a poisoned store.
            fiber::suspend();
        }
    }

    fn answer(&self, module: &str, field: &str, args: &[NativeVal]) -> canonical::Result<Option<NativeVal>> {
        let _within = heap::in_host();
        self.check_memory()?;
        let scope = self.scope.get();
        let result = self.answer_as_host(module, field, args);
        // Other activations of this guest may have run meanwhile.
        self.scope.set(scope);
        // A task of the host that ran within the call may have failed: what it answers then is not for the guest to see.
        self.store.check()?;
        result
    }

    fn answer_as_host(&self, module: &str, field: &str, args: &[NativeVal]) -> canonical::Result<Option<NativeVal>> {
        let args: Vec<CoreVal> = args.iter().copied().map(from_native).collect();
        let result = match &*self.imports.find(module, field, &self.instance)? {
            Action::Builtin(builtin) => builtin.call(&self.store, &args)?,
            Action::Call(function) => function.call_import(&self.store, &args)?,
        };
        Ok(result.map(to_native))
    }
}

impl Host for Guest {
    fn instance(&self) -> &native::Instance {
        &self.runtime
    }

    fn call_import(&self, module: &str, field: &str, args: &[NativeVal]) -> Option<NativeVal> {
        if fiber::being_abandoned() {
            return super::imports::inert(module, field);
        }
        if std::thread::panicking() && !self.entered_unwinding.get() {
            self.stop(Trap::new(Rule::Panic).with(
                "its message was printed; a destructor then called the host, which a guest that panicked may not",
            ));
        }
        self.answer(module, field, args).unwrap_or_else(|trap| self.stop(trap))
    }
}

/// What a panic said.
pub(crate) fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "it panicked with something that is no text".to_owned())
}

fn to_native(value: CoreVal) -> NativeVal {
    match value {
        CoreVal::I32(value) => NativeVal::I32(value),
        CoreVal::I64(value) => NativeVal::I64(value),
        CoreVal::F32(value) => NativeVal::F32(value),
        CoreVal::F64(value) => NativeVal::F64(value),
        CoreVal::Ptr(value) => NativeVal::Ptr(value),
        CoreVal::Len(value) => NativeVal::Len(value),
        CoreVal::Slot(value) => NativeVal::Slot(value),
    }
}

fn from_native(value: NativeVal) -> CoreVal {
    match value {
        NativeVal::I32(value) => CoreVal::I32(value),
        NativeVal::I64(value) => CoreVal::I64(value),
        NativeVal::F32(value) => CoreVal::F32(value),
        NativeVal::F64(value) => CoreVal::F64(value),
        NativeVal::Ptr(value) => CoreVal::Ptr(value),
        NativeVal::Len(value) => CoreVal::Len(value),
        NativeVal::Slot(value) => CoreVal::Slot(value),
    }
}
