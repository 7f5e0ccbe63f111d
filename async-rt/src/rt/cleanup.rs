//! What lowering leaves behind: temporary allocations, and the journal of handles taken out of values.
//!
//! Lowering borrows the value and writes its canonical form elsewhere. Two things outlive the lowering itself:
//!
//! 1. *Allocations* for lists whose canonical form differs from the Rust one. The host reads them later, so they are
//!    kept until its answer is known and are then freed together. They form a linked list through a header in front of
//!    each block: no `Vec`, hence no growth code in small guests.
//! 2. *Handles.* Lowering an owned handle takes it out of its [`HandleCell`], because from then on it may belong to the
//!    host. Each such take is noted in the journal, so that a call cancelled before it started, or the unsent rest of a
//!    stream write, puts the handles back where they were (`restore`), while a finished call forgets them.
//!
//! A call that the host answers later also keeps what it was lent ([`Lent`]), longer than the other two: until it is resolved.
//!
//! This file refuses to know what a value is: it sees bytes, cells and numbers.

use crate::rt::resource::loan::Lent;
use crate::{pool, sys};
use alloc::alloc::Layout;
use core::mem::{self, MaybeUninit};
use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The place a value keeps a handle in. Zero means that the handle was taken: the canonical ABI never issues index 0.
///
/// The cell is atomic only so that values holding one can be `Send` and `Sync`; on wasm without threads an atomic
/// access is an ordinary one.
pub struct HandleCell(AtomicU32);

impl HandleCell {
    /// A cell holding `handle`.
    #[inline]
    pub const fn new(handle: u32) -> HandleCell {
        HandleCell(AtomicU32::new(handle))
    }

    /// The handle, or 0 if it was taken.
    #[inline]
    pub fn get(&self) -> u32 {
        self.0.load(Relaxed)
    }

    /// Replaces the handle.
    #[inline]
    pub fn set(&self, handle: u32) {
        self.0.store(handle, Relaxed);
    }

    /// Takes the handle for good, leaving 0.
    #[inline]
    pub fn take(&self) -> u32 {
        let handle = self.get();
        self.set(0);
        handle
    }

    /// Takes the handle and notes it in `cleanup`, so that it can be put back.
    ///
    /// # Safety
    ///
    /// The cell stays where it is, alive, until `cleanup` is dropped, forgotten or restored.
    pub unsafe fn lower(&self, cleanup: &mut Cleanup) -> u32 {
        let handle = self.take();
        if handle == 0 {
            handle_gone();
        }
        cleanup.note(self, handle);
        handle
    }
}

#[cold]
pub(crate) fn handle_gone() -> ! {
    panic!("a resource, stream or future was passed on twice: its handle already belongs to another component")
}

/// One temporary allocation. The data follows at `offset`; both are one block of `size` bytes aligned to `align`.
struct Block {
    next: *mut Block,
    size: usize,
    align: usize,
}

const NOTES: usize = 4;

/// A handle taken out of a cell while element `element` was lowered.
#[derive(Clone, Copy)]
struct Note {
    cell: *const HandleCell,
    handle: MaybeUninit<u32>,
    element: MaybeUninit<u32>,
}

impl Note {
    const NONE: Note = Note {
        cell: ptr::null(),
        handle: MaybeUninit::uninit(),
        element: MaybeUninit::uninit(),
    };

    /// Puts the handle back, if it is of element `first` or a later one.
    ///
    /// # Safety
    ///
    /// As for [`Cleanup::restore_from`]; this is no `NONE`.
    unsafe fn restore_from(self, first: usize) {
        // SAFETY: what is no `NONE` was written whole; the rest is the caller's promise.
        unsafe {
            if self.element.assume_init() as usize >= first {
                (*self.cell).set(self.handle.assume_init());
            }
        }
    }
}

