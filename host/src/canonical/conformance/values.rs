//! Values that break a rule on their way out of a guest or into it.

use super::calls::{length, place, word};
use super::expect::{broken, in_worlds};
use super::guest::{EXIT, Guest, func};
use super::world::World;
use crate::canonical::linear::{MEMORY, at};
use crate::canonical::{
    Case, CoreParts, CoreVal, Func, HostCall, Profile, Result, Rule, Store, StringEncoding, Type, Value, host_func,
};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// What came for a function of the host.
type Taken = Rc<RefCell<Vec<Value>>>;

/// `take: func(..)` of the host, and what it gets.
fn sink(params: &[Type]) -> (Func, Taken) {
    let taken = Taken::default();
    let keeper = taken.clone();
    let body = move |store: &Store, call: HostCall, values: Vec<Value>| {
        keeper.borrow_mut().extend(values);
        call.resolve(store, None)
    };
    (host_func("take", func(false, params, None), Rc::new(body)), taken)
}

/// Passes core values to a function with these parameters.
fn passing(params: Vec<Type>, args: Vec<CoreVal>) -> impl Fn(&Guest) -> Result<()> + Clone {
    move |guest| guest.call(&sink(&params).0, &args).map(|_| ())
}

/// What the host gets of core values.
#[track_caller]
fn lifted(ty: Type, args: Vec<CoreVal>, check: impl Fn(Value) + Clone + 'static) {
    super::holds(move |guest| {
        let (take, taken) = sink(std::slice::from_ref(&ty));
        guest.call(&take, &args)?;
        let value = taken.borrow_mut().pop().expect("it was called");
        check(value);
        Ok(())
    });
}

fn colours() -> Type {
    Type::Enum(["red".into(), "green".into(), "blue".into()].into())
}

#[test]
pub(super) fn chars_are_scalar_values() {
    for bits in [0xd800, 0xdfff, 0x11_0000, u32::MAX] {
        broken(Rule::Char)
            .by(format!("take({})", bits as i32))
            .when(passing(vec![Type::Char], vec![word(bits)]));
    }
    broken(Rule::Char).by("take(ptr, 1)").when(|guest| {
        guest.memory.set_word(512, 0xd900);
        passing(vec![Type::List(Arc::new(Type::Char))], vec![place(512), length(1)])(guest)
    });
}

#[test]
pub(super) fn discriminants_are_cases() {
    let optional = Type::Option(Arc::new(Type::U32));
    broken(Rule::Discriminant)
        .by("take(3)")
        .when(passing(vec![colours()], vec![word(3)]));
    broken(Rule::Discriminant)
        .by("take(2, 0)")
        .when(passing(vec![optional.clone()], vec![word(2), word(0)]));
    broken(Rule::Discriminant)
        .by("take(-1)")
        .when(passing(vec![Type::Result(None, None)], vec![word(u32::MAX)]));
    broken(Rule::Discriminant).by("take(ptr, 1)").when(move |guest| {
        guest.memory.set_word(512, 2);
        passing(
            vec![Type::List(Arc::new(optional.clone()))],
            vec![place(512), length(1)],
        )(guest)
    });
}

#[test]
pub(super) fn strings_are_well_formed() {
    broken(Rule::StringEncoding).by("take(ptr, 2)").when(|guest| {
        guest.memory.set_word(512, 0xff_c3);
        passing(vec![Type::String], vec![place(512), length(2)])(guest)
    });
    broken(Rule::StringEncoding).by("take(ptr, 1)").in_world(|world| {
        world.guest.set_encoding(StringEncoding::Utf16);
        world.guest.memory.set_word(512, 0xd800);
        let run = world
            .guest
            .script(passing(vec![Type::String], vec![place(512), length(1)]));
        world.invoke(&run, Vec::new()).map(|_| ())
    });
}

#[test]
pub(super) fn strings_have_a_greatest_length() {
    broken(Rule::StringTooLong)
        .by("take(ptr, 268435456)")
        .when(passing(vec![Type::String], vec![place(64), length(1 << 28)]));
    broken(Rule::StringTooLong)
        .by("take(ptr, 134217728)")
        .in_world(|world| {
            world.guest.set_encoding(StringEncoding::Utf16);
            let run = world
                .guest
                .script(passing(vec![Type::String], vec![place(64), length(1 << 27)]));
            world.invoke(&run, Vec::new()).map(|_| ())
        });
}

