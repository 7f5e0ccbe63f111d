//! Compiles the generated code of every WIT file, with warnings denied. That it compiles is the test.

#![deny(warnings)]
#![allow(
    unreachable_pub,
    reason = "types of a world are public at its root, and a test exports nothing"
)]

#[rustfmt::skip]
#[path = "golden/mod.rs"]
mod golden;
