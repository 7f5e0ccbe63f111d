//! The errors a host reports, each naming the WIT functions it is about.
//!
//! Everything fallible returns [`Result`], whose error is `anyhow`'s, so that a host function may use `?` on anything. The
//! causes a caller might want to tell apart are types of their own: `error.downcast_ref::<MissingImports>()` and so on.

use std::fmt;

/// The error of every fallible operation of this crate.
pub use anyhow::Error;

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A component imports functions that the linker does not define.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingImports {
    /// The name the component was loaded under.
    pub component: String,
    /// Every missing item, as `ns:pkg/iface#function`, or its plain name when the world imports it directly.
    pub imports: Vec<String>,
}

impl fmt::Display for MissingImports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "component `{}` imports what the linker does not define:",
            self.component
        )?;
        for import in &self.imports {
            writeln!(f, "  {import}")?;
        }
        write!(f, "define them with `linker.instance(..)?.func_wrap_concurrent(..)`")?;
        if self.imports.iter().any(|import| import.starts_with("wasi:")) {
            write!(f, "; those of `wasi:` with `linker.with_wasi(..)`")?;
        }
        Ok(())
    }
}

impl std::error::Error for MissingImports {}

/// A guest has ended itself, as a command does by `wasi:cli/exit`. No code of the store runs any more.
///
/// It is the error of the call that was running. A host function that defines an exit of its own returns this too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit {
    /// The exit code; zero stands for success.
    pub code: i32,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the guest has ended with exit code {}", self.code)
    }
}

impl std::error::Error for Exit {}

/// Nothing in the store can make progress, and nobody outside it was announced who could change that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadlock {
    /// The exports that were called and have not returned.
    pub calls: Vec<String>,
    /// The host functions the guest called that have not completed.
    pub host_functions: Vec<String>,
    /// The tasks of guests, each with what it waits for. Only native guests can be asked.
    pub waiting: Vec<String>,
}

impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "deadlock: nothing in the store can make progress")?;
        for call in &self.calls {
            writeln!(f, "  the call of `{call}` has not returned")?;
        }
        for function in &self.host_functions {
            writeln!(f, "  the host function `{function}`, called by the guest, is waiting")?;
        }
        for task in &self.waiting {
            writeln!(f, "  {task}")?;
        }
        if self.calls.is_empty() && self.host_functions.is_empty() && self.waiting.is_empty() {
            writeln!(
                f,
                "  the future given to the store waits for something the store does not know"
            )?;
        }
        write!(
            f,
            "what completes from outside the store is to be awaited through `Cx::external`"
        )
    }
}

impl std::error::Error for Deadlock {}

/// The guest trapped, or broke a rule of the Canonical ABI. The store can run no guest code afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trap {
    /// The exports that were running, outermost name first.
    pub calls: Vec<String>,
    /// What happened, with the guest's backtrace where there is one.
    pub reason: String,
}

impl fmt::Display for Trap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.calls.as_slice() {
            [] => write!(f, "the guest trapped: {}", self.reason),
            calls => write!(
                f,
                "the guest trapped while running `{}`: {}",
                calls.join("`, `"),
                self.reason
            ),
        }
    }
}

impl std::error::Error for Trap {}

/// Guests have ended and not given back everything they had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// What was left: each with the instance, and a block of memory with the call it was allocated in.
    pub leaks: Vec<String>,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "all tasks have ended, and this is left:")?;
        self.leaks.iter().try_for_each(|leak| write!(f, "\n  {leak}"))
    }
}

impl std::error::Error for Leak {}

/// A call was cancelled before it returned, as [`Promise::cancel`](crate::Promise::cancel) asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled;

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the call was cancelled")
    }
}

impl std::error::Error for Cancelled {}

/// The other end of a stream or future went away before it took everything that was written.
#[derive(Clone, PartialEq, Eq)]
pub struct ReaderDropped<T> {
    /// What was not taken, in order.
    pub unsent: Vec<T>,
}

impl<T> fmt::Debug for ReaderDropped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReaderDropped")
            .field("unsent", &self.unsent.len())
            .finish()
    }
}

impl<T> fmt::Display for ReaderDropped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = std::any::type_name::<T>();
        write!(
            f,
            "the reader was dropped with {} written values of type `{kind}` not taken",
            self.unsent.len()
        )
    }
}

impl<T> std::error::Error for ReaderDropped<T> {}
