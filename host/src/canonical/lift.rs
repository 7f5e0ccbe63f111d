//! Lifting: component-level values out of core values and memory. Sections "Loading", "Flat Lifting" and "Lifting and
//! Lowering Values".
//!
//! Everything core code passes is checked before it is used: alignment, bounds, encodings, discriminants, handles.

use super::copy::{CopyEnd, CopyState};
use super::end_kind::EndKind;
use super::instance::{CoreParts, Instance, StringEncoding};
use super::memory::CoreVal;
use super::resource::{ResourceHandle, Scope};
use super::store::Store;
use super::subtask::wrong_kind;
use super::table::Entry;
use super::trap::{Result, Rule, Trap, trap, trap_if, trap_if_at};
use super::ty::{
    CoreType, FuncType, MAX_FLAT_PARAMS, MAX_FLAT_RESULTS, ResourceIndex, Type, Width, discriminant_size, flatten_all,
    record_layout,
};
use super::value::{OwnedResource, Readable, Value};
use super::waitable::Member;
use std::rc::Rc;

/// The most bytes a list or string has.
const MAX_BYTES: usize = (1 << 28) - 1;

/// What lifting needs to know of the instance.
pub(crate) struct LiftCx<'a> {
    store: &'a Store,
    instance: &'a Rc<Instance>,
    scope: Scope,
    core: CoreParts,
    width: Width,
}

/// Core values, taken one after the other.
struct Flat<'a> {
    values: &'a [CoreVal],
}

impl Flat<'_> {
    fn next(&mut self, ty: CoreType) -> Result<CoreVal> {
        match self.values.split_first() {
            Some((value, rest)) if value.ty() == ty => {
                self.values = rest;
                Ok(*value)
            }
            found => Err(Trap::new(Rule::CoreSignature).with(format!("{ty:?} is due where {found:?} is"))),
        }
    }

    fn bits(&mut self, ty: CoreType) -> Result<u64> {
        self.next(ty).map(CoreVal::bits)
    }

    fn pointer(&mut self) -> Result<*mut u8> {
        match self.next(CoreType::Ptr)? {
            CoreVal::Ptr(pointer) => Ok(pointer),
            _ => trap(Rule::CoreSignature),
        }
    }
}

