//! The seam on wasm: imports are core imports, exports are core exports, and the one instance is a static.
//!
//! The task context of a callback lives in context slot 0, which the C library of `wasm32-wasip3` claims for itself;
//! that target is refused here instead of being corrupted silently.

use crate::cabi;
use crate::instance::{Instance, Page};
use crate::pool::{CLASSES, List};
use core::cell::Cell;
use core::ptr;

#[cfg(target_env = "p3")]
compile_error!("witflow-async-rt keeps its task in context slot 0, which belongs to libc on wasm32-wasip3");

/// Freed blocks are kept on free lists.
pub(crate) const POOLED: bool = true;

/// The host is a component model implementation: what it passes has been validated.
pub(crate) const TRUSTED_HOST: bool = true;

/// Destructors never run because of a panic: it ends the guest.
pub(crate) fn is_unwinding() -> bool {
    false
}

/// `stream.new` and `future.new`.
pub type NewFn = unsafe extern "C" fn() -> u64;
/// `stream.read` and `stream.write`.
pub type StreamCopyFn = unsafe extern "C" fn(u32, *mut u8, usize) -> u32;
/// `future.read` and `future.write`.
pub type FutureCopyFn = unsafe extern "C" fn(u32, *mut u8) -> u32;
/// The synchronous cancels.
pub type CancelFn = unsafe extern "C" fn(u32) -> u32;
/// `drop-readable` and `drop-writable`.
pub type DropFn = unsafe extern "C" fn(u32);

struct Single(Instance);

// SAFETY: rule 1: a wasm guest has one thread.
unsafe impl Sync for Single {}

static INSTANCE: Single = Single(Instance::with(Local::new()));

/// The state of the current instance.
#[inline(always)]
pub(crate) fn instance() -> &'static Instance {
    &INSTANCE.0
}

/// The free lists of the pool.
pub(crate) const fn free_lists() -> *const [List; CLASSES] {
    &raw const INSTANCE.0.local.free_lists
}

/// What this target adds to the state of an instance.
pub(crate) struct Local {
    constructed: Cell<bool>,
    free_lists: [List; CLASSES],
    first_page: Page,
}

impl Local {
    pub(crate) const fn new() -> Local {
        Local {
            constructed: Cell::new(false),
            free_lists: [const { Cell::new(ptr::null_mut()) }; CLASSES],
            first_page: Page::empty(),
        }
    }

    /// The first slots.
    #[inline(always)]
    pub(crate) fn first_page(&self) -> &Page {
        &self.first_page
    }
}

/// Names the instance a block belongs to. There is only one.
#[derive(Clone, Copy, Debug)]
pub struct InstanceId;

impl InstanceId {
    /// The current instance.
    #[inline(always)]
    pub(crate) fn current() -> InstanceId {
        InstanceId
    }

    /// Whether the instance is the current one.
    #[inline(always)]
    pub(crate) fn is_current(self) -> bool {
        true
    }

    /// Whether a future of the instance can be woken.
    #[inline(always)]
    pub(crate) fn can_be_woken(self) -> bool {
        true
    }

    /// Panics unless the instance is the current one.
    #[inline(always)]
    pub(crate) fn check(self) {}
}

/// The pages of the guest's memory, as a source of a heap.
#[doc(hidden)]
pub struct Pages;

// SAFETY: growing gives fresh pages, of 64 KiB each, which nobody else claims. A guest has one thread.
unsafe impl crate::heap::Source for Pages {
    fn grow(&self, size: usize) -> *mut u8 {
        match core::arch::wasm32::memory_grow::<0>(size >> 16) {
            usize::MAX => core::ptr::null_mut(),
            page => core::ptr::with_exposed_provenance_mut(page << 16),
        }
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
    () => {
        #[global_allocator]
        static __WITFLOW_HEAP: $crate::heap::Heap<$crate::sys::Pages> = $crate::heap::Heap::new($crate::sys::Pages);
    };
}

#[cold]
pub(crate) fn out_of_memory() -> ! {
    core::arch::wasm32::unreachable()
}

unsafe extern "C" {
    /// Swaps the pointer to the current task: `src/cabi.rs`. The definition is weak (build.rs), so that several
    /// runtimes in one component share one.
    pub(crate) safe fn wasip3_task_set(task: *mut cabi::Task) -> *mut cabi::Task;
}

#[doc(hidden)]
pub mod cabi_realloc {
    //! The weak `cabi_realloc` of build.rs calls the function here. Names carry the version: several versions of this crate may be
    //! linked into one component.

