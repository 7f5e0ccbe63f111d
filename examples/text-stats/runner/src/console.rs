//! [`Console`]: the table on standard output; complaints and, if that is a terminal, a progress bar on standard error.

use std::cell::Cell;
use std::fmt::Display;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::Report;

/// Prints the reports as they come, then their sum.
pub(crate) struct Console {
    bar: ProgressBar,
    /// The width of a column of numbers.
    width: usize,
    files: Cell<usize>,
    lines: Cell<u64>,
    words: Cell<u64>,
    bytes: Cell<u64>,
}

impl Console {
    /// A console for a run that counts `files`.
    pub(crate) fn new(files: &[PathBuf]) -> Self {
        let sizes = files.iter().filter_map(|file| file.metadata().ok());
        let size: u64 = sizes
            .filter(|metadata| metadata.is_file())
            .map(|metadata| metadata.len())
            .sum();
        let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {wide_msg}");
        // Hides itself where standard error is no terminal.
        let bar = ProgressBar::new(size);
        Self {
            bar: match style {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            },
            width: size.to_string().len().max("lines".len()),
            files: Cell::default(),
            lines: Cell::default(),
            words: Cell::default(),
            bytes: Cell::default(),
        }
    }

    /// The progress bar.
    pub(crate) fn bar(&self) -> ProgressBar {
        self.bar.clone()
    }

    /// Prints the head of the table.
    pub(crate) fn header(&self) -> io::Result<()> {
        self.line([&"lines", &"words", &"bytes"], "name")
    }

    /// Prints a report.
    pub(crate) fn row(&self, report: &Report) -> io::Result<()> {
        self.files.set(self.files.get() + 1);
        self.lines.set(self.lines.get() + report.lines);
        self.words.set(self.words.get() + report.words);
        self.bytes.set(self.bytes.get() + report.bytes);
        self.line([&report.lines, &report.words, &report.bytes], &report.name)
    }

    /// Says on standard error why there will be no report about a file.
    pub(crate) fn complain(&self, name: &str, reason: &dyn Display) {
        self.bar.suspend(|| eprintln!("{name}: {reason}"));
    }

    /// Prints the sum of the reports, and what they cost.
    pub(crate) fn total(&self, took: Duration, memory: usize) -> io::Result<()> {
        self.bar.finish_and_clear();
        self.line([&self.lines.get(), &self.words.get(), &self.bytes.get()], "total")?;
        let (files, seconds) = (self.files.get(), took.as_secs_f64());
        let noun = if files == 1 { "file" } else { "files" };
        let mebibytes = memory as f64 / f64::from(1 << 20);
        writeln!(
            io::stdout(),
            "{files} {noun} in {seconds:.3} s; the guest's memory was at most {mebibytes:.2} MiB ({memory} bytes)"
        )
    }

    fn line(&self, numbers: [&dyn Display; 3], name: &str) -> io::Result<()> {
        let ([lines, words, bytes], width) = (numbers, self.width);
        self.bar
            .suspend(|| writeln!(io::stdout(), "{lines:>width$} {words:>width$} {bytes:>width$}  {name}"))
    }
}
