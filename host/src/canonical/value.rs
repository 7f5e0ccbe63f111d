//! [`Value`]: a component-level value on its way between two instances, or between an instance and the host.
//!
//! A value owns what it holds. What is dropped on the way is not lost silently: a stream or future tells its writer that
//! nobody reads, and an owned resource is queued for its destructor.

use super::copy::Shared;
use super::errctx::ErrorContext;
use super::resource::ResourceType;
use super::store::Store;
use super::ty::Type;
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// A component-level value.
///
/// Records and tuples are their fields in order; options and results are variants, as in the specification. Maps are lists of
/// tuples.
#[derive(Debug)]
#[expect(missing_docs, reason = "the variants are the types of WIT under their own names")]
pub enum Value {
    Bool(bool),
    S8(i8),
    U8(u8),
    S16(i16),
    U16(u16),
    S32(i32),
    U32(u32),
    S64(i64),
    U64(u64),
    F32(f32),
    F64(f64),
    Char(char),
    String(String),
    /// A list of bytes.
    Bytes(Vec<u8>),
    /// A list of anything but bytes, of any or of fixed length, or the entries of a map.
    List(Vec<Value>),
    /// A record or tuple.
    Record(Vec<Value>),
    /// A case by its number: of a variant, an enum, an option (none 0, some 1), or a result (ok 0, error 1).
    Case(u32, Option<Box<Value>>),
    /// Bit `i` is the flag declared at place `i`.
    Flags(u32),
    Own(OwnedResource),
    Borrow(Rc<ResourceType>, u32),
    Stream(Readable),
    Future(Readable),
    ErrorContext(Rc<ErrorContext>),
}

impl Value {
    /// The kind, for messages about values that do not fit their type.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Bool(_) => "bool",
            Value::S8(_) => "s8",
            Value::U8(_) => "u8",
            Value::S16(_) => "s16",
            Value::U16(_) => "u16",
            Value::S32(_) => "s32",
            Value::U32(_) => "u32",
            Value::S64(_) => "s64",
            Value::U64(_) => "u64",
            Value::F32(_) => "f32",
            Value::F64(_) => "f64",
            Value::Char(_) => "char",
            Value::String(_) => "string",
            Value::Bytes(_) => "list<u8>",
            Value::List(_) => "list",
            Value::Record(_) => "record or tuple",
            Value::Case(..) => "variant",
            Value::Flags(_) => "flags",
            Value::Own(_) => "own handle",
            Value::Borrow(..) => "borrow handle",
            Value::Stream(_) => "stream",
            Value::Future(_) => "future",
            Value::ErrorContext(_) => "error-context",
        }
    }
}

/// The readable end of a stream or future between two tables.
pub struct Readable {
    shared: Option<Rc<Shared>>,
}

impl Readable {
    pub(crate) fn new(shared: Rc<Shared>) -> Readable {
        Readable { shared: Some(shared) }
    }

    /// What the ends share; the end is then in the hands of whoever asked.
    pub(crate) fn into_shared(mut self) -> Option<Rc<Shared>> {
        self.shared.take()
    }
}

impl Drop for Readable {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.take() {
            shared.drop_end();
        }
    }
}

impl fmt::Debug for Readable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.shared {
            Some(shared) => write!(
                f,
                "{} {}",
                if shared.is_future() { "future" } else { "stream" },
                shared.id()
            ),
            None => f.write_str("(passed on)"),
        }
    }
}

/// An owned resource between two tables.
pub struct OwnedResource {
    ty: Rc<ResourceType>,
    rep: RefCell<Option<u32>>,
    store: Store,
}

impl OwnedResource {
    pub(crate) fn new(ty: Rc<ResourceType>, rep: u32, store: &Store) -> OwnedResource {
        OwnedResource {
            ty,
            rep: RefCell::new(Some(rep)),
            store: store.clone(),
        }
    }

    /// The type.
    pub fn ty(&self) -> &Rc<ResourceType> {
        &self.ty
    }

    /// The representation, while the resource is here.
    pub fn rep(&self) -> Option<u32> {
        *self.rep.borrow()
    }

    /// Takes the representation out; no destructor will run.
    pub fn into_rep(self) -> Option<u32> {
        self.rep.take()
    }
}

impl Drop for OwnedResource {
    fn drop(&mut self) {
        if let Some(rep) = self.rep.take() {
            self.store.orphan(self.ty.clone(), rep);
        }
    }
}

impl fmt::Debug for OwnedResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "own {}", self.ty.name())
    }
}

/// Elements of a stream, or the one of a future.
#[derive(Debug)]
pub enum Chunk {
    /// So many elements of a stream without payload.
    Units(usize),
    /// Elements of a `stream<u8>`.
    Bytes(Vec<u8>),
    /// Elements of any other stream.
    Values(Vec<Value>),
}

impl Chunk {
    /// An empty chunk for a payload type.
    pub fn empty(payload: Option<&Type>) -> Chunk {
        match payload {
            None => Chunk::Units(0),
            Some(Type::U8) => Chunk::Bytes(Vec::new()),
            Some(_) => Chunk::Values(Vec::new()),
        }
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        match self {
            Chunk::Units(count) => *count,
            Chunk::Bytes(bytes) => bytes.len(),
            Chunk::Values(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the first `count` elements, or all if there are fewer.
    pub fn split_front(&mut self, count: usize) -> Chunk {
        let count = count.min(self.len());
        match self {
            Chunk::Units(left) => {
                *left -= count;
                Chunk::Units(count)
            }
            Chunk::Bytes(bytes) => {
                let rest = bytes.split_off(count);
                Chunk::Bytes(std::mem::replace(bytes, rest))
            }
            Chunk::Values(values) => {
                let rest = values.split_off(count);
                Chunk::Values(std::mem::replace(values, rest))
            }
        }
    }

    /// Appends elements of the same payload type; those of another are appended as values.
    pub fn append(&mut self, other: Chunk) {
        match (self, other) {
            (Chunk::Units(count), Chunk::Units(more)) => *count += more,
            (Chunk::Bytes(bytes), Chunk::Bytes(mut more)) => bytes.append(&mut more),
            (Chunk::Values(values), Chunk::Values(mut more)) => values.append(&mut more),
            (chunk, other) if chunk.is_empty() => *chunk = other,
            (chunk, other) => {
                let mut values = std::mem::replace(chunk, Chunk::Units(0)).into_values();
                values.extend(other.into_values());
                *chunk = Chunk::Values(values);
            }
        }
    }

    /// The elements one by one; those without payload are empty records.
    pub fn into_values(self) -> Vec<Value> {
        match self {
            Chunk::Units(count) => (0..count).map(|_| Value::Record(Vec::new())).collect(),
            Chunk::Bytes(bytes) => bytes.into_iter().map(Value::U8).collect(),
            Chunk::Values(values) => values,
        }
    }
}
