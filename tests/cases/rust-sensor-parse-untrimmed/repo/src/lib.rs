//! Reads the sensors of the greenhouse.

pub mod reading;
pub mod valve;
