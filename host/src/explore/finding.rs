//! [`Finding`]: what is wrong with a schedule, and [`Picture`]: how its store looked then.

use crate::canonical::{self, Report};
use crate::error::{Deadlock, Error};
use std::fmt;

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What kind of thing it is: schedules that fail in the same way have the same. It names no handles or values.
    pub(crate) class: String,
    /// All that is known.
    pub(crate) text: String,
}

impl Finding {
    pub(crate) fn new(class: impl Into<String>, text: impl Into<String>) -> Finding {
        Finding {
            class: class.into(),
            text: text.into(),
        }
    }

    pub(crate) fn of_trap(trap: &canonical::Trap) -> Finding {
        let call = trap.call.as_deref().map(|call| call.split('(').next().unwrap_or(call));
        let place = call.map(|call| format!(" in {call}")).unwrap_or_default();
        Finding::new(format!("{}{place}", trap.rule), trap.to_string())
    }

    /// The finding for a test that failed with `error`.
    pub(crate) fn of_error(error: &Error) -> Finding {
        let class = if error.downcast_ref::<Deadlock>().is_some() {
            "deadlock".to_owned()
        } else if error.downcast_ref::<Endless>().is_some() {
            "endless".to_owned()
        } else {
            let text = format!("{error:#}");
            format!("error: {}", without_numbers(text.lines().next().unwrap_or_default()))
        };
        Finding::new(class, format!("{error:#}"))
    }

    /// The finding for a test that panicked.
    pub(crate) fn of_panic(place: &str, message: &str) -> Finding {
        Finding::new(
            format!("panic at {place}"),
            format!("it panicked at {place}:\n{message}"),
        )
    }
}

/// The text with each number replaced by one sign, so that it is the same for the same failure.
fn without_numbers(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        if !c.is_ascii_digit() {
            plain.push(c);
        } else if !plain.ends_with('#') {
            plain.push('#');
        }
    }
    plain
}

/// A schedule took more steps than it may: something in it waits by running, and never ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endless {
    /// How many steps were taken.
    pub steps: u64,
    /// Which tasks were waiting, and for what.
    pub waiting: String,
}

impl fmt::Display for Endless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it did not end within {} steps", self.steps)?;
        if !self.waiting.is_empty() {
            write!(f, "; these tasks wait:{}", self.waiting)?;
        }
        Ok(())
    }
}

impl std::error::Error for Endless {}

/// The handles of all instances, and who waits for what.
#[derive(Clone, Debug)]
pub(crate) struct Picture {
    /// For each instance its handles and what they stand for.
    pub(crate) handles: Vec<(String, Vec<(u32, String)>)>,
    pub(crate) waiting: Report,
}

impl Picture {
    pub(crate) fn of(store: &canonical::Store) -> Picture {
        let handles = store.instances();
        let handles = handles
            .iter()
            .map(|instance| (instance.name().to_string(), instance.handles()));
        Picture {
            handles: handles.collect(),
            waiting: store.report(),
        }
    }
}

impl fmt::Display for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "handles")?;
        for (instance, handles) in &self.handles {
            writeln!(f, "  {instance}{}", if handles.is_empty() { ": none" } else { "" })?;
            for (index, what) in handles {
                writeln!(f, "    {index:>4}  {what}")?;
            }
        }
        writeln!(f, "\nwho waits for what")?;
        if self.waiting.tasks.is_empty() {
            writeln!(f, "  nobody waits")?;
        }
        for task in &self.waiting.tasks {
            writeln!(f, "  {} of {}, called by {}", task.task, task.instance, task.caller)?;
            for what in &task.waits_for {
                writeln!(f, "    └─ {what}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Finding;
    use crate::canonical::{Rule, Trap};

    #[test]
    fn a_class_names_no_handles() {
        let mut trap = Trap::new(Rule::EndBusy).about(3);
        trap.call = Some("stream.read(3, ptr, 4)".into());
        assert_eq!(Finding::of_trap(&trap).class, "end-busy in stream.read");
        let error = anyhow::anyhow!("item 17 of 20 is missing\nand more");
        assert_eq!(Finding::of_error(&error).class, "error: item # of # is missing");
    }
}
