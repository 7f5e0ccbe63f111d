//! From a program of `bindgen-core` to Rust statements and expressions.
//!
//! Values become expressions that are put where they are used; a statement is made only for what has an effect or several
//! results. Lowering works on places ([`Expr::Place`]), which are only ever borrowed; lifting makes owned expressions, each used
//! exactly once. A program never reads memory after it was handed on, with one exception: parameters that arrive in memory are
//! bound to names before that memory is freed ([`Code::free_area`]).

mod aggregates;
mod calls;
mod handles;
mod lists;
mod memory;

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, quote};
use witflow_bindgen_core::abi::{Block, Inst, MemOp, NamedOp, Op, Program, Scalar, ValueId};

use crate::Generator;
use crate::exports::User;
use crate::names::Scope;
use crate::ownership::Style;
use crate::paths::ModulePath;

pub(crate) use memory::core_type;
use memory::read;

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
#[derive(Default)]
pub(crate) struct Callees {
    /// The core import of `call-import`.
    pub import: Option<Ident>,
    /// The user's function of `call-user`.
    pub user: Option<User>,
    /// The expression that passes the clean-up list on.
    pub cleanup: TokenStream,
    /// Whether borrow handles that are lowered are noted in the clean-up list.
    pub lends: bool,
    /// How the program's parameters hold their parts, as far as they are lowered.
    pub styles: Vec<Style>,
    /// The expression that passes on what keeps the borrow handles that are lifted.
    pub borrows: TokenStream,
}

/// The translation of one program.
pub(crate) struct Code<'g> {
    generator: &'g Generator<'g>,
    from: &'g ModulePath,
    locals: Scope,
    values: Vec<Option<Expr>>,
    /// How each value holds its parts.
    styles: Vec<Style>,
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
        let mut styles = vec![Style::Owned; program.kinds.len()];
        for (id, style) in program.body.params.iter().zip(&callees.styles) {
            styles[id.0 as usize] = *style;
        }
        let mut code = Code {
            generator,
            from,
            locals,
            values,
            styles,
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

    /// How a value holds its parts.
    fn style(&self, id: ValueId) -> Style {
        self.styles[id.0 as usize]
    }

    /// Says that values are part of another one.
    fn parts(&mut self, parts: &[ValueId], whole: ValueId) {
        for part in parts {
            self.styles[part.0 as usize] = self.style(whole);
        }
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
            Inst::LiftString => self.lift_string(op),
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
            Inst::LiftEnum(id) => self.lift_enum(op, *id),
            Inst::Match(id, blocks, results) => self.match_cases(op, *id, blocks, results.len()),
            Inst::Select(id, blocks) => self.select_case(op, *id, blocks),
            Inst::LowerStream(_) | Inst::LowerFuture(_) | Inst::LowerHandle(_) | Inst::LowerErrorContext => {
                self.lower_handle(op);
            }
            Inst::LiftStream(_) | Inst::LiftFuture(_) | Inst::LiftHandle(_) | Inst::LiftErrorContext => {
                self.lift_handle(op);
            }
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
}