/// A few notes. The newest page is the first; within a page notes are in the order they were taken.
struct Page {
    next: *mut Page,
    len: usize,
    notes: [Note; NOTES],
}

/// Temporary allocations and the handle journal of one lowering. Dropping it frees the allocations and forgets the
/// journal, and ends what is lent.
pub struct Cleanup {
    blocks: *mut Block,
    pages: *mut Page,
    /// The first note, when its cell is not null; there is rarely another. The others are in pages.
    first: Note,
    element: u32,
    purpose: Purpose,
}

/// What is lowered with a cleanup.
enum Purpose {
    /// Something the host reads before anything else happens.
    Now,
    /// The parameters of a call the host answers later, with what it is lent.
    Call(Lent),
    /// The result of a synchronous export, which the host reads when the export has returned.
    Result,
}

// SAFETY: rule 1 in the crate documentation; the pointers are owned by this value alone.
unsafe impl Send for Cleanup {}
// SAFETY: a shared `Cleanup` offers no operation at all.
unsafe impl Sync for Cleanup {}

impl Default for Cleanup {
    fn default() -> Cleanup {
        Cleanup::new()
    }
}

impl Cleanup {
    /// A cleanup with nothing to clean up.
    #[inline]
    pub const fn new() -> Cleanup {
        Cleanup::for_purpose(Purpose::Now)
    }

    #[inline]
    const fn for_purpose(purpose: Purpose) -> Cleanup {
        Cleanup {
            blocks: ptr::null_mut(),
            pages: ptr::null_mut(),
            first: Note::NONE,
            element: 0,
            purpose,
        }
    }

    /// A cleanup that keeps what is lent until it is dropped.
    #[inline]
    pub(crate) const fn lending() -> Cleanup {
        Cleanup::for_purpose(Purpose::Call(Lent::new()))
    }

    /// A cleanup for the result of a synchronous export.
    #[inline]
    pub const fn for_result() -> Cleanup {
        Cleanup::for_purpose(Purpose::Result)
    }

    /// Whether the host reads what is lowered only after the guest has returned.
    pub(crate) fn is_for_result(&self) -> bool {
        matches!(self.purpose, Purpose::Result)
    }

    /// Where to note what is lent, unless that ends by itself.
    #[inline]
    pub(crate) fn lent(&mut self) -> Option<&mut Lent> {
        match &mut self.purpose {
            Purpose::Call(lent) => Some(lent),
            Purpose::Now | Purpose::Result => None,
        }
    }

    /// What is lent, to be ended now.
    #[inline]
    pub(crate) fn take_lent(&mut self) -> Lent {
        match &mut self.purpose {
            Purpose::Call(lent) => mem::replace(lent, Lent::new()),
            Purpose::Now | Purpose::Result => Lent::new(),
        }
    }

    /// Frees the allocations and forgets the journal. What is lent stays so.
    #[inline]
    pub(crate) fn release(&mut self) {
        self.forget_journal();
        if !self.blocks.is_null() {
            self.free_blocks();
        }
    }

    /// Memory that lives until this cleanup is dropped. `size` 0 gives a dangling, aligned pointer.
    ///
    /// `align` is a power of two and at most 8, like every alignment of the canonical ABI.
    pub fn alloc(&mut self, size: usize, align: usize) -> *mut u8 {
        if size == 0 {
            return ptr::without_provenance_mut(align);
        }
        let offset = header_size(align);
        let (Some(total), true) = (offset.checked_add(size), align <= 8) else {
            sys::out_of_memory()
        };
        let align = align.max(mem::align_of::<Block>());
        let Ok(layout) = Layout::from_size_align(total, align) else {
            sys::out_of_memory()
        };
        let block = pool::raw_alloc(layout).cast::<Block>();
        // SAFETY: the block was just allocated with room for the header in front of `size` bytes (rule 5).
        unsafe {
            block.write(Block {
                next: self.blocks,
                size: total,
                align,
            });
            self.blocks = block;
            block.cast::<u8>().add(offset)
        }
    }

