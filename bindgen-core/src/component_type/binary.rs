//! The binary format of component types, as much of it as describes a world.
//!
//! Only what a world needs can be said here. The numbers are those of the Component Model's `Binary.md`; `tests/component_type.rs`
//! compares what comes of them with what other tools write.

/// The first bytes of every component.
const PREAMBLE: [u8; 8] = *b"\0asm\x0d\0\x01\0";

/// What an index, an alias or an export is about.
#[derive(Clone, Copy)]
enum Sort {
    Func = 0x01,
    Type = 0x03,
    Component = 0x04,
    Instance = 0x05,
}

/// A value type: a primitive one, or one that was defined.
#[derive(Clone, Copy)]
pub(super) enum ValType {
    Primitive(Primitive),
    Index(u32),
}

/// A primitive type, by its code.
#[derive(Clone, Copy)]
pub(super) enum Primitive {
    Bool = 0x7f,
    S8 = 0x7e,
    U8 = 0x7d,
    S16 = 0x7c,
    U16 = 0x7b,
    S32 = 0x7a,
    U32 = 0x79,
    S64 = 0x78,
    U64 = 0x77,
    F32 = 0x76,
    F64 = 0x75,
    Char = 0x74,
    String = 0x73,
    ErrorContext = 0x64,
}

/// What a type that is imported or exported may be.
#[derive(Clone, Copy)]
pub(super) enum Bound {
    /// The type of this index.
    Eq(u32),
    /// A resource of its own.
    Resource,
}

/// The type of an import or export.
#[derive(Clone, Copy)]
pub(super) enum Extern {
    Func(u32),
    Type(Bound),
    Component(u32),
    Instance(u32),
}

/// The name of an import or export, and what goes with it.
pub(super) struct ExternName<'a> {
    pub(super) name: &'a str,
    /// The interface that an instance with a label of its own implements.
    pub(super) implements: Option<&'a str>,
    pub(super) external_id: Option<&'a str>,
}

impl<'a> ExternName<'a> {
    pub(super) fn plain(name: &'a str) -> ExternName<'a> {
        ExternName {
            name,
            implements: None,
            external_id: None,
        }
    }
}

/// Bytes being written.
#[derive(Default)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn number(&mut self, mut number: u32) {
        while number >= 0x80 {
            self.byte(number as u8 | 0x80);
            number >>= 7;
        }
        self.byte(number as u8);
    }

    fn length(&mut self, length: usize) {
        self.number(u32::try_from(length).expect("a world is smaller than 4 GiB"));
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn name(&mut self, name: &str) {
        self.bytes(name.as_bytes());
    }

    /// An index that is told from a primitive type by its sign.
    fn val_type(&mut self, ty: ValType) {
        match ty {
            ValType::Primitive(primitive) => self.byte(primitive as u8),
            ValType::Index(mut index) => {
                while index >= 0x40 {
                    self.byte(index as u8 | 0x80);
                    index >>= 7;
                }
                self.byte(index as u8);
            }
        }
    }

    fn optional(&mut self, ty: Option<ValType>) {
        match ty {
            None => self.byte(0),
            Some(ty) => {
                self.byte(1);
                self.val_type(ty);
            }
        }
    }

    fn extern_name(&mut self, name: &ExternName<'_>) {
        let options = [(0u8, name.implements), (2, name.external_id)];
        let count = options.iter().filter(|(_, option)| option.is_some()).count();
        self.byte(if count == 0 { 0 } else { 2 });
        self.name(name.name);
        if count != 0 {
            self.length(count);
            for (kind, option) in options {
                if let Some(option) = option {
                    self.byte(kind);
                    self.name(option);
                }
            }
        }
    }

    fn described(&mut self, ty: Extern) {
        let (sort, index) = match ty {
            Extern::Func(index) => (Sort::Func, index),
            Extern::Component(index) => (Sort::Component, index),
            Extern::Instance(index) => (Sort::Instance, index),
            Extern::Type(bound) => {
                self.byte(Sort::Type as u8);
                match bound {
                    Bound::Eq(index) => {
                        self.byte(0);
                        self.number(index);
                    }
                    Bound::Resource => self.byte(1),
                }
                return;
            }
        };
        self.byte(sort as u8);
        self.number(index);
    }

    fn section(&mut self, id: u8, content: &Bytes) {
        self.byte(id);
        self.bytes(&content.0);
    }
}

/// The declarations of a component type or an instance type: an index space of types, and one of instances.
#[derive(Default)]
pub(super) struct Declarations {
    bytes: Bytes,
    count: u32,
    types: u32,
    instances: u32,
}

impl Declarations {
    /// The index of the next type.
    pub(super) fn types(&self) -> u32 {
        self.types
    }

    /// The index of the next instance.
    pub(super) fn instances(&self) -> u32 {
        self.instances
    }

    fn declare(&mut self, code: u8) -> &mut Bytes {
        self.count += 1;
        self.bytes.byte(code);
        &mut self.bytes
    }

