//! Programs as text, for `bindgen listing` and for tests: one line a step, nested blocks indented.
//!
//! ```text
//! export test:greet/api#greet: async func(name: string) -> string
//!   core (pointer, length) -> (i32)  "[async-lift]test:greet/api#greet"
//!   lift (v0: pointer, v1: length)
//!     v2 = lift-string v0 v1
//!     give v2
//! ```

use std::fmt::Write;

use wit_parser::abi::WasmType;
use wit_parser::{Alignment, ArchitectureSize, Handle, Resolve, Type, TypeDefKind, TypeId};

use super::call::{Function, FunctionAbi, Signature};
use super::inst::{Inst, MemOp, Scalar};
use super::layout::Layout;
use super::program::{Block, Kind, Op, Program, ValueId};

/// A function with all its programs.
pub fn list_function(resolve: &Resolve, function: &Function) -> String {
    let mut text = Text {
        resolve,
        out: String::new(),
        indent: 1,
    };
    let core = |signature: &Signature| {
        format!(
            "core {} -> {}",
            core_list(&signature.params),
            core_list(&signature.results)
        )
    };
    match &function.abi {
        FunctionAbi::SyncImport(abi) => {
            text.line(&format!("{}  {:?} {:?}", core(&abi.signature), abi.module, abi.field));
            text.program("call", &abi.program);
        }
        FunctionAbi::AsyncImport(abi) => {
            text.line(&format!("{}  {:?} {:?}", core(&abi.signature), abi.module, abi.field));
            text.line(&format!("area {}", layout(&abi.area)));
            text.program("start", &abi.start);
            if let Some(lift) = &abi.lift {
                text.program("lift", lift);
            }
        }
        FunctionAbi::SyncExport(abi) => {
            text.line(&format!("{}  {:?}", core(&abi.signature), abi.name));
            text.program("call", &abi.program);
            if let Some((name, area)) = &abi.post_return {
                text.line(&format!(
                    "post-return {name:?} frees what was held with {}",
                    layout(area)
                ));
            }
        }
        FunctionAbi::AsyncExport(abi) => {
            text.line(&format!("{}  {:?} {:?}", core(&abi.signature), abi.name, abi.callback));
            text.program("lift", &abi.lift);
            let task_return = &abi.task_return;
            text.line(&format!(
                "{}  {:?} {:?}",
                core(&task_return.signature),
                task_return.module,
                task_return.field
            ));
            text.program("task-return", &task_return.program);
        }
    }
    text.out
}

/// A program under a name.
pub fn list_program(resolve: &Resolve, name: &str, program: &Program) -> String {
    let mut text = Text {
        resolve,
        out: String::new(),
        indent: 1,
    };
    text.program(name, program);
    text.out
}

struct Text<'a> {
    resolve: &'a Resolve,
    out: String,
    indent: usize,
}

