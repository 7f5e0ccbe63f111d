//! Whole functions: how an import is called and an export is entered.
//!
//! | kind | what the generated code does |
//! |---|---|
//! | sync import | lower parameters, call, lift the result |
//! | async import | `start`: lower parameters into flat values or the area and call, giving the status word; `lift`: read the result from the area once the subtask has returned |
//! | sync export | lift parameters, call the user, lower the result; post-return frees what was held for it |
//! | async export | lift parameters; the task runs the user's future and hands its result to `task.return` |
//!
//! Sources: CanonicalABI.md, "Flattening" (limits 16, 4 and 1), "canon lift", "canon lower", "canon task.return".

use wit_parser::abi::{AbiVariant, WasmType};
use wit_parser::{
    FunctionKind, LiftLowerAbi, Mangling, ManglingAndAbi, Resolve, Type, WasmExport, WasmExportKind, WasmImport,
    WorldKey,
};

use super::inst::Inst;
use super::layout::{Layout, Types};
use super::lower::Address;
use super::program::{Builder, Kind, Program, ValueId};

/// A core function type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Parameter types.
    pub params: Vec<WasmType>,
    /// Result types, at most one.
    pub results: Vec<WasmType>,
}

/// A function of a world with everything a generator needs.
#[derive(Clone, Debug)]
pub struct Function {
    /// The interface it belongs to, or nothing for a function of the world itself.
    pub interface: Option<WorldKey>,
    /// Name, parameters, result, documentation as WIT has them.
    pub func: wit_parser::Function,
    /// The ABI.
    pub abi: FunctionAbi,
}

impl Function {
    /// Types of the parameters.
    pub fn param_types(&self) -> Vec<Type> {
        self.func.params.iter().map(|param| param.ty).collect()
    }

    /// Whether the bindings of this function are asynchronous.
    pub fn is_async(&self) -> bool {
        matches!(self.abi, FunctionAbi::AsyncImport(_) | FunctionAbi::AsyncExport(_))
    }
}

/// The ABI of a function, by direction and by whether it is asynchronous.
#[derive(Clone, Debug)]
pub enum FunctionAbi {
    /// An import lowered synchronously.
    SyncImport(SyncImport),
    /// An import lowered with `async`.
    AsyncImport(AsyncImport),
    /// An export lifted synchronously.
    SyncExport(SyncExport),
    /// An export lifted with `async` and a callback.
    AsyncExport(AsyncExport),
}

/// See [`FunctionAbi::SyncImport`].
#[derive(Clone, Debug)]
pub struct SyncImport {
    /// Module of the core import.
    pub module: String,
    /// Field of the core import.
    pub field: String,
    /// Type of the core import.
    pub signature: Signature,
    /// `value.. -> value?`
    pub program: Program,
}

/// See [`FunctionAbi::AsyncImport`].
#[derive(Clone, Debug)]
pub struct AsyncImport {
    /// Module of the core import.
    pub module: String,
    /// Field of the core import.
    pub field: String,
    /// Type of the core import.
    pub signature: Signature,
    /// Indirect parameters and the result, which must outlive the call.
    pub area: Layout,
    /// `value.. area -> status`
    pub start: Program,
    /// `area -> value`, if there is a result.
    pub lift: Option<Program>,
}

/// See [`FunctionAbi::SyncExport`].
#[derive(Clone, Debug)]
pub struct SyncExport {
    /// Name of the core export.
    pub name: String,
    /// Type of the core export.
    pub signature: Signature,
    /// `core.. -> core?`
    pub program: Program,
    /// Name of the post-return export and the layout of the area it frees, if the result is returned in memory.
    pub post_return: Option<(String, Layout)>,
}

/// See [`FunctionAbi::AsyncExport`].
#[derive(Clone, Debug)]
pub struct AsyncExport {
    /// Name of the core export.
    pub name: String,
    /// Name of its callback's export.
    pub callback: String,
    /// Type of the core export.
    pub signature: Signature,
    /// `core.. -> value..`: the parameters.
    pub lift: Program,
    /// How the result is given.
    pub task_return: TaskReturn,
}

/// The built-in that resolves a task.
#[derive(Clone, Debug)]
pub struct TaskReturn {
    /// Module of the core import.
    pub module: String,
    /// Field of the core import.
    pub field: String,
    /// Type of the core import.
    pub signature: Signature,
    /// `value? ->`
    pub program: Program,
}

