//! [`Token`]: a schedule as a word that can be copied.
//!
//! `x1.NAME.WORLDS.TAPE.TRACE`: the scenario, a hash of the worlds of its guests, the tape, and a hash of what happened. The tape
//! is in base64 with the alphabet for addresses, the hashes are hexadecimal.

use super::tape::Tape;
use std::fmt;

/// A schedule of a scenario, and what is known of the program it was recorded with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) name: String,
    pub(crate) worlds: u64,
    pub(crate) tape: Tape,
    pub(crate) trace: u64,
}

/// What a token begins with, which changes when its form or the meaning of its numbers does.
const VERSION: &str = "x1";

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tape = base64(&self.tape.encode());
        write!(
            f,
            "{VERSION}.{}.{:016x}.{tape}.{:016x}",
            self.name, self.worlds, self.trace
        )
    }
}

impl Token {
    /// Reads a token.
    ///
    /// # Errors
    /// What is wrong with it, as a sentence without its full stop.
    pub(crate) fn parse(text: &str) -> Result<Token, String> {
        let text = text.trim();
        let parts: Vec<&str> = text.split('.').collect();
        let [version, name, worlds, tape, trace] = parts[..] else {
            let count = parts.len();
            return Err(format!(
                "it has {count} parts where {VERSION}.NAME.WORLDS.TAPE.TRACE has 5"
            ));
        };
        if version != VERSION {
            return Err(format!(
                "it begins with `{version}`, and this version of the explorer writes `{VERSION}`"
            ));
        }
        let number = |what: &str, text: &str| {
            let digits = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            let number = digits.then(|| u64::from_str_radix(text, 16).ok()).flatten();
            number.ok_or_else(|| format!("its hash of the {what}, `{text}`, is none"))
        };
        let bytes = unbase64(tape).ok_or_else(|| format!("its tape, `{tape}`, is cut short or damaged"))?;
        let tape = Tape::decode(&bytes).ok_or_else(|| "its tape makes no sense".to_owned())?;
        Ok(Token {
            name: name.to_owned(),
            worlds: number("worlds", worlds)?,
            tape,
            trace: number("trace", trace)?,
        })
    }
}

/// The name as it can stand in a token.
pub(crate) fn name_for_token(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '/');
    name.chars().map(|c| if allowed(c) { c } else { '-' }).collect()
}

fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let padded = [
            group[0],
            group.get(1).copied().unwrap_or(0),
            group.get(2).copied().unwrap_or(0),
        ];
        let bits = u32::from_be_bytes([0, padded[0], padded[1], padded[2]]);
        for place in 0..=group.len() {
            let digit = (bits >> (18 - 6 * place)) & 63;
            text.push(char::from(ALPHABET[digit as usize]));
        }
    }
    text
}

fn unbase64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for group in text.as_bytes().chunks(4) {
        let mut bits = 0u32;
        for place in 0..4 {
            let digit = match group.get(place) {
                Some(c) => ALPHABET.iter().position(|known| known == c)?,
                None => 0,
            };
            bits = bits << 6 | digit as u32;
        }
        let length = group.len().checked_sub(1).filter(|length| *length > 0)?;
        let [_, group @ ..] = bits.to_be_bytes();
        if group[length..].iter().any(|byte| *byte != 0) {
            return None;
        }
        bytes.extend_from_slice(&group[..length]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::tape::{Decision, Tape};
    use super::{Token, base64, name_for_token, unbase64};
    use crate::canonical::Choice;

    fn token() -> Token {
        let decision = |answer| Decision {
            kind: Choice::Task,
            n: 3,
            answer,
        };
        Token {
            name: name_for_token("a::test<with> spaces"),
            worlds: 7,
            tape: Tape::of(&[decision(0), decision(2), decision(1)]),
            trace: u64::MAX,
        }
    }

    #[test]
    fn a_token_can_be_read_again() {
        let text = token().to_string();
        assert_eq!(
            text,
            "x1.a::test-with--spaces.0000000000000007.AQEDAgABAwE.ffffffffffffffff"
        );
        assert_eq!(Token::parse(&format!(" {text}\n")), Ok(token()));
        let empty = Token {
            tape: Tape::default(),
            ..token()
        };
        assert_eq!(Token::parse(&empty.to_string()), Ok(empty));
    }

    #[test]
    fn base64_has_an_inverse() {
        for length in 0..20u8 {
            let bytes: Vec<u8> = (0..length).map(|byte| byte.wrapping_mul(37)).collect();
            assert_eq!(unbase64(&base64(&bytes)), Some(bytes));
        }
    }

    #[test]
    fn what_is_no_token_is_refused_with_the_reason() {
        let text = token().to_string();
        let check = |bad: &str, reason: &str| {
            let error = Token::parse(bad).unwrap_err();
            assert!(error.contains(reason), "{bad}: {error}");
        };
        check("", "it has 1 parts");
        check(&text[..text.len() - 17], "it has 4 parts");
        check(&text.replace("x1", "x9"), "it begins with `x9`");
        check(&text.replace("AQEDAgABAwE", "AQEDAgABAwEA!"), "is cut short or damaged");
        check(&text.replace("AQEDAgABAwE", "AQEDAgABA"), "is cut short or damaged");
        check(&text.replace("AQEDAgABAwE", "AQED"), "makes no sense");
        check(&text.replace("0000000000000007", "7"), "hash of the worlds");
        check(
            &text.replace("ffffffffffffffff", "gfffffffffffffff"),
            "hash of the trace",
        );
    }
}
