//! Compiles the generated code of every WIT file and of the worlds of WASI, with warnings denied. That it compiles is the test.

#![deny(warnings)]
#![allow(
    unreachable_pub,
    reason = "types of a world are public at its root, and a test exports nothing"
)]

#[rustfmt::skip]
#[path = "golden/mod.rs"]
mod golden;

/// By the macro, whose code is that of the other front ends.
mod wasi {
    mod imports_0_2 {
        witflow::generate!({ path: "tests/wit-wasi-0.2", world: "imports" });
    }
    mod imports_0_2_borrowing {
        witflow::generate!({
            path: "tests/wit-wasi-0.2",
            world: "imports",
            ownership: Borrowing { duplicate_if_necessary: true },
        });
    }
    mod command_0_2 {
        witflow::generate!({ path: "tests/wit-wasi-0.2", world: "command" });
    }
    mod proxy_0_2 {
        witflow::generate!({ path: "tests/wit-wasi-0.2", world: "proxy" });
    }
    mod imports_0_3 {
        witflow::generate!({ path: "tests/wit-wasi", world: "imports" });
    }
    mod command_0_3 {
        witflow::generate!({ path: "tests/wit-wasi", world: "command" });
    }
    mod service_0_3 {
        witflow::generate!({ path: "tests/wit-wasi", world: "service" });
    }
    mod middleware_0_3 {
        witflow::generate!({ path: "tests/wit-wasi", world: "middleware" });
    }
}

/// A type that stands in for a resource knows handles as numbers only.
mod foreign {
    struct Number(u32);

    impl Number {
        fn take_handle(&self) -> u32 {
            self.0
        }

        fn from_handle(handle: u32) -> Self {
            Self(handle)
        }
    }

    mod bindings {
        use super::Number;

        witflow::generate!({
            inline: "package test:foreign; interface api { resource r; give: func(x: r, y: list<r>) -> option<r>; }
                world w { import api; }",
            with: { "test:foreign/api/r": Number },
        });
    }

    #[expect(dead_code, reason = "that it compiles is the test")]
    fn give() -> Option<Number> {
        bindings::test::foreign::api::give(Number(1), Vec::new())
    }
}

mod chained {
    witflow::generate!({
        inline: "package test:chained; interface api { resource r { constructor(); a: func(x: u32); b: async func(x: borrow<r>); } }
            world w { import api; }",
        chainable_methods: ["&test:chained/api#[method]r.a", "all"],
    });

    #[expect(dead_code, reason = "that it compiles is the test")]
    async fn chain(other: &test::chained::api::R) {
        let r = test::chained::api::R::new();
        r.a(1).a(2);
        let _r = r.b(other).await.b(other).await;
    }
}
