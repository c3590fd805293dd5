//! The programs that have to be built or downloaded first, and where they are.

use std::path::{Path, PathBuf};
use std::{env, fmt};

/// A program or a module.
#[derive(Clone, Copy, Debug)]
pub enum Binary {
    /// Envoy itself.
    Envoy,
    /// The filter's wasm module.
    Plugin,
    /// The same filter as a native module.
    Native,
    /// The demo service.
    Color,
    /// The command.
    Canary,
}

impl Binary {
    /// The path that the environment names, else the one where `make` puts the file.
    ///
    /// # Errors
    /// The file does not exist.
    pub fn find(self) -> Result<PathBuf, MissingBinary> {
        let (variable, usual) = match self {
            Self::Envoy => ("CANARY_ENVOY", "target/envoy/bin/envoy"),
            Self::Plugin => ("CANARY_PLUGIN", "dist/plugin.wasm"),
            Self::Native => ("CANARY_NATIVE_MODULE", "dist/libcanary.so"),
            Self::Color => ("CANARY_COLOR", "target/debug/color"),
            Self::Canary => ("CANARY_COMMAND", "target/debug/canary"),
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

/// The repository's root: the nearest folder above the crate that cargo runs that has a `Cargo.lock`, or the current
/// folder if cargo does not run this. It is looked up at run time, because cargo does not rebuild a crate when its folder
/// is moved or copied.
pub fn root() -> PathBuf {
    let of_crate = env::var_os("CARGO_MANIFEST_DIR").and_then(|folder| {
        Path::new(&folder)
            .ancestors()
            .find(|above| above.join("Cargo.lock").is_file())
            .map(Path::to_path_buf)
    });
    of_crate
        .or_else(|| env::current_dir().ok())
        .unwrap_or_default()
}

/// The folder into which cargo builds.
pub fn target() -> PathBuf {
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
