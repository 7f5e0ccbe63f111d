//! The seam in a native process: a host installed for the current thread answers every import.
//!
//! Generated code and the runtime call imports by name with a slice of [`CoreVal`]; exports are handed out as a static
//! [`Exports`] table. Pointers stay pointers all the way ([`CoreVal::Ptr`]), never integers, so that Miri's strict
//! provenance holds.
//!
//! The only thread-local is the pointer to the current host, without a destructor. The state of an instance is a value
//! the host keeps ([`Instance`]), because one thread may run many instances and one instance may be run by several
//! threads in turn.

extern crate std;

pub use crate::instance::Instance;
pub use crate::sys::realloc;

use crate::sys::reps::Reps;

use crate::cabi;
use crate::instance::Page;
use crate::pool::{CLASSES, List};
use alloc::alloc::Layout;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::Cell;
use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread_local;

/// Freed blocks go straight back to the allocator, where Miri sees them.
pub(crate) const POOLED: bool = false;

/// There are no free lists.
pub(crate) const fn free_lists() -> *const [List; CLASSES] {
    core::ptr::null()
}

/// What a native host passes is checked.
pub(crate) const TRUSTED_HOST: bool = false;

/// Whether destructors run because of a panic. WebAssembly ends at one.
pub(crate) fn is_unwinding() -> bool {
    std::thread::panicking()
}

/// `stream.new` and `future.new`.
pub type NewFn = unsafe fn() -> u64;
/// `stream.read` and `stream.write`.
pub type StreamCopyFn = unsafe fn(u32, *mut u8, usize) -> u32;
/// `future.read` and `future.write`.
pub type FutureCopyFn = unsafe fn(u32, *mut u8) -> u32;
/// The synchronous cancels.
pub type CancelFn = unsafe fn(u32) -> u32;
/// `drop-readable` and `drop-writable`.
pub type DropFn = unsafe fn(u32);

/// A value as it crosses between a guest and its host.
#[derive(Clone, Copy, Debug)]
pub enum CoreVal {
    /// An `i32`, also every handle and every packed result.
    I32(i32),
    /// An `i64`.
    I64(i64),
    /// An `f32`.
    F32(f32),
    /// An `f64`.
    F64(f64),
    /// A pointer into the memory of the guest.
    Ptr(*mut u8),
    /// The length of a list or string.
    Len(usize),
    /// A slot that holds a pointer or an `i64`, depending on the case of a variant.
    Slot(MaybeUninit<u64>),
}

/// The Rust types of core parameters and results.
pub trait CoreType: Copy {
    /// Wraps the value.
    fn into_core(self) -> CoreVal;
    /// Unwraps it, or nothing when it is of another kind.
    fn from_core(value: CoreVal) -> Option<Self>;
}

macro_rules! core_type {
    ($($ty:ty: $value:ident => $into:expr, $($pattern:pat => $from:expr),+;)*) => {$(
        impl CoreType for $ty {
            #[inline]
            fn into_core(self) -> CoreVal {
                let $value = self;
                $into
            }

            #[inline]
            fn from_core(value: CoreVal) -> Option<$ty> {
                match value {
                    $($pattern => Some($from),)+
                    _ => None,
                }
            }
        }
    )*};
}

core_type! {
    i32: v => CoreVal::I32(v), CoreVal::I32(v) => v;
    u32: v => CoreVal::I32(v as i32), CoreVal::I32(v) => v as u32;
    i64: v => CoreVal::I64(v), CoreVal::I64(v) => v;
    u64: v => CoreVal::I64(v as i64), CoreVal::I64(v) => v as u64;
    f32: v => CoreVal::F32(v), CoreVal::F32(v) => v;
    f64: v => CoreVal::F64(v), CoreVal::F64(v) => v;
    *mut u8: v => CoreVal::Ptr(v), CoreVal::Ptr(v) => v;
    usize: v => CoreVal::Len(v), CoreVal::Len(v) => v;
    MaybeUninit<u64>: v => CoreVal::Slot(v), CoreVal::Slot(v) => v;
}

/// What a native process needs in order to run guests.
pub trait Host {
    /// The state the runtime keeps for the instance that runs at the moment.
    fn instance(&self) -> &Instance;

    /// Answers a call of an import of that instance. Pointers among `args` are valid as the canonical ABI says.
    fn call_import(&self, module: &str, field: &str, args: &[CoreVal]) -> Option<CoreVal>;
}

/// One exported core function.
#[derive(Clone, Copy)]
pub struct Export {
    /// The name it has in a core module.
    pub name: &'static str,
    /// Calls it. The arguments are those of its core signature.
    pub call: unsafe fn(&[CoreVal]) -> Option<CoreVal>,
}

