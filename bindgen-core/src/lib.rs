//! The Canonical ABI of a WIT world, for generators of guest bindings in any language.
//!
//! The way through: [`load::Input`] reads WIT and selects a world; [`world::World`] collects its functions, each with its core
//! signature and its [programs](abi), and the payloads of its streams and futures; [`component_type`] encodes the world for the
//! linker; [`listing`] prints all of it. Nothing here knows a programming language.

pub mod abi;
pub mod check;
pub mod component_type;
pub mod diagnostic;
pub mod listing;
pub mod load;
pub mod world;
