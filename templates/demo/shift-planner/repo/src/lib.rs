//! Plans who is on call.

pub mod away;
pub mod rota;
