//! Programs, and the builder that checks them while they are made.

use wit_parser::abi::WasmType;
use wit_parser::{Resolve, Type};

use super::inst::Inst;
use super::layout::{Types, dealias};

/// A value of a program, numbered in order of its making.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub u32);

/// What a value is: a core value or a value of a WIT type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A core WebAssembly value.
    Core(WasmType),
    /// A value of the language bindings are made for. Aliases are followed, so equal kinds are equal types.
    Wit(Type),
}

impl Kind {
    /// The kind of values of `ty`.
    pub fn wit(resolve: &Resolve, ty: Type) -> Self {
        Self::Wit(dealias(resolve, ty))
    }
}

/// One step: `results = inst(args)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Op {
    /// The instruction.
    pub inst: Inst,
    /// Its operands.
    pub args: Vec<ValueId>,
    /// The values it makes.
    pub results: Vec<ValueId>,
}

/// Steps with parameters and results.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Block {
    /// Values the block is given.
    pub params: Vec<ValueId>,
    /// The steps in order.
    pub ops: Vec<Op>,
    /// Values the block gives.
    pub results: Vec<ValueId>,
}

/// A block that stands on its own, with the kinds of all its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The code.
    pub body: Block,
    /// The kind of each value, indexed by [`ValueId`].
    pub kinds: Vec<Kind>,
}

impl Program {
    /// The kind of a value.
    pub fn kind(&self, value: ValueId) -> Kind {
        self.kinds[value.0 as usize]
    }

    /// Calls `visit` with every instruction, nested ones included.
    pub fn visit(&self, visit: &mut impl FnMut(&Inst)) {
        self.body.visit(visit);
    }
}

impl Block {
    /// Calls `visit` with every instruction, nested ones included.
    pub fn visit(&self, visit: &mut impl FnMut(&Inst)) {
        for op in &self.ops {
            visit(&op.inst);
            for block in op.inst.blocks() {
                block.visit(visit);
            }
        }
    }
}

impl Inst {
    /// The nested blocks, in order.
    pub fn blocks(&self) -> &[Block] {
        match self {
            Self::LowerList(_, block)
            | Self::LiftList(_, block)
            | Self::LowerMap(_, block)
            | Self::LiftMap(_, block)
            | Self::StoreFixedList(_, block)
            | Self::LoadFixedList(_, block) => std::slice::from_ref(block),
            Self::Match(_, blocks, _) | Self::Select(_, blocks) => blocks,
            _ => &[],
        }
    }
}

/// Makes programs. All emission goes through [`Builder::emit`], which checks effects.
pub struct Builder<'a> {
    pub(super) types: &'a Types<'a>,
    kinds: Vec<Kind>,
    open: Vec<Block>,
}

impl<'a> Builder<'a> {
    /// A program with the given parameters, still empty; gives the parameters too.
    pub fn new(types: &'a Types<'a>, params: &[Kind]) -> (Self, Vec<ValueId>) {
        let mut builder = Self {
            types,
            kinds: Vec::new(),
            open: Vec::new(),
        };
        let params = builder.begin(params);
        (builder, params)
    }

    /// Ends the program.
    pub fn finish(mut self, results: Vec<ValueId>) -> Program {
        let body = self.end(results);
        assert!(self.open.is_empty(), "every nested block was ended");
        Program {
            body,
            kinds: self.kinds,
        }
    }

    fn fresh(&mut self, kind: Kind) -> ValueId {
        let id = ValueId(u32::try_from(self.kinds.len()).expect("a program has fewer than 2^32 values"));
        self.kinds.push(kind);
        id
    }

    /// Opens a nested block.
    pub fn begin(&mut self, params: &[Kind]) -> Vec<ValueId> {
        let params: Vec<ValueId> = params.iter().map(|kind| self.fresh(*kind)).collect();
        self.open.push(Block {
            params: params.clone(),
            ..Block::default()
        });
        params
    }

    /// Closes the innermost block.
    pub fn end(&mut self, results: Vec<ValueId>) -> Block {
        let block = self.open.pop().expect("`end` follows a `begin`");
        Block { results, ..block }
    }

    fn kinds_of(&self, values: &[ValueId]) -> Vec<Kind> {
        values.iter().map(|value| self.kinds[value.0 as usize]).collect()
    }

    /// Appends an instruction. The one place where effects are checked: a mismatch is a defect of this crate.
    pub fn emit(&mut self, inst: Inst, args: &[ValueId]) -> Vec<ValueId> {
        let resolve = self.types.resolve;
        let effect = inst.effect(resolve, |ty| self.types.flat(ty));
        assert_eq!(self.kinds_of(args), effect.takes, "operands of {inst:?}");
        for (block, effect) in inst.block_effects(resolve) {
            assert_eq!(
                self.kinds_of(&block.params),
                effect.takes,
                "parameters of a block of {inst:?}"
            );
            assert_eq!(
                self.kinds_of(&block.results),
                effect.gives,
                "results of a block of {inst:?}"
            );
        }
        let results: Vec<ValueId> = effect.gives.into_iter().map(|kind| self.fresh(kind)).collect();
        let op = Op {
            inst,
            args: args.to_vec(),
            results: results.clone(),
        };
        self.open.last_mut().expect("a block is open").ops.push(op);
        results
    }

    /// [`Builder::emit`] for instructions with exactly one result.
    pub fn emit1(&mut self, inst: Inst, args: &[ValueId]) -> ValueId {
        match self.emit(inst, args)[..] {
            [result] => result,
            ref results => unreachable!("one result was expected, there are {}", results.len()),
        }
    }
}
