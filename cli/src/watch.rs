//! `--watch`: a command is run again whenever a file has changed that it depends on.
//!
//! Files are looked at again and again, since that works with every file system and every editor. Between two looks the loop
//! calls `pause`, which waits on the command line; tests change files there, and end the loop.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How long the command line waits between two looks.
const INTERVAL: Duration = Duration::from_millis(200);

/// Waits a while; `true` stands for another look.
#[expect(
    clippy::disallowed_methods,
    reason = "no file system tells every change of its files"
)]
pub(crate) fn pause() -> bool {
    std::thread::sleep(INTERVAL);
    true
}

/// What there was when files were last looked at.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen(BTreeMap<PathBuf, Option<Stamp>>);

/// What of a file changes with it.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
}

impl Seen {
    /// Looks at files, of which some may be missing.
    pub(crate) fn look(files: Vec<PathBuf>) -> Self {
        let stamp = |file: &Path| {
            let facts = file.metadata().ok()?;
            Some(Stamp {
                modified: facts.modified().ok(),
                len: facts.len(),
            })
        };
        let entry = |file: PathBuf| {
            let stamp = stamp(&file);
            (file, stamp)
        };
        Self(files.into_iter().map(entry).collect())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

/// Calls `run` again and again, each time after something of what `files` names has changed. It ends when `pause` says so, with
/// what the last run gave.
pub(crate) fn repeat(
    files: &dyn Fn() -> Vec<PathBuf>,
    pause: &mut dyn FnMut() -> bool,
    run: &mut dyn FnMut(&Seen) -> bool,
) -> bool {
    loop {
        // A change during the run is one after this look.
        let seen = Seen::look(files());
        let done = run(&seen);
        loop {
            if !pause() {
                return done;
            }
            if Seen::look(files()) != seen {
                break;
            }
        }
    }
}
