//! What is deployed on Istio and Kubernetes: reads it, and finds what does not fit together, without a cluster.
//!
//! ```text
//! files ──► Documents ──► kustomize::patch ──► schema::check    each document alone
//!                                         ├──► agreement::check  the plugin, its routes and its service together
//!                                         └──► gateway_api::check  the same with an HTTPRoute
//! ```
//!
//! All checks return what they find as values with a text for the user. Nothing here panics.

#![forbid(unsafe_code)]

pub mod agreement;
mod deployed;
mod documents;
mod finding;
pub mod gateway_api;
pub mod kustomize;
mod placement;
mod route;
#[cfg(feature = "schema")]
pub mod schema;
mod service;

pub use deployed::{Deployed, Place, policy};
pub use documents::{Documents, Unreadable};
pub use finding::{Finding, Findings, at, list, name, text};