impl<'a> LiftCx<'a> {
    pub(crate) fn new(store: &'a Store, instance: &'a Rc<Instance>, scope: Scope) -> Result<LiftCx<'a>> {
        let core = instance.core()?;
        let width = core.memory.width();
        Ok(LiftCx {
            store,
            instance,
            scope,
            core,
            width,
        })
    }

    /// Checks alignment and bounds.
    fn check(&self, pointer: *mut u8, size: usize, align: usize) -> Result<()> {
        if !pointer.addr().is_multiple_of(align) {
            let detail = format!("{pointer:?} is not a multiple of {align}");
            return Err(Trap::new(Rule::Misaligned).with(detail));
        }
        let checked = self.core.memory.check(pointer, size);
        checked.map_err(|why| Trap::new(Rule::OutOfBounds).with(why))
    }

    fn load_bytes<const N: usize>(&self, pointer: *mut u8) -> [u8; N] {
        let mut bytes = [0; N];
        // SAFETY: every load is within a range that `check` has passed, and what core code passes is initialised.
        unsafe { self.core.memory.read(pointer, &mut bytes) };
        bytes
    }

    fn load_int(&self, pointer: *mut u8, size: usize) -> u64 {
        match size {
            1 => u64::from(u8::from_le_bytes(self.load_bytes(pointer))),
            2 => u64::from(u16::from_le_bytes(self.load_bytes(pointer))),
            4 => u64::from(u32::from_le_bytes(self.load_bytes(pointer))),
            _ => u64::from_le_bytes(self.load_bytes(pointer)),
        }
    }

    fn load_length(&self, pointer: *mut u8) -> usize {
        self.load_int(pointer, self.width.bytes()) as usize
    }

    fn load_pointer(&self, pointer: *mut u8) -> *mut u8 {
        // SAFETY: as in `load_bytes`; the layout of what is loaded aligns pointers.
        unsafe { self.core.memory.read_pointer(pointer) }
    }

    /// Loads a value from a range that was checked.
    fn load(&self, ty: &Type, pointer: *mut u8) -> Result<Value> {
        match ty {
            Type::String => self.string(self.load_pointer(pointer), self.load_length(self.second_word(pointer))),
            Type::List(item) => self.list(
                item,
                self.load_pointer(pointer),
                self.load_length(self.second_word(pointer)),
            ),
            Type::Map(key, value) => {
                let item = entry_type(key, value);
                self.list(
                    &item,
                    self.load_pointer(pointer),
                    self.load_length(self.second_word(pointer)),
                )
            }
            Type::FixedLengthList(item, length) => self.load_items(item, pointer, *length as usize),
            Type::Record(_) | Type::Tuple(_) => self.load_record(ty, pointer),
            Type::Variant(_) | Type::Enum(_) | Type::Option(_) | Type::Result(..) => self.load_case(ty, pointer),
            _ => self.scalar(ty, self.load_int(pointer, ty.layout(self.width).size)),
        }
    }

    fn second_word(&self, pointer: *mut u8) -> *mut u8 {
        pointer.wrapping_add(self.width.bytes())
    }

    fn load_record(&self, ty: &Type, pointer: *mut u8) -> Result<Value> {
        let fields = ty.fields().unwrap_or_default();
        let (_, offsets) = record_layout(fields.iter().copied(), self.width);
        let loaded = fields
            .iter()
            .zip(offsets)
            .map(|(field, offset)| self.load(field, pointer.wrapping_add(offset)));
        loaded.collect::<Result<_>>().map(Value::Record)
    }

    fn load_case(&self, ty: &Type, pointer: *mut u8) -> Result<Value> {
        let Some(cases) = ty.cases() else {
            return trap(Rule::HostContract);
        };
        let index = self.load_int(pointer, discriminant_size(cases.count()));
        let index = check_discriminant(index, cases.count())?;
        let payload = cases.payload(index);
        let place = pointer.wrapping_add(cases.payload_offset(self.width));
        let payload = payload.map(|ty| self.load(ty, place).map(Box::new)).transpose()?;
        Ok(Value::Case(index as u32, payload))
    }

    /// Loads `count` items from a range that was checked.
    pub(crate) fn load_items(&self, item: &Type, pointer: *mut u8, count: usize) -> Result<Value> {
        if *item == Type::U8 {
            let mut bytes = vec![0; count];
            // SAFETY: as in `load_bytes`.
            unsafe { self.core.memory.read(pointer, &mut bytes) };
            return Ok(Value::Bytes(bytes));
        }
        let size = item.layout(self.width).size;
        let items = (0..count).map(|index| self.load(item, pointer.wrapping_add(index * size)));
        items.collect::<Result<_>>().map(Value::List)
    }

    fn list(&self, item: &Type, pointer: *mut u8, length: usize) -> Result<Value> {
        let layout = item.layout(self.width);
        let bytes = length.checked_mul(layout.size).filter(|bytes| *bytes <= MAX_BYTES);
        let bytes = bytes.ok_or_else(|| Trap::new(Rule::ListTooLong).with(format!("it has {length} items")))?;
        self.check(pointer, bytes, layout.align)?;
        self.load_items(item, pointer, length)
    }

    fn string(&self, pointer: *mut u8, length: usize) -> Result<Value> {
        let tag = 1usize << (8 * self.width.bytes() - 1);
        let (units, unit, align) = match self.core.encoding {
            StringEncoding::Utf8 => (length, 1, 1),
            StringEncoding::Utf16 => (length, 2, 2),
            StringEncoding::Latin1OrUtf16 if length & tag != 0 => (length & !tag, 2, 2),
            StringEncoding::Latin1OrUtf16 => (length, 1, 2),
        };
        let bytes = units.checked_mul(unit).filter(|bytes| *bytes <= MAX_BYTES);
        let bytes = bytes.ok_or_else(|| Trap::new(Rule::StringTooLong).with(format!("it has {units} code units")))?;
        self.check(pointer, bytes, align)?;
        let mut raw = vec![0; bytes];
        // SAFETY: as in `load_bytes`.
        unsafe { self.core.memory.read(pointer, &mut raw) };
        let malformed = |_| Trap::new(Rule::StringEncoding);
        let text = match (self.core.encoding, unit) {
            (StringEncoding::Utf8, _) => {
                String::from_utf8(raw).map_err(|error| Trap::new(Rule::StringEncoding).with(error.to_string()))?
            }
            (_, 1) => raw.into_iter().map(char::from).collect(),
            _ => {
                let units: Vec<_> = raw
                    .chunks_exact(2)
                    .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                    .collect();
                String::from_utf16(&units).map_err(malformed)?
            }
        };
        Ok(Value::String(text))
    }

    /// A value that is one core value; `bits` holds it, sign bits and garbage above included.
    fn scalar(&self, ty: &Type, bits: u64) -> Result<Value> {
        Ok(match ty {
            Type::Bool => Value::Bool(bits != 0),
            Type::S8 => Value::S8(bits as i8),
            Type::U8 => Value::U8(bits as u8),
            Type::S16 => Value::S16(bits as i16),
            Type::U16 => Value::U16(bits as u16),
            Type::S32 => Value::S32(bits as i32),
            Type::U32 => Value::U32(bits as u32),
            Type::S64 => Value::S64(bits as i64),
            Type::U64 => Value::U64(bits),
            Type::F32 => Value::F32(canonical_f32(f32::from_bits(bits as u32))),
            Type::F64 => Value::F64(canonical_f64(f64::from_bits(bits))),
            Type::Char => Value::Char(check_char(bits as u32)?),
            Type::Flags(labels) => Value::Flags(bits as u32 & (u64::MAX >> (64 - labels.len().clamp(1, 64))) as u32),
            Type::Own(resource) => self.own(bits as u32, *resource)?,
            Type::Borrow(resource) => self.borrow(bits as u32, *resource)?,
            Type::Stream(payload) => {
                Value::Stream(self.readable(bits as u32, EndKind::StreamReadable, payload.as_deref())?)
            }
            Type::Future(payload) => {
                Value::Future(self.readable(bits as u32, EndKind::FutureReadable, payload.as_deref())?)
            }
            Type::ErrorContext => match self.instance.get(bits as u32)? {
                Entry::ErrorContext(context) => Value::ErrorContext(context),
                other => return Err(wrong_kind(bits as u32, "an error context", &other)),
            },
            _ => return trap(Rule::HostContract),
        })
    }

    fn resource(&self, index: u32, ty: ResourceIndex) -> Result<Rc<ResourceHandle>> {
        resource_at(self.instance, index, ty)
    }

    fn own(&self, index: u32, ty: ResourceIndex) -> Result<Value> {
        let handle = self.resource(index, ty)?;
        trap_if_at(handle.lends.get() != 0, Rule::ResourceLent, index)?;
        trap_if_at(!handle.is_own(), Rule::NotOwned, index)?;
        self.instance.remove(index)?;
        Ok(Value::Own(OwnedResource::new(
            handle.ty.clone(),
            handle.rep,
            self.store,
        )))
    }

    fn borrow(&self, index: u32, ty: ResourceIndex) -> Result<Value> {
        let handle = self.resource(index, ty)?;
        if let Scope::Subtask(subtask) = &self.scope
            && (handle.is_own() || self.store.profile().borrows_are_pinned)
        {
            subtask.lend(&handle);
        }
        Ok(Value::Borrow(handle.ty.clone(), handle.rep))
    }

    fn readable(&self, index: u32, kind: EndKind, payload: Option<&Type>) -> Result<Readable> {
        let end = end_at(self.instance, index, kind, payload)?;
        trap_if_at(
            end.state() != CopyState::Idle,
            if end.is_done() {
                Rule::EndDone
            } else {
                Rule::TransferBusy
            },
            index,
        )?;
        trap_if_at(end.waitable.is_in_set(), Rule::TransferInSet, index)?;
        self.instance.remove(index)?;
        Member::End(end.clone()).join(None);
        Ok(Readable::new(end.shared()))
    }

    fn lift_flat(&self, ty: &Type, flat: &mut Flat<'_>) -> Result<Value> {
        match ty {
            Type::S64 | Type::U64 => self.scalar(ty, flat.bits(CoreType::I64)?),
            Type::F32 => self.scalar(ty, flat.bits(CoreType::F32)?),
            Type::F64 => self.scalar(ty, flat.bits(CoreType::F64)?),
            Type::String => {
                let pointer = flat.pointer()?;
                self.string(pointer, flat.bits(CoreType::Len)? as usize)
            }
            Type::List(item) => {
                let pointer = flat.pointer()?;
                self.list(item, pointer, flat.bits(CoreType::Len)? as usize)
            }
            Type::Map(key, value) => {
                let pointer = flat.pointer()?;
                self.list(&entry_type(key, value), pointer, flat.bits(CoreType::Len)? as usize)
            }
            Type::FixedLengthList(item, length) => {
                let items = (0..*length)
                    .map(|_| self.lift_flat(item, flat))
                    .collect::<Result<_>>()?;
                Ok(super::lower::list_of(item, items))
            }
            Type::Record(_) | Type::Tuple(_) => {
                let fields = ty.fields().unwrap_or_default();
                let lifted = fields.into_iter().map(|field| self.lift_flat(field, flat));
                lifted.collect::<Result<_>>().map(Value::Record)
            }
            Type::Variant(_) | Type::Enum(_) | Type::Option(_) | Type::Result(..) => self.lift_flat_case(ty, flat),
            _ => self.scalar(ty, flat.bits(CoreType::I32)?),
        }
    }

    fn lift_flat_case(&self, ty: &Type, flat: &mut Flat<'_>) -> Result<Value> {
        let Some(cases) = ty.cases() else {
            return trap(Rule::HostContract);
        };
        let index = check_discriminant(flat.bits(CoreType::I32)?, cases.count())?;
        let joined = cases.joined(self.width);
        let slots = joined.iter().map(|ty| flat.next(*ty)).collect::<Result<Vec<_>>>()?;
        let Some(payload) = cases.payload(index) else {
            return Ok(Value::Case(index as u32, None));
        };
        let wanted = flatten_all(&[payload], self.width);
        let values: Vec<_> = slots
            .into_iter()
            .zip(wanted)
            .map(|(slot, ty)| slot.coerce(ty))
            .collect();
        let value = self.lift_flat(payload, &mut Flat { values: &values })?;
        Ok(Value::Case(index as u32, Some(Box::new(value))))
    }

    /// Lifts a list of values: flat, or from memory if they are too many.
    fn lift_all(&self, types: &[&Type], max_flat: usize, args: &[CoreVal]) -> Result<Vec<Value>> {
        let mut flat = Flat { values: args };
        if flatten_all(types, self.width).len() <= max_flat {
            return types.iter().map(|ty| self.lift_flat(ty, &mut flat)).collect();
        }
        let pointer = flat.pointer()?;
        let (layout, offsets) = record_layout(types.iter().copied(), self.width);
        self.check(pointer, layout.size, layout.align)?;
        types
            .iter()
            .zip(offsets)
            .map(|(ty, offset)| self.load(ty, pointer.wrapping_add(offset)))
            .collect()
    }
}

