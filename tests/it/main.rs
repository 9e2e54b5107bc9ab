//! Behaviour of the library across its modules, on data; one test program, so that little is linked.

mod generated;
mod patterns;