#[test]
pub(super) fn lists_have_a_greatest_length() {
    broken(Rule::ListTooLong).by("take(ptr, 268435456)").when(passing(
        vec![Type::List(Arc::new(Type::U8))],
        vec![place(64), length(1 << 28)],
    ));
    broken(Rule::ListTooLong).by("take(ptr, 33554432)").when(passing(
        vec![Type::List(Arc::new(Type::U64))],
        vec![place(64), length(1 << 25)],
    ));
    broken(Rule::ListTooLong).by("take(ptr, 16777216)").when(passing(
        vec![Type::Map(Arc::new(Type::U32), Arc::new(Type::U64))],
        vec![place(64), length(1 << 24)],
    ));
}

/// A function with more parameters than are passed flat.
fn many() -> Vec<Type> {
    vec![Type::U64; 17]
}

/// `text: async func() -> string`, whose result is where `task.return` says.
fn returning_text(world: &Rc<World>, pointer: usize, count: usize) -> Result<()> {
    let ty = func(true, &[], Some(Type::String));
    let result = ty.clone();
    let enter = move |guest: &Guest, _: &[CoreVal]| {
        guest.task_return(&result, &[place(pointer), length(count)])?;
        Ok(EXIT)
    };
    let text = world.guest.lift_async("run", ty, enter, |_, _| Ok(EXIT));
    world.invoke(&text, Vec::new()).map(|_| ())
}

/// Calls `text: func() -> string` of the peer, with a place for its result.
fn taking_text(world: &Rc<World>, out: usize) -> Result<()> {
    let ty = func(false, &[], Some(Type::String));
    let text = world.peer.lift("text", ty, |peer, _| {
        peer.memory.set_word(512, 0);
        peer.memory.set_word(516, 3);
        Ok(Some(place(512)))
    });
    let run = world
        .guest
        .script(move |guest| guest.call(&text, &[place(out)]).map(|_| ()));
    world.invoke(&run, Vec::new()).map(|_| ())
}

/// Gives a guest a realloc that answers with this place.
fn with_realloc(world: &Rc<World>, answer: usize) -> Result<()> {
    let core = world.guest.instance.core()?;
    world.guest.instance.set_core(CoreParts {
        realloc: Rc::new(move |_, _, _, _| Ok(at(answer))),
        ..core
    });
    let ty = func(false, &[Type::List(Arc::new(Type::U32))], None);
    let take = world.guest.lift("run", ty, |_, _| Ok(None));
    world.invoke(&take, vec![Value::List(vec![Value::U32(1)])]).map(|_| ())
}

#[test]
pub(super) fn pointers_are_aligned() {
    let list = |count| passing(vec![Type::List(Arc::new(Type::U32))], vec![place(514), length(count)]);
    broken(Rule::Misaligned).by("take(ptr, 2)").when(list(2));
    // Even those of nothing.
    broken(Rule::Misaligned).by("take(ptr, 0)").when(list(0));
    broken(Rule::Misaligned).by("take(ptr, 0)").in_world(|world| {
        world.guest.set_encoding(StringEncoding::Utf16);
        let run = world
            .guest
            .script(passing(vec![Type::String], vec![place(513), length(0)]));
        world.invoke(&run, Vec::new()).map(|_| ())
    });
    broken(Rule::Misaligned)
        .by("take(ptr)")
        .when(passing(many(), vec![place(516)]));
    broken(Rule::Misaligned)
        .by("text(ptr)")
        .in_world(|world| taking_text(world, 514));
    broken(Rule::Misaligned).in_world(|world| with_realloc(world, 514));
}

