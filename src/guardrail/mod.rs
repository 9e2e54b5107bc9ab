//! Rules on a change. Layer 1.
