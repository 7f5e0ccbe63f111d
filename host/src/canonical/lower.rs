//! Lowering: component-level values into core values and memory. Sections "Storing", "Flat Lowering" and "Lifting and
//! Lowering Values".
//!
//! Values that do not fit their type come from the host, and are its mistake. Memory the guest's `realloc` gives is checked
//! like any other.

use super::choose::Choice;
use super::copy::CopyEnd;
use super::end_kind::EndKind;
use super::instance::{CoreParts, Instance};
use super::lift::entry_type;
use super::memory::{CoreVal, address};
use super::resource::{ResourceHandle, ResourceType, Scope};
use super::store::Store;
use super::table::Entry;
use super::trap::{Result, Rule, Trap, trap};
use super::ty::{CoreType, FuncType, MAX_FLAT_PARAMS, Type, Width, discriminant_size, flatten_all, record_layout};
use super::value::{Readable, Value};
use std::rc::Rc;

/// The most bytes a list or string has.
const MAX_BYTES: usize = (1 << 28) - 1;

/// What lowering needs to know of the instance.
pub(crate) struct LowerCx<'a> {
    pub(super) store: &'a Store,
    instance: &'a Rc<Instance>,
    scope: Scope,
    pub(super) core: CoreParts,
    pub(super) width: Width,
}

fn unfit(ty: &Type, value: &Value) -> Box<Trap> {
    Trap::new(Rule::HostContract).with(format!("a value of type {} is not a {}", value.kind(), ty.kind()))
}

/// A list of items of this type.
pub(crate) fn list_of(item: &Type, items: Vec<Value>) -> Value {
    if *item != Type::U8 {
        return Value::List(items);
    }
    let bytes = items
        .iter()
        .map(|item| if let Value::U8(byte) = item { *byte } else { 0 });
    Value::Bytes(bytes.collect())
}