/// The tuple that the entries of a map are.
pub(crate) fn entry_type(key: &Type, value: &Type) -> Type {
    Type::Tuple([key.clone(), value.clone()].into())
}

fn check_discriminant(index: u64, cases: usize) -> Result<usize> {
    let index = index as usize;
    if index < cases {
        return Ok(index);
    }
    Err(Trap::new(Rule::Discriminant).with(format!("it is {index}, of {cases} cases")))
}

fn check_char(bits: u32) -> Result<char> {
    char::from_u32(bits).ok_or_else(|| Trap::new(Rule::Char).with(format!("it is {bits:#x}")))
}

fn canonical_f32(value: f32) -> f32 {
    if value.is_nan() {
        f32::from_bits(0x7fc0_0000)
    } else {
        value
    }
}

fn canonical_f64(value: f64) -> f64 {
    if value.is_nan() {
        f64::from_bits(0x7ff8_0000_0000_0000)
    } else {
        value
    }
}

/// The resource handle `index`, of type `ty`.
pub(crate) fn resource_at(instance: &Instance, index: u32, ty: ResourceIndex) -> Result<Rc<ResourceHandle>> {
    let handle = match instance.get(index)? {
        Entry::Resource(handle) => handle,
        other => return Err(wrong_kind(index, "a resource handle", &other)),
    };
    let wanted = instance.resource(ty)?;
    if !Rc::ptr_eq(&handle.ty, &wanted) {
        let detail = format!("it is a `{}`, not a `{}`", handle.ty.name(), wanted.name());
        return Err(Trap::new(Rule::WrongResourceType).about(index).with(detail));
    }
    Ok(handle)
}

