//! Traces to look at: as a table for terminals, as JSON for Perfetto and `chrome://tracing`, and as a page with a timeline.

mod chrome;
mod html;
mod json;
mod spans;
mod table;

pub(crate) use table::table;

use super::Trace;

impl Trace {
    /// The trace as a table with a column for each task.
    pub fn to_text(&self) -> String {
        table(self)
    }

    /// The trace as events that Perfetto and `chrome://tracing` show. A step of the trace is a microsecond there.
    pub fn to_chrome(&self) -> String {
        chrome::chrome(self)
    }

    /// The trace as a page that needs nothing else: tasks as rows, with what they run, wait for and copy.
    pub fn to_html(&self, title: &str) -> String {
        html::html(self, title)
    }
}
