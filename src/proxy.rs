//! The edge to the proxy: the only code that knows the host.

pub(crate) mod root;

mod host;
mod metrics;
mod plugin;
mod stream;
mod vm;
