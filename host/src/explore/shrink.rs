//! Shrinking: from a schedule that fails to one that fails in the same way and deviates as little as possible.

use super::tape::Tape;

/// What shrinking did.
#[derive(Clone, Debug)]
pub(crate) struct Shrunk {
    pub(crate) tape: Tape,
    /// How many schedules were tried.
    pub(crate) tried: usize,
}

/// Tries smaller schedules, at most `most` of them. `fails` plays one and, if it fails in the same way, gives the schedule as it
/// was recorded, which may be smaller still.
pub(crate) fn shrink(tape: Tape, most: usize, fails: impl FnMut(&Tape) -> Option<Tape>) -> Shrunk {
    let mut shrinking = Shrinking {
        tape,
        tried: 0,
        most,
        fails,
    };
    while shrinking.tried < most {
        let before = shrinking.tape.clone();
        shrinking.cut_tail();
        shrinking.leave_out();
        shrinking.lower_answers();
        if shrinking.tape == before {
            break;
        }
    }
    Shrunk {
        tape: shrinking.tape,
        tried: shrinking.tried,
    }
}

struct Shrinking<F> {
    tape: Tape,
    tried: usize,
    most: usize,
    fails: F,
}

impl<F: FnMut(&Tape) -> Option<Tape>> Shrinking<F> {
    /// Takes `candidate` if it fails in the same way.
    fn accept(&mut self, candidate: &Tape) -> bool {
        if self.tried == self.most {
            return false;
        }
        self.tried += 1;
        match (self.fails)(candidate) {
            Some(recorded) => {
                // A schedule without some of the earlier deviations may have met later ones elsewhere.
                self.tape = if recorded.len() < candidate.len() {
                    recorded
                } else {
                    candidate.clone()
                };
                true
            }
            None => false,
        }
    }

    /// The canonical order from some point on, found by halving.
    fn cut_tail(&mut self) {
        let (mut fine, mut needed) = (0, self.tape.len());
        while fine < needed {
            let middle = fine + (needed - fine) / 2;
            let mut candidate = self.tape.clone();
            candidate.deviations.truncate(middle);
            if self.accept(&candidate) {
                needed = self.tape.len().min(middle);
            } else {
                fine = middle + 1;
            }
            if self.tried == self.most {
                return;
            }
        }
    }

    /// Leaves out blocks of deviations, large ones first.
    fn leave_out(&mut self) {
        let mut block = self.tape.len().div_ceil(2);
        while block > 0 {
            let mut begin = 0;
            while begin < self.tape.len() {
                let mut candidate = self.tape.clone();
                let end = (begin + block).min(candidate.len());
                candidate.deviations.drain(begin..end);
                if !self.accept(&candidate) {
                    begin += block;
                }
                if self.tried == self.most {
                    return;
                }
            }
            block /= 2;
        }
    }

    /// Lowers each answer as far as it goes: to 1, or else halfway.
    fn lower_answers(&mut self) {
        let mut index = 0;
        while index < self.tape.len() {
            loop {
                let answer = self.tape.deviations[index].decision.answer;
                let lower = [1, answer / 2, answer - 1]
                    .into_iter()
                    .filter(|lower| *lower > 0 && *lower < answer);
                let lowered = lower.into_iter().any(|lower| {
                    let mut candidate = self.tape.clone();
                    candidate.deviations[index].decision.answer = lower;
                    self.accept(&candidate)
                });
                if !lowered || index >= self.tape.len() {
                    break;
                }
            }
            index += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::shrink;
    use crate::canonical::Choice;
    use crate::explore::tape::{Decision, Deviation, Tape};

    fn tape(answers: &[(u32, u32)]) -> Tape {
        let deviation = |(at, answer): &(u32, u32)| Deviation {
            at: *at,
            decision: Decision {
                kind: Choice::Task,
                n: 100,
                answer: *answer,
            },
        };
        Tape {
            deviations: answers.iter().map(deviation).collect(),
        }
    }

    #[test]
    fn what_is_not_needed_goes() {
        let all: Vec<_> = (0..60).map(|at| (at, 50)).collect();
        let needed = |tape: &Tape| {
            let answer = |at| {
                tape.deviations
                    .iter()
                    .find(|deviation| deviation.at == at)
                    .map_or(0, |one| one.decision.answer)
            };
            (answer(7) > 0 && answer(31) >= 13).then(|| tape.clone())
        };
        let shrunk = shrink(tape(&all), 2000, needed);
        assert_eq!(shrunk.tape, tape(&[(7, 1), (31, 13)]));
        assert!(shrunk.tried < 200, "{}", shrunk.tried);
    }

    #[test]
    fn trying_has_an_end() {
        let all: Vec<_> = (0..60).map(|at| (at, 50)).collect();
        let shrunk = shrink(tape(&all), 10, |_| None);
        assert_eq!((shrunk.tape, shrunk.tried), (tape(&all), 10));
    }

    #[test]
    fn a_failure_of_the_canonical_schedule_needs_nothing() {
        let shrunk = shrink(tape(&[(3, 1), (4, 2)]), 100, |tape| Some(tape.clone()));
        assert_eq!(shrunk.tape, Tape::default());
    }
}
