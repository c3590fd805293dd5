//! The edge to the proxy: the only code that knows the host.

pub(crate) mod filter;
mod host;
