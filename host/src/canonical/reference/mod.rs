//! Random tapes of operations, played on these state machines and on the specification's executable reference.
//!
//! The reference is a Python program that is not part of this repository: `WITFLOW_SPEC` names the folder with its
//! definitions.py, and without it the test says that it was skipped. `driver.py` plays a tape there, `world` and `ops` here;
//! both print a line for whatever happens, and the lines have to be equal, traps, events, handles and memory included.
//!
//! The reference has defects that show as failed assertions. What happened before one is compared; the assertion has to be
//! among [`DEFECTS`].

mod guest;
mod ops;
mod world;

use crate::canonical::Stacks;
use crate::native::{Backend, NativeStacks};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::rc::Rc;
use world::Op;

/// The functions of the reference in which an assertion fails for a legal sequence of calls, and why.
const DEFECTS: &[(&str, &str)] = &[
    (
        "SharedFutureImpl.drop",
        "it takes the reader to be the one that waits when the readable end of a future is dropped; a writer may",
    ),
    (
        "canon_subtask_cancel",
        "a synchronous cancel is content with an event that only says STARTED",
    ),
    (
        "Thread.resume",
        "a task that cancels a call of its own instance may be about to resume itself",
    ),
];

/// How many tapes are played, and how long they are.
const TAPES: usize = 6_000;
const LENGTH: usize = 60;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}

/// How often each operation comes, by its code; the last entry leaves the core code.
const WEIGHTS: [usize; 29] = [
    6, 10, 6, 3, 3, 4, 8, 1, 4, 1, 12, 3, 3, 4, 1, 2, 1, 1, 3, 1, 2, 0, 0, 0, 0, 0, 0, 0, 10,
];

fn tape(seed: u64) -> Vec<Op> {
    let mut random = Random(seed);
    let total: usize = WEIGHTS.iter().sum();
    // It begins with a call from outside: nothing else happens before.
    let mut tape = vec![(3, random.below(4) as u32, random.below(64) as u32)];
    while tape.len() < LENGTH {
        let mut left = random.below(total);
        let mut code = 0;
        while left >= WEIGHTS[code] {
            left -= WEIGHTS[code];
            code += 1;
        }
        // Wild guesses at handles, which are the last two of 32, are rare: they usually end the tape.
        let rare = random.below(12) == 0;
        let low = if rare { random.below(32) } else { random.below(30) };
        tape.push((
            code as u32,
            random.below(1 << 16) as u32,
            (low + 32 * random.below(2)) as u32,
        ));
    }
    tape
}

fn json(tape: &[Op]) -> String {
    let triples: Vec<_> = tape.iter().map(|(code, a, b)| format!("[{code},{a},{b}]")).collect();
    format!("[{}]\n", triples.join(","))
}

/// The lines of a log as the driver prints it: a JSON list of strings without escapes.
fn lines(log: &str) -> Vec<String> {
    let inner = log.trim().trim_start_matches("[\"").trim_end_matches("\"]");
    inner.split("\", \"").map(str::to_owned).collect()
}

fn play_on_reference(folder: &PathBuf, tapes: &[Vec<Op>]) -> Vec<Vec<String>> {
    let driver = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/canonical/reference/driver.py");
    let mut child = Command::new("python3")
        .arg(driver)
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    let input: String = tapes.iter().map(|tape| json(tape)).collect();
    let mut stdin = child.stdin.take().expect("standard input is piped");
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("the driver ends");
    writer
        .join()
        .expect("the writer does not panic")
        .expect("the driver reads its input");
    let text = String::from_utf8(output.stdout).expect("the driver writes UTF-8");
    text.lines().map(lines).collect()
}

fn stacks() -> Rc<dyn Stacks> {
    Rc::new(NativeStacks::new(Backend::default_for_target()))
}

/// What differs between the two logs of a tape, if anything; otherwise the defect of the reference that ended it, if any.
fn compare(reference: &[String], ours: &[String]) -> Result<Option<String>, String> {
    let defect = reference.iter().find_map(|line| line.strip_prefix("assert "));
    let compared = match defect {
        Some(_) => reference.len().saturating_sub(2),
        None => reference.len().max(ours.len()),
    };
    for index in 0..compared {
        let (theirs, ours) = (reference.get(index), ours.get(index));
        if theirs != ours {
            return Err(format!("line {index}: reference {theirs:?}, here {ours:?}"));
        }
    }
    match defect {
        Some(defect) if !DEFECTS.iter().any(|(known, _)| *known == defect) => {
            Err(format!("the reference fails an assertion in {defect}"))
        }
        defect => Ok(defect.map(str::to_owned)),
    }
}

#[test]
fn tapes_play_as_on_the_reference() {
    let Some(folder) = std::env::var_os("WITFLOW_SPEC").map(PathBuf::from) else {
        println!("SKIPPED: WITFLOW_SPEC names no folder with the specification's definitions.py");
        return;
    };
    let first = std::env::var("WITFLOW_SEED").map_or(1, |seed| seed.parse().expect("WITFLOW_SEED is a number"));
    let count = std::env::var("WITFLOW_TAPES").map_or(TAPES, |count| count.parse().expect("WITFLOW_TAPES is a number"));
    let seeds: Vec<u64> = (first..first + count as u64).collect();
    let tapes: Vec<_> = seeds.iter().map(|seed| tape(*seed)).collect();
    let reference = play_on_reference(&folder, &tapes);
    assert_eq!(reference.len(), tapes.len(), "the driver plays every tape");
    let (mut defects, mut traps) = (BTreeMap::<String, usize>::new(), BTreeMap::<&str, usize>::new());
    let mut operations = 0;
    let mut different = Vec::new();
    for ((seed, tape), reference) in seeds.iter().zip(&tapes).zip(&reference) {
        let (ours, trap) = world::play(tape, stacks());
        match compare(reference, &ours) {
            Ok(None) => {}
            Ok(Some(defect)) => *defects.entry(defect).or_default() += 1,
            Err(difference) => different.push((seed, difference, reference, ours.clone(), trap.clone())),
        }
        if let Some(trap) = trap {
            *traps.entry(trap.rule.name()).or_default() += 1;
        }
        operations += ours.len();
    }
    println!(
        "{count} tapes, {operations} lines\nended by traps: {traps:?}\nended by defects of the reference: {defects:?}"
    );
    different
        .iter()
        .for_each(|(seed, difference, ..)| println!("seed {seed}: {difference}"));
    if let Some((seed, difference, reference, ours, trap)) = different.first() {
        let shown = |log: &[String]| log.join("\n  ");
        let (count, theirs) = (different.len(), shown(reference));
        panic!(
            "{count} tapes differ, first seed {seed}: {difference}\nreference:\n  {theirs}\nhere:\n  {}\n{trap:?}",
            shown(ours)
        );
    }
}
