//! Core values, memory and areas, and how sizes are written.

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote};
use witflow_bindgen_core::abi::{Alignment, ArchitectureSize, Layout, MemOp, Op, Scalar, ValueId, WasmType};

use super::{Code, Expr};
use crate::Generator;

impl Code<'_> {
    pub(super) fn zero(&self, ty: WasmType) -> TokenStream {
        let rt = &self.generator.rt;
        match ty {
            WasmType::I32 | WasmType::I64 | WasmType::Length => quote!(0),
            WasmType::F32 | WasmType::F64 => quote!(0.0),
            WasmType::Pointer => quote!(::core::ptr::null_mut()),
            WasmType::PointerOrI64 => quote!(#rt::MaybeUninit::new(0)),
        }
    }

    pub(super) fn cast(&mut self, op: &Op, from: WasmType, to: WasmType) {
        let rt = &self.generator.rt;
        let value = self.core(op.args[0]);
        let (from, to) = (core_type(rt, from), core_type(rt, to));
        self.set(op.results[0], Expr::Core(quote!(#rt::cast::<#from, #to>(#value))));
    }

    pub(super) fn lift_scalar(&mut self, op: &Op, scalar: Scalar) {
        let rt = &self.generator.rt;
        let lifted = match (self.get(op.args[0]), scalar) {
            (_, Scalar::Bool) => {
                let core = self.core(op.args[0]);
                quote!(#rt::lift_bool(#core))
            }
            (Expr::Loaded(_, address), Scalar::Char) => quote!(#rt::lift_char(#address.cast::<u32>().read())),
            (_, Scalar::Char) => {
                let core = self.core(op.args[0]);
                quote!(#rt::lift_char(#core as u32))
            }
            (Expr::Loaded(_, address), scalar) => {
                let ty = scalar_type(scalar);
                quote!(#address.cast::<#ty>().read())
            }
            (_, Scalar::S32 | Scalar::S64 | Scalar::F32 | Scalar::F64) => self.core(op.args[0]),
            (_, scalar) => {
                let (core, ty) = (self.core(op.args[0]), scalar_type(scalar));
                quote!(#core as #ty)
            }
        };
        self.owned(op, lifted);
    }

    pub(super) fn address(&self, pointer: ValueId, offset: ArchitectureSize) -> TokenStream {
        let pointer = self.core(pointer);
        if offset.is_empty() {
            return pointer;
        }
        let offset = self.generator.size(offset);
        quote!(#pointer.add(#offset))
    }

    pub(super) fn store(&mut self, op: &Op, mem: MemOp, offset: ArchitectureSize) {
        let address = self.address(op.args[1], offset);
        let (ty, value) = match self.get(op.args[0]) {
            Expr::Lowered(Scalar::Bool, value) => (quote!(u8), quote!(u8::from(#value))),
            Expr::Lowered(scalar, value) => (scalar_type(scalar), value),
            Expr::Const(n) => (mem_type(mem), Literal::i32_unsuffixed(n).to_token_stream()),
            _ => {
                let core = self.core(op.args[0]);
                let ty = mem_type(mem);
                let narrow = matches!(mem, MemOp::U8 | MemOp::S8 | MemOp::U16 | MemOp::S16);
                if narrow {
                    (ty.clone(), quote!(#core as #ty))
                } else {
                    (ty, core)
                }
            }
        };
        self.statements.push(quote!(#address.cast::<#ty>().write(#value);));
    }

    pub(super) fn area(&mut self, op: &Op, layout: &Layout) {
        let rt = &self.generator.rt;
        let size = self.generator.const_size(layout.size);
        let (area, pointer) = (self.fresh("area"), self.fresh("pointer"));
        self.statements
            .push(quote!(let mut #area = #rt::Area::<#size>::uninit();));
        self.statements.push(quote!(let #pointer = #area.as_mut_ptr();));
        self.set(op.results[0], Expr::Core(quote!(#pointer)));
    }

    pub(super) fn hold(&mut self, op: &Op, layout: &Layout) {
        let rt = &self.generator.rt;
        let size = self.generator.const_size(layout.size);
        let held = self.fresh("held");
        let value = match self.get(op.args[0]) {
            Expr::Place(tokens, _) => tokens,
            expr => unreachable!("the user's result is a place, not {expr:?}"),
        };
        self.statements
            .push(quote!(let #held = #rt::Held::<_, #size>::new(#value);));
        let borrowed = self.fresh("value");
        self.statements.push(quote!(let #borrowed = &(*#held).value;));
        self.set(op.results[0], Expr::Place(quote!(#borrowed), true));
        self.set(op.results[1], Expr::Core(quote!(#held.cast::<u8>())));
        self.callees.cleanup = quote!(&mut (*#held).cleanup);
    }

    /// Everything that is still in the area is taken out before it is freed.
    pub(super) fn free_area(&mut self, op: &Op, layout: &Layout) {
        for index in 0..self.values.len() {
            if let Some(Expr::Owned(tokens)) = self.values[index].clone() {
                let name = self.fresh("param");
                self.statements.push(quote!(let #name = #tokens;));
                self.values[index] = Some(Expr::Owned(quote!(#name)));
            }
        }
        let rt = &self.generator.rt;
        let pointer = self.core(op.args[0]);
        let (size, align) = (self.generator.size(layout.size), self.generator.align(layout.align));
        self.statements.push(quote!(#rt::free_area(#pointer, #size, #align);));
    }
}

pub(super) fn read(op: MemOp, address: &TokenStream) -> TokenStream {
    let ty = mem_type(op);
    quote!(#address.cast::<#ty>().read())
}

fn mem_type(op: MemOp) -> TokenStream {
    match op {
        MemOp::U8 => quote!(u8),
        MemOp::S8 => quote!(i8),
        MemOp::U16 => quote!(u16),
        MemOp::S16 => quote!(i16),
        MemOp::I32 => quote!(i32),
        MemOp::I64 => quote!(i64),
        MemOp::F32 => quote!(f32),
        MemOp::F64 => quote!(f64),
        MemOp::Pointer => quote!(*mut u8),
        MemOp::Length => quote!(usize),
    }
}

fn scalar_type(scalar: Scalar) -> TokenStream {
    match scalar {
        Scalar::Bool => quote!(bool),
        Scalar::U8 => quote!(u8),
        Scalar::S8 => quote!(i8),
        Scalar::U16 => quote!(u16),
        Scalar::S16 => quote!(i16),
        Scalar::U32 => quote!(u32),
        Scalar::S32 => quote!(i32),
        Scalar::U64 => quote!(u64),
        Scalar::S64 => quote!(i64),
        Scalar::F32 => quote!(f32),
        Scalar::F64 => quote!(f64),
        Scalar::Char => quote!(char),
    }
}

/// A core type in a signature.
pub(crate) fn core_type(rt: &TokenStream, ty: WasmType) -> TokenStream {
    match ty {
        WasmType::I32 => quote!(i32),
        WasmType::I64 => quote!(i64),
        WasmType::F32 => quote!(f32),
        WasmType::F64 => quote!(f64),
        WasmType::Pointer => quote!(*mut u8),
        WasmType::PointerOrI64 => quote!(#rt::MaybeUninit<u64>),
        WasmType::Length => quote!(usize),
    }
}

impl Generator<'_> {
    /// A size or offset as an expression in bytes.
    pub(crate) fn size(&self, size: ArchitectureSize) -> TokenStream {
        let rt = &self.rt;
        let bytes = Literal::usize_unsuffixed(size.bytes);
        let pointers = Literal::usize_unsuffixed(size.pointers);
        match (size.bytes, size.pointers) {
            (_, 0) => quote!(#bytes),
            (0, 1) => quote!(#rt::POINTER),
            (0, _) => quote!(#pointers * #rt::POINTER),
            (_, 1) => quote!(#bytes + #rt::POINTER),
            _ => quote!(#bytes + #pointers * #rt::POINTER),
        }
    }

    /// A size as a const argument.
    pub(crate) fn const_size(&self, size: ArchitectureSize) -> TokenStream {
        let tokens = self.size(size);
        if size.pointers == 0 {
            tokens
        } else {
            quote!({ #tokens })
        }
    }

    /// An alignment as an expression in bytes.
    pub(crate) fn align(&self, align: Alignment) -> TokenStream {
        let rt = &self.rt;
        match align {
            Alignment::Pointer => quote!(#rt::POINTER),
            Alignment::Bytes(n) => Literal::usize_unsuffixed(n.get()).to_token_stream(),
        }
    }
}