/// The end `index`, of the given kind and payload.
pub(crate) fn end_at(instance: &Instance, index: u32, kind: EndKind, payload: Option<&Type>) -> Result<Rc<CopyEnd>> {
    let end = match instance.get(index)? {
        Entry::End(end) if end.kind() == kind => end,
        other => return Err(wrong_kind(index, kind.with_article(), &other)),
    };
    trap_if_at(end.payload() != payload, Rule::WrongPayloadType, index)?;
    Ok(end)
}

/// Lifts the parameters a caller passed to an import.
pub(crate) fn lift_params(
    store: &Store,
    instance: &Rc<Instance>,
    scope: Scope,
    ty: &FuncType,
    max_flat: usize,
    args: &[CoreVal],
) -> Result<Vec<Value>> {
    LiftCx::new(store, instance, scope)?.lift_all(&ty.param_types(), max_flat, args)
}

/// Lifts what an export lifted without `async` returned.
pub(crate) fn lift_results(
    store: &Store,
    instance: &Rc<Instance>,
    ty: &FuncType,
    result: Option<CoreVal>,
) -> Result<Vec<Value>> {
    let cx = LiftCx::new(store, instance, Scope::None)?;
    cx.lift_all(&ty.result_types(), MAX_FLAT_RESULTS, result.as_slice())
}

