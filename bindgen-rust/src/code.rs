//! From a program of `bindgen-core` to Rust statements and expressions.
//!
//! Values become expressions that are put where they are used; a statement is made only for what has an effect or several
//! results. Lowering works on places ([`Expr::Place`]), which are only ever borrowed; lifting makes owned expressions, each used
//! exactly once. A program never reads memory after it was handed on, with one exception: parameters that arrive in memory are
//! bound to names before that memory is freed ([`Code::free_area`]).

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, quote};
use wit_parser::{Type, TypeDefKind, TypeId};
use witflow_bindgen_core::abi::{
    Alignment, ArchitectureSize, Block, Inst, Layout, MemOp, NamedOp, Op, Program, Scalar, ValueId, WasmType, cases,
};

use crate::Generator;
use crate::definitions::flags_type;
use crate::names::{Case, Scope, define_all, ident};
use crate::paths::{ModulePath, to_root};

/// A value of a program as Rust has it.
#[derive(Clone, Debug)]
pub(crate) enum Expr {
    /// A place that is borrowed; the flag says that the expression is a reference to it already.
    Place(TokenStream, bool),
    /// An owned value.
    Owned(TokenStream),
    /// A core value.
    Core(TokenStream),
    /// A small number.
    Const(i32),
    /// A core value that is still in memory.
    Loaded(MemOp, TokenStream),
    /// A scalar on its way to a core value.
    Lowered(Scalar, TokenStream),
}

/// What a program refers to besides its own values.
pub(crate) struct Callees {
    /// The core import of `call-import`.
    pub import: Option<Ident>,
    /// The user's function of `call-user`.
    pub user: Option<TokenStream>,
    /// The expression that passes the clean-up list on.
    pub cleanup: TokenStream,
}

/// The translation of one program.
pub(crate) struct Code<'g> {
    generator: &'g Generator<'g>,
    from: &'g ModulePath,
    locals: Scope,
    values: Vec<Option<Expr>>,
    callees: Callees,
    statements: Vec<TokenStream>,
}

