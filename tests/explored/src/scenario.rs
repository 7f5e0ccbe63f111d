//! [`Scenario`]: what is explored, and how.

use witflow_host::Result;
use witflow_host::explore::Explorer;

/// Something to explore.
pub struct Scenario {
    /// Its name, on the command line and in tokens.
    pub name: &'static str,
    /// What it does and what has to hold, in a sentence without its full stop.
    pub about: &'static str,
    /// Runs one schedule.
    pub run: fn() -> Result<()>,
    /// What is special about how it is explored.
    pub configure: fn(Explorer) -> Explorer,
    /// Whether it is small enough for all schedules near the canonical one.
    pub small: bool,
}

impl Scenario {
    /// A scenario that is explored as usual.
    pub(crate) const fn new(name: &'static str, about: &'static str, run: fn() -> Result<()>) -> Scenario {
        Scenario {
            name,
            about,
            run,
            configure: |explorer| explorer,
            small: false,
        }
    }

    /// The same, which is small.
    pub(crate) const fn small(mut self) -> Scenario {
        self.small = true;
        self
    }

    /// The same, explored in a special way.
    pub(crate) const fn configured(mut self, configure: fn(Explorer) -> Explorer) -> Scenario {
        self.configure = configure;
        self
    }

    /// The explorer for it.
    pub fn explorer(&self) -> Explorer {
        (self.configure)(Explorer::new(self.name))
    }
}