#[test]
pub(super) fn pointers_are_in_bounds() {
    let bytes = |pointer, count| {
        passing(
            vec![Type::List(Arc::new(Type::U8))],
            vec![place(pointer), length(count)],
        )
    };
    broken(Rule::OutOfBounds).by("take(ptr, 2)").when(bytes(MEMORY - 1, 2));
    broken(Rule::OutOfBounds).by("take(ptr, 0)").when(bytes(MEMORY + 1, 0));
    broken(Rule::OutOfBounds)
        .by("take(ptr)")
        .when(passing(many(), vec![place(MEMORY - 16)]));
    broken(Rule::OutOfBounds)
        .by("text(ptr)")
        .in_world(|world| taking_text(world, MEMORY - 4));
    broken(Rule::OutOfBounds)
        .by("task.return(ptr, 9)")
        .in_world(|world| returning_text(world, MEMORY - 8, 9));
    broken(Rule::OutOfBounds).in_world(|world| with_realloc(world, MEMORY));
    broken(Rule::OutOfBounds).by("error-context.new(ptr, 9)").when(|guest| {
        let args = [place(MEMORY - 8), length(9)];
        guest
            .built_in(&crate::canonical::Builtin::ErrorContextNew, &args)
            .map(|_| ())
    });
}

#[test]
fn what_is_passed_is_read_leniently_where_it_may() {
    for bits in [1, 2, 255, 256, u32::MAX] {
        lifted(Type::Bool, vec![word(bits)], |value| {
            assert!(matches!(value, Value::Bool(true)))
        });
    }
    lifted(Type::Bool, vec![word(0)], |value| {
        assert!(matches!(value, Value::Bool(false)))
    });
    lifted(Type::U8, vec![word(0x1ff)], |value| {
        assert!(matches!(value, Value::U8(0xff)))
    });
    lifted(Type::S8, vec![word(0x180)], |value| {
        assert!(matches!(value, Value::S8(-128)))
    });
    lifted(Type::U16, vec![word(0x5_0001)], |value| {
        assert!(matches!(value, Value::U16(1)))
    });
    lifted(Type::S16, vec![word(0x8000)], |value| {
        assert!(matches!(value, Value::S16(i16::MIN)))
    });
    for labels in [1_usize, 8, 9, 16, 17, 32] {
        let flags = Type::Flags((0..labels).map(|label| format!("f{label}").into()).collect());
        let all = (u64::MAX >> (64 - labels)) as u32;
        lifted(flags, vec![word(u32::MAX)], move |value| {
            assert!(
                matches!(value, Value::Flags(bits) if bits == all),
                "bits beyond the labels do not count"
            );
        });
    }
    for bits in [0x7fc0_0000_u32, 0x7f80_0001, 0xffff_ffff] {
        let args = vec![CoreVal::F32(f32::from_bits(bits))];
        lifted(Type::F32, args, |value| {
            assert!(
                matches!(value, Value::F32(value) if value.to_bits() == 0x7fc0_0000),
                "NaNs are all the same"
            );
        });
    }
}

#[test]
fn slots_that_a_case_does_not_use_hold_anything() {
    let case = |name: &str, ty| Case { name: name.into(), ty };
    let variant = Type::Variant(
        [
            case("a", Some(Type::U32)),
            case("b", Some(Type::F32)),
            case("c", Some(Type::U64)),
            case("d", None),
        ]
        .into(),
    );
    let wide = |low: u32| CoreVal::I64((0xdead_beef_u64 << 32 | u64::from(low)) as i64);
    let payload = |value: Value| match value {
        Value::Case(_, Some(payload)) => *payload,
        other => panic!("{other:?} has no payload"),
    };
    lifted(variant.clone(), vec![word(0), wide(7)], move |value| {
        assert!(matches!(payload(value), Value::U32(7)), "the upper half is ignored");
    });
    lifted(variant.clone(), vec![word(1), wide(1.5_f32.to_bits())], move |value| {
        assert!(matches!(payload(value), Value::F32(value) if value == 1.5));
    });
    lifted(variant.clone(), vec![word(2), wide(7)], move |value| {
        assert!(matches!(payload(value), Value::U64(0xdead_beef_0000_0007)));
    });
    lifted(variant.clone(), vec![word(3), wide(7)], |value| {
        assert!(matches!(value, Value::Case(3, None)))
    });
    // Towards the guest they are zero.
    in_worlds(&Profile::ALL, |world| {
        let ty = func(false, std::slice::from_ref(&variant), None);
        let take = world.guest.lift("take", ty, |_, args| {
            let bits: Vec<_> = args.iter().map(|arg| arg.bits()).collect();
            assert_eq!(bits[1], if bits[0] == 3 { 0 } else { 7 });
            Ok(None)
        });
        world.invoke(&take, vec![Value::Case(3, None)])?;
        world
            .invoke(&take, vec![Value::Case(0, Some(Box::new(Value::U32(7))))])
            .map(|_| ())
    });
}

