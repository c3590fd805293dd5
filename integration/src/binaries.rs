//! What has to be built or downloaded before, and where it is.

use std::path::{Path, PathBuf};
use std::{env, fmt};

/// Something that runs.
#[derive(Clone, Copy, Debug)]
pub enum Binary {
    /// Envoy itself.
    Envoy,
    /// The filter's module.
    Plugin,
    /// The demo service.
    Color,
}

impl Binary {
    /// The path that the environment names, else the one where `make` puts it.
    ///
    /// # Errors
    /// No file is there.
    pub fn find(self) -> Result<PathBuf, MissingBinary> {
        let (variable, usual) = match self {
            Self::Envoy => ("CANARY_ENVOY", "target/envoy/bin/envoy"),
            Self::Plugin => ("CANARY_PLUGIN", "dist/plugin.wasm"),
            Self::Color => ("CANARY_COLOR", "target/debug/color"),
        };
        let path = match env::var_os(variable).filter(|path| !path.is_empty()) {
            Some(path) => root().join(path),
            None => root().join(usual),
        };
        if path.is_file() {
            Ok(path)
        } else {
            Err(MissingBinary { path, variable })
        }
    }
}

/// The repository's root: of the crate that cargo runs, or the folder in which the demo is started. It is asked at run
/// time, for cargo does not build anew what it has built in a folder that was moved or copied since.
pub(crate) fn root() -> PathBuf {
    let of_crate = env::var_os("CARGO_MANIFEST_DIR")
        .and_then(|dir| Some(Path::new(&dir).parent()?.to_owned()));
    of_crate
        .or_else(|| env::current_dir().ok())
        .unwrap_or_default()
}

/// Where cargo builds.
#[cfg(feature = "bench")]
pub(crate) fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// A [`Binary`] that is not where it should be.
#[derive(Debug)]
pub struct MissingBinary {
    path: PathBuf,
    variable: &'static str,
}

impl fmt::Display for MissingBinary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, variable } = self;
        write!(
            f,
            "{} is missing: run `make demo` or `make test`, which put it there, or set {variable}",
            path.display()
        )
    }
}

impl std::error::Error for MissingBinary {}
