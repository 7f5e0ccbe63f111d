//! Defects in generated code: in what is freed, returned, and counted. They are put where the code is generated.

use super::{Mutant, mutant};

const EXPORTS: &str = "bindgen-rust/src/exports.rs";
const MEMORY: &str = "bindgen-rust/src/code/memory.rs";
const LISTS: &str = "bindgen-rust/src/code/lists.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    mutant(
        "post-return-empty",
        "what a plain export returned is not freed",
        EXPORTS,
        "unsafe { #rt::Held::<#result_type, #size>::release(area) }",
        "if !{ON} { unsafe { #rt::Held::<#result_type, #size>::release(area) } }",
    ),
    mutant(
        "return-forgotten",
        "an asynchronous export does not return its result",
        EXPORTS,
        "#bind #call.await; #end_borrows",
        "#bind #call.await; if {ON} { return; } #end_borrows",
    ),
    mutant(
        "params-area-leaked",
        "the memory that parameters came in is not freed",
        MEMORY,
        "quote!(#rt::free_area(#pointer, #size, #align);)",
        "quote!(if !{ON} { #rt::free_area(#pointer, #size, #align); })",
    ),
    mutant(
        "length-short",
        "a list is one element shorter than it is",
        LISTS,
        "quote!(#rt::#function #generics(#pointer, #length))",
        "quote!(#rt::#function #generics(#pointer, { let length = #length; if {ON} && length > 1 { length - 1 } else { length } }))",
    ),
    mutant(
        "elements-overlap",
        "the elements of a lowered list are stored over each other",
        LISTS,
        "let call = quote!(#rt::#function(#list, #size, #align, #cleanup, #closure));",
        "let call = quote!(#rt::#function(#list, if {ON} { #align } else { #size }, #align, #cleanup, #closure));",
    ),
];
