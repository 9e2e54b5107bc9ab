//! The one integration test crate: a module a subject, so that little is linked.

mod workspace;
