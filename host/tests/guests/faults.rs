//! The native twin of `components/faults.wat`.

use super::support::{Twin, native};

witflow::generate!({
    inline: "
        package test:faults;

        world faults {
            export trap: func();
            export stuck: async func();
            export spin: func(n: u32);
            export grow: func(pages: u32) -> s32;
        }
    ",
});

struct Faults;
export!(Faults);

impl Guest for Faults {
    fn trap() {
        panic!("this is unreachable");
    }

    async fn stuck() {
        std::future::pending().await
    }

    fn spin(n: u32) {
        std::hint::black_box(n);
    }

    fn grow(_: u32) -> i32 {
        -1
    }
}

pub(crate) const FAULTS: Twin = Twin {
    native: native::<Faults>,
    text: include_str!("../components/faults.wat"),
};