/// What the `export!` macro of a world makes of a type: everything a host needs to instantiate it.
#[derive(Clone, Copy)]
pub struct Exports {
    /// The encoded world.
    pub component_type: &'static [u8],
    /// The exported core functions.
    pub exports: &'static [Export],
}

/// A type that implements the exports of a world.
pub trait Component {
    /// Its exports.
    const EXPORTS: Exports;
}

thread_local! {
    static HOST: Cell<Option<*const dyn Host>> = const { Cell::new(None) };
}

/// Runs `run` with `host` answering the imports called on this thread, then restores the previous host.
pub fn with_host<R>(host: &dyn Host, run: impl FnOnce() -> R) -> R {
    struct Restore(Option<*const dyn Host>);
    impl Drop for Restore {
        fn drop(&mut self) {
            HOST.set(self.0);
        }
    }
    // SAFETY: only the lifetime changes: the pointer is removed again before `host` can end.
    let host = unsafe { core::mem::transmute::<*const (dyn Host + '_), *const (dyn Host + 'static)>(host) };
    // SAFETY: as above.
    let _restore = Restore(unsafe { replace_host(Some(host)) });
    run()
}

/// Installs another host for this thread and returns the previous one. For hosts that switch stacks.
///
/// # Safety
///
/// The host stays alive while it is installed.
pub unsafe fn replace_host(host: Option<*const dyn Host>) -> Option<*const dyn Host> {
    HOST.replace(host)
}

fn host() -> Option<&'static dyn Host> {
    // SAFETY: rule 1: an installed host is alive, and no reference is kept beyond the call it was obtained for.
    HOST.get().map(|host| unsafe { &*host })
}

/// The state of the current instance.
pub(crate) fn instance() -> &'static Instance {
    match host() {
        Some(host) => host.instance(),
        None => no_host("the state of the instance", ""),
    }
}

#[cold]
fn no_host(module: &str, field: &str) -> ! {
    panic!(
        "no host is installed on this thread, so {module:?} {field:?} cannot be called. Run the guest inside \
         `witflow_host`, or install a `Host` with `sys::native::with_host`."
    )
}

/// What this target adds to the state of an instance.
pub(crate) struct Local {
    /// The current task: natively the pointer is not shared with other runtimes.
    current: Cell<*mut cabi::Task>,
    /// Tells the instances of one process apart; never reused.
    id: u64,
    /// The values of resources that the instance defines.
    pub(crate) reps: Reps,
    /// The first slots. They stay where they are when the instance is moved; nobody else owns them.
    first_page: *mut Page,
}

/// The instances that have not ended. Only who uses one where it is not the current one asks.
static LIVE: Mutex<Vec<u64>> = Mutex::new(Vec::new());

fn live() -> MutexGuard<'static, Vec<u64>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Local {
    pub(crate) fn new() -> Local {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let id = NEXT.fetch_add(1, Relaxed);
        live().push(id);
        Local {
            current: Cell::new(ptr::null_mut()),
            id,
            reps: Reps::default(),
            first_page: Box::into_raw(Box::new(Page::empty())),
        }
    }

    /// The first slots.
    #[inline]
    pub(crate) fn first_page(&self) -> &Page {
        // SAFETY: the page lives as long as `self` (rule 4); its slots are cells.
        unsafe { &*self.first_page }
    }
}

impl Local {
    fn end(&self) {
        live().retain(|id| *id != self.id);
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.end();
        // SAFETY: made of a box, and dropped once. What was registered in it is not used any more: its instance has ended.
        drop(unsafe { Box::from_raw(self.first_page) });
    }
}

impl Instance {
    /// The state of a new component instance, for a host to keep.
    pub fn new() -> Instance {
        Instance::with(Local::new())
    }

    /// Notes that the host will never run the instance again, whoever still has it: stacks that were given up may.
    pub fn end(&self) {
        self.local.end();
    }
}

impl Default for Instance {
    fn default() -> Instance {
        Instance::new()
    }
}

/// Names the instance a block belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceId(u64);

impl InstanceId {
    pub(crate) fn current() -> InstanceId {
        InstanceId(instance().local.id)
    }

    /// Whether the instance is the current one.
    pub(crate) fn is_current(self) -> bool {
        host().is_some_and(|host| host.instance().local.id == self.0)
    }

    /// Whether a future of the instance can be woken here. When the instance has ended that is a wake too late, as from what a
    /// thread-local keeps until its thread ends.
    ///
    /// # Panics
    ///
    /// As `check`, while the instance lives.
    pub(crate) fn can_be_woken(self) -> bool {
        if self.is_current() {
            return true;
        }
        if live().contains(&self.0) {
            self.check();
        }
        false
    }

