//! Component-level types, their layout in memory and their flattening to core types.
//!
//! Sizes and alignments follow the sections "Alignment" and "Element Size" of the Canonical ABI, for memories with pointers
//! of either width. Types are shared between the instances of a component, and between threads, so a resource type is only
//! an index here; each instance knows which resource it stands for.

use std::sync::Arc;

/// How wide the pointers of a memory are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Width {
    /// Linear memory addressed by `i32`.
    Four,
    /// Linear memory addressed by `i64`, or the memory of a 64-bit process.
    Eight,
}

impl Width {
    /// The width of this process.
    pub const NATIVE: Width = if cfg!(target_pointer_width = "64") {
        Width::Eight
    } else {
        Width::Four
    };

    /// In bytes.
    pub fn bytes(self) -> usize {
        match self {
            Width::Four => 4,
            Width::Eight => 8,
        }
    }
}

/// A resource type, as a number within its component. The instance has a table that tells which resource it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceIndex(pub u32);

/// A field of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in WIT.
    pub name: Arc<str>,
    /// Its type.
    pub ty: Type,
}

/// A case of a variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its name in WIT.
    pub name: Arc<str>,
    /// The type of its payload, if it has one.
    pub ty: Option<Type>,
}

/// A component-level value type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the variants are the types of WIT under their own names")]
pub enum Type {
    Bool,
    S8,
    U8,
    S16,
    U16,
    S32,
    U32,
    S64,
    U64,
    F32,
    F64,
    Char,
    String,
    ErrorContext,
    List(Arc<Type>),
    FixedLengthList(Arc<Type>, u32),
    Map(Arc<Type>, Arc<Type>),
    Record(Arc<[Field]>),
    Tuple(Arc<[Type]>),
    Variant(Arc<[Case]>),
    Enum(Arc<[Arc<str>]>),
    Option(Arc<Type>),
    Result(Option<Arc<Type>>, Option<Arc<Type>>),
    Flags(Arc<[Arc<str>]>),
    Own(ResourceIndex),
    Borrow(ResourceIndex),
    Stream(Option<Arc<Type>>),
    Future(Option<Arc<Type>>),
}

/// The type of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FuncType {
    /// Parameters by name.
    pub params: Vec<(Arc<str>, Type)>,
    /// The result, if there is one.
    pub result: Option<Type>,
    /// Whether the function is an `async func`, which may block before it returns.
    pub is_async: bool,
}

/// A core type with the provenance that native pointers need: a pointer and a length stay what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoreType {
    /// `i32`.
    I32,
    /// `i64`.
    I64,
    /// `f32`.
    F32,
    /// `f64`.
    F64,
    /// A pointer, as wide as the memory's.
    Ptr,
    /// A length, as wide as a pointer.
    Len,
    /// A slot that holds a pointer or an `i64`, as the case of a variant says.
    Slot,
}

/// Size and alignment of a type, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The size, a multiple of the alignment.
    pub size: usize,
    /// The alignment, a power of two up to 8.
    pub align: usize,
}

/// `offset` rounded up to a multiple of `align`.
pub(crate) fn align_to(offset: usize, align: usize) -> usize {
    (offset + align - 1) & !(align - 1)
}

/// How many bytes the discriminant of so many cases takes.
pub(crate) fn discriminant_size(cases: usize) -> usize {
    match cases {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

/// The types of the cases a type has when it is seen as a variant.
pub(crate) enum Cases<'a> {
    Variant(&'a [Case]),
    Enum(usize),
    Option(&'a Type),
    Result(Option<&'a Type>, Option<&'a Type>),
}

impl<'a> Cases<'a> {
    pub(crate) fn count(&self) -> usize {
        match self {
            Cases::Variant(cases) => cases.len(),
            Cases::Enum(count) => *count,
            Cases::Option(_) | Cases::Result(..) => 2,
        }
    }

    /// The payload of case `index`, which is in range.
    pub(crate) fn payload(&self, index: usize) -> Option<&'a Type> {
        match *self {
            Cases::Variant(cases) => cases[index].ty.as_ref(),
            Cases::Enum(_) => None,
            Cases::Option(some) => (index == 1).then_some(some),
            Cases::Result(ok, err) => {
                if index == 0 {
                    ok
                } else {
                    err
                }
            }
        }
    }

    fn payloads(&self) -> impl Iterator<Item = &'a Type> + use<'a, '_> {
        (0..self.count()).filter_map(|index| self.payload(index))
    }

    /// The offset of the payload, which is the same for all cases.
    pub(crate) fn payload_offset(&self, width: Width) -> usize {
        let align = self.payloads().map(|ty| ty.layout(width).align).max().unwrap_or(1);
        align_to(discriminant_size(self.count()), align)
    }

    fn layout(&self, width: Width) -> Layout {
        let (mut size, mut align) = (0, discriminant_size(self.count()));
        for payload in self.payloads() {
            let layout = payload.layout(width);
            size = size.max(layout.size);
            align = align.max(layout.align);
        }
        Layout {
            size: align_to(self.payload_offset(width) + size, align),
            align,
        }
    }

    /// The joined core types of the payloads, without the discriminant.
    pub(crate) fn joined(&self, width: Width) -> Vec<CoreType> {
        let mut joined: Vec<CoreType> = Vec::new();
        for payload in self.payloads() {
            let mut flat = Vec::new();
            payload.flatten(width, &mut flat);
            for (index, ty) in flat.into_iter().enumerate() {
                match joined.get_mut(index) {
                    Some(slot) => *slot = join(*slot, ty),
                    None => joined.push(ty),
                }
            }
        }
        joined
    }
}

/// The core type that holds either.
fn join(a: CoreType, b: CoreType) -> CoreType {
    use CoreType::{F32, F64, I32, I64, Len, Ptr, Slot};
    let is_wide = |ty| matches!(ty, I64 | F64);
    match (a, b) {
        _ if a == b => a,
        (I32, F32) | (F32, I32) => I32,
        (Slot, _) | (_, Slot) => Slot,
        (Ptr, other) | (other, Ptr) if is_wide(other) => Slot,
        (Ptr, _) | (_, Ptr) => Ptr,
        (Len, other) | (other, Len) if is_wide(other) => I64,
        (Len, _) | (_, Len) => Len,
        _ => I64,
    }
}

/// The layout of a record with fields of these types, and the offset of each.
pub(crate) fn record_layout<'a>(fields: impl IntoIterator<Item = &'a Type>, width: Width) -> (Layout, Vec<usize>) {
    let (mut size, mut align, mut offsets) = (0, 1, Vec::new());
    for field in fields {
        let layout = field.layout(width);
        size = align_to(size, layout.align);
        offsets.push(size);
        size += layout.size;
        align = align.max(layout.align);
    }
    (
        Layout {
            size: align_to(size, align),
            align,
        },
        offsets,
    )
}