impl<'a> LowerCx<'a> {
    pub(crate) fn new(store: &'a Store, instance: &'a Rc<Instance>, scope: Scope) -> Result<LowerCx<'a>> {
        let core = instance.core()?;
        let width = core.memory.width();
        Ok(LowerCx {
            store,
            instance,
            scope,
            core,
            width,
        })
    }

    /// Calls the guest's `realloc` and checks what it gives.
    pub(super) fn realloc(&self, old: *mut u8, old_size: usize, align: usize, size: usize) -> Result<*mut u8> {
        if !self.instance.may_leave.replace(false) {
            return trap(Rule::CannotLeave);
        }
        let realloc = self.core.realloc.clone();
        let pointer = self
            .store
            .call_aside(self.instance, move || realloc(old, old_size, align, size))?;
        self.instance.may_leave.set(true);
        self.check(pointer, size, align, "what realloc returned")?;
        Ok(pointer)
    }

    pub(super) fn allocate(&self, align: usize, size: usize) -> Result<*mut u8> {
        self.realloc(address(0), 0, align, size)
    }

    fn check(&self, pointer: *mut u8, size: usize, align: usize, what: &str) -> Result<()> {
        if !pointer.addr().is_multiple_of(align) {
            let detail = format!("{what}, {pointer:?}, is not a multiple of {align}");
            return Err(Trap::new(Rule::Misaligned).with(detail));
        }
        let checked = self.core.memory.check(pointer, size);
        checked.map_err(|why| Trap::new(Rule::OutOfBounds).with(format!("{what}: {why}")))
    }

    pub(super) fn store_bytes(&self, pointer: *mut u8, bytes: &[u8]) {
        // SAFETY: every store is within a range that `check` has passed.
        unsafe { self.core.memory.write(pointer, bytes) };
    }

    fn store_pair(&self, place: *mut u8, (pointer, length): (*mut u8, usize)) {
        // SAFETY: as in `store_bytes`; the layout of what is stored aligns pointers.
        unsafe { self.core.memory.write_pointer(place, pointer) };
        let width = self.width.bytes();
        self.store_bytes(place.wrapping_add(width), &(length as u64).to_le_bytes()[..width]);
    }

    /// Stores a value into a range that was checked.
    fn store(&self, ty: &Type, value: Value, pointer: *mut u8) -> Result<()> {
        match (ty, value) {
            (Type::String, Value::String(text)) => self.store_pair(pointer, self.string(&text)?),
            (Type::List(item), value) => self.store_pair(pointer, self.list(item, value)?),
            (Type::Map(key, entry), value) => self.store_pair(pointer, self.list(&entry_type(key, entry), value)?),
            (Type::FixedLengthList(item, length), value) => {
                check_length(&value, *length)?;
                self.store_items(item, value, pointer)?;
            }
            (Type::Record(_) | Type::Tuple(_), Value::Record(values)) => self.store_record(ty, values, pointer)?,
            (Type::Variant(_) | Type::Enum(_) | Type::Option(_) | Type::Result(..), Value::Case(index, payload)) => {
                self.store_case(ty, index, payload, pointer)?;
            }
            (_, value) => {
                let bits = self.scalar(ty, value)?;
                self.store_bytes(pointer, &bits.to_le_bytes()[..ty.layout(self.width).size]);
            }
        }
        Ok(())
    }

    fn store_record(&self, ty: &Type, values: Vec<Value>, pointer: *mut u8) -> Result<()> {
        let fields = ty.fields().unwrap_or_default();
        check_count(ty, fields.len(), values.len())?;
        let (_, offsets) = record_layout(fields.iter().copied(), self.width);
        for ((field, offset), value) in fields.into_iter().zip(offsets).zip(values) {
            self.store(field, value, pointer.wrapping_add(offset))?;
        }
        Ok(())
    }

    fn store_case(&self, ty: &Type, index: u32, payload: Option<Box<Value>>, pointer: *mut u8) -> Result<()> {
        let Some(cases) = ty.cases() else {
            return trap(Rule::HostContract);
        };
        check_case(ty, index, cases.count())?;
        self.store_bytes(pointer, &index.to_le_bytes()[..discriminant_size(cases.count())]);
        match (cases.payload(index as usize), payload) {
            (None, None) => Ok(()),
            (Some(ty), Some(value)) => self.store(ty, *value, pointer.wrapping_add(cases.payload_offset(self.width))),
            _ => Err(payload_mismatch(ty, index)),
        }
    }

    /// Stores items into a range that was checked.
    pub(crate) fn store_items(&self, item: &Type, items: Value, pointer: *mut u8) -> Result<()> {
        let values = match items {
            Value::Bytes(bytes) if *item == Type::U8 => {
                self.store_bytes(pointer, &bytes);
                return Ok(());
            }
            Value::List(values) => values,
            other => return Err(unfit(&Type::List(item.clone().into()), &other)),
        };
        let size = item.layout(self.width).size;
        for (index, value) in values.into_iter().enumerate() {
            self.store(item, value, pointer.wrapping_add(index * size))?;
        }
        Ok(())
    }

    fn list(&self, item: &Type, items: Value) -> Result<(*mut u8, usize)> {
        let length = length_of(&items);
        let layout = item.layout(self.width);
        let bytes = length.checked_mul(layout.size).filter(|bytes| *bytes <= MAX_BYTES);
        let bytes = bytes.ok_or_else(|| Trap::new(Rule::ListTooLong).with(format!("it has {length} items")))?;
        let pointer = self.allocate(layout.align, bytes)?;
        self.store_items(item, items, pointer)?;
        Ok((pointer, length))
    }

    fn string(&self, text: &str) -> Result<(*mut u8, usize)> {
        if text.len() > MAX_BYTES {
            return Err(Trap::new(Rule::StringTooLong).with(format!("it has {} bytes", text.len())));
        }
        super::transcode::store_string(self, text)
    }

    /// The bits of a value that is one core value.
    fn scalar(&self, ty: &Type, value: Value) -> Result<u64> {
        Ok(match (ty, value) {
            (Type::Bool, Value::Bool(value)) => u64::from(value),
            (Type::S8, Value::S8(value)) => u64::from(value as i32 as u32),
            (Type::U8, Value::U8(value)) => u64::from(value),
            (Type::S16, Value::S16(value)) => u64::from(value as i32 as u32),
            (Type::U16, Value::U16(value)) => u64::from(value),
            (Type::S32, Value::S32(value)) => u64::from(value as u32),
            (Type::U32, Value::U32(value)) => u64::from(value),
            (Type::S64, Value::S64(value)) => value as u64,
            (Type::U64, Value::U64(value)) => value,
            (Type::F32, Value::F32(value)) => u64::from(self.f32_bits(value)),
            (Type::F64, Value::F64(value)) => self.f64_bits(value),
            (Type::Char, Value::Char(value)) => u64::from(u32::from(value)),
            (Type::Flags(_), Value::Flags(value)) => u64::from(value),
            (Type::Own(index), Value::Own(resource)) => {
                self.check_resource(resource.ty(), *index)?;
                let ty = resource.ty().clone();
                match resource.into_rep() {
                    Some(rep) => u64::from(self.add(Entry::Resource(Rc::new(ResourceHandle::own(ty, rep))))?),
                    None => return Err(Trap::new(Rule::HostContract).with("a resource was passed on twice")),
                }
            }
            (Type::Borrow(index), Value::Borrow(resource, rep)) => {
                self.check_resource(&resource, *index)?;
                u64::from(self.borrow(&resource, rep)?)
            }
            (Type::Stream(payload), Value::Stream(end)) => {
                u64::from(self.readable(end, EndKind::StreamReadable, payload.as_deref())?)
            }
            (Type::Future(payload), Value::Future(end)) => {
                u64::from(self.readable(end, EndKind::FutureReadable, payload.as_deref())?)
            }
            (Type::ErrorContext, Value::ErrorContext(context)) => u64::from(self.add(Entry::ErrorContext(context))?),
            (ty, value) => return Err(unfit(ty, &value)),
        })
    }

    fn add(&self, entry: Entry) -> Result<u32> {
        self.instance.add(entry)
    }

    fn check_resource(&self, found: &Rc<ResourceType>, wanted: super::ty::ResourceIndex) -> Result<()> {
        let wanted = self.instance.resource(wanted)?;
        if Rc::ptr_eq(found, &wanted) {
            return Ok(());
        }
        let detail = format!(
            "a `{}` is not the `{}` of instance {}",
            found.name(),
            wanted.name(),
            self.instance.name()
        );
        Err(Trap::new(Rule::HostContract).with(detail))
    }

    fn borrow(&self, ty: &Rc<ResourceType>, rep: u32) -> Result<u32> {
        if ty.is_of(self.instance) {
            return Ok(rep);
        }
        let Scope::Task(task) = &self.scope else {
            return Err(Trap::new(Rule::HostContract).with("a borrow can only be a parameter"));
        };
        task.borrows.set(task.borrows.get() + 1);
        self.add(Entry::Resource(Rc::new(ResourceHandle::borrow(
            ty.clone(),
            rep,
            task.clone(),
        ))))
    }

    fn readable(&self, end: Readable, kind: EndKind, payload: Option<&Type>) -> Result<u32> {
        let Some(shared) = end.into_shared() else {
            return Err(Trap::new(Rule::HostContract).with("a stream or future was passed on twice"));
        };
        let end = CopyEnd::new(self.store.next_id(), kind, shared, payload.cloned());
        let index = self.add(Entry::End(end.clone()))?;
        end.set_index(index);
        Ok(index)
    }

    fn f32_bits(&self, value: f32) -> u32 {
        let scrambled = [0x7fc0_0000, 0xffc0_0000, 0x7f80_0001, 0x7fff_ffff];
        if value.is_nan() {
            scrambled[self.store.choose(Choice::Nan, scrambled.len())]
        } else {
            value.to_bits()
        }
    }

    fn f64_bits(&self, value: f64) -> u64 {
        let scrambled = [
            0x7ff8_0000_0000_0000,
            0xfff8_0000_0000_0000,
            0x7ff0_0000_0000_0001,
            0x7fff_ffff_ffff_ffff,
        ];
        if value.is_nan() {
            scrambled[self.store.choose(Choice::Nan, scrambled.len())]
        } else {
            value.to_bits()
        }
    }

    fn lower_flat(&self, ty: &Type, value: Value, into: &mut Vec<CoreVal>) -> Result<()> {
        match (ty, value) {
            (Type::String, Value::String(text)) => push_pair(into, self.string(&text)?),
            (Type::List(item), value) => push_pair(into, self.list(item, value)?),
            (Type::Map(key, entry), value) => push_pair(into, self.list(&entry_type(key, entry), value)?),
            (Type::FixedLengthList(item, length), value) => {
                check_length(&value, *length)?;
                for item_value in items_of(value) {
                    self.lower_flat(item, item_value, into)?;
                }
            }
            (Type::Record(_) | Type::Tuple(_), Value::Record(values)) => {
                let fields = ty.fields().unwrap_or_default();
                check_count(ty, fields.len(), values.len())?;
                for (field, value) in fields.into_iter().zip(values) {
                    self.lower_flat(field, value, into)?;
                }
            }
            (Type::Variant(_) | Type::Enum(_) | Type::Option(_) | Type::Result(..), Value::Case(index, payload)) => {
                self.lower_flat_case(ty, index, payload, into)?;
            }
            (Type::S64 | Type::U64, value) => into.push(CoreVal::I64(self.scalar(ty, value)? as i64)),
            (Type::F32, value) => into.push(CoreVal::F32(f32::from_bits(self.scalar(ty, value)? as u32))),
            (Type::F64, value) => into.push(CoreVal::F64(f64::from_bits(self.scalar(ty, value)?))),
            (_, value) => into.push(CoreVal::I32(self.scalar(ty, value)? as u32 as i32)),
        }
        Ok(())
    }

    fn lower_flat_case(
        &self,
        ty: &Type,
        index: u32,
        payload: Option<Box<Value>>,
        into: &mut Vec<CoreVal>,
    ) -> Result<()> {
        let Some(cases) = ty.cases() else {
            return trap(Rule::HostContract);
        };
        check_case(ty, index, cases.count())?;
        into.push(CoreVal::I32(index as i32));
        let mut flat = Vec::new();
        match (cases.payload(index as usize), payload) {
            (None, None) => {}
            (Some(ty), Some(value)) => self.lower_flat(ty, *value, &mut flat)?,
            _ => return Err(payload_mismatch(ty, index)),
        }
        let joined: Vec<CoreType> = cases.joined(self.width);
        let mut values = flat.into_iter();
        into.extend(joined.into_iter().map(|ty| match values.next() {
            Some(value) => value.coerce(ty),
            None => CoreVal::zero(ty),
        }));
        Ok(())
    }
}

