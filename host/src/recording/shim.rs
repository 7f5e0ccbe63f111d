//! The code of shims.
//!
//! A shim imports the functions it wraps from an instance `wrapped`, what tells the host from `host`, and from `base` the number of the task
//! that runs in the instance. It exports functions of the same names. Each tells of its call, makes it, and tells of its result; the host
//! answers the first with the number of the task.

use super::plan::{Point, Role};
use wasm_encoder::{
    CodeSection, ConstExpr, EntityType, ExportKind, ExportSection, Function, FunctionSection, GlobalSection,
    GlobalType, ImportSection, Module, TypeSection, ValType,
};
use wasmparser::ValType as Given;

/// How many values an event has room for.
pub(super) const VALUES: usize = 12;

/// The index of the function that tells the host, in a shim.
const EVENT: u32 = 0;
/// That of `context.get` for slot 0.
const CONTEXT: u32 = 1;
/// How many functions come before those that are wrapped.
const WRAPPED: u32 = 2;
/// The index of the task that runs.
const TASK: u32 = 0;

/// The number of a task.
const NUMBER: GlobalType = GlobalType {
    val_type: ValType::I32,
    mutable: true,
    shared: false,
};

/// The module that all shims of an instance share.
pub(super) fn base() -> Module {
    let mut globals = GlobalSection::new();
    globals.global(NUMBER, &ConstExpr::i32_const(0));
    let mut exports = ExportSection::new();
    exports.export("task", ExportKind::Global, 0);
    let mut module = Module::new();
    module.section(&globals).section(&exports);
    module
}

/// A shim for functions, each with its number.
pub(super) fn shim(points: &[(u32, &Point)]) -> Module {
    let (mut types, mut imports) = (TypeSection::new(), ImportSection::new());
    let (mut functions, mut exports) = (FunctionSection::new(), ExportSection::new());
    let mut code = CodeSection::new();
    let event = [[ValType::I32; 4].as_slice(), &[ValType::I64; VALUES]].concat();
    types.ty().function(event, [ValType::I32]);
    types.ty().function([], [ValType::I32]);
    imports.import("host", "event", EntityType::Function(EVENT));
    imports.import("host", "context", EntityType::Function(CONTEXT));
    imports.import("base", "task", NUMBER);
    for (index, (number, point)) in points.iter().enumerate() {
        let index = WRAPPED + index as u32;
        types.ty().function(encoded(&point.params), encoded(&point.results));
        imports.import("wrapped", &point.field, EntityType::Function(index));
        functions.function(index);
        exports.export(&point.field, ExportKind::Func, index + points.len() as u32);
        code.function(&Wrapper::new(*number, index, point).function());
    }
    let mut module = Module::new();
    module
        .section(&types)
        .section(&imports)
        .section(&functions)
        .section(&exports)
        .section(&code);
    module
}

fn encoded(types: &[Given]) -> impl ExactSizeIterator<Item = ValType> {
    types.iter().map(|ty| match ty {
        Given::I64 => ValType::I64,
        Given::F32 => ValType::F32,
        Given::F64 => ValType::F64,
        // The plan has no other types.
        _ => ValType::I32,
    })
}

/// A function that wraps another. Its locals are the parameters, the task, the results.
struct Wrapper<'a> {
    number: u32,
    wrapped: u32,
    point: &'a Point,
    code: Function,
}

impl<'a> Wrapper<'a> {
    fn new(number: u32, wrapped: u32, point: &'a Point) -> Self {
        let locals = std::iter::once(ValType::I32).chain(encoded(&point.results));
        let code = Function::new_with_locals_types(locals.collect::<Vec<_>>());
        Wrapper {
            number,
            wrapped,
            point,
            code,
        }
    }

    fn task(&self) -> u32 {
        self.point.params.len() as u32
    }

    fn function(mut self) -> Function {
        let point = self.point;
        let task = self.task();
        if point.role == Role::Import {
            self.code.instructions().global_get(TASK).local_set(task);
            self.event(0, 0, &point.params, false);
            self.code.instructions().drop();
        } else {
            self.event(0, 0, &point.params, point.role == Role::Callback);
            self.code.instructions().local_tee(task).global_set(TASK);
        }
        for param in 0..task {
            self.code.instructions().local_get(param);
        }
        self.code.instructions().call(self.wrapped);
        let results = task + 1..task + 1 + point.results.len() as u32;
        for result in results.clone().rev() {
            self.code.instructions().local_set(result);
        }
        self.code.instructions().local_get(task).global_set(TASK);
        self.event(
            1,
            task + 1,
            &point.results,
            point.role == Role::Start || point.role == Role::Callback,
        );
        self.code.instructions().drop();
        for result in results {
            self.code.instructions().local_get(result);
        }
        self.code.instructions().end();
        self.code
    }

    /// Tells of the call (phase 0) or its end (phase 1), with the values of locals, and before them the context if wanted.
    fn event(&mut self, phase: i32, first: u32, types: &[Given], with_context: bool) {
        let task = self.task();
        let room = VALUES - usize::from(with_context);
        let shown = &types[..types.len().min(room)];
        let mut code = self.code.instructions();
        code.i32_const(self.number as i32).i32_const(phase).local_get(task);
        let mut count = shown.len();
        code.i32_const((count + usize::from(with_context)) as i32);
        if with_context {
            code.call(CONTEXT).i64_extend_i32_u();
            count += 1;
        }
        for (local, ty) in (first..).zip(shown) {
            code.local_get(local);
            match ty {
                Given::I64 => &mut code,
                Given::F32 => code.i32_reinterpret_f32().i64_extend_i32_u(),
                Given::F64 => code.i64_reinterpret_f64(),
                _ => code.i64_extend_i32_u(),
            };
        }
        for _ in count..VALUES {
            code.i64_const(0);
        }
        code.call(EVENT);
    }
}