impl Type {
    /// The type as a variant, if it is one or is defined as one.
    pub(crate) fn cases(&self) -> Option<Cases<'_>> {
        Some(match self {
            Type::Variant(cases) => Cases::Variant(cases),
            Type::Enum(labels) => Cases::Enum(labels.len()),
            Type::Option(some) => Cases::Option(some),
            Type::Result(ok, err) => Cases::Result(ok.as_deref(), err.as_deref()),
            _ => return None,
        })
    }

    /// The types of the fields, if the type is a record or tuple.
    pub(crate) fn fields(&self) -> Option<Vec<&Type>> {
        match self {
            Type::Record(fields) => Some(fields.iter().map(|field| &field.ty).collect()),
            Type::Tuple(types) => Some(types.iter().collect()),
            _ => None,
        }
    }

    /// Size and alignment in a memory with pointers of this width.
    pub fn layout(&self, width: Width) -> Layout {
        let scalar = |size| Layout { size, align: size };
        match self {
            Type::Bool | Type::S8 | Type::U8 => scalar(1),
            Type::S16 | Type::U16 => scalar(2),
            Type::S32 | Type::U32 | Type::F32 | Type::Char | Type::ErrorContext => scalar(4),
            Type::Own(_) | Type::Borrow(_) | Type::Stream(_) | Type::Future(_) => scalar(4),
            Type::S64 | Type::U64 | Type::F64 => scalar(8),
            Type::String | Type::List(_) | Type::Map(..) => Layout {
                size: 2 * width.bytes(),
                align: width.bytes(),
            },
            Type::FixedLengthList(item, length) => {
                let item = item.layout(width);
                Layout {
                    size: item.size * *length as usize,
                    align: item.align,
                }
            }
            Type::Flags(labels) => scalar(match labels.len() {
                0..=8 => 1,
                9..=16 => 2,
                _ => 4,
            }),
            Type::Record(fields) => record_layout(fields.iter().map(|field| &field.ty), width).0,
            Type::Tuple(types) => record_layout(types.iter(), width).0,
            Type::Variant(_) | Type::Enum(_) | Type::Option(_) | Type::Result(..) => match self.cases() {
                Some(cases) => cases.layout(width),
                None => scalar(1),
            },
        }
    }

    /// Appends the core types a value of this type is passed as.
    pub fn flatten(&self, width: Width, into: &mut Vec<CoreType>) {
        match self {
            Type::S64 | Type::U64 => into.push(CoreType::I64),
            Type::F32 => into.push(CoreType::F32),
            Type::F64 => into.push(CoreType::F64),
            Type::String | Type::List(_) | Type::Map(..) => into.extend([CoreType::Ptr, CoreType::Len]),
            Type::FixedLengthList(item, length) => (0..*length).for_each(|_| item.flatten(width, into)),
            Type::Record(fields) => fields.iter().for_each(|field| field.ty.flatten(width, into)),
            Type::Tuple(types) => types.iter().for_each(|ty| ty.flatten(width, into)),
            _ => {
                into.push(CoreType::I32);
                if let Some(cases) = self.cases() {
                    into.extend(cases.joined(width));
                }
            }
        }
    }

    /// Whether both ends of a stream of this type may be in one instance: numbers only, bool and char excluded.
    pub(crate) fn is_number(&self) -> bool {
        matches!(
            self,
            Type::S8 | Type::U8 | Type::S16 | Type::U16 | Type::S32 | Type::U32 | Type::S64 | Type::U64
        ) || matches!(self, Type::F32 | Type::F64)
    }

    /// The kind of the type, as WIT calls it.
    pub fn kind(&self) -> &'static str {
        match self {
            Type::Bool => "bool",
            Type::S8 => "s8",
            Type::U8 => "u8",
            Type::S16 => "s16",
            Type::U16 => "u16",
            Type::S32 => "s32",
            Type::U32 => "u32",
            Type::S64 => "s64",
            Type::U64 => "u64",
            Type::F32 => "f32",
            Type::F64 => "f64",
            Type::Char => "char",
            Type::String => "string",
            Type::ErrorContext => "error-context",
            Type::List(_) => "list",
            Type::FixedLengthList(..) => "fixed-length list",
            Type::Map(..) => "map",
            Type::Record(_) => "record",
            Type::Tuple(_) => "tuple",
            Type::Variant(_) => "variant",
            Type::Enum(_) => "enum",
            Type::Option(_) => "option",
            Type::Result(..) => "result",
            Type::Flags(_) => "flags",
            Type::Own(_) => "own handle",
            Type::Borrow(_) => "borrow handle",
            Type::Stream(_) => "stream",
            Type::Future(_) => "future",
        }
    }
}