impl Text<'_> {
    fn line(&mut self, line: &str) {
        let width = self.indent * 2;
        writeln!(self.out, "{:width$}{line}", "").expect("a string takes all text");
    }

    fn program(&mut self, name: &str, program: &Program) {
        let params = program.body.params.iter();
        let params: Vec<String> = params
            .map(|id| format!("{}: {}", value(*id), self.kind(program.kind(*id))))
            .collect();
        self.line(&format!("{name} ({})", params.join(", ")));
        self.body(&program.body);
    }

    fn body(&mut self, block: &Block) {
        self.indent += 1;
        for op in &block.ops {
            self.op(op);
        }
        if !block.results.is_empty() {
            self.line(&format!("give {}", values(&block.results)));
        }
        self.indent -= 1;
    }

    fn op(&mut self, op: &Op) {
        let mut line = String::new();
        if !op.results.is_empty() {
            line = format!("{} = ", values(&op.results));
        }
        line.push_str(&self.inst(&op.inst));
        if !op.args.is_empty() {
            line.push(' ');
            line.push_str(&values(&op.args));
        }
        self.line(&line);
        for (index, block) in op.inst.blocks().iter().enumerate() {
            self.indent += 1;
            let params = if block.params.is_empty() {
                String::new()
            } else {
                format!(" {}", values(&block.params))
            };
            match &op.inst {
                Inst::Match(id, ..) | Inst::Select(id, _) => {
                    self.line(&format!("case {}{params}", self.case(*id, index)))
                }
                _ => self.line(&format!("each{params}")),
            }
            self.body(block);
            self.indent -= 1;
        }
    }

    fn inst(&self, inst: &Inst) -> String {
        let named = |what: &str, id: &TypeId| format!("{what} {}", self.ty(&Type::Id(*id)));
        match inst {
            Inst::Const(n) => format!("const {n}"),
            Inst::Zero(ty) => format!("zero {}", core(*ty)),
            Inst::Cast(from, to) => format!("cast {} to {}", core(*from), core(*to)),
            Inst::LowerScalar(scalar) => format!("lower {}", scalar_name(*scalar)),
            Inst::LiftScalar(scalar) => format!("lift {}", scalar_name(*scalar)),
            Inst::LowerString => "lower-string".to_owned(),
            Inst::LiftString => "lift-string".to_owned(),
            Inst::LowerPlainList(id) => named("lower-plain-list", id),
            Inst::LiftPlainList(id) => named("lift-plain-list", id),
            Inst::LowerList(id, _) => named("lower-list", id),
            Inst::LiftList(id, _) => named("lift-list", id),
            Inst::LowerMap(id, _) => named("lower-map", id),
            Inst::LiftMap(id, _) => named("lift-map", id),
            Inst::SplitFixedList(id) | Inst::SplitRecord(id) | Inst::SplitTuple(id) => named("split", id),
            Inst::JoinFixedList(id) | Inst::JoinRecord(id) | Inst::JoinTuple(id) => named("join", id),
            Inst::StoreFixedList(id, _) => named("store-list", id),
            Inst::LoadFixedList(id, _) => named("load-list", id),
            Inst::LowerFlags(id)
            | Inst::LowerEnum(id)
            | Inst::LowerStream(id)
            | Inst::LowerFuture(id)
            | Inst::LowerHandle(id) => named("lower", id),
            Inst::LiftFlags(id)
            | Inst::LiftEnum(id)
            | Inst::LiftStream(id)
            | Inst::LiftFuture(id)
            | Inst::LiftHandle(id) => named("lift", id),
            Inst::LowerErrorContext => "lower error-context".to_owned(),
            Inst::LiftErrorContext => "lift error-context".to_owned(),
            Inst::Match(id, ..) => named("match", id),
            Inst::Select(id, _) => named("select", id),
            Inst::Offset(by) => format!("offset +{}", size(*by)),
            Inst::Load(op, offset) => format!("load {} +{}", mem_op(*op), size(*offset)),
            Inst::Store(op, offset) => format!("store {} +{}", mem_op(*op), size(*offset)),
            Inst::StoreNamed(id) => named("call store", id),
            Inst::LoadNamed(id) => named("call load", id),
            Inst::LowerNamed(id) => named("call lower", id),
            Inst::LiftNamed(id) => named("call lift", id),
            Inst::Area(area) => format!("area {}", layout(area)),
            Inst::Hold(_, area) => format!("hold with area {}", layout(area)),
            Inst::FreeArea(area) => format!("free-area {}", layout(area)),
            Inst::CallImport(..) => "call-import".to_owned(),
            Inst::CallUser(..) => "call-user".to_owned(),
        }
    }

    fn case(&self, id: TypeId, index: usize) -> String {
        match &self.resolve.types[id].kind {
            TypeDefKind::Variant(variant) => variant.cases[index].name.clone(),
            TypeDefKind::Option(_) => ["none", "some"][index].to_owned(),
            _ => ["ok", "err"][index].to_owned(),
        }
    }

    fn kind(&self, kind: Kind) -> String {
        match kind {
            Kind::Core(ty) => core(ty).to_owned(),
            Kind::Wit(ty) => self.ty(&ty),
        }
    }

    fn ty(&self, ty: &Type) -> String {
        type_name(self.resolve, ty)
    }
}

