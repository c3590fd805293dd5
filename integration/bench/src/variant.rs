//! What is measured: one listener, with its filter and its route.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// One row.
#[derive(Clone, Debug)]
pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) route: Route,
    pub(crate) job: Job,
    /// Whether it splits 75 to 25; otherwise everything goes to blue.
    pub(crate) splits: bool,
    /// Whether the answers are gRPC's, with trailers.
    pub(crate) grpc: bool,
}

/// How Envoy selects the cluster.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Route {
    Plain,
    Weighted,
    ByHeader,
    /// By the native module's cluster specifier, alone or beside its HTTP filter.
    Specified,
}

/// The HTTP filter.
#[derive(Clone, Debug)]
pub(crate) enum Job {
    None,
    Lua(&'static str),
    /// A module as WebAssembly text.
    Text(String),
    /// This filter and its configuration.
    Filter {
        module: PathBuf,
        policy: String,
    },
    /// The native module in this form, and its configuration.
    Native(Form, String),
}

/// A form of the native module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Filter,
    Specifier,
    Both,
}

impl Form {
    /// How the rows of this form begin.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Filter => "native filter",
            Self::Specifier => "native specifier",
            Self::Both => "native specifier and filter",
        }
    }
}

impl Variant {
    /// Without a filter.
    pub(crate) fn plain() -> Self {
        Self {
            name: "plain route".to_owned(),
            route: Route::Plain,
            job: Job::None,
            splits: false,
            grpc: false,
        }
    }

    /// The same with gRPC answers.
    pub(crate) fn grpc(self) -> Self {
        Self {
            name: format!("{}, gRPC answer", self.name),
            grpc: true,
            ..self
        }
    }

    pub(crate) fn filter(name: impl Into<String>, module: &Path, policy: &Value) -> Self {
        Self::by_header(
            name,
            Job::Filter {
                module: module.to_path_buf(),
                policy: policy.to_string(),
            },
        )
    }

    /// The native module in this form.
    pub(crate) fn native(name: impl Into<String>, form: Form, policy: &Value) -> Self {
        let own = Self::by_header(name, Job::Native(form, policy.to_string()));
        let route = match form {
            Form::Filter => own.route,
            Form::Specifier | Form::Both => Route::Specified,
        };
        Self { route, ..own }
    }

    pub(crate) fn by_header(name: impl Into<String>, job: Job) -> Self {
        Self {
            name: name.into(),
            route: Route::ByHeader,
            job,
            splits: true,
            grpc: false,
        }
    }
}
