//! Random programs of fibers that start, resume and abandon each other give the same trace with every backend.
//!
//! The hashes of some traces are written here, because Miri has one backend only.

use super::*;

/// Traces of the first seeds.
const KNOWN: [u64; 4] = [
    0x4302_c0df_b600_4b24,
    0xf368_3ad1_556a_ac13,
    0x62e2_f74b_fea5_4199,
    0xbce3_7d49_1469_0b99,
];

/// How many fibers a program starts at most.
const FIBERS: u32 = 24;

struct World {
    /// Taken at the end of the run.
    fibers: RefCell<Option<Rc<Fibers>>>,
    suspended: RefCell<Vec<(u32, Fiber)>>,
    random: Cell<u64>,
    started: Cell<u32>,
    trace: Cell<u64>,
    events: Cell<u32>,
}

impl World {
    /// A number below `n` (xorshift64).
    fn choose(&self, n: u64) -> u64 {
        let mut x = self.random.get();
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        self.random.set(x);
        (x >> 16) % n
    }

    /// Adds to the hash of the trace (FNV-1a).
    fn note(&self, what: u8, fiber: u32) {
        let mut hash = self.trace.get();
        for byte in [what, fiber as u8] {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
        self.trace.set(hash);
        self.events.set(self.events.get() + 1);
    }

    fn pick(&self) -> Option<(u32, Fiber)> {
        let count = self.suspended.borrow().len();
        if count == 0 {
            return None;
        }
        let index = self.choose(count as u64) as usize;
        Some(self.suspended.borrow_mut().swap_remove(index))
    }

    /// Starts another fiber, unless there were enough.
    fn start(self: &Rc<World>) {
        let fiber = self.started.get();
        if fiber == FIBERS {
            return;
        }
        self.started.set(fiber + 1);
        let fibers = self.fibers.borrow().clone().expect("the run goes on");
        let world = self.clone();
        self.advance(fiber, || start(&fibers, move || world.body(fiber)));
    }

    fn resume_one(&self) {
        if let Some((fiber, handle)) = self.pick() {
            self.note(b'r', fiber);
            self.advance(fiber, || handle.resume());
        }
    }

    fn advance(&self, fiber: u32, run: impl FnOnce() -> Progress) {
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(Progress::Suspended(handle)) => self.suspended.borrow_mut().push((fiber, handle)),
            Ok(Progress::Finished) => self.note(b'f', fiber),
            Err(_) => self.note(b'p', fiber),
        }
    }

    fn body(self: &Rc<World>, fiber: u32) {
        for _ in 0..self.choose(8) {
            self.step(fiber);
        }
    }

    fn step(self: &Rc<World>, fiber: u32) {
        self.note(b's', fiber);
        match self.choose(12) {
            0..5 => suspend(),
            5..7 => self.start(),
            7..9 => self.resume_one(),
            9 => {
                if let Some((other, handle)) = self.pick() {
                    self.note(b'a', other);
                    handle.abandon();
                }
            }
            10 => {
                let world = self.clone();
                let caught = catch_unwind(AssertUnwindSafe(move || {
                    suspend();
                    world.note(b't', fiber);
                    panic::resume_unwind(Box::new(fiber));
                }));
                // What is no number is the end of a fiber that was abandoned.
                match caught.expect_err("it panicked").downcast::<u32>() {
                    Ok(fiber) => self.note(b'c', *fiber),
                    Err(payload) => panic::resume_unwind(payload),
                }
            }
            _ => panic::resume_unwind(Box::new(fiber)),
        }
    }
}

/// Runs the program of a seed; gives the hash of its trace, and how many events it has.
fn run(seed: u64, backend: Backend) -> (u64, u32) {
    let world = Rc::new(World {
        fibers: RefCell::new(Some(Rc::new(fibers(backend)))),
        suspended: RefCell::default(),
        random: Cell::new((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)),
        started: Cell::new(0),
        trace: Cell::new(0xcbf2_9ce4_8422_2325),
        events: Cell::new(0),
    });
    for _ in 0..8 {
        world.start();
    }
    while !world.suspended.borrow().is_empty() {
        // Some programs end with fibers that are still suspended.
        if world.choose(40) == 0 {
            break;
        }
        world.resume_one();
    }
    let result = (world.trace.get(), world.events.get());
    let left = world.suspended.take();
    world.fibers.take();
    drop(left);
    result
}

#[test]
fn traces_are_those_that_are_known() {
    for backend in Backend::available() {
        let traces: Vec<_> = (0..KNOWN.len() as u64).map(|seed| run(seed, *backend)).collect();
        let hashes: Vec<_> = traces.iter().map(|(hash, _)| *hash).collect();
        assert_eq!(hashes, KNOWN, "{backend:?}: {traces:x?}");
    }
}

#[test]
fn backends_give_equal_traces() {
    let seeds = if cfg!(miri) { 0 } else { 300 };
    let mut events = 0;
    for seed in 0..seeds {
        let first = run(seed, Backend::available()[0]);
        for backend in Backend::available() {
            assert_eq!(run(seed, *backend), first, "seed {seed} with {backend:?}");
        }
        events += first.1;
    }
    assert!(events >= seeds as u32 * 20, "the programs do little: {events} events");
}
