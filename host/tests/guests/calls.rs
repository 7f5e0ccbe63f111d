//! The native twin of `components/calls.wat`.

use super::support::{Twin, native};

witflow::generate!({
    inline: "
        package test:guest@0.2.0;

        interface api {
            add: func(a: u32, b: u32) -> u32;
            run: async func(x: u32) -> u32;
        }

        world calls {
            import test:host/calls;
            import tick: func(by: u32);
            export api;
            export add: func(a: u32, b: u32) -> u32;
        }

        package test:host {
            interface calls {
                slow: async func(x: u32) -> u32;
                now: func() -> u32;
            }
        }
    ",
    world: "test:guest/calls",
});

struct Calls;
export!(Calls);

impl Guest for Calls {
    fn add(a: u32, b: u32) -> u32 {
        tick(b);
        a + b + test::host::calls::now()
    }
}

impl exports::test::guest::api::Guest for Calls {
    fn add(a: u32, b: u32) -> u32 {
        <Self as Guest>::add(a, b)
    }

    async fn run(x: u32) -> u32 {
        test::host::calls::slow(x).await
    }
}

pub(crate) const CALLS: Twin = Twin {
    native: native::<Calls>,
    text: include_str!("../components/calls.wat"),
};
