//! The listing of an inbox: one line a message.

mod message;
mod preview;

pub use message::{parse, Message};
pub use preview::{listing, preview};