    /// From here on, handles belong to element `element` of a list that is sent piecemeal.
    #[inline]
    pub fn begin_element(&mut self, element: usize) {
        self.element = element as u32;
    }

    #[inline]
    fn note(&mut self, cell: *const HandleCell, handle: u32) {
        let note = Note {
            cell,
            handle: MaybeUninit::new(handle),
            element: MaybeUninit::new(self.element),
        };
        if self.first.cell.is_null() {
            self.first = note;
        } else {
            self.note_on_page(note);
        }
    }

    #[inline(never)]
    fn note_on_page(&mut self, note: Note) {
        let mut page = self.pages;
        // SAFETY: `pages` is null or a live page owned by this cleanup.
        if page.is_null() || unsafe { (*page).len == NOTES } {
            page = pool::take(Layout::new::<Page>()).cast::<Page>();
            // SAFETY: freshly allocated with the layout of `Page`; `notes` is only read below `len`.
            unsafe {
                (*page).next = self.pages;
                (*page).len = 0;
            }
            self.pages = page;
        }
        // SAFETY: `page` is live and `len < NOTES`, by the check above.
        unsafe {
            let len = (*page).len;
            (&raw mut (*page).notes).cast::<Note>().add(len).write(note);
            (*page).len = len + 1;
        }
    }

    /// Puts every journaled handle back into the cell it came from, and forgets the journal.
    ///
    /// # Safety
    ///
    /// The cells are alive and where they were, and the host has not taken the handles.
    pub unsafe fn restore(&mut self) {
        // SAFETY: as promised by the caller.
        unsafe { self.restore_from(0) }
    }

    /// Puts back the handles of the elements numbered `first` and up, and forgets the journal.
    ///
    /// # Safety
    ///
    /// As for [`Cleanup::restore`], for those elements.
    pub unsafe fn restore_from(&mut self, first: usize) {
        if !self.first.cell.is_null() {
            // SAFETY: it is a note; the rest is the caller's promise.
            unsafe { self.first.restore_from(first) };
        }
        let mut page = self.pages;
        while !page.is_null() {
            // SAFETY: the pages are live; notes below `len` were written; the rest is the caller's promise.
            unsafe {
                for index in 0..(*page).len {
                    (&raw const (*page).notes)
                        .cast::<Note>()
                        .add(index)
                        .read()
                        .restore_from(first);
                }
                page = (*page).next;
            }
        }
        self.forget_journal();
    }

    /// Forgets the journal: the handles are gone for good.
    #[inline]
    pub fn forget_journal(&mut self) {
        self.first.cell = ptr::null();
        if !self.pages.is_null() {
            self.forget_pages();
        }
    }

    #[inline(never)]
    fn forget_pages(&mut self) {
        let mut page = mem::replace(&mut self.pages, ptr::null_mut());
        while !page.is_null() {
            // SAFETY: each page was taken from the pool with this layout and is visited once.
            unsafe {
                let next = (*page).next;
                pool::give(page.cast(), Layout::new::<Page>());
                page = next;
            }
        }
    }

    fn free_blocks(&mut self) {
        let mut block = mem::replace(&mut self.blocks, ptr::null_mut());
        while !block.is_null() {
            // SAFETY: each block was allocated with the layout its header records and is visited once.
            unsafe {
                let Block { next, size, align } = block.read();
                alloc::alloc::dealloc(block.cast(), Layout::from_size_align_unchecked(size, align));
                block = next;
            }
        }
    }
}

impl Drop for Cleanup {
    #[inline]
    fn drop(&mut self) {
        self.release();
    }
}

/// Bytes between the start of a block and its data.
const fn header_size(align: usize) -> usize {
    let size = mem::size_of::<Block>();
    if align > size {
        align
    } else {
        (size + align - 1) & !(align - 1)
    }
}
