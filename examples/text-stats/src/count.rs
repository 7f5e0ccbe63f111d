//! The counting: lines, words and bytes of a text that comes in pieces.
//!
//! The numbers are those of `wc` from GNU coreutils 9.1 in the C locale, for any bytes:
//!
//! - A line is a newline byte, so a last line without one does not count.
//! - A word is what stands between white space, if there is a printable character of ASCII in it. White space is space, tab, newline,
//!   vertical tab, form feed and carriage return.
//!
//! So what consists of control characters or of bytes beyond ASCII alone, such as a dash of typographers, is no word. This is where
//! programs named `wc` differ: in other locales, and in versions that follow POSIX more closely, it is one.

/// The numbers so far, and whether the next byte would continue a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) lines: u64,
    pub(crate) words: u64,
    pub(crate) bytes: u64,
    in_word: bool,
}

impl Counts {
    /// Counts the next piece.
    pub(crate) fn add(&mut self, piece: &[u8]) {
        let (mut lines, mut words, mut in_word) = (0_u64, 0_u64, self.in_word);
        for &byte in piece {
            let graphic = byte.is_ascii_graphic();
            lines += u64::from(byte == b'\n');
            words += u64::from(graphic & !in_word);
            in_word = graphic | (in_word & !is_space(byte));
        }
        self.lines += lines;
        self.words += words;
        self.bytes += piece.len() as u64;
        self.in_word = in_word;
    }
}

/// What `isspace` says in the C locale; the standard library's function of a similar name leaves out the vertical tab.
fn is_space(byte: u8) -> bool {
    byte == b' ' || (b'\t'..=b'\r').contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts the text in one piece, byte by byte, and in two pieces divided anywhere: always the same.
    #[track_caller]
    fn check(text: &[u8], lines: u64, words: u64) {
        let expected = (lines, words, text.len() as u64);
        let divided = |pieces: &mut dyn Iterator<Item = &[u8]>| {
            let mut counts = Counts::default();
            pieces.for_each(|piece| counts.add(piece));
            (counts.lines, counts.words, counts.bytes)
        };
        assert_eq!(divided(&mut text.chunks(1)), expected, "byte by byte");
        for at in 0..=text.len() {
            let (head, tail) = text.split_at(at);
            assert_eq!(divided(&mut [head, tail].into_iter()), expected, "divided at {at}");
        }
    }

    #[test]
    fn nothing() {
        check(b"", 0, 0);
    }

    #[test]
    fn lines_are_newlines() {
        check(b"one\ntwo", 1, 2);
        check(b"one\ntwo\n", 2, 2);
        check(b"\n\n\n", 3, 0);
        check(b"one\r\ntwo\rthree", 1, 3);
    }

    #[test]
    fn white_space_separates_words() {
        check(b" \t\n\x0b\x0c\r", 1, 0);
        check(b"a b\tc\nd\x0be\x0cf\rg", 1, 7);
        check(b"  leading and   trailing  ", 0, 3);
    }

    #[test]
    fn other_bytes_continue_words_and_begin_none() {
        for byte in (0..=u8::MAX).filter(|byte| !byte.is_ascii_graphic() && !is_space(*byte)) {
            check(&[byte], 0, 0);
            check(&[b'a', byte, b'b'], 0, 1);
            check(&[b'a', b' ', byte, b' ', b'b'], 0, 2);
            check(&[byte, b'a', b' ', b'b', byte], 0, 2);
        }
    }

    #[test]
    fn text_beyond_ascii() {
        check("naïve café".as_bytes(), 0, 2);
        // Written only with letters beyond ASCII, these are no words for the C locale, nor is the no-break space a space.
        check("Ελλάδα → Крим".as_bytes(), 0, 0);
        check("a\u{a0}b".as_bytes(), 0, 1);
    }

    #[test]
    fn invalid_utf8() {
        check(b"\xff\xfe ok \xc3( \x80\x80", 0, 2);
    }
}
