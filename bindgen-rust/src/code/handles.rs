//! Handles: of streams, futures, resources and error contexts.

use quote::quote;
use wit_parser::{Handle, TypeDefKind, TypeId};
use witflow_bindgen_core::abi::{Inst, Op};

use super::{Code, Expr};
use crate::names::ident;
use crate::paths::to_root;

impl Code<'_> {
    pub(super) fn lower_handle(&mut self, op: &Op) {
        match &op.inst {
            Inst::LowerStream(_) => self.take_handle(op, "stream_lower"),
            Inst::LowerFuture(_) => self.take_handle(op, "future_lower"),
            Inst::LowerErrorContext => self.take_handle(op, "error_context_lower"),
            Inst::LowerHandle(id) => self.lower_resource(op, *id),
            inst => unreachable!("{inst:?} lowers no handle"),
        }
    }

    pub(super) fn lift_handle(&mut self, op: &Op) {
        match &op.inst {
            Inst::LiftStream(id) => self.lift_end(op, *id, "stream_lift", "wit_stream", "StreamPayload"),
            Inst::LiftFuture(id) => self.lift_end(op, *id, "future_lift", "wit_future", "FuturePayload"),
            Inst::LiftErrorContext => {
                let (rt, handle) = (&self.generator.rt, self.core(op.args[0]));
                self.owned(op, quote!(#rt::error_context_lift(#handle)));
            }
            Inst::LiftHandle(id) => self.lift_resource(op, *id),
            inst => unreachable!("{inst:?} lifts no handle"),
        }
    }

    fn take_handle(&mut self, op: &Op, function: &str) {
        let rt = &self.generator.rt;
        let function = ident(function);
        let (value, cleanup) = (self.reference(op.args[0]), self.callees.cleanup.clone());
        self.bind(op, quote!(#rt::#function(#value, #cleanup)));
    }

    /// An own handle is given away, a borrow handle lent.
    fn lower_resource(&mut self, op: &Op, id: TypeId) {
        let rt = &self.generator.rt;
        if self.generator.is_own(id) {
            self.give(op, id);
        } else if self.callees.lends {
            let (resource, cleanup) = (self.place(op.args[0]), self.callees.cleanup.clone());
            self.bind(op, quote!(#rt::borrow_lower(#resource, #cleanup)));
        } else {
            let resource = self.receiver(op.args[0]);
            self.set(op.results[0], Expr::Core(quote!(#resource.handle() as i32)));
        }
    }

    /// A type that users put in the place of a resource may know of handles only that they are numbers.
    fn give(&mut self, op: &Op, id: TypeId) {
        let generator = self.generator;
        if !generator.is_foreign(id) {
            return self.take_handle(op, "own_lower");
        }
        let rt = &generator.rt;
        let (value, cleanup) = (self.reference(op.args[0]), self.callees.cleanup.clone());
        let lowered = quote! {{
            #[allow(unused_imports)]
            use #rt::ByNumber as _;
            let given = #value;
            #rt::Given(given, || given.take_handle()).lower(#cleanup)
        }};
        self.bind(op, lowered);
    }

    fn lift_resource(&mut self, op: &Op, id: TypeId) {
        let generator = self.generator;
        let (rt, resolve) = (&generator.rt, generator.resolve());
        let core = self.core(op.args[0]);
        let lifted = match &resolve.types[id].kind {
            TypeDefKind::Handle(Handle::Own(resource)) => {
                let path = self.path(*resource);
                if generator.is_foreign(id) {
                    quote!(#path::from_handle(#core as u32))
                } else {
                    quote!(#rt::own_lift::<#path>(#core))
                }
            }
            TypeDefKind::Handle(Handle::Borrow(resource)) if generator.world.types.defines(*resource) => {
                let path = generator.paths.borrow_path(resolve, self.from, *resource);
                quote!(#path::lift(#core))
            }
            TypeDefKind::Handle(Handle::Borrow(resource)) => {
                let (path, borrows) = (self.path(*resource), &self.callees.borrows);
                quote!(#rt::borrow_lift::<#path>(#core, #borrows))
            }
            kind => unreachable!("{} is not a handle", kind.as_str()),
        };
        self.owned(op, lifted);
    }

    fn lift_end(&mut self, op: &Op, id: TypeId, function: &str, module: &str, payload: &str) {
        let rt = &self.generator.rt;
        let payload_type = match &self.generator.resolve().types[id].kind {
            TypeDefKind::Stream(ty) | TypeDefKind::Future(ty) => self.generator.optional(self.from, ty.as_ref()),
            kind => unreachable!("{} is not a stream or future", kind.as_str()),
        };
        let (function, module, payload) = (ident(function), ident(module), ident(payload));
        let (root, handle) = (to_root(self.from), self.core(op.args[0]));
        let vtable = quote!(<#payload_type as #root #module::#payload>::VTABLE);
        self.owned(op, quote!(#rt::#function(#handle, #vtable)));
    }
}