/// Whether the first parameter is the resource.
pub fn is_method(kind: &FunctionKind) -> bool {
    matches!(
        kind,
        FunctionKind::Method(_)
            | FunctionKind::AsyncMethod(_)
            | FunctionKind::MethodGetter(_)
            | FunctionKind::MethodSetter(_)
    )
}

const POINTER: Kind = Kind::Core(WasmType::Pointer);

/// Everything about one function while its programs are made.
struct Context<'a> {
    types: &'a Types<'a>,
    interface: Option<&'a WorldKey>,
    func: &'a wit_parser::Function,
    params: Vec<Type>,
    mangling: ManglingAndAbi,
}

/// The ABI of `func`, imported or exported. `asynchronous` asks for the async ABI, which only `async` functions have.
pub(crate) fn function(
    types: &Types<'_>,
    interface: Option<&WorldKey>,
    func: &wit_parser::Function,
    exported: bool,
    asynchronous: bool,
) -> Function {
    let abi = if asynchronous {
        LiftLowerAbi::AsyncCallback
    } else {
        LiftLowerAbi::Sync
    };
    let params = func.params.iter().map(|param| param.ty).collect();
    let cx = Context {
        types,
        interface,
        func,
        params,
        mangling: ManglingAndAbi::Legacy(abi),
    };
    let abi = match (exported, asynchronous) {
        (false, false) => FunctionAbi::SyncImport(cx.sync_import()),
        (false, true) => FunctionAbi::AsyncImport(cx.async_import()),
        (true, false) => FunctionAbi::SyncExport(cx.sync_export()),
        (true, true) => FunctionAbi::AsyncExport(cx.async_export()),
    };
    Function {
        interface: interface.cloned(),
        func: func.clone(),
        abi,
    }
}

