//! The guests that the guide shows, with tests: a module for each chapter that has code of its own.
//!
//! A page shows parts of these files as they are; `pages` compares. What the quickstart and the chapters on testing show is that of
//! `examples/` and of `tests/readme.rs`. There is nothing here but tests.

#![cfg(test)]

mod cancellation;
mod futures_;
mod pages;
mod streams;
mod support;
mod tasks;
mod testing;
mod troubles;
mod types;