fn push_pair(into: &mut Vec<CoreVal>, (pointer, length): (*mut u8, usize)) {
    into.extend([CoreVal::Ptr(pointer), CoreVal::Len(length)]);
}

fn length_of(items: &Value) -> usize {
    match items {
        Value::Bytes(bytes) => bytes.len(),
        Value::List(items) => items.len(),
        _ => 0,
    }
}

fn items_of(items: Value) -> Vec<Value> {
    match items {
        Value::Bytes(bytes) => bytes.into_iter().map(Value::U8).collect(),
        Value::List(items) => items,
        _ => Vec::new(),
    }
}

fn check_length(items: &Value, length: u32) -> Result<()> {
    if length_of(items) == length as usize {
        return Ok(());
    }
    let detail = format!("a list of {} items where {length} are due", length_of(items));
    Err(Trap::new(Rule::HostContract).with(detail))
}

fn check_count(ty: &Type, due: usize, given: usize) -> Result<()> {
    if due == given {
        return Ok(());
    }
    Err(Trap::new(Rule::HostContract).with(format!("{given} values where a {} has {due}", ty.kind())))
}

fn check_case(ty: &Type, index: u32, count: usize) -> Result<()> {
    if (index as usize) < count {
        return Ok(());
    }
    Err(Trap::new(Rule::HostContract).with(format!("case {index} of a {} that has {count}", ty.kind())))
}