    /// Begins a definition of a type, which has to be written next.
    pub(super) fn define(&mut self) -> Definition<'_> {
        self.types += 1;
        Definition(self.declare(0x01))
    }

    /// Makes a type that an instance exports the next type.
    pub(super) fn alias_export(&mut self, instance: u32, name: &str) {
        self.types += 1;
        let bytes = self.declare(0x02);
        bytes.byte(Sort::Type as u8);
        bytes.byte(0x00);
        bytes.number(instance);
        bytes.name(name);
    }

    /// Makes a type of the index space around this one the next type.
    pub(super) fn alias_outer(&mut self, index: u32) {
        self.types += 1;
        let bytes = self.declare(0x02);
        bytes.byte(Sort::Type as u8);
        bytes.byte(0x02);
        bytes.number(1);
        bytes.number(index);
    }

    fn count_extern(&mut self, ty: Extern) {
        match ty {
            Extern::Type(_) => self.types += 1,
            Extern::Instance(_) => self.instances += 1,
            Extern::Func(_) | Extern::Component(_) => {}
        }
    }

    /// An import. Instance types have none.
    pub(super) fn import(&mut self, name: &ExternName<'_>, ty: Extern) {
        self.count_extern(ty);
        let bytes = self.declare(0x03);
        bytes.extern_name(name);
        bytes.described(ty);
    }

    /// An export.
    pub(super) fn export(&mut self, name: &ExternName<'_>, ty: Extern) {
        self.count_extern(ty);
        let bytes = self.declare(0x04);
        bytes.extern_name(name);
        bytes.described(ty);
    }
}

/// A definition of a type: each method writes one.
#[must_use = "the definition has to be written"]
pub(super) struct Definition<'a>(&'a mut Bytes);

impl Definition<'_> {
    fn nested(self, code: u8, declarations: &Declarations) {
        self.0.byte(code);
        self.0.number(declarations.count);
        self.0.0.extend_from_slice(&declarations.bytes.0);
    }

    pub(super) fn component(self, declarations: &Declarations) {
        self.nested(0x41, declarations);
    }

    pub(super) fn instance(self, declarations: &Declarations) {
        self.nested(0x42, declarations);
    }

    pub(super) fn function(self, is_async: bool, params: &[(&str, ValType)], result: Option<ValType>) {
        self.0.byte(if is_async { 0x43 } else { 0x40 });
        self.0.length(params.len());
        for (name, ty) in params {
            self.0.name(name);
            self.0.val_type(*ty);
        }
        match result {
            Some(ty) => {
                self.0.byte(0);
                self.0.val_type(ty);
            }
            None => self.0.0.extend([1, 0]),
        }
    }

    pub(super) fn primitive(self, primitive: Primitive) {
        self.0.byte(primitive as u8);
    }

    pub(super) fn record(self, fields: &[(&str, ValType)]) {
        self.0.byte(0x72);
        self.0.length(fields.len());
        for (name, ty) in fields {
            self.0.name(name);
            self.0.val_type(*ty);
        }
    }

    pub(super) fn variant(self, cases: &[(&str, Option<ValType>)]) {
        self.0.byte(0x71);
        self.0.length(cases.len());
        for (name, ty) in cases {
            self.0.name(name);
            self.0.optional(*ty);
            // It refines no other case.
            self.0.byte(0);
        }
    }

    pub(super) fn tuple(self, types: &[ValType]) {
        self.0.byte(0x6f);
        self.0.length(types.len());
        for ty in types {
            self.0.val_type(*ty);
        }
    }

    fn names<'n>(self, code: u8, names: impl ExactSizeIterator<Item = &'n str>) {
        self.0.byte(code);
        self.0.length(names.len());
        for name in names {
            self.0.name(name);
        }
    }

    pub(super) fn flags<'n>(self, names: impl ExactSizeIterator<Item = &'n str>) {
        self.names(0x6e, names);
    }

    pub(super) fn cases<'n>(self, names: impl ExactSizeIterator<Item = &'n str>) {
        self.names(0x6d, names);
    }

    fn of(self, code: u8, ty: ValType) -> Self {
        self.0.byte(code);
        self.0.val_type(ty);
        self
    }

    pub(super) fn option(self, ty: ValType) {
        let _ = self.of(0x6b, ty);
    }

    pub(super) fn list(self, ty: ValType) {
        let _ = self.of(0x70, ty);
    }

    pub(super) fn fixed_length_list(self, ty: ValType, length: u32) {
        self.of(0x67, ty).0.number(length);
    }

    pub(super) fn map(self, key: ValType, value: ValType) {
        self.of(0x63, key).0.val_type(value);
    }

    pub(super) fn result(self, ok: Option<ValType>, err: Option<ValType>) {
        self.0.byte(0x6a);
        self.0.optional(ok);
        self.0.optional(err);
    }

    pub(super) fn future(self, ty: Option<ValType>) {
        self.0.byte(0x65);
        self.0.optional(ty);
    }

    pub(super) fn stream(self, ty: Option<ValType>) {
        self.0.byte(0x66);
        self.0.optional(ty);
    }

    pub(super) fn own(self, resource: u32) {
        self.0.byte(0x69);
        self.0.number(resource);
    }

    pub(super) fn borrow(self, resource: u32) {
        self.0.byte(0x68);
        self.0.number(resource);
    }
}

/// A component that exports a component type, after a custom section.
pub(super) fn component(custom: (&str, &[u8]), name: &str, ty: &Declarations) -> Vec<u8> {
    let mut component = Bytes(PREAMBLE.to_vec());
    let mut section = Bytes::default();
    section.name(custom.0);
    section.0.extend_from_slice(custom.1);
    component.section(0, &section);

    let mut types = Bytes::default();
    types.number(1);
    Definition(&mut types).component(ty);
    component.section(7, &types);

    let mut exports = Bytes::default();
    exports.number(1);
    exports.extern_name(&ExternName::plain(name));
    exports.byte(Sort::Type as u8);
    exports.number(0);
    // Of the type that it has.
    exports.byte(0);
    component.section(11, &exports);
    component.0
}
