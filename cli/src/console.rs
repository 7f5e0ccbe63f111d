//! [`Output`]: where a command writes, and whether what it writes has colours.

use std::io::{self, Write};

/// A stream of the command.
pub struct Output<'a> {
    stream: &'a mut dyn Write,
    coloured: bool,
}

/// What a piece of text is, for those who can show it in a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// The head of a section.
    Heading,
    /// What is being defined.
    Name,
    /// What can be passed over.
    Aside,
    /// That all is well.
    Good,
    /// That something is wrong.
    Bad,
    /// The way to a place.
    Place,
}

impl Ink {
    /// Parameters of the escape sequence "select graphic rendition".
    fn parameters(self) -> &'static str {
        match self {
            Self::Heading => "1",
            Self::Name => "36",
            Self::Aside => "2",
            Self::Good => "1;32",
            Self::Bad => "1;31",
            Self::Place => "1;34",
        }
    }
}

impl<'a> Output<'a> {
    /// A stream that gets text only.
    pub fn plain(stream: &'a mut dyn Write) -> Self {
        Self::new(stream, false)
    }

    /// A stream that gets colours as well, if `coloured` says so.
    pub fn new(stream: &'a mut dyn Write, coloured: bool) -> Self {
        Self { stream, coloured }
    }

    /// `text` as it is to be written here.
    pub(crate) fn ink(&self, ink: Ink, text: &str) -> String {
        if self.coloured && !text.is_empty() {
            format!("\x1b[{}m{text}\x1b[0m", ink.parameters())
        } else {
            text.to_owned()
        }
    }

    /// Errors as the generator prints them, with their words of interest in colours.
    pub(crate) fn errors(&self, text: &str) -> String {
        let line = |line: &str| {
            if let Some(rest) = line.strip_prefix("error: ") {
                return format!("{}: {}", self.ink(Ink::Bad, "error"), self.ink(Ink::Heading, rest));
            }
            for (marker, ink) in [("--> ", Ink::Place), ("= help: ", Ink::Good), ("= option: ", Ink::Good)] {
                if let Some(rest) = line.trim_start().strip_prefix(marker) {
                    let indent = &line[..line.len() - rest.len() - marker.len()];
                    return format!("{indent}{} {rest}", self.ink(ink, marker.trim_end()));
                }
            }
            line.to_owned()
        };
        if !self.coloured {
            return text.to_owned();
        }
        text.lines().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, coloured: &str) {
        assert_eq!(Output::plain(&mut Vec::new()).errors(text), text);
        assert_eq!(Output::new(&mut Vec::new(), true).errors(text), coloured);
    }

    #[test]
    fn errors_have_colours_where_they_can_be_seen() {
        check("error: bad", "\x1b[1;31merror\x1b[0m: \x1b[1mbad\x1b[0m");
        check(" --> a.wit:1:2\n1 | x", " \x1b[1;34m-->\x1b[0m a.wit:1:2\n1 | x");
        check("  = help: look", "  \x1b[1;32m= help:\x1b[0m look");
    }
}