/// Lifts what was passed to `task.return`.
pub(crate) fn lift_task_return(
    store: &Store,
    instance: &Rc<Instance>,
    ty: &FuncType,
    args: &[CoreVal],
) -> Result<Vec<Value>> {
    LiftCx::new(store, instance, Scope::None)?.lift_all(&ty.result_types(), MAX_FLAT_PARAMS, args)
}

/// Checks the place of `count` items, and says how far apart they are.
pub(crate) fn check_buffer(
    instance: &Rc<Instance>,
    store: &Store,
    item: &Type,
    pointer: *mut u8,
    count: usize,
    check_alignment: bool,
) -> Result<usize> {
    let cx = LiftCx::new(store, instance, Scope::None)?;
    let layout = item.layout(cx.width);
    let bytes = count.checked_mul(layout.size);
    trap_if(bytes.is_none(), Rule::OutOfBounds)?;
    cx.check(
        pointer,
        bytes.unwrap_or(usize::MAX),
        if check_alignment { layout.align } else { 1 },
    )?;
    Ok(layout.size)
}

/// Checks the place of the two words of an event.
pub(crate) fn check_event_area(instance: &Rc<Instance>, store: &Store, pointer: *mut u8) -> Result<()> {
    LiftCx::new(store, instance, Scope::None)?.check(pointer, 8, 4)
}

/// The string in a range, for `error-context.new`.
pub(crate) fn lift_string(store: &Store, instance: &Rc<Instance>, pointer: *mut u8, length: usize) -> Result<String> {
    match LiftCx::new(store, instance, Scope::None)?.string(pointer, length)? {
        Value::String(text) => Ok(text),
        _ => trap(Rule::HostContract),
    }
}
