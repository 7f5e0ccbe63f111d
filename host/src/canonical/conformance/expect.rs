//! What a test expects of a script: a trap, or none.

use super::guest::Guest;
use super::world::World;
use crate::canonical::{Profile, Result, Rule, Trap};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

thread_local! {
    static FIRED: RefCell<BTreeSet<Rule>> = const { RefCell::new(BTreeSet::new()) };
}

/// Forgets the rules that were broken so far, on this thread.
pub(super) fn start_recording() {
    FIRED.take();
}

/// The rules that expected traps have broken since.
pub(super) fn recorded() -> BTreeSet<Rule> {
    FIRED.take()
}

/// A trap that a script is to end in.
pub(super) struct Expected {
    rule: Rule,
    handle: Option<u32>,
    call: Option<String>,
    task: Option<String>,
    instance: String,
    profiles: Vec<Profile>,
}

/// The trap of a broken rule, in the first task of `run` of the guest.
pub(super) fn broken(rule: Rule) -> Expected {
    Expected {
        rule,
        handle: None,
        call: None,
        task: Some("task 1 of `run`".to_owned()),
        instance: "guest".to_owned(),
        profiles: Profile::ALL.to_vec(),
    }
}

impl Expected {
    /// It names this handle.
    pub(super) fn about(mut self, handle: u32) -> Expected {
        self.handle = Some(handle);
        self
    }

    /// It names this call, with its arguments.
    pub(super) fn by(mut self, call: impl Into<String>) -> Expected {
        self.call = Some(call.into());
        self
    }

    /// It names this task, which is not that of `run`.
    pub(super) fn in_task(mut self, task: &str, instance: &str) -> Expected {
        (self.task, self.instance) = (Some(task.to_owned()), instance.to_owned());
        self
    }

    /// It names no task: the code is none of a task's.
    pub(super) fn in_no_task(mut self) -> Expected {
        self.task = None;
        self
    }

    /// The script traps under these profiles; nothing is said of the others.
    pub(super) fn under(mut self, profiles: &[Profile]) -> Expected {
        self.profiles = profiles.to_vec();
        self
    }

    /// Runs `script` as an `async func`.
    #[track_caller]
    pub(super) fn when(self, script: impl Fn(&Guest) -> Result<()> + Clone + 'static) {
        self.in_world(|world| {
            let run = world.guest.script(script.clone());
            world.invoke(&run, Vec::new()).map(|_| ())
        });
    }

    /// Runs `script` as a plain `func`.
    #[track_caller]
    pub(super) fn when_plain(self, script: impl Fn(&Guest) -> Result<()> + Clone + 'static) {
        self.in_task("task 1 of `plain`", "guest").in_world(|world| {
            let run = world.guest.plain_script(script.clone());
            world.invoke(&run, Vec::new()).map(|_| ())
        });
    }

    /// Does `begin`, and then what is left to be done.
    #[track_caller]
    pub(super) fn in_world(self, begin: impl Fn(&Rc<World>) -> Result<()>) {
        for profile in &self.profiles {
            let world = World::new(*profile);
            let outcome = begin(&world).and_then(|()| world.run());
            let Err(trap) = outcome else {
                panic!("under {}, nothing broke {}", profile.name, self.rule);
            };
            self.check(&trap, profile);
            assert_eq!(world.store.tick(), Err(trap), "a trap ends its store for good");
        }
        FIRED.with_borrow_mut(|fired| fired.insert(self.rule));
    }

    #[track_caller]
    fn check(&self, trap: &Trap, profile: &Profile) {
        let text = trap.to_string();
        let found = (trap.rule, trap.handle, trap.task.as_deref(), trap.instance.as_deref());
        let wanted = (self.rule, self.handle, self.task.as_deref(), Some(&*self.instance));
        assert_eq!(found, wanted, "under {}: {text}", profile.name);
        if self.call.is_some() {
            assert_eq!(trap.call, self.call, "under {}: {text}", profile.name);
        }
        let named = [&self.call, &self.task].into_iter().flatten();
        for part in named.chain([&self.instance]) {
            assert!(text.contains(part.as_str()), "`{part}` is missing from: {text}");
        }
    }
}

/// Runs `script` as an `async func` under each profile; it ends well.
#[track_caller]
pub(super) fn holds(script: impl Fn(&Guest) -> Result<()> + Clone + 'static) {
    holds_under(&Profile::ALL, script);
}

/// The same under some profiles.
#[track_caller]
pub(super) fn holds_under(profiles: &[Profile], script: impl Fn(&Guest) -> Result<()> + Clone + 'static) {
    in_worlds(profiles, |world| {
        let run = world.guest.script(script.clone());
        let call = world.invoke(&run, Vec::new())?;
        world.run()?;
        assert!(call.is_resolved(), "the script has not ended");
        Ok(())
    });
}

/// Does `body` in a world of each profile; it ends well, and leaves no task behind.
#[track_caller]
pub(super) fn in_worlds(profiles: &[Profile], body: impl Fn(&Rc<World>) -> Result<()>) {
    for profile in profiles {
        let world = World::new(*profile);
        let outcome = body(&world).and_then(|()| world.run());
        if let Err(trap) = outcome {
            panic!("under {}: {trap}", profile.name);
        }
        assert!(
            !world.store.has_tasks(),
            "under {}: {}",
            profile.name,
            world.store.report()
        );
    }
}
