//! The three front ends make the same code of the same options.