    /// Panics unless the instance is the current one.
    pub(crate) fn check(self) {
        if !self.is_current() {
            panic!(
                "a task, call, stream or future was used where its own component instance is not the current one: \
                 on another thread, after its host ended, or from another instance"
            );
        }
    }
}

#[cold]
pub(crate) fn out_of_memory() -> ! {
    alloc::alloc::handle_alloc_error(Layout::new::<u64>())
}

/// Swaps the pointer to the current task of the current instance.
pub(crate) fn wasip3_task_set(task: *mut cabi::Task) -> *mut cabi::Task {
    instance().local.current.replace(task)
}

/// As the symbol `wasip3_task_set` of wasm, for whatever else runs tasks of the current instance.
#[doc(hidden)]
pub fn set_current_task(task: *mut c_void) -> *mut c_void {
    wasip3_task_set(task.cast()).cast()
}

/// Calls an import of the current instance.
#[doc(hidden)]
pub fn call(module: &str, field: &str, args: &[CoreVal]) -> Option<CoreVal> {
    match host() {
        Some(host) => host.call_import(module, field, args),
        None => no_host(module, field),
    }
}

/// Unwraps the result of an import.
#[doc(hidden)]
pub fn result<T: CoreType>(value: Option<CoreVal>, module: &str, field: &str) -> T {
    match value.and_then(T::from_core) {
        Some(value) => value,
        None => panic!("the host answered {module:?} {field:?} with {value:?}, which has another core type"),
    }
}

/// Unwraps argument `index` of an export.
#[doc(hidden)]
pub fn argument<T: CoreType>(args: &[CoreVal], index: usize, name: &str) -> T {
    match args.get(index).copied().and_then(T::from_core) {
        Some(value) => value,
        None => panic!("argument {index} of {name:?} is missing or has another core type: {args:?}"),
    }
}

/// Makes the runtime's own heap the global allocator of a guest. Natively it does nothing.
///
/// The allocator has a quarter of the code of the standard library's and takes fewer instructions: what is allocated and
/// freed in a component is mostly short lists and strings. The price is memory: what has been small blocks of one size
/// stays with that size.
///
/// ```
/// witflow_async_rt::heap!();
/// ```
#[macro_export]
macro_rules! heap {
    () => {};
}

/// Declares an imported core function: `import!("module", "field", fn name(a: i32) -> i32)`.
#[doc(hidden)]
#[macro_export]
macro_rules! __witflow_import {
    ($module:literal, $field:literal, $vis:vis fn $name:ident($($arg:ident : $ty:ty),* $(,)?) $(-> $ret:ty)?) => {
        $vis unsafe fn $name($($arg: $ty),*) $(-> $ret)? {
            let __result = $crate::sys::native::call(
                $module,
                $field,
                &[$($crate::sys::native::CoreType::into_core($arg)),*],
            );
            $(return $crate::sys::native::result::<$ret>(__result, $module, $field);)?
            #[allow(unreachable_code)]
            let _ = __result;
        }
    };
}

/// Hands out the exported core functions of one world as a table.
#[doc(hidden)]
#[macro_export]
macro_rules! __witflow_exports {
    (
        for $component:ty, component_type = $component_type:expr, constructors = $when:ident;
        $($name:literal = fn($($arg:ident : $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block)*
    ) => {
        impl $crate::sys::native::Component for $component {
            const EXPORTS: $crate::sys::native::Exports = $crate::sys::native::Exports {
                component_type: $component_type,
                exports: &[$($crate::sys::native::Export {
                    name: $name,
                    call: {
                        unsafe fn export(__args: &[$crate::sys::native::CoreVal])
                            -> ::core::option::Option<$crate::sys::native::CoreVal>
                        {
                            let mut __index = 0usize;
                            $(
                                let $arg: $ty = $crate::sys::native::argument(__args, __index, $name);
                                __index += 1;
                            )*
                            let _ = __index;
                            #[allow(unused_unsafe)]
                            let __result $(: $ret)? = unsafe { $body };
                            $(
                                return ::core::option::Option::Some(
                                    <$ret as $crate::sys::native::CoreType>::into_core(__result),
                                );
                            )?
                            #[allow(unreachable_code)]
                            {
                                let _ = __result;
                                ::core::option::Option::None
                            }
                        }
                        export
                    },
                }),*],
            };
        }
    };
}

/// Natively the encoded world is part of the table of exports.
#[doc(hidden)]
#[macro_export]
macro_rules! __witflow_component_type {
    ($section:literal, $len:expr, $bytes:expr, link = $link:literal) => {
        const _: [u8; $len] = *$bytes;
    };
}
