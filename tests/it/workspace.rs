//! Working copies and the sandbox with real git and real processes.

#[cfg(unix)]
mod sandbox;
