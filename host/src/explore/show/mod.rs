//! Traces to look at: as a table for terminals, as JSON for Perfetto and `chrome://tracing`, and as a page with a timeline.

mod chrome;
mod html;
mod json;
mod spans;
mod table;

pub(crate) use table::table;

use super::Trace;
use std::ffi::OsStr;
use std::io;
use std::path::Path;

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

    /// Writes the trace to a file: as a page if that ends in `.html`, for Perfetto if in `.json`, and else as a table.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>, title: &str) -> io::Result<()> {
        let path = path.as_ref();
        let text = match path.extension().and_then(OsStr::to_str) {
            Some("html") => self.to_html(title),
            Some("json") => self.to_chrome(),
            _ => self.to_text(),
        };
        std::fs::write(path, text)
    }
}
