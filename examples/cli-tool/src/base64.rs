//! The two directions of base64, each fed piece by piece. Nothing here knows where pieces come from or go to.

/// The 64 digits, by their value.
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What is no base64.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Invalid;

/// Turns bytes into others.
pub(crate) trait Transform {
    /// Takes a piece of the input, and appends to `output` what can be said by now.
    fn push(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<(), Invalid>;

    /// Appends what is left at the end of the input.
    fn finish(&mut self, output: &mut Vec<u8>) -> Result<(), Invalid>;
}

/// From bytes to digits, in lines.
pub(crate) struct Encoder {
    /// Up to two bytes that wait for a third.
    rest: Vec<u8>,
    /// How many digits a line has; none stands for a single line without an end.
    columns: usize,
    column: usize,
}

impl Encoder {
    pub(crate) fn new(columns: usize) -> Self {
        Self {
            rest: Vec::with_capacity(3),
            columns,
            column: 0,
        }
    }

    /// The digits of one to three bytes.
    fn group(&mut self, bytes: &[u8], output: &mut Vec<u8>) {
        let at = |index: usize| u32::from(bytes.get(index).copied().unwrap_or_default());
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for index in 0..4 {
            let digit = match index <= bytes.len() {
                true => DIGITS[(bits >> (18 - 6 * index)) as usize & 63],
                false => b'=',
            };
            self.digit(digit, output);
        }
    }

    fn digit(&mut self, digit: u8, output: &mut Vec<u8>) {
        output.push(digit);
        self.column += 1;
        if self.column == self.columns {
            output.push(b'\n');
            self.column = 0;
        }
    }
}

impl Transform for Encoder {
    fn push(&mut self, mut input: &[u8], output: &mut Vec<u8>) -> Result<(), Invalid> {
        if !self.rest.is_empty() {
            let (missing, after) = input.split_at(input.len().min(3 - self.rest.len()));
            self.rest.extend(missing);
            input = after;
            if self.rest.len() < 3 {
                return Ok(());
            }
            let group = std::mem::take(&mut self.rest);
            self.group(&group, output);
        }
        let groups = input.chunks_exact(3);
        self.rest.extend(groups.remainder());
        groups.for_each(|group| self.group(group, output));
        Ok(())
    }

    fn finish(&mut self, output: &mut Vec<u8>) -> Result<(), Invalid> {
        let rest = std::mem::take(&mut self.rest);
        if !rest.is_empty() {
            self.group(&rest, output);
        }
        if self.columns > 0 && self.column > 0 {
            output.push(b'\n');
        }
        Ok(())
    }
}

/// From digits to bytes. Ends of lines may be anywhere.
#[derive(Default)]
pub(crate) struct Decoder {
    /// The digits of a group so far, and how many they are.
    bits: u32,
    digits: u32,
    /// The `=` after them.
    padding: u32,
}

impl Decoder {
    fn symbol(&mut self, symbol: u8, output: &mut Vec<u8>) -> Result<(), Invalid> {
        match symbol {
            b'\n' => return Ok(()),
            b'=' if self.digits >= 2 => self.padding += 1,
            _ if self.padding > 0 => return Err(Invalid),
            symbol => {
                self.bits = self.bits << 6 | value(symbol)?;
                self.digits += 1;
            }
        }
        if self.digits + self.padding == 4 {
            // Digits beyond the last byte hold nothing.
            let bits = self.bits << (6 * self.padding);
            output.extend(&bits.to_be_bytes()[1..4 - self.padding as usize]);
            if bits & ((1 << (8 * self.padding)) - 1) != 0 {
                return Err(Invalid);
            }
            *self = Self::default();
        }
        Ok(())
    }
}

impl Transform for Decoder {
    fn push(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<(), Invalid> {
        input.iter().try_for_each(|symbol| self.symbol(*symbol, output))
    }

    fn finish(&mut self, _output: &mut Vec<u8>) -> Result<(), Invalid> {
        match self.digits {
            0 => Ok(()),
            _ => Err(Invalid),
        }
    }
}

/// The value of a digit.
fn value(digit: u8) -> Result<u32, Invalid> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return Err(Invalid),
    };
    Ok(value.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds pieces of a size, and gives all that came out, whether it ended well or not.
    fn all(mut transform: impl Transform, input: &[u8], size: usize) -> (Vec<u8>, Result<(), Invalid>) {
        let mut output = Vec::new();
        let pushed = input
            .chunks(size)
            .try_for_each(|piece| transform.push(piece, &mut output));
        let ended = pushed.and_then(|()| transform.finish(&mut output));
        (output, ended)
    }

    #[track_caller]
    fn check(bytes: &[u8], columns: usize, digits: &str) {
        for size in 1..9 {
            assert_eq!(
                all(Encoder::new(columns), bytes, size),
                (digits.into(), Ok(())),
                "pieces of {size}"
            );
            assert_eq!(
                all(Decoder::default(), digits.as_bytes(), size),
                (bytes.to_vec(), Ok(())),
                "pieces of {size}"
            );
        }
    }

    #[test]
    fn the_examples_of_rfc_4648() {
        let digits = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        for (len, digits) in digits.into_iter().enumerate() {
            check(&b"foobar"[..len], 0, digits);
        }
    }

    #[test]
    fn lines_end_where_they_should() {
        check(b"", 4, "");
        check(b"foobar", 4, "Zm9v\nYmFy\n");
        check(b"foobar", 3, "Zm9\nvYm\nFy\n");
        check(&[0xfb, 0xff, 0xbf], 76, "+/+/\n");
    }

    #[test]
    fn every_byte_in_every_place() {
        let bytes: Vec<u8> = (0..=255).flat_map(|byte| [byte, 255 - byte, byte, 7]).collect();
        let (digits, ended) = all(Encoder::new(76), &bytes, 64);
        assert_eq!(ended, Ok(()));
        assert_eq!(all(Decoder::default(), &digits, 5), (bytes, Ok(())));
    }

    #[test]
    fn what_is_invalid_is_found_after_what_is_good() {
        for (digits, good) in [
            ("Zm9v!", "foo"),
            ("Zm9vZ", "foo"),
            ("Zm9vZg=", "foo"),
            ("Zm9v=", "foo"),
            ("Zg=a", ""),
            ("Zh==", "f"),
            ("Zm9v Zm9v", "foo"),
        ] {
            assert_eq!(
                all(Decoder::default(), digits.as_bytes(), 2),
                (good.into(), Err(Invalid)),
                "{digits}"
            );
        }
        assert_eq!(
            all(Decoder::default(), b"Zg==Zg==", 3),
            (b"ff".to_vec(), Ok(())),
            "groups may end early"
        );
    }
}
