//! [`Tape`]: a schedule, as what it does other than the canonical one.
//!
//! Of all the answers that a chooser gave, only those other than 0 are kept, each with its place and with what was asked
//! there. The empty tape is the canonical schedule. Played, a tape answers what it holds at the places it holds and 0
//! everywhere else; whether the same was asked there tells whether the program is still the one it was recorded with.

use crate::canonical::{Choice, Fault};

/// One choice that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) kind: Choice,
    pub(crate) n: u32,
    pub(crate) answer: u32,
}

/// A choice other than the canonical one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Deviation {
    /// How many choices came before it.
    pub(crate) at: u32,
    pub(crate) decision: Decision,
}

impl Deviation {
    /// As bytes, for a tape whose next place is `next`.
    pub(crate) fn encode(&self, next: u32) -> Vec<u8> {
        let Decision { kind, n, answer } = self.decision;
        let mut bytes = Vec::new();
        for number in [self.at - next, number_of(kind), n, answer] {
            push_varint(&mut bytes, number);
        }
        bytes
    }
}

/// A schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tape {
    /// In order.
    pub(crate) deviations: Vec<Deviation>,
}

/// The choices without [`Fault`] by number.
const KINDS: [Choice; 13] = [
    Choice::Event,
    Choice::Task,
    Choice::SiblingTask,
    Choice::GoOn,
    Choice::HostStart,
    Choice::HostEvent,
    Choice::HostPace,
    Choice::CopyLength,
    Choice::Nan,
    Choice::StringSource,
    Choice::ErrorContext,
    Choice::Profile,
    Choice::Scenario,
];

/// Where the numbers of faults begin.
const FAULTS: u32 = 32;

/// The number of a kind of choice.
pub(crate) fn number_of(kind: Choice) -> u32 {
    match kind {
        Choice::Fault(fault) => FAULTS + place(Fault::ALL, fault),
        other => place(&KINDS, other),
    }
}

fn place<T: PartialEq>(all: &[T], one: T) -> u32 {
    all.iter().position(|other| *other == one).unwrap_or_default() as u32
}

/// The kind of choice with a number.
fn kind_of(number: u32) -> Option<Choice> {
    match number.checked_sub(FAULTS) {
        Some(fault) => Fault::ALL.get(fault as usize).map(|fault| Choice::Fault(*fault)),
        None => KINDS.get(number as usize).copied(),
    }
}

impl Tape {
    /// What was recorded, without the canonical answers.
    pub(crate) fn of(record: &[Decision]) -> Tape {
        let numbered = record.iter().enumerate().filter(|(_, decision)| decision.answer != 0);
        Tape {
            deviations: numbered
                .map(|(at, decision)| Deviation {
                    at: at as u32,
                    decision: *decision,
                })
                .collect(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.deviations.len()
    }

    /// As bytes: for each deviation its distance from the one before, the kind, `n` and the answer.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut next = 0;
        for deviation in &self.deviations {
            bytes.extend(deviation.encode(next));
            next = deviation.at + 1;
        }
        bytes
    }

    /// The reverse of [`Tape::encode`]; nothing if the bytes are none of its.
    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Tape> {
        let mut deviations = Vec::new();
        let mut next = 0u32;
        while !bytes.is_empty() {
            let at = next.checked_add(take_varint(&mut bytes)?)?;
            let kind = kind_of(take_varint(&mut bytes)?)?;
            let (n, answer) = (take_varint(&mut bytes)?, take_varint(&mut bytes)?);
            if answer == 0 || answer >= n {
                return None;
            }
            let decision = Decision { kind, n, answer };
            deviations.push(Deviation { at, decision });
            next = at.checked_add(1)?;
        }
        Some(Tape { deviations })
    }
}

fn push_varint(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take_varint(bytes: &mut &[u8]) -> Option<u32> {
    let mut number = 0u32;
    for shift in [0, 7, 14, 21, 28] {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let part = u32::from(byte & 0x7f);
        number |= part.checked_shl(shift).filter(|shifted| shifted >> shift == part)?;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Decision, KINDS, Tape, kind_of, number_of};
    use crate::canonical::{Choice, Fault};

    fn decision(kind: Choice, n: u32, answer: u32) -> Decision {
        Decision { kind, n, answer }
    }

    #[test]
    fn every_kind_has_its_number() {
        let faults = Fault::ALL.iter().map(|fault| Choice::Fault(*fault));
        for kind in KINDS.into_iter().chain(faults) {
            assert_eq!(kind_of(number_of(kind)), Some(kind));
        }
        assert_eq!(kind_of(31), None);
        assert_eq!(kind_of(1000), None);
    }

    #[test]
    fn a_tape_keeps_what_is_not_canonical() {
        let record = [
            decision(Choice::Task, 2, 0),
            decision(Choice::Event, 3, 2),
            decision(Choice::GoOn, 2, 0),
            decision(Choice::Fault(Fault::CancelDelayed), 2, 1),
            decision(Choice::CopyLength, 100_000, 99_999),
        ];
        let tape = Tape::of(&record);
        assert_eq!(tape.len(), 3);
        assert_eq!(tape.deviations[0].at, 1);
        assert_eq!(tape.deviations[2].at, 4);
        assert_eq!(Tape::decode(&tape.encode()), Some(tape));
    }

    #[test]
    fn bytes_that_are_no_tape_are_none() {
        for bad in [
            &[1][..],
            &[0, 31, 2, 1],
            &[0, 1, 2, 0],
            &[0, 1, 2, 2],
            &[0xff; 9],
            &[0xff, 0xff, 0xff, 0xff, 0x7f],
        ] {
            assert_eq!(Tape::decode(bad), None, "{bad:?}");
        }
    }
}