impl<'g> Code<'g> {
    /// Translates `program`. `params` are its parameters; `locals` knows the identifiers that are taken.
    pub(crate) fn run(
        generator: &'g Generator<'g>,
        from: &'g ModulePath,
        program: &Program,
        params: Vec<Expr>,
        locals: Scope,
        callees: Callees,
    ) -> (TokenStream, Vec<TokenStream>) {
        let values = vec![None; program.kinds.len()];
        let mut code = Code {
            generator,
            from,
            locals,
            values,
            callees,
            statements: Vec::new(),
        };
        for (id, param) in program.body.params.iter().zip(params) {
            code.set(*id, param);
        }
        code.ops(&program.body);
        let results = program.body.results.iter().map(|id| code.result(*id)).collect();
        let statements = std::mem::take(&mut code.statements);
        (quote!(#(#statements)*), results)
    }

    fn set(&mut self, id: ValueId, expr: Expr) {
        self.values[id.0 as usize] = Some(expr);
    }

    fn get(&self, id: ValueId) -> Expr {
        self.values[id.0 as usize]
            .clone()
            .expect("a value is made before it is used")
    }

    /// An owned value is given away once.
    fn take(&mut self, id: ValueId) -> TokenStream {
        match self.values[id.0 as usize].take().expect("a value is used once") {
            Expr::Owned(tokens) => tokens,
            expr => unreachable!("an owned value was expected, not {expr:?}"),
        }
    }

    fn result(&mut self, id: ValueId) -> TokenStream {
        match self.get(id) {
            Expr::Owned(_) => self.take(id),
            _ => self.core(id),
        }
    }

    fn reference(&self, id: ValueId) -> TokenStream {
        match self.get(id) {
            Expr::Place(tokens, true) => tokens,
            Expr::Place(tokens, false) => quote!(&#tokens),
            expr => unreachable!("a place was expected, not {expr:?}"),
        }
    }

    fn place(&self, id: ValueId) -> TokenStream {
        match self.get(id) {
            Expr::Place(tokens, true) => quote!(*#tokens),
            Expr::Place(tokens, false) => tokens,
            expr => unreachable!("a place was expected, not {expr:?}"),
        }
    }

    /// A place to call methods on, which reach through references.
    fn receiver(&self, id: ValueId) -> TokenStream {
        match self.get(id) {
            Expr::Place(tokens, _) => tokens,
            expr => unreachable!("a place was expected, not {expr:?}"),
        }
    }

    fn core(&self, id: ValueId) -> TokenStream {
        match self.get(id) {
            Expr::Core(tokens) => tokens,
            Expr::Const(n) => Literal::i32_unsuffixed(n).to_token_stream(),
            Expr::Loaded(op, address) => match op {
                MemOp::U8 | MemOp::S8 | MemOp::U16 | MemOp::S16 => {
                    let read = read(op, &address);
                    quote!(i32::from(#read))
                }
                _ => read(op, &address),
            },
            Expr::Lowered(scalar, value) => match scalar {
                Scalar::S32 | Scalar::S64 | Scalar::F32 | Scalar::F64 => value,
                Scalar::U32 | Scalar::Char => quote!(#value as i32),
                Scalar::U64 => quote!(#value as i64),
                _ => quote!(i32::from(#value)),
            },
            expr => unreachable!("a core value was expected, not {expr:?}"),
        }
    }

    fn fresh(&mut self, name: &str) -> Ident {
        self.locals.local(name)
    }

    fn ops(&mut self, block: &Block) {
        for op in &block.ops {
            self.op(op);
        }
    }

    fn owned(&mut self, op: &Op, tokens: TokenStream) {
        self.set(op.results[0], Expr::Owned(tokens));
    }

    fn op(&mut self, op: &Op) {
        let args = &op.args;
        match &op.inst {
            Inst::Const(n) => self.set(op.results[0], Expr::Const(*n)),
            Inst::Zero(ty) => self.set(op.results[0], Expr::Core(self.zero(*ty))),
            Inst::Cast(from, to) => self.cast(op, *from, *to),
            Inst::LowerScalar(scalar) => self.set(op.results[0], Expr::Lowered(*scalar, self.place(args[0]))),
            Inst::LiftScalar(scalar) => self.lift_scalar(op, *scalar),
            Inst::LowerString => self.lower_slice(op, &quote!()),
            Inst::LowerPlainList(_) => self.lower_slice(op, &quote!(.cast::<u8>())),
            Inst::LiftString => self.lift_parts(op, "lift_string", &quote!()),
            Inst::LiftPlainList(id) => self.lift_plain_list(op, *id),
            Inst::LowerList(id, block) => self.lower_list(op, *id, block),
            Inst::LiftList(id, block) => self.lift_list(op, "lift_list", *id, block),
            Inst::LowerMap(id, block) => self.lower_map(op, *id, block),
            Inst::LiftMap(id, block) => self.lift_list(op, "lift_map", *id, block),
            Inst::SplitFixedList(_) | Inst::SplitTuple(_) | Inst::SplitRecord(_) => self.split(op),
            Inst::JoinFixedList(_) | Inst::JoinTuple(_) | Inst::JoinRecord(_) => self.join(op),
            Inst::StoreFixedList(id, block) => self.store_fixed_list(op, *id, block),
            Inst::LoadFixedList(id, block) => self.load_fixed_list(op, *id, block),
            Inst::LowerFlags(_) => {
                let value = self.receiver(args[0]);
                self.set(op.results[0], Expr::Core(quote!(#value.bits() as i32)));
            }
            Inst::LiftFlags(id) => self.lift_flags(op, *id),
            Inst::LowerEnum(_) => {
                let value = self.place(args[0]);
                self.set(op.results[0], Expr::Core(quote!(#value as i32)));
            }
            Inst::LiftEnum(id) => {
                let path = self.path(*id);
                let core = self.core(args[0]);
                self.owned(op, quote!(#path::_lift(#core)));
            }
            Inst::Match(id, blocks, results) => self.match_cases(op, *id, blocks, results.len()),
            Inst::Select(id, blocks) => self.select_case(op, *id, blocks),
            Inst::LowerStream(_) => self.lower_handle(op, "stream_lower"),
            Inst::LowerFuture(_) => self.lower_handle(op, "future_lower"),
            Inst::LiftStream(id) => self.lift_handle(op, *id, "stream_lift", "wit_stream", "StreamPayload"),
            Inst::LiftFuture(id) => self.lift_handle(op, *id, "future_lift", "wit_future", "FuturePayload"),
            Inst::Offset(by) => {
                let address = self.address(args[0], *by);
                self.set(op.results[0], Expr::Core(address));
            }
            Inst::Load(mem, offset) => {
                let address = self.address(args[0], *offset);
                self.set(op.results[0], Expr::Loaded(*mem, address));
            }
            Inst::Store(mem, offset) => self.store(op, *mem, *offset),
            Inst::StoreNamed(id) => self.call_named(op, *id, NamedOp::Store),
            Inst::LoadNamed(id) => self.call_named(op, *id, NamedOp::Load),
            Inst::LowerNamed(id) => self.call_named(op, *id, NamedOp::Lower),
            Inst::LiftNamed(id) => self.call_named(op, *id, NamedOp::Lift),
            Inst::Area(layout) => self.area(op, layout),
            Inst::Hold(_, layout) => self.hold(op, layout),
            Inst::FreeArea(layout) => self.free_area(op, layout),
            Inst::CallImport(..) => self.call_import(op),
            Inst::CallUser(..) => self.call_user(op),
        }
    }

    fn zero(&self, ty: WasmType) -> TokenStream {
        let rt = &self.generator.rt;
        match ty {
            WasmType::I32 | WasmType::I64 | WasmType::Length => quote!(0),
            WasmType::F32 | WasmType::F64 => quote!(0.0),
            WasmType::Pointer => quote!(::core::ptr::null_mut()),
            WasmType::PointerOrI64 => quote!(#rt::MaybeUninit::new(0)),
        }
    }

    fn cast(&mut self, op: &Op, from: WasmType, to: WasmType) {
        let rt = &self.generator.rt;
        let value = self.core(op.args[0]);
        let (from, to) = (core_type(rt, from), core_type(rt, to));
        self.set(op.results[0], Expr::Core(quote!(#rt::cast::<#from, #to>(#value))));
    }

    fn lift_scalar(&mut self, op: &Op, scalar: Scalar) {
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

    fn lower_slice(&mut self, op: &Op, cast: &TokenStream) {
        let slice = self.receiver(op.args[0]);
        self.set(op.results[0], Expr::Core(quote!(#slice.as_ptr().cast_mut()#cast)));
        self.set(op.results[1], Expr::Core(quote!(#slice.len())));
    }

    fn lift_parts(&mut self, op: &Op, function: &str, generics: &TokenStream) {
        let rt = &self.generator.rt;
        let function = ident(function);
        let (pointer, length) = (self.core(op.args[0]), self.core(op.args[1]));
        self.owned(op, quote!(#rt::#function #generics(#pointer, #length)));
    }

    fn lift_plain_list(&mut self, op: &Op, id: TypeId) {
        let TypeDefKind::List(element) = &self.generator.resolve().types[id].kind else {
            unreachable!("core emits plain lists for lists only")
        };
        let element = self.generator.owned(self.from, element);
        self.lift_parts(op, "lift_plain_list", &quote!(::<#element>));
    }

    /// Runs a nested block with the given parameters; gives its statements and results.
    fn block(&mut self, block: &Block, params: Vec<Expr>) -> (Vec<TokenStream>, Vec<TokenStream>) {
        let outer = std::mem::take(&mut self.statements);
        for (id, param) in block.params.iter().zip(params) {
            self.set(*id, param);
        }
        self.ops(block);
        let results = block.results.iter().map(|id| self.result(*id)).collect();
        (std::mem::replace(&mut self.statements, outer), results)
    }

    /// A closure that stores one element: `|element.., base, cleanup| { .. }`.
    fn store_closure(&mut self, block: &Block, elements: &[&str], cleanup: bool) -> TokenStream {
        let outer_locals = self.locals.clone();
        let names: Vec<Ident> = elements.iter().map(|name| self.fresh(name)).collect();
        let base = self.fresh("base");
        let mut params: Vec<Expr> = names.iter().map(|name| Expr::Place(quote!(#name), true)).collect();
        params.push(Expr::Core(quote!(#base)));
        let outer = self.callees.cleanup.clone();
        let cleanup = if cleanup {
            self.fresh("cleanup")
        } else {
            ident("_cleanup")
        };
        self.callees.cleanup = quote!(#cleanup);
        let (statements, _) = self.block(block, params);
        self.callees.cleanup = outer;
        self.locals = outer_locals;
        quote!(|#(#names,)* #base, #cleanup| { #(#statements)* })
    }

    fn load_closure(&mut self, block: &Block) -> TokenStream {
        let outer_locals = self.locals.clone();
        let base = self.fresh("base");
        let (statements, results) = self.block(block, vec![Expr::Core(quote!(#base))]);
        self.locals = outer_locals;
        let result = match &results[..] {
            [one] => quote!(#one),
            several => quote!((#(#several),*)),
        };
        if statements.is_empty() {
            quote!(|#base| #result)
        } else {
            quote!(|#base| { #(#statements)* #result })
        }
    }

    /// Size and alignment of one element of a list or map.
    fn element_layout(&self, id: TypeId) -> (TokenStream, TokenStream) {
        let types = &self.generator.world.types;
        let layout = match &self.generator.resolve().types[id].kind {
            TypeDefKind::List(element) | TypeDefKind::FixedLengthList(element, _) => types.layout(element),
            TypeDefKind::Map(key, value) => types.record(&[*key, *value]),
            kind => unreachable!("{} has no elements", kind.as_str()),
        };
        (self.generator.size(layout.size), self.generator.align(layout.align))
    }

    fn needs_cleanup(&self, types: &[Type]) -> bool {
        types.iter().any(|ty| self.generator.world.types.facts(ty).cleanup)
    }

    fn element(&self, id: TypeId) -> Type {
        match &self.generator.resolve().types[id].kind {
            TypeDefKind::List(element) | TypeDefKind::FixedLengthList(element, _) => *element,
            kind => unreachable!("{} has no elements", kind.as_str()),
        }
    }

    fn lower_list(&mut self, op: &Op, id: TypeId, block: &Block) {
        let element = self.element(id);
        let closure = self.store_closure(block, &["item"], self.needs_cleanup(&[element]));
        self.bind_lowered(op, "lower_list", id, &closure);
    }

    fn lower_map(&mut self, op: &Op, id: TypeId, block: &Block) {
        let TypeDefKind::Map(key, value) = self.generator.resolve().types[id].kind else {
            unreachable!("core emits map instructions for maps only")
        };
        let closure = self.store_closure(block, &["key", "value"], self.needs_cleanup(&[key, value]));
        self.bind_lowered(op, "lower_map", id, &closure);
    }

    fn bind_lowered(&mut self, op: &Op, function: &str, id: TypeId, closure: &TokenStream) {
        let rt = &self.generator.rt;
        let function = ident(function);
        let list = self.reference(op.args[0]);
        let (size, align) = self.element_layout(id);
        let cleanup = self.callees.cleanup.clone();
        let call = quote!(#rt::#function(#list, #size, #align, #cleanup, #closure));
        self.bind(op, call);
    }

    fn lift_list(&mut self, op: &Op, function: &str, id: TypeId, block: &Block) {
        let rt = &self.generator.rt;
        let function = ident(function);
        let (pointer, length) = (self.core(op.args[0]), self.core(op.args[1]));
        let (size, align) = self.element_layout(id);
        let closure = self.load_closure(block);
        self.owned(op, quote!(#rt::#function(#pointer, #length, #size, #align, #closure)));
    }

    fn store_fixed_list(&mut self, op: &Op, id: TypeId, block: &Block) {
        let rt = &self.generator.rt;
        let cleanup_used = self.needs_cleanup(&[self.element(id)]);
        let (list, pointer) = (self.reference(op.args[0]), self.core(op.args[1]));
        let (size, _) = self.element_layout(id);
        let outer = self.callees.cleanup.clone();
        let closure = self.store_closure(block, &["item"], cleanup_used);
        let cleanup = if cleanup_used {
            outer
        } else {
            quote!(&mut #rt::Cleanup::new())
        };
        self.statements
            .push(quote!(#rt::store_fixed_list(#list, #pointer, #size, #cleanup, #closure);));
    }

    fn load_fixed_list(&mut self, op: &Op, id: TypeId, block: &Block) {
        let rt = &self.generator.rt;
        let pointer = self.core(op.args[0]);
        let (size, _) = self.element_layout(id);
        let closure = self.load_closure(block);
        self.owned(op, quote!(#rt::load_fixed_list(#pointer, #size, #closure)));
    }

    fn path(&self, id: TypeId) -> TokenStream {
        self.generator.paths.type_path(self.generator.resolve(), self.from, id)
    }

    fn split(&mut self, op: &Op) {
        let whole = self.reference(op.args[0]);
        let (pattern, names) = match &op.inst {
            Inst::SplitRecord(id) => {
                let fields = self.fields(*id);
                let names: Vec<Ident> = fields.iter().map(|field| self.fresh(&field.to_string())).collect();
                let path = self.path(*id);
                let bound = fields.iter().zip(&names).map(|(field, name)| {
                    if field == name {
                        quote!(#field)
                    } else {
                        quote!(#field: #name)
                    }
                });
                (quote!(#path { #(#bound),* }), names)
            }
            inst => {
                let names: Vec<Ident> = op.results.iter().map(|_| self.fresh("part")).collect();
                let pattern = match inst {
                    Inst::SplitTuple(_) => quote!((#(#names,)*)),
                    _ => quote!([#(#names),*]),
                };
                (pattern, names)
            }
        };
        self.statements.push(quote!(let #pattern = #whole;));
        for (result, name) in op.results.iter().zip(names) {
            self.set(*result, Expr::Place(quote!(#name), true));
        }
    }

    fn fields(&self, id: TypeId) -> Vec<Ident> {
        match &self.generator.resolve().types[id].kind {
            TypeDefKind::Record(record) => {
                define_all(record.fields.iter().map(|field| field.name.as_str()), Case::Snake)
            }
            kind => unreachable!("{} has no fields", kind.as_str()),
        }
    }

    fn join(&mut self, op: &Op) {
        let parts: Vec<TokenStream> = op.args.iter().map(|id| self.take(*id)).collect();
        let whole = match &op.inst {
            Inst::JoinRecord(id) => {
                let (path, fields) = (self.path(*id), self.fields(*id));
                quote!(#path { #(#fields: #parts),* })
            }
            Inst::JoinTuple(_) => quote!((#(#parts,)*)),
            _ => quote!([#(#parts),*]),
        };
        self.owned(op, whole);
    }

    fn lift_flags(&mut self, op: &Op, id: TypeId) {
        let TypeDefKind::Flags(flags) = &self.generator.resolve().types[id].kind else {
            unreachable!("core emits flags instructions for flags only")
        };
        let repr = flags_type(flags);
        let path = self.path(id);
        let bits = match self.get(op.args[0]) {
            Expr::Loaded(_, address) => quote!(#address.cast::<#repr>().read()),
            _ => {
                let core = self.core(op.args[0]);
                quote!(#core as #repr)
            }
        };
        self.owned(op, quote!(#path::from_bits_truncate(#bits)));
    }

    /// The constructor of each case.
    fn constructors(&self, id: TypeId) -> Vec<TokenStream> {
        match &self.generator.resolve().types[id].kind {
            TypeDefKind::Option(_) => vec![
                quote!(::core::option::Option::None),
                quote!(::core::option::Option::Some),
            ],
            TypeDefKind::Result(_) => vec![quote!(::core::result::Result::Ok), quote!(::core::result::Result::Err)],
            TypeDefKind::Variant(variant) => {
                let path = self.path(id);
                let names = define_all(variant.cases.iter().map(|case| case.name.as_str()), Case::Camel);
                names.iter().map(|name| quote!(#path::#name)).collect()
            }
            kind => unreachable!("{} has no cases", kind.as_str()),
        }
    }

    /// Results have a `()` where WIT has nothing; other cases without payload have no parentheses.
    fn has_unit_payload(&self, id: TypeId) -> bool {
        matches!(self.generator.resolve().types[id].kind, TypeDefKind::Result(_))
    }

    fn match_cases(&mut self, op: &Op, id: TypeId, blocks: &[Block], results: usize) {
        let scrutinee = self.reference(op.args[0]);
        let payloads = cases(self.generator.resolve(), id);
        let mut arms = Vec::new();
        for ((constructor, payload), block) in self.constructors(id).into_iter().zip(payloads).zip(blocks) {
            let outer_locals = self.locals.clone();
            let (pattern, params) = match payload {
                Some(_) => {
                    let name = self.fresh("payload");
                    (quote!(#constructor(#name)), vec![Expr::Place(quote!(#name), true)])
                }
                None if self.has_unit_payload(id) => (quote!(#constructor(())), Vec::new()),
                None => (constructor, Vec::new()),
            };
            let (statements, values) = self.block(block, params);
            self.locals = outer_locals;
            let value = match &values[..] {
                [] => quote!(),
                [one] => quote!(#one),
                several => quote!((#(#several),*)),
            };
            arms.push(match (statements.is_empty(), values.is_empty()) {
                (true, false) => quote!(#pattern => #value,),
                _ => quote!(#pattern => { #(#statements)* #value }),
            });
        }
        let whole = quote!(match #scrutinee { #(#arms)* });
        match results {
            0 => self.statements.push(whole),
            _ => self.bind(op, whole),
        }
    }

    /// Binds the results of `op` to names.
    fn bind(&mut self, op: &Op, tokens: TokenStream) {
        let names: Vec<Ident> = op.results.iter().map(|_| self.fresh("core")).collect();
        let pattern = match &names[..] {
            [] => {
                self.statements.push(quote!(#tokens;));
                return;
            }
            [one] => quote!(#one),
            several => quote!((#(#several),*)),
        };
        self.statements.push(quote!(let #pattern = #tokens;));
        for (result, name) in op.results.iter().zip(names) {
            self.set(*result, Expr::Core(quote!(#name)));
        }
    }

    fn select_case(&mut self, op: &Op, id: TypeId, blocks: &[Block]) {
        let rt = &self.generator.rt;
        let scrutinee = match self.get(op.args[0]) {
            // A byte with 256 cases would leave the last arm unreachable.
            Expr::Loaded(mem, address) if blocks.len() < 256 => read(mem, &address),
            _ => self.core(op.args[0]),
        };
        let mut arms = Vec::new();
        for (index, (constructor, block)) in self.constructors(id).into_iter().zip(blocks).enumerate() {
            let (statements, values) = self.block(block, Vec::new());
            let value = match &values[..] {
                [] if self.has_unit_payload(id) => quote!(#constructor(())),
                [] => constructor,
                [payload, ..] => quote!(#constructor(#payload)),
            };
            let index = Literal::usize_unsuffixed(index);
            arms.push(if statements.is_empty() {
                quote!(#index => #value,)
            } else {
                quote!(#index => { #(#statements)* #value })
            });
        }
        self.owned(
            op,
            quote!(match #scrutinee { #(#arms)* _ => #rt::invalid_discriminant() }),
        );
    }

    fn lower_handle(&mut self, op: &Op, function: &str) {
        let rt = &self.generator.rt;
        let function = ident(function);
        let (value, cleanup) = (self.reference(op.args[0]), self.callees.cleanup.clone());
        self.bind(op, quote!(#rt::#function(#value, #cleanup)));
    }

    fn lift_handle(&mut self, op: &Op, id: TypeId, function: &str, module: &str, payload: &str) {
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

    fn address(&self, pointer: ValueId, offset: ArchitectureSize) -> TokenStream {
        let pointer = self.core(pointer);
        if offset.is_empty() {
            return pointer;
        }
        let offset = self.generator.size(offset);
        quote!(#pointer.add(#offset))
    }

    fn store(&mut self, op: &Op, mem: MemOp, offset: ArchitectureSize) {
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

    fn call_named(&mut self, op: &Op, id: TypeId, named: NamedOp) {
        let function = self.generator.named_function(id, named);
        let root = to_root(self.from);
        let path = quote!(#root _abi::#function);
        let passes_cleanup = matches!(named, NamedOp::Store | NamedOp::Lower) && self.needs_cleanup(&[Type::Id(id)]);
        let cleanup = passes_cleanup.then(|| self.callees.cleanup.clone());
        match named {
            NamedOp::Store => {
                let (value, pointer) = (self.reference(op.args[0]), self.core(op.args[1]));
                self.statements.push(quote!(#path(#value, #pointer, #cleanup);));
            }
            NamedOp::Lower => {
                let value = self.reference(op.args[0]);
                self.bind(op, quote!(#path(#value, #cleanup)));
            }
            NamedOp::Load | NamedOp::Lift => {
                let args = op.args.iter().map(|id| self.core(*id));
                let call = quote!(#path(#(#args),*));
                self.owned(op, call);
            }
        }
    }

    fn area(&mut self, op: &Op, layout: &Layout) {
        let rt = &self.generator.rt;
        let size = self.generator.const_size(layout.size);
        let (area, pointer) = (self.fresh("area"), self.fresh("pointer"));
        self.statements
            .push(quote!(let mut #area = #rt::Area::<#size>::uninit();));
        self.statements.push(quote!(let #pointer = #area.as_mut_ptr();));
        self.set(op.results[0], Expr::Core(quote!(#pointer)));
    }

    fn hold(&mut self, op: &Op, layout: &Layout) {
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
    fn free_area(&mut self, op: &Op, layout: &Layout) {
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

    fn call_import(&mut self, op: &Op) {
        let import = self
            .callees
            .import
            .clone()
            .expect("a program that calls an import has one");
        let args = op.args.iter().map(|id| self.core(*id));
        let call = quote!(#import(#(#args),*));
        self.bind(op, call);
    }

    fn call_user(&mut self, op: &Op) {
        let user = self
            .callees
            .user
            .clone()
            .expect("a program that calls the user knows the function");
        let args: Vec<TokenStream> = op.args.iter().map(|id| self.take(*id)).collect();
        let call = quote!(#user(#(#args),*));
        match op.results[..] {
            [] => self.statements.push(quote!(#call;)),
            [result, ..] => {
                let name = self.fresh("result");
                self.statements.push(quote!(let #name = #call;));
                self.set(result, Expr::Place(quote!(#name), false));
            }
        }
    }
}

fn read(op: MemOp, address: &TokenStream) -> TokenStream {
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
