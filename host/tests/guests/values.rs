//! The native twin of `components/values.wat`.

use super::support::{Twin, native};
use std::collections::BTreeMap;
use witflow::StreamReader;

witflow::generate!({
    inline: "
        package test:values;

        world values {
            enum color { red, dark-green }
            flags rights { read, write-all, exec }
            variant shape { none, circle(f32), named(string) }
            record everything {
                a-bool: bool, a-char: char,
                %s8: s8, %u16: u16, %s32: s32, %u64: u64, %f32: f32, %f64: f64,
                color: color, rights: rights, shape: shape,
                pair: tuple<u8, string>, maybe: option<u32>, outcome: result<_, string>,
                bytes: list<list<u8>>, three: list<u16, 3>, ages: map<string, u32>,
            }
            export all: func(it: list<everything>) -> list<everything>;
            export text: func(it: string) -> string;
            export ages: func(it: map<string, u32>) -> map<string, u32>;
            export streams: func(it: list<stream<u8>>) -> list<stream<u8>>;
        }
    ",
});

struct Values;
export!(Values);

impl Guest for Values {
    fn all(it: Vec<Everything>) -> Vec<Everything> {
        it
    }

    fn text(it: String) -> String {
        it
    }

    fn ages(it: BTreeMap<String, u32>) -> BTreeMap<String, u32> {
        it
    }

    fn streams(it: Vec<StreamReader<u8>>) -> Vec<StreamReader<u8>> {
        it
    }
}

pub(crate) const VALUES: Twin = Twin {
    native: native::<Values>,
    text: include_str!("../components/values.wat"),
};
