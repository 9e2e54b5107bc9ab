//! Working copies and the sandbox with real git and real processes.

#[cfg(unix)]
mod checkout;
mod isolated;
#[cfg(unix)]
mod sandbox;
#[cfg(unix)]
mod snapshot;
#[cfg(unix)]
mod toolchains;
#[cfg(unix)]
mod world;