fn payload_mismatch(ty: &Type, index: u32) -> Box<Trap> {
    Trap::new(Rule::HostContract).with(format!(
        "case {index} of a {} has a payload too many or too few",
        ty.kind()
    ))
}

/// Lowers the parameters of an export.
pub(crate) fn lower_params(
    store: &Store,
    instance: &Rc<Instance>,
    scope: Scope,
    ty: &FuncType,
    values: Vec<Value>,
) -> Result<Vec<CoreVal>> {
    let cx = LowerCx::new(store, instance, scope)?;
    let types = ty.param_types();
    check_values(&types, &values)?;
    if flatten_all(&types, cx.width).len() <= MAX_FLAT_PARAMS {
        return cx.lower_all_flat(&types, values);
    }
    let layout = record_layout(types.iter().copied(), cx.width).0;
    let pointer = cx.allocate(layout.align, layout.size)?;
    cx.store_all(&types, values, pointer)?;
    Ok(vec![CoreVal::Ptr(pointer)])
}

/// Lowers the result of an import: as the core result, or where `out` points.
pub(crate) fn lower_results(
    store: &Store,
    instance: &Rc<Instance>,
    ty: &FuncType,
    max_flat: usize,
    values: Vec<Value>,
    out: Option<CoreVal>,
) -> Result<Option<CoreVal>> {
    let cx = LowerCx::new(store, instance, Scope::None)?;
    let types = ty.result_types();
    check_values(&types, &values)?;
    if flatten_all(&types, cx.width).len() <= max_flat {
        return Ok(cx.lower_all_flat(&types, values)?.pop());
    }
    let Some(CoreVal::Ptr(pointer)) = out else {
        return Err(Trap::new(Rule::CoreSignature).with("the place of the result is missing"));
    };
    let layout = record_layout(types.iter().copied(), cx.width).0;
    cx.check(pointer, layout.size, layout.align, "the place of the result")?;
    cx.store_all(&types, values, pointer)?;
    Ok(None)
}

