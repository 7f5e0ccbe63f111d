//! Every schedule a host may choose: explored, shrunk, replayed, seen.
//!
//! The specification leaves it to the host which event is reported first, which task runs next, how much of a copy moves, when a
//! function takes its parameters, and more. One host always chooses one way; what works there may fail elsewhere. [`explore`]
//! runs an ordinary test, one that makes a [`Store`](crate::Store) for native guests, many times, and chooses differently each
//! time:
//!
//! ```no_run
//! use witflow_host::explore::explore;
//! use witflow_host::{Engine, Store};
//!
//! #[test]
//! fn it_adds_whatever_happens() {
//!     explore(1_000, || Store::new(&Engine::native()).block_on(async |store| {
//!         // instantiate a guest, call it, assert what has to hold
//!         # let _ = store;
//!         witflow_host::Result::Ok(())
//!     }));
//! }
//! ```
//!
//! A schedule is a list of answers to choices (`Choose` in [`canonical`](crate::canonical)); the canonical one answers 0 throughout and is always the
//! first to be run. Others come from a seed, by random walks and by random priorities, or all are tried that deviate from the
//! canonical one so many times ([`Explorer::exhaust`]). Beside orders, hosts inject what seldom happens, see
//! [`Fault`](crate::canonical::Fault). [`pick`], [`pause`] and [`delay`] let the test and its host functions leave open more.
//!
//! What is wrong with a schedule is found by the test itself and by what has to hold for any: no rule of the Canonical ABI is
//! broken; no task waits for ever; when a store ends, so do all tasks in it, and no handle is left.
//!
//! A failure is made small, and printed with a token. `WITFLOW_REPLAY=token cargo test name` repeats exactly that schedule. A
//! test that goes differently in the same schedule, because it asks clocks, threads or maps without order, is found out by running
//! some schedules twice.
//!
//! | file | what it does |
//! |---|---|
//! | `explorer` | chooses schedules, runs them, reports |
//! | `plan`, `run`, `end` | one schedule: how it is run, its ambient state, what holds at its end |
//! | `driver`, `walk`, `tape`, `token` | who chooses: at random, or from a tape, which can be written as a token |
//! | `journal` | what is known of a schedule that ended the process |
//! | `exhaust`, `shrink` | schedules around a schedule |
//! | `clock`, `ambient` | what tests and host functions use |
//! | `record`, `show` | what happened: written down; and as text, as JSON, and as a page with a timeline |
//! | `failure`, `finding` | what is wrong with a schedule |
//! | `quiet`, `rng` | panics; random numbers |

mod ambient;
mod clock;
mod driver;
mod end;
mod exhaust;
mod explorer;
mod failure;
mod finding;
mod journal;
mod plan;
mod quiet;
mod record;
mod rng;
mod run;
mod show;
mod shrink;
mod tape;
mod token;
mod walk;

pub use ambient::{injects, is_exploring, note, pause, pick};
pub use clock::{Delay, delay, now};
pub use driver::Counters;
pub use exhaust::Exhausted;
pub use explorer::{Coverage, Explorer, explore};
pub use failure::Failure;
pub use finding::Endless;
pub use plan::Verdict;
pub use record::{Happening, Lane, Trace, What};

pub(crate) use ambient::yield_now;
pub(crate) use end::{check_end, check_memory};
#[cfg(feature = "recording")]
pub(crate) use record::{shown_event, shown_result};
pub(crate) use run::{Run, current};
