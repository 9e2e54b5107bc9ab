//! Working copies and the sandbox with real git and real processes.

#[cfg(unix)]
mod checkout;
#[cfg(unix)]
mod sandbox;
#[cfg(unix)]
mod snapshot;
#[cfg(unix)]
mod toolchains;
#[cfg(unix)]
mod world;