fn check_values(types: &[&Type], values: &[Value]) -> Result<()> {
    if types.len() == values.len() {
        return Ok(());
    }
    Err(Trap::new(Rule::HostContract).with(format!("{} values where {} are due", values.len(), types.len())))
}

impl LowerCx<'_> {
    fn lower_all_flat(&self, types: &[&Type], values: Vec<Value>) -> Result<Vec<CoreVal>> {
        let mut flat = Vec::new();
        for (ty, value) in types.iter().zip(values) {
            self.lower_flat(ty, value, &mut flat)?;
        }
        Ok(flat)
    }

    fn store_all(&self, types: &[&Type], values: Vec<Value>, pointer: *mut u8) -> Result<()> {
        let (_, offsets) = record_layout(types.iter().copied(), self.width);
        for ((ty, offset), value) in types.iter().zip(offsets).zip(values) {
            self.store(ty, value, pointer.wrapping_add(offset))?;
        }
        Ok(())
    }

    /// Stores a string as pointer and length at `place`, for `error-context.debug-message`.
    pub(crate) fn store_string_at(&self, text: &str, place: *mut u8) -> Result<()> {
        self.check(
            place,
            2 * self.width.bytes(),
            self.width.bytes(),
            "the place of the message",
        )?;
        self.store_pair(place, self.string(text)?);
        Ok(())
    }

    /// Stores the two words of an event at `place`, which was checked.
    pub(crate) fn store_event(&self, p1: u32, p2: u32, place: *mut u8) {
        self.store_bytes(place, &p1.to_le_bytes());
        self.store_bytes(place.wrapping_add(4), &p2.to_le_bytes());
    }
}
