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