    include!(concat!(env!("OUT_DIR"), "/realloc.rs"));

    /// Generated code refers to this, which links the symbol.
    pub const LINK: unsafe extern "C" fn(*mut u8, usize, usize, usize) -> *mut u8 = cabi_realloc;
}

static CONSTRUCTORS: fn() = || {
    unsafe extern "C" {
        fn __wasm_call_ctors();
    }
    // SAFETY: the linker defines this function in every module; it is called once.
    unsafe { __wasm_call_ctors() }
};

/// Runs the module's constructors on the first entry. The call also tells wasm-ld that they are taken care of, which
/// keeps it from wrapping every export in a call to all of them.
#[doc(hidden)]
#[inline]
pub fn run_constructors_once() {
    if !instance().local.constructed.get() {
        run_constructors();
    }
}

#[cold]
#[inline(never)]
fn run_constructors() {
    instance().local.constructed.set(true);
    // Called through a pointer the compiler cannot look through. The C library has functions in its data; in a module that calls no
    // function through a pointer, rust-lld makes no table for them and crashes when it fills it.
    // SAFETY: the pointer is a valid static.
    let constructors = unsafe { core::ptr::read_volatile(&raw const CONSTRUCTORS) };
    constructors();
}

/// Whether an export of this name is a callback.
#[doc(hidden)]
pub const fn is_callback(name: &str) -> bool {
    let (name, prefix) = (name.as_bytes(), b"[callback]");
    let mut index = 0;
    while index < prefix.len() {
        if index >= name.len() || name[index] != prefix[index] {
            return false;
        }
        index += 1;
    }
    true
}

/// Declares an imported core function: `import!("module", "field", fn name(a: i32) -> i32)`.
#[doc(hidden)]
#[macro_export]
macro_rules! __witflow_import {
    ($module:literal, $field:literal, $vis:vis fn $name:ident($($arg:ident : $ty:ty),* $(,)?) $(-> $ret:ty)?) => {
        #[link(wasm_import_module = $module)]
        unsafe extern "C" {
            #[link_name = $field]
            $vis fn $name($($arg: $ty),*) $(-> $ret)?;
        }
    };
}

/// Defines the exported core functions of one world.
#[doc(hidden)]
#[macro_export]
macro_rules! __witflow_exports {
    (
        for $component:ty, component_type = $component_type:expr, constructors = $when:ident;
        $($name:literal = fn($($arg:ident : $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block)*
    ) => {
        const _: &[u8] = $component_type;
        $crate::__witflow_link_realloc!();
        $(
            const _: () = {
                #[unsafe(export_name = $name)]
                unsafe extern "C" fn export($($arg: $ty),*) $(-> $ret)? {
                    $crate::__witflow_constructors!($when, $name);
                    #[allow(unused_unsafe)]
                    unsafe { $body }
                }
            };
        )*
    };
}

/// Constructors of C libraries: run `once`, or left to the `linker`.
#[doc(hidden)]
#[macro_export]
macro_rules! __witflow_constructors {
    (once, $name:literal) => {
        // What calls back was entered before.
        if const { !$crate::sys::is_callback($name) } {
            $crate::sys::run_constructors_once();
        }
    };
    (linker, $name:literal) => {};
}

/// Links what the host allocates with, and the rest of the object file this is in.
#[doc(hidden)]
#[macro_export]
macro_rules! __witflow_link_realloc {
    () => {
        const _: () = {
            #[used]
            static LINK_REALLOC: unsafe extern "C" fn(*mut u8, usize, usize, usize) -> *mut u8 =
                $crate::sys::cabi_realloc::LINK;
        };
    };
}

/// Places the encoded world in the custom section the component encoder looks for.
#[doc(hidden)]
#[macro_export]
macro_rules! __witflow_component_type {
    ($section:literal, $len:expr, $bytes:expr, link = true) => {
        $crate::__witflow_component_type!($section, $len, $bytes, link = false);
        $crate::__witflow_link_realloc!();
    };
    ($section:literal, $len:expr, $bytes:expr, link = false) => {
        const _: () = {
            // The place makes the name unique, as two sections of one name could not be told apart any more.
            #[unsafe(link_section = ::core::concat!($section, ::core::module_path!(), ":", ::core::line!(), ":", ::core::column!()))]
            #[doc(hidden)]
            pub static __WITFLOW_COMPONENT_TYPE: [u8; $len] = *$bytes;
        };
    };
}