impl Context<'_> {
    fn resolve(&self) -> &Resolve {
        self.types.resolve
    }

    fn signature(&self, variant: AbiVariant) -> (Signature, bool, bool) {
        let mut sig = self.resolve().wasm_signature(variant, self.func);
        // wit-parser makes the representation that an exported method gets a pointer. It is an `i32` like every other one.
        if matches!(variant, AbiVariant::GuestExport | AbiVariant::GuestExportAsync)
            && is_method(&self.func.kind)
            && !sig.indirect_params
        {
            sig.params[0] = WasmType::I32;
        }
        (
            Signature {
                params: sig.params,
                results: sig.results,
            },
            sig.indirect_params,
            sig.retptr,
        )
    }

    fn import_name(&self) -> (String, String) {
        let import = WasmImport::Func {
            interface: self.interface,
            func: self.func,
        };
        self.resolve().wasm_import_name(self.mangling, import)
    }

    fn export_name(&self, kind: WasmExportKind) -> String {
        let export = WasmExport::Func {
            interface: self.interface,
            func: self.func,
            kind,
        };
        self.resolve().wasm_export_name(self.mangling, export)
    }

    fn param_kinds(&self) -> Vec<Kind> {
        self.params.iter().map(|ty| Kind::wit(self.resolve(), *ty)).collect()
    }

    fn lower_params(&self, builder: &mut Builder<'_>, values: &[ValueId]) -> Vec<ValueId> {
        self.params
            .iter()
            .zip(values)
            .flat_map(|(ty, value)| builder.lower(ty, *value))
            .collect()
    }

    fn sync_import(&self) -> SyncImport {
        let (signature, indirect, retptr) = self.signature(AbiVariant::GuestImport);
        let (mut builder, values) = Builder::new(self.types, &self.param_kinds());
        let mut args = if indirect {
            let area = builder.emit1(Inst::Area(self.types.record(&self.params)), &[]);
            builder.store_record(&self.params, &values, Address::new(area));
            vec![area]
        } else {
            self.lower_params(&mut builder, &values)
        };
        let result_area = self.func.result.filter(|_| retptr).map(|ty| {
            let area = builder.emit1(Inst::Area(self.types.layout(&ty)), &[]);
            args.push(area);
            area
        });
        let call = Inst::CallImport(signature.params.clone(), signature.results.clone());
        let flat = builder.emit(call, &args);
        let result = self.func.result.map(|ty| match result_area {
            Some(area) => builder.load(&ty, Address::new(area)),
            None => builder.lift(&ty, &flat),
        });
        let (module, field) = self.import_name();
        SyncImport {
            module,
            field,
            signature,
            program: builder.finish(result.into_iter().collect()),
        }
    }

    fn async_import(&self) -> AsyncImport {
        let (signature, indirect, _) = self.signature(AbiVariant::GuestImportAsync);
        let mut in_area = if indirect { self.params.clone() } else { Vec::new() };
        in_area.extend(self.func.result);
        let offsets = self.types.offsets(&in_area);

        let mut kinds = self.param_kinds();
        kinds.push(POINTER);
        let (mut builder, values) = Builder::new(self.types, &kinds);
        let (values, area) = values.split_at(self.params.len());
        let area = Address::new(area[0]);
        let mut args = if indirect {
            builder.store_record(&self.params, values, area);
            vec![area.base]
        } else {
            self.lower_params(&mut builder, values)
        };
        let result = self.func.result.zip(offsets.last().copied());
        if let Some((_, offset)) = result {
            args.push(builder.pointer(area.plus(offset)));
        }
        let call = Inst::CallImport(signature.params.clone(), signature.results.clone());
        let status = builder.emit(call, &args);
        let start = builder.finish(status);

        let lift = result.map(|(ty, offset)| {
            let (mut builder, params) = Builder::new(self.types, &[POINTER]);
            let value = builder.load(&ty, Address::new(params[0]).plus(offset));
            builder.finish(vec![value])
        });
        let (module, field) = self.import_name();
        AsyncImport {
            module,
            field,
            signature,
            area: self.types.record(&in_area),
            start,
            lift,
        }
    }

    /// Starts an export's program: its core parameters come in, the WIT parameters come out.
    fn lift_params(&self, signature: &Signature, indirect: bool) -> (Builder<'_>, Vec<ValueId>) {
        let kinds: Vec<Kind> = signature.params.iter().map(|ty| Kind::Core(*ty)).collect();
        let (mut builder, flat) = Builder::new(self.types, &kinds);
        if !indirect {
            let values = builder.lift_all(&self.params, &flat);
            return (builder, values);
        }
        let values = builder.load_record(&self.params, Address::new(flat[0]));
        builder.emit(Inst::FreeArea(self.types.record(&self.params)), &flat);
        (builder, values)
    }

    fn sync_export(&self) -> SyncExport {
        let (signature, indirect, retptr) = self.signature(AbiVariant::GuestExport);
        let (mut builder, values) = self.lift_params(&signature, indirect);
        let result = builder.emit(Inst::CallUser(self.params.clone(), self.func.result), &values);
        let mut post_return = None;
        let results = match self.func.result {
            Some(ty) if retptr => {
                let layout = self.types.layout(&ty);
                let held = builder.emit(Inst::Hold(ty, layout), &result);
                builder.store(&ty, held[0], Address::new(held[1]));
                post_return = Some((self.export_name(WasmExportKind::PostReturn), layout));
                vec![held[1]]
            }
            Some(ty) => builder.lower(&ty, result[0]),
            None => Vec::new(),
        };
        SyncExport {
            name: self.export_name(WasmExportKind::Normal),
            signature,
            program: builder.finish(results),
            post_return,
        }
    }

    fn async_export(&self) -> AsyncExport {
        let (signature, indirect, _) = self.signature(AbiVariant::GuestExportAsync);
        let (builder, values) = self.lift_params(&signature, indirect);
        AsyncExport {
            name: self.export_name(WasmExportKind::Normal),
            callback: self.export_name(WasmExportKind::Callback),
            signature,
            lift: builder.finish(values),
            task_return: self.task_return(),
        }
    }

    fn task_return(&self) -> TaskReturn {
        let (module, field, sig) = self
            .func
            .task_return_import(self.resolve(), self.interface, Mangling::Legacy);
        let kinds: Vec<Kind> = self
            .func
            .result
            .iter()
            .map(|ty| Kind::wit(self.resolve(), *ty))
            .collect();
        let (mut builder, values) = Builder::new(self.types, &kinds);
        let args = match self.func.result {
            Some(ty) if sig.indirect_params => {
                let area = builder.emit1(Inst::Area(self.types.layout(&ty)), &[]);
                builder.store(&ty, values[0], Address::new(area));
                vec![area]
            }
            Some(ty) => builder.lower(&ty, values[0]),
            None => Vec::new(),
        };
        builder.emit(Inst::CallImport(sig.params.clone(), sig.results.clone()), &args);
        let signature = Signature {
            params: sig.params,
            results: sig.results,
        };
        TaskReturn {
            module,
            field,
            signature,
            program: builder.finish(Vec::new()),
        }
    }
}
