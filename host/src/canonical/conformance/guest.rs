//! A guest whose core code is closures of the test, in a small linear memory.

use super::world::World;
use crate::canonical::linear::{Linear, MEMORY, at};
use crate::canonical::{
    CoreFunc, CoreParts, CoreVal, Func, FuncType, Instance, LiftOptions, Result, Rule, Store, StringEncoding, Trap,
    Type, lift,
};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};

/// Where `realloc` takes memory from; what is below belongs to the test.
const HEAP: usize = 2048;

/// What a callback-lifted function returns to end its task.
pub(super) const EXIT: u32 = 0;
/// To get another turn.
pub(super) const YIELD: u32 = 1;

/// To wait for a set.
pub(super) fn wait(set: u32) -> u32 {
    2 | set << 4
}

/// The type of a function.
pub(super) fn func(is_async: bool, params: &[Type], result: Option<Type>) -> Rc<FuncType> {
    let params = params.iter().enumerate();
    let params = params.map(|(index, ty)| (format!("p{index}").into(), ty.clone()));
    Rc::new(FuncType {
        params: params.collect(),
        result,
        is_async,
    })
}

/// A core function as tests write it: over words.
pub(super) type Body = Box<dyn Fn(&Guest, &[CoreVal]) -> Result<Option<CoreVal>>>;

/// What `realloc` does beside allocating.
type OnRealloc = Rc<dyn Fn(&Guest) -> Result<()>>;

/// An instance.
pub(super) struct Guest {
    pub(super) store: Store,
    pub(super) instance: Rc<Instance>,
    pub(super) memory: Rc<Linear>,
    /// How `realloc` was called.
    pub(super) reallocs: RefCell<Vec<(usize, usize, usize, usize)>>,
    on_realloc: RefCell<Option<OnRealloc>>,
    world: Weak<World>,
    next: Cell<usize>,
}

impl Guest {
    pub(super) fn new(store: &Store, name: &str, world: &Weak<World>) -> Rc<Guest> {
        Rc::new_cyclic(|guest: &Weak<Guest>| {
            let (instance, memory) = (store.new_instance(name), Rc::new(Linear::new()));
            let guest = guest.clone();
            let allocate = move |old: *mut u8, old_size, align, size| match guest.upgrade() {
                Some(guest) => guest.realloc(old.addr(), old_size, align, size),
                None => Err(Trap::new(Rule::Panic)),
            };
            instance.set_core(CoreParts {
                memory: memory.clone(),
                realloc: Rc::new(allocate),
                encoding: StringEncoding::Utf8,
            });
            Guest {
                store: store.clone(),
                instance,
                memory,
                reallocs: RefCell::default(),
                on_realloc: RefCell::default(),
                world: world.clone(),
                next: Cell::new(HEAP),
            }
        })
    }

    fn realloc(&self, old: usize, old_size: usize, align: usize, size: usize) -> Result<*mut u8> {
        self.reallocs.borrow_mut().push((old, old_size, align, size));
        let hook = self.on_realloc.borrow().clone();
        if let Some(hook) = hook {
            hook(self)?;
        }
        let start = (self.next.get() + align - 1) & !(align - 1);
        if start + size > MEMORY {
            return Err(Trap::new(Rule::Panic).with("out of memory"));
        }
        self.next.set(start + size);
        self.memory.copy_within(old, old_size.min(size), start);
        Ok(at(start))
    }

    /// Lets `realloc` do something else first.
    pub(super) fn on_realloc(&self, hook: impl Fn(&Guest) -> Result<()> + 'static) {
        self.on_realloc.replace(Some(Rc::new(hook)));
    }

    /// The world around it.
    pub(super) fn world(&self) -> Rc<World> {
        self.world.upgrade().expect("a guest runs within its world")
    }

    /// Gives a place in memory another encoding of strings.
    pub(super) fn set_encoding(self: &Rc<Guest>, encoding: StringEncoding) {
        let core = self.instance.core().expect("it has core code");
        self.instance.set_core(CoreParts { encoding, ..core });
    }

    fn core(self: &Rc<Guest>, body: Body) -> CoreFunc {
        let guest = self.clone();
        Rc::new(move |args| body(&guest, args))
    }

    /// An export lifted without `async`.
    pub(super) fn lift(
        self: &Rc<Guest>,
        name: &str,
        ty: Rc<FuncType>,
        body: impl Fn(&Guest, &[CoreVal]) -> Result<Option<CoreVal>> + 'static,
    ) -> Func {
        let core = self.core(Box::new(body));
        lift(&self.instance, name, core, ty, LiftOptions::default())
    }

    /// The same, with a post-return function.
    pub(super) fn lift_with_post_return(
        self: &Rc<Guest>,
        name: &str,
        ty: Rc<FuncType>,
        body: impl Fn(&Guest, &[CoreVal]) -> Result<Option<CoreVal>> + 'static,
        post_return: impl Fn(&Guest, &[CoreVal]) -> Result<Option<CoreVal>> + 'static,
    ) -> Func {
        let options = LiftOptions {
            callback: None,
            post_return: Some(self.core(Box::new(post_return))),
        };
        lift(&self.instance, name, self.core(Box::new(body)), ty, options)
    }

    /// An export lifted with `async` and a callback; both say what to do next.
    pub(super) fn lift_async(
        self: &Rc<Guest>,
        name: &str,
        ty: Rc<FuncType>,
        enter: impl Fn(&Guest, &[CoreVal]) -> Result<u32> + 'static,
        callback: impl Fn(&Guest, [u32; 3]) -> Result<u32> + 'static,
    ) -> Func {
        let code = |code: u32| Some(CoreVal::I32(code as i32));
        let enter = move |guest: &Guest, args: &[CoreVal]| enter(guest, args).map(code);
        let callback = move |guest: &Guest, args: &[CoreVal]| {
            let word = |index: usize| args[index].bits() as u32;
            callback(guest, [word(0), word(1), word(2)]).map(code)
        };
        let options = LiftOptions {
            callback: Some(self.core(Box::new(callback))),
            post_return: None,
        };
        lift(&self.instance, name, self.core(Box::new(enter)), ty, options)
    }

    /// `run: async func()`, which runs `script` at once, and returns.
    pub(super) fn script(self: &Rc<Guest>, script: impl Fn(&Guest) -> Result<()> + 'static) -> Func {
        let enter = move |guest: &Guest, _: &[CoreVal]| {
            script(guest)?;
            guest.task_return(&func(true, &[], None), &[])?;
            Ok(EXIT)
        };
        self.lift_async("run", func(true, &[], None), enter, |_, _| Ok(EXIT))
    }

    /// `plain: func()`, which runs `script`.
    pub(super) fn plain_script(self: &Rc<Guest>, script: impl Fn(&Guest) -> Result<()> + 'static) -> Func {
        self.lift("plain", func(false, &[], None), move |guest, _| {
            script(guest).map(|()| None)
        })
    }
}
