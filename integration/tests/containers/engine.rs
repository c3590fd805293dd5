//! Commands in the repository's root.

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
}

/// Runs a program in the root and returns what it prints. A failure of the program ends the test.
pub(crate) fn run<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> String {
    attempt(program, arguments).unwrap_or_else(|said| panic!("{program}: {said}"))
}

/// Runs a program that may fail.
pub(crate) fn attempt<S: AsRef<OsStr>>(program: &str, arguments: &[S]) -> Result<String, String> {
    // A make may run this test. A make that the test starts is independent of it.
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .output()
        .map_err(|error| error.to_string())?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(text(&output.stderr))
    }
}

/// The container engine: docker, podman or buildah.
pub(crate) fn engine() -> String {
    run::<&str>("integration/engine.sh", &[])
}

/// The name of an image, which the Makefile passes in this variable.
pub(crate) fn image(variable: &str) -> String {
    env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run this by make test-images"))
}
