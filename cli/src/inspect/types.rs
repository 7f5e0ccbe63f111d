//! Named types with their fields, and the payloads of streams and futures.

use std::io::{self, Write as _};

use wit_parser::{Type, TypeDefKind, TypeId};
use witflow_bindgen_rust::core::abi::{Resource, WasmType, is_resource, type_name};
use witflow_bindgen_rust::core::world::{Item, Payload, PayloadKind};

use super::Page;
use crate::console::Ink;

/// A part of a type: what WIT says of it, and where it is in memory, if it has a place of its own.
struct Part {
    text: String,
    offset: Option<usize>,
}

impl Page<'_, '_> {
    /// The types that the world and its interfaces define.
    pub(super) fn named_types(&mut self) -> io::Result<()> {
        let types = self.defined();
        if types.is_empty() {
            return Ok(());
        }
        self.section("types")?;
        types.into_iter().try_for_each(|id| self.named_type(id))
    }

    /// Each once, in the order of the world. What another interface defined is listed there.
    fn defined(&self) -> Vec<TypeId> {
        let resolve = self.world.resolve();
        let mut found = Vec::new();
        for (_, item) in self.world.items_with_direction() {
            let ids: Vec<TypeId> = match item {
                Item::Interface(interface) => resolve.interfaces[interface.id].types.values().copied().collect(),
                Item::Type(id) | Item::Resource(Resource { id, .. }) => vec![*id],
                Item::Function(_) => Vec::new(),
            };
            for id in ids.into_iter().map(|id| self.world.types.first(id)) {
                let is_use = matches!(&resolve.types[id].kind, TypeDefKind::Type(Type::Id(target))
                    if resolve.types[*target].name == resolve.types[id].name);
                if !is_use && !found.contains(&id) {
                    found.push(id);
                }
            }
        }
        found
    }

