//! The one integration test crate: data-driven and cross-module tests, linked once.

mod intake;