/// A type as WIT writes it.
pub fn type_name(resolve: &Resolve, ty: &Type) -> String {
    let Type::Id(id) = ty else {
        return match Scalar::of(ty) {
            Some(scalar) => scalar_name(scalar).to_owned(),
            None if *ty == Type::String => "string".to_owned(),
            None => "error-context".to_owned(),
        };
    };
    let def = &resolve.types[*id];
    if let Some(name) = &def.name {
        return name.clone();
    }
    let of = |ty: &Type| type_name(resolve, ty);
    let optional = |ty: &Option<Type>| ty.as_ref().map_or("_".to_owned(), of);
    match &def.kind {
        TypeDefKind::List(ty) => format!("list<{}>", of(ty)),
        TypeDefKind::FixedLengthList(ty, n) => format!("list<{}, {n}>", of(ty)),
        TypeDefKind::Map(key, value) => format!("map<{}, {}>", of(key), of(value)),
        TypeDefKind::Option(ty) => format!("option<{}>", of(ty)),
        TypeDefKind::Result(result) => match (&result.ok, &result.err) {
            (None, None) => "result".to_owned(),
            (Some(ok), None) => format!("result<{}>", of(ok)),
            (ok, err) => format!("result<{}, {}>", optional(ok), optional(err)),
        },
        TypeDefKind::Tuple(tuple) => format!("tuple<{}>", tuple.types.iter().map(of).collect::<Vec<_>>().join(", ")),
        TypeDefKind::Stream(payload) => payload
            .as_ref()
            .map_or("stream".to_owned(), |ty| format!("stream<{}>", of(ty))),
        TypeDefKind::Future(payload) => payload
            .as_ref()
            .map_or("future".to_owned(), |ty| format!("future<{}>", of(ty))),
        TypeDefKind::Handle(Handle::Own(id)) => format!("own<{}>", of(&Type::Id(*id))),
        TypeDefKind::Handle(Handle::Borrow(id)) => format!("borrow<{}>", of(&Type::Id(*id))),
        TypeDefKind::Type(ty) => of(ty),
        kind => kind.as_str().to_owned(),
    }
}

fn value(id: ValueId) -> String {
    format!("v{}", id.0)
}

fn values(ids: &[ValueId]) -> String {
    ids.iter().map(|id| value(*id)).collect::<Vec<_>>().join(" ")
}

fn core_list(types: &[WasmType]) -> String {
    format!("({})", types.iter().map(|ty| core(*ty)).collect::<Vec<_>>().join(", "))
}

fn core(ty: WasmType) -> &'static str {
    match ty {
        WasmType::I32 => "i32",
        WasmType::I64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
        WasmType::Pointer => "pointer",
        WasmType::PointerOrI64 => "pointer-or-i64",
        WasmType::Length => "length",
    }
}

fn scalar_name(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::Bool => "bool",
        Scalar::U8 => "u8",
        Scalar::S8 => "s8",
        Scalar::U16 => "u16",
        Scalar::S16 => "s16",
        Scalar::U32 => "u32",
        Scalar::S32 => "s32",
        Scalar::U64 => "u64",
        Scalar::S64 => "s64",
        Scalar::F32 => "f32",
        Scalar::F64 => "f64",
        Scalar::Char => "char",
    }
}

fn mem_op(op: MemOp) -> &'static str {
    match op {
        MemOp::U8 => "u8",
        MemOp::S8 => "s8",
        MemOp::U16 => "u16",
        MemOp::S16 => "s16",
        MemOp::I32 => "i32",
        MemOp::I64 => "i64",
        MemOp::F32 => "f32",
        MemOp::F64 => "f64",
        MemOp::Pointer => "pointer",
        MemOp::Length => "length",
    }
}

fn size(size: ArchitectureSize) -> String {
    match (size.bytes, size.pointers) {
        (bytes, 0) => bytes.to_string(),
        (0, pointers) => format!("{pointers}p"),
        (bytes, pointers) => format!("{bytes}+{pointers}p"),
    }
}

fn layout(layout: &Layout) -> String {
    let align = match layout.align {
        Alignment::Pointer => "p".to_owned(),
        Alignment::Bytes(n) => n.to_string(),
    };
    format!("{} align {align}", size(layout.size))
}
