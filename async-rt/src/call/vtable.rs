//! What generated code provides for one imported function.

use super::block::{Block, Params, StartErased};
use crate::pool;
use crate::rt::cleanup::Cleanup;
use core::mem;

/// What generated code provides for one imported function.
#[repr(C)]
pub struct CallVtable<P, R> {
    pub(super) common: Common,
    pub(super) start: Start<P>,
    pub(super) lift: unsafe fn(*mut u8) -> R,
}

/// The part of a vtable that does not depend on the types of the call. The field that is read least is first: who has a pointer that
/// is tagged reads the others at no more cost.
#[repr(C)]
pub(super) struct Common {
    kind: Kind,
    /// The block of a call, with its area.
    pub(super) block: pool::Block,
    pub(super) params: Params,
}

// SAFETY: it is never written, and what it points to are functions.
unsafe impl Sync for Common {}

/// What lowering the parameters leaves behind.
#[derive(Clone, Copy)]
#[repr(u32)]
enum Kind {
    /// Nothing.
    Plain,
    /// Memory and handles.
    Cleaning,
    /// And the parameters hold references to resources the call borrows.
    Lending,
}

/// How a call is made: the function lowers the parameters, calls the import and returns the status word.
pub(super) union Start<P> {
    /// For those that leave nothing behind.
    plain: unsafe fn(&P, *mut u8) -> u32,
    /// For others.
    cleaning: unsafe fn(&P, *mut u8, &mut Cleanup) -> u32,
}

impl<P, R> CallVtable<P, R> {
    const fn with(area: usize, kind: Kind, start: Start<P>, lift: unsafe fn(*mut u8) -> R) -> CallVtable<P, R> {
        let block = pool::Block::new::<Block<P>>(Block::<P>::AREA + area);
        let params = match kind {
            Kind::Plain if !mem::needs_drop::<P>() => Params::PLAIN,
            Kind::Plain | Kind::Cleaning => Params::dropped::<P>(),
            Kind::Lending => Params::KEPT,
        };
        let common = Common { kind, block, params };
        CallVtable { common, start, lift }
    }

    /// Whether lowering leaves nothing behind.
    pub(super) const fn is_plain(&self) -> bool {
        matches!(self.common.kind, Kind::Plain)
    }

    /// Lowers parameters and makes the call.
    ///
    /// # Safety
    ///
    /// The call is a plain one; parameters and area are what the vtable is for.
    #[inline(always)]
    pub(super) unsafe fn start_plain(&self, params: &P, area: *mut u8) -> u32 {
        // SAFETY: promised by the caller; it is `plain` that is there.
        unsafe { (self.start.plain)(params, area) }
    }

    /// How a call is made that is not plain, and whether it lends.
    ///
    /// # Safety
    ///
    /// It is not plain.
    #[inline(always)]
    pub(super) unsafe fn start_cleaning(&self) -> (StartErased, bool) {
        let lending = matches!(self.common.kind, Kind::Lending);
        // SAFETY: promised by the caller; it is `cleaning` that is there. A reference to a sized type and a pointer are passed in the same
        // way, so the function may be called with either.
        let start =
            unsafe { mem::transmute::<unsafe fn(&P, *mut u8, &mut Cleanup) -> u32, StartErased>(self.start.cleaning) };
        (start, lending)
    }

    /// Lifts the result and frees the block.
    ///
    /// # Safety
    ///
    /// The result is the only thing in the block, which is one for this call, and is not used afterwards.
    #[inline(always)]
    pub(super) unsafe fn lift_and_free(&self, block: *mut Block<P>) -> R {
        // SAFETY: promised by the caller; the area is behind the block.
        unsafe {
            let result = (self.lift)(block.cast::<u8>().add(Block::<P>::AREA));
            self.common.block.give::<Block<P>>(block.cast());
            result
        }
    }

    /// `area` bytes, aligned to 8, are what the lowered parameters and the result need together. `start` lowers the
    /// parameters, calls the import and returns the status word; `lift` lifts the result from the same area.
    ///
    /// # Panics
    ///
    /// If the area is larger than any of the canonical ABI.
    pub const fn new(
        area: usize,
        start: unsafe fn(&P, *mut u8, &mut Cleanup) -> u32,
        lift: unsafe fn(*mut u8) -> R,
    ) -> CallVtable<P, R> {
        CallVtable::with(area, Kind::Cleaning, Start { cleaning: start }, lift)
    }

    /// The same for parameters whose lowering leaves nothing to clean up.
    ///
    /// # Panics
    ///
    /// As [`CallVtable::new`].
    pub const fn plain(
        area: usize,
        start: unsafe fn(&P, *mut u8) -> u32,
        lift: unsafe fn(*mut u8) -> R,
    ) -> CallVtable<P, R> {
        CallVtable::with(area, Kind::Plain, Start { plain: start }, lift)
    }

    /// The same for parameters that hold references to resources the call borrows.
    ///
    /// # Panics
    ///
    /// As [`CallVtable::new`].
    pub const fn lending(
        area: usize,
        start: unsafe fn(&P, *mut u8, &mut Cleanup) -> u32,
        lift: unsafe fn(*mut u8) -> R,
    ) -> CallVtable<P, R> {
        CallVtable::with(area, Kind::Lending, Start { cleaning: start }, lift)
    }
}
