//! [`Journal`]: what a schedule has chosen so far, in a file.
//!
//! A guest that runs out of its stack, or whose code is undefined, ends the process, and with it the explorer that would have
//! reported it. The journal is what is left then: a mark, and the deviations as a tape has them.

use super::tape::{Decision, Deviation, Tape};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

/// What the file of a schedule that is running begins with.
const MARK: &[u8] = b"witflow schedule\n";

/// The journal of a schedule that is running.
pub(crate) struct Journal {
    file: File,
    next: u32,
}

impl Journal {
    /// Begins a journal, if the file can be written: a schedule is worth running without.
    pub(crate) fn begin(path: &Path) -> Option<Journal> {
        let mut file = File::create(path).ok()?;
        file.write_all(MARK).ok()?;
        Some(Journal { file, next: 0 })
    }

    /// Writes down a choice other than the canonical one.
    pub(crate) fn write(&mut self, at: u32, decision: Decision) {
        let bytes = Deviation { at, decision }.encode(self.next);
        // What cannot be written is missing if it is ever read.
        let _ = self.file.write_all(&bytes);
        self.next = at + 1;
    }

    /// Leaves nothing, as the schedule has come to its end.
    pub(crate) fn end(self) {
        // As above.
        let _ = self.file.set_len(0);
    }
}

/// The schedule that left a journal, if it did not come to its end.
pub(crate) fn read(path: &Path) -> io::Result<Option<Tape>> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.strip_prefix(MARK).and_then(Tape::decode))
}

#[cfg(test)]
mod tests {
    use super::{Journal, read};
    use crate::canonical::Choice;
    use crate::explore::tape::{Decision, Tape};

    #[test]
    fn what_was_chosen_is_there_until_the_end() {
        let folder = std::env::temp_dir().join(format!("witflow-journal-{}", std::process::id()));
        let decision = |answer| Decision {
            kind: Choice::Task,
            n: 3,
            answer,
        };
        let record = [decision(0), decision(2), decision(0), decision(1)];
        let mut journal = Journal::begin(&folder).expect("there is room for a file");
        for (at, decision) in record.iter().enumerate().filter(|(_, decision)| decision.answer != 0) {
            journal.write(at as u32, *decision);
        }
        assert_eq!(read(&folder).unwrap(), Some(Tape::of(&record)));
        journal.end();
        assert_eq!(read(&folder).unwrap(), None);
        std::fs::remove_file(folder).unwrap();
    }
}