/// The most core values parameters are passed as; more go through memory.
pub(crate) const MAX_FLAT_PARAMS: usize = 16;
/// The same for calls that are lowered with `async`.
pub(crate) const MAX_FLAT_ASYNC_PARAMS: usize = 4;
/// The most core values a result is passed as.
pub(crate) const MAX_FLAT_RESULTS: usize = 1;

impl FuncType {
    /// The types of the parameters.
    pub(crate) fn param_types(&self) -> Vec<&Type> {
        self.params.iter().map(|(_, ty)| ty).collect()
    }

    /// The result as a list of none or one.
    pub(crate) fn result_types(&self) -> Vec<&Type> {
        self.result.iter().collect()
    }
}

/// The core types of a list of values.
pub(crate) fn flatten_all(types: &[&Type], width: Width) -> Vec<CoreType> {
    let mut flat = Vec::new();
    types.iter().for_each(|ty| ty.flatten(width, &mut flat));
    flat
}

#[cfg(test)]
mod tests {
    use super::{Case, CoreType, Layout, Type, Width};
    use std::sync::Arc;

    fn tuple(types: impl IntoIterator<Item = Type>) -> Type {
        Type::Tuple(types.into_iter().collect())
    }

    fn variant(payloads: impl IntoIterator<Item = Option<Type>>) -> Type {
        let case = |(index, ty): (usize, _)| Case {
            name: format!("c{index}").into(),
            ty,
        };
        Type::Variant(payloads.into_iter().enumerate().map(case).collect())
    }

    #[track_caller]
    fn check(ty: &Type, four: (usize, usize), eight: (usize, usize)) {
        let layout = |(size, align)| Layout { size, align };
        assert_eq!(ty.layout(Width::Four), layout(four));
        assert_eq!(ty.layout(Width::Eight), layout(eight));
    }

    #[test]
    fn layouts_depend_on_the_width_of_pointers() {
        check(&Type::String, (8, 4), (16, 8));
        check(&tuple([Type::U8, Type::String, Type::U8]), (16, 4), (32, 8));
        check(&tuple([Type::U8, Type::U64, Type::U8]), (24, 8), (24, 8));
        check(&Type::Option(Arc::new(Type::U64)), (16, 8), (16, 8));
        check(&Type::Result(None, Some(Arc::new(Type::String))), (12, 4), (24, 8));
        check(&Type::FixedLengthList(Arc::new(Type::U16), 5), (10, 2), (10, 2));
        check(&Type::Flags((0..17).map(|_| "f".into()).collect()), (4, 4), (4, 4));
        check(&Type::Enum((0..257).map(|_| "e".into()).collect()), (2, 2), (2, 2));
    }

    #[test]
    fn variants_join_their_payloads() {
        use CoreType::{F32, F64, I32, I64, Len, Ptr, Slot};
        let check = |payloads: Vec<Type>, expected: &[CoreType]| {
            let mut flat = Vec::new();
            variant(payloads.into_iter().map(Some)).flatten(Width::Eight, &mut flat);
            assert_eq!(flat[0], I32);
            assert_eq!(&flat[1..], expected);
        };
        check(vec![Type::U32, Type::F32], &[I32]);
        check(vec![Type::F32, Type::F32], &[F32]);
        check(vec![Type::F32, Type::F64], &[I64]);
        check(vec![Type::F64, Type::F64], &[F64]);
        check(vec![Type::String, Type::U64], &[Slot, Len]);
        check(vec![Type::String, Type::U8], &[Ptr, Len]);
        check(vec![tuple([Type::U8, Type::F64]), Type::String], &[Ptr, I64]);
    }
}