#[test]
fn strings_come_from_any_encoding() {
    use crate::canonical::Choice;
    // What the text was encoded in decides how memory is asked for: exactly, or grown and shrunk.
    let cases: [(usize, &str, &[usize]); 5] = [
        (0, "snö", &[4]),
        (1, "abc", &[3]),
        (1, "snö", &[3, 9, 4]),
        (2, "abc", &[3]),
        (2, "snö", &[3, 6, 4]),
    ];
    for (source, text, sizes) in cases {
        let chooser = super::world::Scripted::new(vec![(Choice::StringSource, source)]);
        let world = World::with_chooser(Profile::AUGUST_2026, chooser);
        let seen = Rc::new(RefCell::new(Vec::new()));
        let keeper = seen.clone();
        let take = world
            .guest
            .lift("take", func(false, &[Type::String], None), move |guest, args| {
                let (pointer, count) = (args[0].bits() as usize, args[1].bits() as usize);
                keeper.replace(guest.memory.bytes(pointer, count));
                Ok(None)
            });
        let call = world.invoke(&take, vec![Value::String(text.to_owned())]);
        assert!(call.is_ok_and(|call| call.is_resolved()));
        assert_eq!(*seen.borrow(), text.as_bytes());
        let asked: Vec<_> = world
            .guest
            .reallocs
            .borrow()
            .iter()
            .map(|(_, _, _, size)| *size)
            .collect();
        assert_eq!(asked, sizes, "{text} from source {source}");
    }
}

#[test]
fn nothing_is_allocated_as_well() {
    in_worlds(&Profile::ALL, |world| {
        let list = Type::List(Arc::new(Type::U64));
        let ty = func(false, &[list, Type::String], None);
        let take = world.guest.lift("take", ty, |_, args| {
            assert_eq!((args[1].bits(), args[3].bits()), (0, 0));
            Ok(None)
        });
        world.invoke(&take, vec![Value::List(Vec::new()), Value::String(String::new())])?;
        assert_eq!(*world.guest.reallocs.borrow(), [(0, 0, 8, 0), (0, 0, 1, 0)]);
        Ok(())
    });
}

#[test]
pub(super) fn the_host_keeps_to_the_types() {
    broken(Rule::HostContract).in_world(|world| {
        let take = world
            .guest
            .lift("run", func(false, &[Type::U32], None), |_, _| Ok(None));
        world.invoke(&take, vec![Value::Bool(true)]).map(|_| ())
    });
    broken(Rule::HostContract).in_world(|world| {
        let take = world
            .guest
            .lift("run", func(false, &[Type::U32], None), |_, _| Ok(None));
        world.invoke(&take, Vec::new()).map(|_| ())
    });
    broken(Rule::HostContract).by("host(1, ptr)").in_world(|world| {
        let run = world.guest.script(|guest| {
            guest.call_host(512)?;
            let call = guest.world().calls.borrow_mut().remove(0);
            call.resolve(&guest.store, Some(Value::String("no number".to_owned())))
        });
        world.invoke(&run, Vec::new()).map(|_| ())
    });
    // Resolved twice, and cancelled without being asked to.
    broken(Rule::HostContract)
        .by("the host function `host`")
        .in_world(|world| {
            let run = world.guest.script(|guest| {
                guest.call_host(512)?;
                let call = guest.world().calls.borrow_mut().remove(0);
                call.resolve(&guest.store, Some(Value::U32(1)))?;
                call.resolve(&guest.store, Some(Value::U32(1)))
            });
            world.invoke(&run, Vec::new()).map(|_| ())
        });
    broken(Rule::HostContract)
        .by("the host function `host`")
        .in_world(|world| {
            let run = world.guest.script(|guest| {
                guest.call_host(512)?;
                guest.world().confirm_cancel()
            });
            world.invoke(&run, Vec::new()).map(|_| ())
        });
}
