//! Primitive types.

use super::plain;

plain! {
    () => [()];
    bool, 5_000 => [false, true];
    u8, 5_000 => [u8::MIN, 1, 0x7f, 0x80, u8::MAX];
    i8, 5_000 => [0, 1, -1, i8::MIN, i8::MAX];
    u16, 5_000 => [u16::MIN, 1, 0x7fff, 0x8000, u16::MAX];
    i16, 5_000 => [0, 1, -1, i16::MIN, i16::MAX];
    u32, 5_000 => [u32::MIN, 1, 0x7fff_ffff, 0x8000_0000, u32::MAX];
    i32, 5_000 => [0, 1, -1, i32::MIN, i32::MAX];
    u64, 5_000 => [u64::MIN, 1, 1 << 32, i64::MAX as u64, u64::MAX];
    i64, 5_000 => [0, 1, -1, i64::MIN, i64::MAX];
    f32, 5_000 => [
        0.0, -0.0, 1.5, f32::MIN, f32::MAX, f32::MIN_POSITIVE, f32::from_bits(1), f32::INFINITY, f32::NEG_INFINITY,
        f32::NAN, -f32::NAN, f32::from_bits(0x7fa0_0001),
    ];
    f64, 10_000 => [
        0.0, -0.0, 1.5, f64::MIN, f64::MAX, f64::MIN_POSITIVE, f64::from_bits(1), f64::INFINITY, f64::NEG_INFINITY,
        f64::NAN, -f64::NAN, f64::from_bits(0x7ff4_0000_0000_0001),
    ];
    char, 5_000 => ['\0', 'a', 'é', '€', '\u{d7ff}', '\u{e000}', '\u{ffff}', '\u{10000}', '🦀', '\u{10ffff}'];
    String, 100 => [
        String::new(),
        "a".to_owned(),
        "naïve €5 🦀\u{10ffff}".to_owned(),
        "é€🦀".repeat(8_000),
        "\0 \"quoted\" \\ \r\n".to_owned(),
    ];
}
