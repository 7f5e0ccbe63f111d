//! Strings into memory, in the encoding of the instance, as if they came from a source of some encoding.
//!
//! Which encoding the source has decides how `realloc` is called: an exact allocation, or a guess that grows and shrinks. A
//! guest has to cope with all of them, so the source is a choice. Section "Storing", strings.

use super::choose::Choice;
use super::instance::StringEncoding;
use super::lower::LowerCx;
use super::trap::Result;

/// Stores `text` and gives pointer and length, the latter in code units and tagged as its encoding demands.
pub(super) fn store_string(cx: &LowerCx<'_>, text: &str) -> Result<(*mut u8, usize)> {
    match cx.core.encoding {
        StringEncoding::Utf8 => store_utf8(cx, text),
        StringEncoding::Utf16 => store_utf16(cx, text),
        StringEncoding::Latin1OrUtf16 => store_latin1_or_utf16(cx, text),
    }
}

fn store_utf8(cx: &LowerCx<'_>, text: &str) -> Result<(*mut u8, usize)> {
    let is_latin1 = text.chars().all(|c| u32::from(c) < 0x100);
    let sources = if is_latin1 { 3 } else { 2 };
    // How many code units the source has, and how many bytes one may become.
    let (units, most) = match cx.store.choose(Choice::StringSource, sources) {
        0 => return store_exact(cx, text.as_bytes(), 1, text.len()),
        1 => (text.encode_utf16().count(), 3),
        _ => (text.chars().count(), 2),
    };
    // Room for ASCII first; when that is not enough, for the worst; and in the end for what it is.
    let ascii = text.bytes().take_while(u8::is_ascii).count();
    let mut pointer = cx.allocate(1, units)?;
    cx.store_bytes(pointer, &text.as_bytes()[..ascii]);
    if ascii == text.len() {
        return Ok((pointer, units));
    }
    let worst = units * most;
    pointer = cx.realloc(pointer, units, 1, worst)?;
    cx.store_bytes(pointer.wrapping_add(ascii), &text.as_bytes()[ascii..]);
    if worst > text.len() {
        pointer = cx.realloc(pointer, worst, 1, text.len())?;
    }
    Ok((pointer, text.len()))
}

fn store_exact(cx: &LowerCx<'_>, bytes: &[u8], align: usize, length: usize) -> Result<(*mut u8, usize)> {
    let pointer = cx.allocate(align, bytes.len())?;
    cx.store_bytes(pointer, bytes);
    Ok((pointer, length))
}

fn utf16_bytes(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn store_utf16(cx: &LowerCx<'_>, text: &str) -> Result<(*mut u8, usize)> {
    let bytes = utf16_bytes(text);
    if cx.store.choose(Choice::StringSource, 2) == 1 {
        return store_exact(cx, &bytes, 2, bytes.len() / 2);
    }
    let worst = 2 * text.len();
    let mut pointer = cx.allocate(2, worst)?;
    cx.store_bytes(pointer, &bytes);
    if bytes.len() < worst {
        pointer = cx.realloc(pointer, worst, 2, bytes.len())?;
    }
    Ok((pointer, bytes.len() / 2))
}

fn store_latin1_or_utf16(cx: &LowerCx<'_>, text: &str) -> Result<(*mut u8, usize)> {
    let tag = 1usize << (8 * cx.width.bytes() - 1);
    let source = text.len();
    let latin1: Vec<u8> = text.chars().map_while(|c| u8::try_from(u32::from(c)).ok()).collect();
    let mut pointer = cx.allocate(2, source)?;
    if latin1.len() == text.chars().count() {
        cx.store_bytes(pointer, &latin1);
        if latin1.len() < source {
            pointer = cx.realloc(pointer, source, 2, latin1.len())?;
        }
        return Ok((pointer, latin1.len()));
    }
    let (bytes, worst) = (utf16_bytes(text), 2 * source);
    pointer = cx.realloc(pointer, source, 2, worst)?;
    cx.store_bytes(pointer, &bytes);
    if worst > bytes.len() {
        pointer = cx.realloc(pointer, worst, 2, bytes.len())?;
    }
    Ok((pointer, (bytes.len() / 2) | tag))
}