    fn named_type(&mut self, id: TypeId) -> io::Result<()> {
        let def = &self.world.resolve().types[id];
        self.docs(2, def.docs.contents.as_deref())?;
        let name = self.out.ink(Ink::Name, def.name.as_deref().unwrap_or_default());
        let (kind, parts) = self.parts(id);
        let size = match &def.kind {
            _ if self.brief => String::new(),
            _ if is_resource(self.world.resolve(), id) => self.out.ink(Ink::Aside, "  a handle has 4 bytes"),
            _ => {
                let layout = self.world.types.layout(&Type::Id(id));
                let size = bytes(layout.size.size_wasm32());
                self.out.ink(
                    Ink::Aside,
                    &format!("  {size}, aligned to {}", layout.align.align_wasm32()),
                )
            }
        };
        match &parts[..] {
            // An alias or a list has one part, which stands on the same line.
            [part] if part.offset.is_none() && kind == "type" => {
                writeln!(self.out, "  type {name} = {}{size}", part.text)?;
            }
            parts => {
                writeln!(self.out, "  {kind} {name}{size}")?;
                // What has a place has it in a column of its own.
                let width = parts.iter().map(|part| part.text.len()).max().unwrap_or_default();
                for part in parts {
                    match part.offset.filter(|_| !self.brief) {
                        None => writeln!(self.out, "    {}", part.text)?,
                        Some(at) => {
                            let at = self.out.ink(Ink::Aside, &format!("at {at}"));
                            writeln!(self.out, "    {:<width$}  {at}", part.text)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The kind of a type, and what it consists of.
    fn parts(&self, id: TypeId) -> (&'static str, Vec<Part>) {
        let ty = |ty: &Type| type_name(self.world.resolve(), ty);
        let plain = |text: String| Part { text, offset: None };
        match &self.world.resolve().types[id].kind {
            TypeDefKind::Record(record) => {
                let types: Vec<Type> = record.fields.iter().map(|field| field.ty).collect();
                let offsets = self.world.types.offsets(&types);
                let field = |(field, offset): (&wit_parser::Field, &wit_parser::ArchitectureSize)| Part {
                    text: format!("{}: {}", field.name, ty(&field.ty)),
                    offset: Some(offset.size_wasm32()),
                };
                ("record", record.fields.iter().zip(&offsets).map(field).collect())
            }
            TypeDefKind::Variant(variant) => {
                let offset = self.world.types.payload_offset(id).size_wasm32();
                let case = |case: &wit_parser::Case| Part {
                    text: case.ty.map_or_else(
                        || case.name.clone(),
                        |payload| format!("{}({})", case.name, ty(&payload)),
                    ),
                    offset: case.ty.map(|_| offset),
                };
                ("variant", variant.cases.iter().map(case).collect())
            }
            TypeDefKind::Enum(def) => ("enum", def.cases.iter().map(|case| plain(case.name.clone())).collect()),
            TypeDefKind::Flags(flags) => (
                "flags",
                flags.flags.iter().map(|flag| plain(flag.name.clone())).collect(),
            ),
            TypeDefKind::Resource => ("resource", Vec::new()),
            TypeDefKind::Type(target) => ("type", vec![plain(ty(target))]),
            _ => ("type", vec![plain(self.structure(id))]),
        }
    }

    /// A type that has a name, as it would be written without.
    fn structure(&self, id: TypeId) -> String {
        let ty = |ty: &Type| type_name(self.world.resolve(), ty);
        let optional = |payload: &Option<Type>| payload.as_ref().map_or_else(|| "_".to_owned(), ty);
        match &self.world.resolve().types[id].kind {
            TypeDefKind::List(element) => format!("list<{}>", ty(element)),
            TypeDefKind::FixedLengthList(element, len) => format!("list<{}, {len}>", ty(element)),
            TypeDefKind::Map(key, value) => format!("map<{}, {}>", ty(key), ty(value)),
            TypeDefKind::Option(some) => format!("option<{}>", ty(some)),
            TypeDefKind::Result(result) => format!("result<{}, {}>", optional(&result.ok), optional(&result.err)),
            TypeDefKind::Tuple(tuple) => {
                let types: Vec<String> = tuple.types.iter().map(ty).collect();
                format!("tuple<{}>", types.join(", "))
            }
            TypeDefKind::Stream(payload) => format!("stream<{}>", optional(payload)),
            TypeDefKind::Future(payload) => format!("future<{}>", optional(payload)),
            kind => kind.as_str().to_owned(),
        }
    }

    /// What streams and futures carry, if there are any.
    pub(super) fn payloads(&mut self) -> io::Result<()> {
        let world = self.world;
        if world.payloads.is_empty() {
            return Ok(());
        }
        self.section("payloads")?;
        world.payloads.iter().try_for_each(|payload| self.payload(payload))
    }

    fn payload(&mut self, payload: &Payload) -> io::Result<()> {
        let kind = match payload.kind {
            PayloadKind::Stream => "stream",
            PayloadKind::Future => "future",
        };
        let ty = payload
            .ty
            .map(|ty| format!("<{}>", type_name(self.world.resolve(), &ty)));
        let name = self.out.ink(Ink::Name, &format!("{kind}{}", ty.unwrap_or_default()));
        let way = match (&payload.ty, &payload.transfer) {
            (None, _) => "nothing but the fact".to_owned(),
            (Some(_), None) => format!("{} each, copied as they are", bytes(payload.layout.size.size_wasm32())),
            (Some(_), Some(_)) => format!(
                "{} each, converted one by one",
                bytes(payload.layout.size.size_wasm32())
            ),
        };
        writeln!(self.out, "  {name}  {}", self.out.ink(Ink::Aside, &way))?;
        let built_ins = format!("made by {:?} {:?}", payload.module, payload.intrinsics.new);
        writeln!(self.out, "    {}", self.out.ink(Ink::Aside, &built_ins))
    }
}

/// A core type, in 32-bit memory.
pub(super) fn core(ty: WasmType) -> &'static str {
    match ty {
        WasmType::I32 | WasmType::Pointer | WasmType::Length => "i32",
        WasmType::I64 | WasmType::PointerOrI64 => "i64",
        WasmType::F32 => "f32",
        WasmType::F64 => "f64",
    }
}

pub(super) fn bytes(number: usize) -> String {
    match number {
        1 => "1 byte".to_owned(),
        _ => format!("{number} bytes"),
    }
}
